"""A connection to a NATS server: checked addresses, TLS that cannot be taken away, no password in an error."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from nats.aio.client import Client
from nats.errors import Error

from mahakam.broker.endpoint import PORTS, addresses


@dataclass(frozen=True, slots=True)
class Target:
    """Where and as whom: ``nats://USER:PASSWORD@host:4222``, ``nats://TOKEN@host``, or ``tls://`` for TLS."""

    host: str
    port: int
    secure: bool
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, uri: str) -> Target:
        parts = urlsplit(uri)
        return cls(
            parts.hostname or "",
            parts.port or PORTS[parts.scheme],
            parts.scheme == "tls",
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
        )

    @property
    def shown(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.secure else 'nats'}://{host}:{self.port}"


class NatsClient(Client):
    """One connection, which ends when it breaks: whoever uses it makes another one, to an address that it has checked.

    ``said``: the last thing that the server has refused.
    """

    def __init__(self, *, secure: bool) -> None:
        super().__init__()
        self._secure = secure
        self.said = ""

    def _connect_command(self) -> bytes:
        # The server says whether it speaks TLS; without this, one in its place that says no is sent the password.
        if self._secure and not self._server_info.get("tls_required"):
            raise Error("the server offers no TLS, which tls:// asks for")
        return super()._connect_command()

    async def heard(self, error: Exception) -> None:
        self.said = str(error) or type(error).__name__


async def connected(
    target: Target,
    *,
    wait: float,
    private_addresses: bool,
    name: str = "mahakam",
    context: ssl.SSLContext | None = None,
    configured: bool = False,
) -> NatsClient:
    """``configured``: a setting of the node names the server. ``context``: TLS, the machine's authorities if None.
    ``name``: what the server's lists show.

    Raises OSError or nats.errors.Error; TimeoutError after ``wait`` seconds.
    """
    async with asyncio.timeout(wait):
        found = await addresses(
            target.host, target.port, private_addresses=private_addresses, configured=configured
        )
        address = f"[{found[0]}]" if ":" in found[0] else found[0]
        client = NatsClient(secure=target.secure)
        options: dict[str, Any] = {"user": target.user, "password": target.password}
        if target.user and target.password is None:
            options = {"token": target.user}
        if target.secure:
            options |= {"tls": context or ssl.create_default_context(), "tls_hostname": target.host}
        try:
            await client.connect(
                f"{'tls' if target.secure else 'nats'}://{address}:{target.port}",
                name=name,
                error_cb=client.heard,
                # Each line is answered before the next is written: a server that refuses CONNECT and closes with a
                # PING unread resets the connection, and its reason is lost with it.
                verbose=True,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=max(1, int(wait)),
                **options,
            )
        except BaseException as error:
            await ended(client)
            if client.said and isinstance(error, Error):
                raise Error(client.said) from error
            raise
        return client


async def ended(client: Client) -> None:
    """Close a connection, which may be lost already. Never raises."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(client.close(), 2)


def why(error: BaseException, client: NatsClient | None, wait: float) -> str:
    """An error in words; what the server said before says more than that nothing came."""
    if client is not None and client.said:
        return client.said.removeprefix("nats: ")
    if isinstance(error, TimeoutError):
        return f"no answer within {wait:g} s"
    return str(error).removeprefix("nats: ") or type(error).__name__
