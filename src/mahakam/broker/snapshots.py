"""Snapshots: entities and evolutions as they were when queries were asked, to be read again later (clause 5.16)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from itertools import islice
from typing import Any, TypeVar, cast

import orjson

from mahakam.broker.clock import now
from mahakam.broker.frozen_evolutions import FrozenEvolutions, as_record
from mahakam.broker.history import History
from mahakam.ngsild import represent
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document
from mahakam.ngsild.match import fulfils, matches
from mahakam.ngsild.ordering import Ordering
from mahakam.ngsild.problem import Problem, not_found
from mahakam.ngsild.selection import Condition, Selection
from mahakam.ngsild.temporal import Head, Moment
from mahakam.store.protocol import EntityStore, Transaction

T = TypeVar("T")
KIND = "snapshot"
"""The store's records: id → the Snapshot as answers have it (clause 5.2.41)."""
MAX_SNAPSHOTS = 100
MAX_ENTITIES = 10_000
MAX_MOMENTS = 100_000
"""Attribute instances of all evolutions of one snapshot."""
DEFAULT_PRIORITY = 5
_USED = timedelta(minutes=1)
_EVERYTHING = Selection()
Evolution = tuple[Head, list[Moment]]


class Snapshots:
    """The snapshots of one tenant. One that has expired is not there."""

    def __init__(self, store: EntityStore) -> None:
        self._store = store

    def create(
        self,
        id: str,
        facts: dict[str, Any],
        documents: Iterable[Document],
        evolutions: Iterable[Evolution] = (),
    ) -> None:
        """Keep what was found under an id; ``facts``: further members. Raises Problem AlreadyExists, TooManyResults."""
        found, histories = _few(documents), _short(evolutions)
        record = self._new(id, facts)
        self._store.write(lambda transaction: _keep(transaction, record, found, histories))

    def begin(self, id: str, facts: dict[str, Any]) -> None:
        """A snapshot that :meth:`fill` will fill. Raises Problem AlreadyExists, TooManyResults."""
        record = self._new(id, facts)
        self._store.write(lambda transaction: _keep(transaction, record, [], []))

    def fill(
        self,
        id: str,
        facts: dict[str, Any],
        documents: Iterable[Document],
        evolutions: Iterable[Evolution] = (),
    ) -> None:
        """Keep what was found in one that was begun, unless it was deleted meanwhile. Raises Problem TooManyResults."""
        found, histories = _few(documents), _short(evolutions)

        def work(transaction: Transaction) -> None:
            record = transaction.record(KIND, id)
            if record is not None:
                _keep(transaction, record | facts, found, histories)

        self._store.write(work)

    def _new(self, id: str, facts: dict[str, Any]) -> dict[str, Any]:
        if self.find(id) is not None:
            raise Problem("AlreadyExists", "Already exists", f"there is a snapshot {id}")
        if len(self._store.records(KIND)) >= MAX_SNAPSHOTS:
            raise Problem("TooManyResults", "There are too many snapshots", f"at most {MAX_SNAPSHOTS}")
        at = now()
        return {"id": id, "type": "Snapshot", "createdAt": at, "lastUsedAt": at, **facts}

    def find(self, id: str) -> dict[str, Any] | None:
        record = self._store.record(KIND, id)
        if record is not None and record.get("expiresAt", "9") <= now():
            self._drop([id])
            return None
        return record

    def get(self, id: str) -> dict[str, Any]:
        """Raises Problem ResourceNotFound."""
        found = self.find(id)
        if found is None:
            raise not_found(f"there is no snapshot {id[:200]}")
        return found

    def change(self, id: str, members: dict[str, Any]) -> dict[str, Any]:
        """Other values for some members. Raises Problem ResourceNotFound."""
        record = self.get(id) | members
        self._store.write(lambda transaction: transaction.save_record(KIND, id, record))
        return record

    def clone(self, id: str, new_id: str, facts: dict[str, Any]) -> None:
        """The same entities under another id. Raises Problem ResourceNotFound, AlreadyExists."""
        found = self.get(id)
        kept = {name: found[name] for name in found if name.startswith("snapshot")}
        record = self._new(new_id, kept | facts)

        def work(transaction: Transaction) -> None:
            for kind in (_entities, _evolutions):
                for key, one in transaction.records(kind(id)).items():
                    transaction.save_record(kind(new_id), key, one)
            transaction.save_record(KIND, new_id, record)

        self._store.write(work)

    def delete(self, id: str) -> None:
        """Raises Problem ResourceNotFound."""
        self.get(id)
        self._drop([id])

    def purge(self, condition: Condition) -> None:
        """The end of all that fulfil a condition about their members."""
        self._drop(
            [id for id, record in self._store.records(KIND).items() if fulfils(_as_entity(record), condition)]
        )

    def frozen(self, id: str) -> Frozen:
        """What a snapshot holds, to be read like a broker. Raises Problem ResourceNotFound."""
        found = self.get(id)
        if datetime.fromisoformat(found["lastUsedAt"]) + _USED < datetime.now(UTC):
            self.change(id, {"lastUsedAt": now()})
        kept = FrozenEvolutions(self._store.records(_evolutions(id)))
        return Frozen(self._store.records(_entities(id)).values(), self._store, kept)

    def _drop(self, ids: list[str]) -> None:
        def work(transaction: Transaction) -> None:
            for id in ids:
                for kind in (_entities(id), _evolutions(id)):
                    for key in transaction.records(kind):
                        transaction.save_record(kind, key, None)
                transaction.save_record(KIND, id, None)

        self._store.write(work)


