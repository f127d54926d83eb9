"""What machines ask a node: whether it lives (``/health``), whether it can work (``/ready``), its ``/metrics``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson

import mahakam
from mahakam.access import allow, principal_of
from mahakam.operations.node import Node
from mahakam.operations.refusals import STATUSES, note_refusal
from mahakam.store.errors import StoreError

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Probe = Callable[[Node, Scope], "Answer"]
WATCH = "node.watch"
PATIENCE = 10.0
"""Seconds that the store may take."""


class Answer:
    """A status, a media type, a body, further headers."""

    def __init__(
        self, status: int, body: bytes, media: str = "application/json", more: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.headers = {"content-type": media, "cache-control": "no-store", **(more or {})}


async def answer(probe: Probe, node: Node, scope: Scope, send: Send) -> None:
    """Ask on a thread: the store may be slow, which is one of the things to find out."""
    try:
        found = await asyncio.wait_for(asyncio.to_thread(probe, node, scope), PATIENCE)
    except TimeoutError:
        found = Answer(503, orjson.dumps({"status": "failing", "detail": f"no answer in {PATIENCE:.0f} s"}))
    if found.status in STATUSES:
        note_refusal("probes", scope["path"], scope, found.status)
    headers = [(name.encode(), value.encode("latin-1")) for name, value in found.headers.items()]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else found.body})


def health(node: Node, _scope: Scope) -> Answer:
    """``{"status": "ok", "version", "store", "entities"}``; 503 and why if the store cannot read."""
    found: dict[str, Any] = {"status": "ok", "version": mahakam.__version__}
    try:
        found["store"] = node.store.kind
        found["entities"] = node.store.tenant().size()
    except StoreError as error:
        found.update(status="failing", detail=str(error))
        return Answer(503, orjson.dumps(found))
    return Answer(200, orjson.dumps(found))


def ready(node: Node, _scope: Scope) -> Answer:
    """``{"status": "ready", "checks": {"read": "ok", "write": "ok"}}``; 503 while the store cannot be read or
    written to, so that a balancer sends nobody here."""
    checks: dict[str, str] = {}
    for name, check in (("read", _reads), ("write", _writes)):
        try:
            check(node)
            checks[name] = "ok"
        except StoreError as error:
            checks[name] = str(error)
    well = all(said == "ok" for said in checks.values())
    body = orjson.dumps({"status": "ready" if well else "not ready", "checks": checks})
    return Answer(200 if well else 503, body, more={} if well else {"retry-after": "5"})


def metrics(node: Node, scope: Scope) -> Answer:
    """In the text format of Prometheus, for an API key with the scope ``monitor`` or an administrator."""
    from starlette.datastructures import Headers

    from mahakam.access.tokens import challenge

    principal = principal_of(Headers(scope=scope), node)
    if not allow(principal, WATCH):
        status = 401 if principal is None else 403
        problem = {
            "type": "about:blank", "title": "Not for everybody", "status": status,
            "detail": "send an API key with the scope monitor as a bearer token: mahakam key add NAME --scope monitor",
        }  # fmt: skip
        said = challenge(status, Headers(scope=scope).get("authorization"))
        more = {"www-authenticate": said} if said else {}
        return Answer(status, orjson.dumps(problem), "application/problem+json", more)
    from mahakam.operations.metrics import MEDIA_TYPE, exposition

    return Answer(200, exposition(node), MEDIA_TYPE)


def _reads(node: Node) -> None:
    node.store.tenant().size()


def _writes(node: Node) -> None:
    node.store.tenant().write(lambda _transaction: None)


PROBES: Mapping[str, Probe] = {"/health": health, "/ready": ready, "/metrics": metrics}
