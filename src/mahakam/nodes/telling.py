"""A node's rounds with its hubs: what was decided is told until it is heard, copies are owed, the standing fetched."""

from __future__ import annotations

import logging
import time
from typing import Any

from mahakam.access.keys import digest_of
from mahakam.access.shares import SHARING, revoke_keys
from mahakam.broker.broker import Broker
from mahakam.nodes import pushing
from mahakam.nodes.asking import Answer, ask, refusal
from mahakam.nodes.faults import NodeError
from mahakam.nodes.sharing import CONTACT, Sharing, revoke, sharing, sharings
from mahakam.store.protocol import EntityStore, Transaction

_log = logging.getLogger(__name__)
LOOK = 30.0
"""Seconds between two looks at how it stands with a hub."""
FIRST, LONGEST = 5.0, 300.0
"""Seconds after which a hub that does not answer is tried again: so many at first, doubling to so many."""


def round_of(broker: Broker) -> None:
    """One round with every hub; a hub that does not answer holds up no other."""
    for one in sharings(broker.store):
        try:
            go_on(broker, one.id)
        except NodeError as error:
            _log.warning("sharing with %s: %s", one.id, error)


def go_on(broker: Broker, id: str) -> None:
    """What is to be done with one hub now. Raises NodeError."""
    found = sharing(broker.store, id)
    if found.state == "joining":
        return
    pushing.settle(broker, id)
    if found.state == "joined":
        while pushing.walk(broker, id):
            pass
    known = broker.store.record(CONTACT, id) or {}
    if time.time() < known.get("again", 0.0) <= time.time() + LONGEST:
        return
    if not found.told:
        tell(broker, id)
    elif found.state == "joined" and time.time() - known.get("looked", 0.0) > LOOK:
        _look(broker, found)


def tell(broker: Broker, id: str) -> bool:
    """Tell a hub what was decided, now; whether it has heard. What it does not hear is told again by the rounds."""
    found = sharing(broker.store, id)
    if found.told or found.state == "joining":
        return True
    leaves = found.state == "ended"
    record = found.record
    body: dict[str, Any] | None = None
    if not leaves:
        body = {"version": found.version, "address": record["address"], **found.shares.as_json()}
        if record.get("fresh"):
            body["fresh"] = record["fresh"]
        if record.get("key"):
            body["key"] = record["key"]
        if record.get("renew"):
            body["renew"] = True
    try:
        answer = _asked(broker, found, "DELETE" if leaves else "PUT", "/nodes/share", body)
    except NodeError as error:
        _failed(broker.store, id, str(error))
        return False
    if leaves:
        if answer.good or answer.status in (401, 403, 404, 410):
            broker.transact(lambda transaction: _left(transaction, id))
            return True
    elif answer.status == 410:
        revoke(broker, id, by_hub=True)
        return True
    elif answer.good:
        broker.transact(lambda transaction: _heard(transaction, found, answer))
        pushing.settle(broker, id)
        _note(
            broker.store, id, answered=time.time(), error=None, failing_since=None, again=None, failures=None
        )
        return True
    _failed(broker.store, id, str(refusal(answer, found.hub)))
    return False


def _look(broker: Broker, found: Sharing) -> None:
    try:
        answer = _asked(broker, found, "GET", "/nodes/standing")
    except NodeError as error:
        _failed(broker.store, found.id, str(error))
        return
    if answer.status == 410:
        revoke(broker, found.id, by_hub=True)
    elif answer.good:
        at = time.time()
        _note(
            broker.store, found.id, answered=at, looked=at, error=None, failing_since=None, again=None, failures=None,
            standing=answer.said,
        )  # fmt: skip
    else:
        _failed(broker.store, found.id, str(refusal(answer, found.hub)))


def _asked(
    broker: Broker, found: Sharing, method: str, path: str, body: dict[str, Any] | None = None
) -> Answer:
    return ask(
        method,
        found.hub + path,
        key=found.record.get("push_key", ""),
        body=body,
        private_addresses=broker.private_addresses,
    )


def _heard(transaction: Transaction, told: Sharing, answer: Answer) -> None:
    stored = dict(sharing(transaction, told.id).record)
    if stored["state"] != "joined":
        return
    stored["told"] = max(int(stored["told"]), told.version)
    key = told.record.get("key")
    if key and stored.get("key") == key:  # the hub asks with the new key from now on
        revoke_keys(transaction, told.id, but=[digest_of(key)])
        stored["key"] = ""
    if told.record.get("renew") and answer.said.get("key"):
        stored["push_key"], stored["renew"] = str(answer.said["key"]), False
    known = answer.said.get("version")
    if isinstance(known, int) and known > stored["version"]:
        # This node was put back to an older state: what it says is newer nevertheless.
        stored["version"] = known + 1
    transaction.save_record(SHARING, told.id, stored)


def _left(transaction: Transaction, id: str) -> None:
    stored = sharing(transaction, id).record
    if stored["state"] == "ended":
        transaction.save_record(SHARING, id, {**stored, "push_key": ""})


def _failed(store: EntityStore, id: str, why: str) -> None:
    known = store.record(CONTACT, id) or {}
    failures = int(known.get("failures", 0)) + 1
    wait = min(LONGEST, FIRST * 2.0 ** min(failures - 1, 10))
    since = known.get("failing_since") or time.time()
    _note(store, id, error=why[:500], failing_since=since, failures=failures, again=time.time() + wait)


def _note(store: EntityStore, id: str, **facts: Any) -> None:
    def work(transaction: Transaction) -> None:
        merged = {**(transaction.record(CONTACT, id) or {}), **facts}
        kept = {key: value for key, value in merged.items() if value is not None}
        transaction.save_record(CONTACT, id, kept)

    store.write(work)
