"""``/entities``: create, retrieve, query, replace, merge, delete (clause 6.4, 6.5, 6.23)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec
import orjson
from msgspec.structs import replace as changed

from mahakam.api.http import Response
from mahakam.api.ngsild.call import (
    BASE,
    JSON,
    JSON_LD,
    LARGE,
    MERGE_PATCH,
    Call,
    Node,
    accepted,
    context_link,
    flag_of,
    link_context,
    options_of,
    parameters,
)
from mahakam.api.ngsild.conditions import (
    conditional,
    precondition,
    refuse_existing,
    refuse_new,
    tagged,
    version_of,
)
from mahakam.api.ngsild.entitymaps import HEADER, MAP_PARAMETERS, header, map_of, within
from mahakam.api.ngsild.presentation import (
    ENTITY_MEDIA,
    READ_OPTIONS,
    READ_PARAMETERS,
    Presentation,
    many_entities,
    one_entity,
    preferred,
    presentation,
    require_geo_json,
    with_core_context,
)
from mahakam.broker.linked import has_links, resolved
from mahakam.broker.sight import next_start
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.draft import Draft
from mahakam.ngsild.entity import SYSTEM, Document, parse_entity, parse_fragment
from mahakam.ngsild.geometry import geometry_faults
from mahakam.ngsild.lexical import TIME_RULE, is_time, require_uri
from mahakam.ngsild.match import of_types
from mahakam.ngsild.ordering import Ordering, parse_ordering
from mahakam.ngsild.patch import Change, merge, replace_entity
from mahakam.ngsild.plain import plain_entity
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.ngsild.qlanguage import attributes_in
from mahakam.ngsild.query import parse_types, selection_from
from mahakam.ngsild.selection import Geo, Selection

FILTERS = ("type", "attrs", "q", "georel", "bbox", "scopeQ")
"""A query without one of these is too wide (clause 5.7.2.4)."""
GEO_PARAMETERS = ("geometry", "coordinates", "geoproperty")
QUERY_PARAMETERS = READ_PARAMETERS | {
    *FILTERS,
    *GEO_PARAMETERS,
    "id",
    "idPattern",
    "csf",
    "expandValues",
    "jsonKeys",
    "orderBy",
    "orderFrom",
    "collation",
    *MAP_PARAMETERS,
    "limit",
    "offset",
    "cursor",
    "count",
    "splitEntities",
}
DEFAULT_LIMIT, MAX_LIMIT = 20, 1000
_MAX_OFFSET = 2**53
_INLINE = 100
"""Entities up to which a query by type or id alone is answered on the event loop."""
JSON_HEADERS = [("content-type", JSON), ("link", context_link(CORE))]
_LD_HEADERS = [("content-type", JSON_LD)]


async def create(call: Call) -> Response:
    """Clause 5.6.1: store a new entity; its path comes back in ``location``."""
    broker = await call.broker_for_creation()
    draft = await _posted(call)
    author = call.authorised_in(draft.head.get("scope"))
    refuse_new(call.request.headers)
    try:
        await broker.acreate(draft, author)
    except Problem as problem:
        if problem.kind == "AlreadyExists":
            refuse_existing(call.request.headers)
        raise
    return call.empty(201, ("location", location(draft.id)))


async def _posted(call: Call) -> Draft:
    """The new entity that the payload describes."""
    if call.request.headers.get("content-type") == JSON and len(call.request.body) <= LARGE:
        draft = plain_entity(call.request.body, await call.context())
        if draft is not None:
            return draft
    payload, context = await call.payload()
    return Draft.of(unstamped(parse_entity(payload, context, "")))


def location(id: str) -> str:
    """The path of an entity."""
    return f"{BASE}/entities/{quote(id, safe=':@!$&*+,;=-._~')}"


def unstamped(document: Document) -> Document:
    """A parsed entity for a broker that sets the times itself."""
    for name in ("createdAt", "modifiedAt"):
        document.pop(name, None)
    return document


async def retrieve(call: Call) -> Response:
    """Clause 5.7.1: one entity by its id."""
    broker = call.broker
    accept = accepted(call.request.headers, ENTITY_MEDIA)
    id = call.args[0]
    if (
        not call.params
        and accept != ENTITY_MEDIA[2]
        and link_context(call.request.headers) is None
        and call.request.headers.get(HEADER) is None
        and not preferred(call)
    ):
        body = broker.body(id)
        if body is None:
            raise not_found(require_uri(id, "The entity id"))
        version = version_of(broker.marked(body))
        if accept == JSON:
            return tagged(call, Response(200, call.headers(*JSON_HEADERS), body), version, plain=True)
        return tagged(call, Response(200, call.headers(*_LD_HEADERS), with_core_context(body)), version)
    context = await call.context()
    shape = presentation(call.params, call.options(READ_OPTIONS), context)
    document = broker.get(call.entity_id)
    if document is None or not _of_type(document, call.params.get("type"), context):
        raise not_found(id)
    if shape.attrs and not any(name in document for name in shape.attrs):
        raise not_found(f"{id} has none of these attributes")
    work = partial(_one, call, document, shape, context, accept)
    mapped = call.request.headers.get(HEADER) is not None or "entityMap" in call.params
    return await call.off_loop(work) if shape.join.form or mapped else work()


def _one(call: Call, document: Document, shape: Presentation, context: Context, accept: str) -> Response:
    answer = one_entity(call, document, shape, context, accept)
    answer = tagged(call, answer, version_of(document))
    found, _ = map_of(call, Selection(ids=(document["id"],)))
    return answer if found is None else Response(answer.status, [*answer.headers, header(found)], answer.body)


def _of_type(document: Document, types: str | None, context: Context) -> bool:
    return types is None or of_types(document, parse_types(types, context))


class Plan(msgspec.Struct, frozen=True):
    """A query, compiled. ``quick``: its answer is cheap enough for the event loop; ``direct``: it is the stored
    bytes, in the order of creation (given a request for JSON that names no map).

    ``start``: the number of the entity that the page begins with; ``offset`` then only tells the previous page.
    """

    selection: Selection
    shape: Presentation
    ordering: Ordering | None
    limit: int
    offset: int
    count: bool
    context: Context
    path: tuple[str, str] | None
    quick: bool
    direct: bool
    start: int = 0

    @property
    def skipped(self) -> int:
        """Entities before the page, from its start on."""
        return 0 if self.start else self.offset

    def links(self, follows: int | None) -> list[tuple[str, str]]:
        """Link headers to the next and the previous page (clause 6.3.10).

        ``follows``: None if there is no next page, else the number of the entity that it starts with, by which it is
        found again whatever is deleted before it; 0 where there is none. Pages that count are numbered.
        """
        found: list[tuple[str, str]] = []
        if self.path is None:
            return found
        if follows is not None:
            start = 0 if self.count or self.ordering is not None else follows
            found.append(("link", self._link(self.offset + self.limit, "next", start)))
        if self.offset and self.limit:
            found.append(("link", self._link(max(0, self.offset - self.limit), "prev")))
        return found

    def _link(self, offset: int, relation: str, start: int = 0) -> str:
        before, after = self.path or ("", "")
        cursor = f"&cursor={start}" if start else ""
        return f'<{before}{offset}{after}{cursor}>; rel="{relation}"; type="{JSON}"'


_Key = tuple[str, str | None, str, int, int]
_plans: dict[_Key, Plan] = {}
_alike: dict[_Key, tuple[str, Plan]] = {}
"""By a query without its coordinates: those of one such query, and its plan."""
_COORDINATES = re.compile(r"(?<=&)coordinates=(?:\[|%5B)([-0-9.,]+)(?:\]|%5D)(?=&|$)")
_MAX_PLANS = 2048
_SAFE = re.compile(r"[A-Za-z0-9_.\-:*,=@!$()~/]*", re.ASCII)
"""What a query string takes as it is; a semicolon ends the link for many a client."""


def core_plan(node: Node, query: str) -> Plan:
    """The plan of a query string with the core context, without a tenant. Raises Problem."""
    key = (query, None, "", id(node), node.contexts.generation)
    found = _plans.get(key)
    if found is not None:
        return found
    place = _COORDINATES.search(query)
    if place is None:
        return _keep(key, compile_plan(parameters(query, QUERY_PARAMETERS), CORE))
    # Queries of an application differ in their place alone.
    kin = (query[: place.start()] + query[place.end() :], *key[1:])
    known = _alike.get(kin)
    plan = _elsewhere(*known, place[1]) if known else None
    if not plan:
        plan = compile_plan(parameters(query, QUERY_PARAMETERS), CORE)
        if plan.selection.geo is not None:
            if len(_alike) >= _MAX_PLANS:
                _alike.clear()
            _alike[kin] = place[1], plan
    return _keep(key, plan)


def _elsewhere(there: str, plan: Plan, here: str) -> Plan | None:
    """The plan of a query that is another only by its coordinates; None if they are not valid."""
    geo = plan.selection.geo
    try:
        coordinates = orjson.loads(f"[{here}]")
    except ValueError:
        return None
    geometry = {"type": geo.geometry["type"], "coordinates": coordinates} if geo else {}
    if geo is None or plan.path is None or geometry_faults(geometry):
        return None
    place = Geo(geo.georel, geometry, geo.geoproperty, geo.max_distance, geo.min_distance)
    old = plan.selection
    selection = Selection(old.ids, old.id_pattern, old.types, old.attrs, old.condition, place, old.scopes)
    before, after = plan.path
    before = before.replace(f"coordinates=%5B{there}%5D", f"coordinates=%5B{here}%5D", 1)
    return changed(plan, selection=selection, path=(before, after))


def _keep(key: _Key, plan: Plan) -> Plan:
    if len(_plans) >= _MAX_PLANS:
        _plans.clear()
    _plans[key] = plan
    return plan


async def query(call: Call) -> Response:
    """Clause 5.7.2: the entities that a selection selects, by pages."""
    link = link_context(call.request.headers)
    key = (call.request.query, link, call.tenant, id(call.node), call.node.contexts.generation)
    plan = _plans.get(key)
    if plan is None:
        plan = _keep(key, compile_plan(call.params, await call.context()))
    return await run(call, plan)


def compile_plan(params: Mapping[str, str], context: Context, *, pages: bool = True) -> Plan:
    """The plan of a query; ``pages``: its answers link to the next page. Raises Problem."""
    shape = presentation(params, options_of(params, READ_OPTIONS), context)
    selection = compile_selection(params, context, links=shape.join.level)
    limit = number(params.get("limit"), "limit", DEFAULT_LIMIT)
    if limit > MAX_LIMIT:
        raise Problem("TooManyResults", "The limit is too high", f"limit may be {MAX_LIMIT} at most")
    offset = number(params.get("offset"), "offset", 0)
    start = number(params.get("cursor"), "cursor", 0)
    count = flag_of(params, "count")
    if limit == 0 and not count:
        raise bad_request("The parameter limit is not valid", "0 goes only with count=true")
    get = params.get
    ordering = parse_ordering(
        get("orderBy", ""), get("orderFrom", ""), get("orderGeometry", ""), get("collation", ""), context
    )
    quick = (
        selection.condition is None
        and selection.geo is None
        and selection.id_pattern is None
        and selection.scopes is None
        and not count
        and not selection.attrs
        and not shape.join.form
        and ordering is None
        and "entityMap" not in params
        and limit <= _INLINE
        and (start > 0 or offset <= 100 * _INLINE)
    )
    direct = (
        shape.plain
        and context.is_core
        and 0 < limit <= _INLINE
        and not count
        and ordering is None
        and "entityMap" not in params
        and "geometryProperty" not in params
        and not has_links(selection.condition)
    )
    path = _pages(params, limit) if pages else None
    if start and ordering is not None:
        raise bad_request("The parameter cursor is not valid", "it goes without orderBy; use offset")
    return Plan(selection, shape, ordering, limit, offset, count, context, path, quick, direct, start)


def compile_selection(params: Mapping[str, str], context: Context, *, links: int = 0) -> Selection:
    """What a query selects; raises Problem BadRequestData for one that is too wide, or not valid."""
    selection = selection_from(params, context, links=links)
    require_narrow(params, selection)
    return selection


def require_narrow(params: Mapping[str, str], selection: Selection) -> None:
    """Raises Problem BadRequestData for a query that selects by nothing but ids and system attributes."""
    wide = ("*",) if params.get("local") == "false" else ()
    narrow = any(
        params.get(name) and params[name] not in wide for name in FILTERS if name not in ("attrs", "q")
    )
    named = {*selection.attrs, *(attributes_in(selection.condition) if selection.condition else ())}
    if not narrow and not named - SYSTEM and not flag_of(params, "local"):
        raise bad_request(
            "The query is too wide",
            f"name at least one of {', '.join(FILTERS)} (attrs and q: with an attribute), or say local=true",
        )
    flag_of(params, "local")


def _pages(params: Mapping[str, str], limit: int) -> tuple[str, str]:
    """The path of a page, before and after its offset; parameters in alphabetical order."""
    rest = {**params, "limit": str(limit), "offset": ""}
    parts = [f"{name}={_quoted(value)}" for name, value in sorted(rest.items()) if name != "cursor"]
    before, _, after = "&".join(parts).partition("offset=")
    return f"{BASE}/entities?{before}offset=", after


def _quoted(value: str) -> str:
    return value if _SAFE.fullmatch(value) else quote(value, safe=":*,=@!$()~/")


def number(text: str | None, name: str, default: int) -> int:
    """A whole number that is not negative; raises Problem BadRequestData."""
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) > _MAX_OFFSET:
        raise bad_request(
            f"The parameter {name} is not valid", f"a whole number was expected, not {text[:40]!r}"
        )
    return int(text)


async def run(call: Call, plan: Plan) -> Response:
    """The page that a plan selects."""
    accept = accepted(call.request.headers, ENTITY_MEDIA)
    require_geo_json(call, accept)
    if plan.quick and call.request.headers.get(HEADER) is None:
        return _page(call, plan, accept)
    return await call.off_loop(partial(_resolved_page, call, plan, accept))


def _resolved_page(call: Call, plan: Plan, accept: str) -> Response:
    selection = resolved(plan.selection, call.broker.store)
    found, made = map_of(call, selection)
    if found is not None:
        selection = within(selection, found)
    answer = _page(call, plan if selection is plan.selection else changed(plan, selection=selection), accept)
    if found is None:
        return answer
    return Response(201 if made else answer.status, [*answer.headers, header(found)], answer.body)


def _page(call: Call, plan: Plan, accept: str) -> Response:
    broker = call.broker
    more: list[tuple[str, str]] = []
    if plan.count:
        more.append(("ngsild-results-count", str(broker.count(plan.selection))))
    if plan.ordering is not None:
        documents = broker.ordered(plan.selection, plan.ordering, plan.limit + 1, plan.offset)
        more += plan.links(0 if len(documents) > plan.limit else None)
        return many_entities(call, documents[: plan.limit], plan.shape, plan.context, accept, *more)
    if plan.shape.plain and plan.context.is_core and accept != ENTITY_MEDIA[2] and not preferred(call):
        if accept == JSON:
            array, follows = (
                broker.page(plan.selection, plan.limit, plan.skipped, plan.start)
                if plan.limit
                else (b"[]", None)
            )
            more += plan.links(follows)
            plain = not more and not call.tenant
            headers = JSON_HEADERS if plain else call.headers(*JSON_HEADERS, *more)
            return Response(200, headers, array)
        bodies = broker.bodies(plan.selection, plan.limit + 1, plan.skipped, plan.start) if plan.limit else []
        follows = next_start(broker.store, len(bodies), plan.limit, lambda at: orjson.loads(bodies[at])["id"])
        more += plan.links(follows)
        whole = b"[" + b",".join(map(with_core_context, bodies[: plan.limit])) + b"]"
        return Response(200, call.headers(*_LD_HEADERS, *more), whole)
    documents = broker.query(plan.selection, plan.limit + 1, plan.skipped, plan.start) if plan.limit else []
    more += plan.links(next_start(broker.store, len(documents), plan.limit, lambda at: documents[at]["id"]))
    return many_entities(call, documents[: plan.limit], plan.shape, plan.context, accept, *more)


async def replace(call: Call) -> Response:
    """Clause 5.6.18: the entity as the payload has it; only createdAt stays."""
    id = call.entity_id
    broker = call.broker
    payload, context = await call.payload()
    same_id(payload, id)
    document = parse_entity({**payload, "id": id} if isinstance(payload, dict) else payload, context, "")
    author = call.authorised_in(document.get("scope"))
    patch = conditional(call, lambda stored, at: replace_entity(stored, document, at))
    await broker.achange(id, guarded(call, patch), author)
    return call.empty()


async def merge_entity(call: Call) -> Response:
    """Clause 5.6.17: merge a fragment into the entity; the NGSI-LD Null removes."""
    id = call.entity_id
    broker = call.broker
    call.options(frozenset(("keyValues", "simplified", "concise")))
    observed_at = call.params.get("observedAt", "")
    if observed_at and not is_time(observed_at):
        raise bad_request("The parameter observedAt is not valid", TIME_RULE)
    lang = call.params.get("lang", "")
    payload, context = await call.payload((JSON, JSON_LD, MERGE_PATCH))
    same_id(payload, id)
    fragment = parse_fragment(payload, context)
    types = call.params.get("type")
    patch = conditional(
        call, lambda stored, at: merge(stored, fragment, at, observed_at=observed_at, lang=lang)
    )
    work = guarded(call, patch, parse_types(types, context) if types else None)
    await broker.achange(id, work, call.author)
    return call.empty()


async def delete(call: Call) -> Response:
    """Clause 5.6.6: the end of an entity."""
    id = call.entity_id
    broker = call.broker
    principal = call.principal()
    types = call.params.get("type")
    if types is not None or not call.everywhere(principal):
        document = broker.get(id)
        if document is None or not _of_type(document, types, await call.context()):
            raise not_found(id)
        call.permit(principal, document.get("scope"))
    await broker.adelete(id, call.author, precondition(call))
    return call.empty()


def same_id(payload: Any, id: str) -> None:
    """Raises Problem BadRequestData if a payload names another entity than the path."""
    if isinstance(payload, dict) and "id" in payload and payload["id"] != id:
        raise bad_request("The id differs", f"the path says {id}, the body {str(payload['id'])[:80]!r}")


def guarded(call: Call, patch: Any, types: Any = None) -> Any:
    """A patch that checks, in the transaction, that the caller may write what is stored and will be."""
    principal = call.principal()

    def work(stored: Document, at: str) -> Change:
        if types is not None and not of_types(stored, types):
            raise not_found(stored["id"])
        call.permit(principal, stored.get("scope"))
        change: Change = patch(stored, at)
        if "scope" in change.changed:
            call.permit(principal, change.document.get("scope"))
        return change

    return work
