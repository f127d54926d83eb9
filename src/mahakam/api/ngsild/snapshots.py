"""``/snapshots``, and reads of one by the header NGSILD-Snapshot (clause 5.16, 6.3.22, 6.36-6.38)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from uuid import uuid4

from mahakam.api.http import Response
from mahakam.api.ngsild import (
    distributed_reads,
    distributed_temporal_reads,
    entities,
    posted,
    temporal_reads,
)
from mahakam.api.ngsild.call import BASE, JSON, JSON_LD, MERGE_PATCH, Call, Node, accepted
from mahakam.broker.broker import Broker
from mahakam.broker.clock import after
from mahakam.broker.linked import resolved
from mahakam.broker.snapshots import DEFAULT_PRIORITY, MAX_ENTITIES, Evolution, Snapshots
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.core import NULL
from mahakam.ngsild.duration import DURATION_RULE, seconds_of
from mahakam.ngsild.entity import Document
from mahakam.ngsild.lexical import require_uri
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.ngsild.qlanguage import attributes_in, parse_q
from mahakam.ngsild.selection import Selection
from mahakam.ngsild.temporal_query import View

HEADER = "ngsild-snapshot"
PATH = f"{BASE}/snapshots/"
_CHANGEABLE = frozenset(("snapshotPriority", "snapshotLifetime"))
_MADE = frozenset(
    (
        "snapshotStatus", "snapshotQueriesDetails", "snapshotTemporalQueriesDetails", "createdAt", "lastUsedAt",
        "expiresAt",
    )
)  # fmt: skip
_MEMBERS = frozenset(
    ("id", "type", "snapshotQueries", "snapshotTemporalQueries", "modifiedAt", *_CHANGEABLE, *_MADE)
)
_FILLING: set[asyncio.Task[None]] = set()
"""Snapshots that are being filled: a task that nobody holds may vanish."""
_QUERIES = ("snapshotQueries", "snapshotTemporalQueries")
_READS = (
    entities.retrieve,
    entities.query,
    posted.query_by_post,
    temporal_reads.retrieve_evolution,
    temporal_reads.query_evolutions,
    temporal_reads.query_evolutions_by_post,
)


async def create_snapshot(call: Call) -> Response:
    """Clause 5.16.1: the entities and the evolutions that the queries find now; 201 and ``location``.

    Where there are context sources it is filled after the answer; till then its status is ``preparing``.
    """
    payload, context = await call.payload()
    call.authorised()
    call.open_only = True
    broker = await call.broker_for_creation()
    facts = _facts(payload)
    lists = {name: payload[name] for name in _QUERIES if name in payload}
    if not lists or not all(isinstance(found, list) and found for found in lists.values()):
        raise bad_request(
            "The snapshot is not valid", f"{' or '.join(_QUERIES)}: a list of one or more Query objects"
        )
    wanted = _Wanted(
        [(query, _selection(query, context)) for query in lists.get("snapshotQueries", ())],
        [_planned(query, context) for query in lists.get("snapshotTemporalQueries", ())],
        context,
    )
    id = _id_of(payload)
    facts |= lists
    if call.distributed:
        await call.off_loop(
            partial(Snapshots(broker.store).begin, id, facts | {"snapshotStatus": "preparing"})
        )
        filling = asyncio.create_task(_fill(call, id, wanted))
        _FILLING.add(filling)
        filling.add_done_callback(_FILLING.discard)
        return call.empty(201, ("location", PATH + id))
    facts |= _results(["success"] * len(wanted.entities), ["success"] * len(wanted.evolutions))

    def work() -> None:
        found = (one for _, part in wanted.entities for one in broker.scan(resolved(part, broker.store)))
        histories = (
            one for _, page, view in wanted.evolutions for one in broker.history.found(page.selection, view)
        )
        Snapshots(broker.store).create(id, facts, found, histories)

    await call.off_loop(work)
    return call.empty(201, ("location", PATH + id))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a snapshot is to hold: queries as they came, and compiled."""

    entities: list[tuple[Any, Selection]]
    evolutions: list[tuple[Mapping[str, str], temporal_reads.Page, View]]
    context: Context


def _planned(query: Any, context: Context) -> tuple[Mapping[str, str], temporal_reads.Page, View]:
    params = temporal_reads.posted(query)
    page, view, _ = temporal_reads.planned(params, context)
    return params, page, view


async def _fill(call: Call, id: str, wanted: _Wanted) -> None:
    """Clause 5.16.1.4: the queries are executed as 5.7.2.4 and 5.7.4.4 say, with context sources, after the answer."""
    broker = call.broker
    documents: dict[str, Document] = {}
    histories: list[Evolution] = []
    results: list[str] = []
    temporal: list[str] = []
    for query, selection in wanted.entities:
        try:
            params = posted.parameters_of(query)
            most = MAX_ENTITIES + 1
            spread = await distributed_reads.selected(call, selection, params, wanted.context, most)
            if spread is None:
                resolve = partial(lambda part: list(broker.scan(resolved(part, broker.store))), selection)
                spread = await call.off_loop(resolve), []
            documents |= {document["id"]: document for document in spread[0]}
            results.append("partial" if spread[1] else "success")
        except Problem:
            results.append("failure")
    for params, page, view in wanted.evolutions:
        try:
            found, missing = await distributed_temporal_reads.selected(
                call, page, view, params, wanted.context, MAX_ENTITIES + 1
            )
            histories += found
            temporal.append("partial" if missing else "success")
        except Problem:
            temporal.append("failure")
    fill = Snapshots(broker.store).fill
    try:
        await call.off_loop(partial(fill, id, _results(results, temporal), documents.values(), histories))
    except Problem:  # too large
        failed = _results(["failure"] * len(results), ["failure"] * len(temporal))
        await call.off_loop(partial(fill, id, failed, ()))


