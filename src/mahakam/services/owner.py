"""The resident's own key to a request: whoever has it may answer, withdraw, reopen and rate; nobody can guess it."""

from __future__ import annotations

import base64
import hashlib
import hmac

from mahakam.access.secrets import Secret, secrets_of
from mahakam.store.protocol import EntityStore

_BYTES, _BYTES_BEFORE = 18, 15


def key_of(store: EntityStore, number: str) -> str:
    """The key of a request, 24 characters (20, of a node from before November 2026); given once, with the number."""
    return _key(secrets_of(store).signing, number)


def owns(store: EntityStore, number: str, key: str) -> bool:
    """Whether this is the key of the request, or one that was given before the node's secret changed."""
    return secrets_of(store).signed(key, lambda secret: _key(secret, number))


def _key(secret: Secret, number: str) -> str:
    digest = hmac.new(secret.value.encode(), f"request:{number}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[: _BYTES if secret.long else _BYTES_BEFORE]).decode()
