"""``/entities/{id}/attrs``: append, update, partial update, replace, delete (clause 6.6, 6.7)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from mahakam.api.http import Response
from mahakam.api.ngsild.call import JSON, JSON_LD, MERGE_PATCH, Call
from mahakam.api.ngsild.conditions import conditional
from mahakam.api.ngsild.entities import guarded, same_id
from mahakam.ngsild.context import Context
from mahakam.ngsild.core import absolute
from mahakam.ngsild.entity import ENTITY_MEMBERS, Fragment, parse_attribute, parse_fragment
from mahakam.ngsild.lexical import is_uri, require_name
from mahakam.ngsild.patch import (
    Change,
    append,
    delete_attribute,
    partial_attribute,
    replace_attribute,
    update,
)
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.ngsild.query import parse_types
from mahakam.ngsild.selection import Types

APPEND_OPTIONS = frozenset(("noOverwrite", "keyValues", "simplified", "concise"))


async def append_attributes(call: Call) -> Response:
    """Clause 5.6.3: add attributes; 207 names those that were left as they were."""
    overwrite = "noOverwrite" not in call.options(APPEND_OPTIONS)
    return await _several(call, (JSON, JSON_LD), overwrite)


async def update_attributes(call: Call) -> Response:
    """Clause 5.6.2: change attributes that exist and add the others; 207 names what was left as it was."""
    call.options(APPEND_OPTIONS - {"noOverwrite"})
    return await _several(call, (JSON, JSON_LD, MERGE_PATCH), None)


async def _several(call: Call, types: tuple[str, ...], overwrite: bool | None) -> Response:
    id = call.entity_id
    broker = call.broker
    payload, context = await call.payload(types)
    same_id(payload, id)
    fragment = parse_fragment(payload, context)
    patch = conditional(
        call,
        (lambda stored, at: update(stored, fragment, at))
        if overwrite is None
        else (lambda stored, at: append(stored, fragment, at, overwrite=overwrite)),
    )
    work = guarded(call, patch, _types(call, context))
    written = await broker.achange(id, work, call.author)
    if not written.not_updated:
        return call.empty()
    return call.answer(_update_result(fragment, written.not_updated), context, JSON, status=207)


def _update_result(fragment: Fragment, not_updated: Mapping[str, str]) -> dict[str, object]:
    """Clause 5.2.18: names are whole IRIs here."""
    names = [name for name in fragment if name not in ENTITY_MEMBERS or name == "scope"]
    return {
        "updated": [absolute(name) for name in names if name not in not_updated],
        "notUpdated": [
            {"attributeName": absolute(name), "reason": reason} for name, reason in not_updated.items()
        ],
    }


def _types(call: Call, context: Context) -> Types | None:
    wanted = call.params.get("type")
    return parse_types(wanted, context) if wanted else None


def _name(call: Call, context: Context, *, deletes: bool = False) -> str:
    name = require_name(call.args[1], context, "The attribute's name")
    if name in ENTITY_MEMBERS and not (name == "scope" and deletes):
        raise bad_request("The attribute's name is not valid", f"{name} is a member of the entity itself")
    return name


async def partial_update(call: Call) -> Response:
    """Clause 5.6.4: change members of one attribute."""
    id = call.entity_id
    broker = call.broker
    call.options(frozenset(("keyValues", "simplified", "concise")))
    payload, context = await call.payload((JSON, JSON_LD, MERGE_PATCH))
    name = _name(call, context)
    fragment = parse_attribute(payload, context, partial=True)
    patch = conditional(call, lambda stored, at: partial_attribute(stored, name, fragment, at))
    work = guarded(call, patch, _types(call, context))
    await broker.achange(id, work, call.author)
    return call.empty()


async def replace_one(call: Call) -> Response:
    """Clause 5.6.19: one attribute as the payload has it."""
    id = call.entity_id
    broker = call.broker
    payload, context = await call.payload()
    name = _name(call, context)
    attribute = parse_attribute(payload, context, partial=False)
    patch = conditional(call, lambda stored, at: replace_attribute(stored, name, attribute, at))
    work = guarded(call, patch, _types(call, context))
    await broker.achange(id, work, call.author)
    return call.empty()


async def delete_one(call: Call) -> Response:
    """Clause 5.6.5: remove an attribute: its default instance, the one with ``datasetId``, or all."""
    id = call.entity_id
    broker = call.broker
    dataset_id = call.params.get("datasetId")
    if dataset_id is not None and not is_uri(dataset_id):
        raise bad_request("The parameter datasetId is not valid", f"{dataset_id[:80]!r} is no URI")
    delete_all = call.flag("deleteAll")
    context = await call.context()
    name = _name(call, context, deletes=True)
    types = _types(call, context)
    patch = conditional(
        call,
        lambda stored, at: delete_attribute(stored, name, at, dataset_id=dataset_id, delete_all=delete_all),
    )
    work = guarded(call, patch, types)
    dataset = None if delete_all else dataset_id or ""
    try:
        await broker.achange(id, work, call.author)
    except Problem as problem:
        if problem.kind != "ResourceNotFound" or not await call.off_loop(
            partial(_end, call, id, name, dataset, types)
        ):
            raise
    return call.empty()


def _end(call: Call, id: str, name: str, dataset: str | None, types: Types | None) -> bool:
    """The same for an entity of which the node knows the evolution alone: there the attribute ends. True if it did."""
    history = call.broker.history
    head = history.get(id)
    if head is None or "deletedAt" in head or call.broker.get(id) is not None:
        return False
    guarded(call, lambda stored, _: Change(stored), types)(head, "")
    return history.end_attribute(id, name, dataset)
