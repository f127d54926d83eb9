"""GeoJSON geometries as NGSI-LD has them (clause 4.7; RFC 7946): checks without a geometry library."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

GEOMETRY_TYPES = frozenset(
    ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
)
GEOMETRY_RULE = (
    'a GeoJSON geometry, e.g. {"type": "Point", "coordinates": [117.15, -0.5]} (longitude, latitude)'
)
Fault = tuple[str, Any, str]
"""Where in the geometry (``coordinates[0][2]``), the value, what would be right."""

_SHOWN = 5


def is_geometry(value: object) -> bool:
    """Whether a value looks like a GeoJSON geometry (its content unchecked)."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("type"), str)
        and value["type"] in GEOMETRY_TYPES
        and ("coordinates" in value or "geometries" in value)
    )


def geometry_faults(geometry: object) -> list[Fault]:
    """What is wrong with a geometry; the first few faults at most.

    Rings closed, at least four positions; longitude in -180..180, latitude in -90..90; all numbers finite.
    That a polygon does not cross itself is for :func:`crossing` to say.
    """
    faults: list[Fault] = []
    _geometry(geometry, "", faults, 0)
    return faults[:_SHOWN]


def crossing(geometry: dict[str, Any]) -> str:
    """Where a well-formed areal geometry crosses itself: ``Self-intersection[117.1 -0.5]``; or "".

    A sliver is let through: a crossing that changes the area by less than a thousandth, left by digitising.
    """
    kind = geometry["type"]
    if kind not in ("Polygon", "MultiPolygon"):
        return ""
    from shapely import is_valid, is_valid_reason, make_valid  # imported late: start-up must stay fast
    from shapely.geometry import shape

    area = shape(geometry)
    if is_valid(area):
        return ""
    repaired = make_valid(area).area
    return "" if repaired and abs(repaired - area.area) < repaired / 1000 else str(is_valid_reason(area))


def _geometry(value: object, path: str, faults: list[Fault], depth: int) -> None:
    if not isinstance(value, dict):
        faults.append((path, value, GEOMETRY_RULE))
        return
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in GEOMETRY_TYPES:
        faults.append((_join(path, "type"), kind, "one of " + ", ".join(sorted(GEOMETRY_TYPES))))
        return
    if kind == "GeometryCollection":
        parts = value.get("geometries")
        if not isinstance(parts, list) or depth > 3:
            faults.append((_join(path, "geometries"), parts, "a list of geometries"))
            return
        for index, part in enumerate(parts):
            _geometry(part, _join(path, f"geometries[{index}]"), faults, depth + 1)
        return
    where = _join(path, "coordinates")
    if "coordinates" not in value:
        faults.append((where, None, f"the coordinates of a {kind}"))
        return
    _COORDINATES[kind](value["coordinates"], where, faults)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _position(value: object, path: str, faults: list[Fault]) -> None:
    if isinstance(value, list | tuple) and 2 <= len(value) <= 3:
        longitude, latitude = value[0], value[1]
        if type(longitude) in _NUMBERS and type(latitude) in _NUMBERS:
            if -180 <= longitude <= 180 and -90 <= latitude <= 90:
                if len(value) == 2 or (type(value[2]) in _NUMBERS and isfinite(value[2])):
                    return
                faults.append((path, value, "a finite number as the third coordinate (metres)"))
            elif -90 <= longitude <= 90 and -180 <= latitude <= 180:
                faults.append((path, value, "[longitude, latitude], in this order: these look swapped"))
            else:
                faults.append(
                    (path, value, "longitude in -180 to 180, latitude in -90 to 90 (degrees, EPSG:4326)")
                )
            return
    faults.append((path, value, "a position: [longitude, latitude]"))


_NUMBERS = (int, float)


def _line(value: object, path: str, faults: list[Fault]) -> None:
    if not isinstance(value, list) or len(value) < 2:
        faults.append((path, value, "a list of two or more positions"))
        return
    _positions(value, path, faults)


def _positions(value: object, path: str, faults: list[Fault]) -> None:
    if not isinstance(value, list):
        faults.append((path, value, "a list of positions"))
        return
    for index, position in enumerate(value):
        _position(position, f"{path}[{index}]", faults)
        if len(faults) >= _SHOWN:
            return


def _ring(value: object, path: str, faults: list[Fault]) -> None:
    if not isinstance(value, list) or len(value) < 4:
        faults.append((path, value, "a ring: four or more positions, the last the same as the first"))
        return
    if value[0] != value[-1]:
        faults.append(
            (path, value[-1], f"a closed ring: the last position the same as the first, {value[0]}")
        )
    _positions(value, path, faults)


def _list_of(check: Callable[[object, str, list[Fault]], None], what: str, least: int = 0) -> Any:
    def several(value: object, path: str, faults: list[Fault]) -> None:
        if not isinstance(value, list) or len(value) < least:
            faults.append((path, value, f"a list of {what}"))
            return
        for index, part in enumerate(value):
            check(part, f"{path}[{index}]", faults)
            if len(faults) >= _SHOWN:
                return

    return several


_POLYGON = _list_of(_ring, "rings", 1)
_COORDINATES: dict[str, Callable[[object, str, list[Fault]], None]] = {
    "Point": _position,
    "MultiPoint": _positions,
    "LineString": _line,
    "MultiLineString": _list_of(_line, "lines"),
    "Polygon": _POLYGON,
    "MultiPolygon": _list_of(_POLYGON, "polygons"),
}
