"""Sign-in sessions: a signed cookie in the browser, the session itself in the store."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any

from mahakam.access.accounts import KIND as ACCOUNT
from mahakam.access.accounts import Account
from mahakam.access.policy import Principal
from mahakam.access.secrets import signing_secret
from mahakam.store.acting import acting
from mahakam.store.protocol import EntityStore, Transaction

KIND = "session"
LASTS = 12 * 3600
"""Seconds until a session is over: a working day."""


@dataclass(frozen=True, slots=True)
class Session:
    """``key`` names it in the store: a hash of the cookie, so that a copy of the store signs nobody in."""

    key: str
    principal: Principal
    expires: float


def begin_session(store: EntityStore, account: Account, sign_out: str = "") -> str:
    """Start a session; returns the cookie's value. Sessions that are over are swept out.

    ``sign_out``: where somebody who came through a provider signs out there, too.
    """
    more: dict[str, object] = {"sign_out": sign_out} if sign_out else {}
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
    if record is None or record["expires"] <= time.time():
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
        store.write(lambda transaction: transaction.save_record(KIND, key, None))


def cookie_name(store: EntityStore) -> str:
    """Differs from node to node: nodes on one machine share a host name, and so each other's cookies."""
    return "mahakam-" + hashlib.sha256(signing_secret(store).encode()).hexdigest()[:8]


def session_cookie(store: EntityStore, value: str, *, secure: bool) -> str:
    """The Set-Cookie header: of a session, or (``value`` "") of its end."""
    lasts = LASTS if value else 0
    header = f"{cookie_name(store)}={value}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Lax"
    return header + "; Secure" if secure else header


def _begin(store: EntityStore, name: str, more: dict[str, object]) -> str:
    value = secrets.token_urlsafe(32)
    now = time.time()
    over = [key for key, record in store.records(KIND).items() if record["expires"] <= now]

    def work(transaction: Transaction) -> None:
        for key in over:
            transaction.save_record(KIND, key, None)
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
    value, _, signature = pairs.get(name, "").partition(".")
    right = hmac.compare_digest(signature.encode(), _signature(signing_secret(store), value).encode())
    return value if value and right else None


def _signature(secret: str, value: str) -> str:
    return hmac.new(secret.encode(), b"session:" + value.encode(), hashlib.sha256).hexdigest()


def _key(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
