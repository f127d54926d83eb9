"""Sign-in sessions: a signed cookie in the browser, the session itself in the store."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from mahakam.access.accounts import KIND as ACCOUNT
from mahakam.access.accounts import Account
from mahakam.access.policy import Principal
from mahakam.access.secrets import marking_secret, signing_secret
from mahakam.store.acting import acting
from mahakam.store.protocol import EntityStore, Transaction

KIND = "session"
SEEN = "session-seen"
"""Records of when a session was last used; apart from the session, which is audited."""
LASTS = 12 * 3600
"""Seconds until a session is over: a working day."""
IDLE = 3600
"""Seconds after which a session that nobody used is over."""
_NOTED = 300
"""Seconds after which it is noted anew that a session is used: not every page costs a write."""
HOST = "__Host-"
"""Browsers take a cookie with this beginning from this very host alone, over https (RFC 6265bis, 4.1.3.2)."""


@dataclass(frozen=True, slots=True)
class Session:
    """``key`` names it in the store: a hash of the cookie, so that a copy of the store signs nobody in."""

    key: str
    principal: Principal
    expires: float


def begin_session(
    store: EntityStore, account: Account, sign_out: str = "", agent: str = "", sid: str = ""
) -> str:
    """Start a session; returns the cookie's value. Sessions that are over are swept out.

    ``sign_out``: where somebody who came through a provider signs out there, too. ``agent``: what the browser calls
    itself. ``sid``: which session at the provider it belongs to.
    """
    more: dict[str, object] = {"sign_out": sign_out} if sign_out else {}
    if sid:
        more["sid"] = _key(sid)
    if agent:
        more["agent"] = agent[:200]
    return _begin(store, account.name, {"version": account.version} | more)


def begin_demo_session(store: EntityStore, principal: Principal) -> str:
    """Start a session of a demo's role, for which there is no account; returns the cookie's value."""
    held: dict[str, object] = {
        "roles": list(principal.roles),
        "places": list(principal.places),
        "agencies": list(principal.agencies),
    }
    return _begin(store, principal.name, held)


def session_of(store: EntityStore, cookie: str) -> Session | None:
    """The session of a Cookie header, if the store knows it, it is not over and its account is as it was.

    A signature (microseconds) and two primary-key reads.
    """
    value = _value(store, cookie)
    if value is None:
        return None
    key = _key(value)
    record = store.record(KIND, key)
    if record is None or _is_over(store, key, record, time.time()):
        return None
    if "roles" in record:
        principal = _principal(record)
    else:
        account = store.record(ACCOUNT, record["name"])
        if account is None or account["version"] != record["version"]:
            return None
        principal = _principal(account)
    return Session(key, principal, float(record["expires"]))


def _principal(record: dict[str, Any]) -> Principal:
    """Of the record of an account, or of a demo's session, which has what is its."""
    roles, places, agencies = (tuple(record.get(name, ())) for name in ("roles", "places", "agencies"))
    return Principal(record["name"], roles, places, agencies=agencies)


def keep_alive(store: EntityStore, cookie: str) -> None:
    """The session of a Cookie header is being used. A write every few minutes."""
    value = _value(store, cookie)
    record = store.record(KIND, _key(value)) if value else None
    if value is None or record is None:
        return
    key, now = _key(value), time.time()
    if not _is_over(store, key, record, now) and now - _last_seen(store, key, record) >= _NOTED:
        store.write(lambda transaction: transaction.save_record(SEEN, key, {"at": now}))


@dataclass(frozen=True, slots=True)
class Open:
    """A session that holds. Times are seconds since 1970; ``agent``: what the browser calls itself."""

    key: str
    began: float
    seen: float
    agent: str


def open_sessions(store: EntityStore, name: str) -> list[Open]:
    """The sessions of an account, the newest first."""
    owner, now = store.record(ACCOUNT, name), time.time()
    found = [
        Open(key, _began(record), _last_seen(store, key, record), str(record.get("agent", "")))
        for key, record in store.records(KIND).items()
        if record["name"] == name
        and owner is not None
        and record.get("version") == owner["version"]
        and not _is_over(store, key, record, now)
    ]
    return sorted(found, key=lambda one: one.began, reverse=True)


