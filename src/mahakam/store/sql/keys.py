"""What the indexes hold of an entity: its types, its scopes, and the bounding box of its location."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Box = tuple[float, float, float, float]
"""West, east, south, north in degrees."""


class Keys(NamedTuple):
    types: list[str]
    scopes: list[str]
    box: Box | None


def keys_of(document: dict[str, Any]) -> Keys:
    """The index keys of a document; a location without usable coordinates has no box."""
    type, scope, location = document["type"], document.get("scope"), document.get("location")
    return Keys(
        [type] if type.__class__ is str else type,
        [] if scope is None else [scope] if scope.__class__ is str else scope,
        None if location is None else _location_box(location),
    )


def as_list(value: Any) -> list[Any]:
    """One string stands for a list of one, None for an empty list."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def box_of(geometry: dict[str, Any]) -> Box | None:
    """The bounding box of a GeoJSON geometry; None if it has no position."""
    first = geometry.get("coordinates")
    if geometry.get("type") == "Point" and isinstance(first, list) and len(first) >= 2:
        return (first[0], first[0], first[1], first[1])
    positions = list(_positions(geometry))
    if not positions:
        return None
    longitudes = [position[0] for position in positions]
    latitudes = [position[1] for position in positions]
    return min(longitudes), max(longitudes), min(latitudes), max(latitudes)


def _location_box(attribute: Any) -> Box | None:
    if attribute.__class__ is dict:
        value = attribute.get("value")
        return box_of(value) if isinstance(value, dict) else None
    geometries = [
        instance["value"]
        for instance in as_list(attribute)
        if isinstance(instance, dict) and isinstance(instance.get("value"), dict)
    ]
    boxes = [box for box in map(box_of, geometries) if box is not None]
    if len(boxes) <= 1:
        return boxes[0] if boxes else None
    west, east, south, north = zip(*boxes, strict=True)
    return min(west), max(east), min(south), max(north)


def _positions(geometry: dict[str, Any]) -> Iterator[list[float]]:
    for part in geometry.get("geometries", ()):
        yield from _positions(part)
    stack = [geometry.get("coordinates", ())]
    while stack:
        item = stack.pop()
        if isinstance(item, list | tuple) and item:
            if isinstance(item[0], int | float):
                if len(item) >= 2:
                    yield list(item)
            else:
                stack.extend(item)
