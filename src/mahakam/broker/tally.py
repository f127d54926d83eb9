"""What came of deliveries, a subscription: each process that delivers counts its own, and whoever asks adds them up.

So no process waits for another one's counting, though they deliver the notifications of one subscription side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mahakam.store.protocol import EntityStore, Transaction

STATUS = "subscription-status"
"""Records of counters and times: ``timesSent``, ``lastNotification`` and the like, of the process with slot 0."""
SLOTS = "subscription-slots"
"""Records that name the other slots that ever counted."""
_SUMS = ("timesSent", "timesFailed")


def kind_of(slot: int) -> str:
    """The kind of the records of a process."""
    return f"{STATUS} {slot}" if slot else STATUS


def _kinds(source: EntityStore | Transaction) -> list[str]:
    return [STATUS, *(kind_of(int(slot)) for slot in source.records(SLOTS))]


def added(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Counters added, of times the latest, and the error of the latest failure."""
    found: dict[str, Any] = {}
    for one in parts:
        error = one.get("lastError") if one.get("lastFailure", "") >= found.get("lastFailure", "") else None
        for name, value in one.items():
            if name in _SUMS:
                found[name] = found.get(name, 0) + value
            elif name != "lastError":
                found[name] = max(found.get(name, value), value)
        if error is not None:
            found["lastError"] = error
    return found


class Tally:
    """The counts of one tenant, as far as they are in the store and as this process knows them before they are."""

    def __init__(self, store: EntityStore) -> None:
        self._store = store
        self._fresh: dict[str, tuple[str, dict[str, Any]]] = {}

    def heard(self, id: str, slot: int, status: dict[str, Any] | None) -> None:
        """What is known of a delivery before it is in the store; None once it is."""
        if status is None:
            self._fresh.pop(id, None)
        else:
            self._fresh[id] = kind_of(slot), status

    def of(self, id: str) -> dict[str, Any]:
        fresh = self._fresh.get(id)
        parts = {kind: self._store.record(kind, id) or {} for kind in _kinds(self._store)}
        if fresh is not None:
            parts[fresh[0]] = fresh[1]
        return added(parts.values())

    def all(self) -> dict[str, dict[str, Any]]:
        """Of all subscriptions of which anything is known, by id."""
        parts: dict[str, dict[str, dict[str, Any]]] = {}
        for kind in _kinds(self._store):
            for id, status in self._store.records(kind).items():
                parts.setdefault(id, {})[kind] = status
        for id, (kind, status) in list(self._fresh.items()):
            parts.setdefault(id, {})[kind] = status
        return {id: added(of.values()) for id, of in parts.items()}


def save(transaction: Transaction, slot: int, id: str, status: dict[str, Any]) -> None:
    """Keep what a process has counted."""
    if slot and transaction.record(SLOTS, str(slot)) is None:
        transaction.save_record(SLOTS, str(slot), {})
    transaction.save_record(kind_of(slot), id, status)


def forget(transaction: Transaction, id: str) -> None:
    """Of a subscription that ends."""
    for kind in _kinds(transaction):
        transaction.save_record(kind, id, None)
