"""Entity maps over context sources: what a query found, and through which registrations (clause 5.5.14, 5.14.4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from mahakam.api.http import Response
from mahakam.api.ngsild.call import Call, accepted, flag_of
from mahakam.api.ngsild.entities import Plan, compile_selection
from mahakam.api.ngsild.entitymaps import HEADER, header, lifetime
from mahakam.api.ngsild.forwarding import Forwarding
from mahakam.api.ngsild.gathering import gathered, in_parts, sources_of
from mahakam.broker.entitymaps import MAX_ENTITIES, EntityMap, EntityMaps
from mahakam.broker.federation.matching import Match
from mahakam.ngsild.entity import Document
from mahakam.ngsild.selection import Selection

Where = dict[str, list[str]]
"""Entity id → the registrations through which it was found, "@none" for this node."""


async def create_map(call: Call) -> Response | None:
    """The ids that a query finds here and at sources; None if no source is concerned."""
    accept = accepted(call.request.headers)
    seconds = lifetime(call)
    context = await call.context()
    selection = compile_selection(call.params, context)
    forwarding = Forwarding(call, context)
    found = sources_of(forwarding, selection)
    if not found:
        return None
    where = await where_found(forwarding, found, selection, call.params)
    made = await call.off_loop(partial(EntityMaps(call.broker.store).create, where, seconds))
    return call.answer(made.as_json(), context, accept, header(made), *forwarding.warnings, status=201)


async def followed(
    call: Call, params: Mapping[str, str], look: Callable[[], Awaitable[Where]]
) -> tuple[EntityMap, bool] | None:
    """The map that a query follows, and whether it was made for it; None if it has nothing to do with one.

    ``look``: where what it finds is found.
    """
    reference = call.request.headers.get(HEADER)
    if not flag_of(params, "entityMap") and not reference:
        return None
    seconds = lifetime(call)
    maps = EntityMaps(call.broker.store)
    known = maps.find(reference.rpartition("/")[2]) if reference else None
    if known is not None:
        return known, False
    where = await look()
    return await call.off_loop(partial(maps.create, where, seconds)), True


async def mapped_page(
    forwarding: Forwarding, plan: Plan, found: EntityMap, params: Mapping[str, str]
) -> tuple[list[Document], list[tuple[str, str]]]:
    """The entities of a page of a map, each asked for where the map has it, and the headers of the answer.

    A page is so many places of the map: what has ended meanwhile, or is selected no more, leaves a shorter page and
    moves no other.
    """
    ids = [id for id in found.sources if not plan.selection.ids or id in plan.selection.ids]
    here = ids[plan.offset : plan.offset + plan.limit]
    documents: dict[str, Document] = {}
    for some in in_parts(here):
        selection = replace(plan.selection, ids=some)
        wanted = {source for id in some for source in found.sources[id]}
        asked = [one for one in sources_of(forwarding, selection) if one.registration.id in wanted]
        parts = await gathered(forwarding, asked, selection, params, len(some))
        documents |= {document["id"]: document for document in parts.documents()}
    more = [header(found), *plan.links(0 if len(ids) > plan.offset + plan.limit else None)]
    if plan.count:
        more.append(("ngsild-results-count", str(len(ids))))
    return [documents[id] for id in here if id in documents], more


async def where_found(
    forwarding: Forwarding, found: Sequence[Match], selection: Selection, params: Mapping[str, str]
) -> Where:
    """Where each entity is that a query finds here and at sources."""
    parts = await gathered(forwarding, found, selection, params, MAX_ENTITIES + 1)
    return {document["id"]: parts.where[document["id"]] for document in parts.documents()}
