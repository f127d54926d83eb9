"""What is near a point or touches a box: points in bands of latitude, all other boxes in the R*Tree."""

from __future__ import annotations

from functools import cache
from math import cos, floor, pi, radians, sin

from mahakam.ngsild.selection import Geo, Selection
from mahakam.store.sql.dialect import Test
from mahakam.store.sql.keys import Box
from mahakam.store.sql.select import EARTH_RADIUS_METRES, Drive, box_around
from mahakam.store.sqlite.steps import IN_USE, step_of, step_sql

_BANDS = 100
"""Bands in a degree of latitude: 1.1 km each."""
_MOST_BANDS = 500
"""Bands that are looked up one by one; of more, all points between the first and the last are looked at."""
_RIM = 1.0
"""Metres at a distance, on both sides, that are left to the exact test: rounding is a tenth of a metre at most, where
the cosine changes least (at the centre and at the antipode)."""
_RADIANS = repr(pi / 180)
_COSINE = (
    f"? * sin(p.latitude * {_RADIANS})"
    f" + ? * cos(p.latitude * {_RADIANS}) * cos((p.longitude - ?) * {_RADIANS})"
)
"""Of the distance, as an angle; its parameters: sine and cosine of the centre's latitude, its longitude."""
_FEW = 4
"""Bands that are written out."""
_WITHIN = " AND p.longitude BETWEEN ? AND ? AND p.latitude BETWEEN ? AND ?"
_IN_FEW = f"p.band IN ({', '.join('?' * _FEW)}){_WITHIN}"
_IN_SOME = (
    "p.band IN (WITH RECURSIVE b(n) AS (VALUES (?) UNION ALL SELECT n + 1 FROM b WHERE n < ?) SELECT n FROM b)"
    + _WITHIN
)
_IN_MANY = "p.band BETWEEN ? AND ?" + _WITHIN
_BOXES = "west <= ? AND east >= ? AND south <= ? AND north >= ?"
_ANY = 2.0
"""More than any cosine."""

PointRow = tuple[int, int, float, float, int]


def point_row(number: int, box: Box, tail: int) -> PointRow | None:
    """The row of the table ``point`` for an entity whose box is a point; None for a box that goes to the R*Tree."""
    west, east, south, north = box
    if west != east or south != north:
        return None
    return step_of(number, tail), floor(south * _BANDS), west, south, number


def touching(box: Box) -> Test:
    """Entities whose box touches this one."""
    test, bounds = _in_bands(box)
    points = f"SELECT p.entity FROM step s CROSS JOIN point p ON p.step = s.n AND {test} WHERE s.part = 0 AND {IN_USE}"
    boxes = f"SELECT entity FROM location WHERE {_BOXES}"
    return Test(f"e.n IN ({points} UNION ALL {boxes})", [*bounds, *_touching(box)])


def drive(selection: Selection) -> Drive | None:
    """The entities that may be where a selection asks for, in order of creation; None if no index narrows."""
    geo = selection.geo
    box = box_around(geo)
    if geo is None or box is None:
        return None
    test, bounds = _in_bands(box)
    if geo.georel == "near" and geo.geometry["type"] == "Point":
        sure, possible = _cosines(geo)
        centre = _centre(geo)
        return Drive(_near_sql(test), [*centre, *sure, *bounds, *centre, *possible, *_touching(box)], geo)
    return Drive(_box_sql(test), [*bounds, *_touching(box)], geo)


@cache
def _near_sql(test: str) -> str:
    return _drive_sql(f"{_COSINE} BETWEEN ? AND ?", f"{test} AND {_COSINE} BETWEEN ? AND ?")


@cache
def _box_sql(test: str) -> str:
    return _drive_sql("0", test)


def _drive_sql(sure: str, test: str) -> str:
    points = (
        f"SELECT s.n AS step, p.entity AS entity, {sure} AS sure FROM step s CROSS JOIN point p"
        f" ON p.step = s.n AND {test} WHERE s.part = 0 AND {IN_USE}"
    )
    boxes = f"SELECT {step_sql('entity')} AS step, entity, 0 AS sure FROM location WHERE {_BOXES}"
    # The limit, which is none, keeps SQLite from dropping the order.
    return f"SELECT entity, sure FROM ({points} UNION ALL {boxes} ORDER BY 1, 2 LIMIT -1)"


def _in_bands(box: Box) -> tuple[str, list[float]]:
    """The test of a point in a box, and its parameters."""
    west, east, south, north = box
    first, last = floor(south * _BANDS), floor(north * _BANDS)
    if last - first < _FEW:
        bands = [min(first + more, last) for more in range(_FEW)]
        return _IN_FEW, [*bands, west, east, south, north]
    test = _IN_SOME if last - first < _MOST_BANDS else _IN_MANY
    return test, [first, last, west, east, south, north]


def _touching(box: Box) -> list[float]:
    """The parameters of the R*Tree."""
    west, east, south, north = box
    return [east, west, north, south]


def _centre(geo: Geo) -> list[float]:
    longitude, latitude = geo.geometry["coordinates"][:2]
    return [sin(radians(latitude)), cos(radians(latitude)), longitude]


def _cosines(geo: Geo) -> tuple[list[float], list[float]]:
    """The cosines between which a point is near for sure, and those between which it may be."""
    least, most = geo.min_distance or 0.0, geo.max_distance or 0.0
    sure = [_cosine(most - _RIM), _cosine(least + _RIM) if least else _ANY]
    return sure, [_cosine(most + _RIM), _cosine(least - _RIM)]


def _cosine(metres: float) -> float:
    """Of a distance as an angle; of less than none, one that no distance has, and of all there is, one below all."""
    angle = metres / EARTH_RADIUS_METRES
    return _ANY if angle < 0 else -_ANY if angle > pi else cos(angle)
