"""What every store offers. All methods are safe to call from several threads; none is a coroutine.

A *document* is an entity as the store keeps it: the normalized NGSI-LD representation with system
attributes (``createdAt``, ``modifiedAt``) and every name canonical, i.e. compacted with the core context.
A *body* is the bytes that a read without options answers: the document without system attributes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from mahakam.ngsild.selection import Selection
from mahakam.ngsild.temporal import Head, Moment
from mahakam.ngsild.temporal_query import View
from mahakam.store.acting import Acting
from mahakam.store.division import Division
from mahakam.store.model import AuditEntry, Change, Correction, Entry, Held, HeldState, Lineage, Owed, Run

Document = dict[str, Any]
T = TypeVar("T")


class Transaction(Protocol):
    """The writes of one transaction: all of them happen, durably, or none.

    Work that a store runs in a transaction may be run again if a shared commit fails: it changes nothing
    else. Work for :meth:`EntityStore.submit_async` is short: it may run on the event loop.
    """

    def get(self, id: str) -> Document | None: ...

    def insert(self, document: Document, body: bytes, at: str = "") -> bool:
        """Insert the entity, with its body; False, and nothing changed, if there is one with its id.

        ``at`` is createdAt and modifiedAt wherever the document has none. The document may be just the head
        of the entity: id, type, scope, location; every attribute that it lacks has the entity's times.
        """

    def insert_all(self, entities: Sequence[tuple[Document, bytes]], at: str, author: str = "") -> bool:
        """:meth:`insert` of them all, in fewer statements; False, and nothing changed, if there is one with the
        id of any of them, or two have the same. None has system times: all are as old as ``at``. The journal says that
        ``author`` created them, if somebody did.
        """

    def put(self, document: Document, body: bytes) -> None:
        """Insert the entity, or replace the one with its id."""

    def delete(self, id: str) -> bool:
        """True if there was one. Its lineage goes with it."""

    def note(self, entry: Entry) -> None:
        """Record in the journal who wrote what."""

    def owe(self, subscription: str, entity: str, body: bytes) -> None:
        """Put a notification into the outbox."""

    def settle(self, *numbers: int) -> None:
        """Take delivered notifications out of the outbox."""

    def postpone(self, number: int, due: float, error: str) -> None:
        """Note a failed try; the next one is at ``due`` (seconds since 1970)."""

    def bury(self, number: int, error: str) -> None:
        """Give a notification up: it moves to the dead letters."""

    def revive(self, number: int) -> bool:
        """Put a dead letter back into the outbox; False if there is none."""

    def forgive(self, subscription: str) -> None:
        """Drop all that a subscription is owed."""

    def save_run(self, run: Run) -> None:
        """Insert (``run.id == 0``: the id is set on the object) or update a run."""

    def put_lineage(self, rows: Iterable[Lineage]) -> None: ...

    def digests(self, entities: Sequence[str]) -> dict[str, str]:
        """Of those entities that a feed made: the digest of the record that each was made from."""

    def hold(self, rows: Iterable[Held]) -> None:
        """Put rows into quarantine; one held already (same place, feed, file, sheet, row) is replaced."""

    def held_row(self, id: int) -> Held | None:
        """As it is for this transaction: whoever changes it meanwhile has this one run again."""

    def save_held(self, held: Held) -> None: ...

    def record_change(self, change: Change) -> None: ...

    def forget_changes(self, held: int, columns: Collection[str]) -> None:
        """Take the values out of the changes of a held row's columns; that somebody changed them stays."""

    def save_correction(self, correction: Correction) -> None: ...

    def save_record(self, kind: str, key: str, value: dict[str, Any] | None) -> None:
        """Small records that are no entities (accounts, keys, sessions, counters); None deletes."""

    def save_records(self, records: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
        """Several at once: kind, key and value of each."""

    def record(self, kind: str, key: str) -> dict[str, Any] | None: ...

    def records(self, kind: str) -> dict[str, dict[str, Any]]: ...

    def evolution(self, id: str) -> Head | None:
        """The head of an entity's temporal evolution, which may outlive the entity."""

    def put_evolution(self, head: Head) -> None:
        """Insert the head, or replace the one with its id."""

    def begin_evolutions(self, documents: Sequence[Document], at: str) -> None:
        """Insert the heads and all moments of entities that this transaction makes at a time (ISO 8601 UTC)."""

    def drop_evolution(self, id: str) -> bool:
        """Delete the head with all its moments; True if there was one."""

    def add_moments(self, moments: Iterable[Moment]) -> None:
        """Append attribute instances; each gets a number higher than all before it, the one it has is not looked at."""

    def moment(self, entity: str, attribute: str, number: int) -> Moment | None: ...

    def put_moment(self, moment: Moment) -> None:
        """Replace the one with its number."""

    def drop_moments(
        self, entity: str, attribute: str, *, number: int = 0, dataset: str | None = None, observed: str = ""
    ) -> int:
        """Delete the moments of an attribute: one by its number, those of a dataset ("" is the default
        instance), those observed at a time, or all. How many there were."""

    def purge_moments(self, before: str, limit: int) -> int:
        """Delete at most ``limit`` moments, the first written first, that were made before a time. How many."""

    def by(self, who: Acting) -> None:
        """On whose behalf the work writes; the store says it for whoever acted when the work was handed over."""

    def audit(self, action: str, object: str, detail: dict[str, Any] | None = None) -> None:
        """What the audit entry of this work says that it is, e.g. ``read`` of personal data. Without it, the entry
        says what was written."""

    def cut_audit(self, before: str) -> int:
        """Remove the entries of the audit trail before the first of each lane that was written since a time; the newest
        of a lane stays. The entry of this work has the numbers and digests after which each lane begins. How many."""

    def others(self) -> int:
        """A number that is another one when another process or connection has written since it was asked."""


class EntityStore(Protocol):
    """The store of one tenant."""

    def body(self, id: str, *, at_once: bool = False) -> bytes | None:
        """The fast path of a read by id. ``at_once``: for a thread on which other requests wait."""

    def document(self, id: str) -> Document | None: ...

    def bodies(self, selection: Selection, limit: int, offset: int = 0, start: int = 0) -> list[bytes]: ...

    def number(self, id: str) -> int:
        """The place of an entity in the order of creation; 0 if there is none with that id."""

    def page(
        self, selection: Selection, limit: int, offset: int = 0, start: int = 0, *, at_once: bool = False
    ) -> tuple[bytes, int | None]:
        """The bodies as one JSON array, and where to start for those that follow (None: none follow): the fast path
        of a query.

        ``at_once``: for a thread on which other requests wait. Raises TakesLong instead of taking
        more than a few milliseconds; a store that always waits for a server raises it always.
        """

    def documents(
        self, selection: Selection, limit: int = 1000, offset: int = 0, start: int = 0
    ) -> list[Document]:
        """In a stable order: the order in which the entities were created. ``start``: from the entity with this number
        on, whether or not it is still there; ``offset`` counts from it."""

    def count(self, selection: Selection) -> int: ...

    def last(self) -> int:
        """The place of the newest entity in the order of creation; 0 if there is none."""

    def size(self) -> int:
        """The number of entities."""

    def types(self) -> dict[str, int]:
        """Every entity type with the number of its entities."""

    def attributes(self, type: str | None = None) -> dict[str, dict[str, Any]]:
        """Attribute name → ``{"count": n, "attributeTypes": [...], "typeNames": [...]}``."""

    def scan(self, selection: Selection, start: int = 0) -> Iterator[Document]:
        """Every selected entity, without a limit and without holding them all in memory."""

    def runs_behind(self, selection: Selection) -> dict[str, int]:
        """Entity id → feed run behind its present state, for the selected entities that came by a feed."""

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction; on return it is durable. What it raises undoes it and is raised."""

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Like ``write``, but shares one commit with whatever else waits (group commit)."""

    def submit_async(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """``submit`` for a coroutine: to be awaited on the running event loop."""

    def runs(self, place: str = "", feed: str = "", limit: int = 100) -> list[Run]:
        """The newest first."""

    def run(self, id: int) -> Run | None: ...

    def lineage(self, entity: str) -> Lineage | None: ...

    def lineages(self, run: int, limit: int = 100, offset: int = 0) -> list[Lineage]: ...

    def digests(self, place: str, feed: str) -> dict[str, str]:
        """Entity id → digest of the record it was made from, for every entity the feed has stored."""

    def held(
        self,
        place: str = "",
        feed: str = "",
        state: HeldState | None = "held",
        rule: str = "",
        run: int = 0,
        limit: int = 100,
        offset: int = 0,
        *,
        field: str | None = None,
        cell: tuple[str, str] | None = None,
        after: int = 0,
    ) -> list[Held]:
        """Rows of the quarantine by their numbers. ``field`` narrows ``rule`` (None: of any field); ``cell``: a
        column and what it reads now; ``after``: the number that the page before ended with."""

    def count_held(
        self,
        place: str = "",
        feed: str = "",
        state: HeldState | None = "held",
        rule: str = "",
        run: int = 0,
        *,
        field: str | None = None,
        cell: tuple[str, str] | None = None,
    ) -> int: ...

    def held_row(self, id: int) -> Held | None: ...

    def held_rules(
        self, place: str = "", feed: str = "", *, run: int = 0, cell: tuple[str, str] | None = None
    ) -> list[tuple[str, str, int]]:
        """(rule, field, rows) of what is held now, the most frequent first."""

    def held_reasons(self, place: str, feed: str) -> list[tuple[tuple[tuple[str, str, str], ...], int]]:
        """(reasons, rows): the combinations of reasons, each (severity, rule, field), for which rows are held now,
        the most frequent first."""

    def held_runs(self, place: str, feed: str) -> list[tuple[int, int]]:
        """(run, rows) of what is held now, the latest run first."""

    def held_values(self, place: str, feed: str, column: str) -> list[tuple[str, int]]:
        """(what the column reads now, rows) of what is held, the most frequent first; a thousand at most."""

    def held_near(self, place: str, feed: str, file: str, sheet: str, row: int, reach: int) -> list[Held]:
        """The held rows of a feed that lie in its file at most ``reach`` rows from this one, in their order."""

    def lineage_near(
        self, place: str, feed: str, file: str, sheet: str, row: int, reach: int
    ) -> list[Lineage]:
        """The stored rows of a feed that lie in its file at most ``reach`` rows from this one, in their order."""

    def changes(self, held: int) -> list[Change]: ...

    def corrections(self, place: str = "", feed: str = "") -> list[Correction]:
        """The active correction rules, in the order in which they were made."""

    def records(self, kind: str) -> dict[str, dict[str, Any]]: ...

    def record(self, kind: str, key: str) -> dict[str, Any] | None:
        """One small record: a primary-key read, cheap enough for every request (sessions, API keys)."""

    def record_keys(
        self,
        kind: str,
        limit: int = 1000,
        offset: int = 0,
        *,
        after: str = "",
        before: str = "",
        descending: bool = False,
    ) -> list[str]:
        """The keys of a kind in order (``descending``: the last ones first), above ``after`` and below ``before``
        ("": all), without their values."""

    def count_records(self, kind: str, *, after: str = "", before: str = "") -> int:
        """How many records of a kind there are, with keys above ``after`` and below ``before`` ("": all)."""

    def owing(self, shares: Collection[int] | None = None) -> list[str]:
        """The subscriptions to which something in the outbox is owed; ``shares``: in one of these (None: in any)."""

    def owed(self, subscription: str, limit: int = 100, shares: Collection[int] | None = None) -> list[Owed]:
        """What a subscription is owed, the oldest first, due or not."""

    def when_owed(self, callback: Callable[[], None] | None) -> None:
        """Have ``callback`` called after each commit that put something into the outbox.

        SQLite: each commit of this process. PostgreSQL: of any process.
        """

    def dead_letters(self, subscription: str = "", limit: int = 100, offset: int = 0) -> list[Owed]:
        """Notifications given up on, the oldest first."""

    def count_dead(self, subscription: str = "") -> int:
        """How many notifications were given up on."""

    def evolution(self, id: str) -> Head | None:
        """The head of an entity's temporal evolution, which may outlive the entity."""

    def evolutions(
        self, ids: Sequence[str] = (), types: Sequence[str] = (), after: int = 0, limit: int = 500
    ) -> list[tuple[int, Head]]:
        """Heads with their numbers, above ``after``, in the order in which they were made: of ``ids``; or those of
        one of ``types``, with every head that has several types; or all."""

    def moments(self, view: View) -> list[Moment]:
        """Attribute instances of one entity, in the order of the view's time, the number deciding between equals.

        What has no time of that name stands where it was created.
        """

    def journal(self, entity: str, limit: int = 100) -> list[Entry]:
        """Who wrote an entity and when, the newest first."""

    def audit_entries(
        self,
        principal: str = "",
        object: str = "",
        action: str = "",
        since: str = "",
        until: str = "",
        before: tuple[str, int, int] | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[AuditEntry]:
        """Entries of the audit trail, the newest first.

        ``object``: what an entry is of or names. ``action``: it, or the beginning of it before a dot. ``since``,
        ``until``: ISO 8601 UTC, the end excluded. ``before``: (at, lane, n) of the last entry of the page before.
        """

    def count_audit(
        self,
        principal: str = "",
        object: str = "",
        action: str = "",
        since: str = "",
        until: str = "",
        most: int = 100_000,
    ) -> int:
        """How many entries these are, counted to ``most``."""

    def audit_chain(self) -> Iterator[AuditEntry]:
        """All entries of the audit trail, lane by lane, in the order of their numbers."""

    def audit_heads(self) -> list[tuple[int, int, str]]:
        """(lane, number, digest) of the newest entry of each lane."""

    def dump(self, table: str, columns: Sequence[str], keys: int) -> Iterator[tuple[Any, ...]]:
        """The rows of a table of :mod:`mahakam.store.transfer`, in the order of its first ``keys`` columns."""

    def frozen(self) -> AbstractContextManager[Frozen]:
        """The tenant as it is now, while others go on to write. Raises StoreError."""

    def problems(self) -> list[str]:
        """What is damaged, as the database finds it by looking at everything; nothing if all is well."""

    def compact(self) -> None:
        """Write the tenant's files anew, so that nothing of what was deleted is left in them. Others wait meanwhile.

        SQLite: the file and its log. PostgreSQL: the tables; its own log and their archive pass with time. Raises
        StoreError without room, and where somebody reads for long.
        """

    def load(self, tables: Mapping[str, Iterable[tuple[Any, ...]]]) -> None:
        """Fill an empty store with what :meth:`dump` gave, in one transaction."""

    def info(self) -> dict[str, int]:
        """``version`` of the schema, ``bytes`` on the disk, ``entities``, ``owed``, ``dead``."""


class Frozen(Protocol):
    """All of a tenant at one moment."""

    def dump(self, table: str, columns: Sequence[str], keys: int) -> Iterator[tuple[Any, ...]]:
        """As :meth:`EntityStore.dump`."""


class Store(Protocol):
    """All tenants of a node."""

    @property
    def kind(self) -> str:
        """The name of the database, for people: ``sqlite``, ``postgresql``."""

    def tenant(self, name: str = "") -> EntityStore:
        """The store of a tenant; "" is the default one.

        Raises KeyError for one that does not exist (``create_tenant`` makes it).
        """

    def create_tenant(self, name: str) -> EntityStore: ...

    def tenants(self) -> Sequence[str]: ...

    def lead(self) -> bool:
        """Whether this is the one process, of all that share the store, that does what one does for all.

        Once it is, it stays so until it closes the store, ends, or loses the database: so it is asked again.
        """

    def division(self) -> Division | None:
        """A new member among the processes that deliver notifications; None: the one that leads delivers all."""

    def close(self) -> None:
        """Wait for writes under way and close."""