def end_sessions(store: EntityStore, name: str = "", keys: Collection[str] | None = None) -> int:
    """End the sessions of an account ("": of everybody), or those of them with these keys; how many there were."""
    ending = [
        key
        for key, record in store.records(KIND).items()
        if (not name or record["name"] == name) and (keys is None or key in keys)
    ]

    def work(transaction: Transaction) -> int:
        there = [key for key in ending if transaction.record(KIND, key)]
        for key in there:
            _forget(transaction, key)
        return len(there)

    return store.write(work) if ending else 0


def end_provider_sessions(store: EntityStore, account: str, sid: str) -> int:
    """End what belongs to a session at the provider, and an account's sessions that belong to none; with no ``sid``,
    all of the account ("": of nobody). How many there were."""
    digest = _key(sid) if sid else ""
    keys = [
        key
        for key, record in store.records(KIND).items()
        if (digest and record.get("sid") == digest)
        or (account and record["name"] == account and (not digest or "sid" not in record))
    ]
    return end_sessions(store, keys=keys) if keys else 0


def _began(record: dict[str, Any]) -> float:
    return float(record["expires"]) - LASTS


def _last_seen(store: EntityStore, key: str, record: dict[str, Any]) -> float:
    return float((store.record(SEEN, key) or {}).get("at", _began(record)))


def _is_over(store: EntityStore, key: str, record: dict[str, Any], now: float) -> bool:
    if record["expires"] <= now:
        return True
    return now - _began(record) > IDLE and now - _last_seen(store, key, record) > IDLE


def _forget(transaction: Transaction, key: str) -> None:
    transaction.save_record(KIND, key, None)
    transaction.save_record(SEEN, key, None)


def sign_out_of(store: EntityStore, cookie: str) -> str:
    """Where the session of a Cookie header ends at its provider, too; "" for a session that is none's."""
    value = _value(store, cookie)
    record = store.record(KIND, _key(value)) if value else None
    return str((record or {}).get("sign_out", ""))


def end_session(store: EntityStore, cookie: str) -> None:
    """Forget the session of a Cookie header."""
    value = _value(store, cookie)
    if value is not None:
        key = _key(value)
        store.write(lambda transaction: _forget(transaction, key))


def end_all(transaction: Transaction) -> int:
    """Everybody signs in anew; how many sessions ended."""
    keys = transaction.records(KIND)
    for key in keys:
        _forget(transaction, key)
    return len(keys)


def cookie_name(store: EntityStore) -> str:
    """Differs from node to node: nodes on one machine share a host name, and so each other's cookies."""
    return "mahakam-" + hashlib.sha256(marking_secret(store).encode()).hexdigest()[:8]


def session_cookie(store: EntityStore, value: str, *, secure: bool) -> str:
    """The Set-Cookie header: of a session, or (``value`` "") of its end."""
    name = cookie_name(store)
    if secure and value:
        # Signed for its name: one that another host of the domain put under the plain name is no session.
        bare = value.partition(".")[0]
        value = f"{bare}.{_signature(signing_secret(store), bare, HOST)}"
    return set_cookie(name, value, LASTS if value else 0, secure=secure)


def set_cookie(name: str, value: str, seconds: int, *, secure: bool) -> str:
    """A Set-Cookie header: out of reach of scripts and of forms on other sites; over https of this host alone."""
    header = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return f"{HOST}{header}; Secure" if secure else header


def _begin(store: EntityStore, name: str, more: dict[str, object]) -> str:
    value = secrets.token_urlsafe(32)
    now = time.time()
    over = [key for key, record in store.records(KIND).items() if _is_over(store, key, record, now)]

    def work(transaction: Transaction) -> None:
        for key in over:
            _forget(transaction, key)
        transaction.save_record(KIND, _key(value), {"name": name, "expires": now + LASTS} | more)

    secret = signing_secret(store)
    who = acting()
    if who is not None:
        who.principal, who.kind = name, "person"
    store.write(work)
    return f"{value}.{_signature(secret, value)}"


def _value(store: EntityStore, cookie: str) -> str | None:
    name = cookie_name(store)
    if name not in cookie:
        return None
    pairs = dict(part.strip().partition("=")[::2] for part in cookie.split(";"))
    for prefix in (HOST, ""):
        value, _, signature = pairs.get(prefix + name, "").partition(".")
        wanted = _signature(signing_secret(store), value, prefix)
        if value and hmac.compare_digest(signature.encode(), wanted.encode()):
            return value
    return None


def _signature(secret: str, value: str, prefix: str = "") -> str:
    return hmac.new(secret.encode(), f"{prefix}session:{value}".encode(), hashlib.sha256).hexdigest()


def _key(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
