"""Which subscriptions may concern an entity: an index, so that the others are not looked at.

Each subscription stands in one place, the narrowest that its selectors and query allow: under the ids that it
names, a value that it asks for, cells of the map, a bound, scopes, watched attributes, types, or with those that
may concern anything. What the index gives is a superset; ``Subscription.selects`` decides.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Hashable, Iterable, Iterator
from math import cos, floor, radians
from typing import Any

from mahakam.broker.changes import Changes
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document, instances
from mahakam.ngsild.match import EARTH_RADIUS
from mahakam.ngsild.selection import And, Compare, Condition, Geo, Scopes, Selection
from mahakam.ngsild.subscription import Subscription

Key = tuple[Hashable, ...]
Box = tuple[float, float, float, float]

CELL = 0.05
"""Degrees of a cell of the map: about 5 km at the equator."""
_MOST_CELLS = 400
_DEGREE = 2 * 3.141592653589793 * EARTH_RADIUS / 360
_ANYTHING: Key = ("anything",)


class Index:
    """The subscriptions of one tenant by where they stand."""

    def __init__(self) -> None:
        self._at: dict[Key, dict[str, Subscription]] = {}
        self._bounds: dict[str, list[tuple[float, str]]] = {}
        self._places: dict[str, list[Key]] = {}
        self._all: dict[str, Subscription] = {}
        self._timed: dict[str, Subscription] = {}
        self._of_registrations: dict[str, Subscription] = {}
        self._for_hubs: dict[str, Subscription] = {}
        self._counts: dict[str, dict[str, int]] = {"value": {}, "cell": {}}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._all.values())

    def get(self, id: str) -> Subscription | None:
        return self._all.get(id)

    def timed(self) -> list[Subscription]:
        """Those that the clock says something about: periodic and throttled ones."""
        return list(self._timed.values())

    def of_registrations(self) -> list[Subscription]:
        """Those that are about registrations: no entity concerns them."""
        return list(self._of_registrations.values())

    def for_hubs(self) -> list[Subscription]:
        """Those that tell a hub what is shared with it: looked at with every change, for what is shared may change."""
        return list(self._for_hubs.values())

    def put(self, subscription: Subscription) -> None:
        """Add a subscription, or put it in the place of the one with its id."""
        self.discard(subscription.id)
        self._all[subscription.id] = subscription
        if subscription.interval or subscription.throttling:
            self._timed[subscription.id] = subscription
        if subscription.about == "registrations":
            self._of_registrations[subscription.id] = subscription
        if subscription.hub:
            self._for_hubs[subscription.id] = subscription
        keys = places_of(subscription) if subscription.about == "entities" else []
        self._places[subscription.id] = keys
        for key in keys:
            if key[0] == "above":
                insort(self._bounds.setdefault(str(key[1]), []), (float(str(key[2])), subscription.id))
                continue
            self._at.setdefault(key, {})[subscription.id] = subscription
            self._count(key, 1)

    def discard(self, id: str) -> None:
        if self._all.pop(id, None) is None:
            return
        self._timed.pop(id, None)
        self._of_registrations.pop(id, None)
        self._for_hubs.pop(id, None)
        for key in self._places.pop(id):
            if key[0] == "above":
                bounds = self._bounds[str(key[1])]
                del bounds[bisect_left(bounds, (float(str(key[2])), id))]
                if not bounds:
                    del self._bounds[str(key[1])]
                continue
            there = self._at[key]
            del there[id]
            if not there:
                del self._at[key]
            self._count(key, -1)

    def candidates(self, changes: Changes) -> Iterable[Subscription]:
        """The subscriptions that may concern a change."""
        found: dict[str, Subscription] = {}
        at = self._at
        for key in self._keys(changes):
            there = at.get(key)
            if there:
                found.update(there)
        for name, bounds in self._bounds.items():
            value = _highest(changes.entity, name)
            if value is not None:
                for _, id in bounds[: bisect_right(bounds, (value, "\U0010ffff"))]:
                    found[id] = self._all[id]
        return found.values()

    def _keys(self, changes: Changes) -> Iterator[Key]:
        entity = changes.entity
        yield _ANYTHING
        yield ("id", entity["id"])
        types = entity["type"]
        types = [types] if isinstance(types, str) else types
        for type in types:
            yield ("type", type)
            for name in changes.touched:
                yield ("watched", type, name)
        for name in changes.touched:
            yield ("watched", "", name)
        for name in self._counts["value"]:
            for value in _values(entity, name):
                yield ("value", name, value)
        for name in self._counts["cell"]:
            yield from _cells_of_entity(entity, name)
        scopes = entity.get("scope", [])
        for scope in [scopes] if isinstance(scopes, str) else scopes:
            path = scope.strip("/").split("/")
            for length in range(len(path) + 1):
                yield ("scope", "/".join(path[:length]))

    def _count(self, key: Key, by: int) -> None:
        """How many keys there are of each attribute whose values, or places, are looked at."""
        counts = self._counts.get(str(key[0]))
        if counts is not None:
            name = str(key[1])
            counts[name] = counts.get(name, 0) + by
            if not counts[name]:
                del counts[name]


def places_of(subscription: Subscription) -> list[Key]:
    """Where a subscription stands: every entity that it selects has one of these keys."""
    selectors = subscription.selectors
    if selectors and all(one.ids for one in selectors):
        return list(dict.fromkeys(("id", id) for one in selectors for id in one.ids))
    needed = list(_needed(subscription.condition))
    for compare in needed:
        if compare.operator == "==" and not compare.range:
            values = [_as_key(value) for value in compare.values]
            return list(dict.fromkeys(("value", compare.path.attribute, value) for value in values))
    if subscription.geo is not None and (cells := _cells_of_query(subscription.geo)):
        return [*cells, ("cell", subscription.geo.geoproperty)]  # the last is for what covers many cells
    for compare in needed:
        low = compare.values[0]
        above = compare.operator in (">", ">=") or (compare.operator == "==" and compare.range)
        if above and isinstance(low, int | float) and not isinstance(low, bool) and abs(low) < 1e300:
            return [("above", compare.path.attribute, float(low))]
    if subscription.scopes is not None and (prefixes := _prefixes(subscription.scopes)):
        return prefixes
    types = _types(selectors)
    if subscription.watched:
        return [("watched", type, name) for type in types or [""] for name in subscription.watched]
    return [("type", type) for type in types] if types else [_ANYTHING]


def _needed(condition: Condition | None) -> Iterator[Compare]:
    """Comparisons without which nothing is selected, of an attribute's own value."""
    if isinstance(condition, Compare):
        if not condition.path.sub and not condition.path.trail:
            yield condition
    elif isinstance(condition, And):
        for part in condition.parts:
            yield from _needed(part)


