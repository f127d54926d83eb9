"""What a share says, checked: entity types with their attributes, and of which copies are sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.ngsild.context import CORE
from mahakam.ngsild.entity import RESERVED
from mahakam.ngsild.lexical import require_name
from mahakam.ngsild.problem import Problem
from mahakam.nodes.faults import NodeError

OFFERED = ("KeyPerformanceIndicator", "SmartCityProject", "Solution")
"""Types that are offered first, and of which copies are sent if nobody says otherwise: published indicator values,
projects and solutions."""
MOST_TYPES, MOST_FIELDS = 500, 500


@dataclass(frozen=True, slots=True)
class Shares:
    """``attributes``: type → attributes, canonical names; ``push``: the types of which copies are sent."""

    attributes: Mapping[str, frozenset[str]]
    push: frozenset[str] = frozenset()

    @property
    def pushed(self) -> Shares:
        """What is shared of the types of which copies are sent."""
        return Shares({type: self.attributes[type] for type in self.push}, self.push)

    def as_json(self) -> dict[str, Any]:
        return {
            "shares": {type: sorted(names) for type, names in sorted(self.attributes.items())},
            "push": sorted(self.push),
        }


def parse_shares(shares: object, push: object) -> Shares:
    """From JSON: ``{"BusStop": ["waiting"]}`` and ``["BusStop"]``. Raises NodeError with what is wrong."""
    if not isinstance(shares, Mapping) or len(shares) > MOST_TYPES:
        raise NodeError(f"shares: at most {MOST_TYPES} types, each with a list of attributes, were expected")
    found: dict[str, frozenset[str]] = {}
    for type, names in shares.items():
        if not isinstance(names, list) or not 1 <= len(names) <= MOST_FIELDS:
            raise NodeError(f"shares.{str(type)[:80]}: a list of 1 to {MOST_FIELDS} attributes was expected")
        fields = frozenset(_name(one, f"shares.{type}") for one in names)
        if wrong := fields & RESERVED:
            raise NodeError(f"shares.{type}: {min(wrong)} is no attribute; every entity shows it")
        found[_name(type, "shares")] = fields
    if not isinstance(push, list) or not all(isinstance(one, str) for one in push):
        raise NodeError("push: a list of types was expected")
    pushed = frozenset(push)
    if wrong := pushed - found.keys():
        raise NodeError(f"push: {min(wrong)[:80]} is not shared")
    return Shares(found, pushed)


def widened(before: Shares, after: Shares) -> Iterable[str]:
    """The types of which copies must be sent anew: more of them is shared, or copies were not sent before."""
    return sorted(
        type
        for type in after.push
        if type not in before.push or after.attributes[type] - before.attributes.get(type, frozenset())
    )


def _name(value: object, where: str) -> str:
    if not isinstance(value, str) or not value or len(value) > 500:
        raise NodeError(f"{where[:100]}: names were expected")
    try:
        return require_name(value, CORE, where[:100])
    except Problem as problem:
        raise NodeError(str(problem)) from None
