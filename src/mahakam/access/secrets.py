"""The node's own secrets: made once, kept in the store, the same for all of its workers; what signs can be changed."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from mahakam.store.protocol import EntityStore, Transaction

KIND = "secret"
SIGNING, MARKING = "signing", "marking"
LINKS_DAYS = 365
"""How long links that were given out go on opening after a change, unless it is said otherwise."""
LONGEST_DAYS = 3660
CHANGE = "secret.change"
FRESH = 1.0
"""Seconds for which a process goes on with what it read: each form asks three times, and other processes change it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """``until``: seconds since 1970 to which links that it signed are taken; None for the one that signs now.

    ``long``: residents' keys are of 144 bits; those of nodes from before November 2026 have 120, and go on opening.
    """

    value: str
    long: bool
    made: float = 0.0
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Secrets:
    """The one that signs, and earlier ones whose links are still taken, the newest first."""

    signing: Secret
    earlier: tuple[Secret, ...] = ()

    @property
    def taken(self) -> tuple[Secret, ...]:
        """Those by which a link opens now."""
        now = time.time()
        return (self.signing, *(one for one in self.earlier if one.until is not None and one.until > now))

    def signed(self, given: str, sign: Callable[[Secret], str]) -> bool:
        """Whether a signature is what ``sign`` makes of one of them."""
        wanted = (sign(secret) for secret in self.taken)
        return any(hmac.compare_digest(given.encode(), one.encode()) for one in wanted)


_known: WeakKeyDictionary[EntityStore, tuple[float, Secrets]] = WeakKeyDictionary()
_marking: WeakKeyDictionary[EntityStore, str] = WeakKeyDictionary()


def signing_secret(store: EntityStore) -> str:
    """The secret that signs cookies, form tokens and links; made in one transaction when there is none yet.

    A change by another process is known within a second.
    """
    return secrets_of(store).signing.value


def secrets_of(store: EntityStore) -> Secrets:
    """The secrets that sign, and signed."""
    known = _known.get(store)
    if known is None or not 0 <= time.monotonic() - known[0] < FRESH:
        kept = store.record(KIND, SIGNING) or store.write(_make)
        known = _known[store] = time.monotonic(), _read(kept)
    return known[1]


def marking_secret(store: EntityStore) -> str:
    """The key of hashes by which somebody is found again (consents, who was erased); it never changes.

    What was hashed cannot be hashed anew: only the person knows their address. A store from before the two were
    apart goes on with the secret that signed then.
    """
    known = _marking.get(store)
    if known is None:
        kept = store.record(KIND, MARKING) or store.write(_mark)
        known = _marking[store] = str(kept["value"])
    return known


def hashed(marking: str, use: str, known: str) -> str:
    """The hash of an address or number (``access.known_as``) by which somebody is found again for one use alone."""
    return hmac.digest(marking.encode(), f"{use}:{known}".encode(), "sha256").hex()[:40]


def change(
    store: EntityStore,
    links_days: int = LINKS_DAYS,
    also: Callable[[Transaction], object] = lambda _transaction: None,
) -> Secrets:
    """Sign with a new secret from now on; cookies and forms of the old one end at once.

    ``links_days``: for how long links of the one that signed until now are taken, 0: not at all, nor those of earlier
    ones (somebody else may know them). ``also`` is done in the same transaction. Raises ValueError for days that
    cannot be.
    """
    if not 0 <= links_days <= LONGEST_DAYS:
        raise ValueError(f"links go on opening for 0 to {LONGEST_DAYS} days, not {links_days}")
    marking_secret(store)  # it must be apart before the other one changes

    def work(transaction: Transaction) -> dict[str, Any]:
        before, now = _read(_make(transaction)), time.time()
        ended = Secret(
            before.signing.value, before.signing.long, before.signing.made, now + links_days * 86400
        )
        left = [one for one in (ended, *before.earlier) if one.until is not None and one.until > now]
        made = _new(now) | {"earlier": [_shown(one) for one in left] if links_days else []}
        transaction.save_record(KIND, SIGNING, made)
        transaction.audit(CHANGE, f"{KIND}/{SIGNING}", {"links_days": links_days})
        also(transaction)
        return made

    made = _read(store.write(work))
    _known[store] = time.monotonic(), made
    return made


def carry(store: EntityStore, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Go on, in a store that a backup was put into, with the secrets (:data:`KIND`) of a later one.

    A secret that was changed because somebody knew it does not come back, links that were given out since open, and
    who was marked since is found.
    """

    def work(transaction: Transaction) -> None:
        for name, record in records.items():
            transaction.save_record(KIND, name, dict(record))

    if records:
        store.write(work)
        _known.pop(store, None)
        _marking.pop(store, None)


def _make(transaction: Transaction) -> dict[str, Any]:
    kept = transaction.record(KIND, SIGNING)
    if kept:
        return kept
    made = _new(time.time())
    transaction.save_record(KIND, SIGNING, made)
    if transaction.record(KIND, MARKING) is None:
        transaction.save_record(KIND, MARKING, {"value": secrets.token_urlsafe(48)})
    return made


def _mark(transaction: Transaction) -> dict[str, Any]:
    signing = _make(transaction)
    kept = transaction.record(KIND, MARKING)
    if kept:
        return kept
    made = {"value": signing["value"]}
    transaction.save_record(KIND, MARKING, made)
    return made


def _new(now: float) -> dict[str, Any]:
    return {"value": secrets.token_urlsafe(48), "long": True, "made": now}


def _shown(one: Secret) -> dict[str, Any]:
    return {"value": one.value, "long": one.long, "made": one.made, "until": one.until}


def _read(kept: dict[str, Any]) -> Secrets:
    def one(raw: dict[str, Any]) -> Secret:
        return Secret(str(raw["value"]), bool(raw.get("long")), float(raw.get("made", 0)), raw.get("until"))

    return Secrets(one(kept), tuple(one(raw) for raw in kept.get("earlier", [])))
