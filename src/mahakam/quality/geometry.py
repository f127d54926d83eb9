"""Geometry of records: whether it can be drawn, and whether it lies inside a place. shapely is imported when
first needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def is_simple(value: dict[str, Any]) -> bool:
    """Whether the areas of a GeoJSON geometry do not cross themselves. Its structure was checked before."""
    if value["type"] in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        return True
    import shapely
    from shapely.geometry import shape

    try:
        return bool(shapely.is_valid(shape(value)))
    except (shapely.errors.ShapelyError, ValueError, TypeError):
        return False


class Area:
    """A place's area, prepared for many tests.

    A point is inside if the area covers it (its edge belongs to it). A line or an area is inside if some part
    of it is, touching alone does not count: a river and a bus line lead out of a city that they belong to.
    """

    def __init__(self, geometry: Any) -> None:
        import shapely

        self.geometry = geometry
        shapely.prepare(geometry)

    def has_point(self, longitude: float, latitude: float) -> bool:
        import shapely

        return bool(shapely.intersects_xy(self.geometry, longitude, latitude))

    def has_points(self, longitudes: Sequence[float], latitudes: Sequence[float]) -> list[bool]:
        """:meth:`has_point` for many."""
        import shapely

        inside: list[bool] = shapely.intersects_xy(self.geometry, longitudes, latitudes).tolist()
        return inside

    def has_geometry(self, value: dict[str, Any]) -> bool:
        """Whether a GeoJSON geometry is inside."""
        if value["type"] == "Point":
            return self.has_point(*map(float, value["coordinates"][:2]))
        import shapely
        from shapely.geometry import shape

        geometry = shape(value)
        return bool(shapely.intersects(self.geometry, geometry)) and not bool(
            shapely.touches(self.geometry, geometry)
        )
