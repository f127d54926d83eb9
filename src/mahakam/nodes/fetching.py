"""A file from another node: from an allowed address, in time, up to a size, without following redirects."""

from __future__ import annotations

import asyncio

from mahakam.nodes.exchange import exchange, require_allowed
from mahakam.nodes.faults import NodeError

SECONDS = 60.0
_PIECE = 256 * 1024


def fetch(url: str, most: int, *, private_addresses: bool = False) -> bytes:
    """At most ``most`` bytes. Raises NodeError, whose words say what went wrong and name the address."""
    require_allowed(url, private_addresses=private_addresses)
    return asyncio.run(_fetch(url, most, private_addresses))


async def _fetch(url: str, most: int, private: bool) -> bytes:
    where = url.partition("?")[0]
    content = bytearray()
    async with exchange("GET", url, {}, private=private, seconds=SECONDS) as answer:
        if answer.status != 200:
            raise NodeError(f"{where} answered {answer.status}", status=502, kind="Refused")
        async for piece in answer.content.iter_chunked(_PIECE):
            content += piece
            if len(content) > most:
                raise NodeError(f"{where} has more than {most // 2**20} MB", status=502, kind="Refused")
    return bytes(content)
