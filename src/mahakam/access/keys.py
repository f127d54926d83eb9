"""API keys: shown once, kept as a hash, with scopes, places and an end."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mahakam.access.accounts import AccountError, checked_agencies
from mahakam.access.policy import EVERYWHERE, Principal
from mahakam.store.protocol import EntityStore, Transaction

KIND = "key"
PREFIX = "mhk_"
"""Begins every key, so that one left in a file or a chat can be searched for."""
TOKEN, TOKEN_PREFIX = "token", "mht_"
"""Records of access tokens (``access.tokens``), which a key was exchanged for."""
_ROLES = {"read": "reader", "write": "writer", "work": "worker", "monitor": "monitor"}
SCOPE_NAMES = tuple(_ROLES)
LONGEST_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Key:
    """``id`` is the beginning of the hash: it names a key and opens nothing. Times are seconds since 1970."""

    id: str
    name: str
    scopes: tuple[str, ...]
    places: tuple[str, ...]
    created: float
    expires: float
    agencies: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        return self.expires <= time.time()


def add_key(
    store: EntityStore,
    name: str,
    scopes: Iterable[str] = ("read",),
    places: Iterable[str] = (EVERYWHERE,),
    days: int = 365,
    agencies: Iterable[str] = (),
) -> tuple[str, Key]:
    """Make a key; returns the secret (to be shown this once) and what is kept. Raises AccountError."""
    scopes, places = tuple(dict.fromkeys(scopes)), tuple(dict.fromkeys(places))
    agencies = checked_agencies(agencies)
    unknown = [scope for scope in scopes if scope not in _ROLES]
    if unknown or not scopes:
        raise AccountError(
            f"a key's scope is read, write, work or monitor, not {', '.join(unknown) or 'nothing'}"
        )
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise AccountError("a key needs a name of 1 to 100 characters that says who or what uses it")
    if not places:
        raise AccountError("say where the key may write: --place samarinda (or '*' for everywhere)")
    if not 1 <= days <= LONGEST_DAYS:
        raise AccountError(f"a key lasts 1 to {LONGEST_DAYS} days, not {days}")
    secret = PREFIX + secrets.token_urlsafe(32)
    digest, now = digest_of(secret), time.time()
    record = {
        "name": name.strip(),
        "scopes": list(scopes),
        "places": list(places),
        "created": now,
        "expires": now + days * 86400,
        "agencies": list(agencies),
    }
    store.write(lambda transaction: transaction.save_record(KIND, digest, record))
    return secret, _key(digest, record)


def keys(store: EntityStore) -> list[Key]:
    """All keys, the oldest first; those that are over too."""
    return sorted(
        (_key(digest, record) for digest, record in store.records(KIND).items()), key=lambda k: k.created
    )


def revoke_key(store: EntityStore, id: str) -> Key:
    """Revoke the key whose id (or its beginning, at least 6 characters) this is. Raises AccountError."""
    found = [digest for digest in store.records(KIND) if len(id) >= 6 and digest.startswith(id)]
    if len(found) != 1:
        raise AccountError(f"no one key has the id {id!r}; `mahakam key list` shows them")
    (digest,) = found

    def work(transaction: Transaction) -> dict[str, Any]:
        record = transaction.record(KIND, digest)
        if record is None:
            raise AccountError(f"the key {id!r} is revoked already")
        transaction.save_record(KIND, digest, None)
        return record

    return _key(digest, store.write(work))


def principal_of_key(store: EntityStore, secret: str) -> Principal | None:
    """Who a key, or an access token, stands for: one hash and one primary-key read (of a token two)."""
    if len(secret) > 100:
        return None
    if secret.startswith(TOKEN_PREFIX):
        token = store.record(TOKEN, digest_of(secret))
        return _principal(store, token["key"], token["scopes"]) if token and _holds(token) else None
    return _principal(store, digest_of(secret)) if secret.startswith(PREFIX) else None


def _principal(store: EntityStore, digest: str, scopes: Iterable[str] | None = None) -> Principal | None:
    """``scopes``: those of a token, which are the key's or fewer."""
    record = store.record(KIND, digest)
    if record is None or not _holds(record):
        return None
    kept = [scope for scope in record["scopes"] if scopes is None or scope in scopes]
    roles = tuple(_ROLES[scope] for scope in kept)
    return Principal(record["name"], roles, tuple(record["places"]), "key", tuple(record.get("agencies", ())))


def _holds(record: dict[str, Any]) -> bool:
    return bool(record["expires"] > time.time())


def digest_of(secret: str) -> str:
    """What the store has of a key or a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(digest: str, record: dict[str, Any]) -> Key:
    return Key(
        id=digest[:12],
        name=record["name"],
        scopes=tuple(record["scopes"]),
        places=tuple(record["places"]),
        created=float(record["created"]),
        expires=float(record["expires"]),
        agencies=tuple(record.get("agencies", ())),
    )
