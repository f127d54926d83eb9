"""Where questions are kept: each step is one transaction over what is there now."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from mahakam.faults import refuse
from mahakam.network.desk import next_key
from mahakam.network.question import Link, Question, Said, ask
from mahakam.store.protocol import EntityStore, Transaction
from mahakam.store.records import change_record

KIND = "network-question"
Tell = Callable[[Transaction, Question], None]
"""Owes the letters about what happened last, in the transaction of the step."""
MOST_OPEN = 50


def questions(store: EntityStore) -> list[Question]:
    """The newest first."""
    found = store.records(KIND)
    return [msgspec.convert(found[key], Question) for key in sorted(found, reverse=True)]


def question(store: EntityStore, key: str) -> Question | None:
    kept = store.record(KIND, key)
    return msgspec.convert(kept, Question) if kept else None


def add_question(store: EntityStore, said: Said, links: tuple[Link, ...]) -> Question:
    """Keep a question under the year's next number: Q-2026-001. Raises Refused, also where somebody has MOST_OPEN that
    wait for an answer."""

    def work(transaction: Transaction) -> Question:
        kept = transaction.records(KIND)
        there = (msgspec.convert(one, Question) for one in kept.values())
        if sum(one.by.account == said.by.account and one.state == "open" for one in there) >= MOST_OPEN:
            raise refuse("form", "many", most=MOST_OPEN)
        made = ask(next_key("Q", said.at, kept), said, links)
        transaction.save_record(KIND, made.key, msgspec.to_builtins(made))
        return made

    return store.write(work)


def change_question(
    store: EntityStore, key: str, step: Callable[[Question], Question], tell: Tell | None = None
) -> Question:
    """Take a step. Raises KeyError for one that there is not, and what the step raises: then nothing is changed."""
    return change_record(store, KIND, key, Question, step, tell)
