"""Evolutions from context sources: each is asked for its part, the parts are merged by instance (5.7.3, 5.7.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as changed
from functools import partial
from urllib.parse import quote

from mahakam.api.http import Response, problem_response
from mahakam.api.ngsild import entitymaps, temporal_reads
from mahakam.api.ngsild.call import Call, accepted, flag_of
from mahakam.api.ngsild.forwarding import Forwarding
from mahakam.api.ngsild.gathering import FILTERS
from mahakam.api.ngsild.source_evolutions import Found, ask_evolutions, select_evolutions
from mahakam.api.ngsild.temporal_pages import Part, Shape, Slice, nearest, paged, part_of
from mahakam.broker.federation.discovery import types_of
from mahakam.broker.federation.matching import Match
from mahakam.broker.history import MAX_INSTANCES, too_many
from mahakam.ngsild.context import Context
from mahakam.ngsild.problem import not_found
from mahakam.ngsild.selection import Selection
from mahakam.ngsild.temporal import Head, Moment
from mahakam.ngsild.temporal_merging import (
    joined_heads,
    joined_moments,
    types_in,
    without_attributes,
)
from mahakam.ngsild.temporal_query import View

_MOST = 1_000
"""Evolutions of one source that are looked at where all are counted or ordered."""


async def retrieve(call: Call) -> Response | None:
    """One evolution, merged; None if no source concerns it."""
    accept = accepted(call.request.headers)
    context = await call.context()
    view, shape = temporal_reads.compiled(call.params, context)
    id = call.entity_id
    view = changed(view, entity=id)
    forwarding = Forwarding(call, context)
    found = forwarding.temporal("retrieveTemporal", period=view.period, ids=(id,), attributes=view.attributes)
    if not found or forwarding.looped:
        return None

    async def ask(match: Match) -> list[Found]:
        path = f"/temporal/entities/{quote(id, safe=':')}"
        return await ask_evolutions(forwarding, match, path, {}, view, whole=shape.aggregation is not None)

    answers = [one for _, several in await forwarding.each(found, ask) for one in several]
    part = await call.off_loop(partial(_merged, call, view, view, shape, answers, found))
    if part is None or (view.attributes and not _has_any(call, part, view)):
        return problem_response(not_found(f"{id} has no such evolution"), call.headers(*forwarding.warnings))
    show = partial(_answer, call, [part], view, shape, context, accept, *forwarding.warnings, single=True)
    return await call.off_loop(show)


async def query(call: Call) -> Response | None:
    """A page of evolutions, merged; None if no source concerns it."""
    context = await call.context()
    return await _page(call, call.params, context)


async def query_by_post(call: Call) -> Response | None:
    """The same for a Query object."""
    payload, context = await call.payload()
    return await _page(call, {**call.params, **temporal_reads.posted(payload)}, context)


async def selected(
    call: Call,
    page: temporal_reads.Page,
    view: View,
    params: Mapping[str, str],
    context: Context,
    most: int,
) -> tuple[list[tuple[Head, list[Moment]]], list[str]]:
    """Up to ``most`` evolutions whole, as they are here and at sources, and what went wrong there."""
    forwarding = Forwarding(call, context)
    found = _sources(forwarding, page.selection, view)
    filters = {name: params[name] for name in FILTERS if name in params}

    async def ask(match: Match) -> list[Found]:
        return await select_evolutions(forwarding, match, page.selection, filters, view, most, whole=True)

    answers: dict[str, list[Found]] = {}
    for _, several in await forwarding.each(found, ask):
        for one in several:
            answers.setdefault(one.head["id"], []).append(one)

    def work() -> list[tuple[Head, list[Moment]]]:
        here = {
            head["id"]: (head, moments) for head, moments in call.broker.history.found(page.selection, view)
        }
        ids = list(dict.fromkeys((*here, *answers)))[:most]
        joined = (_joined(view, here.get(id), answers.get(id, ()), found) for id in ids)
        return [one for one in joined if one is not None]

    return await call.off_loop(work), [text for _, text in forwarding.warnings]


def _sources(forwarding: Forwarding, selection: Selection, view: View) -> list[Match]:
    """Those that a query concerns; none if the request has been here before."""
    if forwarding.looped:
        return []
    return forwarding.temporal(
        "queryTemporal",
        period=view.period,
        ids=selection.ids,
        id_pattern=selection.id_pattern or "",
        types=types_of(selection.types),
        attributes=view.attributes,
    )


async def _page(call: Call, params: Mapping[str, str], context: Context) -> Response | None:
    page, view, shape = temporal_reads.planned(params, context)
    if flag_of(call.params, "entityMap") or call.request.headers.get(entitymaps.HEADER):
        return None  # a map is of what is found here
    selection = page.selection
    forwarding = Forwarding(call, context)
    found = _sources(forwarding, selection, view)
    if not found:
        return None
    accept = accepted(call.request.headers)
    end = page.offset + page.limit
    needed = _MOST if page.count or page.order else end + 1
    filters = {name: params[name] for name in FILTERS if name in params}

    async def ask(match: Match) -> list[Found]:
        return await select_evolutions(
            forwarding, match, selection, filters, view, needed, whole=shape.aggregation is not None
        )

    answers = [one for _, several in await forwarding.each(found, ask) for one in several]

    def work() -> Response:
        own: dict[str, View] = {}
        for head, seen in call.broker.history.scan(selection, view):
            own[head["id"]] = seen
            if len(own) >= needed:
                break
        by_id: dict[str, list[Found]] = {}
        for one in answers:
            by_id.setdefault(one.head["id"], []).append(one)
        ids = list(dict.fromkeys((*own, *by_id)))
        if page.order:
            ids.sort(reverse=page.order.endswith("desc"))
        parts = [
            _merged(call, changed(view, entity=id), own.get(id), shape, by_id.get(id, ()), found)
            for id in ids[page.offset : end]
        ]
        more = list(forwarding.warnings)
        more += [("ngsild-results-count", str(len(ids)))] if page.count else []
        if call.request.method == "GET":
            more += temporal_reads.links(call, page, len(ids) > end)
        kept = [part for part in parts if part is not None]
        return _answer(call, kept, view, shape, context, accept, *more)

    return await call.off_loop(work)


def _merged(
    call: Call, view: View, own: View | None, shape: Shape, answers: Sequence[Found], asked: Sequence[Match]
) -> Part | None:
    """The view's entity as all have it; ``own``: what is seen of it here, None if it is not selected here."""
    history = call.broker.history
    head = history.get(view.entity) if own is not None else None
    here = None
    if head is not None and own is not None:
        here = part_of(history, head, changed(own, entity=view.entity), shape)
    found = _joined(view, (here.head, here.moments) if here else None, answers, asked)
    if found is None:
        return None
    cuts = [*([here.cut] if here else ()), *(one.cut for one in answers)]
    part = paged(Part(found[0], own or view, found[1], nearest(cuts, view)))
    if shape.aggregation is not None:
        if len(found[1]) > MAX_INSTANCES:
            raise too_many(part.head)
        part = changed(part, cut="")
    return part


