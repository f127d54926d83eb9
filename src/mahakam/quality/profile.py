"""What the columns of a file hold: missing marks, types that every value follows, ranges, lengths, distinct
values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mahakam.quality.functions import Functions
from mahakam.quality.lexical import Kind
from mahakam.quality.typing_sql import full_match, identifier, text_literal, typed

MARKERS = ("---", "--", "-", "N/A", "n/a", "NA", "#N/A", "NULL", "null", "None", "NaN", "nan", "?", ".")
"""Text that people write where there is no value."""
FEW = 20
"""The most distinct values that are taken for a list of codes."""
CANDIDATES: tuple[Kind, ...] = (
    Kind("integer"),
    Kind("number"),
    Kind("integer", decimal=",", group="."),
    Kind("number", decimal=",", group="."),
    Kind("boolean"),
    Kind("date"),
    Kind("date", format="dd/MM/yyyy"),
    Kind("date", format="d/M/yyyy"),
    Kind("date", format="dd-MM-yyyy"),
    Kind("date", format="d-M-yyyy"),
    Kind("date", format="dd.MM.yyyy"),
    Kind("date", format="M/d/yyyy"),
    Kind("date", format="yyyy/MM/dd"),
    Kind("date", format="yyyyMMdd"),
    Kind("timestamp"),
    Kind("timestamp", format="dd/MM/yyyy HH:mm:ss"),
    Kind("timestamp", format="d/M/yyyy H:mm"),
    Kind("timestamp", format="M/d/yyyy H:mm"),
    Kind("time"),
    Kind("object", geometry=True),
    Kind("object"),
    Kind("array"),
)
"""Kinds in the order in which they are preferred when all values of a column follow several."""

_SAMPLE = 5_000


@dataclass
class ColumnProfile:
    """One column. ``kind``: the type that all its values follow. ``low``, ``high``: typed, for ordered types.

    ``length``: the length of all its values if it is one and the same (a code), else 0; ``values``: the
    distinct values if they are few and each occurs often.
    """

    name: str
    rows: int
    missing: int
    distinct: int
    kind: Kind
    low: Any = None
    high: Any = None
    length: int = 0
    digits: bool = False
    values: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return self.rows > 0 and self.missing == 0

    @property
    def unique(self) -> bool:
        return self.complete and self.distinct == self.rows


@dataclass
class Profile:
    """A file: its rows, the missing marks that occur, its columns."""

    rows: int
    markers: list[str]
    columns: list[ColumnProfile]


def profile(connection: Any, relation: str, columns: Sequence[str]) -> Profile:
    """Look at a table or view of VARCHAR columns (``_row``, ``_line``, then ``columns``)."""
    return _Profiler(connection, relation, columns).run()


class _Profiler:
    def __init__(self, connection: Any, relation: str, columns: Sequence[str]) -> None:
        self.connection = connection
        self.columns = columns
        self.relation = identifier(relation)
        self.functions = Functions(None)

    def run(self) -> Profile:
        markers = self._markers()
        rows = self._query(["count(*)"], self.relation)[0]
        made = [self._column(name, rows, markers) for name in self.columns]
        if any(column.kind.decimal == "," for column in made):
            made = [self._regrouped(column, markers) for column in made]
        return Profile(rows, markers, made)

    def _query(self, values: Sequence[str], source: str) -> tuple[Any, ...]:
        """One row of aggregates."""
        self.functions.register(self.connection)
        try:
            sql = f"SELECT {', '.join(values)} FROM {source}"  # noqa: S608 - names and texts are quoted
            return tuple(self.connection.execute(sql).fetchall()[0])
        finally:
            self.functions.forget(self.connection)
            self.functions = Functions(None)

    def _markers(self) -> list[str]:
        """Marks that occur in some column that holds other values too."""
        found: set[str] = set()
        for name in self.columns:
            column = identifier(name)
            counts = [f"count(*) FILTER (WHERE {column} = {text_literal(marker)})" for marker in MARKERS]
            row = self._query([f"count(nullif({column}, ''))", *counts], self.relation)
            marks = [(marker, number) for marker, number in zip(MARKERS, row[1:], strict=True) if number]
            if sum(number for _, number in marks) < row[0]:
                found.update(marker for marker, _ in marks)
        return [marker for marker in MARKERS if marker in found]

    def _text(self, name: str, markers: list[str], sample: int = 0) -> str:
        """The column's text as ``t``, missing values NULL."""
        column = identifier(name)
        missing = ", ".join(map(text_literal, ["", *markers]))
        limit = f" LIMIT {sample}" if sample else ""
        present = f"CASE WHEN {column} IN ({missing}) THEN NULL ELSE {column} END"
        return f"(SELECT {present} AS t FROM {self.relation}{limit})"  # noqa: S608 - quoted

    def _column(self, name: str, rows: int, markers: list[str]) -> ColumnProfile:
        shape = [
            "count(t)",
            "count(DISTINCT t)",
            "min(length(t))",
            "max(length(t))",
            f"count(*) FILTER (WHERE {full_match('t', '[0-9]+')})",
            f"count(*) FILTER (WHERE {full_match('t', '0[0-9]+')})",
        ]
        present, distinct, low, high, digits, zeros = self._query(shape, self._text(name, markers))
        code = bool(zeros) and digits == present
        kind = Kind("string") if code or not present else self._kind(name, markers)
        made = ColumnProfile(name, rows, rows - present, distinct, kind)
        made.length = low if low == high and present else 0
        made.digits = bool(present) and digits == present
        if kind.logical == "string" and 0 < distinct <= FEW and present >= 10 * distinct:
            made.values = self._values(name, markers)
        self._range(made, markers)
        return made

    def _kind(self, name: str, markers: list[str]) -> Kind:
        """The first candidate that every value follows: tried on a sample, then on the whole."""
        candidates = self._following(name, markers, list(CANDIDATES), _SAMPLE)
        return next(iter(self._following(name, markers, candidates, 0)), Kind("string"))

    def _following(self, name: str, markers: list[str], candidates: list[Kind], sample: int) -> list[Kind]:
        if not candidates:
            return []
        counts = [f"count({typed('t', kind, self.functions)})" for kind in candidates]
        row = self._query(["count(t)", *counts], self._text(name, markers, sample))
        return [kind for kind, number in zip(candidates, row[1:], strict=True) if number == row[0]]

    def _range(self, column: ColumnProfile, markers: list[str]) -> None:
        if column.kind.logical not in ("integer", "number", "date", "timestamp", "time"):
            return
        value = typed("t", column.kind, self.functions)
        column.low, column.high = self._query(
            [f"min({value})", f"max({value})"], self._text(column.name, markers)
        )

    def _values(self, name: str, markers: list[str]) -> list[str]:
        sql = f"SELECT DISTINCT t FROM {self._text(name, markers)} WHERE t IS NOT NULL ORDER BY t"  # noqa: S608
        return [row[0] for row in self.connection.execute(sql).fetchall()]

    def _regrouped(self, column: ColumnProfile, markers: list[str]) -> ColumnProfile:
        """In a file with decimal commas, ``1.234`` is a thousand and some."""
        kind = Kind("integer", decimal=",", group=".")
        if column.kind.logical not in ("integer", "number") or column.kind.decimal == ",":
            return column
        if self._following(column.name, markers, [kind], 0):
            column.kind = kind
            self._range(column, markers)
        return column


def pairs(columns: Sequence[ColumnProfile]) -> Iterator[tuple[ColumnProfile, ColumnProfile]]:
    """Pairs of complete columns that could be a key together, the first columns first."""
    whole = [c for c in columns if c.complete and c.kind.logical not in ("number", "object", "array")][:6]
    for i, first in enumerate(whole):
        for second in whole[i + 1 :]:
            if first.distinct * second.distinct >= first.rows:
                yield first, second
