"""Tables of an HTML page, as many programs write them under the name .xls: merged headers, the largest table read."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import PurePath
from typing import TYPE_CHECKING

from mahakam.feeds.sources import grids
from mahakam.feeds.sources import layout as lay
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.model import MAX_CELLS, MAX_COLUMNS, MAX_JSON, Pins, SourceError, Table
from mahakam.feeds.sources.text import prepare

if TYPE_CHECKING:
    import duckdb

_BREAKS = ("br", "p", "div", "li")
_MOST_ROWS = 1_048_576


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """One table of the page; ``sheet`` pins which, from 1. ``_line`` counts the table's rows.

    Raises SourceError for a page without a table.
    """
    ending = PurePath(found.name.lower().removesuffix(".gz")).suffix
    text = prepare(found, pins.encoding)
    if text.path.stat().st_size > MAX_JSON:
        raise SourceError(found.name, f"is larger than {MAX_JSON >> 20} MB; ask for the table as .xlsx")
    parser = _Tables(found.name)
    with text.path.open(encoding="utf-8-sig") as file:
        while piece := file.read(1 << 20):
            parser.feed(piece)
    parser.close()
    tables = [one for one in parser.done() if one.grid]
    if not tables:
        raise SourceError(
            found.name, "is an HTML page without a table: is it the page of a sign-in or an error?"
        )
    number, notes = _choose(found, tables, pins.sheet)
    chosen = tables[number - 1]
    notes = [*text.notes, *notes]
    if ending in (".xls", ".xlsx"):
        notes.append(f"is an HTML page, although it is named {ending}")
    return grids.table(
        found,
        connection,
        pins,
        chosen.grid,
        chosen.merged,
        format="html",
        sheet=f"table {number}",
        notes=notes,
    )


@dataclass(slots=True)
class _Grid:
    """A table: its cells, and areas of one cell as first row and column, last row and column from 0."""

    grid: list[list[str | None]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    covered: dict[int, int] = field(default_factory=dict)
    """Columns that a cell above covers, with the last row that it does."""

    def place(self, text: str, columns: int, rows: int) -> None:
        row, here = self.grid[-1], len(self.grid) - 1
        while self.covered.get(len(row), -1) >= here:
            row.append(None)
        left = len(row)
        row.extend([text or None, *[None] * (columns - 1)])
        if columns > 1 or rows > 1:
            self.merged.append((here, left, here + rows - 1, left + columns - 1))
        if rows > 1:
            self.covered |= dict.fromkeys(range(left, left + columns), here + rows - 1)


class _Tables(HTMLParser):
    """Collects the tables of a page; one inside a cell of another is a table of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(convert_charrefs=True)
        self._name = name
        self._found: list[_Grid] = []
        self._open: list[_Grid] = []
        self._cells: list[tuple[list[str], int, int] | None] = []
        self._hidden = 0
        self._count = 0

    def done(self) -> list[_Grid]:
        while self._open:
            self._end_table()
        return self._found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("style", "script", "title"):
            self._hidden += 1
        elif tag == "table":
            self._open.append(_Grid())
            self._cells.append(None)
            self._found.append(self._open[-1])
        elif not self._open:
            return
        elif tag == "tr":
            self._end_cell()
            self._open[-1].grid.append([])
        elif tag in ("td", "th"):
            self._end_cell()
            if not self._open[-1].grid:
                self._open[-1].grid.append([])
            given = dict(attrs)
            self._cells[-1] = (
                [],
                _span(given.get("colspan"), MAX_COLUMNS),
                _span(given.get("rowspan"), _MOST_ROWS),
            )
        elif tag in _BREAKS and self._cells[-1] is not None:
            self._cells[-1][0].append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script", "title"):
            self._hidden = max(0, self._hidden - 1)
        elif tag == "table" and self._open:
            self._end_table()
        elif tag in ("td", "th", "tr") and self._open:
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self._open and not self._hidden and self._cells[-1] is not None:
            self._cells[-1][0].append(data)

    def _end_table(self) -> None:
        self._end_cell()
        self._open.pop()
        self._cells.pop()

    def _end_cell(self) -> None:
        cell = self._cells[-1]
        if cell is None:
            return
        parts, columns, rows = cell
        lines = [" ".join(line.split()) for line in "".join(parts).split("\n")]
        self._cells[-1] = None
        self._count += columns
        if self._count > MAX_CELLS:
            raise SourceError(self._name, f"holds more than {MAX_CELLS:,} cells; ask for the table as .csv")
        self._open[-1].place(" ".join(line for line in lines if line), columns, rows)


def _span(given: str | None, most: int) -> int:
    return (
        min(max(int(given), 1), most)
        if given and given.isascii() and given.isdigit() and len(given) < 8
        else 1
    )


def _choose(found: Local, tables: list[_Grid], pinned: str | None) -> tuple[int, list[str]]:
    """The number of the table that is read, from 1: the one that is pinned, else that with the most filled cells."""
    if pinned is not None:
        wanted = pinned.removeprefix("table ").strip()
        if not wanted.isdigit() or not 1 <= int(wanted) <= len(tables):
            raise SourceError(found.name, f"has no table {pinned!r}; it has tables 1 to {len(tables)}")
        return int(wanted), []
    filled = [sum(lay.filled(cell) for row in one.grid for cell in row) for one in tables]
    number = filled.index(max(filled)) + 1
    if len(tables) == 1:
        return number, []
    return number, [
        f"the page has {len(tables)} tables: read the largest, number {number}; pin sheet for another"
    ]


FORMAT = Format(read, "HTML tables (as .xls)", ("an HTML page",), (".html", ".htm"))
