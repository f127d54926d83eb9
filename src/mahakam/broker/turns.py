"""What time owes: periodic notifications, and what throttled subscriptions have not heard yet (clause 5.8.6)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mahakam.broker.clock import now, waits
from mahakam.broker.federation.notices import of_sources
from mahakam.broker.linked import followed, has_links, resolved
from mahakam.broker.notification import Datum, body, of_state
from mahakam.broker.subscriptions import TURN, Subscriptions, late
from mahakam.ngsild.entity import Document
from mahakam.ngsild.subscription import Subscription
from mahakam.store.protocol import Transaction

ENTITIES = 500
"""Most entities of one periodic notification; more come in several."""


def take_turns(subscriptions: Subscriptions) -> float:
    """Owe what is due by the clock; seconds until the next look that may find something."""
    soonest = 3600.0
    for subscription in subscriptions.known().timed():
        if subscription.status(now()) != "active":
            continue
        turn = subscriptions.store.record(TURN, subscription.id)
        wait = waits(turn["next"], period(subscription)) if turn else 0.0
        if wait > 0:
            soonest = min(soonest, wait)
        elif subscription.interval:
            _tell_periodically(subscriptions, subscription)
            soonest = min(soonest, subscription.interval)
        elif turn:
            _tell_late(subscriptions, subscription)
    return soonest


def period(subscription: Subscription) -> float:
    """Seconds from one turn of a subscription to the next."""
    return subscription.interval or subscription.throttling


def _tell_periodically(subscriptions: Subscriptions, subscription: Subscription) -> None:
    """All entities that are subscribed to, as they are now."""
    store = subscriptions.store
    at = now()
    if subscription.about == "registrations":
        bodies = of_sources(subscriptions, subscription, at)
    else:
        bodies = [
            body(subscription, of_state(subscription, documents, store.document), at)
            for documents in _pages(subscriptions, subscription)
        ]

    def work(transaction: Transaction) -> None:
        turn = transaction.record(TURN, subscription.id)
        if turn is None or waits(turn["next"], subscription.interval) > 0:
            return
        for one in bodies:
            transaction.owe(subscription.id, "", one)
        # A node that was down does not catch up: the next one is an interval away.
        due = min(turn["next"], time.time())
        missed = (time.time() - due) // subscription.interval
        following = due + (missed + 1) * subscription.interval
        transaction.save_record(TURN, subscription.id, {"next": following})

    store.write(work)


def _pages(subscriptions: Subscriptions, subscription: Subscription) -> Iterator[list[Document]]:
    seen: set[str] = set()
    page: list[Document] = []
    for selection in subscription.selections():
        for document in subscriptions.store.scan(resolved(selection, subscriptions.store)):
            if document["id"] in seen:
                continue
            seen.add(document["id"])
            page.append(document)
            if len(page) == ENTITIES:
                yield page
                page = []
    if page:
        yield page


def _tell_late(subscriptions: Subscriptions, subscription: Subscription) -> None:
    """In one notification all entities that changed meanwhile, as they are now; then the next pause begins."""

    def work(transaction: Transaction) -> None:
        turn = transaction.record(TURN, subscription.id)
        if turn is None or waits(turn["next"], subscription.throttling) > 0:
            return
        records = transaction.records(late(subscription.id))
        if not records:
            transaction.save_record(TURN, subscription.id, None)
            return
        data: list[Datum] = []
        for id, record in records.items():
            transaction.save_record(late(subscription.id), id, None)
            document = transaction.get(id)
            if document is None and record["gone"] is not None:
                data.append(Datum({"id": id}, record["gone"]))
            elif document is not None and _selects(subscription, document, transaction):
                data += of_state(subscription, [document], transaction.get)
        if data:
            transaction.owe(subscription.id, "", body(subscription, data, now()))
            transaction.save_record(TURN, subscription.id, {"next": time.time() + subscription.throttling})

    subscriptions.store.write(work)


def _selects(subscription: Subscription, document: Document, transaction: Transaction) -> bool:
    condition = subscription.condition
    if condition is not None and has_links(condition):
        condition = followed(condition, document, transaction.get)
    return subscription.selects(document, condition)
