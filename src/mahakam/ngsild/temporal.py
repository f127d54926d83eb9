"""The evolution of an entity: its attribute instances over time (clause 4.5.6, 5.6.11-16)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from mahakam.ngsild.context import Context
from mahakam.ngsild.core import NULL
from mahakam.ngsild.entity import (
    ENTITY_MEMBERS,
    SYSTEM,
    VALUE_MEMBER,
    Document,
    instances,
    is_null,
    parse_attribute,
    parse_entity,
    parse_fragment,
)
from mahakam.ngsild.lexical import TIME_RULE, is_time, require_name
from mahakam.ngsild.problem import Problem, bad_request

Head = dict[str, Any]
"""An evolution without its attributes: id, type, scope, createdAt, modifiedAt, deletedAt once it has ended."""

INSTANCE = "urn:ngsi-ld:instance:"
"""The instanceId is this and the number of the moment."""
MAX_INSTANCES = 10_000
"""Attribute instances that one request may bring."""
KEPT_APART = SYSTEM - {"expiresAt"} | {"instanceId"}
"""Members of an attribute that are no part of a moment's body."""
NO_ATTRIBUTES = ENTITY_MEMBERS | {"@context", "@id", "@type"}


@dataclass(slots=True)
class Moment:
    """One attribute instance of an evolution. ``body``: its JSON with its expiresAt, but without other system
    attributes and instanceId.

    ``number`` orders them as they were written; 0 before that. Times are ISO 8601 UTC; "" for none.
    ``foreign``: the instanceId of one that another node keeps.
    """

    entity: str
    attribute: str
    body: bytes
    created: str
    modified: str
    dataset: str = ""
    observed: str = ""
    deleted: str = ""
    number: int = 0
    foreign: str = ""

    def instance(self) -> dict[str, Any]:
        """The instance with its system attributes and its instanceId."""
        found: dict[str, Any] = orjson.loads(self.body)
        found["instanceId"] = self.foreign or f"{INSTANCE}{self.number}"
        found["createdAt"] = self.created
        found["modifiedAt"] = self.modified
        if self.deleted:
            found["deletedAt"] = self.deleted
        return found

    def time(self, timeproperty: str) -> str:
        """The time of that name; "" if it has none."""
        if timeproperty == "observedAt":
            return self.observed
        if timeproperty == "deletedAt":
            return self.deleted
        return self.created if timeproperty == "createdAt" else self.modified


def moment_of(entity: str, attribute: str, instance: dict[str, Any], at: str) -> Moment:
    """The moment of an attribute instance that came about at a time."""
    plain = instance
    if not KEPT_APART.isdisjoint(instance):
        plain = {name: part for name, part in instance.items() if name not in KEPT_APART}
    dataset, observed = instance.get("datasetId", ""), instance.get("observedAt", "")
    return Moment(entity, attribute, orjson.dumps(plain), at, at, dataset, observed)


def scope_moment(entity: str, scope: Any, at: str) -> Moment:
    """A scope as an instance of a Property, observed when it was set (clause 4.5.6)."""
    return moment_of(entity, "scope", {"type": "Property", "value": scope, "observedAt": at}, at)


def _no_scope(entity: str, at: str) -> Moment:
    """The moment from which on an entity has no scope."""
    return Moment(entity, "scope", orjson.dumps({"type": "Property", "value": []}), at, at, deleted=at)


def ended(entity: str, attribute: str, instance: dict[str, Any], at: str) -> Moment:
    """The moment at which an attribute instance was deleted: its value is the NGSI-LD Null (clause 4.8)."""
    if attribute == "scope":
        return _no_scope(entity, at)
    kind = instance["type"]
    plain: dict[str, Any] = {"type": kind, VALUE_MEMBER[kind]: _null(kind)}
    dataset = instance.get("datasetId", "")
    if dataset:
        plain["datasetId"] = dataset
    return Moment(entity, attribute, orjson.dumps(plain), at, at, dataset, deleted=at)


def _null(kind: str) -> Any:
    if kind == "LanguageProperty":
        return {"@none": NULL}
    if kind == "ListProperty":
        return [NULL]
    return [{"object": NULL}] if kind == "ListRelationship" else NULL


def head_of(document: Document, at: str, created: str = "", deleted: str = "") -> Head:
    """The head of the evolution of an entity that was changed at a time."""
    head: Head = {name: document[name] for name in ("id", "type", "scope") if name in document}
    head["createdAt"] = created or document.get("createdAt") or at
    head["modifiedAt"] = at
    if deleted:
        head["deletedAt"] = deleted
    return head


