"""What a source gives: the table, how it was read, and the rows whose shape is broken."""

from __future__ import annotations

import shutil
import weakref
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

ROW, LINE, GEOMETRY = "_row", "_line", "_geometry"
MAX_LINE = 16 * 1024 * 1024
"""Longest line of a text file, in bytes: beyond it the file is not a table."""
MAX_COLUMNS = 4096
MAX_UNPACKED = 4 * 1024 * 1024 * 1024
"""Bytes that a compressed text file may unpack to."""
MAX_JSON = 1024 * 1024 * 1024
MAX_CELLS = 40_000_000
"""Cells of the rectangle that a spreadsheet's sheet spans (empty ones counted: the reader holds them all)."""


class SourceError(Exception):
    """A file that cannot be read as a table: which file, where in it, and what would be right."""

    def __init__(self, file: str, problem: str, *, where: str = "") -> None:
        super().__init__(f"{file}{', ' + where if where else ''}: {problem}")
        self.file = file
        self.where = where
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Pins:
    """What a feed pins of how its file is read (docs/configuration.md); None: detected.

    ``header``: ``"3"``, ``"1-3"`` or ``"0"``, rows counted from 1; ``rows``: ``"10-250"``, the data rows as the
    file counts them; ``decimal`` is how numeric spreadsheet cells are written as text;
    ``table``: which of several on a sheet, by its number from 1 or its title.
    """

    format: str | None = None
    entry: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    header: str | None = None
    columns: tuple[str, ...] | None = None
    sheet: str | None = None
    records: str | None = None
    rows: str | None = None
    table: str | None = None


@dataclass(slots=True)
class SourceInfo:
    """How a file was read: every value was pinned or detected. ``bytes`` and ``sha256`` are of the file as it came.

    ``header_rows`` are the first and last row of the column names, from 1 ((0, 0): none); ``notes`` say in words
    what was detected that a reader should know.
    """

    file: str
    sha256: str
    bytes: int
    format: str
    entry: str = ""
    encoding: str = ""
    delimiter: str = ""
    newline: str = ""
    sheet: str = ""
    header_rows: tuple[int, int] = (0, 0)
    columns: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Only what is known, as plain JSON."""
        out: dict[str, Any] = {
            "file": self.file,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "format": self.format,
        }
        for name in ("entry", "encoding", "delimiter", "newline", "sheet"):
            if value := getattr(self, name):
                out[name] = value
        if self.header_rows[1]:
            out["header_rows"] = list(self.header_rows)
        out["columns"] = self.columns
        if self.notes:
            out["notes"] = self.notes
        return out


@dataclass(frozen=True, slots=True)
class Fault:
    """A row whose shape is broken (too few cells, a quote never closed): it is in the relation, and in doubt."""

    row: int
    line: int
    value: str
    problem: str
    expected: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """A table whose shape its reader has yet to show: it is regular if reading it raises no error and gives ``rows``
    rows. Its relation has no ``_row`` and ``_line``: row n is line n + ``lines_before``.
    """

    rows: int
    lines_before: int


class Table:
    """A file as a DuckDB relation: ``_row`` (data row from 1), ``_line`` (the row a person sees), VARCHAR columns.

    ``faults`` are rows of the relation whose shape is broken; ``left_out`` counts, by reason, what stood in the file
    and is no data row (a note under the table); ``lacks`` are characters that no cell holds, and the empty string: no
    cell is empty (it is NULL). The relation reads files in ``scratch``, which lives as long as this.
    """

    def __init__(
        self,
        relation: duckdb.DuckDBPyRelation,
        info: SourceInfo,
        faults: list[Fault] | None = None,
        left_out: dict[str, int] | None = None,
        unproven: Unproven | None = None,
        lacks: Iterable[str] = (),
    ) -> None:
        self.relation = relation
        self.info = info
        self.faults = faults or []
        self.left_out = left_out or {}
        self.unproven = unproven
        self.lacks = frozenset(("", *lacks))

    @property
    def columns(self) -> list[str]:
        """The data columns' names (without ``_row`` and ``_line``)."""
        return self.info.columns

    def keep(self, scratch: Path | None) -> Table:
        """Remove ``scratch`` when this table is no longer used."""
        if scratch is not None:
            weakref.finalize(self, shutil.rmtree, scratch, True)
        return self


def distinct_names(names: list[str]) -> list[str]:
    """Column names that DuckDB can tell apart: not blank, not repeated (case does not count), none of ours."""
    out: list[str] = []
    taken = {ROW, LINE, GEOMETRY}
    for number, raw in enumerate(names, 1):
        name = " ".join(raw.replace("\x00", "").split()) or f"column {number}"
        candidate, again = name, 1
        while candidate.lower() in taken:
            again += 1
            candidate = f"{name} ({again})"
        taken.add(candidate.lower())
        out.append(candidate)
    return out


def repeated(names: Iterable[str]) -> list[str]:
    """What to note of column names that stand more than once: which, and what the later ones are read as."""
    plain = [" ".join(name.split()) for name in names]
    times = Counter(name.lower() for name in plain if name)
    first = {name.lower(): name for name in reversed(plain)}
    return [
        f"column name {first[key]!r} stands {count} times: the later ones are read as '{first[key]} (2)' and on"
        for key, count in times.items()
        if count > 1
    ][:20]


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("\x00", "").replace("'", "''") + "'"


def row_range(rows: str | None, file: str) -> tuple[int, int]:
    """The pin ``rows``: ``"10-250"`` → (10, 250); open at either end."""
    if rows is None:
        return 0, 1 << 62
    first, dash, last = rows.partition("-")
    try:
        return int(first or 0), int(last or 1 << 62) if dash else int(first)
    except ValueError as error:
        raise SourceError(file, f'rows {rows!r} is no range; write rows: "10-250"') from error
