"""Access tokens of applications (OAuth 2.0, RFC 6749, 4.4): a key is exchanged for one that lasts some minutes.

The client is an API key: its id names it, the key itself is its secret. A token has no more rights than the key, and
none once the key is revoked or over. The store has its SHA-256.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.access.keys import KIND as KEY
from mahakam.access.keys import PREFIX, TOKEN, TOKEN_PREFIX, digest_of
from mahakam.store.protocol import EntityStore, Transaction

LASTS = 15 * 60
"""Seconds for which a token holds."""


@dataclass(frozen=True, slots=True)
class Token:
    """``secret`` is shown once. ``expires_in``: seconds."""

    secret: str
    scopes: tuple[str, ...]
    expires_in: int


class NoSuchClient(Exception):
    """The id and the secret are of no key that holds."""


class WrongScope(ValueError):
    """A scope that the client does not have; says which it has."""


def client_name(store: EntityStore, client: str, secret: str) -> str:
    """The name of the key that authenticates so. Raises NoSuchClient."""
    return str(_key(store, client, secret)["name"])


def issue(store: EntityStore, client: str, secret: str, scope: str = "") -> Token:
    """A token of the key, for the scopes that are asked for, with blanks between ("": all that it has).

    Raises NoSuchClient, WrongScope.
    """
    key = _key(store, client, secret)
    asked = tuple(dict.fromkeys(scope.split())) or tuple(key["scopes"])
    beyond = [one for one in asked if one not in key["scopes"]]
    if beyond:
        raise WrongScope(f"{beyond[0][:40]!r} is not among this key's scopes: {' '.join(key['scopes'])}")
    now = time.time()
    expires = min(now + LASTS, float(key["expires"]))
    value = TOKEN_PREFIX + secrets.token_urlsafe(32)
    over = [old for old, record in store.records(TOKEN).items() if record["expires"] <= now]
    record = {"key": digest_of(secret), "scopes": list(asked), "expires": expires}

    def work(transaction: Transaction) -> None:
        for old in over:
            transaction.save_record(TOKEN, old, None)
        transaction.save_record(TOKEN, digest_of(value), record)
        transaction.audit("token.issue", f"key/{client}", {"scopes": list(asked)})

    store.write(work)
    return Token(value, asked, max(1, int(expires - now)))


def revoke(store: EntityStore, client: str, secret: str, token: str) -> None:
    """End a token of this client; one that there is not, or that is another's, is left (RFC 7009, 2.2).

    Raises NoSuchClient.
    """
    _key(store, client, secret)
    digest = digest_of(token)

    def work(transaction: Transaction) -> None:
        record = transaction.record(TOKEN, digest)
        if record is not None and record["key"] == digest_of(secret):
            transaction.save_record(TOKEN, digest, None)
            transaction.audit("token.revoke", f"key/{client}")

    if store.record(TOKEN, digest) is not None:
        store.write(work)


def challenge(status: int, authorization: str | None) -> str:
    """The WWW-Authenticate header of a refusal (RFC 6750, 3); "" for an answer that is none."""
    if status == 401:
        return 'Bearer realm="mahakam"' + (', error="invalid_token"' if authorization else "")
    if status == 403 and authorization:
        return 'Bearer realm="mahakam", error="insufficient_scope"'
    return ""


def _key(store: EntityStore, client: str, secret: str) -> Mapping[str, Any]:
    digest = digest_of(secret)
    record = store.record(KEY, digest) if secret.startswith(PREFIX) and len(secret) <= 100 else None
    if (
        record is None
        or len(client) != 12
        or not digest.startswith(client)
        or record["expires"] <= time.time()
    ):
        raise NoSuchClient
    return record