def _types(selectors: tuple[Selection, ...]) -> list[str]:
    """One type of each alternative; none if there is an alternative of any type."""
    if not selectors or any(one.types is None for one in selectors):
        return []
    return list(dict.fromkeys(wanted[0] for one in selectors if one.types for wanted in one.types.any_of))


def _prefixes(scopes: Scopes) -> list[Key]:
    found: dict[Key, None] = {}
    for wanted in scopes.any_of:
        path = wanted[0].strip("/").split("/")
        plain = path[: next((at for at, level in enumerate(path) if level in ("+", "#")), len(path))]
        if not plain:
            return []
        found["scope", "/".join(plain)] = None
    return list(found)


def _as_key(value: Any) -> Hashable:
    """Equal for all values that a comparison may take for equal."""
    if isinstance(value, bool):
        return value, "is"
    if isinstance(value, str):
        return value.removesuffix("Z")
    try:
        return float(value)
    except OverflowError:
        return str(value)


def _values(entity: Document, name: str) -> Iterator[Hashable]:
    if name not in entity:
        return
    if name in ENTITY_MEMBERS:
        found = entity[name]
        for one in found if isinstance(found, list) else [found]:
            yield _as_key(one)
        return
    for instance in instances(entity[name]):
        for value in _plain(instance):
            yield _as_key(value)


def _plain(instance: dict[str, Any]) -> Iterator[str | int | float | bool]:
    """The scalars that a comparison may find in an attribute: itself, elements of a list, texts of languages."""
    for member in ("value", "object", "vocab", "valueList", "json"):
        found = instance.get(member)
        if isinstance(found, dict):
            found = found.get("@value")
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, str | int | float):
                yield one
    for text in instance.get("languageMap", {}).values():
        for one in text if isinstance(text, list) else [text]:
            if isinstance(one, str):
                yield one
    for one in instance.get("objectList", []):
        yield one["object"]


def _highest(entity: Document, name: str) -> float | None:
    if name not in entity or name in ENTITY_MEMBERS:
        return None
    numbers = [
        float(value)
        for instance in instances(entity[name])
        for value in _plain(instance)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return max(numbers, default=None)


# The map


def _cells_of_query(geo: Geo) -> list[Key]:
    """The cells in which a geometry must lie at least in part; none if they are too many, or unknown."""
    box = _box(geo.geometry)
    if geo.georel == "disjoint" or (geo.georel == "near" and geo.max_distance is None):
        return []
    if geo.georel == "near":
        box = _widened(box, geo.max_distance or 0.0)
    return _cells(geo.geoproperty, box) if box is not None else []


def _cells_of_entity(entity: Document, name: str) -> Iterator[Key]:
    for instance in instances(entity[name]) if name in entity else ():
        value = instance.get("value")
        if instance.get("type") == "GeoProperty" and isinstance(value, dict):
            box = _box(value)
            cells = _cells(name, box) if box is not None else []
            yield from cells or [("cell", name)]


def _cells(name: str, box: Box) -> list[Key]:
    """The cells that a box touches; for too many, none: the caller has another place for these."""
    west, south, east, north = (floor(edge / CELL) for edge in box)
    if (east - west + 1) * (north - south + 1) > _MOST_CELLS:
        return []
    return [("cell", name, x, y) for x in range(west, east + 1) for y in range(south, north + 1)]


def _box(geometry: dict[str, Any]) -> Box | None:
    if geometry.get("type") == "Point":
        x, y = geometry["coordinates"][:2]
        return x, y, x, y
    longitudes, latitudes = [], []
    for x, y in _positions(geometry.get("coordinates", [])):
        longitudes.append(x)
        latitudes.append(y)
    if not longitudes:
        return None
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def _positions(coordinates: Any) -> Iterator[tuple[float, float]]:
    if coordinates and isinstance(coordinates[0], int | float):
        yield coordinates[0], coordinates[1]
        return
    for part in coordinates:
        yield from _positions(part)


def _widened(box: Box | None, metres: float) -> Box | None:
    """The box with a margin; None where that reaches over a pole or the date line."""
    if box is None:
        return None
    west, south, east, north = box
    high = metres / _DEGREE * 1.001 + 1e-9
    furthest = max(abs(south), abs(north)) + high
    if furthest >= 89:
        return None
    wide = high / cos(radians(furthest))
    if west - wide < -180 or east + wide > 180:
        return None
    return west - wide, south - high, east + wide, north + high
