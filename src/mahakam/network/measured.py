"""Values of indicators that this node computed, or that a city's own node sent: what an outcome is held against."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.config import Text, scope_of
from mahakam.network.evidence import INDICATOR_VALUE
from mahakam.ngsild.entity import Document, innermost_of
from mahakam.ngsild.selection import Compare, Path, Scopes, Selection, Types

Sender = Callable[[str], str]
"""An entity's id → the title of the node that sent it; "" for this node's own."""


_LABEL = re.compile(r"all|\d{4}(-\d\d)?")


@dataclass(frozen=True, slots=True)
class Measured:
    """One value. ``label`` is its period: a year, a month (2024-03) or ``all`` there is.

    ``node``: the node that sent it, "" for this one; ``computed``: when it was (ISO 8601), "" if it does not say.
    """

    id: str
    label: str
    value: float
    unit: str
    name: Text
    node: str = ""
    computed: str = ""

    def position(self, day: dt.date) -> float:
        """Where it stands among years: a year's value at its number, a month's within it, ``all`` at today."""
        if self.label == "all":
            return day.year + (day.timetuple().tm_yday - 1) / 366 - 0.5
        year, _, month = self.label.partition("-")
        return int(year) + ((int(month) - 6.5) / 12 if month else 0)


class Measurements:
    """The values by place and indicator; each place is read once.

    Of a place that this node does not have, those that are in its scope and that a node sent: a hub admits a node to
    scopes, not to words.
    """

    def __init__(self, broker: Broker, sender: Sender = lambda _id: "") -> None:
        self._broker = broker
        self._sender = sender
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
        selection = Selection(
            types=Types(((INDICATOR_VALUE,),)),
            scopes=Scopes(((scope_of(place, self._broker.places),),)) if place else None,
            condition=Compare(Path("place"), "==", (id,)),
        )
        found: dict[str, list[Measured]] = {}
        for document in self._broker.scan(selection):
            node = self._sender(document["id"])
            if place is None and (not node or innermost_of(document) != id):
                continue
            read = _measured(document, node)
            if read is not None:
                found.setdefault(read[0], []).append(read[1])
        for values in found.values():
            values.sort(key=lambda one: one.label)
        return found


def _measured(document: Document, node: str) -> tuple[str, Measured] | None:
    """The indicator and the value; None for what has no number, or does not say of what."""

    def get(name: str) -> Any:
        found = document.get(name)
        return found.get("value") if isinstance(found, dict) else None

    value, indicator, label, words = (
        get("kpiValue"), get("indicator"), get("period"), document.get("name", {}).get("languageMap"),
    )  # fmt: skip
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_label(label) or not words:
        return None
    at = get("updatedAt") or ""
    computed = at.get("@value", "") if isinstance(at, dict) else at
    return str(indicator), Measured(
        document["id"], label, value, str(get("unit") or ""), words, node, str(computed)
    )


def _is_label(label: object) -> bool:
    return isinstance(label, str) and _LABEL.fullmatch(label) is not None
