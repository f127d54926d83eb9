"""Notifications over MQTT 3.1.1 and 5.0: one connection kept for each receiver and account (clause 7.2)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import orjson

from mahakam.broker.endpoint import PORTS, SECONDS, EndpointError, addresses, endpoint_problem
from mahakam.broker.notification import headers
from mahakam.ngsild.subscription import Subscription

IDLE = 60.0
"""Seconds without a message after which a connection is closed."""
_VERSIONS = {"mqtt3.1.1": aiomqtt.ProtocolVersion.V311, "mqtt5.0": aiomqtt.ProtocolVersion.V5}


@dataclass(frozen=True, slots=True)
class _Target:
    """What messages share a connection by."""

    host: str
    port: int
    secure: bool
    user: str | None
    password: str | None
    version: str


@dataclass
class _Link:
    client: aiomqtt.Client | None = None
    watch: asyncio.Task[None] | None = None
    used: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class MqttSender:
    """Publishes bodies; belongs to one event loop."""

    def __init__(self, *, tenant: str, private_addresses: bool) -> None:
        self._tenant = tenant
        self._private = private_addresses
        self._links: dict[_Target, _Link] = {}

    async def send(self, subscription: Subscription, body: bytes) -> None:
        """Returns when the message is out, with QoS 1 and 2 when the receiver has confirmed it.

        Raises EndpointError for a receiver that cannot be reached, refuses, or is silent.
        """
        endpoint = subscription.endpoint
        problem = endpoint_problem(
            endpoint.uri, private_addresses=self._private, notifier_info=endpoint.notifier_info
        )
        if problem:
            raise EndpointError(problem)
        target, topic = _target(subscription)
        link = self._links.setdefault(target, _Link())
        wait = endpoint.timeout or SECONDS
        quality = int(dict(endpoint.notifier_info).get("MQTT-QoS", "0"))
        message = (
            b'{"metadata":' + orjson.dumps(headers(subscription, self._tenant)) + b',"body":' + body + b"}"
        )
        try:
            async with asyncio.timeout(wait):
                client = await self._connected(target, link, wait)
                await client.publish(topic, message, qos=quality, timeout=wait)
                link.used = time.monotonic()
        except (OSError, ValueError, aiomqtt.MqttError) as error:
            await self._drop(link)
            where = f"{urlsplit(endpoint.uri).scheme}://{target.host}:{target.port}/{topic}"
            why = f"no answer within {wait:g} s" if isinstance(error, TimeoutError) else str(error)
            raise EndpointError(f"{where}: {why or type(error).__name__}") from error

    async def close(self, idle: float = 0.0) -> None:
        """Close connections that were not used for so many seconds."""
        for target, link in list(self._links.items()):
            if time.monotonic() - link.used >= idle and not link.lock.locked():
                del self._links[target]
                await self._drop(link)

    async def _connected(self, target: _Target, link: _Link, wait: float) -> aiomqtt.Client:
        async with link.lock:
            if link.client is None:
                found = await addresses(target.host, target.port, private_addresses=self._private)
                client = aiomqtt.Client(
                    found[0],
                    target.port,
                    username=target.user,
                    password=target.password,
                    protocol=_VERSIONS[target.version],
                    tls_context=_Named.of(target.host) if target.secure else None,
                    timeout=wait,
                    max_queued_outgoing_messages=1000,
                )
                await client.__aenter__()
                link.client = client
                link.watch = asyncio.create_task(self._watch(link, client))
                link.used = time.monotonic()
            return link.client

    async def _watch(self, link: _Link, client: aiomqtt.Client) -> None:
        """Let go of a connection that the receiver has ended, before a message is sent into it."""
        with contextlib.suppress(aiomqtt.MqttError):
            async for _ in client.messages:
                pass
        if link.client is client:
            link.watch = None
            await self._drop(link)

    @staticmethod
    async def _drop(link: _Link) -> None:
        client, link.client = link.client, None
        watch, link.watch = link.watch, None
        if watch is not None:
            watch.cancel()
        if client is not None:
            with contextlib.suppress(Exception):  # it is lost already
                await client.__aexit__(None, None, None)


class _Named(ssl.SSLContext):
    """TLS to an address, in the name of the host that it was found for."""

    host = ""

    @classmethod
    def of(cls, host: str) -> ssl.SSLContext:
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()
        context.host = host
        return context

    def wrap_socket(self, *arguments: Any, **named: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*arguments, **{**named, "server_hostname": self.host})


def _target(subscription: Subscription) -> tuple[_Target, str]:
    parts = urlsplit(subscription.endpoint.uri)
    version = dict(subscription.endpoint.notifier_info).get("MQTT-Version", "mqtt5.0")
    target = _Target(
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        secure=parts.scheme == "mqtts",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        version=version,
    )
    return target, unquote(parts.path.lstrip("/"))
