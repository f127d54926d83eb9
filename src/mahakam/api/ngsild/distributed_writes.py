"""Writes to context sources: each part goes to who holds it, what is left stays here (clause 5.6, 4.3.6)."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from mahakam.api.http import Request, Response
from mahakam.api.ngsild.call import JSON, JSON_LD, MERGE_PATCH, Call
from mahakam.api.ngsild.conditions import refuse_spread
from mahakam.api.ngsild.entities import location, same_id
from mahakam.api.ngsild.forwarded_rights import require_pen
from mahakam.api.ngsild.forwarding import Forwarding
from mahakam.api.ngsild.outcomes import Outcome, answer_of, conflict, entity_result, outcome
from mahakam.broker.federation.client import SourceError
from mahakam.broker.federation.matching import Match
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document, parse_attribute, parse_entity, parse_fragment
from mahakam.ngsild.lexical import require_name
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.query import selection_from
from mahakam.ngsild.rewording import reworded, reworded_attribute

Handler = Callable[[Call], Awaitable[Response]]
PURGED = "urn:ngsi-ld:null"
"""Stands for the entities of a purge, which nobody lists."""
_MEMBERS = ENTITY_MEMBERS | {"@context"}


@dataclass(slots=True)
class Shares:
    """Who gets which attributes of an entity: ``sources`` (canonical names each; all of them if empty).

    ``unable``: what a source alone holds, but cannot write; ``local``: what is left for this node;
    ``here``: whether anything is left for it.
    """

    sources: list[tuple[Match, tuple[str, ...]]] = field(default_factory=list)
    unable: list[tuple[Match, tuple[str, ...]]] = field(default_factory=list)
    local: tuple[str, ...] = ()
    here: bool = True


def shares_of(
    matches: Sequence[Match], names: Sequence[str], operation: str, *, everything: bool = False
) -> Shares:
    """``names``: the attributes of the request; ``everything``: it is about all that there are."""
    shares = Shares()
    left = list(names)
    here = True
    for match in (match for match in matches if match.registration.proxied):
        owned = match.information.attributes
        mine = tuple(name for name in names if not owned or name in owned)
        if owned and not mine and not everything:
            continue
        able = operation in match.registration.operations
        (shares.sources if able else shares.unable).append((match, mine))
        left = [name for name in left if name not in mine]
        here = here and bool(owned)
    for match in (match for match in matches if match.registration.mode == "inclusive"):
        if operation in match.registration.operations:
            known = match.information.attributes
            mine = tuple(name for name in left if not known or name in known)
            if here and (mine or everything or not names):
                shares.sources.append((match, mine))
    shares.local = tuple(left)
    shares.here = bool(left) if names else here
    return shares


async def entity(
    call: Call, handler: Handler, operation: str, *, creates: bool, path: str
) -> Response | None:
    """Create, replace, merge, append, update: a payload of attributes; None if no source is concerned."""
    types = (JSON, JSON_LD, MERGE_PATCH) if call.request.method == "PATCH" else (JSON, JSON_LD)
    payload, context = await call.payload(types)
    if creates:
        id = parse_entity(payload, context, "")["id"]
    else:
        id = call.entity_id
        same_id(payload, id)
        if call.request.method == "PUT":
            parse_entity({**payload, "id": id}, context, "")
        else:
            parse_fragment(payload, context)
    names = names_in(payload, context)
    stored = call.broker.get(id) if not creates else None
    forwarding = Forwarding(call, context)
    wanted = payload.get("type") or _types_of(stored)
    given = tuple(dict.fromkeys(names.values()))
    canonical = [context.expand(one) for one in (wanted if isinstance(wanted, list) else [wanted]) if one]
    found = forwarding.matches(
        ids=(id,),
        types=canonical,
        attributes=given,
    )
    shares = shares_of(found, given, operation)
    if not shares.sources and not shares.unable:
        return None
    refuse_spread(call)
    refuse_loop(forwarding, shares)
    if forwarding.looped:
        return None
    scope = payload.get("scope") or (stored or {}).get("scope")
    call.permit(call.principal(), scope)
    require_pen(call, operation, canonical, scope, given, found)
    raw = await call.json()

    async def send(match: Match, mine: tuple[str, ...]) -> Outcome:
        words = await forwarding.words(match.registration)
        body = part_of(raw, names, mine)
        body.pop("@context", None)
        target = "/entities" if creates else f"/entities/{quote(id, safe=':')}{path}"
        sent = await forwarding.send(
            match.registration,
            call.request.method,
            target,
            forwarded_params(call, context, words),
            words,
            reworded(body, context, words),
        )
        return outcome(match.registration.id, (id,), mine if path else (), sent.status, sent.body)

    local = with_body(call, part_of(raw, names, shares.local)) if shares.here else None
    outcomes = await all_parts(handler, shares, send, local, id, operation, named=bool(path))
    return _response(call, forwarding, outcomes, shares, id if creates else "")


async def attribute(call: Call, handler: Handler, operation: str) -> Response | None:
    """Change, replace or delete one attribute."""
    id = call.entity_id
    body: Any = None
    if call.request.method == "DELETE":
        context = await call.context()
    else:
        types = (JSON, JSON_LD, MERGE_PATCH) if call.request.method == "PATCH" else (JSON, JSON_LD)
        body, context = await call.payload(types)
    name = require_name(call.args[1], context, "The attribute's name")
    if name in ENTITY_MEMBERS:
        return None
    if body is not None:
        parse_attribute(body, context, partial=call.request.method == "PATCH")
    stored = call.broker.get(id)
    forwarding = Forwarding(call, context)
    found = forwarding.matches(ids=(id,), types=_canonical_types(stored), attributes=(name,))
    shares = shares_of(found, (name,), operation)
    if not shares.sources and not shares.unable:
        return None
    refuse_spread(call)
    refuse_loop(forwarding, shares)
    if forwarding.looped:
        return None
    scope = (stored or {}).get("scope")
    call.permit(call.principal(), scope)
    require_pen(call, operation, _canonical_types(stored), scope, (name,), found)

    async def send(match: Match, _: tuple[str, ...]) -> Outcome:
        words = await forwarding.words(match.registration)
        target = f"/entities/{quote(id, safe=':')}/attrs/{quote(words.compact(name), safe='')}"
        sent = await forwarding.send(
            match.registration,
            call.request.method,
            target,
            forwarded_params(call, context, words),
            words,
            None if body is None else reworded_attribute(body, context, words),
        )
        return outcome(match.registration.id, (id,), (), sent.status, sent.body)

    local = call if shares.here else None
    outcomes = await all_parts(handler, shares, send, local, id, operation)
    return _response(call, forwarding, outcomes, shares, "")


async def purge(call: Call, handler: Handler, operation: str) -> Response | None:
    """The end of all that a query selects, here and in the sources that take purging (clause 5.6.21)."""
    context = await call.context()
    selection = selection_from(call.params, context)
    types = selection.types.any_of if selection.types else ()
    forwarding = Forwarding(call, context)
    found = [
        match
        for match in forwarding.matches(
            ids=selection.ids,
            id_pattern=selection.id_pattern or "",
            types=tuple(dict.fromkeys(name for names in types for name in names)),
            attributes=selection.attrs,
        )
        if operation in match.registration.operations and match.registration.mode != "auxiliary"
    ]
    if not found or forwarding.looped:
        return None
    call.permit(call.principal(), None)
    require_pen(call, operation, [name for names in types for name in names], None, (), found)
    shares = Shares([(match, ()) for match in found])

    async def send(match: Match, _: tuple[str, ...]) -> Outcome:
        words = await forwarding.words(match.registration)
        if words is not context:
            raise SourceError(199, "a purge goes only to sources that speak the context of the request")
        params = {name: value for name, value in call.params.items() if name not in ("local", "csf")}
        if match.ids:
            params["id"] = ",".join(match.ids)
        sent = await forwarding.send(match.registration, "DELETE", "/entities", params, words)
        return outcome(match.registration.id, (PURGED,), (), sent.status, sent.body)

    outcomes = await all_parts(handler, shares, send, call, PURGED, operation)
    return _response(call, forwarding, outcomes, shares, "")


async def delete(call: Call, handler: Handler, operation: str) -> Response | None:
    """The end of an entity, here and in the sources that have a part of it."""
    id = call.entity_id
    context = await call.context()
    stored = call.broker.get(id)
    forwarding = Forwarding(call, context)
    found = forwarding.matches(ids=(id,), types=_canonical_types(stored))
    shares = shares_of(found, (), operation, everything=True)
    if not shares.sources and not shares.unable:
        return None
    refuse_spread(call)
    refuse_loop(forwarding, shares)
    if forwarding.looped:
        return None
    scope = (stored or {}).get("scope")
    call.permit(call.principal(), scope)
    require_pen(call, operation, _canonical_types(stored), scope, (), found)

    async def send(match: Match, _: tuple[str, ...]) -> Outcome:
        words = await forwarding.words(match.registration)
        target = f"/entities/{quote(id, safe=':')}"
        params = forwarded_params(call, context, words)
        sent = await forwarding.send(match.registration, "DELETE", target, params, words)
        return outcome(match.registration.id, (id,), (), sent.status, sent.body)

    outcomes = await all_parts(handler, shares, send, call if shares.here else None, id, operation)
    return _response(call, forwarding, outcomes, shares, "")


async def all_parts(
    handler: Handler,
    shares: Shares,
    send: Callable[[Match, tuple[str, ...]], Awaitable[Outcome]],
    local: Call | None,
    id: str,
    operation: str,
    *,
    named: bool = False,
) -> list[Outcome]:
    """Everybody does their part at the same time; the outcomes, this node's first."""

    async def source(match: Match, mine: tuple[str, ...]) -> Outcome:
        try:
            return await send(match, mine)
        except SourceError as error:
            found = Outcome(match.registration.id, (id,), mine if named else ())
            return found.fail(unreachable(error))

    async def here() -> Outcome:
        assert local is not None
        names = shares.local if named else ()
        try:
            response = await handler(local)
        except Problem as problem:
            return Outcome("", (id,), names).fail(problem.details())
        return outcome("", (id,), names, response.status, response.body)

    parts: list[Awaitable[Outcome]] = [here()] if local is not None else []
    parts += [source(match, mine) for match, mine in shares.sources]
    outcomes = list(await asyncio.gather(*parts))
    for match, mine in shares.unable:
        refused = Outcome(match.registration.id, (id,), mine if named else ())
        outcomes.append(refused.fail(conflict(f"{match.registration.id} does not take {operation}")))
    return outcomes


