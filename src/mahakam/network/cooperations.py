"""Where cooperations are kept: each step is one transaction over what is there now, with the letters it owes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from mahakam.faults import refuse
from mahakam.network.cooperation import MOST_ASKED, About, Cooperation, Party, ask
from mahakam.network.desk import next_key
from mahakam.network.recommendation import Author, Words
from mahakam.store.protocol import EntityStore, Transaction
from mahakam.store.records import change_record

KIND = "network-cooperation"
Tell = Callable[[Transaction, Cooperation], None]
"""Owes the letters about what happened last."""


def cooperations(store: EntityStore) -> list[Cooperation]:
    """The newest first."""
    found = store.records(KIND)
    return [msgspec.convert(found[key], Cooperation) for key in sorted(found, reverse=True)]


def cooperation(store: EntityStore, key: str) -> Cooperation | None:
    kept = store.record(KIND, key)
    return msgspec.convert(kept, Cooperation) if kept else None


def ask_for(
    store: EntityStore,
    asker: Party,
    asked: Party,
    title: str,
    why: Words,
    about: About,
    by: Author,
    at: str,
    tell: Tell,
) -> Cooperation:
    """Keep a request under the year's next number: C-2026-001. Raises Refused, also where a side has MOST_ASKED
    requests that nobody has answered yet."""

    def work(transaction: Transaction) -> Cooperation:
        kept = transaction.records(KIND)
        waiting = sum(
            one["state"] == "asked" and msgspec.convert(one["asker"], Party) == asker for one in kept.values()
        )
        if waiting >= MOST_ASKED:
            raise refuse("form", "waiting", most=MOST_ASKED)
        made = ask(next_key("C", at, kept), asker, asked, title, why, about, by, at)
        transaction.save_record(KIND, made.key, msgspec.to_builtins(made))
        tell(transaction, made)
        return made

    return store.write(work)


def change_cooperation(
    store: EntityStore, key: str, step: Callable[[Cooperation], Cooperation], tell: Tell
) -> Cooperation:
    """Take a step. Raises KeyError for one that there is not, and what the step raises: then nothing is changed."""
    return change_record(store, KIND, key, Cooperation, step, tell)