def moments_between(before: Document | None, after: Document | None, at: str) -> Iterator[Moment]:
    """What a change of an entity adds to its evolution: what is new or another, and what is gone."""
    document = after or before or {}
    entity = document.get("id", "")
    scopes = (before or {}).get("scope"), (after or {}).get("scope")
    if scopes[0] != scopes[1]:
        yield scope_moment(entity, scopes[1], at) if scopes[1] is not None else _no_scope(entity, at)
    for name in {**(before or {}), **(after or {})}:
        if name in ENTITY_MEMBERS:
            continue
        old = before.get(name) if before else None
        new = after.get(name) if after else None
        if old == new:
            continue
        if old is None and type(new) is dict:
            yield moment_of(entity, name, new, at)
            continue
        olds = {one.get("datasetId"): one for one in instances(old)} if old is not None else {}
        news = {one.get("datasetId"): one for one in instances(new)} if new is not None else {}
        for dataset, one in news.items():
            if olds.get(dataset) != one:
                yield moment_of(entity, name, one, at)
        for dataset, one in olds.items():
            if dataset not in news:
                yield ended(entity, name, one, at)


def parse_evolution(payload: Any, context: Context, at: str, id: str = "") -> tuple[Head, list[Moment]]:
    """The temporal representation of an entity (clause 4.5.6), or, if ``id`` names it, a fragment of one.

    Raises Problem BadRequestData.
    """
    if not isinstance(payload, dict):
        raise bad_request("The payload is not valid", "a JSON object was expected")
    members = {name: part for name, part in payload.items() if name in NO_ATTRIBUTES and name != "@context"}
    scopes = scope_instances(members)
    head: Head = parse_fragment(members, context) if id else parse_entity(members, context, at)
    head.setdefault("id", id)
    moments: list[Moment] = []
    for scope in scopes:
        found = parse_fragment({"scope": scope.get("value")}, context).get("scope")
        head["scope"] = found
        time = scope.get("observedAt", at)
        if not is_time(time):
            raise bad_request("The entity is not valid", f"scope.observedAt: {TIME_RULE} was expected")
        moment = scope_moment(head["id"], found, time)
        moment.created = moment.modified = at
        moments.append(moment)
    for key, value in payload.items():
        if key in NO_ATTRIBUTES:
            continue
        name = require_name(key, context, "The attribute's name")
        if name in ENTITY_MEMBERS:
            raise bad_request("The attribute's name is not valid", f"{key} is a member of the entity itself")
        several = value if isinstance(value, list) else [value]
        if not several:
            raise bad_request("The entity is not valid", f"{key}: at least one attribute instance")
        for index, part in enumerate(several):
            moments.append(_parsed(head["id"], name, part, context, f"{key}[{index}]", at))
        if len(moments) > MAX_INSTANCES:
            raise Problem("TooManyResults", "Too many attribute instances", f"{MAX_INSTANCES} at most")
    return head, moments


def _parsed(entity: str, name: str, part: Any, context: Context, where: str, at: str) -> Moment:
    """One instance of a payload; with the NGSI-LD Null as its value it says that the attribute was deleted."""
    gone = isinstance(part, dict) and is_null(part)
    moment = moment_of(entity, name, parse_instance(part, context, where, partial=gone), at)
    if gone:
        deleted = part.get("deletedAt", at)
        if not is_time(deleted):
            raise bad_request("The entity is not valid", f"{where}.deletedAt: {TIME_RULE} was expected")
        if "type" not in part:
            raise bad_request("The entity is not valid", f"{where}.type: the attribute's type was expected")
        moment.deleted = deleted
    return moment


def scope_instances(members: dict[str, Any]) -> list[dict[str, Any]]:
    """The scopes of a payload as instances of a Property; they leave its members."""
    if "scope" not in members:
        return []
    scope = members.pop("scope")
    several = scope if isinstance(scope, list) else [scope]
    if several and all(isinstance(one, dict) for one in several):
        return several
    return [{"value": scope}]


def parse_instance(part: Any, context: Context, where: str, *, partial: bool = False) -> dict[str, Any]:
    """One attribute instance; raises Problem BadRequestData that says where the fault is."""
    try:
        return parse_attribute(part, context, partial=partial)
    except Problem as problem:
        reasons = [
            {**reason, "field": f"{where}.{reason['field']}" if reason["field"] else where}
            for reason in problem.reasons
        ]
        raise bad_request("The entity is not valid", f"{where}: {problem.detail}", reasons=reasons) from None


def number_of(instance_id: str) -> int:
    """The number of a moment in its instanceId; 0 for one that is not of this node."""
    digits = instance_id.removeprefix(INSTANCE)
    return (
        int(digits)
        if digits != instance_id and digits.isascii() and digits.isdigit() and len(digits) < 19
        else 0
    )


def at_once(head: Head, moments: list[Moment]) -> Document:
    """All moments as the instances of one document: a condition is met if any of them meets it.

    The scopes that it had are among the moments.
    """
    document: Document = {name: part for name, part in head.items() if name != "scope"}
    for moment in moments:
        document.setdefault(moment.attribute, []).append(moment.instance())
    return document
