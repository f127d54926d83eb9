"""Several tables on a sheet, under one another and side by side: where each stands, its title, and which is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mahakam.feeds.sources import beside
from mahakam.feeds.sources import layout as lay
from mahakam.feeds.sources.model import SourceError

MOST = 50
"""Tables of a sheet that are told apart."""


@dataclass(frozen=True, slots=True)
class Stacked:
    """A table of a sheet: ``title``, "" for none; its rows from 1, title and header included; ``rows`` of data.

    ``region``: its columns, where others stand beside it.
    """

    title: str
    first: int
    last: int
    rows: int
    region: beside.Region | None = None

    def said(self, number: int) -> str:
        name = f" {self.title[:60]!r}" if self.title else ""
        columns = ""
        if self.region is not None:
            left, right = lay.column_letter(self.region.left), lay.column_letter(self.region.right)
            columns = f" columns {left} to {right},"
        return f"{number}:{name} in rows {self.first} to {self.last},{columns} {self.rows} of data"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Where the table that is read stands: rows from 0, ``end`` not included, and its columns."""

    start: int
    end: int
    region: beside.Region | None = None


def tables(grid: lay.Grid, merged: lay.Merged = ()) -> list[Stacked]:
    """All tables of a sheet: from the left, and of the same columns from the top."""
    found, halves = beside.regions(grid, merged)
    if not found or halves:
        return _under(grid, merged, None)
    every = [
        one
        for region in found
        for one in _under(beside.masked(grid, region), beside.within(merged, region), region)
    ]
    return every[:MOST]


def _under(grid: lay.Grid, merged: lay.Merged, region: beside.Region | None) -> list[Stacked]:
    found: list[Stacked] = []
    start = 0
    while start < len(grid) and len(found) < MOST:
        part = grid[start:]
        place = lay.table_columns(part, lay.detect(part, moved(merged, start)))
        kept, _ = lay.data_rows(part, place)
        after = lay.second(part, place, kept)
        end = start + (after if after is not None else len(part))
        if kept:
            title = _title(grid, start, start + place.first - 1)
            found.append(Stacked(title, _top(grid, start) + 1, start + kept[-1] + 1, len(kept), region))
        if after is None:
            break
        start = end
    return found


def chosen(grid: lay.Grid, merged: lay.Merged, pinned: str, file: str, sheet: str) -> Chosen:
    """The table that a feed pins by its number or by its title.

    Raises SourceError naming the tables there are.
    """
    found = tables(grid, merged)
    wanted = " ".join(pinned.split()).casefold()
    if wanted.isdigit() and 1 <= int(wanted) <= len(found):
        index = int(wanted) - 1
    else:
        same = [i for i, one in enumerate(found) if one.title.casefold() == wanted]
        inside = same or [i for i, one in enumerate(found) if wanted in one.title.casefold()]
        if len(inside) != 1 or wanted.isdigit():
            why = "names several tables" if len(inside) > 1 else "names no table"
            raise SourceError(
                file, f"table: {pinned!r} {why}; there is {listed(found)}", where=f"sheet {sheet}"
            )
        index = inside[0]
    region = found[index].region
    before = index > 0 and found[index - 1].region == region
    after = index + 1 < len(found) and found[index + 1].region == region
    start = found[index].first - 1 if before else 0
    return Chosen(start, found[index + 1].first - 1 if after else len(grid), region)


def listed(found: Sequence[Stacked]) -> str:
    """All tables in words."""
    return "; ".join(one.said(number) for number, one in enumerate(found, 1))


def moved(merged: lay.Merged, rows: int) -> list[tuple[int, int, int, int]]:
    """Merged areas as they stand in a grid that begins so many rows later."""
    return [(top - rows, left, bottom - rows, right) for top, left, bottom, right in merged if top >= rows]


def _top(grid: lay.Grid, start: int) -> int:
    return next((i for i in range(start, len(grid)) if any(map(lay.filled, grid[i]))), start)


def _title(grid: lay.Grid, start: int, header: int) -> str:
    """The words right above a table's header: the last row there that holds one text only."""
    for row in reversed(grid[start:header]):
        cells = [" ".join((cell or "").split()) for cell in row if lay.filled(cell)]
        if len(cells) == 1 and not lay.is_value(cells[0]):
            return cells[0]
        if cells:
            break
    return ""


__all__: Sequence[str] = ("Chosen", "Stacked", "chosen", "listed", "moved", "tables")
