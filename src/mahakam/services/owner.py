"""The resident's own key to a request: whoever has it may answer, withdraw, reopen and rate; nobody can guess it."""

from __future__ import annotations

import base64
import hashlib
import hmac

from mahakam.access.secrets import signing_secret
from mahakam.store.protocol import EntityStore

_BYTES = 15


def key_of(store: EntityStore, number: str) -> str:
    """The key of a request, 20 characters; given once, with the number."""
    message = f"request:{number}".encode()
    digest = hmac.new(signing_secret(store).encode(), message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_BYTES]).decode()


def owns(store: EntityStore, number: str, key: str) -> bool:
    """Whether this is the key of the request."""
    return hmac.compare_digest(key.encode(), key_of(store, number).encode())
