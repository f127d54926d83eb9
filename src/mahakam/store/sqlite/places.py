"""What is near a point, decided by the R*Tree's own boxes for all but the few at the rim."""

from __future__ import annotations

from math import cos, pi, radians, sin

from mahakam.ngsild.selection import Selection
from mahakam.store.sql.select import EARTH_RADIUS_METRES, Drive, box_around

_SMALL = 4e-5
"""Degrees up to which a box counts as a point: the tree keeps 32-bit numbers, which are wide as 1.6e-5 of them."""
_RIM = 10.0
"""Metres that are more than the diagonal of a small box, on both sides of a distance."""
_HALF = "pow(sin(radians(south - ?) / 2), 2) + ? * cos(radians(south)) * pow(sin(radians(west - ?) / 2), 2)"
"""The haversine of the distance; its parameters: latitude, the cosine of it, longitude."""
_BOXES = (
    f"SELECT entity, east - west < {_SMALL} AND north - south < {_SMALL} AS small, {_HALF} AS half"
    " FROM location WHERE west <= ? AND east >= ? AND south <= ? AND north >= ?"
)
_NEAR = (
    f"SELECT entity, small AND half BETWEEN ? AND ? AS sure FROM ({_BOXES})"
    " WHERE NOT small OR half BETWEEN ? AND ? ORDER BY 1 LIMIT -1"
)


def near(selection: Selection) -> Drive | None:
    """The entities that may be near a point; None if the selection asks for something else."""
    geo = selection.geo
    box = box_around(geo)
    if geo is None or box is None or geo.georel != "near" or geo.geometry["type"] != "Point":
        return None
    longitude, latitude = geo.geometry["coordinates"][:2]
    least, most = geo.min_distance or 0.0, geo.max_distance or 0.0
    sure = [_haversine(least + _RIM) if least else 0.0, _haversine(most - _RIM) if most > _RIM else -1.0]
    possible = [_haversine(max(least - _RIM, 0.0)), _haversine(most + _RIM)]
    west, east, south, north = box
    boxes = [latitude, cos(radians(latitude)), longitude, east, west, north, south]
    return Drive(_NEAR, [*sure, *boxes, *possible], geo)


def _haversine(metres: float) -> float:
    return float(sin(min(metres / EARTH_RADIUS_METRES / 2, pi / 2)) ** 2)
