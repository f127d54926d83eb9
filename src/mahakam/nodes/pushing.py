"""Copies for a hub: a subscription of the node's own for what comes, and a walk over what there was before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mahakam.access.shares import SHARING
from mahakam.broker import signing
from mahakam.broker.broker import Broker
from mahakam.broker.clock import now
from mahakam.ngsild import subscription as model
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.selection import Selection, Types
from mahakam.ngsild.subscription import Subscription
from mahakam.store.protocol import EntityStore, Transaction

BACKLOG = "sharing-backlog"
"""Records of what a hub has yet to be sent of what there is: ``hub type`` → ``start``, a place in the store."""
PAGE = 200
"""Entities that one transaction owes."""


def subscription_id(hub: str) -> str:
    return f"urn:ngsi-ld:Subscription:hub:{hub}"


def owe_all(transaction: Transaction, hub: str, types: Iterable[str]) -> None:
    """All entities of these types are to be sent, those that there are already."""
    for type in types:
        transaction.save_record(BACKLOG, f"{hub} {type}", {"start": 0})


def owe_nothing(transaction: Transaction, hub: str) -> None:
    for key in transaction.records(BACKLOG):
        if key.startswith(f"{hub} "):
            transaction.save_record(BACKLOG, key, None)


def settle(broker: Broker, hub: str) -> None:
    """Have the subscription that the share says; may be done again at any time."""
    record = broker.store.record(SHARING, hub)
    wanted = _subscription(hub, record) if record is not None and record["state"] == "joined" else None
    id = subscription_id(hub)
    secret = str(record.get("nats_secret", "")) if record is not None and wanted is not None else ""
    if signing.secret_of(broker.store, id) != secret:
        broker.transact(lambda transaction: signing.keep_secret(transaction, id, secret))
    there = broker.subscriptions.get(id, "hub")
    if there is not None and wanted is None:
        broker.subscriptions.delete(id)
    elif there is None and wanted is not None:
        broker.subscriptions.create(wanted)
    elif there is not None and wanted is not None and there.members != wanted.members:
        broker.subscriptions.change(id, lambda _before: wanted)


def walk(broker: Broker, hub: str) -> bool:
    """Owe the next page of what there was before; whether there is more to do."""
    subscription = broker.subscriptions.get(subscription_id(hub), "hub")
    key = next((key for key in broker.store.records(BACKLOG) if key.startswith(f"{hub} ")), None)
    if key is None or subscription is None:
        return False
    record = broker.store.record(BACKLOG, key)
    type, start = key.partition(" ")[2], int(record["start"]) if record else 0
    selection = Selection(types=Types(((type,),)))
    ids = [document["id"] for document in broker.store.documents(selection, PAGE, 0, start)]
    last = broker.store.number(ids[-1]) if ids else 0

    def work(transaction: Transaction) -> None:
        if transaction.record(BACKLOG, key) != record:
            return  # it was given up, or begun anew
        for id in ids:
            broker.subscriptions.owe_hub(transaction, subscription, id)
        more = {"start": last + 1} if len(ids) == PAGE and last else None
        transaction.save_record(BACKLOG, key, more)

    broker.transact(work)
    return True


def waiting(store: EntityStore, hub: str) -> int:
    """Types of which the hub has not been sent all that there was."""
    return sum(1 for key in store.records(BACKLOG) if key.startswith(f"{hub} "))


def _subscription(hub: str, record: dict[str, Any]) -> Subscription | None:
    """None if no copies are sent."""
    if not record["push"]:
        return None
    http: dict[str, Any] = {
        "uri": record["intake"],
        "accept": "application/json",
        "receiverInfo": [{"key": "Authorization", "value": f"Bearer {record['push_key']}"}],
    }
    payload = {
        "id": subscription_id(hub),
        "type": "Subscription",
        "entities": [{"type": type} for type in record["push"]],
        "notification": {
            "endpoint": {"uri": record["nats"], "accept": "application/json"} if record.get("nats") else http,
            "sysAttrs": True,
        },
    }
    made = model.create(payload, CORE, now(), id=subscription_id(hub), context_of=_no_context)
    return replace(made, about="hub", hub=hub)


def _no_context(url: str) -> Context:
    raise AssertionError(url)
