"""Which network addresses a node asks of its own accord."""

from __future__ import annotations

import ipaddress


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody could reach. Raises ValueError for what is none."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    plain = mapped or ip
    return plain.is_global and not plain.is_multicast
