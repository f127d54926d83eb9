"""Notifications over HTTP and HTTPS: connections kept open, checked addresses, no redirects followed (clause 6)."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from mahakam.broker.endpoint import SECONDS, EndpointError, addresses, endpoint_problem, shown_uri
from mahakam.broker.notification import headers
from mahakam.broker.signing import signed
from mahakam.ngsild.subscription import Subscription

_MAX_ANSWER = 65_536
_CONNECTIONS = 500
_LATER = frozenset((408, 425, 429))
"""Statuses of a receiver that is busy, and would take it later."""


class HttpSender:
    """Posts bodies; belongs to one event loop."""

    def __init__(self, *, tenant: str, private_addresses: bool) -> None:
        self._tenant = tenant
        self._private = private_addresses
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=CheckedResolver(private_addresses), limit=_CONNECTIONS, ttl_dns_cache=30
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "mahakam"},
            auto_decompress=False,
            trust_env=False,
        )

    async def send(self, subscription: Subscription, body: bytes, *, secret: str = "") -> None:
        """Returns when the receiver has answered 2xx. ``secret``: what the body is signed with; "": it is not.

        Raises EndpointError for any other answer, none in time, an address not allowed.
        """
        endpoint = subscription.endpoint
        problem = endpoint_problem(endpoint.uri, private_addresses=self._private)
        if problem:
            raise EndpointError(problem)
        wait = endpoint.timeout or SECONDS
        try:
            async with self._session.post(
                endpoint.uri,
                data=body,
                headers=headers(subscription, self._tenant) | (signed(secret, body) if secret else {}),
                timeout=aiohttp.ClientTimeout(total=wait),
                allow_redirects=False,
            ) as answer:
                await answer.content.read(_MAX_ANSWER)
                status = answer.status
        except TimeoutError as error:
            raise EndpointError(f"{shown_uri(endpoint.uri)}: no answer within {wait:g} s") from error
        except (OSError, ValueError, aiohttp.ClientError) as error:
            raise EndpointError(f"{shown_uri(endpoint.uri)}: {error or type(error).__name__}") from error
        if not 200 <= status < 300:
            raise EndpointError(
                f"{shown_uri(endpoint.uri)}: the receiver answered {status}",
                refused=400 <= status < 500 and status not in _LATER,
            )

    async def close(self) -> None:
        await self._session.close()


class CheckedResolver(AbstractResolver):
    """Resolves names to addresses that a node may send to; addresses themselves were checked before."""

    def __init__(self, private_addresses: bool) -> None:
        self._private = private_addresses

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        found = await addresses(host, port, private_addresses=self._private)
        return [_result(host, address, port) for address in found]

    async def close(self) -> None: ...


def _result(host: str, address: str, port: int) -> Any:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return {
        "hostname": host, "host": address, "port": port, "family": family, "proto": 0,
        "flags": socket.AI_NUMERICHOST,
    }  # fmt: skip
