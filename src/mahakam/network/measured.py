"""Values of indicators that this node computed, as entities: what an outcome of a plan is held against."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from mahakam.broker.broker import Broker
from mahakam.config import Text, scope_of
from mahakam.network.evidence import INDICATOR_VALUE
from mahakam.ngsild.selection import Compare, Path, Scopes, Selection, Types


@dataclass(frozen=True, slots=True)
class Measured:
    """One value. ``label`` is its period: a year, a month (2024-03) or ``all`` there is."""

    id: str
    label: str
    value: float
    unit: str
    name: Text

    def position(self, day: dt.date) -> float:
        """Where it stands among years: a year's value at its number, a month's within it, ``all`` at today."""
        if self.label == "all":
            return day.year + (day.timetuple().tm_yday - 1) / 366 - 0.5
        year, _, month = self.label.partition("-")
        return int(year) + ((int(month) - 6.5) / 12 if month else 0)


class Measurements:
    """The node's values by place and indicator; each place is read once."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._places: dict[str, dict[str, list[Measured]]] = {}

    def __call__(self, place: str, indicator: str) -> list[Measured]:
        """In order of time; none for a place or an indicator that the node does not know."""
        return self.of(place).get(indicator, [])

    def of(self, place: str) -> Mapping[str, list[Measured]]:
        """Every indicator of a place that has a value."""
        if place not in self._places:
            self._places[place] = self._read(place)
        return self._places[place]

    def _read(self, id: str) -> dict[str, list[Measured]]:
        place = self._broker.places.get(id)
        if place is None:
            return {}
        selection = Selection(
            types=Types(((INDICATOR_VALUE,),)),
            scopes=Scopes(((scope_of(place, self._broker.places),),)),
            condition=Compare(Path("place"), "==", (id,)),
        )
        found: dict[str, list[Measured]] = {}
        for one in self._broker.scan(selection):
            value = one.get("kpiValue", {}).get("value")
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(one["indicator"]["value"], []).append(
                    Measured(
                        one["id"],
                        one["period"]["value"],
                        value,
                        one.get("unit", {}).get("value", ""),
                        one["name"]["languageMap"],
                    )
                )
        for values in found.values():
            values.sort(key=lambda one: one.label)
        return found
