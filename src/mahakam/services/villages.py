"""The villages of a place: a name for a point, and a list to choose from where there is no map."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from mahakam.broker.broker import Broker
from mahakam.ngsild.selection import Compare, Geo, Path, Scopes, Selection, Types
from mahakam.services.area import Point

TYPE = "AdministrativeArea"
LEVELS = ("village", "district", "city")
"""From the smallest; the attribute ``level`` of an AdministrativeArea."""
_FRESH = 600.0
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Village:
    """``point`` lies inside it (not always its centre)."""

    name: str
    point: Point


def areas_of(broker: Broker, scope: str, point: Point) -> dict[str, str]:
    """Level → name of the areas of a place that a point lies in."""
    selection = Selection(
        types=Types(((TYPE,),)),
        geo=Geo("intersects", {"type": "Point", "coordinates": list(point)}),
        scopes=Scopes(((f"{scope}/#",),)),
    )
    return {_value(document, "level"): _value(document, "name") for document in broker.query(selection, 20)}


def village_of(areas: Mapping[str, str]) -> str:
    """The village and the district among the areas of :func:`areas_of`, "" if the node has none there."""
    return ", ".join(areas[level] for level in LEVELS[:2] if areas.get(level))


class VillageLists:
    """The villages (or districts: ``level``) of each place, kept for ten minutes: their outlines are large."""

    def __init__(self, level: str = LEVELS[0]) -> None:
        self._level = level
        self._kept: WeakKeyDictionary[Broker, dict[str, tuple[float, list[Village]]]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, broker: Broker, scope: str) -> list[Village]:
        """Those of the place with this scope, by name."""
        with self._lock:
            kept = self._kept.setdefault(broker, {})
            at, villages = kept.get(scope, (0.0, []))
            if not at or time.monotonic() - at > _FRESH or not villages:
                villages = _read(broker, scope, self._level)
                kept[scope] = (time.monotonic(), villages)
            return villages


VILLAGES = VillageLists()
DISTRICTS = VillageLists("district")
"""Of the nodes of this process."""


def village_named(villages: Sequence[Village], text: str) -> Village | None:
    """The village that an address names, of several the one with the longest name."""
    words = " " + " ".join(_WORD.findall(text.casefold())) + " "
    named = [
        village for village in villages if f" {' '.join(_WORD.findall(village.name.casefold()))} " in words
    ]
    return max(named, key=lambda village: len(village.name), default=None)


def _read(broker: Broker, scope: str, level: str) -> list[Village]:
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    selection = Selection(
        types=Types(((TYPE,),)),
        condition=Compare(Path("level"), "==", (level,)),
        scopes=Scopes(((f"{scope}/#",),)),
    )
    found = []
    for document in broker.query(selection, 2000):
        try:
            inside = shape((document.get("location") or {})["value"]).representative_point()
        except (KeyError, ValueError, TypeError, AttributeError, ShapelyError):
            continue
        found.append(Village(_value(document, "name"), (round(inside.x, 6), round(inside.y, 6))))
    return sorted(found, key=lambda village: village.name.casefold())


def _value(document: Mapping[str, Any], name: str) -> str:
    attribute = document.get(name)
    return str(attribute.get("value", "")) if isinstance(attribute, Mapping) else ""
