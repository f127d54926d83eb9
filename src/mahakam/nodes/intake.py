"""What a node sends of its entities, taken in as copies: whatever carries it, in order, and however often it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from time import time
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.broker.clock import now
from mahakam.broker.writes import Delete, Upsert, Write
from mahakam.config import Place, scope_of
from mahakam.ngsild.context import CORE
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document, scopes_of
from mahakam.ngsild.lexical import is_time, is_uri
from mahakam.ngsild.merging import received
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.nodes import copies
from mahakam.nodes.acts import on_behalf_of
from mahakam.nodes.faults import ENDED, LATER, NodeError
from mahakam.nodes.member import Member, member, note_contact
from mahakam.store.protocol import Transaction

MOST = 1000
"""Entities of one notification."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How many entities were taken, were known already (or newer ones were), and were refused and kept with reasons."""

    taken: int = 0
    unchanged: int = 0
    refused: int = 0

    def as_json(self) -> dict[str, int]:
        return {"taken": self.taken, "unchanged": self.unchanged, "refused": self.refused}


def take(broker: Broker, node: str, notification: Mapping[str, Any]) -> Taken:
    """Take in one notification of a node that has joined: the bytes of its outbox, parsed, however they came.

    ``broker``: of the default tenant. ``node``: the name by which the hub knows it; the caller has made sure that it is
    this node that speaks. A notification that comes twice, or late, changes nothing. What the hub's contracts refuse
    is no fault: it is kept with its reasons, and the notification is taken.

    Raises NodeError: 400 it is no notification of a node, 410 the node is a member no longer, 425 it is of a share
    that the hub has not heard of yet: to be sent again.
    """
    found = _active(member(broker.store, node))
    data, share, told = _checked(notification)
    if share > found.version:
        raise NodeError("tell the share first; then send this again", status=425, kind=LATER)
    counts = {"taken": 0, "unchanged": 0, "refused": 0}
    with on_behalf_of(node):
        for item in data:
            counts[_take_one(broker, found, item, told)] += 1
    note_contact(broker.store, node, heard=time(), told=told)
    return Taken(**counts)


def _checked(notification: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int, str]:
    """The entities, the version of the share, and when it was said."""
    data, share, told = (notification.get(name) for name in ("data", "share", "notifiedAt"))
    if notification.get("type") != "Notification" or not isinstance(data, list) or len(data) > MOST:
        raise NodeError(f"a Notification with data, a list of up to {MOST:,} entities, was expected")
    if (
        isinstance(share, bool)
        or not isinstance(share, int)
        or not isinstance(told, str)
        or not is_time(told)
    ):
        raise NodeError(
            "share, a whole number, and notifiedAt were expected: what a node tells its hub has them"
        )
    for item in data:
        if not isinstance(item, dict) or not is_uri(item.get("id")) or not _is_type(item.get("type")):
            raise NodeError("data: entities with id and type were expected")
        if not is_time(item.get("deletedAt", item.get("modifiedAt"))):
            raise NodeError("data: each entity says modifiedAt, or deletedAt")
    return data, share, told


def _is_type(value: object) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    )


def _take_one(broker: Broker, node: Member, item: dict[str, Any], told: str) -> str:
    """``taken``, ``unchanged`` or ``refused``."""
    id = str(item["id"])
    gone = "deletedAt" in item
    key = (str(item["deletedAt"] if gone else item["modifiedAt"]), told)
    outcome = ["unchanged"]

    def decide(transaction: Transaction) -> Write | None:
        outcome[:] = ["unchanged"]
        current = _active(member(transaction, node.name))  # as it is now: it may have ended, or share less
        known = transaction.record(copies.kind(node.name), id)
        if known is not None and key < (known["at"], known["told"]):
            return None
        stored = transaction.get(id)
        if stored is not None and (known is None or known.get("foreign")):
            raise Problem("Conflict", "Not this node's", f"{id} is the hub's own, or another node's")
        record = {"at": key[0], "told": key[1], "gone": gone}
        transaction.save_record(copies.kind(node.name), id, record | ({"since": time()} if gone else {}))
        transaction.save_record(copies.held_kind(node.name), id, None)
        if gone:
            outcome[:] = ["taken"] if stored is not None else ["unchanged"]
            return Delete(id) if stored is not None else None
        document = _document(broker.places, current, item)
        if stored is not None and _same(stored, document):
            return None
        outcome[:] = ["taken"]
        return Upsert(document)

    try:
        broker.decided(decide, f"node {node.name}")
    except Problem as problem:
        broker.transact(partial(_hold, node=node, item=item, key=key, problem=problem))
        return "refused"
    return outcome[0]


def _active(found: Member | None) -> Member:
    """Raises NodeError (410) for a node that is a member no longer."""
    if found is None or not found.active:
        raise NodeError("this node is no member of the hub any more", status=410, kind=ENDED)
    return found


def _document(places: Mapping[str, Place], node: Member, item: dict[str, Any]) -> Document:
    """What is stored of it. Raises Problem for what is no entity, is not shared, or belongs to another place."""
    document = copies.shared_part(received(item, CORE), node.shares.pushed)
    if document is None:
        raise bad_request("Not shared", f"the node has not said that it sends copies of {item['type']}")
    if node.place:
        place = places.get(node.place)
        inside = scope_of(place, places) if place is not None else f"/{node.place}"
        scopes = scopes_of(document)
        if not scopes or not all(one == inside or one.startswith(inside + "/") for one in scopes):
            raise Problem("Forbidden", "Of another place", f"a scope in {inside} was expected", status=403)
    return document


def _hold(
    transaction: Transaction, node: Member, item: dict[str, Any], key: tuple[str, str], problem: Problem
) -> None:
    """Keep what was refused with its reasons; the copy that there was stays as it is."""
    known = transaction.record(copies.kind(node.name), item["id"])
    if known is not None and key < (known["at"], known["told"]):
        return
    foreign = problem.kind == "Conflict"
    mine = known is not None and not known.get("gone")
    record = {"at": key[0], "told": key[1], "gone": not mine, "since": time()}
    transaction.save_record(
        copies.kind(node.name), item["id"], record | ({"foreign": True} if foreign else {})
    )
    transaction.save_record(
        copies.held_kind(node.name),
        item["id"],
        {
            "at": now(), "title": problem.title, "detail": problem.detail, "reasons": problem.reasons,
            "entity": copies.shared_part(item, node.shares) or {"id": item["id"], "type": item["type"]},
        },
    )  # fmt: skip


def _same(stored: Document, document: Document) -> bool:
    """Whether a copy says what is stored already, whenever it was said."""
    return bool(_timeless(stored) == _timeless(document))


def _timeless(value: Any) -> Any:
    if isinstance(value, list):
        return [_timeless(one) for one in value]
    if not isinstance(value, dict):
        return value
    left_out = {"createdAt", "modifiedAt", "quality"}
    return {
        name: _timeless(part) if name not in ENTITY_MEMBERS else part
        for name, part in value.items()
        if name not in left_out
    }
