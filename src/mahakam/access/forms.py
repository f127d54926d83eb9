"""Forms are taken from our own pages only: a token in the form, and the browser's word on its origin."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Protocol
from urllib.parse import urlsplit

from mahakam.access.secrets import signing_secret
from mahakam.store.protocol import EntityStore

LASTS = 24 * 3600
"""Seconds for which a form may lie open."""


class Headers(Protocol):
    """Request headers by lower-case name: a dict, Starlette's and Granian's headers are such."""

    def get(self, key: str, /) -> str | None: ...


def form_token(store: EntityStore, session_key: str = "") -> str:
    """The token to put into a form: bound to the session ("" for a visitor), good for a day."""
    at = f"{int(time.time()):x}"
    return f"{at}.{_signature(store, at, session_key)}"


def is_own_form(store: EntityStore, headers: Headers, token: str, session_key: str = "") -> bool:
    """Whether a form was filled in on our own page, in the session that it was made for, not long ago."""
    return from_our_page(headers) and _token_holds(store, token, session_key)


def from_our_page(headers: Headers) -> bool:
    """Whether the browser says that the request began on a page of this node.

    Origin must name the host that is asked (``null`` only where the browser itself vouches by Sec-Fetch-Site,
    as it does under ``Referrer-Policy: no-referrer``). Without Origin, Referer speaks; without both (a tool,
    not a browser) the token alone decides.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin, host = headers.get("origin"), (headers.get("host") or "").lower()
    if origin == "null":
        return site == "same-origin"
    source = origin or headers.get("referer")
    return source is None or urlsplit(source).netloc.lower() == host


def _token_holds(store: EntityStore, token: str, session_key: str) -> bool:
    at, _, signature = token.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(store, at, session_key).encode()):
        return False
    return int(at, 16) > time.time() - LASTS


def _signature(store: EntityStore, at: str, session_key: str) -> str:
    message = f"form:{at}:{session_key}".encode()
    return hmac.new(signing_secret(store).encode(), message, hashlib.sha256).hexdigest()
