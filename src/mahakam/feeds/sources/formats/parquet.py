"""Parquet: every column as text, nested values as JSON, the geometry of GeoParquet as ``_geometry``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mahakam.feeds.sources import geoparquet
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.model import (
    GEOMETRY,
    LINE,
    MAX_COLUMNS,
    ROW,
    Pins,
    SourceError,
    SourceInfo,
    Table,
    distinct_names,
    identifier,
    literal,
)

if TYPE_CHECKING:
    import duckdb


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """The file as a table; ``_line`` is the row. Raises SourceError for a damaged file."""
    import duckdb

    source = f"read_parquet({literal(str(found.path))})"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - quoted
        connection.execute(f"SELECT count(*) FROM {source}").fetchall()  # noqa: S608
    except duckdb.Error as error:
        raise SourceError(
            found.name, f"cannot be read as Parquet ({str(error).splitlines()[0]}); ask for the file again"
        ) from error
    names = [str(row[0]) for row in described]
    shape = geoparquet.geometry_of(found)
    if shape is not None and shape.column in names and not pins.columns:
        described = [row for row in described if str(row[0]) != shape.column]
        names.remove(shape.column)
    else:
        shape = None
    if len(names) > MAX_COLUMNS:
        raise SourceError(found.name, f"has {len(names)} columns; more than {MAX_COLUMNS} are not read")
    if pins.columns and len(pins.columns) != len(names):
        raise SourceError(
            found.name, f"has {len(names)} columns, but the feed's columns names {len(pins.columns)}"
        )
    info = SourceInfo(found.name, found.sha256, found.bytes, "parquet", entry=found.entry)
    info.columns = distinct_names(list(pins.columns or names))
    listed = ", ".join(
        f"{as_text(identifier(name), str(row[1]))} AS {identifier(shown)}"
        for name, row, shown in zip(names, described, info.columns, strict=True)
    )
    if shape is not None:
        function = geoparquet.register(connection, found, shape, info)
        listed = ", ".join(
            filter(None, [listed, f"{function}({identifier(shape.column)}::BLOB) AS {GEOMETRY}"])
        )
        info.columns = [*info.columns, GEOMETRY]
    relation = connection.sql(
        f"SELECT row_number() OVER () AS {ROW}, {ROW} AS {LINE}, {listed} FROM {source}"  # noqa: S608 - quoted
    )
    return Table(relation, info, lacks=()).keep(found.scratch)


def as_text(column: str, type: str) -> str:
    """A value as a file of text would have it: never the empty string, moments in ISO 8601 with their offset."""
    if type == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(timezone('UTC', {column}), '%Y-%m-%dT%H:%M:%S.%fZ')"
    if type.startswith(("STRUCT", "MAP")) or type.endswith("]"):
        return f"CAST(to_json({column}) AS VARCHAR)"
    return f"nullif(CAST({column} AS VARCHAR), '')"


FORMAT = Format(read, "Parquet", ("a Parquet file",), (".parquet", ".pq"))
