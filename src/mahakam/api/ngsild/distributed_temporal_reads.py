"""Evolutions from context sources: each is asked for its part, the parts are merged by instance (5.7.3, 5.7.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from functools import partial
from urllib.parse import quote

from mahakam.api.http import Response, problem_response
from mahakam.api.ngsild import entitymaps, temporal_reads
from mahakam.api.ngsild.call import Call, accepted
from mahakam.api.ngsild.counting import MOST, There, told_apart
from mahakam.api.ngsild.distributed_maps import Where, followed
from mahakam.api.ngsild.forwarding import Forwarding
from mahakam.api.ngsild.gathering import filters_of, in_parts, narrowed
from mahakam.api.ngsild.source_evolutions import Found, Selected, ask_evolutions, select_evolutions
from mahakam.api.ngsild.temporal_pages import Part, Shape, Slice, nearest, paged, part_of
from mahakam.broker.entitymaps import MAX_ENTITIES, EntityMaps
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

    async def look() -> Where:
        here = await call.off_loop(partial(call.broker.history.get, id))
        where = [*(["@none"] if here is not None else ()), *(one.match.registration.id for one in answers)]
        return {id: list(dict.fromkeys(where))} if where else {}

    if part is None or (view.attributes and not _has_any(call, part, view)):
        return problem_response(not_found(f"{id} has no such evolution"), call.headers(*forwarding.warnings))
    kept = await followed(call, call.params, look)
    more = [*forwarding.warnings, *([entitymaps.header(kept[0])] if kept else ())]
    show = partial(_answer, call, [part], view, shape, context, accept, *more, single=True)
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
    filters = filters_of(params)

    async def ask(match: Match) -> list[Found]:
        selected = await select_evolutions(forwarding, match, page.selection, filters, view, most, whole=True)
        return selected.found

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


async def create_map(call: Call) -> Response | None:
    """Clause 5.14.5: where the evolutions are that a query finds; None if no source is concerned."""
    accept = accepted(call.request.headers)
    seconds = entitymaps.lifetime(call)
    context = await call.context()
    selection, view = temporal_reads.mapped(call.params, context)
    forwarding = Forwarding(call, context)
    found = _sources(forwarding, selection, view)
    if not found:
        return None
    where = await _where(forwarding, found, selection, filters_of(call.params), view)
    made = await call.off_loop(partial(EntityMaps(call.broker.store).create, where, seconds))
    return call.answer(
        made.as_json(), context, accept, entitymaps.header(made), *forwarding.warnings, status=201
    )


async def _where(
    forwarding: Forwarding,
    found: Sequence[Match],
    selection: Selection,
    filters: Mapping[str, str],
    view: View,
) -> Where:
    """Where each evolution is that a query finds here and at sources."""
    call = forwarding.call

    async def ask(match: Match) -> list[str]:
        return await _ids_at(forwarding, match, selection, filters, view, MAX_ENTITIES + 1)

    here = await call.off_loop(partial(temporal_reads.ids_of, call.broker.history, view, selection))
    where: Where = {id: ["@none"] for id in here}
    for match, ids in await forwarding.each(found, ask):
        for id in ids:
            known = where.setdefault(id, [])
            if match.registration.id not in known:
                known.append(match.registration.id)
    return where


async def _ids_at(
    forwarding: Forwarding,
    match: Match,
    selection: Selection,
    filters: Mapping[str, str],
    view: View,
    most: int,
) -> list[str]:
    """The ids of a source's evolutions, of which no more is asked for than it takes to be selected."""
    little = view if selection.condition or selection.geo else changed(view, last=1)
    selected = await select_evolutions(forwarding, match, selection, filters, little, most, whole=False)
    return [one.head["id"] for one in selected.found]


