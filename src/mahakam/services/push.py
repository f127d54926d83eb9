"""News to the browsers of those who asked for it: Web Push (RFC 8030), encrypted for each (RFC 8291), signed with the
node's own key (VAPID, RFC 8292). A browser's address is a private record beside the request, as a mail address is."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from mahakam.addresses import host_problem
from mahakam.broker.endpoint import endpoint_problem
from mahakam.broker.http_sender import CheckedResolver
from mahakam.store.protocol import EntityStore, Transaction

KIND, OWED = "request-push", "push"
MOST = 200
"""Browsers that may follow one request."""
_KEYS = "push-keys", "vapid"
_LONGEST_ENDPOINT = 1000
_LONGEST_PAYLOAD = 3000
"""Bytes; with what the encryption adds it stays below the 4096 that every push service takes (RFC 8030, 7.2)."""
_TTL = 3 * 24 * 3600
"""Seconds for which the push service keeps news for a browser that is not there."""
_TRIES, _FIRST, _LONGEST_WAIT, BATCH = 12, 30.0, 6 * 3600.0, 100
_log = logging.getLogger(__name__)


class PushError(ValueError):
    """A subscription that is none: says what is wrong."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A push subscription: its URL at the push service, its public key and secret (base64url), its reader.

    ``owner``: it belongs to the resident who reported.
    """

    endpoint: str
    p256dh: str
    auth: str
    language: str
    owner: bool = False

    def problem(self, *, private_addresses: bool) -> str:
        """Why nothing can be sent there, as far as it shows; "" if it can. ``http`` only where private addresses
        are allowed: RFC 8030 wants ``https``."""
        if len(self.endpoint) > _LONGEST_ENDPOINT:
            return "the endpoint is too long"
        scheme = self.endpoint.partition(":")[0]
        if scheme != "https" and not (scheme == "http" and private_addresses):
            return "the endpoint is an https URL"
        if said := endpoint_problem(self.endpoint, private_addresses=private_addresses):
            return said
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(self.p256dh))
        except (ValueError, binascii.Error):
            return "p256dh is an uncompressed point of P-256 in base64url"
        try:
            known = len(_bytes(self.auth)) == 16
        except (ValueError, binascii.Error):
            known = False
        return "" if known else "auth is 16 bytes in base64url"


def public_key(store: EntityStore) -> str:
    """What a browser must know to subscribe (``applicationServerKey``), base64url."""
    return str((store.record(*_KEYS) or store.write(_made))["public"])


def subscribe(
    store: EntityStore,
    number: str,
    browser: Browser,
    told: int,
    also: Callable[[Transaction], object] = lambda _transaction: None,
    *,
    private_addresses: bool,
) -> bool:
    """Let a browser follow a request from its step ``told`` on; False if too many do. ``also`` is done with it.

    Raises PushError.
    """
    if said := browser.problem(private_addresses=private_addresses):
        raise PushError(said)

    def work(transaction: Transaction) -> bool:
        kept = _kept(transaction.record(KIND, number) or {"told": told})
        key = _key(browser.endpoint)
        if key not in kept["browsers"] and len(kept["browsers"]) >= MOST:
            return False
        kept["browsers"][key] = asdict(browser)
        transaction.save_record(KIND, number, kept)
        also(transaction)
        return True

    return store.write(work)


def unsubscribe(
    store: EntityStore,
    number: str,
    endpoint: str,
    also: Callable[[Transaction], object] = lambda _transaction: None,
) -> None:
    """Forget a browser; only it and the push service know its endpoint. ``also`` is done with it."""

    def work(transaction: Transaction) -> None:
        _forget(transaction, number, endpoint)
        also(transaction)

    store.write(work)


def drop_owner(transaction: Transaction, number: str) -> None:
    """Forget the browsers of whoever sent the request, and what is owed to them."""
    kept = _kept(transaction.record(KIND, number))
    left = {key: raw for key, raw in kept["browsers"].items() if not raw["owner"]}
    if left != kept["browsers"]:
        transaction.save_record(KIND, number, kept | {"browsers": left} if left else None)
    for key, raw in transaction.records(OWED).items():
        if raw["number"] == number and raw["browser"].get("owner"):
            transaction.save_record(OWED, key, None)


def name_of(endpoint: str) -> str:
    """What tells browsers apart that follow one request, and leads to none of them."""
    return _key(endpoint)[:16]


def owe(transaction: Transaction, number: str, steps: int, words: Mapping[Browser, Mapping[str, str]]) -> int:
    """Put what each browser is told of the first ``steps`` steps into the outbox; how many."""
    kept = _kept(transaction.record(KIND, number))
    at = time.time()
    for place, (browser, said) in enumerate(words.items()):
        key = f"{int(at * 1000):014d}-{number}-{place:04d}"
        owed = {"number": number, "browser": asdict(browser), "said": dict(said)}
        transaction.save_record(OWED, key, owed | {"due": at, "tries": 0, "until": at + _TTL})
    transaction.save_record(KIND, number, kept | {"told": steps})
    return len(words)


def remind(
    transaction: Transaction, number: str, until: dt.datetime, words: Mapping[Browser, Mapping[str, str]]
) -> int:
    """Put a reminder for each browser into the outbox, of no use after ``until``; how many. It takes the place of no
    news, and no news of it."""
    at = time.time()
    for place, (browser, said) in enumerate(words.items()):
        key = f"{int(at * 1000):014d}-{number}-reminder-{place:04d}"
        owed = {"number": number, "browser": asdict(browser), "said": dict(said), "topic": "reminder"}
        transaction.save_record(OWED, key, owed | {"due": at, "tries": 0, "until": until.timestamp()})
    return len(words)


def told(record: Mapping[str, Any] | None) -> tuple[int, list[Browser]]:
    """How many steps were told, and to whom news go."""
    kept = _kept(record)
    return int(kept["told"]), [Browser(**raw) for raw in kept["browsers"].values()]


class Pusher:
    """Sends what is owed, from one process of all that share the store. ``subject``: a mailto: or https: address
    under which the push service finds who runs the node (RFC 8292, 2.1)."""

    def __init__(self, store: EntityStore, subject: str, *, private_addresses: bool) -> None:
        self._store = store
        self._subject = subject
        self._private = private_addresses
        self._vapid = _vapid(store)

    async def deliver(self, now: float | None = None) -> int:
        """Send what is due; how many the push services took. What fails is tried again later."""
        at = time.time() if now is None else now
        owed = sorted(self._store.records(OWED).items())
        due = [(key, raw) for key, raw in owed if raw["due"] <= at][:BATCH]
        if not due:
            return 0
        taken = 0
        connector = aiohttp.TCPConnector(resolver=CheckedResolver(self._private))
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session:
            for key, raw in due:
                if raw.get("topic") and raw["until"] <= at:
                    self._store.write(lambda t, k=key: t.save_record(OWED, k, None))  # type: ignore[misc]
                    continue
                status = await self._send(session, Browser(**raw["browser"]), raw)
                self._store.write(lambda t, k=key, r=raw, s=status: _settle(t, k, r, s, at))  # type: ignore[misc]
                taken += 200 <= status < 300
        return taken

    async def _send(self, session: aiohttp.ClientSession, browser: Browser, raw: Mapping[str, Any]) -> int:
        """The push service's status; 0 if it cannot be reached."""
        if said := host_problem(urlsplit(browser.endpoint).hostname or ""):
            _log.info("%s", said)  # it may be listed again before the news is old
            return 0
        if browser.problem(private_addresses=self._private):
            return 410
        headers = {
            **self._vapid.sign({"sub": self._subject, "aud": _origin(browser.endpoint)}),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(_ttl(raw)),
            "Topic": _key(raw["number"] + raw.get("topic", ""))[:32],
            "Urgency": "normal",
        }
        try:
            async with session.post(
                browser.endpoint,
                data=encrypted(browser, json.dumps(raw["said"]).encode()),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=20),
                allow_redirects=False,
            ) as answer:
                return answer.status
        except (TimeoutError, OSError, ValueError, aiohttp.ClientError) as error:
            _log.info("%s takes no news: %s", _origin(browser.endpoint), error or type(error).__name__)
            return 0


