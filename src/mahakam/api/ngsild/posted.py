"""``/entityOperations/query``: a query whose selection is an object in the body (clause 5.2.23, 6.23)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from mahakam.api.http import Response
from mahakam.api.ngsild.call import Call
from mahakam.api.ngsild.entities import compile_plan, run
from mahakam.broker.joining import JOIN_PARAMETERS
from mahakam.ngsild.problem import Problem, bad_request

PARAMETERS = frozenset(
    (
        "limit",
        "offset",
        "count",
        "options",
        "format",
        "local",
        "geometryProperty",
        "csf",
        "splitEntities",
        *JOIN_PARAMETERS,
    )
)
_TEXTS = ("q", "csf", "scopeQ", "lang", "datasetId", "join")
_LISTS = ("attrs", "pick", "omit", "expandValues", "jsonKeys", "containedBy")
_GEO = ("georel", "geometry", "geoproperty")
_MEMBERS = frozenset(("type", "entities", "geoQ", "joinLevel", "ordering", *_TEXTS, *_LISTS))


async def query_by_post(call: Call) -> Response:
    """Clause 5.7.2: the entities that the Query object selects."""
    payload, context = await call.payload()
    params = {**call.params, **parameters_of(payload)}
    return await run(call, compile_plan(params, context, pages=False))


def parameters_of(query: Any) -> Mapping[str, str]:
    """A Query object in the words of a query string; raises Problem BadRequestData."""
    if not isinstance(query, dict) or query.get("type") != "Query":
        raise _fault("type", 'an object with "type": "Query" was expected')
    unknown = query.keys() - _MEMBERS
    if unknown:
        raise _fault(sorted(unknown)[0], f"not served; there are: {', '.join(sorted(_MEMBERS))}")
    params = {name: _text(query, name) for name in _TEXTS if name in query}
    params |= {name: _listed(query, name) for name in _LISTS if name in query}
    if "ordering" in query:
        params |= _ordering(query["ordering"])
    if "joinLevel" in query:
        params["joinLevel"] = str(query["joinLevel"])
    if "geoQ" in query:
        params |= _geo(query["geoQ"])
    if "entities" in query:
        params |= _selectors(query["entities"])
    return params


def _text(query: Mapping[str, Any], name: str) -> str:
    value = query[name]
    if not isinstance(value, str):
        raise _fault(name, "a text was expected")
    return value


def _listed(query: Mapping[str, Any], name: str) -> str:
    value = query[name]
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value or not all(isinstance(part, str) for part in value):
        raise _fault(name, "a list of names was expected")
    return ",".join(value)


def _geo(geo: Any) -> dict[str, str]:
    if not isinstance(geo, dict):
        raise _fault("geoQ", "an object with georel, geometry and coordinates was expected")
    params = {name: _text(geo, name) for name in _GEO if name in geo}
    if "coordinates" in geo:
        coordinates = geo["coordinates"]
        params["coordinates"] = (
            coordinates if isinstance(coordinates, str) else orjson.dumps(coordinates).decode()
        )
    return params


def _ordering(ordering: Any) -> dict[str, str]:
    """Clause 5.2.43."""
    if not isinstance(ordering, dict):
        raise _fault("ordering", "an object with orderBy was expected")
    params = {"orderBy": _listed(ordering, "orderBy")} if "orderBy" in ordering else {}
    if "collation" in ordering:
        params["collation"] = _text(ordering, "collation")
    if "geometry" in ordering:
        params["orderGeometry"] = _text(ordering, "geometry")
    if "coordinates" in ordering:
        if not isinstance(ordering["coordinates"], list):
            raise _fault("ordering.coordinates", "a list was expected")
        params["orderFrom"] = orjson.dumps(ordering["coordinates"]).decode()
    return params


def _selectors(selectors: Any) -> dict[str, str]:
    """Entity selectors (clause 5.2.33) as far as one selection can say them: types, or ids of one type."""
    if (
        not isinstance(selectors, list)
        or not selectors
        or not all(isinstance(one, dict) for one in selectors)
    ):
        raise _fault("entities", "a list of objects with type, id or idPattern was expected")
    found = [
        {name: _listed(one, name) for name in ("id", "idPattern", "type") if name in one} for one in selectors
    ]
    if not all("type" in one for one in found):
        raise _fault("entities", "each selector names a type")
    for one in found:
        if "id" in one:
            one.pop("idPattern", None)
    if len(found) == 1:
        return found[0]
    if all(one.keys() == {"type"} for one in found):
        return {"type": ",".join(one["type"] for one in found)}
    types = {one["type"] for one in found}
    if len(types) == 1 and all("id" in one for one in found):
        return {"id": ",".join(one["id"] for one in found), "type": types.pop()}
    raise Problem(
        "OperationNotSupported",
        "These selectors cannot be combined yet",
        "entities: several selectors name either types alone, or ids of one type",
    )


def _fault(member: str, detail: str) -> Problem:
    return bad_request("The query is not valid", f"{member}: {detail}")
