"""A request and a response, and the ASGI side of them: handlers are plain async functions between the two."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any, Protocol

import orjson

from mahakam.ngsild.problem import Problem
from mahakam.operations.metered import metered
from mahakam.operations.metrics import Room
from mahakam.operations.shield import shielded

MAX_BODY = 50_000_000
"""Bytes of a request's body; more is answered with 413."""


class Headers(Protocol):
    """Header lookup by lower-case name."""

    def get(self, key: str, default: None = None) -> str | None: ...


class Request:
    """``path`` is as it came, percent-encoded; ``query`` is the text after the question mark."""

    __slots__ = ("body", "headers", "method", "path", "query")

    def __init__(self, method: str, path: str, query: str, headers: Headers, body: bytes = b"") -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body


class Response:
    """``headers``: pairs with lower-case names; the list may be shared: never change it."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes = b"") -> None:
        self.status = status
        self.headers = headers
        self.body = body


Handler = Callable[[Request], Awaitable[Response]]
Pairs = list[tuple[bytes, bytes]]

_PROBLEM = ("content-type", "application/problem+json")


def problem_response(problem: Problem, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """The answer to a refusal (RFC 9457)."""
    body = orjson.dumps(problem.details(), default=str, option=orjson.OPT_NON_STR_KEYS)
    return Response(problem.status, [_PROBLEM, *headers], body)


def too_large() -> Response:
    """413 for a body beyond ``MAX_BODY``."""
    return problem_response(
        Problem("InvalidRequest", "The body is too large", f"at most {MAX_BODY:,} bytes", status=413)
    )


class AsgiHeaders:
    """Header lookup over ASGI's pairs of bytes."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._pairs = dict(pairs)

    def get(self, key: str, default: None = None) -> str | None:
        value = self._pairs.get(key.encode("latin-1"))
        return default if value is None else value.decode("latin-1")


_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


Direct = Callable[[bytes, bytes, Pairs], tuple[Pairs, bytes] | None]
"""Path, query and headers of a GET → headers and body of a 200; None: ask the handler."""

Asgi = Callable[[_Scope, _Receive, _Send], Awaitable[None]]
AtOnce = Callable[[_Scope], tuple[Pairs, bytes] | None]
"""The scope of a request → headers and body of a 200, if that needs no event loop."""
_ASKED = "mahakam.asked"


class Application:
    """A handler as an ASGI application (HTTP only); what ``direct`` answers does not come to it.

    ``shield``: headers that its answers get (``operations.shield``); those of ``direct`` have them.
    """

    def __init__(self, handler: Handler, direct: Direct, room: Room, shield: Pairs) -> None:
        self._direct = direct
        self._shield = shield
        self._whole = metered(room, _application(handler))
        self._count = room.stored.inc

    def at_once(self, scope: _Scope) -> tuple[Pairs, bytes] | None:
        """Headers and body of a 200, on any thread. None: the request goes the whole way, and does not ask again."""
        if scope["method"] == "GET":
            raw = scope.get("raw_path")
            found = self._direct(raw, scope["query_string"], scope["headers"]) if raw else None
            if found is not None:
                self._count()
                pairs, content = found
                return [*pairs, (b"content-length", b"%d" % len(content))], content
        scope[_ASKED] = True
        return None

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        found = None if _ASKED in scope else self.at_once(scope)
        if found is None:
            await self._whole(scope, receive, shielded(send, self._shield))
            return
        pairs, content = found
        await send({"type": "http.response.start", "status": 200, "headers": pairs})
        await send({"type": "http.response.body", "body": content})


def _application(handler: Handler) -> Asgi:
    async def application(scope: _Scope, receive: _Receive, send: _Send) -> None:
        method: str = scope["method"]
        headers = AsgiHeaders(scope["headers"])
        body: bytes | None = b""
        if method not in ("GET", "HEAD", "OPTIONS"):
            body = await read_body(headers, receive)
        if body is None:
            response = too_large()
        else:
            raw = scope.get("raw_path")
            path = raw.partition(b"?")[0].decode("latin-1") if raw else scope["path"]
            response = await handler(
                Request(method, path, scope["query_string"].decode("latin-1"), headers, body)
            )
        pairs = encoded(response.headers)
        if response.status not in (204, 304):
            pairs.append((b"content-length", b"%d" % len(response.body)))
        await send({"type": "http.response.start", "status": response.status, "headers": pairs})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else response.body})

    return application


def encoded(headers: Iterable[tuple[str, str]]) -> Pairs:
    """Headers as ASGI wants them."""
    return [_encoded(name, value) for name, value in headers]


@lru_cache(1024)
def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    return name.encode("latin-1"), value.encode("latin-1")


async def read_body(headers: Headers, receive: _Receive) -> bytes | None:
    """The whole body of an ASGI request; None if it is larger than ``MAX_BODY``."""
    declared = headers.get("content-length")
    length = int(declared) if declared and declared.isdigit() else -1
    if length > MAX_BODY:
        return None
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
        # All that was said to come is there: that it ends comes by itself, and would be waited for like the body.
        if size == length or not message.get("more_body", False) or message["type"] == "http.disconnect":
            return parts[0] if len(parts) == 1 else b"".join(parts)
