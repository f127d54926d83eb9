"""How like two cities are: the conditions that both state, each with its weight, so that a reader sees why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from mahakam.config import ConfigError, Place

DEFAULTS: Mapping[str, float] = {
    "population": 3, "density": 2, "latitude": 1, "coast": 2, "river": 2, "country": 1
}  # fmt: skip
"""Condition → weight, where network.yaml says no other (``matching: {weights: {population: 5}}``)."""
HEAVIEST = 100.0
_TROPIC = 23.4
"""Degrees of latitude over which climate is taken to change wholly: from the equator to the tropic."""
Condition = float | str | bool


@dataclass(frozen=True, slots=True)
class Part:
    """One condition of both. ``share``: 1 alike, 0 not at all."""

    name: str
    weight: float
    mine: Condition
    theirs: Condition
    share: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """``share`` is the weighted mean of the parts; None where the cities state nothing in common. ``unknown``:
    conditions with a weight that one of them does not state."""

    share: float | None
    parts: tuple[Part, ...]
    unknown: tuple[str, ...]


def weights_of(places: Mapping[str, Place]) -> dict[str, float]:
    """The weights of the node. Raises ConfigError for a condition that is none and a weight that cannot be used."""
    found = dict(DEFAULTS)
    for place in places.values():
        stated = place.facts.get("matching") if place.kind == "network" else None
        if stated is None:
            continue
        path = place.folder / "network.yaml"
        if (
            not isinstance(stated, Mapping)
            or set(stated) != {"weights"}
            or not isinstance(stated["weights"], Mapping)
        ):
            raise ConfigError(path, "matching: must be {weights: {population: 3, density: 2}}")
        for name, weight in stated["weights"].items():
            if name not in DEFAULTS:
                near = get_close_matches(str(name), DEFAULTS, n=1)
                hint = f"did you mean {near[0]!r}?" if near else "there are " + ", ".join(DEFAULTS)
                raise ConfigError(path, f"matching.weights: unknown condition {name!r}; {hint}")
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= HEAVIEST:
                raise ConfigError(
                    path, f"matching.weights.{name}: must be a number from 0 to {HEAVIEST:g}, not {weight!r}"
                )
            found[name] = float(weight)
    return found


def conditions_of(place: Place) -> dict[str, Condition]:
    """What a city's city.yaml states: population and density by its facts ``people`` and ``area`` (km²), latitude by
    its centre, country, and ``conditions: {coast: true, river: false}``.

    Raises ConfigError for a ``conditions`` that cannot be used.
    """
    found: dict[str, Condition] = {}
    people, area = _figure(place, "people"), _figure(place, "area")
    if people:
        found["population"] = people
        if area:
            found["density"] = people / area
    centre = place.facts.get("centre")
    if isinstance(centre, list) and len(centre) == 2 and isinstance(centre[1], int | float):
        found["latitude"] = float(centre[1])
    if place.facts.get("country"):
        found["country"] = str(place.facts["country"])
    stated = place.facts.get("conditions") or {}
    path = place.folder / f"{place.kind}.yaml"
    if not isinstance(stated, Mapping):
        raise ConfigError(path, "conditions: must be {coast: true, river: false}")
    for name, value in stated.items():
        if name not in ("coast", "river") or not isinstance(value, bool):
            raise ConfigError(path, f"conditions: {name}: {value!r} must be coast or river, true or false")
        found[name] = value
    return found


def likeness(
    mine: Mapping[str, Condition], theirs: Mapping[str, Condition], weights: Mapping[str, float]
) -> Likeness:
    """Sizes: the smaller over the larger. Latitude: how near, as distances from the equator. Others: same or not."""
    parts = tuple(
        Part(name, weight, mine[name], theirs[name], _share(name, mine[name], theirs[name]))
        for name, weight in weights.items()
        if weight > 0 and name in mine and name in theirs
    )
    unknown = tuple(
        name for name, weight in weights.items() if weight > 0 and not (name in mine and name in theirs)
    )
    total = sum(part.weight for part in parts)
    share = sum(part.weight * part.share for part in parts) / total if total else None
    return Likeness(share, parts, unknown)


def _share(name: str, mine: Condition, theirs: Condition) -> float:
    if isinstance(mine, float) and isinstance(theirs, float):
        if name == "latitude":
            return max(0.0, 1 - abs(abs(mine) - abs(theirs)) / _TROPIC)
        return min(mine, theirs) / max(mine, theirs)
    return float(mine == theirs)


def _figure(place: Place, name: str) -> float | None:
    """A positive figure of city.yaml by its English name."""
    for fact in place.facts.get("facts") or []:
        said = fact.get("name")
        value = fact.get("value")
        called = said.get("en") if isinstance(said, Mapping) else said
        if called == name and isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
    return None
