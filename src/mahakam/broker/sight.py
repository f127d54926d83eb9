"""The one point where reading is restricted: a store as somebody sees it, without what is hidden from them.

What is hidden is not there: it is not shown, not found, not counted, not ordered by. An entity with a hidden
attribute is never part of the answer to a query that names this attribute, whatever the query says of it, so that
neither ``nik==…`` nor ``!nik`` tells anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

import orjson

from mahakam.broker.history import MAX_INSTANCES
from mahakam.ngsild import represent
from mahakam.ngsild.entity import Document
from mahakam.ngsild.qlanguage import attributes_in
from mahakam.ngsild.selection import Selection, Types
from mahakam.ngsild.temporal import Head, Moment
from mahakam.ngsild.temporal_query import View
from mahakam.quality.classes import WHOLE
from mahakam.store.protocol import EntityStore


class Sight(Protocol):
    """What somebody sees."""

    @property
    def names(self) -> frozenset[str]:
        """Every attribute that is hidden of some entity (:data:`WHOLE`: whole entities are); none: all is seen."""

    @property
    def types(self) -> frozenset[str]:
        """The types of which some entities are hidden as a whole."""

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """Finds a member of one of those names, or one of those types, in the bytes of stored entities."""

    def hidden(self, head: Mapping[str, Any], /) -> frozenset[str]:
        """The attributes that are hidden of the entity with this type and scope; with :data:`WHOLE` it is not there."""


def shown(document: Document, sight: Sight) -> Document | None:
    """A document without what is hidden; None if all of it is."""
    return None if WHOLE in sight.hidden(document) else masked(document, sight)


def masked(document: Document, sight: Sight) -> Document:
    """A document without what is hidden."""
    hidden = sight.hidden(document)
    if hidden.isdisjoint(document):
        return document
    return {name: part for name, part in document.items() if name not in hidden}


def asks(selection: Selection, sight: Sight) -> frozenset[str]:
    """The attributes that a selection names and that are hidden of some entity."""
    named = set(selection.attrs)
    if selection.condition is not None:
        named |= attributes_in(selection.condition)
    if selection.geo is not None:
        named.add(selection.geo.geoproperty)
    if sight.types and _selects(selection, sight.types):
        named.add(WHOLE)
    return sight.names & named


def _selects(selection: Selection, types: frozenset[str]) -> bool:
    """Whether entities of one of these types may be among the selected."""
    if selection.types is None:
        return True
    return any(not types.isdisjoint(together) for together in selection.types.any_of)


def next_start(store: EntityStore, found: int, limit: int, id_at: Callable[[int], str]) -> int | None:
    """Where the page after these starts, of which the last is the first that follows; None if none follows.

    ``id_at``: the id at a place among those that were found.

    It may have been deleted since it was read: then the page starts after the last one that is still there. 0: none
    of them is.
    """
    if found <= limit:
        return None
    for place in range(limit, -1, -1):
        number = store.number(id_at(place))
        if number:
            return number if place == limit else number + 1
    return 0


class Sighted:
    """A tenant's store as somebody sees it: the same methods, of which these answer without what is hidden."""

    def __init__(self, store: EntityStore, sight: Sight) -> None:
        self._store = store
        self._sight = sight

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def body(self, id: str, *, at_once: bool = False) -> bytes | None:
        body = self._store.body(id, at_once=at_once)
        if body is None or not self._shows_any(body):
            return body
        document = self.document(id)
        return None if document is None else represent.body(document)

    def document(self, id: str) -> Document | None:
        document = self._store.document(id)
        return None if document is None else shown(document, self._sight)

    def bodies(self, selection: Selection, limit: int, offset: int = 0, start: int = 0) -> list[bytes]:
        if asks(selection, self._sight):
            return [represent.body(document) for document in self.documents(selection, limit, offset, start)]
        found = self._store.bodies(selection, limit, offset, start)
        return [self._without(body) if self._shows_any(body) else body for body in found]

    def page(
        self, selection: Selection, limit: int, offset: int = 0, start: int = 0, *, at_once: bool = False
    ) -> tuple[bytes, int | None]:
        if not asks(selection, self._sight):
            found = self._store.page(selection, limit, offset, start, at_once=at_once)
            if not self._shows_any(found[0]):
                return found
        documents = self.documents(selection, limit + 1, offset, start)
        array = b"[" + b",".join(map(represent.body, documents[:limit])) + b"]"
        return array, next_start(self._store, len(documents), limit, lambda at: documents[at]["id"])

    def documents(
        self, selection: Selection, limit: int = 1000, offset: int = 0, start: int = 0
    ) -> list[Document]:
        if asks(selection, self._sight):
            return list(islice(self.scan(selection, start), offset, offset + limit))
        found = self._store.documents(selection, limit, offset, start)
        return [masked(one, self._sight) for one in found]

    def count(self, selection: Selection) -> int:
        if asks(selection, self._sight):
            return sum(1 for _ in self.scan(selection))
        return self._store.count(selection)

    def scan(self, selection: Selection, start: int = 0) -> Iterator[Document]:
        named, sight = asks(selection, self._sight), self._sight
        for document in self._store.scan(selection, start):
            if not named or named.isdisjoint(sight.hidden(document)):
                yield masked(document, sight)

    def types(self) -> dict[str, int]:
        found = self._store.types()
        for type in self._sight.types & found.keys():
            found[type] = self.count(Selection(types=Types(((type,),))))
        return {type: count for type, count in found.items() if count}

    def attributes(self, type: str | None = None) -> dict[str, dict[str, Any]]:
        found = self._store.attributes(type)
        if not self._sight.types:
            return found
        types = self.types()
        told = {
            name: {**one, "typeNames": [type for type in one["typeNames"] if type in types]}
            for name, one in found.items()
        }
        return {name: one for name, one in told.items() if one["typeNames"]}

    def evolution(self, id: str) -> Head | None:
        head = self._store.evolution(id)
        return None if head is None or WHOLE in self._sight.hidden(head) else head

    def moments(self, view: View) -> list[Moment]:
        head = self._store.evolution(view.entity)
        hidden = self._sight.hidden(head) if head is not None else frozenset()
        if not hidden:
            return self._store.moments(view)
        if WHOLE in hidden:
            return []
        if view.attributes:
            names = tuple(name for name in view.attributes if name not in hidden)
            return self._store.moments(replace(view, attributes=names)) if names else []
        # What is hidden does not count towards the limit, else a page would end where it does not.
        more = replace(view, limit=max(view.limit, MAX_INSTANCES + 1) if view.limit else 0)
        found = [moment for moment in self._store.moments(more) if moment.attribute not in hidden]
        return found[: view.limit] if view.limit else found

    def _without(self, body: bytes) -> bytes:
        return orjson.dumps(masked(orjson.loads(body), self._sight))

    def _shows_any(self, body: bytes) -> bool:
        return bool(self._sight.names) and self._sight.pattern.search(body) is not None
