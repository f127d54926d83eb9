"""Notifications signed with a secret that receiver and node share, as Standard Webhooks has it (HMAC-SHA256).

``webhook-signature: v1,BASE64`` is over ``ID.TIMESTAMP.BODY``; the id is the notification's own, so that the receiver
knows one that comes again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time

import orjson

from mahakam.store.protocol import EntityStore, Transaction

KIND = "webhook-secret"
PREFIX = "whsec_"
TOLERANCE = 300
"""Seconds by which a receiver's clock may differ."""


def new_secret(store: EntityStore, subscription: str) -> str:
    """Make (or replace) the secret of a subscription's notifications; shown this once."""
    secret = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    store.write(lambda transaction: transaction.save_record(KIND, subscription, {"secret": secret}))
    return secret


def keep_secret(transaction: Transaction, subscription: str, secret: str) -> None:
    """Sign a subscription's notifications with a secret that there is already; "": sign them no longer."""
    transaction.save_record(KIND, subscription, {"secret": secret} if secret else None)


def secret_of(store: EntityStore, subscription: str) -> str:
    """The secret of a subscription, "" for one that is not signed."""
    return str((store.record(KIND, subscription) or {}).get("secret", ""))


def signed(secret: str, body: bytes, now: float | None = None) -> dict[str, str]:
    """The headers of a signed notification."""
    id, at = str(orjson.loads(body)["id"]), str(int(now or time.time()))
    return {
        "webhook-id": id,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + _digest(secret, id, at, body),
    }


def holds(secret: str, headers: dict[str, str], body: bytes, now: float | None = None) -> bool:
    """Whether headers (names in small letters) and body are from who has the secret, and not too old."""
    id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isdecimal() or abs(int(at) - (now or time.time())) > TOLERANCE:
        return False
    wanted = "v1," + _digest(secret, id, at, body)
    return any(hmac.compare_digest(wanted, one) for one in headers.get("webhook-signature", "").split())


def _digest(secret: str, id: str, at: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
