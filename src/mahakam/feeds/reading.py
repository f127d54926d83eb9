"""A feed's files as one mapped table: read, corrected, mapped; with the raw cells of every row at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.feeds import sources, transforms
from mahakam.feeds.archive import Watch, replaced
from mahakam.feeds.definition import Feed
from mahakam.feeds.erased import Marks, withhold
from mahakam.feeds.mapping import map_table
from mahakam.feeds.sources.model import GEOMETRY, LINE, ROW, Fault, SourceInfo, identifier
from mahakam.store.model import Correction, Held

if TYPE_CHECKING:
    import duckdb

MAPPED = "feed_mapped"
Raw = dict[str, str | None]
_LONG = 300
"""Characters of a geometry that lineage keeps: the whole stands in the archived file."""


@dataclass(slots=True)
class Part:
    """One file of a run: its rows are ``offset + 1`` to ``offset + rows`` of the run."""

    path: Path
    info: SourceInfo
    table: str
    offset: int
    rows: int
    faults: list[Fault] = field(default_factory=list)
    withheld: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Row of this file → columns whose cells are left empty (``feeds.erased``)."""

    @property
    def sheet(self) -> str:
        """The sheet of a workbook, the entry of an archive, or ""."""
        return self.info.sheet or self.info.entry


@dataclass(slots=True)
class Reading:
    """Everything read. Rows are counted through all files, so that keys are unique across them."""

    connection: duckdb.DuckDBPyConnection
    parts: list[Part]
    read: int
    left_out: dict[str, int]
    notes: list[str]
    tables: list[sources.Table]

    def part(self, row: int) -> Part:
        """The file that a row of the run stands in."""
        if len(self.parts) == 1:
            return self.parts[0]
        return next(p for p in reversed(self.parts) if row > p.offset)

    def lines(self, rows: Sequence[int]) -> dict[int, int]:
        """The row that a person sees in the file, by row of the run."""
        out: dict[int, int] = {}
        for part in self.parts:
            local = [row - part.offset for row in rows if part.offset < row <= part.offset + part.rows]
            if local:
                found = self.connection.execute(
                    f"SELECT {ROW}, {LINE} FROM {identifier(part.table)} WHERE {ROW} IN (SELECT unnest(?))",  # noqa: S608
                    [local],
                ).fetchall()
                out.update({row + part.offset: line for row, line in found})
        return out

    def raw(self, rows: Sequence[int]) -> dict[int, Raw]:
        """The cells as they stood in the file, by row of the run."""
        out: dict[int, Raw] = {}
        for part in self.parts:
            local = [row - part.offset for row in rows if part.offset < row <= part.offset + part.rows]
            if not local:
                continue
            names = part.info.columns
            columns = ", ".join([ROW, *(identifier(name) for name in names)])
            low, high = min(local), max(local)
            wanted = set(local)
            found = self.connection.execute(
                f"SELECT {columns} FROM {identifier(part.table)} WHERE {ROW} BETWEEN ? AND ?",  # noqa: S608
                [low, high],
            ).fetchall()
            for row in found:
                if row[0] in wanted:
                    out[row[0] + part.offset] = dict(zip(names, row[1:], strict=True))
        return out


def read_files(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    files: Sequence[Path],
    types: Mapping[str, str],
    corrections: Iterable[Correction],
    decided: Iterable[Held] = (),
    *,
    required: Iterable[str] = (),
    marks: Marks | None = None,
) -> Reading:
    """Read and map every file of a run into the table ``feed_mapped``.

    ``decided`` are rows that a steward fixed before: where the same row comes again, its fix is applied again.
    ``required`` are fields that must have a column where the feed has no map; ``marks``: who was erased from the feed.
    Raises SourceError (also for a file replaced while it was read), ConfigError.
    """
    corrections, required = list(corrections), list(required)
    by_row: dict[tuple[str, str, int], Held] = {(h.file, h.sheet, h.row): h for h in decided}
    reading = Reading(connection, [], 0, {}, [], [])
    offset = 0
    # what the map says of a geometry's coordinates goes before what the file says of them
    degrees = all(not made.geometry or transforms.is_wgs84(made.crs) for made in feed.fields)
    for number, path in enumerate(files):
        name = f"feed_source_{number}"
        with Watch.over(path) as watch:
            table = sources.read(path, connection, degrees=degrees, **feed.pins)
            info = table.info
            withheld = withhold(connection, table, marks, number) if marks is not None else {}
            overrides = _overrides(by_row, info) if by_row else {}
            mapped = map_table(
                connection, table, feed, types, corrections, name=name, overrides=overrides, required=required
            )
            watch.verify(info.sha256)
        rows = int(connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])  # noqa: S608
        part = Part(path, info, name, offset, rows, table.faults, withheld)
        create = "CREATE OR REPLACE TEMP TABLE {} AS" if number == 0 else "INSERT INTO {}"
        connection.execute(
            f"{create.format(MAPPED)} SELECT * REPLACE ({ROW} + {offset} AS {ROW}) FROM {name}_mapped"  # noqa: S608
        )
        connection.execute(f"DROP TABLE {name}_mapped")
        reading.parts.append(part)
        reading.tables.append(table)
        reading.read += mapped.read + sum(table.left_out.values())
        for reason, count in mapped.left_out.items():
            reading.left_out[reason] = reading.left_out.get(reason, 0) + count
        reading.notes += [note for note in (*info.notes, *mapped.notes) if note not in reading.notes]
        offset += rows
    return reading


def _overrides(by_row: Mapping[tuple[str, str, int], Held], info: SourceInfo) -> dict[int, Held]:
    sheet = info.sheet or info.entry
    return {row: held for (file, at, row), held in by_row.items() if file == info.file and at == sheet}


def short(raw: Raw) -> Raw:
    """Raw cells for lineage: a long geometry is cut, its whole stands in the archived file."""
    shape = raw.get(GEOMETRY)
    if shape is None or len(shape) <= _LONG:
        return raw
    return {**raw, GEOMETRY: shape[:_LONG] + "…"}


def described(reading: Reading) -> dict[str, Any]:
    """How the files were read, for ``Run.source``: the first file's facts, and each file's when there are several."""
    infos = [part.info.as_dict() for part in reading.parts]
    out: dict[str, Any] = dict(infos[0]) if infos else {}
    if len(infos) > 1:
        out["files"] = infos
    if reading.notes:
        out["notes"] = reading.notes
    if reading.left_out:
        out["left_out"] = reading.left_out
    return out


__all__ = ["LINE", "MAPPED", "ROW", "Part", "Raw", "Reading", "described", "read_files", "replaced", "short"]
