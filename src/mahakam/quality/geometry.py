"""Geometry of records: whether it can be drawn, and whether it lies inside a place. shapely is imported when
first needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def fault(value: Any) -> str:
    """Why a value (JSON text or an object) is no geometry of a record: where in it, and what would be right."""
    import json

    from mahakam.ngsild.geometry import geometry_faults

    try:
        geometry = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return ""
    for where, _, right in geometry_faults(geometry):
        return f"{where}: {right}" if where else ""
    import shapely
    from shapely.geometry import shape

    try:
        reason = str(shapely.is_valid_reason(shape(geometry)))
    except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError):
        return ""
    kind, _, place = reason.partition("[")
    if kind == "Self-intersection":
        return f"an outline that does not cross itself, as it does at [{place}"
    return "" if kind == "Valid Geometry" else f"valid, this is not: {reason}"


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


class Districts:
    """The areas of a place's parts by their code; a code that is not among them says nothing about a point."""

    def __init__(self, geometries: Mapping[str, Any]) -> None:
        self._areas = {code: Area(geometry) for code, geometry in geometries.items()}

    def has_point(self, code: str, longitude: float, latitude: float) -> bool | None:
        """Whether the district covers the point; None for an unknown code."""
        area = self._areas.get(code)
        return None if area is None else area.has_point(longitude, latitude)

    def has_points(
        self, codes: Sequence[str | None], longitudes: Sequence[Any], latitudes: Sequence[Any]
    ) -> list[bool | None]:
        """:meth:`has_point` for many; None too where one of the three is missing."""
        found: list[bool | None] = [None] * len(codes)
        rows: dict[str, list[int]] = {}
        for row, (code, x, y) in enumerate(zip(codes, longitudes, latitudes, strict=True)):
            if code in self._areas and x is not None and y is not None:
                rows.setdefault(str(code), []).append(row)
        for code, some in rows.items():
            inside = self._areas[code].has_points([longitudes[r] for r in some], [latitudes[r] for r in some])
            for row, answer in zip(some, inside, strict=True):
                found[row] = answer
        return found
