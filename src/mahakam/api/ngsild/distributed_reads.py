"""Retrieve and query over context sources: each is asked for its part, the parts are merged (5.7.1, 5.7.2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from mahakam.api.http import Response, problem_response
from mahakam.api.ngsild.call import JSON, Call, accepted
from mahakam.api.ngsild.conditions import tagged
from mahakam.api.ngsild.counting import different
from mahakam.api.ngsild.distributed_maps import followed, mapped_page, where_found
from mahakam.api.ngsild.entities import JSON_HEADERS, Plan, compile_plan
from mahakam.api.ngsild.forwarding import Forwarding, good
from mahakam.api.ngsild.gathering import (
    READS,
    able,
    common,
    gathered,
    merged,
    query_source,
    sources_of,
)
from mahakam.api.ngsild.parts import Part, parts_of
from mahakam.api.ngsild.posted import parameters_of
from mahakam.api.ngsild.presentation import (
    ENTITY_MEDIA,
    READ_OPTIONS,
    many_entities,
    one_entity,
    preferred,
    presentation,
    require_geo_json,
)
from mahakam.broker.federation.discovery import types_of
from mahakam.broker.federation.matching import Match
from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import Document
from mahakam.ngsild.match import of_types
from mahakam.ngsild.problem import bad_request, not_found
from mahakam.ngsild.query import parse_types
from mahakam.ngsild.selection import Selection


async def retrieve(call: Call) -> Response | None:
    """One entity, merged; None if no source concerns it."""
    accept = accepted(call.request.headers, ENTITY_MEDIA)
    id = call.entity_id
    context = await call.context()
    shape = presentation(call.params, call.options(READ_OPTIONS), context)
    wanted = call.params.get("type")
    types = parse_types(wanted, context) if wanted else None
    forwarding = Forwarding(call, context)
    found = able(forwarding.matches(ids=(id,), types=types_of(types), attributes=shape.attrs), READS)
    if not found or forwarding.looped:
        return None

    async def ask(match: Match) -> list[Part]:
        if "retrieveEntity" not in match.registration.operations:
            alone = Selection(ids=(id,), types=types)
            return _read((await query_source(forwarding, match, alone, {}, 1)).parts)
        words = await forwarding.words(match.registration)
        params = common(match, words, types, shape.attrs)
        answer = await forwarding.send(
            match.registration, "GET", f"/entities/{quote(id, safe=':')}", params, words
        )
        body = good(answer)
        parts = [] if body is None else parts_of(b"[%b]" % body, words, match)[0]
        return _read(part for part in parts if part.id == id)

    answers = await forwarding.each(found, ask)
    document = merged(call.broker.get(id), answers, found)
    if (
        document is None
        or (types is not None and not of_types(document, types))
        or (shape.attrs and not any(name in document for name in shape.attrs))
    ):
        return problem_response(not_found(id), call.headers(*forwarding.warnings))
    return _warned(tagged(call, one_entity(call, document, shape, context, accept), ""), forwarding)


async def parts_elsewhere(
    call: Call, context: Context, id: str, types: Collection[str], but: str
) -> list[Document]:
    """What sources have of an entity, but for one of them: the id of its registration."""
    forwarding = Forwarding(call, context)
    found = [one for one in forwarding.matches(ids=(id,), types=types) if one.registration.id != but]
    found = able(found, READS)

    async def ask(match: Match) -> list[Document]:
        found = await query_source(forwarding, match, Selection(ids=(id,)), {}, 1)
        return [part.document() for part in found.parts]

    return [part for _, parts in await forwarding.each(found, ask) for part in parts]


def _read(parts: Iterable[Part]) -> list[Part]:
    """The parts, each of which is an entity. Raises SourceError."""
    found = list(parts)
    for part in found:
        part.document()
    return found


async def query(call: Call) -> Response | None:
    """The page of a query, merged; None if no source concerns it."""
    context = await call.context()
    return await _page(call, compile_plan(call.params, context), call.params)


async def query_by_post(call: Call) -> Response | None:
    """The same for a Query object."""
    payload, context = await call.payload()
    params = {**call.params, **parameters_of(payload)}
    return await _page(call, compile_plan(params, context, pages=False), params)


async def _page(call: Call, plan: Plan, params: Any) -> Response | None:
    forwarding = Forwarding(call, plan.context)
    found = sources_of(forwarding, plan.selection)
    if not found:
        return None
    if "orderBy" in params:
        raise bad_request("orderBy goes with local=true", "what several sources answer has no common order")
    accept = accepted(call.request.headers, ENTITY_MEDIA)
    require_geo_json(call, accept)
    kept = await followed(call, params, partial(where_found, forwarding, found, plan.selection, params))
    if kept is not None:
        page, headers = await mapped_page(forwarding, plan, kept[0], params)
        headers += forwarding.warnings
        answer = many_entities(call, page, plan.shape, plan.context, accept, *headers)
        return Response(201, answer.headers, answer.body) if kept[1] else answer
    needed = plan.offset + plan.limit + 1
    shown = slice(plan.offset, plan.offset + plan.limit)
    parts = await gathered(
        forwarding, found, plan.selection, params, needed, times=plan.shape.sys_attrs, shown=shown
    )
    found_here = len(parts.ids)
    plain = plan.shape.plain and plan.context.is_core and accept == JSON and not preferred(call)
    bodies = parts.bodies(shown.start, shown.stop) if plain else []
    documents = [] if plain else parts.documents(shown.start, shown.stop)
    total = await different(forwarding, parts, plan.selection, params) if plan.count else None
    more = list(forwarding.warnings)
    if total is not None:
        more.append(("ngsild-results-count", str(total)))
    more += plan.links(0 if found_here > plan.offset + plan.limit else None)
    if plain:
        return Response(200, call.headers(*JSON_HEADERS, *more), b"[%b]" % b",".join(bodies))
    return many_entities(call, documents, plan.shape, plan.context, accept, *more)


async def selected(
    call: Call, selection: Selection, params: Mapping[str, str], context: Context, most: int
) -> tuple[list[Document], list[str]] | None:
    """Up to ``most`` entities that a query selects here and at sources, and what went wrong; None if no source
    is concerned."""
    forwarding = Forwarding(call, context)
    found = sources_of(forwarding, selection)
    if not found:
        return None
    documents = (await gathered(forwarding, found, selection, params, most)).documents(0, most)
    return documents, [text for _, text in forwarding.warnings]


def _warned(response: Response, forwarding: Forwarding) -> Response:
    if not forwarding.warnings:
        return response
    return Response(response.status, [*response.headers, *forwarding.warnings], response.body)
