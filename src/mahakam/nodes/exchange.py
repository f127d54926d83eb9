"""One exchange with another node over HTTP: an allowed address, in time, no redirects, no cookies, no proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from mahakam.addresses import require_host
from mahakam.broker.endpoint import endpoint_problem
from mahakam.broker.http_sender import CheckedResolver
from mahakam.nodes.faults import NodeError


def require_allowed(url: str, *, private_addresses: bool) -> None:
    """Raises NodeError (kind Unreachable) for an address that is not asked."""
    problem = endpoint_problem(url, private_addresses=private_addresses)
    if not url.startswith(("http://", "https://")):
        problem = "an http or https address was expected"
    if problem:
        raise NodeError(problem, kind="Unreachable")


@asynccontextmanager
async def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    private: bool,
    seconds: float,
    data: bytes | None = None,
    decompress: bool = True,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer, to be read inside. Raises NodeError (kind Unreachable) if there is none, or it breaks off."""
    where = url.partition("?")[0]
    try:
        require_host(urlsplit(url).hostname or "")
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=CheckedResolver(private)),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=decompress,
            ) as session,
            session.request(
                method,
                url,
                data=data,
                headers={"User-Agent": "mahakam", **headers},
                timeout=aiohttp.ClientTimeout(total=seconds),
                allow_redirects=False,
            ) as answer,
        ):
            yield answer
    except TimeoutError:
        raise NodeError(f"{where}: no answer within {seconds:g} s", status=504, kind="Unreachable") from None
    except (OSError, ValueError, aiohttp.ClientError) as error:
        raise NodeError(f"{where}: {error or type(error).__name__}", status=504, kind="Unreachable") from None
