"""The node's own secret: made once, kept in the store, the same for all of its workers."""

from __future__ import annotations

import secrets
from weakref import WeakKeyDictionary

from mahakam.store.protocol import EntityStore, Transaction

_KIND, _KEY = "secret", "signing"
_known: WeakKeyDictionary[EntityStore, str] = WeakKeyDictionary()
"""It never changes, and each form asks for it three times."""


def signing_secret(store: EntityStore) -> str:
    """The secret that signs cookies and form tokens; made in one transaction when there is none yet."""
    known = _known.get(store)
    if known is None:
        kept = store.record(_KIND, _KEY)
        known = _known[store] = str(kept["value"]) if kept else store.write(_make)
    return known


def _make(transaction: Transaction) -> str:
    kept = transaction.record(_KIND, _KEY)
    if kept:
        return str(kept["value"])
    value = secrets.token_urlsafe(48)
    transaction.save_record(_KIND, _KEY, {"value": value})
    return value
