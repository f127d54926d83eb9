"""The hub's part: who joins, changes what it shares, leaves; each step whole, and gone on with if it was broken off."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mahakam.access.shares import PREFIX as SHARED
from mahakam.broker.broker import Broker
from mahakam.broker.endpoint import endpoint_problem
from mahakam.ngsild.lexical import is_time
from mahakam.nodes import copies, invitation, over_nats, registering
from mahakam.nodes.acts import on_behalf_of
from mahakam.nodes.faults import NodeError
from mahakam.nodes.member import (
    Member,
    end_keys,
    forget_key,
    give_key,
    member,
    members,
    note_contact,
    save,
)
from mahakam.nodes.shares import OFFERED, Shares, parse_shares
from mahakam.store.protocol import Transaction

INTAKE = "/nodes/notify"
_ATTEMPT = 20


def invited(broker: Broker, code: str, name: Mapping[str, str], base: str) -> dict[str, Any]:
    """What somebody who holds an invitation may know of the hub. Raises NodeError."""
    found = invitation.look(broker.store, code)
    if not found.open and not found.used:
        invitation_over = "the invitation holds no longer; ask the hub for another"
        raise NodeError(invitation_over, status=410, kind="Expired")
    return {
        "hub": {"name": dict(name), "url": base}, "node": found.name, "place": found.place,
        "expires": found.expires, "offered": list(OFFERED),
    }  # fmt: skip


def join(broker: Broker, asked: Mapping[str, Any], name: Mapping[str, str], base: str) -> dict[str, Any]:
    """A node joins: its invitation is used, it is a member with a key of its own, and what it shares is registered.

    ``asked``: ``code``, ``attempt`` (a secret of this try: the same try may come again), ``address``, ``key`` (with
    which the hub reads the node), ``alias``, ``title``, ``version``, ``shares``, ``push``.
    Raises NodeError.
    """
    code, attempt = _text(asked, "code", 100), _text(asked, "attempt", 100)
    if len(attempt) < _ATTEMPT:
        raise NodeError(f"attempt: a secret of at least {_ATTEMPT} letters was expected")
    wanted = _member(asked, private_addresses=broker.private_addresses)

    def work(transaction: Transaction) -> tuple[str, Member, dict[str, Any]]:
        found = invitation.taken(transaction, code, attempt)
        before = member(transaction, found.name)
        if before is not None and before.active and not found.used:
            raise NodeError(
                f"{found.name} is a member already; the hub ends that first", status=409, kind="Member"
            )
        joined = before.joined if before is not None and before.active else time.time()
        made = replace(wanted, name=found.name, place=found.place, joined=joined)
        save(transaction, made)
        forget_key(transaction, found.name)
        key = give_key(transaction, found.name)
        transaction.audit("node.join", f"node/{found.name}", {"types": sorted(made.shares.attributes)})
        return key, made, over_nats.given(transaction, found.name, found.nats)

    key, made, nats = broker.transact(work)
    note_contact(broker.store, made.name, heard=time.time(), error=None, off_since=None)
    settle(broker, made)
    return {
        "node": made.name, "key": key, "intake": base.rstrip("/") + INTAKE,
        "hub": {"name": dict(name), "url": base}, **nats,
    }  # fmt: skip


def change(broker: Broker, node: Member, asked: Mapping[str, Any]) -> dict[str, Any]:
    """A member says what it shares now; and, if it wants to, its new key, its address, or that it leaves.

    ``asked``: ``version``, ``shares``, ``push``; ``key`` and ``address`` where they are new; ``fresh``: type → since
    when what is sent of it is all there is; ``renew`` for a new key to push with. An older version than is known
    changes nothing. Raises NodeError.
    """
    version = asked.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise NodeError("version: a whole number from 1 was expected")
    shares = parse_shares(asked.get("shares"), asked.get("push", []))
    fresh = _fresh(asked.get("fresh") or {}, shares)
    key = _key(asked) if "key" in asked else ""
    address = _address(asked, private_addresses=broker.private_addresses) if "address" in asked else ""

    def work(transaction: Transaction) -> tuple[Member | None, str]:
        stored = member(transaction, node.name)
        if stored is None or not stored.active:
            return None, ""
        if version >= stored.version:
            stored = replace(
                stored, shares=shares, version=version, key=key or stored.key, settled=False,
                address=address or stored.address, fresh=fresh,
            )  # fmt: skip
            save(transaction, stored)
        renewed = give_key(transaction, node.name) if asked.get("renew") is True else ""
        detail = {"types": sorted(shares.attributes), "version": version}
        transaction.audit("node.share", f"node/{node.name}", detail)
        return stored, renewed

    stored, renewed = broker.transact(work)
    if stored is not None:
        settle(broker, stored)
    note_contact(broker.store, node.name, heard=time.time())
    return {"version": stored.version if stored else version, **({"key": renewed} if renewed else {})}


def end(broker: Broker, name: str, by: str) -> Member:
    """From now on the node's key opens nothing here; what is registered and copied of it goes.

    ``by``: ``hub`` or ``node``. Raises NodeError (404).
    """

    def work(transaction: Transaction) -> Member:
        found = member(transaction, name)
        if found is None:
            raise NodeError(f"no node is named {name[:80]!r}", status=404)
        if found.active:
            found = replace(
                found, state="ended", ended=time.time(), ended_by=by, key="", settled=False
            )  # fmt: skip
            save(transaction, found)
            end_keys(transaction, name)
            over_nats.forget(transaction, name)
            transaction.audit("node.end", f"node/{name}", {"by": by})
        return found

    found = broker.transact(work)
    settle(broker, found)
    return found


def settle(broker: Broker, node: Member) -> None:
    """Have registrations and copies as the member's state and shares say, and note that they are."""
    registering.settle(broker, node)
    with on_behalf_of(node.name):
        if node.active:
            copies.trim(broker, node.name, node.shares.pushed, node.fresh)
        else:
            copies.forget_all(broker, node.name, lambda: _has_ended(broker, node.name))

    def work(transaction: Transaction) -> None:
        stored = member(transaction, node.name)
        if stored is not None and (stored.state, stored.version) == (node.state, node.version):
            save(transaction, replace(stored, settled=True))

    broker.transact(work)


