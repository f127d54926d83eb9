"""What is due and was not done: notices of a breach, backups, keys that end, what waits to be sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mahakam.access.keys import keys as all_keys
from mahakam.operations.finding import Finding, Level
from mahakam.operations.node import Node
from mahakam.services.breach import breaches as all_breaches
from mahakam.services.outbox import KIND as MAIL
from mahakam.services.push import OWED as PUSH
from mahakam.store.backup.taken import last_taken
from mahakam.store.protocol import EntityStore

STALE, TOO_OLD = timedelta(days=2), timedelta(days=7)
"""Since the last backup: one a night is taken, and after a week too much would be lost. A younger node needs none."""
ENDING = timedelta(days=14)
"""Before its end a key is named, so that whoever uses it has the next one in time."""
GONE = timedelta(days=30)
"""After its end it is named no more."""
STUCK = 3600.0
"""Seconds for which something that is due may wait; what cannot be delivered is due again later."""


def breaches(node: Node) -> Iterator[Finding]:
    """Notices that art. 46 of Law 27/2022 wants within 3 x 24 hours."""
    now = datetime.now(UTC)
    for one in all_breaches(node.store.tenant()):
        state = one.state(now)
        if state not in ("over", "soon"):
            continue
        hours = abs(one.left(now)) / timedelta(hours=1)
        level: Level = "error" if state == "over" else "warning"
        what = f"ran out {hours:.0f} hours ago" if state == "over" else f"runs out in {hours:.0f} hours"
        yield Finding(
            "breaches", level, one.id, f"the time for notices {what}; none was sent to: {', '.join(one.owed)}",
            f"mahakam breach text {one.id} --to {one.owed[0]}; send it; mahakam breach notify {one.id}, or /breaches",
        )  # fmt: skip


def backups(node: Node) -> Iterator[Finding]:
    """The last one that ``mahakam backup`` took of this store."""
    store = node.store.tenant()
    now, taken = datetime.now(UTC), last_taken(store)
    began = taken or _began(store)
    if began is None or now - began < STALE or (taken is None and now - began < TOO_OLD):
        return
    days = (now - began).days
    level: Level = "error" if now - began >= TOO_OLD else "warning"
    what = f"the last one was taken {days} days ago" if taken else f"none was taken in {days} days"
    yield Finding(
        "backups", level, str(node.settings.data), what,
        "take one every night: mahakam backup --to FOLDER --keep 14 (docs/backup.md has the timer)",
    )  # fmt: skip


def _began(store: EntityStore) -> datetime | None:
    """When the node's first entry was written, as far as its trail is kept."""
    first = next(iter(store.audit_chain()), None)
    return None if first is None else datetime.fromisoformat(first.at)


def keys(node: Node) -> Iterator[Finding]:
    """API keys that end soon, or have ended a short time ago."""
    now = time.time()
    for key in all_keys(node.store.tenant()):
        left = timedelta(seconds=key.expires - now)
        if not -GONE <= left <= ENDING:
            continue
        days = abs(left) / timedelta(days=1)
        what = f"ends in {days:.0f} days" if left > timedelta(0) else f"ended {days:.0f} days ago"
        yield Finding(
            "keys", "warning", f"{key.name} ({key.id})", f"the API key {what}",
            f'mahakam key add "{key.name}" with the same scopes; when its program has it: mahakam key revoke {key.id}',
        )  # fmt: skip


def stuck(node: Node) -> Iterator[Finding]:
    """What is due and nobody delivers."""
    store = node.store.tenant()
    for name, oldest in (
        ("notifications", _oldest_notification(store)),
        ("mail", _oldest(store, MAIL)),
        ("push", _oldest(store, PUSH)),
    ):
        waits = time.time() - oldest if oldest is not None else 0.0
        if waits > STUCK:
            yield Finding(
                "queues", "error", name, f"something has been due for {waits / 3600:.0f} hours and is not delivered",
                "is the node running, and does one of its processes lead? Look at its log, then start it again",
            )  # fmt: skip


def _oldest_notification(store: EntityStore) -> float | None:
    due = [owed.due for id in store.owing() for owed in store.owed(id, 1)]
    return min(due, default=None)


def _oldest(store: EntityStore, kind: str) -> float | None:
    return min((float(record["due"]) for record in store.records(kind).values()), default=None)
