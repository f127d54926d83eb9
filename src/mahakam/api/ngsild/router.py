"""From method and path to the handler; every refusal becomes problem details (clause 6.3.1-6.3.3)."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from urllib.parse import unquote

import orjson

from mahakam.access.tokens import challenge
from mahakam.api.http import Request, Response, problem_response
from mahakam.api.ngsild.call import BASE, Call, Node
from mahakam.api.ngsild.routes import ROUTES, Route
from mahakam.broker.federation.copies import NOTIFY_PATH
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.store.acting import acting
from mahakam.store.errors import StoreFull, StoreUnavailable

log = logging.getLogger(__name__)

_ENTITIES = f"{BASE}/entities/"
_ENTITIES_LENGTH = len(_ENTITIES)
_ENTITY = "/entities/{entityId}"
SHARED_READS = frozenset((
    "query", "retrieve", "query_by_post", "types", "one_type", "attributes", "one_attribute", "retrieve_evolution",
    "query_evolutions", "query_evolutions_by_post", "source_identity",
))  # fmt: skip
"""The operations that a hub's key may ask for; each of them reads what is shared and nothing else."""
_UNREACHABLE = Problem(
    "InternalError",
    "The database does not answer",
    "what was acknowledged is kept; this request may be sent again in a moment",
    status=503,
)


_FULL = Problem(
    "InternalError",
    "The disk is full",
    "nothing was written; this request may be sent again once there is room",
    status=507,
)


def _table() -> dict[str, dict[str, Route]]:
    table: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        table.setdefault(route.template, {})[route.method] = route
    return table


async def _take_notification(call: Call) -> Response:
    """From a context source; with what it needs, which most nodes never do."""
    from mahakam.api.ngsild import remote_notifications

    return await remote_notifications.take(call)


