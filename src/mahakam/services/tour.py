"""The order in which a field crew visits places: short, though not always the shortest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mahakam.services.area import Point, distance

MOST_STOPS = 60


def tour(points: Sequence[Point]) -> list[int]:
    """The places by number in the order of the visit, the first one first: always the nearest next, then every pair
    of legs that crosses is turned round until none gets shorter (2-opt)."""
    if not points:
        return []
    left, order = set(range(1, len(points))), [0]
    while left:
        here = points[order[-1]]
        order.append(min(left, key=lambda one: distance(here, points[one])))
        left.discard(order[-1])
    better = True
    while better:
        better = False
        for start in range(len(order) - 2):
            for end in range(start + 2, len(order)):
                if _gain(points, order, start, end) > 1e-6:
                    order[start + 1 : end + 1] = reversed(order[start + 1 : end + 1])
                    better = True
    return order


def length(points: Sequence[Point], order: Sequence[int]) -> float:
    """Metres as the crow flies."""
    return sum(distance(points[one], points[other]) for one, other in pairwise(order))


def _gain(points: Sequence[Point], order: Sequence[int], start: int, end: int) -> float:
    """Metres saved by visiting the stops after ``start`` up to ``end`` the other way round."""
    before, first, last = points[order[start]], points[order[start + 1]], points[order[end]]
    saved = distance(before, first) - distance(before, last)
    if end + 1 < len(order):
        after = points[order[end + 1]]
        saved += distance(last, after) - distance(first, after)
    return saved
