"""The city's part: what it shares with each hub; a choice, a change and an end hold at once, and are told durably."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mahakam.access.keys import digest_of
from mahakam.access.rights import Rights
from mahakam.access.shares import SHARING, keep_key, new_key, revoke_keys
from mahakam.broker.broker import Broker
from mahakam.broker.clock import now
from mahakam.broker.identity import Identity
from mahakam.nodes import over_nats, pushing
from mahakam.nodes.asking import ask, refusal
from mahakam.nodes.faults import NodeError
from mahakam.nodes.invitation import parse
from mahakam.nodes.shares import OFFERED, Shares, parse_shares, widened
from mahakam.quality.contract import INTERNAL
from mahakam.store.protocol import EntityStore, Transaction

CONTACT = "sharing-contact"
"""Records of how it stands with a hub: hub → ``answered``, ``error``, ``failing_since``, ``standing``."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """How this node shares with one hub. ``id``: the hub's host; ``hub``: its address.

    ``state``: joining, joined, or ended. ``told``: the version of the share that the hub has heard of. ``reasons``:
    ``type.attribute`` → why something that is not public is shared. Times are seconds since 1970.
    """

    id: str
    hub: str
    record: Mapping[str, Any]

    @property
    def state(self) -> str:
        return str(self.record["state"])

    @property
    def shares(self) -> Shares:
        return parse_shares(self.record["shares"], self.record["push"])

    @property
    def version(self) -> int:
        return int(self.record["version"])

    @property
    def told(self) -> bool:
        """Whether the hub knows all that was decided."""
        if self.state == "ended":
            return not self.record.get("push_key")
        return int(self.record.get("told", 0)) >= self.version and not self.record.get("renew")

    @property
    def name(self) -> Mapping[str, str]:
        """The hub's name by language."""
        found = self.record.get("name") or {}
        return {str(key): str(one) for key, one in found.items()} or {"en": self.id}


def sharings(store: EntityStore) -> list[Sharing]:
    """With every hub, those that ended last."""
    found = [Sharing(id, record["hub"], record) for id, record in sorted(store.records(SHARING).items())]
    return sorted(found, key=lambda one: one.state == "ended")


