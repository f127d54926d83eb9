"""The copies that a hub keeps of a node's entities: whose each is, how old, and how they go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.broker.copied import kind as kind
from mahakam.broker.writes import Delete, Modify
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document
from mahakam.ngsild.patch import Change
from mahakam.nodes.shares import Shares
from mahakam.store.protocol import EntityStore, Transaction

_PAGE = 200
TOMBSTONES = 30 * 86400.0
"""Seconds for which it is remembered that an entity is gone, so that nothing that comes late brings it back."""


def held_kind(node: str) -> str:
    """Of what the hub's contracts refused: entity → ``at``, ``title``, ``detail``, ``reasons``, ``entity``."""
    return f"node-held {node}"


def count(store: EntityStore, node: str) -> int:
    """How many entities the hub has copies of."""
    return sum(1 for one in store.records(kind(node)).values() if not one.get("gone"))


def held(store: EntityStore, node: str) -> list[dict[str, Any]]:
    """What was refused, the latest first: ``id``, ``at`` and why."""
    found = [{"id": id, **one} for id, one in store.records(held_kind(node)).items()]
    return sorted(found, key=lambda one: str(one["at"]), reverse=True)


def forget_all(broker: Broker, node: str, still: Callable[[], bool]) -> None:
    """Delete every copy of a node, and what is known of them, as long as ``still`` says so; may be done again."""
    for ids in _pages(broker.store, kind(node)):
        if not still():
            return
        known = {id: broker.store.record(kind(node), id) or {} for id in ids}
        broker.batch([Delete(id) for id in ids if not known[id].get("gone")], _author(node))
        broker.transact(partial(_drop_copies, node=node, known=known))
    for ids in _pages(broker.store, held_kind(node)):
        broker.transact(partial(_drop, of=held_kind(node), ids=ids))


def trim(broker: Broker, node: str, shares: Shares, fresh: Mapping[str, str]) -> None:
    """Take from the copies, and from what was refused, what is not shared any more; ``fresh``: type → since when what
    was sent of it counts."""
    _trim_held(broker.store, node, shares)
    for id, record in broker.store.records(kind(node)).items():
        document = None if record.get("gone") else broker.get(id)
        if document is None:
            continue
        kept = shared_part(document, shares)
        types = document["type"]
        since = max(fresh.get(one, "") for one in ([types] if isinstance(types, str) else types))
        if kept is None or record["told"] < since:
            broker.batch([Delete(id)], _author(node))
            broker.transact(partial(_drop_copies, node=node, known={id: record}))
        elif kept.keys() != document.keys():
            names = document.keys() - kept.keys()
            broker.batch([Modify(id, partial(_without, names))], _author(node))
            broker.transact(partial(_drop_pasts, id=id, names=names))


def _trim_held(store: EntityStore, node: str, shares: Shares) -> None:
    """The same of what was refused; its reasons name values, so they go with the attribute."""
    for id, one in store.records(held_kind(node)).items():
        kept = shared_part(one["entity"], shares)
        if kept is None or kept.keys() != one["entity"].keys():
            left = {**one, "entity": kept, "detail": "", "reasons": []} if kept is not None else None
            store.write(partial(_save_held, node=node, id=id, record=left))


def _save_held(transaction: Transaction, node: str, id: str, record: dict[str, Any] | None) -> None:
    transaction.save_record(held_kind(node), id, record)


def purge(store: EntityStore, node: str) -> None:
    """Forget tombstones that are old."""
    old = time.time() - TOMBSTONES
    over = [
        id for id, one in store.records(kind(node)).items() if one.get("gone") and one.get("since", old) < old
    ]
    if over:
        store.write(partial(_drop, of=kind(node), ids=over))


def shared_part(document: Document, shares: Shares) -> Document | None:
    """What of an entity a node shares; None: nothing."""
    types = document["type"]
    found = [shares.attributes.get(one) for one in ([types] if isinstance(types, str) else types)]
    if not found or None in found:
        return None
    names = frozenset.intersection(*(one for one in found if one is not None))
    return {name: part for name, part in document.items() if name in ENTITY_MEMBERS or name in names}


def _without(names: set[str], stored: Document, at: str) -> Change:
    kept = {name: part for name, part in stored.items() if name not in names}
    return Change({**kept, "modifiedAt": at}, changed=set(names & stored.keys()))


def _drop_copies(transaction: Transaction, node: str, known: Mapping[str, Mapping[str, Any]]) -> None:
    """With their histories; an entity that never was this node's keeps its own."""
    for id, record in known.items():
        transaction.save_record(kind(node), id, None)
        if not record.get("foreign"):
            transaction.drop_evolution(id)


def _drop_pasts(transaction: Transaction, id: str, names: set[str]) -> None:
    for name in names:
        transaction.drop_moments(id, name)


def _drop(transaction: Transaction, of: str, ids: list[str]) -> None:
    for id in ids:
        transaction.save_record(of, id, None)


def _pages(store: EntityStore, of: str) -> Iterator[list[str]]:
    while ids := store.record_keys(of, _PAGE):
        yield ids


def _author(node: str) -> str:
    return f"node {node}"
