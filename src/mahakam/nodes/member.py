"""A node that has joined this hub, as the hub keeps it: where it is, what it shares, its keys, how it answers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mahakam.access.keys import digest_of
from mahakam.broker.copied import MEMBER
from mahakam.nodes.faults import ENDED, NodeError
from mahakam.nodes.shares import Shares, parse_shares
from mahakam.store.protocol import EntityStore, Transaction

KIND = MEMBER
KEY = "node-key"
"""Records of the keys with which nodes push: digest → the node; ``ended`` once the node is a member no longer."""
CONTACT = "node-contact"
"""Records of when a node was heard of, and how it answered last: bookkeeping, beside what somebody decided."""
PREFIX = "mhn_"


@dataclass(frozen=True, slots=True)
class Member:
    """``key``: with which the hub reads the node. ``alias``: its name in Via headers. Times are seconds since 1970.

    ``place``: id of the place at the hub that its copies belong to, "" for any. ``state``: active, or ended.
    ``fresh``: type → since when (ISO 8601) what the node sends of it is all there is. ``settled``: registrations and
    copies are as the state and the shares say.
    """

    name: str
    address: str
    shares: Shares
    version: int
    key: str = field(repr=False)
    alias: str = ""
    title: str = ""
    place: str = ""
    state: str = "active"
    joined: float = 0.0
    ended: float = 0.0
    ended_by: str = ""
    fresh: Mapping[str, str] = field(default_factory=dict)
    settled: bool = False

    @property
    def active(self) -> bool:
        return self.state == "active"

    def as_record(self) -> dict[str, Any]:
        return {
            "address": self.address, "key": self.key, "alias": self.alias, "title": self.title, "place": self.place,
            "version": self.version, "state": self.state, "joined": self.joined, "ended": self.ended,
            "ended_by": self.ended_by, "settled": self.settled, "fresh": dict(self.fresh),
            **self.shares.as_json(),
        }  # fmt: skip


def member_of(name: str, record: Mapping[str, Any]) -> Member:
    return Member(
        name=name,
        address=record["address"],
        shares=parse_shares(record["shares"], record["push"]),
        version=int(record["version"]),
        key=record["key"],
        alias=record.get("alias", ""),
        title=record.get("title", ""),
        place=record.get("place", ""),
        state=record["state"],
        joined=float(record.get("joined", 0)),
        ended=float(record.get("ended", 0)),
        ended_by=record.get("ended_by", ""),
        fresh=record.get("fresh", {}),
        settled=bool(record.get("settled")),
    )


def members(store: EntityStore) -> list[Member]:
    """All of them by name, those that have ended too."""
    return [member_of(name, record) for name, record in sorted(store.records(KIND).items())]


def member(store: EntityStore | Transaction, name: str) -> Member | None:
    record = store.record(KIND, name)
    return member_of(name, record) if record is not None else None


def save(transaction: Transaction, one: Member) -> None:
    transaction.save_record(KIND, one.name, one.as_record())


def give_key(transaction: Transaction, name: str) -> str:
    """A new key for a node; those that it has hold until this one is used."""
    secret = PREFIX + secrets.token_urlsafe(32)
    transaction.save_record(KEY, digest_of(secret), {"node": name, "created": time.time()})
    return secret


def end_keys(transaction: Transaction, name: str) -> None:
    """No key of the node pushes any more; who shows one is told why."""
    for digest, record in _keys(transaction, name):
        transaction.save_record(KEY, digest, {**record, "ended": True})


def member_with(store: EntityStore, secret: str) -> Member | None:
    """Whose key this is; the first use of a new one ends those before it. None: nobody's.

    Raises NodeError (410) for a node that is a member no longer.
    """
    if not secret.startswith(PREFIX) or len(secret) > 100:
        return None
    digest = digest_of(secret)
    key = store.record(KEY, digest)
    if key is None:
        return None
    found = member(store, key["node"])
    if found is None or not found.active or key.get("ended"):
        raise NodeError("this node is no member of the hub any more", status=410, kind=ENDED)
    if not key.get("used"):
        store.write(lambda transaction: _use(transaction, digest))
    return found


def forget_key(transaction: Transaction, name: str) -> None:
    """All keys of a node are gone, as if they had never been."""
    for digest, _ in _keys(transaction, name):
        transaction.save_record(KEY, digest, None)


def _use(transaction: Transaction, digest: str) -> None:
    record = transaction.record(KEY, digest)
    if record is None or record.get("used"):
        return
    for other, before in _keys(transaction, record["node"]):
        if other != digest and before["created"] <= record["created"]:
            transaction.save_record(KEY, other, None)
    transaction.save_record(KEY, digest, {**record, "used": True})


def _keys(transaction: Transaction, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for digest, record in transaction.records(KEY).items():
        if record["node"] == name:
            yield digest, record


def contact(store: EntityStore, name: str) -> Mapping[str, Any]:
    """``heard``, ``answered``, ``asked`` (seconds since 1970), ``error``, ``off_since``: what is known of them."""
    return store.record(CONTACT, name) or {}


def note_contact(store: EntityStore, name: str, **facts: Any) -> None:
    """Take down how it stands with a node; a fact that is None is known no longer."""

    def work(transaction: Transaction) -> None:
        merged = {**(transaction.record(CONTACT, name) or {}), **facts}
        transaction.save_record(
            CONTACT, name, {key: value for key, value in merged.items() if value is not None}
        )

    store.write(work)
