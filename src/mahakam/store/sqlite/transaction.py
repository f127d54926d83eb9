"""The writes of one transaction on the SQLite store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import orjson

from mahakam.store.model import Entry
from mahakam.store.protocol import Document
from mahakam.store.sql.audit import AuditWrites, Lane
from mahakam.store.sql.copying import insertion
from mahakam.store.sql.history import HistoryWrites
from mahakam.store.sql.keys import Keys, keys_of
from mahakam.store.sql.packing import times_of, unpack
from mahakam.store.sql.records import RecordWrites
from mahakam.store.sqlite.connection import Connection
from mahakam.store.sqlite.indexing import RUN, Indexing, Known, Run, extend, extend_to
from mahakam.store.sqlite.inserting import insert_many
from mahakam.store.transfer import TABLES

_INSERT = "INSERT INTO entity (id, keys, times, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_ROW = "SELECT n, keys, body, times FROM entity WHERE id = ?"
_UNDO = "DELETE FROM entity WHERE n > ?"
_LOAD = "INSERT INTO entity (n, id, keys, times, body) VALUES (?, ?, ?, ?, ?)"
_NEWEST = "SELECT coalesce(max(n), 0) FROM entity"
_UPDATE = "UPDATE entity SET keys = ?, times = ?, body = ? WHERE n = ?"
_NOTE = "INSERT INTO journal (n, entity, action, author, at) VALUES (?, ?, ?, ?, ?)"
_NOTE_CREATED = (
    "INSERT INTO journal (n, entity, action, author, at) SELECT ? + n, id, 'create', ?, ?"
    " FROM entity WHERE n BETWEEN ? AND ?"
)


class SqliteTransaction(RecordWrites, HistoryWrites, AuditWrites):
    """See :class:`mahakam.store.protocol.Transaction`; the writer, whose connection it uses, commits.

    ``known``: what the writer knows of the indexes, from one transaction to the next. ``lane``: of the audit trail.
    """

    _lane_is_ours = False

    def __init__(self, connection: Connection, known: Known, lane: Lane | None) -> None:
        super().__init__()
        AuditWrites.__init__(self, lane)
        self._execute: Callable[..., Any] = connection.execute
        self._executemany: Callable[..., Any] = partial(insert_many, connection)
        self._changes = connection.changes
        self._last = connection.last_insert_rowid
        self._add: Callable[..., Any] = connection.reused.execute
        self._others: int | None = None
        self.indexing = Indexing(self._execute, self._executemany, known, self.others)
        self._fresh: dict[str, int] = {}
        # The row that was read last, if nothing was written since: what is read is mostly to be changed.
        self._read: tuple[str, tuple[int, str, bytes] | None] = "", None
        # Lines of the journal that wait: of new entities, and after them all others.
        self._created: list[Run] = []
        self._created_ids: list[str] = []
        self._notes: list[tuple[str, str, str, str]] = []

    def get(self, id: str) -> Document | None:
        for number, keys, body, times in self._execute(_ROW, (id,)):
            self._read = id, (number, keys, body)
            return unpack(body, times)
        return None

    def insert(self, document: Document, body: bytes, at: str = "") -> bool:
        keys = keys_of(document)
        id = document["id"]
        self._read = "", None
        self._add(_INSERT, (id, _text(keys), times_of(document, at), body))
        if not self._changes():
            return False
        number = self._last()
        self._fresh = {id: number}
        self._ops.append(("create", id, body))
        self.indexing.add(number, keys, body)
        return True

    def insert_all(self, entities: Sequence[tuple[Document, bytes]], at: str, author: str = "") -> bool:
        self._read = "", None
        keys = [keys_of(document) for document, _ in entities]
        times = times_of({}, at)
        rows = [
            (document["id"], _text(its), times, body)
            for its, (document, body) in zip(keys, entities, strict=True)
        ]
        newest = self._execute(_NEWEST).get
        self._executemany(_INSERT, rows)
        first = newest + 1
        last = self._execute(_NEWEST).get
        if last - newest < len(rows):
            self._execute(_UNDO, (newest,))
            return False
        self._ops += [("create", row[0], row[3]) for row in rows]
        self._fresh = {}
        self.indexing.add_all(first, keys, [body for _, body in entities])
        if author and self._notes:
            self._notes += [(row[0], "create", author, at) for row in rows]
        elif author:
            extend_to(self._created, (author, at), first, last)
            self._created_ids += [row[0] for row in rows]
        self._author = author or self._author
        return True

    def put(self, document: Document, body: bytes) -> None:
        id, row = self._read
        self._read = "", None
        if id != document["id"]:
            row = next(((n, keys, old) for n, keys, old, _ in self._execute(_ROW, (document["id"],))), None)
        if row is None:
            self.insert(document, body)
            return
        number, old_text, old_body = row
        keys = keys_of(document)
        text = _text(keys)
        self._execute(_UPDATE, (text, times_of(document), body, number))
        self._ops.append(("change", document["id"], body))
        self.indexing.change(number, None if text == old_text else _keys(old_text), keys, old_body, body)

    def delete(self, id: str) -> bool:
        self._read = "", None
        if self._created or self.indexing.waits:
            self.flush()  # what waits is written from the rows of the entities
        found = self._execute("DELETE FROM entity WHERE id = ? RETURNING n, keys, body", (id,)).fetchall()
        if not found:
            return False
        number, text, body = found[0]
        self.indexing.drop(number, _keys(text), body)
        self._ops.append(("delete", id, b""))
        self._execute("DELETE FROM lineage WHERE entity = ?", (id,))
        return True

    def note(self, entry: Entry) -> None:
        self._author = entry.author
        number = self._fresh.get(entry.entity)
        if number is not None and entry.action == "create" and not self._notes:
            extend(self._created, (entry.author, entry.at), number)
            self._created_ids.append(entry.entity)
        else:
            self._notes.append((entry.entity, entry.action, entry.author, entry.at))

    def load(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert rows as another store had them; what the indexes hold of an entity is found anew."""
        if table != "entity":
            self._executemany(insertion(table, TABLES[table]), rows)
            return
        for number, id, times, body in rows:
            keys = keys_of(orjson.loads(body))
            self._execute(_LOAD, (number, id, _text(keys), times, body))
            self.indexing.add(number, keys, body)
        self.indexing.settle()

    def flush(self) -> None:
        """Write the rows that wait. The lines of the journal are numbered by the time, which only goes on."""
        self.indexing.flush()
        number, ids = time.time_ns(), iter(self._created_ids)
        singles: list[tuple[int, str, str, str, str]] = []
        for (author, at), first, last in self._created:
            alike = last - first + 1
            own = list(islice(ids, alike))
            if alike < RUN:
                singles += [(number + index, id, "create", author, at) for index, id in enumerate(own)]
            else:
                self._execute(_NOTE_CREATED, (number - first, author, at, first, last))
            number += alike
        singles += [(number + index, *note) for index, note in enumerate(self._notes)]
        if singles:
            self._executemany(_NOTE, singles)
        self._created, self._created_ids, self._notes = [], [], []
        self._seal()

    def others(self) -> int:
        # Nobody else commits while this transaction is open: once is enough.
        if self._others is None:
            self._others = int(self._execute("PRAGMA data_version").get)
        return self._others


def _text(keys: Keys) -> str:
    return orjson.dumps([*keys]).decode()


def _keys(text: str) -> Keys:
    return Keys(*orjson.loads(text))
