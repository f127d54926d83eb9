"""How often an address may do what costs others something; counted in the store, over all workers."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from mahakam.store.protocol import EntityStore, Transaction

KIND = "attempt"
WINDOW = 15 * 60
"""Seconds over which failures are counted."""
LIMITS = {"both": 5, "address": 30, "name": 60}
"""Failures allowed in the window: of one address for one name, of one address, for one name from anywhere.

The last is high, so that a stranger cannot lock an officer out with a handful of wrong passwords.
"""


def seconds_to_wait(store: EntityStore, name: str, address: str) -> int:
    """0, or how long the next attempt must wait."""
    now = time.time()
    waits = [0.0]
    for what, key in _keys(name, address).items():
        recent = _recent(store.record(KIND, key), now)
        if len(recent) >= LIMITS[what]:
            waits.append(recent[-LIMITS[what]] + WINDOW - now)
    return int(max(waits) + 0.999)


def count_failure(store: EntityStore, name: str, address: str) -> None:
    """Remember a failed attempt; what is older than the window is swept out."""
    now = time.time()
    stale = [key for key, record in store.records(KIND).items() if not _recent(record, now)]

    def work(transaction: Transaction) -> None:
        for key in stale:
            transaction.save_record(KIND, key, None)
        for what, key in _keys(name, address).items():
            times = [*_recent(transaction.record(KIND, key), now), now][-LIMITS[what] :]
            transaction.save_record(KIND, key, {"times": times})

    store.write(work)


def forget_failures(store: EntityStore, name: str, address: str) -> None:
    """A sign-in that worked clears what that address had got wrong for that name."""
    key = _keys(name, address)["both"]
    if store.record(KIND, key):
        store.write(lambda transaction: transaction.save_record(KIND, key, None))


def take(store: EntityStore, what: str, address: str, limit: int, window: int) -> int:
    """Use one of an address's ``limit`` turns in ``window`` seconds; 0, or the seconds until the next."""
    key, now = hashlib.sha256(address.encode()).hexdigest()[:32], time.time()
    kind = f"turns-{what}"
    stale = [old for old, record in store.records(kind).items() if record["times"][-1] <= now - window]

    def work(transaction: Transaction) -> int:
        for old in stale:
            transaction.save_record(kind, old, None)
        kept: list[float] = (transaction.record(kind, key) or {"times": []})["times"]
        times = [at for at in kept if at > now - window]
        if len(times) >= limit:
            return int(times[-limit] + window - now) + 1
        transaction.save_record(kind, key, {"times": [*times, now]})
        return 0

    return store.write(work)


def _recent(record: dict[str, Any] | None, now: float) -> list[float]:
    return [at for at in (record or {}).get("times", ()) if at > now - WINDOW]


def _keys(name: str, address: str) -> dict[str, str]:
    """Hashed: somebody who types a password into the name's field must not find it in the store."""
    parts = {"both": f"{name}\n{address}", "address": address, "name": name}
    return {what: what + ":" + hashlib.sha256(text.encode()).hexdigest()[:32] for what, text in parts.items()}