def sharing(store: EntityStore | Transaction, id: str) -> Sharing:
    """Raises NodeError (404)."""
    record = store.record(SHARING, id)
    if record is None:
        raise NodeError(f"this node shares nothing with {id[:100]!r}", status=404)
    return Sharing(id, record["hub"], record)


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute that could be shared. ``kind``: the class that contracts give it, "" for public."""

    name: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Offer:
    """An entity type that there is, with what could be shared of it. ``first``: one that is offered first."""

    type: str
    count: int
    fields: tuple[Field, ...]
    first: bool


def offers(broker: Broker, rights: Rights, shared: Iterable[Shares] = ()) -> list[Offer]:
    """What there is to share: published indicator values, projects and solutions first, then by name.

    ``shared``: what is shared already, which is among it even if there is none of it just now.
    """
    counts = {type: count for type, count in broker.types().items() if count}
    known: dict[str, dict[str, int]] = {type: {} for type in counts}
    for one in shared:
        for type, names in one.attributes.items():
            known.setdefault(type, {}).update(dict.fromkeys(names, 0))
    for type in counts:
        facts = broker.attributes(type)
        known[type].update({name: int(fact.get("count", 0)) for name, fact in facts.items()})
    found = [
        Offer(
            type,
            counts.get(type, 0),
            tuple(Field(name, _kind(rights, type, name), count) for name, count in sorted(names.items())),
            type in OFFERED,
        )
        for type, names in known.items()
    ]
    return sorted(found, key=lambda one: (not one.first, one.type))


def _kind(rights: Rights, type: str, name: str) -> str:
    """How an attribute is closed anywhere; "" if everybody reads it everywhere. One with readers of its own is internal
    where nobody calls it anything."""
    return rights.class_of(type, name, None) or ("" if rights.open.reads(type, name, None) else INTERNAL)


def check(shares: Shares, rights: Rights, reasons: Mapping[str, str]) -> dict[str, str]:
    """The reasons that are needed. Raises NodeError for an attribute that is not public and has none."""
    needed: dict[str, str] = {}
    for type, names in sorted(shares.attributes.items()):
        for name in sorted(names):
            kind = _kind(rights, type, name)
            if not kind:
                continue
            why = reasons.get(f"{type}.{name}", "").strip()
            if not why or len(why) > 500:
                raise NodeError(
                    f"{type}.{name} is {kind} by its contract: leave it out, or say in at most 500 letters why "
                    "the hub may see it",
                    kind="NeedsReason",
                )
            needed[f"{type}.{name}"] = why
    return needed


def look(text: str, *, private_addresses: bool) -> dict[str, Any]:
    """Who invites: ``hub`` (``name``, ``url``), ``node``, ``place``, ``offered``. Raises NodeError."""
    hub, code = parse(text)
    answer = ask("POST", f"{hub}/nodes/look", body={"code": code}, private_addresses=private_addresses)
    if not answer.good:
        raise refusal(answer, hub)
    return answer.said


def join(
    broker: Broker,
    rights: Rights,
    text: str,
    shares: Shares,
    *,
    address: str,
    title: str = "",
    reasons: Mapping[str, str] | None = None,
    by: str = "",
) -> Sharing:
    """Join the hub that invites: from then on it may ask for what is shared, and is sent copies.

    May be done again after it was broken off at any point, with the same invitation. Raises NodeError.
    """
    hub, code = parse(text)
    id = hub_id(hub)
    if not shares.attributes:
        raise NodeError("choose at least one type to share", kind="Empty")
    needed = check(shares, rights, reasons or {})

    def begin(transaction: Transaction) -> dict[str, Any]:
        before = transaction.record(SHARING, id)
        if before is not None and before["state"] == "joined":
            raise NodeError(f"this node is joined to {id} already: change what it shares", kind="Joined")
        again = before is not None and before["state"] == "joining" and before["code"] == digest_of(code)
        attempt = before["attempt"] if before is not None and again else secrets.token_urlsafe(24)
        revoke_keys(transaction, id)
        key = new_key()
        keep_key(transaction, key, id)
        record = {
            "hub": hub, "state": "joining", "attempt": attempt, "code": digest_of(code), "key": key,
            "version": int(before["version"]) + 1 if before is not None else 1, "told": 0, "reasons": needed,
            "by": by, "address": address.rstrip("/"), **shares.as_json(),
        }  # fmt: skip
        transaction.save_record(SHARING, id, record)
        transaction.audit("share.begin", f"hub/{id}", {"types": sorted(shares.attributes)})
        return record

    record = broker.transact(begin)
    asked = {
        "code": code, "attempt": record["attempt"], "address": record["address"], "key": record["key"],
        "alias": Identity(broker.store).alias(), "title": title[:200], "version": record["version"],
        **shares.as_json(),
    }  # fmt: skip
    answer = ask("POST", f"{hub}/nodes/join", body=asked, private_addresses=broker.private_addresses)
    if not answer.good:
        if 400 <= answer.status < 500 and answer.status != 429:
            broker.transact(lambda transaction: _undo(transaction, id))
        raise refusal(answer, hub)
    said = answer.said

    def finish(transaction: Transaction) -> None:
        stored = sharing(transaction, id).record
        if stored["state"] != "joining" or stored["key"] != record["key"]:
            raise NodeError("it was joined, or given up, at the same time elsewhere; look again", status=409)
        transaction.save_record(
            SHARING,
            id,
            {
                **stored, "state": "joined", "key": "", "attempt": "", "told": record["version"],
                "push_key": str(said["key"]), "intake": str(said["intake"]), "node": str(said["node"]),
                "name": said["hub"]["name"], "joined": time.time(),
                **over_nats.accepted(said, private_addresses=broker.private_addresses),
            },
        )  # fmt: skip
        pushing.owe_all(transaction, id, shares.push)
        transaction.audit("share.join", f"hub/{id}", {"types": sorted(shares.attributes)})

    try:
        broker.transact(finish)
    except (KeyError, TypeError) as error:
        raise NodeError(f"{hub} is no hub: its answer lacks {error}", kind="Refused") from None
    pushing.settle(broker, id)
    return sharing(broker.store, id)


def change(
    broker: Broker, rights: Rights, id: str, shares: Shares, *, reasons: Mapping[str, str] | None = None
) -> Sharing:
    """Share this from now on; the hub is told by :mod:`telling`. Raises NodeError."""
    if not shares.attributes:
        raise NodeError("to share nothing, revoke the share", kind="Empty")
    known = sharing(broker.store, id).record.get("reasons", {})
    needed = check(shares, rights, {**known, **(reasons or {})})

    def work(transaction: Transaction) -> None:
        before = sharing(transaction, id)
        if before.state != "joined":
            raise NodeError(f"this node is not joined to {id}", kind="NotJoined")
        # What went while its type was not sent is told to nobody: copies from before then are not to be believed.
        at = now()
        fresh = {
            type: before.record.get("fresh", {}).get(type, "") if type in before.shares.push else at
            for type in shares.push
        }
        record = {
            **before.record, **shares.as_json(), "version": before.version + 1, "reasons": needed,
            "fresh": {type: since for type, since in fresh.items() if since},
        }  # fmt: skip
        transaction.save_record(SHARING, id, record)
        pushing.owe_all(transaction, id, widened(before.shares, shares))
        detail = {"types": sorted(shares.attributes), "version": record["version"]}
        transaction.audit("share.change", f"hub/{id}", detail)

    broker.transact(work)
    pushing.settle(broker, id)
    return sharing(broker.store, id)


def revoke(broker: Broker, id: str, *, by_hub: bool = False) -> Sharing:
    """Share nothing from this moment; the hub is told by :mod:`telling`, unless it was the hub that ended it.

    Raises NodeError (404).
    """

    def work(transaction: Transaction) -> None:
        before = sharing(transaction, id)
        if before.state == "ended":
            return
        known = before.state == "joined" and not by_hub
        record = {
            **before.record, "state": "ended", "key": "", "attempt": "", "version": before.version + 1,
            "ended": time.time(), "ended_by": "hub" if by_hub else "node",
            "push_key": before.record.get("push_key", "") if known else "",
        }  # fmt: skip
        revoke_keys(transaction, id)
        transaction.save_record(SHARING, id, record)
        pushing.owe_nothing(transaction, id)
        transaction.audit("share.revoke", f"hub/{id}", {"by": record["ended_by"]})

    broker.transact(work)
    pushing.settle(broker, id)
    return sharing(broker.store, id)


def rotate(broker: Broker, id: str) -> Sharing:
    """New keys in both directions; the old ones hold until the hub has the new ones. Raises NodeError."""

    def work(transaction: Transaction) -> None:
        before = sharing(transaction, id)
        if before.state != "joined":
            raise NodeError(f"this node is not joined to {id}", kind="NotJoined")
        key = before.record.get("key") or new_key()
        keep_key(transaction, key, id)
        transaction.save_record(SHARING, id, {**before.record, "key": key, "renew": True})
        transaction.audit("share.rotate", f"hub/{id}")

    broker.transact(work)
    return sharing(broker.store, id)


def contact(store: EntityStore, id: str) -> Mapping[str, Any]:
    """``answered`` (seconds since 1970), ``error``, ``failing_since``, ``standing``: what is known of them."""
    return store.record(CONTACT, id) or {}


def hub_id(hub: str) -> str:
    """The name by which this node knows a hub: its host, and its port if it has one."""
    parts = urlsplit(hub)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _undo(transaction: Transaction, id: str) -> None:
    """The hub refused: nothing is shared with it."""
    record = transaction.record(SHARING, id)
    if record is not None and record["state"] == "joining":
        revoke_keys(transaction, id)
        transaction.save_record(SHARING, id, None)
