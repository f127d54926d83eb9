"""A folder of Parquet files as one table, partitioned (``year=2025/part-0.parquet``) or not, whole or in slices.

Rows are numbered through the files in the order of their names. Every column is text, as of one Parquet file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mahakam.feeds.sources.formats.parquet import as_text
from mahakam.feeds.sources.model import (
    LINE,
    MAX_COLUMNS,
    ROW,
    SourceError,
    SourceInfo,
    Table,
    identifier,
    literal,
)

if TYPE_CHECKING:
    import duckdb

SLICE = 500_000
"""Rows of a slice at most."""
_OPTIONS = (
    "hive_partitioning = true, hive_types_autocast = false, union_by_name = true, file_row_number = true, "
    "filename = true"
)


@dataclass(frozen=True)
class Parted:
    """The files of a folder (or one file), what they have in common, and how many rows each has."""

    name: str
    files: tuple[Path, ...]
    rows: tuple[int, ...]
    columns: tuple[str, ...]
    listed: str
    alike: bool
    """Whether every file has the same columns of the same types."""

    def table(self, connection: duckdb.DuckDBPyConnection) -> Table:
        """All files as one relation."""
        sql = f"SELECT row_number() OVER () AS {ROW}, {ROW} AS {LINE}, {self.listed} FROM {_scan(self.files)}"  # noqa: S608
        size = sum(file.stat().st_size for file in self.files)
        info = SourceInfo(self.name, "", size, "parquet", columns=list(self.columns))
        info.notes.append(f"{len(self.files)} files, {sum(self.rows)} rows")
        return Table(connection.sql(sql), info, lacks=())

    def slices(self) -> list[str]:
        """SQL for each slice: its rows, numbered as in the whole."""
        made, before = [], 0
        for file, rows in zip(self.files, self.rows, strict=True):
            # a file that differs from others is read beside them, so that its columns have the same types
            source, of_file = _scan((file,)), ""
            if not self.alike:
                source, of_file = _scan(self.files), f"filename = {literal(str(file))} AND "
            for first in range(0, rows, SLICE):
                number = f"file_row_number + {before + 1}"
                place = f"{of_file}file_row_number BETWEEN {first} AND {first + SLICE - 1}"
                made.append(
                    f"SELECT {number} AS {ROW}, {number} AS {LINE}, {self.listed} FROM {source} WHERE {place}"  # noqa: S608
                )
            before += rows
        return made


def parted(path: Path) -> Parted:
    """A folder of Parquet files, or one. Raises SourceError for one that cannot be read or has none."""
    import duckdb

    path = path.absolute()
    found = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    files = tuple(file for file in found if not file.name.startswith((".", "_")))
    if not files:
        raise SourceError(path.name, "has no file *.parquet in it")
    with duckdb.connect() as connection:
        try:
            described = _described(connection, files)
            alike = all(_described(connection, (file,)) == described for file in files)
            counted = "SELECT num_rows FROM parquet_file_metadata(?)"
            rows = tuple(connection.execute(counted, [str(file)]).fetchall()[0][0] for file in files)
        except duckdb.Error as error:
            raise SourceError(
                path.name, f"cannot be read as Parquet ({str(error).splitlines()[0]}); ask for the file again"
            ) from error
    if len(described) > MAX_COLUMNS:
        raise SourceError(path.name, f"has {len(described)} columns; more than {MAX_COLUMNS} are not read")
    listed = ", ".join(f"{as_text(identifier(name), kind)} AS {identifier(name)}" for name, kind in described)
    return Parted(path.name, files, rows, tuple(name for name, _ in described), listed, alike)


def _described(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> list[tuple[str, str]]:
    """(column, type) of the files' own columns and those of their folders."""
    rows = connection.execute(f"DESCRIBE SELECT * FROM {_scan(files)}").fetchall()  # noqa: S608 - quoted
    return [(str(row[0]), str(row[1])) for row in rows if row[0] not in ("file_row_number", "filename")]


def _scan(files: Sequence[Path]) -> str:
    listed = ", ".join(literal(str(file)) for file in files)
    return f"read_parquet([{listed}], {_OPTIONS})"
