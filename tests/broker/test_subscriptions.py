"""Subscriptions and their delivery, to a real HTTP receiver."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.broker.endpoint import endpoint_problem
from mahakam.broker.notifier import Notifier
from mahakam.ngsild.context import Context
from mahakam.ngsild.problem import Problem
from mahakam.store.opening import open_store
from mahakam.store.protocol import Store
from support.notify import QUICK, Receiver, entity, set_to, subscription, until


def owed(broker: Broker, id: str = "urn:s:1") -> list[dict[str, Any]]:
    """What a subscription is owed."""
    return [json.loads(one.body) for one in broker.store.owed(id)]


def test_change_is_delivered_with_what_it_is(broker: Broker, notifier: Notifier, receiver: Receiver) -> None:
    info = [{"key": "X-Key", "value": "secret"}]
    broker.subscriptions.create(subscription(receiver.uri, endpoint={"receiverInfo": info}))
    broker.create(entity(1, 5))
    broker.create(entity(2, 6, "Other"))
    until(lambda: receiver.got)
    note = receiver.got[0]
    assert (note["type"], note["subscriptionId"]) == ("Notification", "urn:s:1")
    assert note["data"] == [{"id": "urn:x:1", "type": "Sensor", "n": 5}]
    assert receiver.headers[0]["X-Key"] == "secret"
    until(lambda: broker.store.owing() == [])
    assert len(receiver.got) == 1
    assert broker.subscriptions.status("urn:s:1")["timesSent"] == 1


def test_order_per_entity_holds_through_failures(
    broker: Broker, notifier: Notifier, receiver: Receiver
) -> None:
    receiver.refuse = 2
    broker.subscriptions.create(subscription(receiver.uri))
    broker.create(entity(1, 0))
    for value in range(1, 10):
        broker.change("urn:x:1", set_to(value))
    until(lambda: len(receiver.got) == 10)
    assert receiver.values() == list(range(10))


def test_given_up_is_a_dead_letter_and_can_be_sent_again(
    broker: Broker, notifier: Notifier, receiver: Receiver
) -> None:
    receiver.refuse = QUICK.tries
    broker.subscriptions.create(subscription(receiver.uri))
    broker.create(entity())
    until(lambda: broker.subscriptions.dead_letters())
    (dead,) = broker.subscriptions.dead_letters("urn:s:1")
    assert dead.tries == QUICK.tries
    assert "503" in dead.error
    assert receiver.got == []
    assert broker.subscriptions.replay([dead.number]) == 1
    until(lambda: receiver.got)
    assert broker.subscriptions.dead_letters() == []


def test_dead_receiver_does_not_hold_up_the_others(
    broker: Broker, notifier: Notifier, receiver: Receiver
) -> None:
    broker.subscriptions.create(subscription("http://127.0.0.1:9/nobody"))
    broker.subscriptions.create(subscription(receiver.uri, id="urn:s:2"))
    for number in range(30):
        broker.create(entity(number))
    until(lambda: len(receiver.got) >= 30)
    until(lambda: broker.store.owing() == [])
    assert sorted(one["data"][0]["id"] for one in receiver.got) == sorted(f"urn:x:{n}" for n in range(30))


def test_owed_outlives_the_process(store_url: str, tmp_path: Path, receiver: Receiver) -> None:
    store = open_store(store_url, tmp_path)
    broker = Broker(store, NoContracts(), {})
    broker.subscriptions.create(subscription(receiver.uri))
    broker.create(entity())
    store.close()
    again = open_store(store_url, tmp_path)
    broker = Broker(again, NoContracts(), {})
    notifier = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK)
    notifier.start()
    until(lambda: receiver.got)
    notifier.stop()
    again.close()


def test_refused_write_owes_nothing(broker: Broker) -> None:
    broker.subscriptions.create(subscription())
    broker.create(entity())
    with pytest.raises(Problem):
        broker.create(entity(1, 9))
    assert len(owed(broker)) == 1


def test_watched_attributes_and_query(broker: Broker) -> None:
    broker.subscriptions.create(subscription(watchedAttributes=["m"], q="n>3"))
    broker.create(entity(1, 5))
    assert owed(broker) == []
    broker.change("urn:x:1", set_to(9))
    assert owed(broker) == []
    broker.change("urn:x:1", set_to(1, "m"))
    assert len(owed(broker)) == 1


@pytest.mark.parametrize(
    ("more", "count"),
    [({"isActive": False}, 0), ({"expiresAt": "2020-06-01T00:00:00Z"}, 0),
     ({"expiresAt": "2999-01-01T00:00:00Z"}, 2), ({"notificationTrigger": ["entityDeleted"]}, 1),
     ({"notificationTrigger": ["entityCreated"]}, 1), ({"notificationTrigger": ["entityUpdated"]}, 1),
     ({"notificationTrigger": ["attributeDeleted"]}, 1), ({"notificationTrigger": ["attributeCreated"]}, 1),
     ({"notificationTrigger": ["attributeUpdated"]}, 1),
     ({"notificationTrigger": ["entityCreated", "entityUpdated", "entityDeleted"]}, 3)],
)  # fmt: skip
def test_who_hears_of_a_life(broker: Broker, more: dict[str, Any], count: int) -> None:
    broker.subscriptions.create(subscription(**more))
    broker.create(entity())
    broker.change("urn:x:1", set_to(2))
    broker.delete("urn:x:1")
    assert len(owed(broker)) == count
    if more.get("notificationTrigger") == ["entityDeleted"]:
        assert set(owed(broker)[0]["data"][0]) == {"id", "type", "deletedAt"}


def test_names_are_those_of_the_context_it_was_made_with(store: Store) -> None:
    context = Context("https://example.org/c", {"niveau": "https://example.org/level"})
    broker = Broker(store, NoContracts(), {})
    broker.subscriptions.create(subscription(context=context, notification={"attributes": ["niveau"]}))
    restarted = Broker(store, NoContracts(), {})
    level = {"type": "Property", "value": 2}
    restarted.create({**entity(), "https://example.org/level": level})
    assert owed(restarted)[0]["data"][0] == {"id": "urn:x:1", "type": "Sensor", "niveau": 2}


def test_another_process_sees_a_new_subscription(store_url: str, tmp_path: Path) -> None:
    one, other = open_store(store_url, tmp_path), open_store(store_url, tmp_path)
    here, there = Broker(one, NoContracts(), {}), Broker(other, NoContracts(), {})
    there.create(entity(1))
    here.subscriptions.create(subscription())
    there.create(entity(2))
    assert len(owed(there)) == 1
    here.subscriptions.delete("urn:s:1")
    assert owed(there) == []
    there.create(entity(3))
    assert owed(there) == []
    one.close()
    other.close()


def test_two_of_one_name_and_none_of_another(broker: Broker) -> None:
    broker.subscriptions.create(subscription())
    for work, kind in (
        (lambda: broker.subscriptions.create(subscription()), "AlreadyExists"),
        (lambda: broker.subscriptions.delete("urn:none"), "ResourceNotFound"),
        (lambda: broker.subscriptions.change("urn:none", lambda one: one), "ResourceNotFound"),
    ):
        with pytest.raises(Problem) as refusal:
            work()
        assert refusal.value.kind == kind
    assert [one.id for one in broker.subscriptions.all()] == ["urn:s:1"]
    assert broker.subscriptions.get("urn:s:1") == subscription()


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/x", "http://localhost:1/x", "http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/x",
            "ftp://example.org/", "mailto:a@b", "http://", "http://[::ffff:10.0.0.1]/"]
)  # fmt: skip
def test_private_and_odd_endpoints_are_refused(uri: str) -> None:
    assert endpoint_problem(uri, private_addresses=False)


def test_private_address_behind_a_name_is_refused_at_delivery(broker: Broker, receiver: Receiver) -> None:
    guarded = Notifier(broker.subscriptions, private_addresses=False, patience=QUICK)
    guarded.start()
    try:
        uri = receiver.uri.replace("127.0.0.1", "localhost")
        for id, address in (("urn:s:1", uri), ("urn:s:2", receiver.uri), ("urn:s:3", "http://2130706433:1/")):
            broker.subscriptions.create(subscription(address, id=id))
        broker.create(entity())
        until(lambda: broker.subscriptions.store.count_dead() == 3)
    finally:
        guarded.stop()
    for dead in broker.subscriptions.dead_letters():
        assert "private address" in dead.error or "not a canonical IPv4 address" in dead.error
    assert receiver.got == []
