"""The queues of open requests: ordered lists by place, state, service and team, the most urgent first; beside them the
lists of all requests by date (:mod:`mahakam.services.dated`).

The broker keeps them with every write (``broker.lists``), so that page and count of a queue do not depend on
how many requests there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.broker.lists import keep_lists
from mahakam.ngsild.entity import Document, scopes_of
from mahakam.ngsild.selection import Selection, Types
from mahakam.services import dated
from mahakam.services.request import TYPE
from mahakam.services.states import OPEN
from mahakam.store.protocol import EntityStore, Transaction

_BUILT = "queue-lists"
_VERSION = 2
_NO_TARGET = "~"
"""Comes after every date: nothing is due while the resident is asked something."""
_BATCH = 500
_ALL = 10_000_000


class RequestLists:
    """See :class:`mahakam.broker.lists.Listing`."""

    def lists(self, document: Mapping[str, Any]) -> bool:
        found = document.get("type")
        return found == TYPE or (isinstance(found, list) and TYPE in found)

    def entries(self, document: Document) -> Mapping[str, str]:
        value = {name: one.get("value") for name, one in document.items() if isinstance(one, Mapping)}
        scope = next(iter(scopes_of(document)), "")
        by_date = dated.entries(scope, value, document["id"])
        if value.get("status") not in OPEN or value.get("mergedInto") or not scope:
            return by_date
        due, requested = value.get("dueDatetime"), value.get("requestedDatetime") or ""
        key = f"{due or f'{_NO_TARGET}{requested}'} {document['id']}"
        routed = value.get("routedTo") or []
        teams = {str(team) for team in (routed if isinstance(routed, list) else [routed])}
        teams |= {team.partition("/")[0] for team in teams}
        kinds = [("", ""), ("state", value["status"]), ("service", value.get("serviceCode"))]
        kinds += [("team", team) for team in teams]
        return by_date | {_kind(scope, by, str(name)): key for by, name in kinds}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Which open requests: of a place (its scope); of a state, a service, an agency or team ("": all); ``late_at``:
    only those that were due before that moment (ISO 8601 UTC)."""

    scope: str
    state: str = ""
    service: str = ""
    team: str = ""
    late_at: str = ""


@dataclass
class Queue:
    """The open requests of a node in order of urgency."""

    broker: Broker
    _chosen: dict[Waiting, list[str]] = field(default_factory=dict)

    def count(self, waiting: Waiting) -> int:
        lists = _lists(waiting)
        if len(lists) == 1:
            return self.broker.store.count_records(lists[0], before=waiting.late_at)
        return len(self._in_all(waiting))

    def ids(self, waiting: Waiting, limit: int, offset: int = 0) -> list[str]:
        """Entity ids, the most urgent first; what waits for the resident comes last."""
        return [id for _, id in self.due(waiting, limit, offset)]

    def due(self, waiting: Waiting, limit: int, offset: int = 0) -> list[tuple[str, str]]:
        """When the next stage is due (ISO 8601 UTC, or ``~`` and the date of the report) and the entity id."""
        lists = _lists(waiting)
        if len(lists) == 1:
            keys = self.broker.store.record_keys(lists[0], limit, offset, before=waiting.late_at)
        else:
            keys = self._in_all(waiting)[offset : offset + limit]
        return [(due, id) for due, _, id in (key.partition(" ") for key in keys)]

    def documents(self, waiting: Waiting, limit: int, offset: int = 0) -> list[Document]:
        found = (self.broker.get(id) for id in self.ids(waiting, limit, offset))
        return [document for document in found if document is not None]

    def scan(self, waiting: Waiting) -> Iterator[Document]:
        """All of them as they were when it began, one batch of entities in memory."""
        for id in self.ids(waiting, _ALL):
            document = self.broker.get(id)
            if document is not None:
                yield document

    def _in_all(self, waiting: Waiting) -> list[str]:
        """The keys that stand in each of several lists, in order."""
        if waiting not in self._chosen:
            read = [
                self.broker.store.record_keys(kind, _ALL, before=waiting.late_at) for kind in _lists(waiting)
            ]
            read.sort(key=len)
            others = [set(keys) for keys in read[1:]]
            self._chosen[waiting] = [key for key in read[0] if all(key in keys for keys in others)]
        return self._chosen[waiting]


def has_lists(store: EntityStore) -> bool:
    """Whether every request of the store is in its lists; not while :func:`build_lists` is at work."""
    return (store.record(_BUILT, "version") or {}).get("version") == _VERSION


def build_lists(broker: Broker) -> None:
    """Make the lists of a store that was written before there were any, or before there were some; else nothing."""
    if has_lists(broker.store):
        return
    listing, batch = RequestLists(), list[str]()

    def add(ids: Sequence[str]) -> None:
        def work(transaction: Transaction) -> None:
            for id in ids:
                keep_lists(transaction, listing, None, transaction.get(id))

        broker.store.write(work)

    for document in broker.scan(Selection(types=Types(((TYPE,),)))):
        batch.append(document["id"])
        if len(batch) == _BATCH:
            add(batch)
            batch = []
    add(batch)
    broker.store.write(lambda transaction: transaction.save_record(_BUILT, "version", {"version": _VERSION}))


def _lists(waiting: Waiting) -> list[str]:
    """The lists in all of which a wanted request stands."""
    asked = [("team", waiting.team), ("service", waiting.service), ("state", waiting.state)]
    found = [_kind(waiting.scope, by, name) for by, name in asked if name]
    return found or [_kind(waiting.scope, "", "")]


def _kind(scope: str, by: str, name: str) -> str:
    return f"queue {scope}" + (f" {by} {name}" if by else "")
