"""Finding registrations: by what they know, their own properties, place, scope and time (clause 5.10.2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mahakam.broker.federation.matching import Index
from mahakam.broker.federation.registration import Registration
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import VALUE_MEMBER, Document
from mahakam.ngsild.match import fulfils, in_scopes, located
from mahakam.ngsild.qlanguage import parse_q
from mahakam.ngsild.selection import Condition, Selection, Types
from mahakam.ngsild.temporal_query import Period


def parse_filter(text: str | None, context: Context) -> Condition | None:
    """A context source filter (csf): a condition on registrations' own members; raises Problem."""
    return parse_q(text, context) if text else None


def concerned(
    index: Index,
    selection: Selection,
    *,
    at: str,
    conditions: tuple[Condition, ...] = (),
    period: Period | None = None,
) -> list[Registration]:
    """The registrations that a selection of entities is about, each once.

    A condition of the selection itself is not looked at: it is about entities. Without ``period`` only
    sources of the latest state are found: those whose registration names no interval.
    """
    found = index.find(
        at=at,
        ids=selection.ids,
        id_pattern=selection.id_pattern or "",
        types=types_of(selection.types),
        attributes=selection.attrs,
    )
    registrations = {match.registration.id: match.registration for match in found}
    return [
        one
        for one in registrations.values()
        if in_time(one, period) and passes(one, conditions) and _placed(one, selection)
    ]


def types_of(types: Types | None) -> tuple[str, ...]:
    """The names in an entity-type selection: a source that has any of them may have what is selected."""
    return tuple(dict.fromkeys(name for names in types.any_of for name in names)) if types else ()


def in_time(registration: Registration, period: Period | None) -> bool:
    payload = registration.payload
    if period is None:
        return "observationInterval" not in payload and "managementInterval" not in payload
    name = "observationInterval" if period.timeproperty == "observedAt" else "managementInterval"
    return name in payload and period.meets(payload[name])


def recorded(registration: Registration, period: Period | None) -> bool:
    """Whether a source may have instances of a period: one that names no interval may have them of any time."""
    if not {"observationInterval", "managementInterval"} & registration.payload.keys():
        return True
    return period is None or in_time(registration, period)


def passes(registration: Registration, conditions: tuple[Condition, ...]) -> bool:
    """Whether a registration fulfils conditions on its own members."""
    if not conditions:
        return True
    document = _document(registration.payload)
    return all(fulfils(document, condition) for condition in conditions)


def _placed(registration: Registration, selection: Selection) -> bool:
    payload = registration.payload
    if selection.scopes is not None and not in_scopes(payload, selection.scopes):
        return False
    return selection.geo is None or located(_document(payload), selection.geo)


def _document(payload: Mapping[str, Any]) -> Document:
    """A registration in the shape of an entity, for what is written about entities."""
    return {
        name: value
        if name in ("id", "type", "scope")
        or (isinstance(value, dict) and VALUE_MEMBER.get(str(value.get("type")), "") in value)
        else {"type": "GeoProperty" if _is_geometry(value) else "Property", "value": value}
        for name, value in payload.items()
    }


def _is_geometry(value: object) -> bool:
    return isinstance(value, dict) and "coordinates" in value
