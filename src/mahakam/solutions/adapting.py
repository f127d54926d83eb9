"""What of a component is one city's own: its id, its codes, its figures, and what they are in another city."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.config import LANGUAGES, Place

SOURCES = ("id", "code", "code digits", "country", "timezone", *(f"name {one}" for one in LANGUAGES))
"""What a text of a component may be in a city, besides ``fact NAME``: a figure of its city.yaml."""
_FACT = "fact "


@dataclass(frozen=True, slots=True)
class Adaptation:
    """``text`` stands in the components; ``source`` says what it is in a city."""

    text: str
    source: str

    @property
    def fact(self) -> str:
        """The name of the figure of city.yaml that it is; "" for something else."""
        return self.source.removeprefix(_FACT) if self.source.startswith(_FACT) else ""

    def value(self, place: Place) -> str | None:
        """What the text is in a place; None where its city.yaml does not say."""
        match self.source:
            case "id":
                return place.id
            case "code":
                return str(place.facts["code"]) if place.facts.get("code") else None
            case "code digits":
                return re.sub(r"\D", "", str(place.facts.get("code", ""))) or None
            case "country":
                return str(place.facts["country"]) if place.facts.get("country") else None
            case "timezone":
                return place.timezone
        if self.fact:
            return _fact(place, self.fact)
        return place.name.get(self.source.removeprefix("name "))


def fact_source(place: Place, name: str) -> str:
    """Where a figure of city.yaml comes from, as the city says; "" for one that it does not have."""
    return str((_fact_of(place, name) or {}).get("source", ""))


def read_source(value: object) -> str:
    """Raises ValueError for what no city has."""
    text = " ".join(str(value).split())
    if text in SOURCES or (text.startswith(_FACT) and text != _FACT):
        return text
    raise ValueError(f"{value!r} is none of {', '.join(SOURCES)}, or fact and its name in city.yaml")


def _fact(place: Place, name: str) -> str | None:
    found = _fact_of(place, name)
    return str(found["value"]) if found else None


def _fact_of(place: Place, name: str) -> Mapping[str, Any] | None:
    for fact in place.facts.get("facts") or []:
        names = fact.get("name")
        said = names.values() if isinstance(names, Mapping) else [names]
        if name in said and fact.get("value") is not None:
            found: Mapping[str, Any] = fact
            return found
    return None


def adapted(text: str, changes: Iterable[tuple[str, str]]) -> str:
    """A component's text with each word replaced, all at once, so that no replacement is replaced again.

    A word is one that no letter, digit, underscore, hyphen or slash touches: ``6472`` in ``'6472'``, not in ``164720``.
    Addresses stay as they are: ``https://example.org/samarinda`` is somebody else's name.
    """
    table = {old: new for old, new in changes if old}
    if not table:
        return text
    longest_first = sorted(table, key=len, reverse=True)
    pattern = (
        r"https?://[^\s\"'<>]+|(?<![\w/-])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w/-])"
    )
    return re.sub(pattern, lambda found: table.get(found[0], found[0]), text)
