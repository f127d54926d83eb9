"""Where recommendations and meetings are kept: each change is one transaction over what is there now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from mahakam.network.meeting import Meeting
from mahakam.network.recommendation import Author, Recommendation, Text, draft
from mahakam.store.protocol import EntityStore, Transaction
from mahakam.store.records import change_record

RECOMMENDATION, MEETING = "network-recommendation", "network-meeting"
Kept = TypeVar("Kept", Recommendation, Meeting)


def recommendations(store: EntityStore) -> list[Recommendation]:
    """The newest first."""
    found = store.records(RECOMMENDATION)
    return [msgspec.convert(found[key], Recommendation) for key in sorted(found, reverse=True)]


def recommendation(store: EntityStore, key: str) -> Recommendation | None:
    kept = store.record(RECOMMENDATION, key)
    return msgspec.convert(kept, Recommendation) if kept else None


def add_recommendation(store: EntityStore, text: Text, meeting: str, by: Author, at: str) -> Recommendation:
    """Keep a draft under the year's next number: R-2026-001. Raises Refused."""

    def work(transaction: Transaction) -> Recommendation:
        key = next_key("R", at, transaction.records(RECOMMENDATION))
        made = draft(key, text, meeting, by, at)
        _save(transaction, RECOMMENDATION, made)
        return made

    return store.write(work)


def change_recommendation(
    store: EntityStore, key: str, step: Callable[[Recommendation], Recommendation]
) -> Recommendation:
    """Take a step. Raises KeyError for one that there is not, and what the step raises: then nothing is changed."""
    return change_record(store, RECOMMENDATION, key, Recommendation, step)


def meetings(store: EntityStore) -> list[Meeting]:
    """The latest first."""
    found = [msgspec.convert(kept, Meeting) for kept in store.records(MEETING).values()]
    return sorted(found, key=lambda one: (one.text.begins, one.key), reverse=True)


def meeting(store: EntityStore, key: str) -> Meeting | None:
    kept = store.record(MEETING, key)
    return msgspec.convert(kept, Meeting) if kept else None


def add_meeting(store: EntityStore, made: Meeting) -> Meeting:
    """Keep a meeting under its first day (the second of a day: 2026-07-20-2)."""

    def work(transaction: Transaction) -> Meeting:
        taken, number, key = transaction.records(MEETING), 1, made.key
        while key in taken:
            number += 1
            key = f"{made.key}-{number}"
        named = msgspec.structs.replace(made, key=key)
        _save(transaction, MEETING, named)
        return named

    return store.write(work)


def change_meeting(store: EntityStore, key: str, step: Callable[[Meeting], Meeting]) -> Meeting:
    """As :func:`change_recommendation`."""
    return change_record(store, MEETING, key, Meeting, step)


def next_key(letter: str, at: str, taken: Iterable[str]) -> str:
    """The year's next number after those that are taken: R-2026-001."""
    start = f"{letter}-{at[:4]}-"
    numbers = [int(key[len(start) :]) for key in taken if key.startswith(start)]
    return f"{start}{max(numbers, default=0) + 1:03d}"


def _save(transaction: Transaction, kind: str, kept: Kept) -> None:
    transaction.save_record(kind, kept.key, msgspec.to_builtins(kept))
