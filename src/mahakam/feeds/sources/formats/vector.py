"""Maps of GIS programs (Shapefile, GeoPackage, KML, GML, GPX, FlatGeobuf): properties and ``_geometry``, in WGS 84."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources import records
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.model import Pins, SourceError, SourceInfo, Table

if TYPE_CHECKING:
    import duckdb

_WORLD = ("EPSG:4326", "OGC:CRS84")
MAX_FEATURES = 5_000_000


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """One layer as a table (``sheet`` pins which); ``_line`` counts features from 1.

    A geometry in another coordinate system is brought to longitude and latitude, and a note says from which.
    Raises SourceError for a damaged file, an unknown layer, a layer without a coordinate system that needs one.
    """
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    with found.path.open("rb") as file:
        path = f"/vsizip/{{{found.path}}}" if file.read(2) == b"PK" else str(found.path)
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        layer, notes = _choose(found, layers, pins.sheet)
        about, _, shapes, columns = pyogrio.raw.read(
            path, layer=layer, encoding=pins.encoding, force_2d=True, datetime_as_string=True,
            max_features=MAX_FEATURES,
        )  # fmt: skip
    except (DataSourceError, DataLayerError, ValueError, RuntimeError) as error:
        said = str(error).replace(str(found.path), found.name).splitlines()[0]
        raise SourceError(found.name, f"cannot be read as a map ({said}); export it again") from error
    info = SourceInfo(
        found.name,
        found.sha256,
        found.bytes,
        "vector",
        entry=found.entry,
        encoding=str(about.get("encoding") or ""),
        sheet=layer,
        notes=notes,
    )
    geometries = _in_degrees(found, shapes, str(about.get("crs") or ""), info)
    names = [str(name) for name in about["fields"]]
    return records.table(found, connection, info, _records(names, columns, geometries), geometry=True)


def _choose(found: Local, layers: list[str], pinned: str | None) -> tuple[str, list[str]]:
    if not layers:
        raise SourceError(found.name, "has no layer")
    if pinned is not None:
        if pinned not in layers:
            raise SourceError(found.name, f"has no layer {pinned!r}; it has {', '.join(map(repr, layers))}")
        return pinned, []
    if len(layers) == 1:
        return layers[0], []
    listed = ", ".join(layers)
    return layers[0], [f"has {len(layers)} layers: read {layers[0]!r}; pin sheet for another ({listed})"]


def _in_degrees(found: Local, shapes: Any, crs: str, info: SourceInfo) -> list[Any]:
    """The geometries as GeoJSON, None for none."""
    import shapely

    if shapes is None:
        return []
    geometries = shapely.from_wkb(shapes)
    if crs and crs not in _WORLD:
        from pyproj import Transformer
        from pyproj.exceptions import CRSError

        try:
            transform: Any = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
        except CRSError as error:
            raise SourceError(found.name, f"names the unknown coordinate system {crs[:80]}") from error
        geometries = shapely.transform(geometries, transform, interleaved=False)
        info.notes.append(f"brought from the coordinate system {crs[:80]} to longitude and latitude")
    elif not crs:
        info.notes.append("names no coordinate system: its coordinates are taken as longitude and latitude")
    return [None if shape is None else shapely.geometry.mapping(shape) for shape in geometries]


def _records(names: list[str], columns: Any, geometries: list[Any]) -> Iterator[records.Record]:
    lists = [column.tolist() for column in columns]
    total = len(lists[0]) if lists else len(geometries)
    for row in range(total):
        members = {name: _plain(values[row]) for name, values in zip(names, lists, strict=True)}
        yield row + 1, members, geometries[row] if geometries else None


def _plain(value: Any) -> Any:
    """A float that is no number stands for an empty cell of a column of numbers."""
    if isinstance(value, float):
        if value != value:
            return None
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, bytes):
        return value.hex()
    return value


FORMAT = Format(
    read,
    "Shapefile (in a .zip), GeoPackage, KML",
    ("an SQLite database", "an XML document", "zip", "a FlatGeobuf file"),
    (".gpkg", ".kml", ".gml", ".gpx", ".fgb"),
    archive=(".shp",),
)