class Frozen:
    """Documents that do not change, read as a broker's are. Small records are those of the store beneath."""

    def __init__(
        self, documents: Iterable[Document], beneath: EntityStore, evolutions: FrozenEvolutions
    ) -> None:
        self.history = History(cast(EntityStore, evolutions), kept=False)
        self._documents = {document["id"]: document for document in documents}
        self._beneath = beneath

    @property
    def store(self) -> Frozen:
        return self

    def tenant(self, _name: str) -> Frozen:
        return self

    def body(self, id: str) -> bytes | None:
        found = self._documents.get(id)
        return None if found is None else represent.body(found)

    def get(self, id: str) -> Document | None:
        return self._documents.get(id)

    def marked(self, body: bytes) -> Document:
        document: Document = orjson.loads(body)
        return document

    def scan(self, selection: Selection = _EVERYTHING) -> Iterator[Document]:
        return (document for document in self._documents.values() if matches(document, selection))

    def query(
        self, selection: Selection = _EVERYTHING, limit: int = 1000, offset: int = 0, start: int = 0
    ) -> list[Document]:
        found = islice(self._documents.values(), max(start - 1, 0), None)
        chosen = (document for document in found if matches(document, selection))
        return list(islice(chosen, offset, offset + limit))

    documents = query

    def number(self, id: str) -> int:
        return next((place for place, each in enumerate(self._documents, 1) if each == id), 0)

    def bodies(self, selection: Selection, limit: int, offset: int = 0, start: int = 0) -> list[bytes]:
        return [represent.body(document) for document in self.query(selection, limit, offset, start)]

    def page(
        self, selection: Selection, limit: int, offset: int = 0, start: int = 0
    ) -> tuple[bytes, int | None]:
        found = self.query(selection, limit + 1, offset, start)
        array = b"[" + b",".join(map(represent.body, found[:limit])) + b"]"
        return array, self.number(found[limit]["id"]) if len(found) > limit else None

    def ordered(
        self, selection: Selection, ordering: Ordering, limit: int, offset: int = 0
    ) -> list[Document]:
        return nsmallest(offset + limit, self.scan(selection), ordering.key())[offset:]

    def count(self, selection: Selection = _EVERYTHING) -> int:
        return sum(1 for _ in self.scan(selection))

    def record(self, kind: str, key: str) -> dict[str, Any] | None:
        return self._beneath.record(kind, key)

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        return self._beneath.records(kind)

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self._beneath.write(work)


def _few(documents: Iterable[Document]) -> list[Document]:
    found = list({document["id"]: document for document in islice(documents, MAX_ENTITIES + 1)}.values())
    if len(found) > MAX_ENTITIES:
        raise Problem("TooManyResults", "The snapshot is too large", f"at most {MAX_ENTITIES:,} entities")
    return found


def _short(evolutions: Iterable[Evolution]) -> list[Evolution]:
    found: dict[str, Evolution] = {}
    size = 0
    for head, moments in evolutions:
        known = found.get(head["id"])
        if known is not None:
            has = {one.foreign or one.number for one in known[1]}
            moments = [*known[1], *(one for one in moments if (one.foreign or one.number) not in has)]
        size += len(moments) - (len(known[1]) if known else 0)
        found[head["id"]] = head, moments
        if len(found) > MAX_ENTITIES or size > MAX_MOMENTS:
            raise Problem(
                "TooManyResults",
                "The snapshot is too large",
                f"at most {MAX_ENTITIES:,} evolutions with {MAX_MOMENTS:,} attribute instances",
            )
    return list(found.values())


def _keep(
    transaction: Transaction,
    record: dict[str, Any],
    documents: Iterable[Document],
    evolutions: Iterable[Evolution],
) -> None:
    for number, document in enumerate(documents):
        transaction.save_record(_entities(record["id"]), f"{number:08d}", document)
    for number, (head, moments) in enumerate(evolutions):
        transaction.save_record(_evolutions(record["id"]), f"{number:08d}", as_record(head, moments))
    transaction.save_record(KIND, record["id"], record)


def _entities(id: str) -> str:
    return f"{KIND}-entity {id}"


def _evolutions(id: str) -> str:
    return f"{KIND}-evolution {id}"


def _as_entity(record: dict[str, Any]) -> Document:
    return {
        name: value if name in ENTITY_MEMBERS else {"type": "Property", "value": value}
        for name, value in record.items()
    }
