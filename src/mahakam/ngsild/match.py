"""Whether a document is selected, in memory: the oracle of the store's SQL, the filter of subscriptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from typing import Any

import orjson

from mahakam.ngsild.entity import ENTITY_MEMBERS, VALUE_MEMBER, Document, instances
from mahakam.ngsild.selection import (
    And,
    Compare,
    Condition,
    Exists,
    Geo,
    Linked,
    Not,
    Or,
    Path,
    Scopes,
    Selection,
    Types,
)

EARTH_RADIUS = 6_371_008.8
"""Mean radius in metres (IUGG): near is a great-circle distance on this sphere."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z?|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z?")


def matches(document: Document, selection: Selection) -> bool:
    """Whether the selection selects the document."""
    if selection.ids and document["id"] not in selection.ids:
        return False
    if selection.id_pattern is not None and _pattern(selection.id_pattern).search(document["id"]) is None:
        return False
    if selection.types is not None and not of_types(document, selection.types):
        return False
    if selection.attrs and not any(name in document for name in selection.attrs):
        return False
    if selection.scopes is not None and not in_scopes(document, selection.scopes):
        return False
    if selection.condition is not None and not fulfils(document, selection.condition):
        return False
    return selection.geo is None or located(document, selection.geo)


def of_types(document: Document, types: Types) -> bool:
    found = document["type"]
    have = {found} if isinstance(found, str) else set(found)
    return any(have.issuperset(wanted) for wanted in types.any_of)


def in_scopes(document: Document, scopes: Scopes) -> bool:
    """Each pattern of a set must fit one of the entity's scopes."""
    found = document.get("scope", [])
    have = [found] if isinstance(found, str) else found
    return any(all(any(scope_fits(one, want) for one in have) for want in wanted) for wanted in scopes.any_of)


def scope_fits(scope: str, pattern: str) -> bool:
    """Whether a scope fits one pattern: ``/#`` at the end, ``+`` for one level."""
    path = scope.strip("/").split("/")
    want = pattern.strip("/").split("/")
    below = want[-1] == "#"
    if below:
        want.pop()
        if len(path) < len(want):
            return False
        path = path[: len(want)]
    return len(path) == len(want) and all(
        level in ("+", name) for name, level in zip(path, want, strict=True)
    )


def fulfils(document: Document, condition: Condition) -> bool:
    """Whether a document fulfils a condition of the query language."""
    if isinstance(condition, And):
        return all(fulfils(document, part) for part in condition.parts)
    if isinstance(condition, Or):
        return any(fulfils(document, part) for part in condition.parts)
    if isinstance(condition, Not):
        return not fulfils(document, condition.part)
    if isinstance(condition, Linked):
        raise TypeError("a store resolves no links: broker.linked does")
    if isinstance(condition, Exists):
        return any(True for _ in targets(document, condition.path))
    return _compared(document, condition)


def targets(document: Document, path: Path, *, related: bool = True) -> Iterator[Any]:
    """The values that a path leads to: one an instance; none if the target element does not exist.

    ``related=False`` leaves out what Relationships point at: they have no order and no pattern.
    """
    name = path.attribute
    if name in ENTITY_MEMBERS:
        if name in document and not path.sub and not path.trail:
            yield document[name]
        return
    if name in document:
        for instance in instances(document[name]):
            yield from _below(instance, path.sub, path.trail, related)


def _below(
    instance: dict[str, Any], sub: tuple[str, ...], trail: tuple[str, ...], related: bool
) -> Iterator[Any]:
    for depth, name in enumerate(sub):
        if name not in instance:
            return
        found = instance[name]
        if depth == len(sub) - 1 and not _is_attribute(found):
            if not trail:
                yield found
            return
        if not _is_attribute(found):
            return
        if isinstance(found, list):
            for one in found:
                yield from _below(one, sub[depth + 1 :], trail, related)
            return
        instance = found
    kind = instance["type"]
    if not related and kind in ("Relationship", "ListRelationship"):
        return
    value = instance[VALUE_MEMBER[kind]]
    if kind == "LanguageProperty":
        keys = list(value) if not trail or trail == ("*",) else [trail[0]] if len(trail) == 1 else []
        yield from (value[key] for key in keys if key in value)
        return
    if kind == "ListRelationship":
        value = [one["object"] for one in value]
    for key in trail:
        if not isinstance(value, dict) or key not in value:
            return
        value = value[key]
    if isinstance(value, dict) and "@value" in value:
        value = value["@value"]
    yield value


