"""Which entities are the network's countries, cities and projects: ``network:`` of network.yaml, with
defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.config import ConfigError, Place, checked_keys, scope_of

KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "country": (
        "Country",
        {"code": "code", "name": "name", "alias": "commonName", "capital": "capital", "location": "location"},
    ),
    "city": (
        "SmartCity",
        {
            "code": "code",
            "name": "name",
            "country": "country",
            "joined": "joined",
            "population": "population",
            "area": "area",
            "location": "location",
        },
    ),
    "term": (
        "NetworkTerm",
        {name: name for name in ("kind", "seat", "name", "country", "since", "until", "source")},
    ),
    "project": (
        "SmartCityProject",
        {
            "name": "name",
            "country": "country",
            "city": "city",
            "focus_area": "focusArea",
            "status": "status",
            "as_of": "asOf",
        },
    ),
}
"""Kind → (default entity type, our field → default attribute). A project's and a city's country, and a
project's city, may be a name, a code, or a relationship to the entity.
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """Where the entities of a kind are: their type, and the attribute that gives each field."""

    type: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Register:
    """The network's place, its scope and kinds."""

    place: Place
    scope: str
    country: Kind
    city: Kind
    project: Kind
    term: Kind


def register_of(places: Mapping[str, Place], network: str = "") -> Register | None:
    """The register of a network (the only one, if it is not named); None where this node knows none.

    Raises ConfigError for keys that network.yaml does not have.
    """
    for place in places.values():
        if place.kind == "network" and network in ("", place.id):
            return _register(place, scope_of(place, places))
    return None


def _register(place: Place, scope: str) -> Register:
    path = place.folder / "network.yaml"
    types = _mapping(path, "types", place.facts.get("types"), set(KINDS))
    attributes = _mapping(path, "attributes", place.facts.get("attributes"), set(KINDS))
    kinds = {}
    for name, (type, fields) in KINDS.items():
        own = _mapping(path, f"attributes: {name}", attributes.get(name), set(fields))
        kinds[name] = Kind(str(types.get(name, type)), {**fields, **{k: str(v) for k, v in own.items()}})
    return Register(place, scope, kinds["country"], kinds["city"], kinds["project"], kinds["term"])


def _mapping(path: Any, where: str, value: object, known: set[str]) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(path, f"{where}: must be a mapping of {', '.join(sorted(known))}")
    checked_keys(path, where, value, sorted(known))
    return dict(value)
