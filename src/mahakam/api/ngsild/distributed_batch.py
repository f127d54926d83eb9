"""Batches over context sources: of each entity the source gets its part, in one request a source (5.6.7-10, 20)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mahakam.api.http import Response
from mahakam.api.ngsild.batch import listed
from mahakam.api.ngsild.call import JSON, JSON_LD, Call, content_type
from mahakam.api.ngsild.distributed_writes import refuse_loop, shares_of, unreachable, with_body
from mahakam.api.ngsild.forwarded_rights import require_pen
from mahakam.api.ngsild.forwarding import Forwarding
from mahakam.api.ngsild.outcomes import Outcome, answer_of, batch_result, conflict, outcome
from mahakam.broker.federation.client import SourceError
from mahakam.broker.federation.registration import Registration
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import ENTITY_MEMBERS
from mahakam.ngsild.lexical import is_uri
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.rewording import reworded

Handler = Callable[[Call], Awaitable[Response]]
_MEMBERS = ENTITY_MEMBERS | {"@context"}


def _key(context: Context) -> int:
    """Contexts are the same if they are the same object: the node keeps those in use."""
    return id(context)


@dataclass(slots=True)
class _Parcel:
    """What one source gets: entities in one context, or ids."""

    registration: Registration
    context: Context
    items: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Split:
    """``refused``: what a source alone holds but cannot write, and what the caller may not."""

    parcels: dict[tuple[str, int], _Parcel] = field(default_factory=dict)
    local: list[Any] = field(default_factory=list)
    local_ids: list[str] = field(default_factory=list)
    refused: list[Outcome] = field(default_factory=list)

    def give(self, registration: Registration, context: Context, item: Any, id: str) -> None:
        parcel = self.parcels.setdefault((registration.id, _key(context)), _Parcel(registration, context))
        parcel.items.append(item)
        parcel.ids.append(id)

    def keep(self, item: Any, id: Any) -> None:
        self.local.append(item)
        self.local_ids.append(id if isinstance(id, str) else "")


async def batch(call: Call, handler: Handler, operation: str, *, deletes: bool = False) -> Response | None:
    """A batch of entities, or of ids; None if no source is concerned, or the batch itself is not valid."""
    kind = content_type(call.request.headers, (JSON, JSON_LD))
    items = listed(await call.json(), "ids" if deletes else "entities")
    split = _Split()
    concerned = False
    contexts: dict[int, Forwarding] = {}
    plain = await call.context()
    for item in items:
        id = item if deletes else item.get("id") if isinstance(item, dict) else None
        if not is_uri(id):
            split.keep(item, id)
            continue
        try:
            context = plain
            if not deletes and kind == JSON_LD:
                _, context = await call.linked(item)
        except Problem:
            split.keep(item, id)  # refused by this node, as in any batch
            continue
        forwarding = contexts.setdefault(_key(context), Forwarding(call, context))
        if _divide(call, forwarding, split, item, str(id), operation):
            concerned = True
    if not concerned or any(forwarding.looped for forwarding in contexts.values()):
        return None
    outcomes = list(await asyncio.gather(*_work(call, handler, split, contexts)))
    outcomes += split.refused
    proxied = frozenset(one.registration.id for one in split.parcels.values() if one.registration.proxied)
    status, value = batch_result([one for one in outcomes if one.ids], proxied=proxied)
    return answer_of(status, value, call.headers())


def _divide(call: Call, forwarding: Forwarding, split: _Split, item: Any, id: str, operation: str) -> bool:
    """Share one entity out; whether a source is concerned."""
    context = forwarding.context
    names: dict[str, str] = {}
    if isinstance(item, dict):
        names = {name: context.expand(name) for name in item if name not in _MEMBERS}
    stored = call.broker.get(id)
    wanted = item.get("type") if isinstance(item, dict) else None
    types = (
        [context.expand(one) for one in (wanted if isinstance(wanted, list) else [wanted])]
        if wanted
        else _listed(stored["type"] if stored else [])
    )
    given = tuple(dict.fromkeys(names.values()))
    found = forwarding.matches(ids=(id,), types=types, attributes=given)
    shares = shares_of(found, given, operation, everything=isinstance(item, str))
    if not shares.sources and not shares.unable:
        split.keep(item, id)
        return False
    refuse_loop(forwarding, shares)
    scope = (item.get("scope") if isinstance(item, dict) else None) or (stored or {}).get("scope")
    try:
        call.permit(call.principal(), scope)
        require_pen(call, operation, types, scope, given, found)
    except Problem as problem:
        split.refused.append(Outcome("", (id,)).fail(problem.details()))
        return True
    for match, mine in shares.sources:
        part = _part(item, names, frozenset(mine)) if isinstance(item, dict) else item
        split.give(match.registration, context, part, id)
    for match, _ in shares.unable:
        refused = Outcome(match.registration.id, (id,))
        split.refused.append(refused.fail(conflict(f"{match.registration.id} does not take {operation}")))
    if shares.here:
        kept = _part(item, names, frozenset(shares.local)) if isinstance(item, dict) else item
        split.keep(kept, id)
    return True


def _part(item: Mapping[str, Any], names: Mapping[str, str], kept: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name in _MEMBERS or names.get(name) in kept}


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _work(
    call: Call, handler: Handler, split: _Split, contexts: Mapping[int, Forwarding]
) -> list[Awaitable[Outcome]]:
    async def here() -> Outcome:
        try:
            response = await handler(with_body(call, split.local))
        except Problem as problem:
            return Outcome("", tuple(split.local_ids)).fail(problem.details())
        return outcome("", split.local_ids, (), response.status, response.body)

    async def source(parcel: _Parcel, forwarding: Forwarding) -> Outcome:
        try:
            words = await forwarding.words(parcel.registration)
            body = [
                reworded({k: v for k, v in one.items() if k != "@context"}, parcel.context, words)
                if isinstance(one, dict)
                else one
                for one in parcel.items
            ]
            path = call.request.path[call.request.path.index("/entityOperations") :].rstrip("/")
            params = {name: value for name, value in call.params.items() if name != "local"}
            sent = await forwarding.send(parcel.registration, "POST", path, params, words, body)
        except SourceError as error:
            return Outcome(parcel.registration.id, tuple(parcel.ids)).fail(unreachable(error))
        return outcome(parcel.registration.id, parcel.ids, (), sent.status, sent.body)

    work: list[Awaitable[Outcome]] = [here()] if split.local else []
    work += [source(parcel, contexts[context]) for (_, context), parcel in split.parcels.items()]
    return work
