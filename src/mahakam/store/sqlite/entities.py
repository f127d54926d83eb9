"""The store of one tenant on SQLite: reads on a pool of connections, writes through one writer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw
import orjson

from mahakam.ngsild.selection import Selection
from mahakam.store.errors import StoreError, TakesLong
from mahakam.store.protocol import Document, Transaction
from mahakam.store.sql.audit import AuditReads
from mahakam.store.sql.copying import FrozenRows, dump
from mahakam.store.sql.history import HistoryReads
from mahakam.store.sql.ledger import Ledger
from mahakam.store.sql.packing import unpack
from mahakam.store.sql.select import Drive, Plan, compile_selection
from mahakam.store.sqlite import places
from mahakam.store.sqlite.condition import SQLITE
from mahakam.store.sqlite.connection import (
    READER_CACHE_KIB,
    Readers,
    clear_errors,
    connect,
    in_words,
    prepare,
)
from mahakam.store.sqlite.sharing import SharedReads
from mahakam.store.sqlite.transaction import SqliteTransaction
from mahakam.store.sqlite.values import ValueIndexes
from mahakam.store.sqlite.writer import Writer

T = TypeVar("T")

_ATTRIBUTES = """
SELECT j.key, count(*),
  json_group_array(DISTINCT coalesce(j.value ->> '$.type', j.value ->> '$[0].type')),
  json_group_array(DISTINCT t.type)
FROM entity_type t CROSS JOIN entity e ON e.n = t.entity, json_each(CAST(e.body AS TEXT)) j
WHERE (?1 IS NULL OR t.type = ?1) AND j.type IN ('object', 'array')
  AND j.key NOT IN ('id', 'type', 'scope', '@context')
GROUP BY j.key ORDER BY j.key
"""


_WHOLE_PAGE = "SELECT CAST(group_concat(body, ',') AS BLOB), group_concat(length(body)), max(n) FROM ({})"
"""One row and not one an entity: each step of a statement lets go of the interpreter and waits for it again."""
_MAX_PLANS = 2048
_MAX_LONG = 64
MOMENT = 0.003
"""Seconds of work that an event loop may spend on a page."""


class _Prepared:
    """A selection's plan, the statement of a whole page, and which pages (limit, offset, start) took long by it."""

    __slots__ = ("long", "page", "plan")

    def __init__(self, plan: Plan, page: str) -> None:
        self.plan = plan
        self.page = page
        self.long: set[tuple[int, int, int]] = set()


