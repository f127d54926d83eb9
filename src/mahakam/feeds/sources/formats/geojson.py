"""GeoJSON (RFC 7946): a feature's properties become columns, its geometry the column ``_geometry``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources import records
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.model import Pins, SourceError, SourceInfo, Table
from mahakam.feeds.sources.text import prepare

if TYPE_CHECKING:
    import duckdb

_GEOMETRIES = {
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
}


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """A FeatureCollection, one Feature, or one geometry as a table; ``_line`` counts features from 1.

    A geometry is not judged here: the contract does that, row by row. Raises SourceError for what is no GeoJSON.
    """
    text = prepare(found, pins.encoding)
    document = records.load(found, records.whole_text(found, text.path))
    info = SourceInfo(
        found.name,
        found.sha256,
        found.bytes,
        "geojson",
        entry=found.entry,
        encoding=text.encoding,
        notes=text.notes,
    )
    crs = _crs(document)
    if crs and "CRS84" not in crs and "4326" not in crs:
        info.notes.append(f"names the coordinate system {crs}; pin crs in the mapping")
    return records.table(found, connection, info, _features(found, document), geometry=True)


def _features(found: Local, document: Any) -> Iterator[records.Record]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection":
        features = document.get("features")
    elif kind == "Feature":
        features = [document]
    elif kind in _GEOMETRIES:
        features = [{"type": "Feature", "properties": {}, "geometry": document}]
    else:
        raise SourceError(
            found.name, f"is no GeoJSON: its type is {kind!r}, not FeatureCollection; pin format: json"
        )
    if not isinstance(features, list):
        raise SourceError(found.name, "is no GeoJSON: features must be a list")
    for number, feature in enumerate(features, 1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(feature, dict) or not isinstance(properties, dict | None):
            raise SourceError(found.name, "is no GeoJSON feature with properties", where=f"feature {number}")
        members = dict(properties or {})
        if "id" in feature and "id" not in members:
            members["id"] = feature["id"]
        yield number, members, feature.get("geometry")


def _crs(document: Any) -> str:
    """The coordinate system that files of the 2008 format name."""
    if not isinstance(document, dict) or not isinstance(document.get("crs"), dict):
        return ""
    properties = document["crs"].get("properties")
    return str(properties.get("name", "")) if isinstance(properties, dict) else ""


FORMAT = Format(read, "GeoJSON", ("text",), (".geojson",))
