"""A grid of cells (a sheet, the tables of a PDF) as a table: its header found, notes and totals told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources import beside, stacked
from mahakam.feeds.sources import layout as lay
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.groups import groups
from mahakam.feeds.sources.model import (
    LINE,
    MAX_COLUMNS,
    ROW,
    Pins,
    SourceError,
    SourceInfo,
    Table,
    distinct_names,
    repeated,
    row_range,
)

if TYPE_CHECKING:
    import duckdb

Grid = list[list[str | None]]


def table(
    found: Local,
    connection: duckdb.DuckDBPyConnection,
    pins: Pins,
    grid: Grid,
    merged: Sequence[tuple[int, int, int, int]] = (),
    *,
    format: str,
    sheet: str,
    notes: Sequence[str] = (),
) -> Table:
    """``merged``: areas of one cell, as first row and column, last row and column from 0. ``_line`` is the grid's row.

    Raises SourceError for a grid without cells, or with other columns than the pins say.
    """
    import pyarrow as pa

    if not any(lay.filled(cell) for row in grid for cell in row):
        raise SourceError(
            found.name, "holds no cells; name another sheet or ask for the file again", where=f"sheet {sheet}"
        )
    pick, halves, listed = _pick(grid, merged, pins, found.name, sheet)
    whole, grid = grid, (beside.masked(grid, pick.region) if pick.region else grid)[: pick.end]
    areas = beside.within(merged, pick.region) if pick.region else merged
    if pins.header is not None:
        place = lay.pinned(pins.header, whole, merged, found.name)
    else:
        place = lay.detect(grid[pick.start :], stacked.moved(areas, pick.start), pick.start)
    place.notes += [*listed, *_filled_down(grid, areas, place.last)]
    if pins.columns is None:
        place = lay.table_columns(grid, place)
    else:
        place = _pinned_columns(place, pins.columns, found, sheet)
    if len(place.columns) > MAX_COLUMNS:
        raise SourceError(
            found.name, f"has {len(place.columns)} columns; more than {MAX_COLUMNS} are not read"
        )
    if pins.rows is None:
        kept, left_out = lay.data_rows(grid, place)
    else:
        kept, left_out = _pinned_rows(grid, place, pins.rows, found.name)
    notes = list(notes)
    if pins.table is None and not listed and "second table under the first" in left_out:
        notes.append(_several(stacked.tables(whole, merged)))
    grouped = groups(grid, kept, place.columns, areas) if not halves[1:] else None
    if grouped is not None:
        kept = [row for row in kept if row not in grouped.headings]
        left_out = {**left_out, "heading of a group, read as a column": len(grouped.headings)}
        place.notes.append(grouped.note)
    names = [*place.names, *([grouped.name] if grouped else [])]
    cells = [(row, grid[row], 0) for row in kept]
    for half in halves[1:]:
        part = beside.masked(whole, half)
        moved = half.left - halves[0].left
        rows, _ = lay.data_rows(part, replace(place, columns=[c + moved for c in place.columns], notes=[]))
        cells += [(row, part[row], moved) for row in rows]
    info = SourceInfo(
        found.name,
        found.sha256,
        found.bytes,
        format,
        entry=found.entry,
        sheet=sheet,
        header_rows=(place.first, place.last),
        columns=distinct_names(names),
        notes=[*notes, *place.notes, *repeated(names)],
    )
    arrays: list[pa.Array[Any]] = [
        pa.array(range(1, len(cells) + 1), pa.int64()),
        pa.array([index + 1 for index, _, _ in cells], pa.int64()),
        *(pa.array([_cell(row, c + moved) for _, row, moved in cells], pa.string()) for c in place.columns),
        *([pa.array([grouped.of.get(index) for index, _, _ in cells], pa.string())] if grouped else []),
    ]
    relation = connection.from_arrow(pa.Table.from_arrays(arrays, names=[ROW, LINE, *info.columns]))
    return Table(relation, info, left_out=left_out).keep(found.scratch)


def _pick(
    grid: Grid, merged: Sequence[tuple[int, int, int, int]], pins: Pins, file: str, sheet: str
) -> tuple[stacked.Chosen, list[beside.Region], list[str]]:
    """Where the table that is meant stands; the halves that it was printed in; what to note of others beside it."""
    if pins.table is not None:
        return stacked.chosen(grid, merged, pins.table, file, sheet), [], []
    every = stacked.Chosen(0, len(grid))
    if pins.header is not None or pins.columns is not None or pins.rows is not None:
        return every, [], []
    found, halves = beside.regions(grid, merged)
    if halves:
        note = f"{len(found)} groups of the same columns stand side by side: read one under the other"
        return replace(every, region=found[0]), found, [note]
    if found:
        there = stacked.tables(grid, merged)
        return stacked.chosen(grid, merged, "1", file, sheet), [], [_several(there)]
    return every, [], []


def _several(there: Sequence[stacked.Stacked]) -> str:
    listed = stacked.listed(there)
    return f"the sheet holds {len(there)} tables: the first is read; pin table for another ({listed})"


def _filled_down(grid: Grid, merged: Sequence[tuple[int, int, int, int]], header: int) -> list[str]:
    """Give each row the value of a merged cell that covers it and others, below the header; what to note of it."""
    columns: set[int] = set()
    for top, left, bottom, right in merged:
        if top < header or bottom == top or bottom >= len(grid):
            continue
        value = _cell(grid[top], left)
        for row in grid[top + 1 : bottom + 1]:
            beside_it = any(lay.filled(cell) for c, cell in enumerate(row) if not left <= c <= right)
            if value is not None and beside_it and not lay.filled(_cell(row, left)):
                row.extend([None] * (left + 1 - len(row)))
                row[left] = value
                columns.add(left)
    letters = ", ".join(map(lay.column_letter, sorted(columns)))
    return [f"merged cells in column {letters}: read in each row that they cover"] if columns else []


def _cell(row: list[str | None], column: int) -> str | None:
    return (row[column] or None) if column < len(row) else None


def _pinned_columns(place: lay.Layout, columns: tuple[str, ...], found: Local, sheet: str) -> lay.Layout:
    if len(columns) > len(place.columns):
        raise SourceError(
            found.name,
            f"has {len(place.columns)} columns, but the feed's columns names {len(columns)}",
            where=f"sheet {sheet}",
        )
    place.columns, place.names = place.columns[: len(columns)], list(columns)
    return place


def _pinned_rows(
    grid: list[list[str | None]], place: lay.Layout, rows: str, file: str
) -> tuple[list[int], dict[str, int]]:
    first, last = row_range(rows, file)
    filled = [
        i for i in range(place.last, len(grid)) if any(lay.filled(_cell(grid[i], c)) for c in place.columns)
    ]
    kept = [i for i in filled if first <= i + 1 <= last]
    outside = len(filled) - len(kept)
    return kept, {"outside the feed's rows": outside} if outside else {}
