"""What a hub asks a city's node for, counted so that the city can see it: by operation and type, not by entity."""

from __future__ import annotations

import threading
import time

from mahakam.store.protocol import EntityStore, Transaction

FLUSH = 30.0
"""Seconds in which what one process counts of one question is written once at most."""
_MOST = 200
_LONGEST = 120

_lock = threading.Lock()
_counts: dict[tuple[int, str, str], int] = {}
_written: dict[tuple[int, str, str], float] = {}


def kind(hub: str) -> str:
    """The kind of the records: operation and type → ``count``, ``first``, ``last`` (seconds since 1970)."""
    return f"share-asked {hub}"


def note(store: EntityStore, hub: str, operation: str, types: str) -> None:
    """A hub has asked: written by and by, so that a question does not cost a write."""
    what = f"{operation} {types}".strip()[:_LONGEST]
    key, at = (id(store), hub, what), time.monotonic()
    with _lock:
        count = _counts.get(key, 0) + 1
        if at - _written.get(key, -FLUSH) < FLUSH:
            _counts[key] = count
            return
        if len(_written) > 10 * _MOST:
            _written.clear()
        _counts.pop(key, None)
        _written[key] = at
    now = time.time()

    def work(transaction: Transaction) -> None:
        known = transaction.record(kind(hub), what)
        if known is None and len(transaction.records(kind(hub))) >= _MOST:
            return
        before = known or {"count": 0, "first": now}
        transaction.save_record(kind(hub), what, {**before, "count": before["count"] + count, "last": now})

    store.submit(work)


def asked(store: EntityStore, hub: str) -> list[dict[str, object]]:
    """What a hub asked for lately, the latest first: ``what``, ``count``, ``first``, ``last``."""
    found = [{"what": what, **one} for what, one in store.records(kind(hub)).items()]
    return sorted(found, key=lambda one: -float(one["last"]))
