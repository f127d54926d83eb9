"""What is noted of every request: its id, how long it took, how it was answered."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from time import perf_counter, time
from typing import Any

from mahakam import tracing
from mahakam.operations.log import access, request
from mahakam.operations.metrics import METHODS, Room
from mahakam.operations.refusals import STATUSES, note_refusal
from mahakam.store.acting import acting, asked_id, request_id

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

SLOW = 0.5
"""Seconds from which a request is remembered."""
_HEADER = b"x-request-id"
_BROKEN = 500
_TRACE = "mahakam.trace"
_log = logging.getLogger("mahakam.slow")


@dataclass(frozen=True, slots=True)
class SlowRequest:
    """``at``: seconds since 1970; ``path``: its first parts, since what follows may be a secret link."""

    at: float
    room: str
    method: str
    path: str
    status: int
    seconds: float
    id: str


slow: deque[SlowRequest] = deque(maxlen=100)
"""The last slow requests of this process."""


def metered(room: Room, application: Asgi) -> Asgi:
    """The application, with its requests counted, timed, traced, and answered with their id (``X-Request-ID``)."""
    application = _traced(room, application)

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        who = acting()
        id = who.request if who is not None and who.scope is scope else request_id(asked_id(scope))
        mark = (_HEADER, id.encode())
        token = request.set(id)
        status = _BROKEN

        async def answer(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), mark]
            await send(message)

        try:
            await application(scope, receive, answer)
        finally:
            seconds = room.answered(scope["method"], status, began)
            if status in STATUSES:
                note_refusal(room.name, _shown(room, scope), scope, status)
            if seconds >= SLOW or access.isEnabledFor(logging.INFO):
                _note(room, scope, status, seconds, id)
            request.reset(token)

    return noted


def _traced(room: Room, application: Asgi) -> Asgi:
    """A span a request. Its name is the route, never the path, which may hold an id or what opens a page."""
    if not tracing.on():
        return application

    async def in_a_span(scope: Scope, receive: Receive, send: Send) -> None:
        parent = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
        method = scope["method"] if scope["method"] in METHODS else "other"
        facts = {"mahakam.room": room.name, "http.request.method": method, "mahakam.request": request.get()}
        name = f"{method} {room.name}"
        with tracing.begun(name, facts, kind="server", parent=parent.decode("latin-1")) as span:
            scope[_TRACE] = tracing.trace()

            async def answer(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    span.note({"http.response.status_code": message["status"]})
                    if message["status"] >= _BROKEN:
                        span.failed(str(message["status"]))
                await send(message)

            try:
                await application(scope, receive, answer)
            finally:
                who = acting()
                route = who.route.partition(" ")[2] if who is not None and who.scope is scope else ""
                if route:
                    span.rename(f"{method} {route}")
                    span.note({"http.route": route})

    return in_a_span


def _shown(room: Room, scope: Scope) -> str:
    """The first parts of a path: what follows may be a secret link."""
    return "/".join(scope["path"].split("/")[: room.parts + 1])


def _note(room: Room, scope: Scope, status: int, seconds: float, id: str) -> None:
    path = _shown(room, scope)
    method = scope["method"]
    facts = {
        "room": room.name, "method": method, "path": path, "status": status, "milliseconds": round(seconds * 1e3, 1),
    }  # fmt: skip
    if trace := scope.get(_TRACE):
        facts["trace"] = trace
    extra = {"facts": facts}
    if seconds >= SLOW:
        slow.append(SlowRequest(time(), room.name, method, path, status, seconds, id))
        _log.warning("%s %s %d took %.1f s", method, path, status, seconds, extra=extra)
    access.info("%s %s %d %.1f ms", method, path, status, seconds * 1e3, extra=extra)
