"""The endpoints between a hub and its nodes: JSON in and out, refusals as problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mahakam.access import throttle
from mahakam.access.shares import SHARING, ShareRevokedError, share_of_key
from mahakam.api.node import Node
from mahakam.ngsild.problem import Problem
from mahakam.nodes import hub, intake
from mahakam.nodes.faults import REVOKED, NodeError
from mahakam.nodes.member import Member, member_with
from mahakam.nodes.naming import name_of
from mahakam.store.acting import Acting, act

MOST = 4 * 1024 * 1024
TRIES, WINDOW = 60, 15 * 60
"""Looks at an invitation and tries to join that one address has in so many seconds."""


async def look(request: Request) -> Response:
    """Who invites, for whoever holds an invitation."""
    return await _answered(request, _look)


async def join(request: Request) -> Response:
    return await _answered(request, _join)


async def notify(request: Request) -> Response:
    """A notification of a node that has joined."""
    return await _answered(request, _notify)


async def standing(request: Request) -> Response:
    return await _answered(request, _standing)


async def share(request: Request) -> Response:
    """What this node shares with the hub whose key it is."""
    return await _answered(request, _share)


async def change(request: Request) -> Response:
    return await _answered(request, _change)


async def leave(request: Request) -> Response:
    return await _answered(request, _leave)


def _look(request: Request, said: Mapping[str, Any]) -> dict[str, Any]:
    node = _node(request)
    _throttled(request)
    return hub.invited(node.broker, str(said.get("code", "")), name_of(node), node.settings.base)


def _join(request: Request, said: Mapping[str, Any]) -> dict[str, Any]:
    node = _node(request)
    _throttled(request)
    return hub.join(node.broker, said, name_of(node), node.settings.base)


def _notify(request: Request, said: Mapping[str, Any]) -> dict[str, Any]:
    return intake.take(_node(request).broker, _member(request).name, said).as_json()


def _standing(request: Request, _said: Mapping[str, Any]) -> dict[str, Any]:
    return hub.standing(_node(request).broker, _member(request))


def _change(request: Request, said: Mapping[str, Any]) -> dict[str, Any]:
    return hub.change(_node(request).broker, _member(request), said)


def _leave(request: Request, _said: Mapping[str, Any]) -> dict[str, Any]:
    hub.end(_node(request).broker, _member(request).name, "node")
    return {}


def _share(request: Request, _said: Mapping[str, Any]) -> dict[str, Any]:
    store = _node(request).store.tenant()
    try:
        found = share_of_key(store, _secret(request))
    except ShareRevokedError:
        raise NodeError("this node shares nothing with you any more", status=403, kind=REVOKED) from None
    if found is None:
        raise NodeError("the key is none of this node's", status=401, kind="Unauthorized")
    record = store.record(SHARING, found.hub) or {}
    said = {name: record.get(name, empty) for name, empty in (("shares", {}), ("push", []), ("fresh", {}))}
    return {"version": found.version, **said}


_Work = Callable[[Request, Mapping[str, Any]], dict[str, Any]]


async def _answered(request: Request, work: _Work) -> Response:
    try:
        said = await _body(request) if request.method in ("POST", "PUT") else {}
        return _json(200, await run_in_threadpool(partial(work, request, said)))
    except NodeError as error:
        return _problem(error.status, error.kind, str(error))
    except Problem as problem:
        return _problem(problem.status, problem.kind, str(problem))


async def _body(request: Request) -> Mapping[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/ld+json"):
        raise NodeError("application/json was expected", status=415)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST:
            raise NodeError(f"at most {MOST:,} bytes", status=413)
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NodeError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    if not isinstance(said, dict):
        raise NodeError("a JSON object was expected")
    return said


def _member(request: Request) -> Member:
    """Whose key is shown. Raises NodeError (401, 410)."""
    found = member_with(_node(request).store.tenant(), _secret(request))
    if found is None:
        raise NodeError("the key is no node's of this hub", status=401, kind="Unauthorized")
    act(Acting(f"node {found.name}", "node", scope=request.scope))
    return found


def _secret(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _throttled(request: Request) -> None:
    """A code has 192 bits: what is limited is the work that guessing makes."""
    address = request.client.host if request.client else ""
    wait = throttle.take(_node(request).store.tenant(), "node-join", address, TRIES, WINDOW)
    if wait:
        raise NodeError(f"too many tries; wait {wait} s", status=429, kind="TooMany")


def _node(request: Request) -> Node:
    node: Node = request.app.state.node
    return node


def _problem(status: int, kind: str, detail: str) -> Response:
    body = {"type": f"https://uri.etsi.org/ngsi-ld/errors/{kind}", "title": detail, "status": status}
    found = _json(status, body)
    found.headers["content-type"] = "application/problem+json"
    if status == 401:
        found.headers["www-authenticate"] = 'Bearer realm="mahakam"'
    return found


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body), status, {"cache-control": "no-store"}, media_type="application/json")
