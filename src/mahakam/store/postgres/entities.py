"""The store of one tenant on PostgreSQL: reads on a pool of connections, writes through one writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from mahakam.ngsild.match import matches
from mahakam.ngsild.selection import Selection
from mahakam.store.errors import StoreError, TakesLong
from mahakam.store.postgres.connection import Database, Readers, run
from mahakam.store.postgres.dialect import POSTGRES
from mahakam.store.postgres.division import SHARE
from mahakam.store.postgres.replica import Replica
from mahakam.store.postgres.schema import prepare
from mahakam.store.postgres.signals import Signals
from mahakam.store.postgres.transaction import PostgresTransaction
from mahakam.store.postgres.writer import Writer
from mahakam.store.protocol import Document, Transaction
from mahakam.store.sql.audit import AuditReads
from mahakam.store.sql.copying import FrozenRows, dump
from mahakam.store.sql.history import HistoryReads
from mahakam.store.sql.ledger import Ledger
from mahakam.store.sql.packing import unpack
from mahakam.store.sql.select import Plan, compile_selection
from mahakam.store.transfer import KEYS, TABLES

T = TypeVar("T")

_FIRST, _MOST = 256, 8192
"""Rows of the first step through candidates, and of the largest."""
# A NUL inside a text, which jsonb does not hold, is read as another character: only names and types are asked for.
_JSON = r"replace(convert_from(e.body, 'UTF8'), '\u0000', '\ufffd')::jsonb"
_ATTRIBUTES = f"""
SELECT j.key, count(*),
  array_agg(DISTINCT coalesce(j.value ->> 'type', j.value -> 0 ->> 'type')), array_agg(DISTINCT t.type)
FROM entity_type t JOIN entity e ON e.n = t.entity, jsonb_each({_JSON}) j
WHERE (?::text IS NULL OR t.type = ?::text) AND jsonb_typeof(j.value) IN ('object', 'array')
  AND j.key NOT IN ('id', 'type', 'scope', '@context')
