"""``/entityOperations``: many entities at once, each refused or done by itself (clause 5.6.7-10, 5.6.20)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import orjson

from mahakam.api.http import Response
from mahakam.api.ngsild.call import JSON, JSON_LD, LARGE, MAX_BATCH, Call, content_type, link_context
from mahakam.api.ngsild.entities import guarded, unstamped
from mahakam.broker.writes import Create, Delete, Modify, Upsert, Write, Written
from mahakam.ngsild.context import Context
from mahakam.ngsild.core import NULL
from mahakam.ngsild.draft import Draft
from mahakam.ngsild.entity import Document, Fragment, parse_entity, parse_fragment
from mahakam.ngsild.lexical import URI_RULE, is_uri
from mahakam.ngsild.patch import append, merge, replace_entity
from mahakam.ngsild.plain import plain_entities
from mahakam.ngsild.problem import Problem, bad_request

_INLINE = 100
"""Entities up to which a batch is parsed on the event loop."""
_Prepare = Callable[[Call, Any, Context], Write]


async def create_batch(call: Call) -> Response:
    """Clause 5.6.7: 201 with the ids, or 207 if some were refused."""
    call.options(frozenset())
    if call.request.headers.get("content-type") == JSON and call.everywhere(call.principal()):
        context = await call.context()
        work = partial(plain_entities, call.request.body, context, MAX_BATCH)
        drafts = work() if len(call.request.body) <= LARGE else await asyncio.to_thread(work)
        if drafts is not None:
            broker = await call.broker_for_creation()
            return _result(call, await broker.abatch(list(map(Create, drafts)), call.author), [])
    return await _write(call, _create)


def _create(call: Call, payload: Any, context: Context) -> Write:
    document = _document(payload, context)
    call.permit(call.principal(), document.get("scope"))
    return Create(Draft.of(document))


async def upsert_batch(call: Call) -> Response:
    """Clause 5.6.8: 201 with the ids of the new ones, 204 if none is new, 207 if some were refused."""
    options = call.options(frozenset(("replace", "update")))
    if len(options) > 1:
        raise bad_request("Two options", "replace or update")
    return await _write(call, _upsert_update if "update" in options else _upsert)


def _upsert(call: Call, payload: Any, context: Context) -> Write:
    document = _document(payload, context)
    principal = call.principal()
    call.permit(principal, document.get("scope"))
    if call.everywhere(principal):
        return Upsert(document)
    return Upsert(document, guarded(call, lambda stored, at: replace_entity(stored, document, at)))


def _upsert_update(call: Call, payload: Any, context: Context) -> Write:
    document = _document(payload, context)
    call.permit(call.principal(), document.get("scope"))
    return Upsert(document, guarded(call, lambda stored, at: append(stored, document, at)))


async def update_batch(call: Call) -> Response:
    """Clause 5.6.9: add and change attributes of entities that exist."""
    overwrite = "noOverwrite" not in call.options(frozenset(("noOverwrite",)))
    return await _write(call, partial(_update, overwrite))


def _update(overwrite: bool, call: Call, payload: Any, context: Context) -> Write:
    id, fragment = _fragment(payload, context)
    return Modify(id, guarded(call, lambda stored, at: append(stored, fragment, at, overwrite=overwrite)))


async def merge_batch(call: Call) -> Response:
    """Clause 5.6.20: merge a fragment into each entity."""
    call.options(frozenset())
    return await _write(call, _merge)


def _merge(call: Call, payload: Any, context: Context) -> Write:
    id, fragment = _fragment(payload, context)
    return Modify(id, guarded(call, lambda stored, at: merge(stored, fragment, at)))


async def delete_batch(call: Call) -> Response:
    """Clause 5.6.10: the body is a list of ids."""
    content_type(call.request.headers, (JSON, JSON_LD))
    broker = call.broker
    ids = listed(await call.json(), "ids")
    principal = call.principal()
    free = call.everywhere(principal)
    refused: list[dict[str, Any]] = []
    writes: list[Write] = []
    for id in ids:
        try:
            if not is_uri(id):
                raise bad_request("The entity id is not valid", f"{str(id)[:80]!r} is not {URI_RULE}")
            if not free and (document := broker.get(id)) is not None:
                call.permit(principal, document.get("scope"))
            writes.append(Delete(id))
        except Problem as problem:
            refused.append(_error(id, problem))
    results = await broker.abatch(writes, call.author) if writes else []
    return _result(call, results, refused)


async def _write(call: Call, prepare: _Prepare) -> Response:
    broker = (
        await call.broker_for_creation() if prepare in (_create, _upsert, _upsert_update) else call.broker
    )
    kind = content_type(call.request.headers, (JSON, JSON_LD))
    payloads = listed(await call.json(), "entities")
    if not all(isinstance(payload, dict) for payload in payloads):
        raise bad_request("The body is not valid", "a list of objects was expected, each with id and type")
    if kind == JSON_LD and link_context(call.request.headers) is not None:
        raise bad_request(
            "Two contexts", f"{JSON_LD} has its @context in the body; leave the Link header out"
        )
    context = await call.context() if kind == JSON else None
    contexts = [context or await _own_context(call, payload) for payload in payloads]
    work = partial(_prepared, call, payloads, contexts, prepare, linked=kind == JSON)
    writes, refused = work() if len(payloads) <= _INLINE else await asyncio.to_thread(work)
    results = await broker.abatch(writes, call.author) if writes else []
    return _result(call, results, refused)


async def _own_context(call: Call, payload: Any) -> Context | Problem:
    """Each entity of a JSON-LD batch has a context of its own."""
    try:
        return (await call.linked(payload))[1]
    except Problem as problem:
        return problem


def _prepared(
    call: Call,
    payloads: Sequence[Any],
    contexts: Sequence[Context | Problem],
    prepare: _Prepare,
    *,
    linked: bool,
) -> tuple[list[Write], list[dict[str, Any]]]:
    writes: list[Write] = []
    refused: list[dict[str, Any]] = []
    for payload, context in zip(payloads, contexts, strict=True):
        try:
            if isinstance(context, Problem):
                raise context
            if linked and "@context" in payload:
                raise bad_request(
                    "An @context in a body needs another media type", f"content-type: {JSON_LD}"
                )
            writes.append(prepare(call, payload, context))
        except Problem as problem:
            refused.append(_error(payload.get("id") if isinstance(payload, dict) else None, problem))
    return writes, refused


def listed(value: Any, what: str) -> list[Any]:
    """The list that a batch is; raises Problem BadRequestData, TooManyResults."""
    if not isinstance(value, list) or not value:
        raise bad_request("The body is not valid", f"a list of one or more {what} was expected")
    if len(value) > MAX_BATCH:
        raise Problem("TooManyResults", "The batch is too large", f"at most {MAX_BATCH:,} {what}", status=413)
    return value


def _document(payload: Any, context: Context) -> Document:
    return unstamped(parse_entity(payload, context, ""))


def _fragment(payload: Any, context: Context) -> tuple[str, Fragment]:
    fragment = parse_fragment(payload, context)
    if "id" not in fragment:
        raise bad_request("The entity has no id", f"id: expected {URI_RULE}")
    return fragment["id"], fragment


def _error(id: Any, problem: Problem) -> dict[str, Any]:
    """Clause 5.2.17."""
    return {"entityId": id if isinstance(id, str) else NULL, "error": problem.details()}


def _result(call: Call, results: Sequence[Written], refused: list[dict[str, Any]]) -> Response:
    """201 or 204 if all went well, else 207 with a BatchOperationResult (clause 5.2.16)."""
    errors = list(refused)
    for result in results:
        if result.problem is not None:
            errors.append(_error(result.id, result.problem))
        elif result.not_updated:
            names = ", ".join(f"{name}: {why}" for name, why in result.not_updated.items())
            errors.append(_error(result.id, bad_request("Some attributes were not updated", names)))
    if errors:
        done = [result.id for result in results if result.problem is None and not result.not_updated]
        return _json(call, {"success": done, "errors": errors}, 207)
    created = [result.id for result in results if result.created]
    return _json(call, created, 201) if created else call.empty()


def _json(call: Call, value: Any, status: int) -> Response:
    return Response(status, call.headers(("content-type", JSON)), orjson.dumps(value, default=str))
