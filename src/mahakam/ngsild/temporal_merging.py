"""One evolution from what several sources have of it: by attribute and instance (clause 4.3.6, 5.7.3, 5.7.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from mahakam.ngsild.context import Context
from mahakam.ngsild.lexical import is_time
from mahakam.ngsild.merging import combined
from mahakam.ngsild.problem import bad_request
from mahakam.ngsild.temporal import NO_ATTRIBUTES, Head, Moment, parse_evolution, scope_instances
from mahakam.ngsild.temporal_query import View, sortable

_AT = ";source="
_Key = tuple[str, ...]


def at_source(instance_id: str, registration: str) -> str:
    """The instanceId by which an instance of a source is known here: nodes number theirs without each other."""
    return f"{instance_id}{_AT}{registration}"


def source_of(instance_id: str) -> tuple[str, str]:
    """The instanceId as its source knows it, and the id of the source's registration; "" for one of this node."""
    own, mark, registration = instance_id.rpartition(_AT)
    return (own, registration) if mark else (instance_id, "")


def received_evolution(payload: Any, context: Context, registration: str) -> tuple[Head, list[Moment]]:
    """An evolution from another node's normalized answer, with the times and the instanceIds that it names.

    Raises Problem BadRequestData for what is none.
    """
    if not isinstance(payload, dict):
        raise bad_request("The evolution is not valid", "a JSON object was expected")
    payload = {name: value for name, value in payload.items() if name != "@context"}
    ended = payload.get("deletedAt")
    if "scope" in payload:
        scopes = [one for one in scope_instances({"scope": payload["scope"]}) if one.get("value")]
        payload = {**payload, "scope": scopes} if scopes else _less(payload, "scope")
    head, moments = parse_evolution(payload, context, "")
    for name in ("createdAt", "modifiedAt"):
        head[name] = payload[name] if is_time(payload.get(name)) else ""
    if is_time(ended):
        head["deletedAt"] = ended
    raw = [*payload.get("scope", ())]
    for name, value in payload.items():
        if name not in NO_ATTRIBUTES:
            raw += value if isinstance(value, list) else [value]
    for moment, one in zip(moments, raw, strict=True):
        observed = moment.observed
        moment.created = one["createdAt"] if is_time(one.get("createdAt")) else observed
        moment.modified = one["modifiedAt"] if is_time(one.get("modifiedAt")) else moment.created
        if is_time(one.get("deletedAt")):
            moment.deleted = one["deletedAt"]
        if isinstance(one.get("instanceId"), str):
            moment.foreign = at_source(one["instanceId"], registration)
    return head, moments


def types_in(head: Head | None) -> tuple[str, ...]:
    """The types of an evolution; none of one that there is not."""
    found = (head or {}).get("type", ())
    return (found,) if isinstance(found, str) else tuple(found)


def joined_heads(heads: Sequence[Head]) -> Head:
    """All types, the earliest creation and the latest change; an end only where all have ended."""
    plain = [{name: value for name, value in head.items() if value} for head in heads]
    found: Head = combined(plain) or {}
    if not all("deletedAt" in head for head in heads):
        found.pop("deletedAt", None)
    return found


def joined_moments(
    parts: Sequence[Sequence[Moment]], fillers: Sequence[Sequence[Moment]], view: View
) -> list[Moment]:
    """The instances of all, in no order. What several have of one attribute, dataset and time of observation is
    taken from the one where it was modified last; of equals from the first.

    ``fillers`` (auxiliary) give only attributes that all others lack. Of each attribute and dataset there are no
    more than the view wants.
    """
    found = _freshest(parts)
    known = {moment.attribute for moment in found}
    found += [moment for moment in _freshest(fillers) if moment.attribute not in known]
    return _newest(found, view) if view.last else found


def _freshest(parts: Sequence[Sequence[Moment]]) -> list[Moment]:
    best: dict[_Key, tuple[str, int]] = {}
    for number, part in enumerate(parts):
        for moment in part:
            key, modified = _key(moment), sortable(moment.modified)
            if key not in best or (best[key][1] != number and modified > best[key][0]):
                best[key] = modified, number
            elif best[key][1] == number:
                best[key] = max(modified, best[key][0]), number
    return [one for number, part in enumerate(parts) for one in part if best[_key(one)][1] == number]


def _key(moment: Moment) -> _Key:
    """What says that two nodes mean the same instance."""
    if moment.observed:
        return moment.attribute, moment.dataset, sortable(moment.observed)
    return moment.attribute, moment.dataset, "", moment.body.decode(), sortable(moment.created)


def _newest(moments: Iterable[Moment], view: View) -> list[Moment]:
    groups: dict[tuple[str, str], list[Moment]] = {}
    for moment in moments:
        groups.setdefault((moment.attribute, moment.dataset), []).append(moment)
    found: list[Moment] = []
    for group in groups.values():
        group.sort(key=lambda one: sortable(one.time(view.timeproperty) or one.created), reverse=True)
        found += group[: view.last]
    return found


def without_attributes(moments: Iterable[Moment], attributes: Collection[str]) -> list[Moment]:
    """The instances of other attributes than these; none if none is named."""
    return [one for one in moments if attributes and one.attribute not in attributes]


def _less(payload: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key != name}
