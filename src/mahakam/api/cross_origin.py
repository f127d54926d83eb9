"""Web applications of other origins: who may read and write from a browser (CORS, the Fetch standard)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Asgi = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_EXPOSED = (
    b"Location, Link, Content-Range, NGSILD-Results-Count, NGSILD-Tenant, NGSILD-Warning, NGSILD-EntityMap, "
    b"NGSILD-Snapshot, Preference-Applied, ETag"
)
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_HEADERS = (
    b"Accept, Authorization, Content-Type, Link, Prefer, If-Match, If-None-Match, NGSILD-Tenant, NGSILD-EntityMap, "
    b"NGSILD-Snapshot"
)
_SECONDS = b"600"


def parse_origins(text: str) -> frozenset[str]:
    """``*``, or origins (scheme and host, perhaps a port) with commas between; raises ValueError for others."""
    found = frozenset(filter(None, (part.strip().rstrip("/") for part in text.split(","))))
    for origin in found - {"*"}:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
            raise ValueError(f"{origin[:80]!r} is no origin: https://app.example.org was expected, or *")
    return found


def cross_origin(application: _Asgi, origins: frozenset[str]) -> _Asgi:
    """The application, for pages of these origins too. Cookies are never taken from there: a key is needed."""

    async def shared(scope: _Scope, receive: _Receive, send: _Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None or not ("*" in origins or origin.decode("latin-1") in origins):
            await application(scope, receive, send)
            return
        allowed = [(b"access-control-allow-origin", b"*" if "*" in origins else origin), (b"vary", b"Origin")]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            told = [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _HEADERS),
                (b"access-control-max-age", _SECONDS),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": [*allowed, *told]})
            await send({"type": "http.response.body", "body": b""})
            return

        async def sent(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                exposed = (b"access-control-expose-headers", _EXPOSED)
                message = {**message, "headers": [*message["headers"], *allowed, exposed]}
            await send(message)

        await application(scope, receive, sent)

    return shared
