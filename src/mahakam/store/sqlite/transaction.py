"""The writes of one transaction on the SQLite store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import apsw
import orjson

from mahakam.store.model import Change, Correction, Entry, Held, Lineage, Run
from mahakam.store.protocol import Document
from mahakam.store.sqlite import rows
from mahakam.store.sqlite.keys import Keys, keys_of
from mahakam.store.sqlite.packing import times_of, unpack

_INSERT = "INSERT INTO entity (id, keys, times, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_ADD_TYPE = "INSERT INTO entity_type (type, entity) VALUES (?, ?) ON CONFLICT DO NOTHING"
_ADD_SCOPE = "INSERT INTO entity_scope (scope, entity) VALUES (?, ?) ON CONFLICT DO NOTHING"
_ADD_BOX = "INSERT INTO location VALUES (?, ?, ?, ?, ?)"
_UPDATE = "UPDATE entity SET keys = ?, times = ?, body = ? WHERE n = ?"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


class SqliteTransaction:
    """See :class:`mahakam.store.protocol.Transaction`; the writer, whose connection it uses, commits."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.owing = False
        self._execute: Callable[..., Any] = connection.execute
        self._executemany: Callable[..., Any] = connection.executemany
        self._waiting: dict[str, list[tuple[Any, ...]]] = {_ADD_TYPE: [], _ADD_SCOPE: [], _ADD_BOX: []}
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

    def flush(self) -> None:
        """Write the index rows that wait, table by table, which is faster than entity by entity."""
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

    def note(self, entry: Entry) -> None:
        self._execute(
            "INSERT INTO journal (entity, action, author, at) VALUES (?, ?, ?, ?)",
            (entry.entity, entry.action, entry.author, entry.at),
        )

    def owe(self, subscription: str, entity: str, body: bytes) -> None:
        now = time.time()
        self.owing = True
        self._execute(
            "INSERT INTO outbox (subscription, entity, body, made, due) VALUES (?, ?, ?, ?, ?)",
            (subscription, entity, body, now, now),
        )

    def settle(self, number: int) -> None:
        self._execute("DELETE FROM outbox WHERE n = ?", (number,))

    def postpone(self, number: int, due: float, error: str) -> None:
        self._execute(
            "UPDATE outbox SET due = ?, tries = tries + 1, error = ? WHERE n = ?", (due, error, number)
        )

    def bury(self, number: int, error: str) -> None:
        self._execute("UPDATE outbox SET dead = 1, tries = tries + 1, error = ? WHERE n = ?", (error, number))

    def revive(self, number: int) -> bool:
        self.owing = True
        self._execute(
            "UPDATE outbox SET dead = 0, tries = 0, due = ? WHERE n = ? AND dead = 1", (time.time(), number)
        )
        return self._changes() > 0

    def forgive(self, subscription: str) -> None:
        self._execute("DELETE FROM outbox WHERE subscription = ?", (subscription,))

    def save_run(self, run: Run) -> None:
        new_id = self._execute(
            "INSERT INTO run (id, place, feed, facts) VALUES (nullif(?, 0), ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE"
            " SET place = excluded.place, feed = excluded.feed, facts = excluded.facts RETURNING id",
            (run.id, run.place, run.feed, rows.run_facts(run)),
        ).fetchall()
        run.id = new_id[0][0]

    def put_lineage(self, rows_: Iterable[Lineage]) -> None:
        self._executemany(
            "INSERT OR REPLACE INTO lineage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            map(rows.lineage_row, rows_),
        )

    def digest(self, entity: str) -> str | None:
        for (digest,) in self._execute("SELECT digest FROM lineage WHERE entity = ?", (entity,)):
            return digest  # type: ignore[no-any-return]
        return None

    def hold(self, rows_: Iterable[Held]) -> None:
        for held in rows_:
            added = self._execute(
                "INSERT INTO held"
                " (place, feed, run, file, sheet, row, line, raw, reasons, state, fixed, entity)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (place, feed, file, sheet, row) WHERE state = 'held' DO UPDATE"
                " SET run = excluded.run, line = excluded.line, raw = excluded.raw,"
                " reasons = excluded.reasons, fixed = excluded.fixed,"
                " entity = excluded.entity RETURNING id",
                rows.held_row(held),
            ).fetchall()
            held.id = added[0][0]

    def save_held(self, held: Held) -> None:
        if not held.id:
            self.hold([held])
            return
        self._execute(
            "UPDATE held SET place = ?, feed = ?, run = ?, file = ?, sheet = ?, row = ?, line = ?, raw = ?,"
            " reasons = ?, state = ?, fixed = ?, entity = ? WHERE id = ?",
            (*rows.held_row(held), held.id),
        )

    def record_change(self, change: Change) -> None:
        self._execute(
            'INSERT INTO change (held, author, at, "column", old, new, reason) VALUES (?, ?, ?, ?, ?, ?, ?)',
            (change.held, change.author, change.at, change.column, change.old, change.new, change.reason),
        )

    def save_correction(self, correction: Correction) -> None:
        c = correction
        new_id = self._execute(
            'INSERT INTO correction (id, place, feed, "column", old, new, author, at, reason, active)'
            " VALUES (nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET place = excluded.place,"
            ' feed = excluded.feed, "column" = excluded."column", old = excluded.old, new = excluded.new,'
            " author = excluded.author, at = excluded.at, reason = excluded.reason, active = excluded.active"
            " RETURNING id",
            (c.id, c.place, c.feed, c.column, c.old, c.new, c.author, c.at, c.reason, c.active),
        ).fetchall()
        correction.id = new_id[0][0]

    def save_record(self, kind: str, key: str, value: dict[str, Any] | None) -> None:
        if value is None:
            self._execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind, key))
        else:
            self._execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (kind, key, _json(value)))

    def record(self, kind: str, key: str) -> dict[str, Any] | None:
        for (value,) in self._execute("SELECT value FROM record WHERE kind = ? AND key = ?", (kind, key)):
            return orjson.loads(value)  # type: ignore[no-any-return]
        return None

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        found = self._execute("SELECT key, value FROM record WHERE kind = ? ORDER BY key", (kind,))
        return {key: orjson.loads(value) for key, value in found}

    def others(self) -> int:
        return int(self._execute("PRAGMA data_version").get)
