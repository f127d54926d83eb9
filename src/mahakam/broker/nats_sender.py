"""Notifications over NATS: published to a JetStream stream, delivered once the stream has them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import orjson
from nats.errors import BadHeaderError, BadSubjectError, Error, MaxPayloadError
from nats.js.errors import APIError, NoStreamResponseError

from mahakam.broker.endpoint import SECONDS, EndpointError, endpoint_problem
from mahakam.broker.nats_link import NatsClient, Target, connected, ended, why
from mahakam.broker.notification import headers
from mahakam.broker.signing import signed
from mahakam.ngsild.subscription import Subscription

STREAM = "NATS-Stream"
"""Member of notifierInfo: the stream that must take it, where several streams could."""
_MESSAGE_ID = "Nats-Msg-Id"
"""By this header a stream knows a message that comes again (within its duplicate window), and keeps it once."""


@dataclass
class _Link:
    client: NatsClient | None = None
    used: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class NatsSender:
    """Publishes bodies over a connection kept for each server and account; belongs to one event loop."""

    def __init__(self, *, tenant: str, private_addresses: bool) -> None:
        self._tenant = tenant
        self._private = private_addresses
        self._links: dict[Target, _Link] = {}

    async def send(self, subscription: Subscription, body: bytes, *, secret: str = "") -> None:
        """Returns when a stream has the message on its disk, as JetStream acknowledges. ``secret``: what the body is
        signed with, in the headers that a receiver over HTTP gets; "": it is not.

        Raises EndpointError for a server that cannot be reached, refuses, is silent, or has no stream for the subject.
        """
        endpoint = subscription.endpoint
        problem = endpoint_problem(
            endpoint.uri, private_addresses=self._private, notifier_info=endpoint.notifier_info
        )
        if problem:
            raise EndpointError(problem)
        target, subject = Target.of(endpoint.uri), unquote(urlsplit(endpoint.uri).path.lstrip("/"))
        link = self._links.setdefault(target, _Link())
        wait = endpoint.timeout or SECONDS
        said = headers(subscription, self._tenant) | {_MESSAGE_ID: str(orjson.loads(body)["id"])}
        said |= signed(secret, body) if secret else {}
        where = f"{target.shown}/{subject}"
        client: NatsClient | None = None
        try:
            async with asyncio.timeout(wait):
                client = await self._connected(target, link, wait)
                await client.jetstream(timeout=wait).publish(
                    subject, body, headers=said, stream=dict(endpoint.notifier_info).get(STREAM)
                )
                link.used = time.monotonic()
        except (MaxPayloadError, BadHeaderError, BadSubjectError) as error:
            raise EndpointError(f"{where}: {why(error, None, wait)}", refused=True) from error
        except NoStreamResponseError as error:
            raise EndpointError(f"{where}: no stream of JetStream takes this subject") from error
        except APIError as error:
            raise EndpointError(f"{where}: {error.description or error}") from error
        except (OSError, ValueError, Error) as error:
            await self._drop(link, client)
            raise EndpointError(f"{where}: {why(error, client, wait)}") from error

    async def close(self, idle: float = 0.0) -> None:
        """Close connections that were not used for so many seconds."""
        for target, link in list(self._links.items()):
            if time.monotonic() - link.used >= idle and not link.lock.locked():
                del self._links[target]
                await self._drop(link, link.client)

    async def _connected(self, target: Target, link: _Link, wait: float) -> NatsClient:
        async with link.lock:
            if link.client is not None and not link.client.is_connected:
                await self._drop(link, link.client)
            if link.client is None:
                link.client = await connected(target, wait=wait, private_addresses=self._private)
                link.used = time.monotonic()
            return link.client

    @staticmethod
    async def _drop(link: _Link, client: NatsClient | None) -> None:
        """Let go of a connection; another message may have made a new one meanwhile."""
        if client is not None:
            if link.client is client:
                link.client = None
            await ended(client)
