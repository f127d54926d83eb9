"""GeoJSON (RFC 7946): a feature's properties become columns, its geometry the column ``_geometry``."""

from __future__ import annotations

from collections import Counter
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
    whole = records.whole_text(found, text.path)
    constants: Counter[str] = Counter()
    document = (
        _joined(found, whole, constants)
        if _is_lines(whole)
        else records.load(found, whole, constants=constants)
    )
    info = SourceInfo(
        found.name,
        found.sha256,
        found.bytes,
        "geojson",
        entry=found.entry,
        encoding=text.encoding,
        notes=[*text.notes, *records.constant_notes(constants)],
    )
    crs = _crs(document)
    features = _features(found, document)
    if found.degrees and crs and "CRS84" not in crs and "4326" not in crs:
        features = in_degrees(found, features, crs)
        info.notes.append(f"brought from the coordinate system {crs[:80]} to longitude and latitude")
    return records.table(found, connection, info, features, geometry=True)


def _is_lines(text: str) -> bool:
    """A feature a line (GeoJSON lines, RFC 8142)."""
    first, _, rest = text.partition("\n")
    return first.strip(" \r\x1e").endswith("}") and rest.lstrip(" \r\n\x1e").startswith("{")


def _joined(found: Local, text: str, constants: Counter[str]) -> dict[str, Any]:
    lines = [(number, line.strip(" \r\x1e")) for number, line in enumerate(text.split("\n"), 1)]
    features = [records.load(found, line, line=number, constants=constants) for number, line in lines if line]
    return {"type": "FeatureCollection", "features": features}


def in_degrees(found: Local, features: Iterator[records.Record], crs: str) -> Iterator[records.Record]:
    """Features of another coordinate system in longitude and latitude; a geometry that is none stays as it is.

    Raises SourceError for a system that is not known.
    """
    import shapely
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    try:
        transform: Any = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
    except CRSError as error:
        raise SourceError(found.name, f"names the unknown coordinate system {crs[:80]}") from error
    for number, members, geometry in features:
        if geometry is None:
            yield number, members, None
            continue
        try:
            shape = shapely.transform(shapely.geometry.shape(geometry), transform, interleaved=False)
            yield number, members, shapely.geometry.mapping(shape)
        except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError):
            yield number, members, geometry


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
