"""The one way in and out of a tenant: every write passes its contract, every read is the store's bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from heapq import nsmallest
from time import time
from typing import Any, TypeVar, cast

import orjson

from mahakam.broker.clock import now, stamped
from mahakam.broker.contracts import ContractBook
from mahakam.broker.disclosure import Disclosure, Watched
from mahakam.broker.federation.notices import notice
from mahakam.broker.federation.registrations import Registrations
from mahakam.broker.guard import Guard
from mahakam.broker.history import NOT_KEPT, History, Keeping
from mahakam.broker.lists import Listing, keep_lists
from mahakam.broker.pen import Pen, Pens, Verb, check, check_names
from mahakam.broker.shared import Share, Shared
from mahakam.broker.sight import Sight, Sighted
from mahakam.broker.subscriptions import Shares, Subscriptions
from mahakam.broker.transient import KIND as TRANSIENT
from mahakam.broker.transient import Ends, Transients, has_ended, split, without
from mahakam.broker.transitions import Transitions
from mahakam.broker.writes import (
    Create,
    Delete,
    Ingest,
    Ingested,
    Modify,
    Patch,
    Replace,
    Upsert,
    Write,
    Written,
)
from mahakam.config import Place
from mahakam.ngsild import represent
from mahakam.ngsild.draft import Draft
from mahakam.ngsild.entity import Document
from mahakam.ngsild.ordering import Ordering
from mahakam.ngsild.patch import Change
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.ngsild.selection import Selection
from mahakam.store.errors import StoreError, StoreUnavailable
from mahakam.store.model import Entry, Held, Run
from mahakam.store.protocol import EntityStore, Store, Transaction

T = TypeVar("T")
_EVERYTHING = Selection()
_ORDERED = 100_000
_EXPIRES = b'"expiresAt"'
_LARGE = 100
"""Writes from which a batch is run on the store's own thread, so that the event loop goes on."""


