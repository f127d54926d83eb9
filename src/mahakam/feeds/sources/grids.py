"""A grid of cells (a sheet, the tables of a PDF) as a table: its header found, notes and totals told apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources import layout as lay
from mahakam.feeds.sources import stacked
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.model import (
    LINE,
    MAX_COLUMNS,
    ROW,
    Pins,
    SourceError,
    SourceInfo,
    Table,
    distinct_names,
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
    start, end = (
        (0, len(grid)) if pins.table is None else stacked.chosen(grid, merged, pins.table, found.name, sheet)
    )
    if pins.header is not None:
        place = lay.pinned(pins.header, grid, merged, found.name)
    else:
        place = lay.detect(grid[start:end], stacked.moved(merged, start), start)
    whole, grid = grid, grid[:end]
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
    if pins.table is None and "second table under the first" in left_out:
        there = [one.said(number) for number, one in enumerate(stacked.tables(whole, merged), 1)]
        listed = "; ".join(there)
        notes.append(
            f"the sheet holds {len(there)} tables: the first is read; pin table for another ({listed})"
        )
    info = SourceInfo(
        found.name,
        found.sha256,
        found.bytes,
        format,
        entry=found.entry,
        sheet=sheet,
        header_rows=(place.first, place.last),
        columns=distinct_names(place.names),
        notes=[*notes, *place.notes],
    )
    arrays: list[pa.Array[Any]] = [
        pa.array(range(1, len(kept) + 1), pa.int64()),
        pa.array([index + 1 for index in kept], pa.int64()),
        *(pa.array([_cell(grid[r], c) for r in kept], pa.string()) for c in place.columns),
    ]
    relation = connection.from_arrow(pa.Table.from_arrays(arrays, names=[ROW, LINE, *info.columns]))
    return Table(relation, info, left_out=left_out).keep(found.scratch)


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
