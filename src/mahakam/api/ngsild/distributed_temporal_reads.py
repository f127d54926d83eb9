"""Evolutions from context sources: each is asked for its part, the parts are merged by instance (5.7.3, 5.7.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from functools import partial
from typing import Any
from urllib.parse import quote

from mahakam.api.http import Response, problem_response
from mahakam.api.ngsild import entitymaps, temporal_reads
from mahakam.api.ngsild.call import Call, accepted, flag_of
from mahakam.api.ngsild.distributed_reads import FILTERS
from mahakam.api.ngsild.forwarding import Forwarding, json_of
from mahakam.api.ngsild.temporal_pages import Part, Shape, Slice, cut_after, nearest, paged, part_of
from mahakam.broker.federation.client import Answer, SourceError
from mahakam.broker.federation.discovery import types_of
from mahakam.broker.federation.matching import Match
from mahakam.broker.history import MAX_INSTANCES, too_many
from mahakam.ngsild.context import Context
from mahakam.ngsild.match import matches
from mahakam.ngsild.problem import Problem, not_found
from mahakam.ngsild.selection import Selection
from mahakam.ngsild.temporal import Head, Moment, at_once
from mahakam.ngsild.temporal_merging import (
    joined_heads,
    joined_moments,
    received_evolution,
    without_attributes,
)
from mahakam.ngsild.temporal_query import View, sortable

_PAGE = 100
_MOST = 1_000
"""Evolutions of one source that are looked at where all are counted or ordered."""
_ROUNDS = 500
"""Pages of time that are fetched of one source to aggregate its values here."""
_TIMES = ("timerel", "timeAt", "endTimeAt", "timeproperty", "datasetId")


@dataclass(slots=True)
class _Found:
    """What one source has of one entity, and back or up to which time (see :class:`Part`)."""

    match: Match
    head: Head
    moments: list[Moment]
    cut: str = ""


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

    async def ask(match: Match) -> list[_Found]:
        path = f"/temporal/entities/{quote(id, safe=':')}"
        return await _evolutions(forwarding, match, path, {}, view, whole=shape.aggregation is not None)

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


async def _page(call: Call, params: Mapping[str, str], context: Context) -> Response | None:
    page, view, shape = temporal_reads.planned(params, context)
    if flag_of(call.params, "entityMap") or call.request.headers.get(entitymaps.HEADER):
        return None  # a map is of what is found here
    selection = page.selection
    forwarding = Forwarding(call, context)
    found = forwarding.temporal(
        "queryTemporal",
        period=view.period,
        ids=selection.ids,
        id_pattern=selection.id_pattern or "",
        types=types_of(selection.types),
        attributes=view.attributes,
    )
    if not found or forwarding.looped:
        return None
    accept = accepted(call.request.headers)
    end = page.offset + page.limit
    needed = _MOST if page.count or page.order else end + 1
    filters = {name: params[name] for name in FILTERS if name in params}

    async def ask(match: Match) -> list[_Found]:
        return await _select(
            forwarding, match, selection, filters, view, needed, whole=shape.aggregation is not None
        )

    answers = [one for _, several in await forwarding.each(found, ask) for one in several]

    def work() -> Response:
        own: dict[str, View] = {}
        for head, seen in call.broker.history.scan(selection, view):
            own[head["id"]] = seen
            if len(own) >= needed:
                break
        by_id: dict[str, list[_Found]] = {}
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
    call: Call, view: View, own: View | None, shape: Shape, answers: Sequence[_Found], asked: Sequence[Match]
) -> Part | None:
    """The view's entity as all have it; ``own``: what is seen of it here, None if it is not selected here."""
    history = call.broker.history
    heads: list[Head] = []
    parts: list[Sequence[Moment]] = []
    cuts: list[str] = []
    head = history.get(view.entity) if own is not None else None
    if head is not None and own is not None:
        here = part_of(history, head, changed(own, entity=view.entity), shape)
        moments = here.moments
        for match in asked:
            if match.registration.proxied and match.holds(view.entity, _listed(head["type"])):
                moments = without_attributes(moments, match.information.attributes)
        heads.append(head)
        parts.append(moments)
        cuts.append(here.cut)
    heads += [one.head for one in answers]
    cuts += [one.cut for one in answers]
    parts += [one.moments for one in answers if one.match.registration.mode != "auxiliary"]
    fillers = [one.moments for one in answers if one.match.registration.mode == "auxiliary"]
    if not heads:
        return None
    moments = joined_moments(parts, fillers, view)
    part = paged(Part(joined_heads(heads), own or view, moments, nearest(cuts, view)))
    if shape.aggregation is not None:
        if len(moments) > MAX_INSTANCES:
            raise too_many(part.head)
        part = changed(part, cut="")
    return part


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


