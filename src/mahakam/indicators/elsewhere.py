"""Indicators of cities that are not configured on this node, read from the values that their own nodes sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path as File

from mahakam.broker.broker import Broker
from mahakam.config import Place
from mahakam.indicators.definition import Definition
from mahakam.indicators.series import Series
from mahakam.indicators.value import TYPE, Value, definition_in, place_in, value_of
from mahakam.ngsild.entity import innermost_of
from mahakam.ngsild.selection import Compare, Or, Path, Selection, Types
from mahakam.store.protocol import Document


def series_elsewhere(
    broker: Broker, place: str = "", measure: str = "", today: date | None = None
) -> list[Series]:
    """The series of places that this node does not have, by place and indicator: of one ``place``, and of one
    ``measure`` (an indicator's id, or what it is compared as), if they are given.

    What each says of its meaning is that of its newest value. An entity that is no value of an indicator, or whose
    scope is not that of the place that it names, is left out: a hub admits a node to scopes, not to words.
    """
    day = today or datetime.now(UTC).date()
    found: dict[tuple[str, str], list[tuple[Value, Document]]] = {}
    for document in broker.scan(_selection(place, measure)):
        value = _value(document)
        if value is not None and value.place not in broker.places:
            found.setdefault((value.place, value.indicator), []).append((value, document))
    return [one for values in _in_order(found) if (one := _series(values, broker.places, day))]


def newest_elsewhere(broker: Broker, today: date | None = None) -> list[Series]:
    """Every series of places that this node does not have, each with its newest value that there is alone."""
    day = today or datetime.now(UTC).date()
    newest: dict[tuple[str, str], tuple[Value, Document]] = {}
    for document in broker.scan(_selection("", "")):
        value = _value(document)
        if value is None or value.state != "available" or value.place in broker.places:
            continue
        key = (value.place, value.indicator)
        if key not in newest or newest[key][0].period < value.period:
            newest[key] = value, document
    return [one for _, found in sorted(newest.items()) if (one := _series([found], broker.places, day))]


def value_told(broker: Broker, id: str) -> Series | None:
    """The series of one stored value, with that value alone, as the value itself says it: of any place. None for what
    is no value of an indicator.
    """
    document = broker.get(id)
    value = _value(document) if document else None
    return _series([(value, document)], broker.places, date.max) if value and document else None


def _selection(place: str, measure: str) -> Selection:
    condition: Compare | Or | None = None
    if place:
        condition = Compare(Path("place"), "==", (place,))
    elif measure:
        condition = Or((
            Compare(Path("indicator"), "==", (measure,)), Compare(Path("comparedAs"), "==", (measure,)),
        ))  # fmt: skip
    return Selection(types=Types(((TYPE,),)), condition=condition)


def _value(document: Document) -> Value | None:
    """None for what is no value of the place in whose scope it is."""
    try:
        value = value_of(document)
        if innermost_of(document) != value.place:
            return None
        if value.value is not None and (
            isinstance(value.value, bool) or not isinstance(value.value, int | float)
        ):
            return None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    return value


def _in_order(
    found: Mapping[tuple[str, str], list[tuple[Value, Document]]],
) -> Iterator[list[tuple[Value, Document]]]:
    for _, values in sorted(found.items()):
        yield sorted(values, key=lambda one: one[0].period)


def _series(
    values: Iterable[tuple[Value, Document]], places: Mapping[str, Place], today: date
) -> Series | None:
    """None if the newest does not say what it means."""
    listed = list(values)
    newest = listed[-1][1]
    try:
        definition: Definition = definition_in(newest)
        place = _place(newest, listed[-1][0].place, places)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    return Series(definition, place, tuple(value for value, _ in listed), today)


def _place(document: Document, id: str, places: Mapping[str, Place]) -> Place:
    """A place in name only: it has no folder here. Its parent is the place above it, if this node has that one."""
    name, kind = place_in(document)
    facts: dict[str, object] = {"name": dict(name)}
    scope = document["scope"]
    above = str(scope if isinstance(scope, str) else scope[0]).split("/")[-2]
    if above in places:
        facts["parent"] = above
    return Place(id, kind, File(), facts)