class NgsiLd:
    """The NGSI-LD API as one async callable: request in, response out, whatever comes."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._table = _table()
        self._exact = {
            BASE + template: methods for template, methods in self._table.items() if "{" not in template
        }
        self._patterns = [
            (re.compile(BASE + _PART.sub("([^/]+)", template)), methods)
            for template, methods in self._table.items()
            if "{" in template and not template.startswith("/entities/")
        ]
        told = Route("POST", NOTIFY_PATH, _take_notification, "Take what a source tells", (200,))
        self._told = {"POST": told}
        self._exact[NOTIFY_PATH] = self._told
        self._retrieve = self._table[_ENTITY]["GET"]
        self._openapi: bytes = b""

    async def __call__(self, request: Request) -> Response:
        try:
            path = request.path
            if (
                request.method == "GET"
                and path.startswith(_ENTITIES)
                and "/attrs" not in path
                and len(path) > _ENTITIES_LENGTH
            ):
                route = self._retrieve
                call = Call(self._node, request, (_decoded(path[_ENTITIES_LENGTH:]),), route.parameters)
                return await self._answer(route, call)
            return await self._dispatch(request)
        except Problem as problem:
            tenant = request.headers.get("ngsild-tenant")
            named = tenant and problem.title != "NGSILD-Tenant is not valid"
            headers = [("ngsild-tenant", tenant)] if tenant and named else []
            said = challenge(problem.status, request.headers.get("authorization"))
            return problem_response(problem, [*headers, ("www-authenticate", said)] if said else headers)
        except StoreUnavailable as error:
            log.error("%s %s: %s", request.method, request.path, error)
            return problem_response(_UNREACHABLE, [("retry-after", "2")])
        except StoreFull as error:
            log.error("%s %s: %s", request.method, request.path, error)
            return problem_response(_FULL)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return problem_response(
                Problem("InternalError", "Internal error", "the node's log says more; nothing was changed")
            )

    async def _dispatch(self, request: Request) -> Response:
        methods, args = self._match(request.path)
        method = "GET" if request.method == "HEAD" else request.method
        route = methods.get(method)
        if route is None:
            if methods is _OPENAPI and method == "GET":
                return self._document()
            allowed = ", ".join([*(methods or ("GET",)), "OPTIONS"])
            if method == "OPTIONS":
                return Response(204, [("allow", allowed)])
            if request.path == _ENTITIES and method in self._table[_ENTITY]:
                raise bad_request("The path has no entity id", f"{_ENTITIES}ID was expected")
            there_are = f"{request.method} is not served here; there are {allowed}"
            problem = Problem("InvalidRequest", "Method not allowed", there_are, status=405)
            return problem_response(problem, [("allow", allowed)])
        if route.body and request.headers.get("content-length") is None:
            return Response(411, [])
        call = Call(self._node, request, args, route.parameters)
        if route.writes:
            call.require_writer()
            who = acting()
            if who is not None:
                who.route = f"{route.method} {BASE}{route.template}"
        return await self._answer(route, call)

    async def _answer(self, route: Route, call: Call) -> Response:
        if call.share is not None and route.operation not in SHARED_READS:
            there_are = "a hub's key reads entities, their types and attributes, and their histories"
            raise Problem("Forbidden", "Not shared", there_are, status=403)
        if call.share is not None:
            from mahakam.nodes.asked import note

            note(call.node.broker.store, call.share.hub, route.operation, call.params.get("type", ""))
        response = await self._handled(route, call)
        if call.disclosure is not None and not route.writes:
            await call.disclose(call.disclosure, f"{route.method} {BASE}{route.template}")
        return response

    @staticmethod
    async def _handled(route: Route, call: Call) -> Response:
        if call.request.headers.get("ngsild-snapshot") is not None and call.share is None:
            from mahakam.api.ngsild import snapshots

            return await snapshots.answer(route.handler, call)
        if call.distributed:
            from mahakam.api.ngsild import distributed

            return await distributed.answer(route.handler, call)
        return await route.handler(call)

    def _match(self, path: str) -> tuple[Mapping[str, Route], tuple[str, ...]]:
        """The methods of the resource, and the decoded parts of its path; raises Problem ResourceNotFound.

        Ids of entities and names of types and attributes may hold slashes as they are; others are encoded.
        """
        path = path.rstrip("/")
        exact = self._exact.get(path)
        if exact is not None:
            return exact, ()
        if path.startswith(_ENTITIES):
            id, slash, rest = path[_ENTITIES_LENGTH:].partition("/attrs")
            if not slash:
                return self._table[_ENTITY], (_decoded(id),)
            if not rest:
                return self._table[_ENTITY + "/attrs"], (_decoded(id),)
            return self._table[_ENTITY + "/attrs/{attrId}"], (_decoded(id), _decoded(rest[1:]))
        for prefix, template in _NAMED:
            if path.startswith(prefix) and len(path) > len(prefix):
                return self._table[template], (_decoded(path[len(prefix) :]),)
        for pattern, methods in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                return methods, tuple(map(_decoded, match.groups()))
        if path.startswith(f"{NOTIFY_PATH}/"):
            return self._told, (_decoded(path[len(NOTIFY_PATH) + 1 :]),)
        if path == f"{BASE}/openapi.json":
            return _OPENAPI, ()
        if "//" in path:
            raise bad_request(
                "The path has an empty part", "an id or a name was expected between two slashes"
            )
        raise Problem("ResourceNotFound", "There is no such resource", path[:200])

    def _document(self) -> Response:
        if not self._openapi:
            from mahakam.api.openapi import document

            self._openapi = orjson.dumps(document())
        return Response(200, [("content-type", "application/json")], self._openapi)


_PART = re.compile(r"\{\w+\}")
_OPENAPI: Mapping[str, Route] = {}
_NAMED = ((f"{BASE}/types/", "/types/{type}"), (f"{BASE}/attributes/", "/attributes/{attrId}"))


def _decoded(part: str) -> str:
    if "%" not in part:
        return part
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise Problem(
            "BadRequestData", "The path is not valid", "percent-encoded UTF-8 was expected"
        ) from None
