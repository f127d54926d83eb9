"""A clock that was put back: what was to be told at a time that now lies days ahead is told at once."""

from __future__ import annotations

import time

from mahakam.broker.broker import Broker
from mahakam.broker.clock import waits
from mahakam.broker.notifier import Notifier
from mahakam.broker.subscriptions import TURN
from support.notify import QUICK, Receiver, entity, set_to, subscription, until

DAYS = 2 * 86_400.0


def test_what_was_to_be_tried_again_is_not_waited_for(broker: Broker) -> None:
    with Receiver() as receiver:
        broker.subscriptions.create(subscription(receiver.uri))
        broker.create(entity(1, 5))
        store = broker.subscriptions.store
        (owed,) = store.owed("urn:s:1")
        store.write(lambda transaction: transaction.postpone(owed.number, time.time() + DAYS, "it was away"))
        notifier = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK)
        notifier.start()
        try:
            until(lambda: receiver.got)
        finally:
            notifier.stop()


def test_a_throttled_subscription_is_told(broker: Broker, notifier: Notifier) -> None:
    with Receiver() as receiver:
        broker.subscriptions.create(subscription(receiver.uri, throttling=3600))
        store = broker.subscriptions.store
        store.write(
            lambda transaction: transaction.save_record(TURN, "urn:s:1", {"next": time.time() + DAYS})
        )
        broker.create(entity(1, 5))
        until(lambda: receiver.got)
        broker.change("urn:x:1", set_to(6))
        turn = store.record(TURN, "urn:s:1")
        assert turn is not None
        assert 0 < turn["next"] - time.time() <= 3600


def test_a_periodic_subscription_is_told(broker: Broker, notifier: Notifier) -> None:
    with Receiver() as receiver:
        broker.create(entity(1, 5))
        broker.subscriptions.create(subscription(receiver.uri, timeInterval=3600))
        store = broker.subscriptions.store
        store.write(
            lambda transaction: transaction.save_record(TURN, "urn:s:1", {"next": time.time() + DAYS})
        )
        until(lambda: receiver.got)
        until(lambda: 0 < (store.record(TURN, "urn:s:1") or {"next": 0})["next"] - time.time() <= 3600)


def test_only_what_a_clock_put_back_explains_is_not_waited_for() -> None:
    assert 50 < waits(time.time() + 60, 60) <= 60
    assert waits(time.time() - 60, 60) < 0
    assert waits(time.time() + DAYS, 60) == 0