def _results(results: Sequence[str], temporal: Sequence[str]) -> dict[str, Any]:
    """What became of each query, and of the snapshot: ``success``, ``partial`` (a source was missing), ``failure``."""
    every = [*results, *temporal]
    found: dict[str, Any] = {"snapshotStatus": every[0] if len(set(every)) == 1 else "partial"}
    for name, outcomes in (("snapshotQueries", results), ("snapshotTemporalQueries", temporal)):
        if outcomes:
            found[f"{name}Details"] = [{"resultStatus": outcome} for outcome in outcomes]
    return found


async def retrieve_snapshot(call: Call) -> Response:
    """Clause 5.16.3: what a snapshot is made of, not its entities."""
    accept = accepted(call.request.headers)
    found = await call.off_loop(partial(Snapshots(call.broker.store).get, _id(call)))
    return call.answer(found, await call.context(), accept)


async def update_snapshot(call: Call) -> Response:
    """Clause 5.16.4: another priority or lifetime."""
    accept = accepted(call.request.headers)
    payload, context = await call.payload((JSON, JSON_LD, MERGE_PATCH))
    call.authorised()
    others = payload.keys() - _CHANGEABLE - {"id", "type"}
    if others:
        raise bad_request("The snapshot is not valid", f"{min(others)[:80]} cannot be changed")
    facts = _facts(payload, partial=True)
    changed = await call.off_loop(partial(Snapshots(call.broker.store).change, _id(call), facts))
    return call.answer(changed, context, accept)


async def clone_snapshot(call: Call) -> Response:
    """Clause 5.16.2: the same entities under another id, with a priority and lifetime of its own."""
    payload, _ = await call.payload()
    call.authorised()
    id = _id_of(payload)
    facts = _facts(payload)
    await call.off_loop(partial(Snapshots(call.broker.store).clone, _id(call), id, facts))
    return call.empty(201, ("location", PATH + id))


async def delete_snapshot(call: Call) -> Response:
    """Clause 5.16.5."""
    call.authorised()
    await call.off_loop(partial(Snapshots(call.broker.store).delete, _id(call)))
    return call.empty()


async def purge_snapshots(call: Call) -> Response:
    """Clause 5.16.7: the end of the snapshots whose members fulfil ``q``."""
    call.authorised()
    q = call.params.get("q")
    if not q:
        raise bad_request("The parameter q is missing", "e.g. q=snapshotPriority<5")
    condition = parse_q(q, CORE)
    others = attributes_in(condition) - _MEMBERS
    if others:
        raise bad_request("The query is not valid", f"q: {min(others)[:80]} is no member of a snapshot")
    await call.off_loop(partial(Snapshots(call.broker.store).purge, condition))
    return call.empty()


async def answer(handler: Callable[[Call], Awaitable[Response]], call: Call) -> Response:
    """The answer to a read of the snapshot that the request's header names (clause 6.3.22)."""
    id = require_uri(call.request.headers.get(HEADER) or "", "NGSILD-Snapshot")
    if handler not in _READS:
        raise Problem(
            "OperationNotSupported",
            "A snapshot is for reading",
            "entities and evolutions are retrieved and queried in it, no more",
        )
    frozen = await call.off_loop(partial(Snapshots(call.broker.store).frozen, id))
    call.node = Node(cast(Broker, frozen), call.node.contexts, call.node.identify, call.node.fetchers)
    response = await handler(call)
    return Response(response.status, [*response.headers, (HEADER, id)], response.body)


def _selection(query: Any, context: Context) -> Selection:
    if isinstance(query, dict) and "temporalQ" in query:
        raise bad_request(
            "The snapshot is not valid", "snapshotQueries: temporalQ is for snapshotTemporalQueries"
        )
    return entities.compile_selection(posted.parameters_of(query), context)


def _facts(payload: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
    if payload.get("type", "Snapshot" if partial else None) != "Snapshot":
        raise bad_request("The snapshot is not valid", 'type: "Snapshot" was expected')
    unknown = payload.keys() - _MEMBERS
    if unknown:
        raise bad_request("The snapshot is not valid", f"{min(unknown)[:80]} is no member of a snapshot")
    facts: dict[str, Any] = {} if partial else {"snapshotPriority": DEFAULT_PRIORITY}
    if "snapshotPriority" in payload:
        priority = payload["snapshotPriority"]
        if isinstance(priority, bool) or not isinstance(priority, int):
            raise bad_request("The snapshot is not valid", "snapshotPriority: a whole number was expected")
        facts["snapshotPriority"] = priority
    if "snapshotLifetime" in payload:
        text = payload["snapshotLifetime"]
        seconds = seconds_of(text) if isinstance(text, str) else None
        if not seconds or seconds > 100 * 365 * 86_400:
            raise bad_request("The snapshot is not valid", f"snapshotLifetime: expected {DURATION_RULE}")
        facts |= {"snapshotLifetime": text, "expiresAt": after(seconds)}
    return facts


def _id_of(payload: Mapping[str, Any]) -> str:
    id = payload.get("id", f"urn:ngsi-ld:Snapshot:{uuid4()}")
    if id == NULL:
        raise bad_request("The snapshot is not valid", "id: a URI was expected")
    return require_uri(id, "The snapshot id")


def _id(call: Call) -> str:
    return require_uri(call.args[0], "The snapshot id")