def _joined(
    view: View,
    here: tuple[Head, list[Moment]] | None,
    answers: Sequence[Found],
    asked: Sequence[Match],
) -> tuple[Head, list[Moment]] | None:
    """What is kept here and what sources have of one entity; None if nobody has any of it."""
    heads: list[Head] = []
    parts: list[Sequence[Moment]] = []
    if here is not None:
        head, moments = here
        for match in asked:
            if match.registration.proxied and match.holds(head["id"], types_in(head)):
                moments = without_attributes(moments, match.information.attributes)
        heads.append(head)
        parts.append(moments)
    heads += [one.head for one in answers]
    parts += [one.moments for one in answers if one.match.registration.mode != "auxiliary"]
    fillers = [one.moments for one in answers if one.match.registration.mode == "auxiliary"]
    return (joined_heads(heads), joined_moments(parts, fillers, view)) if heads else None


def _has_any(call: Call, part: Part, view: View) -> bool:
    """Whether anybody has one of the attributes that are asked for, at whatever time."""
    known = View(view.entity, attributes=view.attributes, limit=1)
    return bool(part.moments) or bool(call.broker.history.store.moments(known))


def _answer(
    call: Call,
    parts: Sequence[Part],
    view: View,
    shape: Shape,
    context: Context,
    accept: str,
    *headers: tuple[str, str],
    single: bool = False,
) -> Response:
    found = Slice.of(list(parts), view)
    shown = found.shown(call.broker.history, shape, context)
    if single and not shown[0]:
        raise not_found(f"{view.entity} has nothing of what was picked")
    value = shown[0] if single else shown
    return call.answer(value, context, accept, *found.headers(), *headers, status=found.status)
