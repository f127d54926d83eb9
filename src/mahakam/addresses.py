"""Which hosts and network addresses a node asks of its own accord: public ones, and of those a list if there is one."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from functools import lru_cache

SETTING = "MAHAKAM_HOSTS"
_NAME = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NotListed(OSError):
    """A host that is not on the node's list: says which, and where the list is."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """``names`` as they stand in URLs, ``below`` of a dot (``.example.id``), ``networks`` for hosts that are addresses.

    Nothing in it: there is no list, and every host may be asked.
    """

    names: frozenset[str] = frozenset()
    below: tuple[str, ...] = ()
    networks: tuple[_Network, ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> Hosts:
        """Hosts with commas between: ``data.example.id, *.push.example, 10.2.0.0/16``. Raises ValueError."""
        names, below, networks = set(), [], []
        for part in filter(None, (part.strip().lower().rstrip(".") for part in text.split(","))):
            if network := _network(part):
                networks.append(network)
            elif not _NAME.fullmatch(part) or re.fullmatch(r"[\d.]+", part):
                raise ValueError(
                    f"{part[:100]!r} is no host; data.example.id, *.example.id for all below it, or a network as"
                    " 10.2.0.0/16 was expected, with commas between"
                )
            elif part.startswith("*."):
                below.append(part[1:])
            else:
                names.add(part)
        return cls(frozenset(names), tuple(below), tuple(networks))

    def __bool__(self) -> bool:
        return bool(self.names or self.below or self.networks)

    def has(self, host: str) -> bool:
        """Whether a host, as it stands in a URL, is on the list: a name by its name, an address by its network."""
        host = host.strip("[]").partition("%")[0].lower().rstrip(".")
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host in self.names or host.endswith(self.below)
        plain = (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address
        return any(plain in network for network in self.networks)


_held: Hosts | None = None


def hold(text: str) -> None:
    """From here on this process asks these hosts alone; "": every host. Raises ValueError.

    Before it is called the environment's ``MAHAKAM_HOSTS`` counts, so that no command goes without the list.
    """
    global _held
    _held = _parsed(text)


def allowed() -> Hosts:
    """The list that this process holds to. Raises ValueError for one of the environment that cannot be read."""
    return _held if _held is not None else _parsed(os.environ.get(SETTING, ""))


def host_problem(host: str) -> str:
    """Why a host is not asked, whatever its addresses are; "" if it may be."""
    hosts = allowed()
    if not hosts or hosts.has(host):
        return ""
    return (
        f"{host[:200]} is not among the hosts to which this node connects ({SETTING}); who runs it can add it"
    )


def require_host(host: str) -> None:
    """Raises NotListed for a host that this node does not ask."""
    if problem := host_problem(host):
        raise NotListed(problem)


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody could reach. Raises ValueError for what is none."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    plain = mapped or ip
    return plain.is_global and not plain.is_multicast


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


_parsed = lru_cache(maxsize=8)(Hosts.parse)
