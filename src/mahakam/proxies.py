"""Who really asks, where proxies stand in between: their word is taken, and nobody else's."""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from typing import Any

HERE = "127.0.0.1,::1"
_FOR, _PROTO = b"x-forwarded-for", b"x-forwarded-proto"
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """Addresses and networks (``10.0.0.0/8``) whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed.

    Raises ValueError for a text that names others.
    """

    def __init__(self, text: str = HERE) -> None:
        self._networks: list[_Network] = [
            ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()
        ]

    def unmask(self, scope: MutableMapping[str, Any]) -> None:
        """Give an ASGI request the client and the scheme that its proxies saw.

        Each proxy adds whom it heard to the end of ``X-Forwarded-For``: the last one that is no proxy of ours is who
        asks, whatever stands before it. Of anybody else the scheme is left out of the headers.
        """
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        told = [value for name, value in headers if name == _FOR]
        scheme = next((value for name, value in reversed(headers) if name == _PROTO), b"")
        if not told and not scheme:
            return
        peer = scope.get("client")
        if not peer or not self._are(peer[0]):
            scope["headers"] = [pair for pair in headers if pair[0] != _PROTO]
            return
        if scheme in (b"http", b"https"):
            scope["scheme"] = scheme.decode()
        for heard in reversed(b",".join(told).decode("latin-1").split(",")):
            address = _address(heard)
            if address is None:
                return
            scope["client"] = (str(address), 0)
            if not self._are(str(address)):
                return

    def _are(self, peer: str) -> bool:
        address = _address(peer)
        return address is not None and any(address in network for network in self._networks)


def _address(text: str) -> _Address | None:
    """Of ``203.0.113.7``, ``203.0.113.7:4711``, ``2001:db8::7`` and ``[2001:db8::7]:4711``."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found
