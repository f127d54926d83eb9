"""Where a notification may go: schemes, and addresses that a node does not send to (clause 5.2.15)."""

from __future__ import annotations

import asyncio
import re
import socket
from urllib.parse import SplitResult, unquote, urlsplit

from mahakam.addresses import host_problem, is_public, require_host

SECONDS = 10.0
"""How long an answer is waited for where the subscription says no ``timeout``."""
PORTS = {"http": 80, "https": 443, "mqtt": 1883, "mqtts": 8883, "nats": 4222, "tls": 4222}
_MQTT_VERSIONS = ("mqtt3.1.1", "mqtt5.0")
_TOPIC = re.compile(r"[^#+\x00]{1,65535}")
SUBJECT = re.compile(r"(?![$_])[^\s.*>\x00]+(\.[^\s.*>\x00]+)*")
"""A subject of NATS that messages go to: words with dots between, no wildcard, none of the server's own ($JS, …)."""
_STREAM = re.compile(r"[^\s.*>/\\\x00]{1,255}")


class EndpointError(Exception):
    """A delivery that failed: says why. ``refused``: the receiver is there, and does not take this one."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


def endpoint_problem(
    uri: str,
    *,
    private_addresses: bool,
    notifier_info: tuple[tuple[str, str], ...] = (),
    configured: bool = False,
) -> str:
    """Why notifications cannot go to a URI, as far as it shows without asking anybody; "" if they can.

    ``configured``: a setting of the node names it, which puts it on the list of hosts.
    """
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return f"{uri[:200]!r} is no URL"
    if parts.scheme not in PORTS or not parts.hostname:
        return f"{uri[:200]!r}: an http, https, mqtt, mqtts, nats or tls URL was expected"
    if not configured and (problem := host_problem(parts.hostname)):
        return problem
    if not private_addresses and not _may_be_public(parts.hostname):
        return f"{parts.hostname} is a private address, which this node does not send to"
    if parts.scheme in ("nats", "tls"):
        return _nats_problem(parts, dict(notifier_info))
    return _mqtt_problem(parts, dict(notifier_info)) if parts.scheme.startswith("mqtt") else ""


def shown_uri(uri: str) -> str:
    """A URI without the password that it may hold, or the token that stands in its place for NATS."""
    parts = urlsplit(uri)
    password = parts.password
    if password is None and parts.username and parts.scheme in ("nats", "tls"):
        return uri.replace(f"{parts.username}@", "…@", 1)
    return uri.replace(f":{password}@", ":…@") if password else uri


def _mqtt_problem(parts: SplitResult, info: dict[str, str]) -> str:
    """Clause 7.2: the topic is the path; version and quality of service stand in notifierInfo."""
    if not _TOPIC.fullmatch(parts.path.lstrip("/")):
        return "its path is the MQTT topic, without + and #: mqtt://host/some/topic was expected"
    if info.get("MQTT-Version", "mqtt5.0") not in _MQTT_VERSIONS:
        return f"notifierInfo: MQTT-Version is one of {', '.join(_MQTT_VERSIONS)}"
    if info.get("MQTT-QoS", "0") not in ("0", "1", "2"):
        return "notifierInfo: MQTT-QoS is 0, 1 or 2"
    return ""


def _nats_problem(parts: SplitResult, info: dict[str, str]) -> str:
    """No part of the standard: the subject is the path, the stream may stand in notifierInfo."""
    if not SUBJECT.fullmatch(unquote(parts.path.lstrip("/"))) or parts.query or parts.fragment:
        return "its path is the NATS subject, words with dots between: nats://host/city.heat was expected"
    if "NATS-Stream" in info and not _STREAM.fullmatch(info["NATS-Stream"]):
        return "notifierInfo: NATS-Stream is the name of a stream"
    return ""


def _may_be_public(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


async def addresses(host: str, port: int, *, private_addresses: bool, configured: bool = False) -> list[str]:
    """The addresses of a host. Raises OSError for none, and for one that a node does not send to.

    A connection must go to what was found here, so that DNS cannot change it in between.
    """
    if not configured:
        require_host(host)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    hosts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not private_addresses:
        for address in hosts:
            if not is_public(address):
                raise OSError(f"{host} is at the private address {address}, which is not allowed")
    if not hosts:
        raise OSError(f"{host} has no address")
    return hosts
