"""The order in which all feeds run: what others refer to comes first."""

from __future__ import annotations

from collections.abc import Mapping

from mahakam.config import ConfigError, Place
from mahakam.feeds import definition
from mahakam.feeds.parts import contract_file

Key = tuple[str, str]
"""Place and feed."""


def in_order(places: Mapping[str, Place], problems: list[ConfigError] | None = None) -> list[Key]:
    """Every (place, feed); what a contract's foreign keys refer to runs before it.

    Otherwise places from the top down and feeds by name; so too for feeds that refer to each other in a circle.
    A feed that cannot be read is put into ``problems``, or raises ConfigError if there is no such list.
    """
    makes: dict[str, list[Key]] = {}
    needs: dict[Key, set[str]] = {}
    for place in sorted(places.values(), key=lambda place: _depth(places, place)):
        for name in place.files("feeds"):
            try:
                types, targets = _types(places, place, name)
            except ConfigError as error:
                if problems is None:
                    raise
                problems.append(error)
                types, targets = set(), set()
            needs[place.id, name] = targets
            for type in types:
                makes.setdefault(type, []).append((place.id, name))
    graph = {
        key: [one for type in sorted(targets) for one in makes.get(type, ()) if one != key]
        for key, targets in needs.items()
    }
    before = {key: _reached(graph, key) for key in graph}
    ordered: dict[Key, None] = {}

    def add(key: Key) -> None:
        for one in graph[key]:
            if one not in ordered and key not in before[one]:
                add(one)
        ordered.setdefault(key)

    for key in graph:
        add(key)
    return list(ordered)


def _reached(graph: Mapping[Key, list[Key]], start: Key) -> set[Key]:
    """All that a feed refers to, directly or through others; itself only if it stands in a circle."""
    found: set[Key] = set()
    waiting = list(graph[start])
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += graph[key]
    return found


def _depth(places: Mapping[str, Place], place: Place) -> int:
    above = place.parent
    return 1 + _depth(places, places[above]) if above is not None and above in places else 0


def _types(places: Mapping[str, Place], place: Place, name: str) -> tuple[set[str], set[str]]:
    """The entity type that a feed makes, and the types that its contract refers to."""
    from mahakam.quality.load import load
    from mahakam.quality.odcs import ContractError

    feed = definition.load(place, name)
    path = contract_file(places, place, feed.contract)
    if path is None:
        return set(), set()  # the run says so
    try:
        contract = load(path)
    except ContractError as error:
        raise ConfigError(path, str(error)) from error
    return {contract.entity}, {target.partition(".")[0] for target in contract.targets}