def encrypted(browser: Browser, payload: bytes) -> bytes:
    """The payload as only this browser can read it (RFC 8291): a new key pair and salt each time."""
    if len(payload) > _LONGEST_PAYLOAD:
        raise ValueError(f"a push message has at most {_LONGEST_PAYLOAD} bytes, not {len(payload)}")
    made: bytes = http_ece.encrypt(
        payload,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=_bytes(browser.p256dh),
        auth_secret=_bytes(browser.auth),
        version="aes128gcm",
    )
    return made


def _ttl(raw: Mapping[str, Any]) -> int:
    """Seconds for which the push service may keep it: a reminder only until what it reminds of."""
    return min(_TTL, max(int(raw["until"] - time.time()), 0))


def _settle(transaction: Transaction, key: str, raw: Mapping[str, Any], status: int, at: float) -> None:
    transaction.save_record(OWED, key, None)
    if status in (404, 410):  # the browser is gone (RFC 8030, 7.3)
        _forget(transaction, raw["number"], raw["browser"]["endpoint"])
    elif status == 0 or status == 429 or status >= 500:
        tries = raw["tries"] + 1
        if tries >= _TRIES or at > raw["until"]:
            _log.warning("news to a browser are given up after %d tries", tries)
            return
        pause = min(_FIRST * 2 ** (tries - 1), _LONGEST_WAIT) * random.uniform(0.9, 1.1)  # noqa: S311
        transaction.save_record(OWED, key, dict(raw) | {"tries": tries, "due": at + pause})
    elif not 200 <= status < 300:
        _log.warning("a push service refuses news: %d", status)


def _forget(transaction: Transaction, number: str, endpoint: str) -> None:
    kept = _kept(transaction.record(KIND, number))
    if kept["browsers"].pop(_key(endpoint), None) is not None:
        transaction.save_record(KIND, number, kept if kept["browsers"] else None)


def _vapid(store: EntityStore) -> Vapid02:
    """The node's key pair: made in one transaction when there is none yet, the same for all of its workers."""
    kept = store.record(*_KEYS) or store.write(_made)
    return Vapid02.from_pem(str(kept["private"]).encode())


def _made(transaction: Transaction) -> dict[str, Any]:
    kept = transaction.record(*_KEYS)
    if kept:
        return kept
    made = Vapid02()
    made.generate_keys()
    point = made.public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    public = base64.urlsafe_b64encode(point).decode().rstrip("=")
    fresh = {"private": made.private_pem().decode(), "public": public}
    transaction.save_record(*_KEYS, fresh)
    return fresh


def _kept(record: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"told": 0, "browsers": {}} | dict(record or {})


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _origin(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
