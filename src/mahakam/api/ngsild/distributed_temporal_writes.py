"""Writes of evolutions to context sources that are registered for them by name (clause 5.6.11-16, 4.3.6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

from mahakam.api.http import Response
from mahakam.api.ngsild.call import JSON, JSON_LD, MERGE_PATCH, Call
from mahakam.api.ngsild.distributed_writes import (
    Shares,
    all_parts,
    forwarded_params,
    names_in,
    part_of,
    refuse_loop,
    shares_of,
    with_body,
)
from mahakam.api.ngsild.entities import same_id
from mahakam.api.ngsild.forwarded_rights import require_pen
from mahakam.api.ngsild.forwarding import Forwarding
from mahakam.api.ngsild.outcomes import Outcome, answer_of, entity_result, outcome
from mahakam.api.ngsild.temporal import PATH
from mahakam.broker.clock import now
from mahakam.broker.federation.matching import Match
from mahakam.ngsild.lexical import require_name, require_uri
from mahakam.ngsild.problem import not_found
from mahakam.ngsild.rewording import reworded, reworded_attribute
from mahakam.ngsild.temporal import number_of, parse_evolution
from mahakam.ngsild.temporal_merging import source_of, types_in

Handler = Callable[[Call], Awaitable[Response]]


async def evolution(call: Call, handler: Handler, operation: str, *, creates: bool) -> Response | None:
    """Attribute instances for an evolution, new or not; None if no source is concerned."""
    payload, context = await call.payload()
    if not creates:
        same_id(payload, call.entity_id)
    head, _ = parse_evolution(payload, context, now(), "" if creates else call.entity_id)
    id = head["id"]
    names = names_in(payload, context)
    given = tuple(dict.fromkeys(names.values()))
    stored = call.broker.history.get(id)
    forwarding = Forwarding(call, context)
    found = forwarding.temporal(
        operation, ids=(id,), types=types_in(head) or types_in(stored), attributes=given
    )
    shares = shares_of(found, given, operation)
    if not shares.sources:
        return None
    refuse_loop(forwarding, shares)
    if forwarding.looped:
        return None
    scope = head.get("scope") or (stored or {}).get("scope")
    call.permit(call.principal(), scope)
    require_pen(call, operation, types_in(head) or types_in(stored), scope, given, found)
    raw = await call.json()

    async def send(match: Match, mine: tuple[str, ...]) -> Outcome:
        words = await forwarding.words(match.registration)
        body = part_of(raw, names, mine)
        body.pop("@context", None)
        target = "/temporal/entities" if creates else f"{_path(id)}/attrs"
        params = forwarded_params(call, context, words)
        body = reworded(body, context, words)
        sent = await forwarding.send(match.registration, "POST", target, params, words, body)
        return outcome(match.registration.id, (id,), (), sent.status, sent.body)

    local = with_body(call, part_of(raw, names, shares.local)) if shares.here else None
    outcomes = await all_parts(handler, shares, send, local, id, operation)
    return _answer(call, forwarding, outcomes, id if creates else "")


async def deletion(call: Call, handler: Handler, operation: str) -> Response | None:
    """The end of an evolution, or of the instances of one attribute."""
    id = call.entity_id
    context = await call.context()
    names = (require_name(call.args[1], context, "The attribute's name"),) if len(call.args) > 1 else ()
    stored = call.broker.history.get(id)
    forwarding = Forwarding(call, context)
    found = forwarding.temporal(operation, ids=(id,), types=types_in(stored), attributes=names)
    shares = shares_of(found, names, operation, everything=not names)
    if not shares.sources:
        return None
    refuse_loop(forwarding, shares)
    if forwarding.looped:
        return None
    scope = (stored or {}).get("scope")
    call.permit(call.principal(), scope)
    require_pen(call, operation, types_in(stored), scope, names, found)

    async def send(match: Match, _: tuple[str, ...]) -> Outcome:
        words = await forwarding.words(match.registration)
        target = _path(id) + "".join(f"/attrs/{quote(words.compact(name), safe='')}" for name in names)
        params = forwarded_params(call, context, words)
        sent = await forwarding.send(match.registration, "DELETE", target, params, words)
        return outcome(match.registration.id, (id,), (), sent.status, sent.body)

    outcomes = await all_parts(handler, shares, send, call if shares.here else None, id, operation)
    return _answer(call, forwarding, outcomes, "")


async def instance(call: Call, handler: Handler, operation: str) -> Response | None:
    """The change or the end of one instance: of the source that its instanceId names, or of one that knows it."""
    id = call.entity_id
    known, registration = source_of(require_uri(call.args[2], "The instance id"))
    if not registration and number_of(known):
        return None  # it is one of this node
    body: Any = None
    if call.request.method == "DELETE":
        context = await call.context()
    else:
        body, context = await call.payload((JSON, JSON_LD, MERGE_PATCH))
    name = require_name(call.args[1], context, "The attribute's name")
    forwarding = Forwarding(call, context)
    found = [
        match
        for match in forwarding.temporal(operation, ids=(id,), attributes=(name,))
        if registration in ("", match.registration.id)
    ]
    if registration and not found:
        raise not_found(f"no source {registration[:200]} that takes {operation} of {id}")
    if not found:
        return None
    shares = Shares([(match, ()) for match in found])
    refuse_loop(forwarding, shares)
    if forwarding.looped:
        return None
    stored = call.broker.history.get(id)
    scope = (stored or {}).get("scope")
    call.permit(call.principal(), scope)
    require_pen(call, operation, types_in(stored), scope, (name,), found)

    async def send(match: Match, _: tuple[str, ...]) -> Outcome:
        words = await forwarding.words(match.registration)
        word = words.compact(name)
        target = f"{_path(id)}/attrs/{quote(word, safe='')}/{quote(known, safe=':')}"
        params = forwarded_params(call, context, words)
        sent_body: Any = None
        if body is not None:
            part = body.get(call.args[1], body)
            changed = reworded_attribute(part, context, words)
            sent_body = changed if part is body else {word: changed}
        method = call.request.method
        sent = await forwarding.send(match.registration, method, target, params, words, sent_body)
        return outcome(match.registration.id, (id,), (), sent.status, sent.body)

    outcomes = await all_parts(handler, shares, send, None, id, operation)
    return _answer(call, forwarding, outcomes, "")


def _answer(call: Call, forwarding: Forwarding, outcomes: Sequence[Outcome], created: str) -> Response:
    """Whoever has none of what is to go is no failure, unless nobody has any of it."""
    concerned = [one for one in outcomes if not _absent(one)] or outcomes[:1]
    status, value = entity_result(concerned, proxied=frozenset())
    more = [("location", PATH + quote(created, safe=":@!$&*+,;=-._~"))] if status == 201 else []
    return answer_of(status, value, call.headers(*more, *forwarding.warnings))


def _absent(one: Outcome) -> bool:
    return bool(one.errors) and all(error.get("status") == 404 for error in one.errors.values())


def _path(id: str) -> str:
    return f"/temporal/entities/{quote(id, safe=':')}"
