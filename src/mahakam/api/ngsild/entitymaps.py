"""``/entityMaps``, and queries that make or follow one (clause 5.14, 5.5.14, 6.32, 6.34)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from mahakam.api.http import Response
from mahakam.api.ngsild.call import BASE, JSON, JSON_LD, MERGE_PATCH, Call, accepted, flag_of
from mahakam.broker.broker import Broker
from mahakam.broker.entitymaps import DEFAULT_SECONDS, EntityMap, EntityMaps
from mahakam.ngsild.duration import DURATION_RULE, seconds_of
from mahakam.ngsild.lexical import require_uri
from mahakam.ngsild.problem import bad_request
from mahakam.ngsild.selection import Or, Selection

MAP_PARAMETERS = frozenset(("entityMap", "entityMapLifetime"))
CREATE_PARAMETERS = frozenset(
    (
        "type", "attrs", "q", "georel", "bbox", "scopeQ", "geometry", "coordinates", "geoproperty", "id",
        "idPattern", "csf", "expandValues", "jsonKeys", "local", "entityMapLifetime",
    )
)  # fmt: skip
HEADER = "ngsild-entitymap"
PATH = f"{BASE}/entityMaps/"
_CHUNK = 1000


def lifetime(call: Call) -> float:
    """The seconds that a request wants a map to live. Raises Problem BadRequestData."""
    text = call.params.get("entityMapLifetime")
    if text is None:
        return DEFAULT_SECONDS
    seconds = seconds_of(text)
    if not seconds:
        raise bad_request(
            "The parameter entityMapLifetime is not valid", f"{text[:40]!r}: expected {DURATION_RULE}"
        )
    return seconds


Look = Callable[[Selection], list[str]]
"""The ids of all that a selection selects."""


def map_of(call: Call, selection: Selection, look: Look | None = None) -> tuple[EntityMap | None, bool]:
    """The map that a query follows, and whether it was made for it; (None, False) if it has nothing to do with one.

    A reference to a map that is not there any more makes a new one (clause 5.7.1.4, 5.7.2.4).
    ``look``: where ids are found; without it among the entities.
    """
    look = look or partial(ids_of, call.broker)
    seconds = lifetime(call)
    wanted = flag_of(call.params, "entityMap")
    reference = call.request.headers.get(HEADER)
    if not wanted and not reference:
        return None, False
    maps = EntityMaps(call.broker.store)
    found = maps.find(reference.rpartition("/")[2]) if reference else None
    if found is not None:
        return pruned(look, maps, found), False
    return maps.create(look(selection), seconds), True


def ids_of(broker: Broker, selection: Selection) -> list[str]:
    """The ids of all that is selected."""
    return [document["id"] for document in broker.scan(selection)]


def pruned(look: Look, maps: EntityMaps, found: EntityMap) -> EntityMap:
    """The map without the entities that have ended meanwhile."""
    ids = tuple(found.sources)
    here = set(look(Selection(ids=ids))) if ids else set()
    gone = [id for id in ids if id not in here and found.sources[id] == ["@none"]]
    if gone:
        maps.prune(found, gone)
        return maps.get(found.id)
    return found


def within(selection: Selection, found: EntityMap) -> Selection:
    """What of a selection a map has."""
    ids = tuple(id for id in found.sources if not selection.ids or id in selection.ids)
    return replace(selection, ids=ids) if ids else replace(selection, condition=Or(()))


def header(found: EntityMap) -> tuple[str, str]:
    """The answer's header that names a map."""
    return HEADER, PATH + found.id


async def create_map(call: Call) -> Response:
    """Clause 5.14.4: the ids that a query finds; 201, and the header NGSILD-EntityMap."""
    from mahakam.api.ngsild.entities import compile_selection

    accept = accepted(call.request.headers)
    seconds = lifetime(call)
    context = await call.context()
    selection = compile_selection(call.params, context)
    maps = EntityMaps(call.broker.store)

    def work() -> EntityMap:
        return maps.create(ids_of(call.broker, selection), seconds)

    made = await call.off_loop(work)
    return call.answer(made.as_json(), context, accept, header(made), status=201)


async def retrieve_map(call: Call) -> Response:
    """Clause 5.14.1."""
    accept = accepted(call.request.headers)
    found = EntityMaps(call.broker.store).get(_id(call))
    return call.answer(found.as_json(), await call.context(), accept)


async def update_map(call: Call) -> Response:
    """Clause 5.14.2: another ``expiresAt``; what the node itself made stays."""
    id = _id(call)
    maps = EntityMaps(call.broker.store)
    maps.get(id)
    payload, _ = await call.payload((JSON, JSON_LD, MERGE_PATCH))
    if "expiresAt" in payload:
        await call.off_loop(partial(maps.expire, id, payload["expiresAt"]))
    return call.empty()


async def delete_map(call: Call) -> Response:
    """Clause 5.14.3."""
    await call.off_loop(partial(EntityMaps(call.broker.store).delete, _id(call)))
    return call.empty()


def _id(call: Call) -> str:
    return require_uri(call.args[0], "The entity map id")
