"""Who is asking: from the headers of a request, cheap enough for every one of them."""

from __future__ import annotations

from typing import Protocol

from mahakam.access.forms import Headers
from mahakam.access.keys import principal_of_key
from mahakam.access.policy import EVERYWHERE, PEOPLE, Principal
from mahakam.access.sessions import session_of
from mahakam.access.shares import PREFIX as SHARED
from mahakam.access.shares import share_of_key
from mahakam.config import ConfigError, Settings
from mahakam.store.acting import Acting, act, acting
from mahakam.store.protocol import EntityStore, Store

OPEN = Principal("open", ("admin", "steward", "supervisor", "officer", "writer"), (EVERYWHERE,), "open")
"""Anybody on a node started with ``--open``."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


class Node(Protocol):
    """What identification needs of a node."""

    @property
    def settings(self) -> Settings: ...

    @property
    def store(self) -> Store: ...


def principal_of(headers: Headers, node: Node, *, hubs: bool = False) -> Principal | None:
    """Who is asking: by API key (``Authorization: Bearer``), by session cookie, or as anybody on an open one.

    None is a stranger: nothing was shown, or what was shown does not hold (a caller who sees an Authorization
    header and None answers 401). What this task writes from here on is audited as theirs.
    ``hubs``: whether the key of a hub holds here, i.e. whether what is read here is what is shared with it: raises
    ShareRevokedError for one that opens nothing any more.
    """
    found = _principal(headers, node, hubs)
    acts_for(found, headers)
    return found


def acts_for(principal: Principal | None, headers: Headers) -> None:
    """From here on, in this task, this one acts (None: a stranger)."""
    who = acting()
    if who is None:
        act(who := Acting(asked=headers.get("x-request-id")))
    who.principal, who.kind = (principal.name, principal.kind) if principal else ("", "stranger")
    who.who = principal


def _principal(headers: Headers, node: Node, hubs: bool) -> Principal | None:
    if secret := _share_key(headers):
        share = share_of_key(node.store.tenant(""), secret) if hubs else None
        return Principal(f"hub {share.hub}", (), (), "key", share=share) if share else None
    if node.settings.open:
        return OPEN if _asks_loopback(headers) else None
    store = node.store.tenant("")
    authorization = headers.get("authorization")
    if authorization:
        scheme, _, secret = authorization.partition(" ")
        return principal_of_key(store, secret.strip()) if scheme.lower() == "bearer" else None
    cookie = headers.get("cookie")
    if not cookie:
        return None
    session = session_of(store, cookie)
    return session.principal if session else None


def _share_key(headers: Headers) -> str:
    """The key of a hub that the request shows; "" if it shows none."""
    scheme, _, secret = (headers.get("authorization") or "").partition(" ")
    secret = secret.strip()
    return secret if scheme.lower() == "bearer" and secret.startswith(SHARED) else ""


def session_key(headers: Headers, store: EntityStore) -> str:
    """What a form's token is bound to: the session, "" for a visitor."""
    cookie = headers.get("cookie")
    session = session_of(store, cookie) if cookie else None
    return session.key if session else ""


def check_open(settings: Settings) -> None:
    """Refuse ``--open`` on anything but loopback. Raises ConfigError."""
    if settings.open and settings.host not in LOOPBACK:
        raise ConfigError(
            settings.data,
            f"--open lets everybody do everything, so it only listens on 127.0.0.1, not on {settings.host}; "
            "leave --open out and make an account: mahakam user add NAME --role admin",
        )


def is_local(client: str | None, headers: Headers) -> bool:
    """Whether a browser on this very machine asks: by the client's address, with no proxy in between."""
    if client is None or not (client == "::1" or client.startswith("127.")):
        return False
    forwarded = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
    return _asks_loopback(headers) and not any(headers.get(name) for name in forwarded)


def demo_principal(role: str, place: str = EVERYWHERE) -> Principal:
    """One of the demo's people, one of each role. Raises KeyError for another role."""
    if role not in PEOPLE:
        raise KeyError(role)
    return Principal(f"demo-{role}", (role,), (place,))


def _asks_loopback(headers: Headers) -> bool:
    """The Host header is of this machine; that of a page that DNS was pointed here for is not."""
    host = (headers.get("host") or "localhost").lower()
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    return name in LOOPBACK
