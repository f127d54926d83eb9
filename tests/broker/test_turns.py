"""What the clock has to do with notifications: throttling, timeInterval, cooldown, timeout, pause, expiry."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.broker.notifier import Notifier, Patience
from mahakam.broker.subscriptions import TURN
from mahakam.broker.turns import take_turns
from support.notify import QUICK, Receiver, changed, entity, set_to, subscription, until


def owed(broker: Broker) -> list[list[Any]]:
    return [json.loads(one.body)["data"] for one in broker.store.owed("urn:s:1")]


def _soon() -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def let_pass(broker: Broker, seconds: float) -> None:
    """As if so much time had passed for the subscription."""
    turn = broker.store.record(TURN, "urn:s:1")
    assert turn is not None
    broker.transact(lambda work: work.save_record(TURN, "urn:s:1", {"next": turn["next"] - seconds}))


def test_throttled_hears_at_once_and_then_of_all_that_changed_meanwhile(broker: Broker) -> None:
    broker.subscriptions.create(subscription(throttling=60))
    for number in (1, 2, 3):
        broker.create(entity(number, 0))
    for value in range(1, 10):
        broker.change("urn:x:1", set_to(value))
    broker.delete("urn:x:3")
    assert [data[0]["id"] for data in owed(broker)] == ["urn:x:1"]
    assert 50 < take_turns(broker.subscriptions) <= 60
    assert len(owed(broker)) == 1
    let_pass(broker, 61)
    take_turns(broker.subscriptions)
    (_, late) = owed(broker)
    assert [(one["id"], one.get("n")) for one in late] == [("urn:x:1", 9), ("urn:x:2", 0)]
    take_turns(broker.subscriptions)
    assert len(owed(broker)) == 2
    let_pass(broker, 61)
    take_turns(broker.subscriptions)  # nothing changed meanwhile
    broker.change("urn:x:2", set_to(5))
    assert len(owed(broker)) == 3


def test_throttled_hears_of_a_deletion_late(broker: Broker) -> None:
    triggers = ["entityCreated", "entityDeleted"]
    broker.subscriptions.create(subscription(throttling=60, notificationTrigger=triggers))
    broker.create(entity(1))
    broker.delete("urn:x:1")
    let_pass(broker, 61)
    take_turns(broker.subscriptions)
    assert owed(broker)[1][0].keys() == {"id", "type", "deletedAt"}


def test_periodic_tells_what_there_is_and_nothing_of_changes(broker: Broker) -> None:
    broker.subscriptions.create(subscription(timeInterval=30, q="n>0"))
    for number in range(3):
        broker.create(entity(number, number))
    take_turns(broker.subscriptions)
    assert owed(broker) == []
    let_pass(broker, 31)
    assert take_turns(broker.subscriptions) <= 30
    assert [[one["id"] for one in data] for data in owed(broker)] == [["urn:x:1", "urn:x:2"]]
    take_turns(broker.subscriptions)
    assert len(owed(broker)) == 1
    let_pass(broker, 30 * 50)  # the node was down: it does not catch up with fifty
    take_turns(broker.subscriptions)
    take_turns(broker.subscriptions)
    assert len(owed(broker)) == 2


def test_periodic_with_many_entities_comes_in_several(broker: Broker) -> None:
    broker.subscriptions.create(subscription(timeInterval=30, entities=[{"type": "Sensor"}, {"type": "*"}]))
    for number in range(1100):
        broker.create(entity(number))
    let_pass(broker, 31)
    take_turns(broker.subscriptions)
    ids = [one["id"] for data in owed(broker) for one in data]
    assert len(ids) == len(set(ids)) == 1100
    assert max(map(len, owed(broker))) == 500


def test_periodic_and_throttled_are_delivered(broker: Broker, notifier: Notifier, receiver: Receiver) -> None:
    broker.create(entity(1))
    broker.subscriptions.create(subscription(receiver.uri, timeInterval=0.2))
    broker.subscriptions.create(subscription(receiver.uri, id="urn:s:2", throttling=0.3))
    broker.change("urn:x:1", set_to(2))
    broker.change("urn:x:1", set_to(3))

    def values(id: str) -> list[int]:
        return [one["data"][0]["n"] for one in list(receiver.got) if one["subscriptionId"] == id]

    until(lambda: len(values("urn:s:1")) >= 3)
    until(lambda: values("urn:s:2") == [2, 3])


def test_slow_receiver_is_given_up_after_its_timeout(
    broker: Broker, notifier: Notifier, receiver: Receiver
) -> None:
    receiver.slow = 1.0
    broker.subscriptions.create(subscription(receiver.uri, endpoint={"timeout": 50}))
    broker.create(entity())
    until(lambda: broker.subscriptions.dead_letters())
    assert "no answer within 0.05 s" in broker.subscriptions.dead_letters()[0].error


def test_cooldown_is_kept_after_a_failure(broker: Broker, notifier: Notifier, receiver: Receiver) -> None:
    receiver.refuse = 1
    broker.subscriptions.create(subscription(receiver.uri, endpoint={"cooldown": 600}))
    broker.create(entity())
    until(lambda: broker.store.owed("urn:s:1")[0].tries)
    postponed = broker.store.owed("urn:s:1")[0]
    assert postponed.due >= postponed.made + 0.6
    until(lambda: receiver.got)
    assert time.time() >= postponed.due


def test_pause_holds_what_is_owed_and_an_end_drops_it(
    broker: Broker, notifier: Notifier, receiver: Receiver
) -> None:
    receiver.refuse = 1000
    slow = Patience(tries=1000, first=0.05, most=0.05, pause=0.05)
    notifier.stop()
    again = Notifier(broker.subscriptions, private_addresses=True, patience=slow)
    again.start()
    try:
        broker.subscriptions.create(subscription(receiver.uri))
        broker.create(entity())
        until(lambda: broker.subscriptions.status("urn:s:1").get("timesFailed"))
        broker.subscriptions.change("urn:s:1", changed(isActive=False))
        receiver.refuse = 0
        broker.change("urn:x:1", set_to(2))
        time.sleep(0.3)
        assert receiver.got == []
        broker.subscriptions.change("urn:s:1", changed(isActive=True))
        until(lambda: receiver.values() == [1])
        receiver.refuse = 1000
        broker.change("urn:x:1", set_to(3))
        until(lambda: broker.store.owing())
        broker.subscriptions.change("urn:s:1", changed(expiresAt=_soon()))
        until(lambda: broker.store.owing() == [])
        assert broker.subscriptions.dead_letters() == []
    finally:
        again.stop()


def test_refused_ones_are_given_up_sooner(broker: Broker, receiver: Receiver) -> None:
    receiver.refuse, receiver.status = 2, 422
    patient = Patience(tries=50, refusals=2, first=0.01, most=0.02, pause=0.05)
    started = Notifier(broker.subscriptions, private_addresses=True, patience=patient)
    started.start()
    try:
        broker.subscriptions.create(subscription(receiver.uri))
        broker.create(entity(1, 1))
        broker.change("urn:x:1", set_to(2))
        until(lambda: receiver.values() == [2])
    finally:
        started.stop()
    assert [one.tries for one in broker.subscriptions.dead_letters()] == [2]


def test_many_slow_receivers_do_not_hold_up_another(
    broker: Broker, notifier: Notifier, receiver: Receiver
) -> None:
    with Receiver() as slow:
        slow.slow = 20.0
        for number in range(60):
            broker.subscriptions.create(subscription(slow.uri, id=f"urn:s:slow{number}"))
        broker.subscriptions.create(subscription(receiver.uri))
        for number in range(50):
            broker.create(entity(number))
        until(lambda: len(receiver.got) == 50, seconds=9.5)
    assert QUICK.tries
