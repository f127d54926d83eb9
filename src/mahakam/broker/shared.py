"""A tenant's store as a hub sees it: nothing but the types and attributes that are shared with it.

The counterpart of ``broker.sight`` for readers to whom all is closed that is not named. What is not shared is not
there: it is not shown, not found, not counted, not ordered by, and an entity is never part of the answer to a query
that names an attribute of it that is not shared, whatever the query says of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from time import monotonic
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

import msgspec
import orjson

from mahakam.broker.masks import Masks
from mahakam.broker.sight import next_start
from mahakam.ngsild import represent
from mahakam.ngsild.entity import ENTITY_MEMBERS, Document
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.qlanguage import attributes_in
from mahakam.ngsild.selection import Selection, Types
from mahakam.ngsild.temporal import Head, Moment
from mahakam.ngsild.temporal_query import View
from mahakam.store.errors import TakesLong
from mahakam.store.protocol import EntityStore

_T = TypeVar("_T")
_PLUMBING = frozenset(("write", "submit", "submit_async", "record", "records", "number", "last"))
"""What is no reading of entities, and what a broker needs to do its own work while somebody reads."""
_LOOK = 5.0
"""Seconds for which it is remembered whether there are entities of several types."""
_several: WeakKeyDictionary[EntityStore, tuple[float, bool]] = WeakKeyDictionary()

_masks = Masks()
_each = msgspec.json.Decoder(list[msgspec.Raw]).decode
"""The entities of a page, unread."""


class Share(Hashable, Protocol):
    """What is shared: type → attributes. ``version`` grows with every change."""

    @property
    def version(self) -> int: ...

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]: ...

    def shown(self, head: Mapping[str, Any], /) -> frozenset[str] | None:
        """The attributes shown of the entity with this type; None: the entity is not shared."""

    def masked(self, document: Document, /) -> Document | None: ...


class Shared:
    """The reading methods of an :class:`EntityStore`; one that is not here is refused."""

    def __init__(self, store: EntityStore, share: Share) -> None:
        self._store = store
        self._share = share

    def __getattr__(self, name: str) -> Any:
        if name in _PLUMBING:
            return getattr(self._store, name)
        raise Problem("Forbidden", "Not shared", "a hub's key reads entities and their histories", status=403)

    def body(self, id: str, *, at_once: bool = False) -> bytes | None:  # noqa: ARG002 - the store's signature
        body = self._store.body(id)
        return None if body is None else _masks.shown(self._share, body)

    def document(self, id: str) -> Document | None:
        document = self._store.document(id)
        return None if document is None else self._share.masked(document)

    def bodies(self, selection: Selection, limit: int, offset: int = 0, start: int = 0) -> list[bytes]:
        quick = self._as_the_store_has_it(selection)
        if quick is not None:
            bodies = self._store.bodies(quick, limit, offset, start)
            shown = _unless_hidden(_masks.shown(self._share, body) for body in bodies)
            if shown is not None:
                return shown
        return [represent.body(document) for document in self.documents(selection, limit, offset, start)]

    def page(
        self,
        selection: Selection,
        limit: int,
        offset: int = 0,
        start: int = 0,
        *,
        at_once: bool = False,
    ) -> tuple[bytes, int | None]:
        quick = self._as_the_store_has_it(selection)
        if quick is not None:
            array, follows = self._store.page(quick, limit, offset, start, at_once=at_once)
            shown = _unless_hidden(_masks.shown(self._share, bytes(body)) for body in _each(array))
            if shown is not None:
                return b"[%b]" % b",".join(shown), follows
        if at_once:
            raise TakesLong("each entity must be looked at")
        bodies = self.bodies(selection, limit + 1, offset, start)
        array = b"[%b]" % b",".join(bodies[:limit])
        return array, next_start(self._store, len(bodies), limit, lambda at: orjson.loads(bodies[at])["id"])

    def documents(
        self, selection: Selection, limit: int = 1000, offset: int = 0, start: int = 0
    ) -> list[Document]:
        quick = self._as_the_store_has_it(selection)
        if quick is not None:
            seen = _unless_hidden(map(self._share.masked, self._store.documents(quick, limit, offset, start)))
            if seen is not None:
                return seen
        return list(islice(self.scan(selection, start), offset, offset + limit))

    def count(self, selection: Selection) -> int:
        quick = self._as_the_store_has_it(selection)
        return self._store.count(quick) if quick is not None else sum(1 for _ in self.scan(selection))

    def scan(self, selection: Selection, start: int = 0) -> Iterator[Document]:
        types = self._narrowed(selection.types)
        if not types.any_of:
            return
        named = _named(selection)
        for document in self._store.scan(replace(selection, types=types), start):
            shown = self._share.shown(document)
            if shown is None or not named <= shown:
                continue
            if selection.attrs and not any(name in document for name in shown.intersection(selection.attrs)):
                continue
            found = self._share.masked(document)
            if found is not None:
                yield found

    def size(self) -> int:
        return self.count(Selection())

    def types(self) -> dict[str, int]:
        """Types that are shared, with the number of entities that are seen."""
        if not self._several_types():
            return {
                type: count for type, count in self._store.types().items() if type in self._share.attributes
            }
        found: dict[str, int] = {}
        for document in self.scan(Selection()):
            types = document["type"]
            for type in [types] if isinstance(types, str) else types:
                found[type] = found.get(type, 0) + 1
        return found

    def attributes(self, type: str | None = None) -> dict[str, dict[str, Any]]:
        wanted = [type] if type is not None else sorted(self._share.attributes)
        found: dict[str, dict[str, Any]] = {}
        for one in wanted:
            shown = self._share.attributes.get(one, frozenset())
            for name, facts in self._store.attributes(one).items() if shown else ():
                if name not in shown:
                    continue
                known = found.setdefault(name, {"count": 0, "attributeTypes": [], "typeNames": []})
                known["count"] += facts.get("count", 0)
                known["attributeTypes"] = sorted({*known["attributeTypes"], *facts.get("attributeTypes", ())})
                known["typeNames"].append(one)
        return found

    def evolution(self, id: str) -> Head | None:
        head = self._store.evolution(id)
        return None if head is None or self._share.shown(head) is None else head

    def evolutions(
        self, ids: Sequence[str] = (), types: Sequence[str] = (), after: int = 0, limit: int = 500
    ) -> list[tuple[int, Head]]:
        """As the store's; a page may be shorter, and only the last one is empty."""
        asked = tuple(types) or tuple(sorted(self._share.attributes))
        while found := self._store.evolutions(ids, asked, after, limit):
            seen = [(number, head) for number, head in found if self._share.shown(head) is not None]
            if seen:
                return seen
            after = found[-1][0]
        return []

    def moments(self, view: View) -> list[Moment]:
        head = self._store.evolution(view.entity)
        shown = self._share.shown(head) if head is not None else None
        if shown is None:
            return []
        names = shown | {"scope"}
        if view.attributes:
            names = names.intersection(view.attributes)
        return self._store.moments(replace(view, attributes=tuple(sorted(names)))) if names else []

    def _as_the_store_has_it(self, selection: Selection) -> Selection | None:
        """What to ask the store, where all that it finds is seen; None where each entity must be looked at."""
        types = self._narrowed(selection.types)
        asked = _named(selection).union(selection.attrs)
        for together in types.any_of:
            shown = [self._share.attributes[type] for type in together]
            if not asked <= frozenset.intersection(*shown):
                return None
        return replace(selection, types=types) if types.any_of and not self._several_types() else None

    def _several_types(self) -> bool:
        """Whether there are entities of several types, of which some may not be shared; as of some seconds ago."""
        at, store = monotonic(), self._store
        known = _several.get(store)
        if known is None or at - known[0] > _LOOK:
            known = _several[store] = at, sum(store.types().values()) != store.size()
        return known[1]

    def _narrowed(self, types: Types | None) -> Types:
        """Those types of a selection that an entity which is shared can have."""
        shared = self._share.attributes
        if types is None:
            return Types(tuple((one,) for one in sorted(shared)))
        return Types(tuple(one for one in types.any_of if all(type in shared for type in one)))


def _named(selection: Selection) -> frozenset[str]:
    """The attributes of which a selection says something that an entity must fulfil."""
    named = attributes_in(selection.condition) if selection.condition is not None else frozenset()
    if selection.geo is not None:
        named |= {selection.geo.geoproperty}
    return named - ENTITY_MEMBERS


def _unless_hidden(shown: Iterable[_T | None]) -> list[_T] | None:
    """All of them; None if one (None) is not shared, so that a page would lack it."""
    found = []
    for one in shown:
        if one is None:
            return None
        found.append(one)
    return found
