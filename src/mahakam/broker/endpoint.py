"""One HTTP POST to somebody else's address: resolved once, checked, within limits, no redirects followed."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import urlsplit

SECONDS = 10.0
MAX_ANSWER = 65_536


class EndpointError(Exception):
    """A delivery that failed: says why."""


def deliver(uri: str, body: bytes, headers: Mapping[str, str], *, private_addresses: bool) -> None:
    """POST ``body``; returns when the receiver has answered 2xx.

    Raises EndpointError for any other answer, none within ``SECONDS``, an address not allowed.
    """
    parts = urlsplit(uri)
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    try:
        port = parts.port or (443 if secure else 80)
        address = _address(host, port, private_addresses)
        with closing(_Connection(host, port, address, secure)) as connection:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body=body, headers={"user-agent": "mahakam", **headers})
            answer = connection.getresponse()
            answer.read(MAX_ANSWER)
            status = answer.status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EndpointError(f"{uri}: {error or type(error).__name__}") from error
    if not 200 <= status < 300:
        raise EndpointError(f"{uri}: the receiver answered {status}")


def endpoint_problem(uri: str, *, private_addresses: bool) -> str:
    """Why notifications cannot go to a URI, as far as it shows without asking anybody; "" if they can."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return f"{uri[:200]!r} is no URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{uri[:200]!r}: only http and https URLs are served"
    if not private_addresses and not _may_be_public(parts.hostname):
        return f"{parts.hostname} is a private address, which this node does not send to"
    return ""


def _may_be_public(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody could reach. Raises ValueError for what is none."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    plain = mapped or ip
    return plain.is_global and not plain.is_multicast


def _address(host: str, port: int, private_addresses: bool) -> str:
    """The address connected to: checked after it was resolved, so that DNS cannot change it in between."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not private_addresses and not is_public(address):
            raise OSError(f"{host} is at the private address {address}, which is not allowed")
    return found[0]


class _Connection(http.client.HTTPConnection):
    """A connection to an address, in the name of a host."""

    def __init__(self, host: str, port: int, address: str, secure: bool) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self._address = address
        self._secure = secure

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
        else:
            self.sock = plain