@dataclass(slots=True)
class _Here:
    """What this node has of a query: the first as they are seen, and the ids of as many as were looked at."""

    seen: dict[str, View]
    ids: set[str]
    whole: bool

    @classmethod
    def of(cls, call: Call, selection: Selection, view: View, needed: int, *, count: bool) -> _Here:
        """The first ``needed``; with ``count`` the ids of all."""
        found = cls({}, set(), True)
        for head, seen in call.broker.history.scan(selection, view):
            if len(found.seen) >= needed:
                found.whole = False
                if not count:
                    break
            else:
                found.seen[head["id"]] = seen
            found.ids.add(head["id"])
        return found


async def _page(call: Call, params: Mapping[str, str], context: Context) -> Response | None:
    page, view, shape = temporal_reads.planned(params, context)
    selection = page.selection
    forwarding = Forwarding(call, context)
    found = _sources(forwarding, selection, view)
    if not found:
        return None
    accept = accepted(call.request.headers)
    end = page.offset + page.limit
    filters = filters_of(params)
    whole = shape.aggregation is not None
    more: list[tuple[str, str]] = []

    async def ask(match: Match, most: int, these: Selection) -> Selected:
        return await select_evolutions(
            forwarding, match, these, filters, view, most, whole=whole, count=page.count
        )

    kept = await followed(call, params, partial(_where, forwarding, found, selection, filters, view))
    if kept is not None:
        ids = [id for id in kept[0].sources if not selection.ids or id in selection.ids]
        wanted = ids[page.offset : end]
        sources = kept[0].sources
        asked = [
            one
            for some in in_parts(wanted)
            for match in _sources(forwarding, changed(selection, ids=some), view)
            for one in narrowed(match, [id for id in some if match.registration.id in sources[id]], some)
        ]
        answers = await forwarding.each(asked, lambda match: ask(match, len(match.ids), selection))
        these = changed(selection, ids=tuple(wanted))
        look = partial(_Here.of, call, these, view, len(wanted), count=False)
        here = await call.off_loop(look) if wanted else _Here({}, set(), True)
        known = {*here.seen, *(id for _, one in answers for id in one.ids())}
        total, follows = len(ids), len(ids) > end
        wanted = [id for id in wanted if id in known]
        more.append(entitymaps.header(kept[0]))
    else:
        needed = _MOST if page.order else end + 1
        answers = await forwarding.each(found, lambda match: ask(match, needed, selection))
        here = await call.off_loop(partial(_Here.of, call, selection, view, needed, count=page.count))
        ids = list(
            dict.fromkeys((*here.seen, *(one.head["id"] for _, some in answers for one in some.found)))
        )
        if page.order:
            ids.sort(reverse=page.order.endswith("desc"))
        wanted, follows, total = ids[page.offset : end], len(ids) > end, len(ids)
        if page.count and not (here.whole and all(one.whole for _, one in answers)):
            there = [There(match, one.count, one.ids() if one.whole else None) for match, one in answers]

            async def ids_at(match: Match) -> set[str]:
                return set(await _ids_at(forwarding, match, selection, filters, view, MOST))

            total = await told_apart(forwarding, len(here.ids), lambda: set(here.ids), there, ids_at)
        # A source may have its part of these far behind its first.
        lacking = [
            part
            for match, one in answers
            if not one.whole
            for part in narrowed(
                match, [id for id in wanted if id not in one.ids() and match.holds(id, ())], here.ids
            )
        ]
        answers += await forwarding.each(lacking, lambda match: ask(match, len(match.ids), selection))

    def work() -> Response:
        by_id: dict[str, list[Found]] = {}
        for _, some in answers:
            for one in some.found:
                by_id.setdefault(one.head["id"], []).append(one)
        parts = [
            _merged(call, changed(view, entity=id), here.seen.get(id), shape, by_id.get(id, ()), found)
            for id in wanted
        ]
        more.extend(forwarding.warnings)
        if page.count:
            more.append(("ngsild-results-count", str(total)))
        if call.request.method == "GET":
            more.extend(temporal_reads.links(call, page, follows))
        made = [part for part in parts if part is not None]
        answer = _answer(call, made, view, shape, context, accept, *more)
        new = kept is not None and kept[1] and answer.status == 200
        return Response(201, answer.headers, answer.body) if new else answer

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
