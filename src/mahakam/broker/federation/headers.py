"""The headers of a request to a context source (clause 4.3.6.5, 4.3.6.6, 6.3.18)."""

from __future__ import annotations

from collections.abc import Callable

from mahakam.broker.federation.registration import Registration

JSON = "application/json"
_FROM_REQUEST = "urn:ngsi-ld:request"
_NOT_SENT = frozenset(
    (
        "accept", "accept-encoding", "connection", "content-length", "content-type", "contenttype", "host",
        "jsonldcontext", "keep-alive", "link", "ngsild-tenant", "te", "trailer", "transfer-encoding", "upgrade", "via",
    )
)  # fmt: skip
"""What contextSourceInfo cannot set as a header: this node's own, or not meant for the wire (4.3.6.5, 4.3.6.6)."""


def source_headers(
    registration: Registration,
    *,
    via: str,
    alias: str,
    link: str,
    of_request: Callable[[str], str | None] = lambda _name: None,
) -> dict[str, str]:
    """``via``: the way that the request came; ``alias``: this node's name in it; ``link``: the value of Link.

    ``of_request``: the headers of the request that is passed on, by small letters.
    """
    headers = {
        "Via": ", ".join(part for part in (via, f"1.1 {alias}") if part),
        "Accept": registration.setting("accept") or JSON,
        "Content-Type": registration.setting("contentType") or JSON,
        "Link": link,
    }
    if registration.setting("jsonldContext"):
        headers["Content-Type"] = JSON
    if registration.tenant:
        headers["NGSILD-Tenant"] = registration.tenant
    for key, value in registration.info:
        if key.lower() in _NOT_SENT:
            continue
        if value == _FROM_REQUEST:
            copied = of_request(key.lower())
            if copied is not None:
                headers[key] = copied
        else:
            headers[key] = value
    return headers


def aliases(via: str) -> frozenset[str]:
    """Who a request has come through."""
    return frozenset(part.split()[-1] for part in via.split(",") if part.strip())
