"""Where notices are kept: each step is one transaction over what is there now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec

from mahakam.faults import refuse
from mahakam.network.cooperation import Party
from mahakam.network.desk import next_key
from mahakam.network.notice import MOST_OPEN, Notice, Text, post
from mahakam.network.recommendation import Author
from mahakam.store.protocol import EntityStore, Transaction
from mahakam.store.records import change_record

KIND = "network-notice"
Tell = Callable[[Transaction, Notice], None]
"""Owes the letters about what happened last, in the transaction of the step."""


def notices(store: EntityStore) -> list[Notice]:
    """The newest first."""
    found = store.records(KIND)
    return [msgspec.convert(found[key], Notice) for key in sorted(found, reverse=True)]


def notice(store: EntityStore, key: str) -> Notice | None:
    kept = store.record(KIND, key)
    return msgspec.convert(kept, Notice) if kept else None


def add_notice(
    store: EntityStore, party: Party, text: Text, by: Author, at: str, day: dt.date, tell: Tell | None = None
) -> Notice:
    """Keep a notice under the year's next number: N-2026-001. Raises Refused, also where a side has MOST_OPEN that are
    not closed."""

    def work(transaction: Transaction) -> Notice:
        kept = transaction.records(KIND)
        there = [msgspec.convert(one, Notice) for one in kept.values()]
        if sum(one.party == party and one.state != "closed" for one in there) >= MOST_OPEN:
            raise refuse("form", "many", most=MOST_OPEN)
        made = post(next_key("N", at, kept), party, text, by, at, day)
        transaction.save_record(KIND, made.key, msgspec.to_builtins(made))
        if tell:
            tell(transaction, made)
        return made

    return store.write(work)


def change_notice(
    store: EntityStore, key: str, step: Callable[[Notice], Notice], tell: Tell | None = None
) -> Notice:
    """Take a step. Raises KeyError for one that there is not, and what the step raises: then nothing is changed."""
    return change_record(store, KIND, key, Notice, step, tell)
