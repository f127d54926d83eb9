"""``/csourceRegistrations``: what other nodes answer for (clause 5.9, 5.10, 6.8, 6.9)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from urllib.parse import quote

from mahakam.api.http import Response
from mahakam.api.ngsild.call import BASE, JSON, JSON_LD, MERGE_PATCH, Call, accepted
from mahakam.api.ngsild.entities import DEFAULT_LIMIT, MAX_LIMIT, number
from mahakam.broker.clock import now
from mahakam.broker.federation.discovery import concerned, parse_filter
from mahakam.broker.federation.matching import Index
from mahakam.broker.federation.notices import displayed
from mahakam.broker.federation.parsing import TYPE, merged, parse
from mahakam.broker.federation.registration import NODES, Registration, of_payload
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.lexical import require_uri
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.ngsild.query import selection_from
from mahakam.ngsild.temporal_query import parse_period

PATH = f"{BASE}/csourceRegistrations"
_NARROW = ("type", "attrs", "id", "idPattern", "q", "csf", "georel", "scopeQ", "timerel")
QUERY_PARAMETERS = frozenset(
    (*_NARROW, "geometry", "coordinates", "geoproperty", "timeAt", "endTimeAt", "timeproperty",
     "limit", "offset", "count", "lang", "options")
)  # fmt: skip


async def create_registration(call: Call) -> Response:
    """Clause 5.9.2: the path of the registration comes back in ``location``."""
    payload, context = await call.payload()
    call.authorised()
    broker = await call.broker_for_creation()
    registration = _parsed(call, payload, context)
    _not_a_nodes(registration.id)
    await call.off_loop(partial(broker.registrations.create, registration))
    return call.empty(201, ("location", f"{PATH}/{quote(registration.id, safe=':')}"))


async def update_registration(call: Call) -> Response:
    """Clause 5.9.3: the members given are replaced; an NGSI-LD Null removes one."""
    id = _id(call)
    payload, context = await call.payload((JSON, JSON_LD, MERGE_PATCH))
    call.authorised()
    _not_a_nodes(id)
    registrations = call.broker.registrations
    before = registrations.get(id)
    if before is None:
        raise not_found(f"no registration {id}")
    if payload.get("type", TYPE) != TYPE:
        raise bad_request("The registration is not valid", f'type: "{TYPE}" was expected')
    # What is stored has canonical names already, and the fragment gets them: the core context changes neither.
    after = _parsed(call, merged(before.payload, payload, context), CORE)
    await call.off_loop(partial(registrations.replace, after))
    return call.empty()


async def delete_registration(call: Call) -> Response:
    """Clause 5.9.4."""
    id = _id(call)
    call.authorised()
    _not_a_nodes(id)
    await call.off_loop(partial(call.broker.registrations.delete, id))
    return call.empty()


async def retrieve_registration(call: Call) -> Response:
    """Clause 5.10.1."""
    accept = accepted(call.request.headers)
    id = _id(call)
    call.options(frozenset(("sysAttrs",)))
    context = await call.context()
    found = call.broker.registrations.get(id)
    if found is None:
        raise not_found(f"no registration {id}")
    return call.answer(_shown(call, found, context), context, accept)


async def query_registrations(call: Call) -> Response:
    """Clause 5.10.2: the registrations that a query would concern."""
    accept = accepted(call.request.headers)
    context = await call.context()
    params = call.params
    call.options(frozenset(("sysAttrs",)))
    if not any(params.get(name) for name in _NARROW):
        raise bad_request("The query is too wide", f"name at least one of {', '.join(_NARROW)}")
    limit, offset = page_of(params)
    selection = selection_from({name: value for name, value in params.items() if name != "q"}, context)
    conditions = tuple(
        condition
        for condition in (parse_filter(params.get(name), context) for name in ("q", "csf"))
        if condition is not None
    )
    period = parse_period(params)
    registrations = call.broker.registrations

    def work() -> list[Registration]:
        return concerned(
            Index(registrations.all()), selection, at=now(), conditions=conditions, period=period
        )

    found = await call.off_loop(work)
    more = links(call, PATH, limit, offset, len(found))
    if call.flag("count"):
        more.append(("ngsild-results-count", str(len(found))))
    page = [_shown(call, one, context) for one in found[offset : offset + limit]]
    return call.answer(page, context, accept, *more)


def _shown(call: Call, registration: Registration, context: Context) -> dict[str, object]:
    """What the caller may see: contextSourceInfo may hold a key to the source, which is not for everybody."""
    found = displayed(registration, context)
    if not call.everywhere(call.principal()):
        found.pop("contextSourceInfo", None)
    return found


def page_of(params: Mapping[str, str]) -> tuple[int, int]:
    """limit and offset; raises Problem BadRequestData."""
    limit = number(params.get("limit"), "limit", DEFAULT_LIMIT)
    if limit > MAX_LIMIT or (limit == 0 and params.get("count") != "true"):
        raise bad_request("The parameter limit is not valid", f"1 to {MAX_LIMIT}; 0 goes with count=true")
    return limit, number(params.get("offset"), "offset", 0)


def links(call: Call, path: str, limit: int, offset: int, total: int) -> list[tuple[str, str]]:
    """Link headers to the next and the previous page (clause 6.3.10)."""
    rest = [
        f"{name}={quote(value, safe=':*,=@!$()~/')}"
        for name, value in call.params.items()
        if name not in ("limit", "offset")
    ]
    found = []
    for relation, at in (("next", offset + limit), ("prev", max(0, offset - limit))):
        if limit and (at < total if relation == "next" else offset > 0):
            query = "&".join([*rest, f"limit={limit}", f"offset={at}"])
            found.append(("link", f'<{path}?{query}>;rel="{relation}";type="{JSON_LD}"'))
    return found


def _parsed(call: Call, payload: Mapping[str, object], context: Context) -> Registration:
    private = call.node.broker.private_addresses
    return of_payload(parse(payload, context, at=now(), private_addresses=private))


def _not_a_nodes(id: str) -> None:
    """Who could send such a registration elsewhere would be sent the node's key."""
    if id.startswith(NODES):
        raise Problem(
            "Forbidden",
            "A node's registration",
            "it comes and goes with the node's membership: /network/nodes",
            status=403,
        )


def _id(call: Call) -> str:
    return require_uri(call.args[0], "The registration id")
