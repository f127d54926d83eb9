"""Where a place ends: whether a point lies in it, and which place it lies in or near otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.config import ConfigError, Place

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Point = tuple[float, float]
"""Longitude, latitude in degrees (WGS 84)."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The place that a point lies in (``metres`` 0) or is nearest to."""

    place: Place
    metres: float


def contains(place: Place, point: Point) -> bool:
    """Whether the point lies in the place, edge included; a place without a boundary contains every point."""
    area = _area(place)
    if area is None:
        return True
    from shapely.geometry import Point as Shape

    return bool(area.covers(Shape(point)))


def bounds(place: Place) -> tuple[float, float, float, float] | None:
    """West, south, east, north of the place; None without a boundary."""
    area = _area(place)
    return None if area is None else area.bounds


def nearest_place(places: Mapping[str, Place], point: Point, kind: str = "city") -> Nearest | None:
    """Of the places of a kind that have a boundary, the one that the point lies in or nearest to."""
    from shapely.geometry import Point as Shape
    from shapely.ops import nearest_points

    shape = Shape(point)
    found: list[Nearest] = []
    for place in places.values():
        area = _area(place) if place.kind == kind else None
        if area is None:
            continue
        near, _ = nearest_points(area, shape)
        found.append(Nearest(place, 0.0 if area.covers(shape) else distance(point, (near.x, near.y))))
    return min(found, key=lambda near: near.metres, default=None)


def inside(place: Place, point: Point) -> Point:
    """The point of the place that is nearest to another one; the point itself without a boundary."""
    from shapely.geometry import Point as Shape
    from shapely.ops import nearest_points

    shape = _area(place)
    if shape is None:
        return point
    near, _ = nearest_points(shape.buffer(-1e-6), Shape(point))
    return near.x, near.y


def distance(a: Point, b: Point) -> float:
    """Metres between two points on a sphere (within 0.5 % of the ellipsoid)."""
    dx, dy = radians(b[0] - a[0]), radians(b[1] - a[1])
    h = sin(dy / 2) ** 2 + cos(radians(a[1])) * cos(radians(b[1])) * sin(dx / 2) ** 2
    return 2 * 6_371_008.8 * asin(sqrt(h))


def _area(place: Place) -> BaseGeometry | None:
    path = place.boundary_file
    if path is None:
        return None
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise ConfigError(path, f"the boundary of {place.id} cannot be read: {error.strerror}") from error


@lru_cache(maxsize=512)
def _read(path: Path, _changed: int) -> BaseGeometry:
    import shapely
    from shapely.geometry import shape

    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        features = document.get("features", [document])
        shapes = [shape(feature.get("geometry", feature)) for feature in features]
    except (ValueError, KeyError, AttributeError, TypeError, shapely.errors.ShapelyError) as error:
        raise ConfigError(path, f"is not a GeoJSON boundary: {error}") from error
    area: BaseGeometry = shapely.union_all([shapely.make_valid(part) for part in shapes])
    shapely.prepare(area)
    return area
