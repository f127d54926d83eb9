"""What every answer of a node says to browsers, whichever room gives it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mahakam.config import Settings

Pairs = list[tuple[bytes, bytes]]
_Message = MutableMapping[str, Any]
_Send = Callable[[_Message], Awaitable[None]]
_YEAR = 365 * 24 * 3600


def shield_of(settings: Settings) -> Pairs:
    """Headers for an answer that does not have them: it is what its type says, nobody's frame, and runs nothing.

    A node whose address is https says that its host is never asked otherwise (RFC 6797).
    """
    pairs = [
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    ]
    if settings.base.startswith("https://"):
        pairs.append((b"strict-transport-security", b"max-age=%d; includeSubDomains" % _YEAR))
    return pairs


def shielded(send: _Send, pairs: Pairs) -> _Send:
    """``send`` with these headers on each answer."""

    async def sent(message: _Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", ())
            has = {pair[0] for pair in headers}
            message["headers"] = [*headers, *(pair for pair in pairs if pair[0] not in has)]
        await send(message)

    return sent