def _has_ended(broker: Broker, name: str) -> bool:
    """Looked at again and again: it may be joining anew."""
    found = member(broker.store, name)
    return found is None or not found.active


def settle_all(broker: Broker) -> None:
    """Go on with what was broken off."""
    for one in members(broker.store):
        if not one.settled:
            settle(broker, one)
        copies.purge(broker.store, one.name)


def standing(broker: Broker, node: Member) -> dict[str, Any]:
    """What the hub has of a node, for the node to see."""
    held = copies.held(broker.store, node.name)
    shown = ("id", "at", "title", "detail", "reasons")
    return {
        "node": node.name, "version": node.version, "copies": copies.count(broker.store, node.name),
        "held": len(held), "refused": [{name: one[name] for name in shown} for one in held[:100]],
    }  # fmt: skip


def _member(asked: Mapping[str, Any], *, private_addresses: bool) -> Member:
    version = asked.get("version", 1)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise NodeError("version: a whole number from 1 was expected")
    shares: Shares = parse_shares(asked.get("shares"), asked.get("push", []))
    if not shares.attributes:
        raise NodeError("a node that shares nothing has nothing to join for: choose at least one type")
    return Member(
        name="",
        address=_address(asked, private_addresses=private_addresses),
        shares=shares,
        version=version,
        key=_key(asked),
        alias=_text(asked, "alias", 200, needed=False),
        title=_text(asked, "title", 200, needed=False),
    )


def _address(asked: Mapping[str, Any], *, private_addresses: bool) -> str:
    address = _text(asked, "address", 500).rstrip("/")
    if not address.startswith(("http://", "https://")) or "?" in address or "#" in address or "@" in address:
        raise NodeError("address: the URL of the node as others reach it was expected, https://city.example")
    problem = endpoint_problem(address, private_addresses=private_addresses)
    if problem:
        raise NodeError(f"address: {problem}")
    return address


def _fresh(value: object, shares: Shares) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(is_time(since) for since in value.values()):
        raise NodeError("fresh: types with times were expected")
    return {type: str(since) for type, since in value.items() if type in shares.push}


def _key(asked: Mapping[str, Any]) -> str:
    key = _text(asked, "key", 100)
    if not key.startswith(SHARED) or not key.isascii() or not key.isprintable() or " " in key:
        raise NodeError("key: a key of a share was expected")
    return key


def _text(asked: Mapping[str, Any], name: str, most: int, *, needed: bool = True) -> str:
    value = asked.get(name, "" if not needed else None)
    if not isinstance(value, str) or len(value) > most or (needed and not value) or not value.isprintable():
        raise NodeError(f"{name}: a text of at most {most} letters was expected")
    return value
