"""The node's own secret: made once, kept in the store, the same for all of its workers."""

from __future__ import annotations

import secrets

from mahakam.store.protocol import EntityStore, Transaction

_KIND, _KEY = "secret", "signing"


def signing_secret(store: EntityStore) -> str:
    """The secret that signs cookies and form tokens; made in one transaction when there is none yet."""
    kept = store.record(_KIND, _KEY)
    return str(kept["value"]) if kept else store.write(_make)


def _make(transaction: Transaction) -> str:
    kept = transaction.record(_KIND, _KEY)
    if kept:
        return str(kept["value"])
    value = secrets.token_urlsafe(48)
    transaction.save_record(_KIND, _KEY, {"value": value})
    return value
