"""The writes of one transaction on the SQLite store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import apsw
import orjson

from mahakam.store.model import Entry
from mahakam.store.protocol import Document
from mahakam.store.sql.copying import insertion
from mahakam.store.sql.history import HistoryWrites
from mahakam.store.sql.keys import Keys, keys_of
from mahakam.store.sql.packing import times_of, unpack
from mahakam.store.sql.records import RecordWrites
from mahakam.store.transfer import TABLES

_INSERT = "INSERT INTO entity (id, keys, times, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_LOAD = "INSERT INTO entity (n, id, keys, times, body) VALUES (?, ?, ?, ?, ?)"
_ADD_TYPE = "INSERT INTO entity_type (type, entity) VALUES (?, ?) ON CONFLICT DO NOTHING"
_ADD_SCOPE = "INSERT INTO entity_scope (scope, entity) VALUES (?, ?) ON CONFLICT DO NOTHING"
_ADD_BOX = "INSERT INTO location VALUES (?, ?, ?, ?, ?)"
_NOTE = "INSERT INTO journal (entity, action, author, at) VALUES (?, ?, ?, ?)"
_UPDATE = "UPDATE entity SET keys = ?, times = ?, body = ? WHERE n = ?"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


class SqliteTransaction(RecordWrites, HistoryWrites):
    """See :class:`mahakam.store.protocol.Transaction`; the writer, whose connection it uses, commits."""

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__()
        self._execute: Callable[..., Any] = connection.execute
        self._executemany: Callable[..., Any] = connection.executemany
        self._waiting: dict[str, list[tuple[Any, ...]]] = {
            statement: [] for statement in (_ADD_TYPE, _ADD_SCOPE, _ADD_BOX, _NOTE)
        }
        self._others: int | None = None
        self._changes = connection.changes
        self._last = connection.last_insert_rowid

    def get(self, id: str) -> Document | None:
        for body, times in self._execute("SELECT body, times FROM entity WHERE id = ?", (id,)):
            return unpack(body, times)
        return None

    def insert(self, document: Document, body: bytes, at: str = "") -> bool:
        keys = keys_of(document)
        self._execute(_INSERT, (document["id"], _json([*keys]), times_of(document, at), body))
        if not self._changes():
            return False
        self._index(self._last(), keys)
        return True

    def put(self, document: Document, body: bytes) -> None:
        found = self._execute("SELECT n, keys FROM entity WHERE id = ?", (document["id"],)).fetchall()
        if not found:
            self.insert(document, body)
            return
        number, old_text = found[0]
        keys = keys_of(document)
        text = _json([*keys])
        self._execute(_UPDATE, (text, times_of(document), body, number))
        if text != old_text:
            self._unindex(number, Keys(*orjson.loads(old_text)))
            self._index(number, keys)

    def delete(self, id: str) -> bool:
        found = self._execute("DELETE FROM entity WHERE id = ? RETURNING n, keys", (id,)).fetchall()
        if not found:
            return False
        self._unindex(found[0][0], Keys(*orjson.loads(found[0][1])))
        self._execute("DELETE FROM lineage WHERE entity = ?", (id,))
        return True

    def note(self, entry: Entry) -> None:
        self._waiting[_NOTE].append((entry.entity, entry.action, entry.author, entry.at))

    def define(self, sql: str) -> None:
        """Change the schema."""
        self._execute(sql)

    def load(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert rows as another store had them; what the indexes hold of an entity is found anew."""
        if table != "entity":
            self._executemany(insertion(table, TABLES[table]), rows)
            return
        for number, id, times, body in rows:
            keys = keys_of(orjson.loads(body))
            self._execute(_LOAD, (number, id, _json([*keys]), times, body))
            self._index(number, keys)

    def flush(self) -> None:
        """Write the rows that wait, table by table, which is faster than entity by entity."""
        for statement, waiting in self._waiting.items():
            if waiting:
                self._executemany(statement, waiting)
                waiting.clear()

    def _index(self, number: int, keys: Keys) -> None:
        waiting = self._waiting
        for type in keys.types:
            waiting[_ADD_TYPE].append((type, number))
        for scope in keys.scopes:
            waiting[_ADD_SCOPE].append((scope, number))
        if keys.box:
            waiting[_ADD_BOX].append((number, *keys.box))

    def _unindex(self, number: int, keys: Keys) -> None:
        self.flush()
        for type in keys.types:
            self._execute("DELETE FROM entity_type WHERE type = ? AND entity = ?", (type, number))
        for scope in keys.scopes:
            self._execute("DELETE FROM entity_scope WHERE scope = ? AND entity = ?", (scope, number))
        if keys.box:
            self._execute("DELETE FROM location WHERE entity = ?", (number,))

    def others(self) -> int:
        # Nobody else commits while this transaction is open: once is enough.
        if self._others is None:
            self._others = int(self._execute("PRAGMA data_version").get)
        return self._others
