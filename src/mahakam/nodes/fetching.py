"""A file from another node: from an allowed address, in time, up to a size, without following redirects."""

from __future__ import annotations

import asyncio

import aiohttp

from mahakam.broker.endpoint import endpoint_problem
from mahakam.broker.http_sender import CheckedResolver
from mahakam.nodes.faults import NodeError

SECONDS = 60.0
_PIECE = 256 * 1024


def fetch(url: str, most: int, *, private_addresses: bool = False) -> bytes:
    """At most ``most`` bytes. Raises NodeError, whose words say what went wrong and name the address."""
    problem = endpoint_problem(url, private_addresses=private_addresses)
    if not url.startswith(("http://", "https://")):
        problem = "an http or https address was expected"
    if problem:
        raise NodeError(problem, kind="Unreachable")
    return asyncio.run(_fetch(url, most, private_addresses))


async def _fetch(url: str, most: int, private: bool) -> bytes:
    where = url.partition("?")[0]
    content = bytearray()
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=CheckedResolver(private)),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            ) as session,
            session.get(
                url,
                headers={"User-Agent": "mahakam"},
                timeout=aiohttp.ClientTimeout(total=SECONDS),
                allow_redirects=False,
            ) as answer,
        ):
            if answer.status != 200:
                raise NodeError(f"{where} answered {answer.status}", status=502, kind="Refused")
            async for piece in answer.content.iter_chunked(_PIECE):
                content += piece
                if len(content) > most:
                    raise NodeError(f"{where} has more than {most // 2**20} MB", status=502, kind="Refused")
    except TimeoutError:
        raise NodeError(f"{where}: no answer within {SECONDS:g} s", status=504, kind="Unreachable") from None
    except (OSError, ValueError, aiohttp.ClientError) as error:
        raise NodeError(f"{where}: {error or type(error).__name__}", status=504, kind="Unreachable") from None
    return bytes(content)