def _is_attribute(value: Any) -> bool:
    one = value[0] if isinstance(value, list) and value else value
    return isinstance(one, dict) and one.get("type") in VALUE_MEMBER


def _compared(document: Document, compare: Compare) -> bool:
    """Of several instances or languages any may match; for != and !~= none may be equal (clause 4.9)."""
    operator = compare.operator
    found = list(targets(document, compare.path, related=operator in ("==", "!=")))
    if not found:
        return False
    if operator == "!=":
        return not any(_equal(value, compare) for value in found)
    if operator == "==":
        return any(_equal(value, compare) for value in found)
    if operator in ("~=", "!~="):
        texts = [text for value in found for text in _elements(value) if isinstance(text, str)]
        pattern = _pattern(compare.values[0])
        hit = any(pattern.search(text) is not None for text in texts)
        return hit if operator == "~=" else bool(texts) and not hit
    wanted = compare.values[0]
    return any(_ordered(one, operator, wanted) for value in found for one in _elements(value))


def _elements(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)


def _equal(value: Any, compare: Compare) -> bool:
    for one in _elements(value):
        if compare.range:
            low, high = compare.values
            if _ordered(one, ">=", low) and _ordered(one, "<=", high):
                return True
        elif any(_same(one, wanted) for wanted in compare.values):
            return True
    return False


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, str) and isinstance(wanted, str):
        return value == wanted or _comparable(value, wanted) == _comparable(wanted, value)
    return isinstance(value, int | float) and isinstance(wanted, int | float) and value == wanted


def _ordered(value: Any, operator: str, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return False
    left: Any = value
    right: Any = wanted
    if isinstance(value, str) and isinstance(wanted, str):
        left, right = _comparable(value, wanted), _comparable(wanted, value)
    elif not (isinstance(value, int | float) and isinstance(wanted, int | float)):
        return False
    if operator == ">":
        return bool(left > right)
    if operator == ">=":
        return bool(left >= right)
    if operator == "<":
        return bool(left < right)
    return bool(left <= right)


def _comparable(text: str, other: str) -> str:
    """Two times compare as times: without the final Z, their texts order as they do."""
    if text[-1:] == "Z" and _MOMENT.fullmatch(text) and _MOMENT.fullmatch(other):
        return text[:-1]
    return text


@lru_cache(256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def located(document: Document, geo: Geo) -> bool:
    """Whether a GeoProperty of the document stands in the relation to the reference geometry."""
    if geo.geoproperty not in document:
        return False
    return any(
        _related(instance["value"], geo)
        for instance in instances(document[geo.geoproperty])
        if instance["type"] == "GeoProperty"
    )


def _related(value: dict[str, Any], geo: Geo) -> bool:
    if geo.georel == "near":
        distance = metres_between(value, geo.geometry)
        return (geo.max_distance is None or distance <= geo.max_distance) and (
            geo.min_distance is None or distance >= geo.min_distance
        )
    from shapely.geometry import shape  # imported late: start-up must stay fast

    return bool(getattr(_sound(shape(value)), geo.georel)(_shape(orjson.dumps(geo.geometry))))


@lru_cache(64)
def _shape(geometry: bytes) -> Any:
    from shapely.geometry import shape

    return _sound(shape(orjson.loads(geometry)))


def _sound(area: Any) -> Any:
    """Relations are only defined for valid geometries; slivers are repaired."""
    from shapely import is_valid, make_valid

    return area if is_valid(area) else make_valid(area)


def metres_between(one: dict[str, Any], other: dict[str, Any]) -> float:
    """The least great-circle distance in metres; of shapes, between their nearest points.

    These are found on a plane whose degrees of longitude are as short as they are at the second shape.
    """
    if one["type"] == "Point" and other["type"] == "Point":
        a, b = one["coordinates"], other["coordinates"]
        return great_circle(a[0], a[1], b[0], b[1])
    from shapely import transform
    from shapely.geometry import shape
    from shapely.ops import nearest_points

    there = _shape(orjson.dumps(other))
    short = max(cos(radians((there.bounds[1] + there.bounds[3]) / 2)), 1e-6)
    here, there = (transform(area, lambda xy: xy * (short, 1.0)) for area in (shape(one), there))
    near, far = nearest_points(here, there)
    return great_circle(near.x / short, near.y, far.x / short, far.y)


def great_circle(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """The distance in metres between two positions in degrees, by the haversine formula."""
    north, other_north = radians(latitude), radians(other_latitude)
    half = (
        sin((other_north - north) / 2) ** 2
        + cos(north) * cos(other_north) * sin(radians(other_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS * asin(sqrt(min(1.0, half)))
