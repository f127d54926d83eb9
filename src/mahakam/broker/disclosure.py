"""Which personal data a request reads: a store that remembers it, for the audit trail to have before the answer goes.

It is remembered where the store is read, not where an answer is written: a query that asks ``nik=="…"`` has read the
attribute, whatever it shows of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from mahakam.broker.sight import Sight, asks
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document
from mahakam.ngsild.selection import Selection
from mahakam.ngsild.temporal import Moment
from mahakam.ngsild.temporal_query import View
from mahakam.quality.classes import WHOLE

if TYPE_CHECKING:
    from mahakam.store.protocol import EntityStore, Transaction

READ = "read"
MOST = 100
"""Entities of one reading that its entry names."""


def note_read(store: EntityStore, of: str, fields: Iterable[str], **more: Any) -> None:
    """Before an answer goes: whoever acts was shown these personal fields of ``of``. Nothing if there are none."""
    names = sorted(set(fields))
    if names:
        detail = {"fields": names} | {name: value for name, value in more.items() if value}
        store.write(lambda transaction: transaction.audit(READ, of, detail))


class Disclosure:
    """What one request has read. ``personal``: of which every name is one that a contract calls personal."""

    __slots__ = ("count", "fields", "named", "personal")

    def __init__(self, personal: Sight) -> None:
        self.personal = personal
        self.fields: set[str] = set()
        self.named: dict[str, None] = {}
        self.count = 0

    def note(self, document: Mapping[str, Any]) -> None:
        hidden = self.personal.hidden(document)
        shown = (document.keys() - ENTITY_MEMBERS) if WHOLE in hidden else hidden.intersection(document)
        if shown:
            self.fields |= shown
            self.count += 1
            if len(self.named) < MOST:
                self.named[document["id"]] = None

    def note_query(self, selection: Selection) -> None:
        self.fields |= asks(selection, self.personal)

    def entry(self, transaction: Transaction) -> None:
        """The audit entry of it: which fields, of whom."""
        ids = list(self.named)
        detail: dict[str, Any] = {"fields": sorted(self.fields), "entities": self.count}
        if len(ids) > 1:
            detail["objects"] = [[READ, id] for id in ids]
        transaction.audit(READ, ids[0] if ids else "", detail)


class Watched:
    """A tenant's store whose reader is watched: the same methods, with the same answers."""

    def __init__(self, store: EntityStore, disclosure: Disclosure) -> None:
        self._store = store
        self._to = disclosure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def body(self, id: str, *, at_once: bool = False) -> bytes | None:
        body = self._store.body(id, at_once=at_once)
        if body is not None and self._shows_any(body):
            self._to.note(orjson.loads(body))
        return body

    def document(self, id: str) -> Document | None:
        document = self._store.document(id)
        if document is not None:
            self._to.note(document)
        return document

    def bodies(self, selection: Selection, limit: int, offset: int = 0, start: int = 0) -> list[bytes]:
        self._to.note_query(selection)
        found = self._store.bodies(selection, limit, offset, start)
        for body in found:
            if self._shows_any(body):
                self._to.note(orjson.loads(body))
        return found

    def page(
        self, selection: Selection, limit: int, offset: int = 0, start: int = 0, *, at_once: bool = False
    ) -> tuple[bytes, int | None]:
        self._to.note_query(selection)
        found = self._store.page(selection, limit, offset, start, at_once=at_once)
        if self._shows_any(found[0]):
            self._all(orjson.loads(found[0]))
        return found

    def documents(
        self, selection: Selection, limit: int = 1000, offset: int = 0, start: int = 0
    ) -> list[Document]:
        self._to.note_query(selection)
        found = self._store.documents(selection, limit, offset, start)
        self._all(found)
        return found

    def count(self, selection: Selection) -> int:
        self._to.note_query(selection)
        return self._store.count(selection)

    def scan(self, selection: Selection, start: int = 0) -> Iterator[Document]:
        self._to.note_query(selection)
        for document in self._store.scan(selection, start):
            self._to.note(document)
            yield document

    def moments(self, view: View) -> list[Moment]:
        found = self._store.moments(view)
        head = self._store.evolution(view.entity)
        if head is not None:
            names = {moment.attribute for moment in found}
            self._to.note({"id": view.entity, **dict.fromkeys(names), **head})
        return found

    def _all(self, documents: Iterable[Document]) -> None:
        for document in documents:
            self._to.note(document)

    def _shows_any(self, body: bytes) -> bool:
        return self._to.personal.pattern.search(body) is not None
