"""The writes of one transaction on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import orjson
import psycopg

from mahakam.store.model import Entry
from mahakam.store.postgres.connection import Connection, run, worded
from mahakam.store.postgres.values import Row, rows_of
from mahakam.store.protocol import Document
from mahakam.store.sql.audit import COLUMNS, AuditWrites, Lane
from mahakam.store.sql.copying import STEP, insertion
from mahakam.store.sql.history import HistoryWrites
from mahakam.store.sql.keys import Box, keys_of
from mahakam.store.sql.packing import times_of, unpack
from mahakam.store.sql.records import RecordWrites
from mahakam.store.transfer import KEYS, TABLES

CHANNEL = "mahakam_outbox"
_PLACE = "ST_MakeEnvelope(?, ?, ?, ?, 4326)"
_INSERT = f"INSERT INTO entity (id, times, body, place) VALUES (?, ?, ?, {_PLACE}) ON CONFLICT DO NOTHING RETURNING n"
_INSERT_ALL = (
    "INSERT INTO entity (id, times, body, place)"
    " SELECT id, times, body, ST_MakeEnvelope(west, south, east, north, 4326)"
    " FROM unnest(?::text[], ?::text[], ?::bytea[], ?::float8[], ?::float8[], ?::float8[], ?::float8[])"
    " WITH ORDINALITY x (id, times, body, west, south, east, north, place_in_list) ORDER BY place_in_list"
    " ON CONFLICT DO NOTHING RETURNING n, id"
)
_LOAD = f"INSERT INTO entity (n, id, times, body, place) VALUES (?, ?, ?, ?, {_PLACE})"
_AUDIT = (
    f"INSERT INTO audit ({COLUMNS}) SELECT * FROM unnest(?::bigint[], ?::bigint[], {', '.join(['?::text[]'] * 5)},"
    " ?::bigint[], ?::text[], ?::text[], ?::text[], ?::bytea[])"
)
_TABLES = (("entity_type", "type", "text"), ("entity_scope", "scope", "text"))


class _Keys(NamedTuple):
    """What the indexes hold of an entity."""

    types: frozenset[str]
    scopes: frozenset[str]
    values: frozenset[Row]
    box: Box | None


class PostgresTransaction(RecordWrites, HistoryWrites, AuditWrites):
    """See :class:`mahakam.store.protocol.Transaction`; the writer, whose connection it uses, commits.

    It sees the database as it was when it began; what it changes must not have changed since, or PostgreSQL
    refuses, and the work is run again.
    """

    def __init__(self, connection: Connection, writer: int, lane: Lane | None) -> None:
        super().__init__()
        AuditWrites.__init__(self, lane)
        self._connection = connection
        self._writer = writer
        self._seen: dict[str, tuple[int, bytes, str]] = {}
        self._added: set[tuple[int, int, Any]] = set()
        self._removed: set[tuple[int, int, Any]] = set()
        self._recorded = False
        self._others: int | None = None
        self.writes = 0

    def _execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> Any:
        if not sql.startswith("SELECT"):
            self.writes += 1
        return run(self._connection, sql, parameters)

    def _executemany(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        self.writes += 1
        with self._connection.cursor() as cursor:
            cursor.executemany(worded(sql), list(rows))

    def get(self, id: str) -> Document | None:
        found = self._row(id)
        return unpack(found[1], found[2]) if found else None

    def insert(self, document: Document, body: bytes, at: str = "") -> bool:
        keys = _keys_of(document, body)
        values = (document["id"], times_of(document, at), body, *_envelope(keys.box))
        added = self._execute(_INSERT, values).fetchall()
        if not added:
            self.writes -= 1
            return False
        self._index(added[0][0], keys, _NONE)
        self._ops.append(("create", document["id"], body))
        return True

    def insert_all(self, entities: Sequence[tuple[Document, bytes]], at: str, author: str = "") -> bool:
        keys = {document["id"]: _keys_of(document, body) for document, body in entities}
        times = times_of({}, at)
        rows = [
            (document["id"], times, body, *_envelope(keys[document["id"]].box)) for document, body in entities
        ]
        columns = tuple(map(list, zip(*rows, strict=True)))
        added = self._execute(_INSERT_ALL, columns).fetchall()
        if len(added) < len(rows):
            self._execute("DELETE FROM entity WHERE n = ANY(?)", ([number for number, _ in added],))
            return False
        for number, id in added:
            self._index(number, keys[id], _NONE)
        self._ops += [("create", document["id"], body) for document, body in entities]
        if author:
            for document, _ in entities:
                self.note(Entry(document["id"], "create", author, at))
        return True

    def put(self, document: Document, body: bytes) -> None:
        found = self._row(document["id"])
        if found is None:
            if not self.insert(document, body):
                raise psycopg.errors.SerializationFailure("the entity appeared meanwhile")
            return
        number, old_body, old_times = found
        old, keys = _keys_of(unpack(old_body, old_times)), _keys_of(document)
        times = times_of(document)
        if old.box == keys.box:
            self._execute("UPDATE entity SET times = ?, body = ? WHERE n = ?", (times, body, number))
        else:
            self._execute(
                f"UPDATE entity SET times = ?, body = ?, place = {_PLACE} WHERE n = ?",
                (times, body, *_envelope(keys.box), number),
            )
        self._seen[document["id"]] = (number, body, times)
        self._ops.append(("change", document["id"], body))
        self._index(number, keys, old)

    def delete(self, id: str) -> bool:
        self._seen.pop(id, None)
        found = self._execute("DELETE FROM entity WHERE id = ? RETURNING n, body, times", (id,)).fetchall()
        if not found:
            self.writes -= 1
            return False
        number, body, times = found[0]
        self._index(number, _NONE, _keys_of(unpack(body, times)))
        self._ops.append(("delete", id, b""))
        self._execute("DELETE FROM lineage WHERE entity = ?", (id,))
        return True

    def save_record(self, kind: str, key: str, value: dict[str, Any] | None) -> None:
        super().save_record(kind, key, value)
        self._recorded = True

    def save_records(self, records: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
        super().save_records(records)
        self._recorded = True

    def others(self) -> int:
        # The transaction sees no commit that comes after its beginning: once is enough.
        if self._others is None:
            sql = "SELECT coalesce(sum(n), 0)::text FROM edition WHERE writer <> ?"
            self._others = int(self._execute(sql, (self._writer,)).fetchall()[0][0])
        return self._others

    def flush(self) -> None:
        """Write the index rows that wait, table by table, tell that records changed and that something is owed."""
        for table, (name, column, kind) in enumerate((*_TABLES, ("entity_value", "", ""))):
            removed = [(number, key) for of, number, key in self._removed if of == table]
            added = [(number, key) for of, number, key in self._added if of == table]
            if name == "entity_value":
                self._flush_values(removed, added)
                continue
            if removed:
                self._execute(
                    f"DELETE FROM {name} i USING unnest(?::{kind}[], ?::bigint[]) x (key, entity)"
                    f" WHERE i.{column} = x.key AND i.entity = x.entity",
                    _columns(removed),
                )
            if added:
                self._execute(
                    f"INSERT INTO {name} ({column}, entity) SELECT * FROM unnest(?::{kind}[], ?::bigint[])",
                    _columns(added),
                )
        self._removed.clear()
        self._added.clear()
        if self._recorded:
            self._execute(
                "INSERT INTO edition (writer, n) VALUES (?, ?)"
                " ON CONFLICT (writer) DO UPDATE SET n = edition.n + 1",
                (self._writer, time.time_ns() // 1000),
            )
            self._recorded = False
        self._seal()
        if self.owing:
            self._execute("SELECT pg_notify(?, current_schema())", (CHANNEL,))

    def load(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert rows as another store had them; what the indexes hold of an entity is found anew."""
        steps = iter(rows)
        while step := list(islice(steps, STEP)):
            if table != "entity":
                self._executemany(insertion(table, TABLES[table]), step)
                continue
            entities = []
            for number, id, times, body in step:
                document = orjson.loads(body)
                keys = _keys_of(document)
                entities.append((number, id, times, body, *_envelope(keys.box)))
                self._index(number, keys, _NONE)
            self._executemany(_LOAD, entities)
            self.flush()
        for column in TABLES[table][: KEYS.get(table, 1)]:
            if column in ("n", "id"):
                self._execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}"
                    " HAVING max(1) = 1"
                )

    def _add_entries(self, written: list[tuple[Any, ...]]) -> None:
        """In one statement, however many."""
        self._execute(_AUDIT, tuple(map(list, zip(*written, strict=True))))

    def _flush_values(self, removed: list[tuple[int, Row]], added: list[tuple[int, Row]]) -> None:
        if removed:
            self._execute(
                "DELETE FROM entity_value i USING unnest(?::text[], ?::bytea[], ?::bigint[]) x (attribute, key, entity)"
                " WHERE i.attribute = x.attribute AND i.key = x.key AND i.entity = x.entity",
                _value_columns(removed),
            )
        if added:
            self._execute(
                "INSERT INTO entity_value (attribute, key, entity)"
                " SELECT * FROM unnest(?::text[], ?::bytea[], ?::bigint[])",
                _value_columns(added),
            )

    def _row(self, id: str) -> tuple[int, bytes, str] | None:
        found = self._seen.get(id)
        if found is None:
            rows = self._execute("SELECT n, body, times FROM entity WHERE id = ?", (id,)).fetchall()
            if not rows:
                return None
            found = self._seen[id] = rows[0]
        return found

    def _index(self, number: int, new: _Keys, old: _Keys) -> None:
        """Note what the index tables lose and gain; what waits already and goes again cancels out."""
        for table in range(3):
            gone = {(table, number, key) for key in old[table] - new[table]}  # type: ignore[operator]
            come = {(table, number, key) for key in new[table] - old[table]}  # type: ignore[operator]
            self._removed |= gone - self._added
            self._added -= gone
            self._added |= come - self._removed
            self._removed -= come


_NONE = _Keys(frozenset(), frozenset(), frozenset(), None)


def _keys_of(document: Document, body: bytes = b"") -> _Keys:
    """``body``: where the values are, if the document may be just the head of the entity."""
    types, scopes, box = keys_of(document)
    values = rows_of(orjson.loads(body) if body else document)
    return _Keys(frozenset(types), frozenset(scopes), frozenset(values), box)


def _envelope(box: Box | None) -> tuple[float | None, ...]:
    """The parameters of ST_MakeEnvelope; all NULL, and so is the envelope, for no box."""
    if box is None:
        return (None,) * 4
    west, east, south, north = map(float, box)
    return west, south, east, north


def _columns(rows: list[tuple[int, Any]]) -> tuple[list[Any], list[int]]:
    return [key for _, key in rows], [number for number, _ in rows]


def _value_columns(rows: list[tuple[int, Row]]) -> tuple[list[str], list[bytes], list[int]]:
    return [row[0] for _, row in rows], [row[1] for _, row in rows], [number for number, _ in rows]