GROUP BY j.key
"""


class PostgresEntities(Ledger, HistoryReads, AuditReads):
    """See :class:`mahakam.store.protocol.EntityStore`."""

    _list = r"jsonb_array_elements(replace(held.reasons, '\u0000', '\ufffd')::jsonb)"
    _cells = r"jsonb_each_text(replace(held.{}, '\u0000', '\ufffd')::jsonb)"

    _share = SHARE

    def __init__(self, database: Database, replica: str = "", *, audit: bool = True) -> None:
        prepare(database)
        self.database = database
        self._readers = Readers(database)
        self._writer = Writer(database, audit=audit)
        self._replica = Replica(database, replica, self._writer) if replica else None
        self._signals: Signals | None = None

    def _all(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        return self._readers.all(sql, parameters)

    def _queried(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """The same, from the read replica if there is one that has what this process wrote."""
        if self._replica is not None:
            found = self._replica.all(sql, parameters)
            if found is not None:
                return found
        return self._readers.all(sql, parameters)

    def body(self, id: str, *, at_once: bool = False) -> bytes | None:  # noqa: ARG002
        found = self._all("SELECT body FROM entity WHERE id = ?", (id,))
        return found[0][0] if found else None

    def document(self, id: str) -> Document | None:
        found = self._all("SELECT body, times FROM entity WHERE id = ?", (id,))
        return unpack(*found[0]) if found else None

    def number(self, id: str) -> int:
        found = self._all("SELECT n FROM entity WHERE id = ?", (id,))
        return int(found[0][0]) if found else 0

    def bodies(self, selection: Selection, limit: int, offset: int = 0, start: int = 0) -> list[bytes]:
        return [body for _, body in self._numbered(selection, limit, offset, start)]

    def page(
        self, selection: Selection, limit: int, offset: int = 0, start: int = 0, *, at_once: bool = False
    ) -> tuple[bytes, int | None]:
        if at_once:
            raise TakesLong("a server is waited for")
        found = self._numbered(selection, limit + 1, offset, start)
        array = b"[" + b",".join([body for _, body in found[:limit]]) + b"]"
        return array, found[limit][0] if len(found) > limit else None

    def _numbered(self, selection: Selection, limit: int, offset: int, start: int) -> list[tuple[int, bytes]]:
        plan = compile_selection(selection, POSTGRES)
        if plan.exact:
            return self._exact(plan, "e.n, e.body", limit, offset, start)
        chosen = self._chosen(plan, selection, start)
        return [(number, body) for number, body, _ in islice(chosen, offset, offset + limit)]

    def _exact(self, plan: Plan, columns: str, limit: int, offset: int, start: int) -> list[Any]:
        if start:
            rows = self._queried(plan.after(columns, offset + limit), (*plan.parameters, start - 1))
            return rows[offset:]
        return self._queried(plan.page(columns), (*plan.parameters, limit, offset))

    def documents(
        self, selection: Selection, limit: int = 1000, offset: int = 0, start: int = 0
    ) -> list[Document]:
        plan = compile_selection(selection, POSTGRES)
        if plan.exact:
            found = self._exact(plan, "e.body, e.times", limit, offset, start)
            return [unpack(body, times) for body, times in found]
        chosen = self._chosen(plan, selection, start)
        return [document for *_, document in islice(chosen, offset, offset + limit)]

    def count(self, selection: Selection) -> int:
        plan = compile_selection(selection, POSTGRES)
        if plan.exact:
            return int(self._queried(plan.count(), plan.parameters)[0][0])
        return sum(1 for _ in self._chosen(plan, selection))

    def last(self) -> int:
        return int(self._all("SELECT coalesce(max(n), 0) FROM entity", ())[0][0])

    def size(self) -> int:
        """The number of entities."""
        return int(self._queried("SELECT count(*) FROM entity")[0][0])

    def types(self) -> dict[str, int]:
        return dict(self._queried("SELECT type, count(*) FROM entity_type GROUP BY type ORDER BY type"))

    def attributes(self, type: str | None = None) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "count": count,
                "attributeTypes": sorted(filter(None, kinds)),
                "typeNames": sorted(types),
            }
            for name, count, kinds, types in sorted(self._queried(_ATTRIBUTES, (type, type)))
        }

    def scan(self, selection: Selection, start: int = 0) -> Iterator[Document]:
        """In order of creation, some at a time, so that no connection is held between two of them."""
        plan = compile_selection(selection, POSTGRES)
        for _, _, document in self._chosen(plan, selection, start):
            yield document

    def runs_behind(self, selection: Selection) -> dict[str, int]:
        plan = compile_selection(selection, POSTGRES)
        sql = plan.joined("e.id, l.run, e.body, e.times", "lineage l ON l.entity = e.id")
        found = self._queried(sql, plan.parameters)
        return {
            id: run for id, run, body, times in found if plan.exact or matches(unpack(body, times), selection)
        }

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self._writer.submit(work).result()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        return self._writer.submit(work)

    def submit_async(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        return self._writer.submit_async(work)

    def when_owed(self, callback: Callable[[], None] | None) -> None:
        if self._signals is not None:
            self._signals.close()
        self._signals = Signals(self.database, callback) if callback is not None else None

    def dump(self, table: str, columns: Sequence[str], keys: int) -> Iterator[tuple[Any, ...]]:
        return dump(self._all, table, columns, keys)

    @contextmanager
    def frozen(self) -> Iterator[FrozenRows]:
        with self.database.clear_errors():
            connection = self.database.connect(reader=True)
            try:
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                yield FrozenRows(lambda sql, parameters: run(connection, sql, parameters).fetchall())
            finally:
                connection.close()

    def problems(self) -> list[str]:
        """What cannot be read; the server's own checksums and amcheck look deeper."""
        found = []
        for table, columns in TABLES.items():
            try:
                for _ in self.dump(table, columns, KEYS.get(table, 1)):
                    pass
            except StoreError as error:
                found.append(f"{table}: {error}")
        return found

    def compact(self) -> None:
        with self.database.clear_errors():
            connection = self.database.connect()
            try:
                connection.execute("SET lock_timeout = '60s'")
                names = connection.execute(
                    "SELECT oid::regclass::text FROM pg_class"
                    " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY 1"
                ).fetchall()
                for (name,) in names:
                    connection.execute(f"VACUUM (FULL) {name}")  # as the database quotes it itself
            finally:
                connection.close()

    def load(self, tables: Mapping[str, Iterable[tuple[Any, ...]]]) -> None:
        def work(transaction: Transaction) -> None:
            assert isinstance(transaction, PostgresTransaction)
            for table, rows in tables.items():
                transaction.load(table, rows)

        self.write(work)

    def info(self) -> dict[str, int]:
        one = {
            "version": "SELECT n FROM version",
            "bytes": "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
            "entities": "SELECT count(*) FROM entity",
            "owed": "SELECT count(*) FROM outbox WHERE dead = 0",
            "dead": "SELECT count(*) FROM outbox WHERE dead = 1",
        }
        return {name: int(self._all(sql)[0][0]) for name, sql in one.items()}

    def close(self) -> None:
        """Finish the writes that wait, then close."""
        self._writer.close()
        self.when_owed(None)
        self._readers.close()
        if self._replica is not None:
            self._replica.close()

    def _chosen(
        self, plan: Plan, selection: Selection, start: int = 0
    ) -> Iterator[tuple[int, bytes, Document]]:
        """Number, body and document of every selected entity in order of creation, in growing steps."""
        last, step = start - 1, _FIRST
        while True:
            sql = plan.after("e.n, e.body, e.times", step)
            found = self._queried(sql, (*plan.parameters, last))
            for number, body, times in found:
                document = unpack(body, times)
                if plan.exact or matches(document, selection):
                    yield number, body, document
            if len(found) < step:
                return
            last, step = found[-1][0], min(step * 2, _MOST)