class SqliteEntities(Ledger, HistoryReads, AuditReads):
    """See :class:`mahakam.store.protocol.EntityStore`."""

    _list = "json_each(held.reasons)"
    _cells = "json_each(held.{})"
    _share = "0"

    def __init__(self, path: Path, *, audit: bool = True) -> None:
        prepare(path)
        self.path = path
        self._readers = Readers(path)
        self._writer = Writer(path, audit=audit)
        self._shared = SharedReads(self._readers, self._writer)
        self._plans: dict[tuple[Selection, frozenset[str]], _Prepared] = {}
        self._alike: dict[tuple[tuple[Any, ...], str], _Prepared] = {}
        self.values = ValueIndexes(self._all, self._learn)

    def _all(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        with self._readers.reading() as connection:
            return connection.execute(sql, parameters).fetchall()

    def _learn(self, name: str) -> None:
        def work(transaction: Transaction) -> None:
            assert isinstance(transaction, SqliteTransaction)
            transaction.indexing.learn(name)

        self._writer.submit(work).result()

    def _prepared(self, selection: Selection) -> _Prepared:
        """By the indexes of values that there are: with another one, a page that took long may not."""
        key = selection, self.values.names
        found = self._plans.get(key)
        if found is None:
            drive = places.drive(selection)
            found = self._by_place(selection, drive) if drive else self._compiled(selection)
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
            self._plans[key] = found
        return found

    def _compiled(self, selection: Selection, drive: Drive | None = None) -> _Prepared:
        plan = compile_selection(selection, SQLITE, drive or self.values.drive(selection))
        return _Prepared(plan, _WHOLE_PAGE.format(plan.page("e.body, e.n")))

    def _by_place(self, selection: Selection, drive: Drive) -> _Prepared:
        """Selections that differ by their place alone are compiled once: it takes as long as to answer."""
        if selection.ids:  # which drive
            return self._compiled(selection, drive)
        others = selection.types, selection.scopes, selection.attrs, selection.condition, selection.id_pattern
        kin = others, drive.sql
        found = self._alike.get(kin)
        if found is None:
            if len(self._alike) >= _MAX_PLANS:
                self._alike.clear()
            found = self._alike[kin] = self._compiled(selection, drive)
            return found
        plan = found.plan.elsewhere(drive, SQLITE.decide(Selection(geo=selection.geo)))
        return _Prepared(plan, found.page)

    def _plan(self, selection: Selection) -> Plan:
        return self._prepared(selection).plan

    def explain(self, selection: Selection) -> list[str]:
        """SQLite's plan of the page of a selection, step by step."""
        plan = self._plan(selection)
        sql = f"EXPLAIN QUERY PLAN {plan.page('e.body')}"
        return [text for *_, text in self._all(sql, (*plan.parameters, 20, 0))]

    def _selected(self, selection: Selection, sql: str, parameters: tuple[Any, ...]) -> list[Any]:
        """The rows of a selection's statement; if it took long for want of an index, the next one has it."""
        began = time.thread_time()
        rows = self._all(sql, parameters)
        if selection.condition is not None and time.thread_time() - began > MOMENT:
            self.values.make_for(selection)
        return rows

    def body(self, id: str, *, at_once: bool = False) -> bytes | None:
        if at_once:
            try:  # not clear_errors: a context takes as long as a tenth of the read
                return self._shared.body(id)
            except apsw.Error as error:
                raise in_words(self.path, error) from error
        with self._readers.reading() as connection:
            return connection.reused.execute("SELECT body FROM entity WHERE id = ?", (id,)).get  # type: ignore[no-any-return]

    def document(self, id: str) -> Document | None:
        with self._readers.reading() as connection:
            found: Any = connection.execute("SELECT body, times FROM entity WHERE id = ?", (id,))
            for body, times in found:
                return unpack(body, times)
        return None

    def number(self, id: str) -> int:
        found = self._all("SELECT n FROM entity WHERE id = ?", (id,))
        return int(found[0][0]) if found else 0

    def bodies(self, selection: Selection, limit: int, offset: int = 0, start: int = 0) -> list[bytes]:
        return [body for (body,) in self._rows(selection, "e.body", limit, offset, start)]

    def page(
        self, selection: Selection, limit: int, offset: int = 0, start: int = 0, *, at_once: bool = False
    ) -> tuple[bytes, int | None]:
        prepared = self._prepared(selection)
        plan, sql = prepared.plan, prepared.page
        values = (*plan.parameters, limit + 1, offset)
        if start:
            sql = _WHOLE_PAGE.format(plan.after("e.body, e.n", limit + 1))
            values = (*plan.parameters, start - 1)
        if at_once:
            if prepared.long and (limit, offset, start) in prepared.long:
                raise TakesLong(f"a page took more than {MOMENT} s before")
            try:  # as in body
                ((bodies, lengths, last),) = self._shared.rows(sql, values, MOMENT)
            except TakesLong:
                if len(prepared.long) >= _MAX_LONG:
                    prepared.long.clear()
                prepared.long.add((limit, offset, start))
                raise
            except apsw.Error as error:
                raise in_words(self.path, error) from error
        else:
            ((bodies, lengths, last),) = self._selected(selection, sql, values)
        if bodies is None:
            return b"[]", None
        if lengths.count(",") < limit:
            return b"[%b]" % bodies, None
        more = int(lengths.rpartition(",")[2]) + 1  # with the comma before it
        return b"".join((b"[", memoryview(bodies)[:-more], b"]")), last

    def documents(
        self, selection: Selection, limit: int = 1000, offset: int = 0, start: int = 0
    ) -> list[Document]:
        rows = self._rows(selection, "e.body, e.times", limit, offset, start)
        return [unpack(body, times) for body, times in rows]

    def _rows(self, selection: Selection, columns: str, limit: int, offset: int, start: int) -> list[Any]:
        plan = self._plan(selection)
        if start:
            rows = self._selected(
                selection, plan.after(columns, offset + limit), (*plan.parameters, start - 1)
            )
            return rows[offset:]
        return self._selected(selection, plan.page(columns), (*plan.parameters, limit, offset))

    def count(self, selection: Selection) -> int:
        plan = self._plan(selection)
        return int(self._selected(selection, plan.count(), plan.parameters)[0][0])

    def last(self) -> int:
        return int(self._all("SELECT coalesce(max(n), 0) FROM entity")[0][0])

    def size(self) -> int:
        """The number of entities."""
        with self._readers.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM entity").get)

    def types(self) -> dict[str, int]:
        with self._readers.reading() as connection:
            found = connection.execute("SELECT type, count(*) FROM entity_type GROUP BY type ORDER BY type")
            return {str(type): int(str(number)) for type, number in found}

    def attributes(self, type: str | None = None) -> dict[str, dict[str, Any]]:
        with self._readers.reading() as connection:
            return {
                name: {
                    "count": count,
                    "attributeTypes": sorted(filter(None, orjson.loads(kinds))),
                    "typeNames": sorted(orjson.loads(types)),
                }
                for name, count, kinds, types in connection.execute(_ATTRIBUTES, (type,))
            }

    def scan(self, selection: Selection, start: int = 0) -> Iterator[Document]:
        """In order of creation, a thousand at a time, so that no connection is held between two of them."""
        plan = self._plan(selection)
        sql = plan.after("e.n, e.body, e.times", 1000)
        last = start - 1
        while True:
            with self._readers.reading() as connection:
                found: list[Any] = connection.execute(sql, (*plan.parameters, last)).fetchall()
            if not found:
                return
            for _, body, times in found:
                yield unpack(body, times)
            last = found[-1][0]

    def runs_behind(self, selection: Selection) -> dict[str, int]:
        plan = self._plan(selection)
        sql = plan.joined("e.id, l.run", "lineage l ON l.entity = e.id")
        with self._readers.reading() as connection:
            found = connection.execute(sql, plan.parameters)
            return {str(id): int(str(run)) for id, run in found}

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self._writer.submit(work).result()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        return self._writer.submit(work)

    def submit_async(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        return self._writer.submit_async(work)

    def when_owed(self, callback: Callable[[], None] | None) -> None:
        self._writer.when_owed = callback

    def dump(self, table: str, columns: Sequence[str], keys: int) -> Iterator[tuple[Any, ...]]:
        return dump(self._all, table, columns, keys)

    @contextmanager
    def frozen(self) -> Iterator[FrozenRows]:
        with clear_errors(self.path):
            connection = connect(self.path, READER_CACHE_KIB, reader=True)
            try:
                connection.execute("BEGIN; SELECT 1 FROM entity LIMIT 1").fetchall()
                yield FrozenRows(lambda sql, parameters: connection.execute(sql, parameters).fetchall())
            finally:
                connection.close()

    def problems(self) -> list[str]:
        try:
            found = self._all("PRAGMA integrity_check(20)")
        except StoreError as error:
            return [str(error)]
        return [f"{self.path}: {line}" for (line,) in found if line != "ok"]

    def compact(self) -> None:
        with clear_errors(self.path):
            connection = connect(self.path, READER_CACHE_KIB, reader=False)
            try:
                connection.execute("VACUUM")
                ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.close()
        if busy:
            raise StoreError(f"{self.path}: somebody reads it for long, so its log is still there; try again")

    def load(self, tables: Mapping[str, Iterable[tuple[Any, ...]]]) -> None:
        def work(transaction: Transaction) -> None:
            assert isinstance(transaction, SqliteTransaction)
            for table, rows in tables.items():
                transaction.load(table, rows)

        self.write(work)

    def info(self) -> dict[str, int]:
        one = {
            "version": "PRAGMA user_version",
            "bytes": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
            "entities": "SELECT count(*) FROM entity",
            "owed": "SELECT count(*) FROM outbox WHERE dead = 0",
            "dead": "SELECT count(*) FROM outbox WHERE dead = 1",
        }
        return {name: int(self._all(sql)[0][0]) for name, sql in one.items()}

    def close(self) -> None:
        """Finish the writes that wait, then close."""
        self._writer.close()
        self._shared.close()
        self._readers.close()
