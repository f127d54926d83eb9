"""``/temporal/entities``: reading temporal evolutions (clause 5.7.3, 5.7.4, 6.3.10, 6.18, 6.19, 6.24)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from functools import partial
from typing import Any

from mahakam.api.http import Response
from mahakam.api.ngsild.call import Call, accepted, flag_of, options_of
from mahakam.api.ngsild.entities import (
    DEFAULT_LIMIT,
    FILTERS,
    GEO_PARAMETERS,
    MAX_LIMIT,
    compile_selection,
    number,
    require_narrow,
)
from mahakam.api.ngsild.entitymaps import CREATE_PARAMETERS, MAP_PARAMETERS, header, lifetime, map_of, within
from mahakam.api.ngsild.posted import parameters_of
from mahakam.api.ngsild.temporal_pages import Shape, Slice, part_of
from mahakam.broker.entitymaps import EntityMaps
from mahakam.broker.history import History
from mahakam.ngsild.context import Context
from mahakam.ngsild.lexical import is_uri
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.ngsild.projection import EVERYTHING, parse_projection
from mahakam.ngsild.query import attributes_of
from mahakam.ngsild.selection import Selection
from mahakam.ngsild.temporal import Head
from mahakam.ngsild.temporal_aggregate import parse_aggregation
from mahakam.ngsild.temporal_query import (
    View,
    fault,
    parse_last,
    parse_period,
    parse_timeproperty,
)

FORMS = ("normalized", "temporalValues", "aggregatedValues")
OPTIONS = frozenset((*FORMS, "sysAttrs"))
TEMPORAL = frozenset(("timerel", "timeAt", "endTimeAt", "timeproperty", "lastN"))
RETRIEVE_PARAMETERS = TEMPORAL | {
    "attrs", "pick", "omit", "options", "format", "lang", "datasetId", "aggrMethods", "aggrPeriodDuration",
    "local", *MAP_PARAMETERS, "csf",
}  # fmt: skip
QUERY_PARAMETERS = RETRIEVE_PARAMETERS | {
    *FILTERS, *GEO_PARAMETERS, "id", "idPattern", "expandValues", "jsonKeys", "limit", "offset", "count", "orderBy",
}  # fmt: skip
CREATE_MAP_PARAMETERS = CREATE_PARAMETERS | TEMPORAL - {"lastN"}
POST_PARAMETERS = frozenset(("limit", "offset", "count", "options", "format", "local"))
_FORM_OF = {"values": "temporalValues", **{name: name for name in FORMS}}


async def retrieve_evolution(call: Call) -> Response:
    """Clause 5.7.3: the temporal evolution of one entity."""
    accept = accepted(call.request.headers)
    context = await call.context()
    view, shape = compiled(call.params, context)
    id = call.entity_id
    return await call.off_loop(partial(_retrieved, call, changed(view, entity=id), shape, context, accept))


def _retrieved(call: Call, view: View, shape: Shape, context: Context, accept: str) -> Response:
    history = call.broker.history
    head = history.get(view.entity)
    if head is None:
        raise not_found(f"{view.entity} has no temporal evolution")
    if view.attributes and not history.store.moments(View(view.entity, attributes=view.attributes, limit=1)):
        raise not_found(f"{view.entity} has none of these attributes")
    found = Slice.of([part_of(history, head, view, shape)], view)
    shown = found.shown(history, shape, context)[0]
    if not shown:
        raise not_found(f"{view.entity} has nothing of what was picked")
    kept, _ = map_of(call, Selection(ids=(view.entity,)), partial(ids_of, history, view))
    more = [header(kept)] if kept else []
    return call.answer(shown, context, accept, *found.headers(), *more, status=found.status)


async def query_evolutions(call: Call) -> Response:
    """Clause 5.7.4: the temporal evolutions that a selection and a temporal query select, by pages."""
    context = await call.context()
    return await _query(call, call.params, context)


async def query_evolutions_by_post(call: Call) -> Response:
    """Clause 5.7.4: the same, said by a Query object with ``temporalQ`` and ``aggrParams``."""
    payload, context = await call.payload()
    return await _query(call, {**call.params, **posted(payload)}, context)


def posted(payload: Any) -> Mapping[str, str]:
    """A Query object in the words of a query string; raises Problem BadRequestData."""
    if not isinstance(payload, dict):
        raise bad_request("The query is not valid", "an object was expected")
    rest = {name: part for name, part in payload.items() if name not in ("temporalQ", "aggrParams")}
    params = dict(parameters_of(rest))
    for member, known in (
        ("temporalQ", TEMPORAL | {"aggrMethods", "aggrPeriodDuration"}),
        ("aggrParams", frozenset(("aggrMethods", "aggrPeriodDuration"))),
    ):
        if member not in payload:
            continue
        found = payload[member]
        if not isinstance(found, dict):
            raise fault(member, "an object was expected")
        for name, part in found.items():
            if name == "type":
                continue
            if name not in known:
                raise fault(f"{member}.{name[:40]}", f"one of {', '.join(sorted(known))} was expected")
            params[name] = _word(part, f"{member}.{name}", name)
        if "aggrMethods" in params or "aggrPeriodDuration" in params:
            params.setdefault("format", "aggregatedValues")
    return params


def _word(part: Any, where: str, name: str) -> str:
    if name == "lastN" and isinstance(part, int) and not isinstance(part, bool):
        return str(part)
    if name == "aggrMethods" and isinstance(part, list) and all(isinstance(one, str) for one in part):
        return ",".join(part)
    if not isinstance(part, str) or name == "lastN":
        raise fault(where, "a whole number was expected" if name == "lastN" else "a text was expected")
    return part


async def _query(call: Call, params: Mapping[str, str], context: Context) -> Response:
    accept = accepted(call.request.headers)
    page, view, shape = planned(params, context)
    return await call.off_loop(partial(_queried, call, page, view, shape, context, accept))


def planned(params: Mapping[str, str], context: Context) -> tuple[Page, View, Shape]:
    """What a query of evolutions asks for; raises Problem."""
    view, shape = compiled(params, context)
    if params.get("orderBy", "id") not in ("id", "id;asc", "id;desc"):
        raise bad_request("The parameter orderBy is not valid", "temporal evolutions are ordered by id")
    if view.period is None:
        raise fault("timerel", "a query of evolutions needs timerel and timeAt")
    selection = compile_selection(params, context)
    require_narrow(params, selection)
    limit = number(params.get("limit"), "limit", DEFAULT_LIMIT)
    if limit > MAX_LIMIT:
        raise Problem("TooManyResults", "The limit is too high", f"limit may be {MAX_LIMIT} at most")
    offset = number(params.get("offset"), "offset", 0)
    count = flag_of(params, "count")
    if limit == 0 and not count:
        raise bad_request("The parameter limit is not valid", "0 goes only with count=true")
    return Page(selection, limit, offset, count, params.get("orderBy", "")), view, shape


async def create_map_of_evolutions(call: Call) -> Response:
    """Clause 5.14.5: the ids of the evolutions that a query finds; 201, and the header NGSILD-EntityMap."""
    accept = accepted(call.request.headers)
    seconds = lifetime(call)
    context = await call.context()
    selection, view = mapped(call.params, context)
    maps = EntityMaps(call.broker.store)
    look = partial(ids_of, call.broker.history, view)
    made = await call.off_loop(lambda: maps.create(look(selection), seconds))
    return call.answer(made.as_json(), context, accept, header(made), status=201)


def mapped(params: Mapping[str, str], context: Context) -> tuple[Selection, View]:
    """What a map of evolutions is made of. Raises Problem."""
    view, _ = compiled(params, context)
    if view.period is None:
        raise fault("timerel", "a map of evolutions needs timerel and timeAt")
    selection = compile_selection(params, context)
    require_narrow(params, selection)
    return selection, view


@dataclass(frozen=True, slots=True)
class Page:
    """Which of the evolutions selected are wanted."""

    selection: Selection
    limit: int
    offset: int
    count: bool
    order: str


def _queried(call: Call, page: Page, view: View, shape: Shape, context: Context, accept: str) -> Response:
    history = call.broker.history
    kept, made = map_of(call, page.selection, partial(ids_of, history, view))
    selection = within(page.selection, kept) if kept and not made else page.selection
    end = page.offset + page.limit
    found: list[tuple[Head, View]] = []
    total = 0
    if page.order:
        heads = sorted(history.scan(selection, view), key=lambda one: one[0]["id"])
        if page.order.endswith("desc"):
            heads.reverse()
        total, found = len(heads), heads[page.offset : end]
    else:
        for one in history.scan(selection, view):
            if page.offset <= total < end:
                found.append(one)
            total += 1
            if total > end and not page.count:
                break
    part = Slice.of([part_of(history, head, own, shape) for head, own in found], view)
    headers = part.headers()
    if kept:
        headers.append(header(kept))
    if page.count:
        headers.append(("ngsild-results-count", str(total)))
    if call.request.method == "GET":
        headers += links(call, page, total > end)
    status = 201 if made and part.status == 200 else part.status
    return call.answer(part.shown(history, shape, context), context, accept, *headers, status=status)


def ids_of(history: History, view: View, selection: Selection) -> list[str]:
    """For an entity map: the ids that are selected; of ids alone those that have an evolution."""
    if selection.ids and selection == Selection(ids=selection.ids):
        return [id for id in selection.ids if history.get(id) is not None]
    return [head["id"] for head, _ in history.scan(selection, view)]


def links(call: Call, page: Page, more: bool) -> list[tuple[str, str]]:
    """Link headers to the next and the previous page of entities (clause 6.3.10)."""
    from urllib.parse import urlencode

    def link(offset: int, relation: str) -> tuple[str, str]:
        query = urlencode({**call.params, "limit": page.limit, "offset": offset})
        return "link", f'</ngsi-ld/v1/temporal/entities?{query}>; rel="{relation}"; type="application/json"'

    found = [link(page.offset + page.limit, "next")] if more and page.limit else []
    if page.offset and page.limit:
        found.append(link(max(0, page.offset - page.limit), "prev"))
    return found


def compiled(params: Mapping[str, str], context: Context) -> tuple[View, Shape]:
    """What the parameters of a read say; raises Problem."""
    options = options_of(params, OPTIONS)
    forms = {_FORM_OF[option] for option in options if option in _FORM_OF}
    if "format" in params:
        if params["format"] not in FORMS:
            raise Problem("InvalidRequest", "The parameter format is not valid", f"one of {', '.join(FORMS)}")
        forms = {params["format"]}
    if len(forms) > 1:
        raise bad_request("Two representations", " and ".join(sorted(forms)))
    form = next(iter(forms), "normalized")
    period = parse_period(params)
    attributes = attributes_of(params.get("attrs", ""), context)
    projection = parse_projection(params.get("pick", ""), params.get("omit", ""), context)
    if projection.depth:
        raise bad_request("Evolutions have no linked entities", "pick and omit go without braces here")
    if attributes and projection != EVERYTHING:
        raise bad_request(
            "attrs goes without pick and omit", "pick and omit say the same and more (clause 4.21)"
        )
    datasets = tuple(filter(None, params.get("datasetId", "").split(",")))
    for dataset in datasets:
        if dataset != "@none" and not is_uri(dataset):
            raise bad_request(
                "The parameter datasetId is not valid", f"{dataset[:80]!r} is no URI, nor @none"
            )
    view = View(
        "",
        parse_timeproperty(params),
        period,
        attributes,
        tuple("" if dataset == "@none" else dataset for dataset in datasets),
        parse_last(params),
    )
    aggregation = parse_aggregation(params, period) if form == "aggregatedValues" else None
    shape = Shape(form, "sysAttrs" in options, projection, params.get("lang", ""), aggregation)
    return view, shape