def unreachable(error: SourceError) -> dict[str, Any]:
    """The problem details of a source that did not answer."""
    return Problem(
        "InternalError", "The source did not answer as it should", error.reason, status=error.status
    ).details()


def _response(
    call: Call, forwarding: Forwarding, outcomes: Sequence[Outcome], shares: Shares, created: str
) -> Response:
    proxied = frozenset(match.registration.id for match, _ in shares.sources if match.registration.proxied)
    status, value = entity_result(outcomes, proxied=proxied)
    if status == 204 and created:
        status = 201
    more = [("location", location(created))] if status == 201 else []
    return answer_of(status, value, call.headers(*more, *forwarding.warnings))


def refuse_loop(forwarding: Forwarding, shares: Shares) -> None:
    """Clause 6.3.17: what this node sent out came back to it, and nobody else holds it."""
    if forwarding.looped and any(match.registration.proxied for match, _ in shares.sources):
        raise Problem(
            "LoopDetected", "A loop of context sources", "this node forwarded the request before", status=508
        )


def forwarded_params(call: Call, context: Context, words: Context) -> Mapping[str, str]:
    params = {name: value for name, value in call.params.items() if name != "local"}
    if "type" in params and words is not context:
        del params["type"]  # narrows only what is known to match already
    return params


def names_in(payload: Mapping[str, Any], context: Context) -> dict[str, str]:
    """The attributes of a payload: as it calls them → expanded."""
    return {name: context.expand(name) for name in payload if name not in _MEMBERS}


def part_of(raw: Mapping[str, Any], names: Mapping[str, str], wanted: Sequence[str]) -> dict[str, Any]:
    """What of a payload is of the wanted attributes, which are expanded as in ``names``, with all that is none."""
    kept = frozenset(wanted)
    return {name: value for name, value in raw.items() if name in _MEMBERS or names.get(name) in kept}


def with_body(call: Call, value: Any) -> Call:
    """The same call with another body."""
    request = call.request
    other = copy.copy(call)
    other.request = Request(request.method, request.path, request.query, request.headers, orjson.dumps(value))
    return other


def _types_of(document: Document | None) -> Any:
    return document["type"] if document else None


def _canonical_types(document: Document | None) -> tuple[str, ...]:
    found = _types_of(document)
    return () if found is None else (found,) if isinstance(found, str) else tuple(found)
