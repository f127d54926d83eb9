"""A hub's rounds with its nodes: whether each answers, what it shares now, and what is left of one that has gone."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mahakam.broker.broker import Broker
from mahakam.nodes import hub, registering
from mahakam.nodes.asking import ask, refusal
from mahakam.nodes.faults import REVOKED, NodeError
from mahakam.nodes.member import Member, contact, members, note_contact

_log = logging.getLogger(__name__)
_AT_ONCE = 8
SECONDS = 5.0


def round_of(broker: Broker) -> None:
    """One round with every node."""
    hub.settle_all(broker)
    active = [one for one in members(broker.store) if one.active]
    if not active:
        return
    with ThreadPoolExecutor(min(_AT_ONCE, len(active)), "nodes") as threads:
        for work in [threads.submit(partial(look, broker, one)) for one in active]:
            work.result()


def look(broker: Broker, node: Member) -> None:
    """Ask a node what it shares: a sign of life, and the way to hear of a change that it could not tell."""
    store, at = broker.store, time.time()
    private = broker.private_addresses
    try:
        answer = ask(
            "GET", f"{node.address}/nodes/share", key=node.key, private_addresses=private, seconds=SECONDS
        )
        if answer.status == 403 and answer.kind == REVOKED:
            hub.end(broker, node.name, "node")
            return
        if not answer.good:
            raise refusal(answer, node.address)
        version = answer.said.get("version", 0)
        if isinstance(version, int) and version > node.version:
            hub.change(
                broker, node, {name: answer.said.get(name) for name in ("version", "shares", "push", "fresh")}
            )
        note_contact(store, node.name, answered=at, asked=at, error=None, off_since=None)
    except NodeError as error:
        since = contact(store, node.name).get("off_since") or at
        note_contact(store, node.name, asked=at, error=str(error)[:500], off_since=since)


def revoked(broker: Broker, registration: str) -> None:
    """A node answered that it shares no more: what is registered and copied of it goes."""
    for one in members(broker.store):
        if one.active and registration.startswith(registering.prefix(one.name)):
            _log.warning("the node %s has revoked what it shared", one.name)
            hub.end(broker, one.name, "node")
