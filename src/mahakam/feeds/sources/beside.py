"""Tables side by side on a sheet: which columns each has; one that was printed in halves is told from several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mahakam.feeds.sources import layout as lay

_DENSE = 0.9
"""Share of the rows between its first and its last that a table fills; remarks beside another fill fewer."""


@dataclass(frozen=True, slots=True)
class Region:
    """Columns of a sheet, from 0, ``right`` included."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class _Block:
    """What stands in a region: header rows and data rows from 0, ``names`` of its columns, a title of its own."""

    region: Region
    header: tuple[int, int]
    first: int
    last: int
    names: tuple[str, ...]
    titled: bool


def regions(grid: lay.Grid, merged: lay.Merged = ()) -> tuple[list[Region], bool]:
    """The columns of each table, from the left; none where a sheet's tables all have the same columns.

    The second value: the regions repeat the same header, so they are one table, printed in halves.
    """
    spans = _spans(grid)
    if len(spans) == 1:
        halves = _repeating(grid, merged, spans[0])
        return halves, bool(halves)
    blocks = [block for span in spans if (block := _block(grid, merged, span)) is not None]
    if len(blocks) < 2:
        return [], False
    if all(one.names == blocks[0].names and one.header == blocks[0].header for one in blocks[1:]):
        return [block.region for block in blocks], True
    found = [blocks[0]]
    for block in blocks[1:]:
        if _apart(found[-1], block):
            found.append(block)
        else:
            found[-1] = _together(found[-1], block)
    return ([block.region for block in found], False) if len(found) > 1 else ([], False)


def masked(grid: lay.Grid, region: Region) -> list[list[str | None]]:
    """The grid with every cell outside of a region empty."""
    blank: list[str | None] = [None] * region.left
    return [[*blank, *row[region.left : region.right + 1]] for row in grid]


def within(merged: lay.Merged, region: Region) -> list[tuple[int, int, int, int]]:
    """The merged areas of a region."""
    return [area for area in merged if region.left <= area[1] and area[3] <= region.right]


def _spans(grid: lay.Grid) -> list[Region]:
    """Runs of columns between blank ones. A row of one cell (a title, a note) fills no column."""
    used: set[int] = set()
    for row in grid:
        filled = [column for column, cell in enumerate(row) if lay.filled(cell)]
        if len(filled) > 1:
            used.update(filled)
    ordered = sorted(used)
    starts = [column for column in ordered if column - 1 not in used]
    ends = [column for column in ordered if column + 1 not in used]
    return [Region(left, right) for left, right in zip(starts, ends, strict=True)]


def _block(grid: lay.Grid, merged: lay.Merged, span: Region) -> _Block | None:
    """The first table of a run of columns; None for what is no table: no header, fewer than two rows, remarks."""
    if span.right == span.left:
        return None
    part, areas = masked(grid, span), within(merged, span)
    place = lay.table_columns(part, lay.detect(part, areas))
    rows, _ = lay.data_rows(part, place)
    if not place.first or len(rows) < 2 or len(place.columns) < 2:
        return None
    if len(rows) < _DENSE * (rows[-1] - rows[0] + 1):
        return None
    above = [row for row in part[: place.first - 1] if any(map(lay.filled, row))]
    names = tuple(" ".join(name.split()).casefold() for name in place.names)
    return _Block(span, (place.first, place.last), rows[0], rows[-1], names, bool(above))


def _apart(left: _Block, right: _Block) -> bool:
    """Two tables, and not one with a blank column in it: each has its own title, header, names or length."""
    return (
        (left.titled and right.titled)
        or left.header != right.header
        or bool(set(left.names) & set(right.names))
        or abs(left.last - right.last) > 1
        or abs(left.first - right.first) > 1
    )


def _together(left: _Block, right: _Block) -> _Block:
    region = Region(left.region.left, right.region.right)
    titled = left.titled or right.titled
    return _Block(region, left.header, left.first, left.last, (*left.names, *right.names), titled)


def _repeating(grid: lay.Grid, merged: lay.Merged, span: Region) -> list[Region]:
    """The halves of one table whose header is the same names again, no column between; none if it is not."""
    place = lay.detect(grid, merged)
    names = [" ".join(name.split()).casefold() for name in place.names[span.left : span.right + 1]]
    if not place.first or not all(names):
        return []
    for width in range(2, len(names) // 2 + 1):
        parts = [names[at : at + width] for at in range(0, len(names), width)]
        if all(upper == lower for upper, lower in pairwise(parts)) and len(set(parts[0])) == width:
            return [Region(span.left + at, span.left + at + width - 1) for at in range(0, len(names), width)]
    return []


__all__: Sequence[str] = ("Region", "masked", "regions", "within")