class Broker:
    """Entities of one tenant (``tenant(name)`` leads to the others). Refusals are Problems.

    The methods that write are done when they return: durable, and what is owed to subscriptions is in the
    outbox. Their forms with ``a`` in front are for coroutines, and share commits.
    ``private_addresses``: whether notifications may go to them. ``history``: in which tenants every change
    adds to the entity's temporal evolution. ``listing``: the ordered lists that a room keeps of its entities.
    ``told``: what notifications may tell; None: all. ``pens``: what whoever acts may write; None: all.
    ``shares``: what is shared with a hub now.
    """

    def __init__(
        self,
        store: Store,
        book: ContractBook,
        places: Mapping[str, Place],
        *,
        name: str = "",
        private_addresses: bool = False,
        history: Keeping = NOT_KEPT,
        listing: Listing | None = None,
        told: Sight | None = None,
        transitions: Transitions | None = None,
        pens: Pens | None = None,
        shares: Shares | None = None,
    ) -> None:
        self.stores = store
        self.name = name
        self.sight: Sight | None = None
        """Whose reading this is; None: that of the node itself."""
        self.private_addresses = private_addresses
        self.store: EntityStore = store.tenant(name)
        self.book = book
        self.places = places
        self._told = told
        self._shares = shares
        self.subscriptions = Subscriptions(self.store, name, told, shares)
        self.registrations = Registrations(self.store, partial(notice, self.subscriptions))
        self._transients = Transients(self.store)
        self.history = History(self.store, kept=history.kept(name), seconds=history.seconds(name), pens=pens)
        self._keeping = history
        self._guard = Guard(book, places)
        self._listing = listing
        self._transitions = transitions
        self._pens = pens
        self._tenants: dict[str, Broker] = {name: self}

    def tenant(self, name: str, *, create: bool = False) -> Broker:
        """The broker of another tenant; "" is the default one.

        Raises Problem NonexistentTenant for one that there is not, unless ``create`` makes it.
        """
        found = self._tenants.get(name)
        if found is not None:
            return found if self.sight is None else found.seen(self.sight)
        try:
            if create:
                self.stores.create_tenant(name)
            broker = Broker(
                self.stores,
                self.book,
                self.places,
                name=name,
                private_addresses=self.private_addresses,
                history=self._keeping,
                listing=self._listing,
                told=self._told,
                transitions=self._transitions,
                pens=self._pens,
                shares=self._shares,
            )
        except KeyError:
            raise Problem(
                "NonexistentTenant", "There is no such tenant", f"{name}; creating an entity makes it"
            ) from None
        except StoreUnavailable:
            raise
        except StoreError as error:
            raise bad_request("The tenant cannot be made", str(error)) from error
        made = self._tenants.setdefault(name, broker)
        return made if self.sight is None else made.seen(self.sight)

    def seen(self, sight: Sight) -> Broker:
        """The same broker, of which every reading method answers as somebody sees it."""
        other = copy(self)
        other.sight = sight
        other.store = cast(EntityStore, Sighted(self.store, sight))
        other.history = self.history.over(other.store)
        return other

    def shared(self, share: Share) -> Broker:
        """The same broker, of which every reading method answers with what is shared, and nothing else."""
        other = copy(self)
        other.store = cast(EntityStore, Shared(self.store, share))
        other.history = self.history.over(other.store)
        return other

    def hides(self, names: Iterable[str]) -> bool:
        """Whether one of these attributes is hidden of some entity: then no list that was made of them may answer."""
        return self.sight is not None and not self.sight.names.isdisjoint(names)

    def watched(self, disclosure: Disclosure) -> Broker:
        """The same broker, which notes what is read of personal data."""
        other = copy(self)
        other.store = cast(EntityStore, Watched(self.store, disclosure))
        other.history = self.history.over(other.store)
        return other

    # Reading

    def body(self, id: str, *, at_once: bool = False) -> bytes | None:
        """The entity as a read without options answers it; ``at_once``: other requests wait."""
        if time() >= self._transients.look:
            self._end_what_is_due()
        return self.store.body(id, at_once=at_once)

    def get(self, id: str) -> Document | None:
        self._look()
        document = self.store.document(id)
        return None if document is None else self._transients.marked(document)

    def marked(self, body: bytes) -> Document:
        """What :meth:`body` answered as a document with its ``expiresAt``, and without system times."""
        return self._transients.marked(orjson.loads(body))

    def bodies(self, selection: Selection, limit: int, offset: int = 0, start: int = 0) -> list[bytes]:
        self._look()
        return self.store.bodies(selection, limit, offset, start)

    def page(
        self, selection: Selection, limit: int, offset: int = 0, start: int = 0, *, at_once: bool = False
    ) -> tuple[bytes, int | None]:
        """The bodies as one JSON array, and where the next page starts; ``at_once``: or TakesLong is raised."""
        if time() >= self._transients.look:
            self._end_what_is_due()
        return self.store.page(selection, limit, offset, start, at_once=at_once)

    def query(
        self, selection: Selection = _EVERYTHING, limit: int = 1000, offset: int = 0, start: int = 0
    ) -> list[Document]:
        self._look()
        return list(map(self._transients.marked, self.store.documents(selection, limit, offset, start)))

    def ordered(
        self, selection: Selection, ordering: Ordering, limit: int, offset: int = 0
    ) -> list[Document]:
        """The same in an order of their own: all that is selected is looked at.

        Raises Problem TooComplexQuery for a page too far from the first.
        """
        if offset + limit > _ORDERED:
            raise Problem(
                "TooComplexQuery",
                "The page is too far",
                f"with orderBy: within the first {_ORDERED:,} entities",
            )
        return nsmallest(offset + limit, self.scan(selection), ordering.key())[offset:]

    def scan(self, selection: Selection = _EVERYTHING) -> Iterator[Document]:
        """Every selected entity, without a limit and without holding them all in memory."""
        self._look()
        return map(self._transients.marked, self.store.scan(selection))

    def count(self, selection: Selection = _EVERYTHING) -> int:
        self._look()
        return self.store.count(selection)

    def types(self) -> dict[str, int]:
        self._look()
        return self.store.types()

    def attributes(self, type: str | None = None) -> dict[str, dict[str, Any]]:
        self._look()
        return self.store.attributes(type)

    def _look(self) -> None:
        """Nothing that has ended is read (clause 4.22)."""
        if time() >= self._transients.look:
            self._end_what_is_due()

    def _end_what_is_due(self) -> None:
        due = self._transients.due()
        if due:
            self.store.write(lambda transaction: self._end(transaction, due))
            self._transients.due()

    def _end(self, transaction: Transaction, due: list[str]) -> None:
        at = now()
        for id in due:
            stored = transaction.get(id)
            if stored is None:
                if transaction.record(TRANSIENT, id) is not None:  # else its write is still under way
                    self._transients.keep(transaction, id, ())
                continue
            document = self._transients.marked(stored, transaction)
            if has_ended(document, at):
                self._apply(transaction, Delete(id), "", at)
            else:
                change = without(document, at)
                self._store(transaction, document, change.document, "change", "", at)

    # Writing

    def create(self, document: Document, author: str = "") -> None:
        """Store a new entity.

        Raises Problem AlreadyExists, or BadRequestData with every rule of its contract that it fails.
        """
        self.store.write(self._create(Draft.of(document), author))

    def create_as(self, make: Callable[[Transaction], Document | None], author: str = "") -> bool:
        """Store a new entity that is made in the transaction, with other records of it; False if ``make`` gives none.

        Raises what :meth:`create` does; nothing is written then.
        """
        at, pen = now(), self._pen()

        def work(transaction: Transaction) -> bool:
            document = make(transaction)
            if document is not None:
                self._apply(transaction, Create(Draft.of(document)), author, at, pen)
            return document is not None

        return self.store.write(work)

    def decided(self, decide: Callable[[Transaction], Write | None], author: str = "") -> Written | None:
        """Write what is decided in the transaction, with other records of it; None if nothing is.

        Raises the Problem of a write that is refused; nothing is written then.
        """
        at, pen = now(), self._pen()

        def work(transaction: Transaction) -> Written | None:
            write = decide(transaction)
            return None if write is None else self._apply(transaction, write, author, at, pen)

        return self.store.write(work)

    async def acreate(self, draft: Draft, author: str = "") -> None:
        await self.store.submit_async(self._create(draft, author))

    def replace(self, document: Document, author: str = "") -> None:
        """Store an entity instead of the one with its id.

        Raises Problem ResourceNotFound, or BadRequestData.
        """
        self.store.write(self._one(Replace(document), author))

    async def areplace(self, document: Document, author: str = "") -> None:
        await self.store.submit_async(self._one(Replace(document), author))

    def upsert(self, document: Document, author: str = "") -> bool:
        """Store an entity, new (True) or instead of the one with its id.

        Raises Problem BadRequestData.
        """
        return self.store.write(self._one(Upsert(document), author)).created

    async def aupsert(self, document: Document, author: str = "") -> bool:
        return (await self.store.submit_async(self._one(Upsert(document), author))).created

    def change(self, id: str, patch: Patch, author: str = "") -> Written:
        """Read, patch and write an entity in one transaction.

        Raises Problem ResourceNotFound, BadRequestData, or what ``patch`` raises.
        """
        return self.store.write(self._one(Modify(id, patch), author))

    async def achange(self, id: str, patch: Patch, author: str = "") -> Written:
        return await self.store.submit_async(self._one(Modify(id, patch), author))

    def delete(self, id: str, author: str = "") -> None:
        """Raises Problem ResourceNotFound."""
        self.store.write(self._one(Delete(id), author))

    async def adelete(
        self, id: str, author: str = "", check: Callable[[Document], None] | None = None
    ) -> None:
        await self.store.submit_async(self._one(Delete(id, check), author))

    def batch(self, writes: Sequence[Write], author: str = "") -> list[Written]:
        """Many writes in one transaction; a refused one does not stop the others: its result says why."""
        return self.store.write(self._many(writes, author))

    async def abatch(self, writes: Sequence[Write], author: str = "") -> list[Written]:
        work = self._many(writes, author)
        if len(writes) > _LARGE:
            return await asyncio.wrap_future(self.store.submit(work))
        return await self.store.submit_async(work)

    def together(
        self,
        writes: Sequence[Write],
        author: str = "",
        also: Callable[[Transaction], object] = lambda _transaction: None,
    ) -> list[Written]:
        """Writes that all happen or none, in one transaction, with other records of it (``also``).

        Raises the Problem of the first that is refused.
        """
        at, pen = now(), self._pen()

        def work(transaction: Transaction) -> list[Written]:
            written = [self._apply(transaction, write, author, at, pen) for write in writes]
            also(transaction)
            return written

        return self.store.write(work)

    def ingest(self, run: Run, items: Sequence[Ingest], held: Sequence[Held] = ()) -> Ingested:
        """A feed's batch, checked already, in one transaction: documents, lineage, quarantine, the run.

        An item whose digest is that of the stored lineage is unchanged and not written.
        ``run`` is saved as it is, and its id set; adding up its figures is the caller's.
        """
        return self.store.write(lambda transaction: self._ingest(transaction, run, items, held))

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Other records (runs, held rows, corrections) in one transaction; entities: the methods above."""
        return self.store.write(work)

    def require_pen(self, head: Mapping[str, Any], names: Iterable[tuple[str, Verb]]) -> None:
        """Raises Problem (401, 403) if whoever acts may not do this to an entity of elsewhere with this head."""
        pen = self._pen()
        if pen is not None:
            check_names(pen, [head], names)

    # How

    def _pen(self) -> Pen | None:
        """Of whoever asks: to be taken before the work goes to the store's thread."""
        return None if self._pens is None else self._pens.current()

    def _create(self, draft: Draft, author: str) -> Callable[[Transaction], None]:
        """All that needs no transaction is done here, before the work waits for its turn."""
        at = now()
        pen = self._pen()
        if pen is not None:
            check(pen, None, draft.document)
        draft = self._admitted(draft)
        return lambda transaction: self._insert(transaction, draft, author, at)

    def _kept(self, head: Mapping[str, Any]) -> bool:
        """Whether changes of an entity add to its evolution: as its contract says, else as the tenant does."""
        asked = self._guard.history(head)
        return self.history.kept if asked is None else asked

    def _admitted(self, draft: Draft) -> Draft:
        if not self._guard.guards(draft.head):
            return draft
        document = self._guard.admit(draft.document)
        return draft if document is draft.document else Draft.of(document)

    def _insert(self, transaction: Transaction, draft: Draft, author: str, at: str) -> None:
        ends: Ends = ()
        whole = draft
        if not draft.plain and _EXPIRES in draft.body:
            document, ends = split(draft.document)
            draft = Draft.of(document)
        if not transaction.insert(draft.head, draft.body, at):
            raise already_exists(draft.id)
        if ends:
            self._transients.keep(transaction, draft.id, ends)
        noticed = self.subscriptions.any(transaction)
        self._follow(transaction, draft, whole, author, at, self._kept(draft.head), noticed)

    def _follow(
        self,
        transaction: Transaction,
        draft: Draft,
        whole: Draft,
        author: str,
        at: str,
        kept: bool,
        noticed: bool,
    ) -> None:
        """What a new entity leads to; ``whole``: with what of it expires."""
        self._record(transaction, draft.id, "create", author, at)
        if self._listing is not None and self._listing.lists(draft.head):
            keep_lists(transaction, self._listing, None, draft.document)
        if kept:
            self.history.add(transaction, None, whole.document, at)
        if noticed:
            self.subscriptions.notice(transaction, None, stamped(draft.document, at))

    def _insert_all(self, transaction: Transaction, drafts: Sequence[Draft], author: str, at: str) -> bool:
        """Insert plain entities without a contract at once; False if one of them is there already."""
        if not transaction.insert_all([(draft.head, draft.body) for draft in drafts], at, author):
            return False
        kept, noticed, listing = self.history.kept, self.subscriptions.any(transaction), self._listing
        types = {draft.head["type"] for draft in drafts}
        if kept or noticed or (listing is not None and any(listing.lists({"type": type}) for type in types)):
            for draft in drafts:
                self._follow(transaction, draft, draft, "", at, kept, noticed)
        return True

    def _alike(self, writes: Sequence[Write], pen: Pen | None) -> list[Draft]:
        """The drafts of writes that all create plain entities without a contract, of types that no policy names; else
        none."""
        drafts = [write.draft for write in writes if write.__class__ is Create and write.draft.plain]
        if len(drafts) < len(writes):
            return []
        types = {draft.head["type"] for draft in drafts}
        if pen is not None and any(map(pen.named, types)):
            return []
        try:
            return [] if any(self._guard.guards({"type": type}) for type in types) else drafts
        except Problem:  # a broken contract, which refuses each write
            return []

    def _one(self, write: Write, author: str) -> Callable[[Transaction], Written]:
        at, pen = now(), self._pen()
        return lambda transaction: self._apply(transaction, write, author, at, pen)

    def _many(self, writes: Sequence[Write], author: str) -> Callable[[Transaction], list[Written]]:
        at, pen = now(), self._pen()

        def work(transaction: Transaction) -> list[Written]:
            alike = self._alike(writes, pen)
            if len(alike) > 1 and self._insert_all(transaction, alike, author, at):
                return [Written(draft.head["id"], created=True) for draft in alike]
            results = []
            for write in writes:
                # A refusal comes before the first statement that writes, so that nothing needs to be undone.
                try:
                    results.append(self._apply(transaction, write, author, at, pen))
                except Problem as problem:
                    results.append(Written(_id_of(write), problem=problem))
            return results

        return work

    def _apply(
        self, transaction: Transaction, write: Write, author: str, at: str, pen: Pen | None = None
    ) -> Written:
        match write:
            case Create(draft):
                if pen is not None:
                    check(pen, None, draft.document)
                self._insert(transaction, self._admitted(draft), author, at)
                return Written(draft.id, created=True)
            case Replace(document):
                before = self._transients.marked(_found(transaction, document["id"]), transaction)
                self._put(transaction, before, stamped(document, at, before), "replace", author, at, pen=pen)
                return Written(document["id"])
            case Upsert(document, patch):
                stored = transaction.get(document["id"])
                if stored is None:
                    return self._apply(transaction, Create(Draft.of(document)), author, at, pen)
                stored = self._transients.marked(stored, transaction)
                if patch is None:
                    self._put(
                        transaction, stored, stamped(document, at, stored), "replace", author, at, pen=pen
                    )
                    return Written(document["id"])
                return self._patch(transaction, stored, patch, author, at, pen=pen)
            case Modify(id, patch, ruled):
                stored = self._transients.marked(_found(transaction, id), transaction)
                return self._patch(transaction, stored, patch, author, at, ruled, pen)
            case Delete(id, condition):
                before = _found(transaction, id)
                if pen is not None:
                    check(pen, before, None)
                if condition is not None:
                    condition(self._transients.marked(before, transaction))
                transaction.delete(id)
                if self._transients.any:
                    self._transients.keep(transaction, id, ())
                self._record(transaction, id, "delete", author, at)
                if self._listing is not None and self._listing.lists(before):
                    keep_lists(transaction, self._listing, before, None)
                if self._kept(before):
                    self.history.add(transaction, before, None, at)
                self.subscriptions.notice(transaction, before, None)
                return Written(id)

    def _patch(
        self,
        transaction: Transaction,
        before: Document,
        patch: Patch,
        author: str,
        at: str,
        ruled: bool = False,
        pen: Pen | None = None,
    ) -> Written:
        change: Change = patch(before, at)
        if change.changed:
            self._put(transaction, before, change.document, "change", author, at, ruled, pen)
        return Written(before["id"], not_updated=change.not_updated)

    def _put(
        self,
        transaction: Transaction,
        before: Document,
        after: Document,
        action: str,
        author: str,
        at: str,
        ruled: bool = False,
        pen: Pen | None = None,
    ) -> None:
        if pen is not None:
            check(pen, before, after)
        if self._transitions is not None and not ruled:
            self._transitions.check(transaction, before, after)
        self._store(transaction, before, self._guard.admit(after), action, author, at)

    def _store(
        self, transaction: Transaction, before: Document, after: Document, action: str, author: str, at: str
    ) -> None:
        body = represent.body(after)
        whole = after
        ends: Ends = ()
        if _EXPIRES in body or self._transients.any:
            after, ends = split(after)
            body = represent.body(after)
        transaction.put(after, body)
        if ends or self._transients.any:
            self._transients.keep(transaction, after["id"], ends)
        self._record(transaction, after["id"], action, author, at)
        if self._listing is not None and (self._listing.lists(before) or self._listing.lists(after)):
            keep_lists(transaction, self._listing, before, after)
        if self._kept(after):
            self.history.add(transaction, before, whole, at)
        self.subscriptions.notice(transaction, before, after)

    def _ingest(
        self, transaction: Transaction, run: Run, items: Sequence[Ingest], held: Sequence[Held]
    ) -> Ingested:
        at = now()
        transaction.save_run(run)
        known = transaction.digests([item.document["id"] for item in items])
        stored = [item for item in items if known.get(item.document["id"]) != item.lineage.digest]
        new = [item for item in stored if item.document["id"] not in known]
        if len(new) < 2 or not self._ingest_new(transaction, [item.document for item in new], at):
            new = []
        inserted = {item.document["id"] for item in new}
        for item in stored:
            id = item.document["id"]
            if id in inserted:
                continue
            before = transaction.get(id)
            after = stamped(item.document, at, before)
            transaction.put(after, represent.body(after))
            if self._listing is not None and self._listing.lists(after):
                keep_lists(transaction, self._listing, before, after)
            if self._kept(after):
                self.history.add(transaction, before, after, at)
            self.subscriptions.notice(transaction, before, after)
        transaction.put_lineage(item.lineage for item in stored)
        transaction.hold(held)
        return Ingested(len(stored), len(items) - len(stored))

    def _ingest_new(self, transaction: Transaction, documents: Sequence[Document], at: str) -> bool:
        """Entities that no feed made before, all at once; False if one of them is there already."""
        if any("expiresAt" in document for document in documents):
            return False
        if not transaction.insert_all([(document, represent.body(document)) for document in documents], at):
            return False
        noticed = self.subscriptions.any(transaction)
        for document in documents:
            if self._listing is not None and self._listing.lists(document):
                keep_lists(transaction, self._listing, None, stamped(document, at))
            if noticed:
                self.subscriptions.notice(transaction, None, stamped(document, at))
        self.history.add_new(transaction, [each for each in documents if self._kept(each)], at)
        return True

    @staticmethod
    def _record(transaction: Transaction, id: str, action: str, author: str, at: str) -> None:
        if author:
            transaction.note(Entry(id, action, author, at))


def already_exists(id: str) -> Problem:
    return Problem("AlreadyExists", "Already exists", f"there is an entity {id}")


def _found(transaction: Transaction, id: str) -> Document:
    document = transaction.get(id)
    if document is None:
        raise not_found(id)
    return document


def _id_of(write: Write) -> str:
    if isinstance(write, Modify | Delete):
        return write.id
    return write.draft.id if isinstance(write, Create) else str(write.document["id"])