async def _select(
    forwarding: Forwarding,
    match: Match,
    selection: Selection,
    filters: Mapping[str, str],
    view: View,
    needed: int,
    *,
    whole: bool,
) -> list[_Found]:
    """The first evolutions that a query selects at a source, page by page."""
    words = await forwarding.words(match.registration)
    params = _types(match, words, selection)
    # In other words the filters would mean something else: they are applied here instead.
    same = words is forwarding.context
    params |= filters if same else {name: filters[name] for name in ("scopeQ",) if name in filters}
    if match.ids:
        params["id"] = ",".join(match.ids)
    elif selection.id_pattern or match.id_pattern:
        params["idPattern"] = selection.id_pattern or match.id_pattern
    found: list[_Found] = []
    size = min(_PAGE, needed)
    while len(found) < needed:
        more = {"limit": str(size), "offset": str(len(found))}
        page = await _evolutions(forwarding, match, "/temporal/entities", params | more, view, whole=False)
        found += page
        if len(page) < size:
            break
    if whole:
        found = [await _completed(forwarding, one, view) if one.cut else one for one in found]
    condition = Selection(condition=selection.condition, geo=selection.geo)
    if same or condition == Selection():
        return found
    return [one for one in found if matches(at_once(one.head, one.moments), condition)]


async def _completed(forwarding: Forwarding, found: _Found, view: View) -> _Found:
    """All that a source has of an entity, of which it gave a part."""
    if "retrieveTemporal" not in found.match.registration.operations:
        raise SourceError(111, "it answers in part, and is not registered for retrieveTemporal")
    path = f"/temporal/entities/{quote(found.head['id'], safe=':')}"
    whole = await _evolutions(forwarding, found.match, path, {}, view, whole=True)
    return whole[0] if whole else found


async def _evolutions(
    forwarding: Forwarding, match: Match, path: str, more: Mapping[str, str], view: View, *, whole: bool
) -> list[_Found]:
    """What a source answers; ``whole``: with the pages of time that follow, and not a partial answer."""
    words = await forwarding.words(match.registration)
    params = {**more, **_temporal(view, whole=whole), "options": "sysAttrs"}
    if match.attributes:
        params["attrs"] = ",".join(sorted(map(words.compact, match.attributes)))
    found: dict[str, _Found] = {}
    start = ""
    for _ in range(_ROUNDS):
        answer = await forwarding.send(match.registration, "GET", path, params, words)
        page = _received(answer, words, match)
        for one in page:
            known = found.setdefault(one.head["id"], one)
            if known is not one:
                kept = {moment.foreign for moment in known.moments}
                known.moments += [moment for moment in one.moments if moment.foreign not in kept]
        if answer.status != 206:
            return list(found.values())
        moments = [moment for one in page for moment in one.moments]
        if not whole:
            for one in found.values():
                one.cut = cut_after(moments, view)
            return list(found.values())
        times = [sortable(moment.time(view.timeproperty) or moment.created) for moment in moments]
        if not times or max(times) <= start:
            raise SourceError(111, "its partial answers do not go on")
        start = max(times)
        params |= _from(view, f"{start}Z")
    raise SourceError(111, f"it has more than {_ROUNDS} partial answers")


def _types(match: Match, words: Context, selection: Selection) -> dict[str, str]:
    if selection.types is not None:
        sets = [";".join(map(words.compact, names)) for names in selection.types.any_of]
        return {"type": ",".join(f"({one})" if ";" in one and len(sets) > 1 else one for one in sets)}
    return {"type": ",".join(map(words.compact, match.types))} if match.types else {}


def _temporal(view: View, *, whole: bool) -> dict[str, str]:
    """A view in the words of a query string; what is taken whole has its newest chosen here."""
    params = {"timeproperty": view.timeproperty}
    if view.period is not None:
        params |= {"timerel": view.period.timerel, "timeAt": view.period.at}
        if view.period.end:
            params["endTimeAt"] = view.period.end
    if view.datasets:
        params["datasetId"] = ",".join(dataset or "@none" for dataset in view.datasets)
    if view.last and not whole:
        params["lastN"] = str(view.last)
    return params


def _from(view: View, start: str) -> dict[str, str]:
    """The rest of a period from a time on."""
    period = view.period
    if period is None or period.timerel == "after":
        return {"timerel": "after", "timeAt": start}
    end = period.at if period.timerel == "before" else period.end
    return {"timerel": "between", "timeAt": start, "endTimeAt": end}


def _received(answer: Answer, words: Context, match: Match) -> list[_Found]:
    """The evolutions of an answer, as far as the source is registered for them; raises SourceError."""
    body = json_of(answer, (200, 206))
    found = []
    owned = match.information.attributes
    for one in body if isinstance(body, list) else [] if body is None else [body]:
        try:
            head, moments = received_evolution(one, words, match.registration.id)
        except (Problem, AttributeError, TypeError, ValueError) as error:
            raise SourceError(111, f"its answer holds what is no evolution: {str(error)[:200]}") from None
        if match.holds(head["id"], _listed(head["type"])):
            kept = [moment for moment in moments if not owned or moment.attribute in owned]
            found.append(_Found(match, head, kept))
    return found


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
