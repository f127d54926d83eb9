"""The writes of a transaction that are not about entities, in SQL that every database reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import orjson

from mahakam import tracing
from mahakam.store.auditing import of_record
from mahakam.store.model import Change, Correction, Entry, Held, Lineage, Run
from mahakam.store.sql import rows

_MARKS = 500
"""Values bound to one statement."""
_SAVE_RECORD = (
    "INSERT INTO record (kind, key, value) VALUES (?, ?, ?)"
    " ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"
)


class RecordWrites:
    """The part of :class:`mahakam.store.protocol.Transaction` that is not about entities."""

    _execute: Callable[..., Any]
    """Runs a statement (text with ``?``, values) and returns its cursor."""
    _executemany: Callable[..., Any]
    _ops: list[tuple[str, str, bytes | str]]
    """What is audited: see :mod:`mahakam.store.sql.audit`."""
    _author: str
    _run: Run | None

    def __init__(self) -> None:
        self.owing = False

    def note(self, entry: Entry) -> None:
        self._author = entry.author
        self._execute(
            "INSERT INTO journal (entity, action, author, at) VALUES (?, ?, ?, ?)",
            (entry.entity, entry.action, entry.author, entry.at),
        )

    def owe(self, subscription: str, entity: str, body: bytes) -> None:
        now = time.time()
        self.owing = True
        self._execute(
            "INSERT INTO outbox (subscription, entity, body, made, due, trace) VALUES (?, ?, ?, ?, ?, ?)",
            (subscription, entity, body, now, now, tracing.carried()),
        )

    def settle(self, *numbers: int) -> None:
        for first in range(0, len(numbers), _MARKS):
            some = numbers[first : first + _MARKS]
            self._execute(f"DELETE FROM outbox WHERE n IN ({', '.join('?' * len(some))})", some)

    def postpone(self, number: int, due: float, error: str) -> None:
        self._execute(
            "UPDATE outbox SET due = ?, tries = tries + 1, error = ? WHERE n = ?", (due, error, number)
        )

    def bury(self, number: int, error: str) -> None:
        self._execute("UPDATE outbox SET dead = 1, tries = tries + 1, error = ? WHERE n = ?", (error, number))

    def revive(self, number: int) -> bool:
        self.owing = True
        self._ops.append(("notification.replay", f"notification/{number}", b""))
        found = self._execute(
            "UPDATE outbox SET dead = 0, tries = 0, due = ? WHERE n = ? AND dead = 1 RETURNING n",
            (time.time(), number),
        ).fetchall()
        return bool(found)

    def forgive(self, subscription: str) -> None:
        self._execute("DELETE FROM outbox WHERE subscription = ?", (subscription,))

    def save_run(self, run: Run) -> None:
        self._run, self._author = run, run.author
        values = (run.place, run.feed, rows.run_facts(run))
        if run.id:
            self._execute("UPDATE run SET place = ?, feed = ?, facts = ? WHERE id = ?", (*values, run.id))
            return
        added = self._execute("INSERT INTO run (place, feed, facts) VALUES (?, ?, ?) RETURNING id", values)
        run.id = added.fetchall()[0][0]

    def put_lineage(self, rows_: Iterable[Lineage]) -> None:
        self._executemany(
            "INSERT INTO lineage (entity, run, file, sheet, row, line, raw, digest, checks, warnings)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (entity) DO UPDATE SET run = excluded.run,"
            " file = excluded.file, sheet = excluded.sheet, row = excluded.row, line = excluded.line,"
            " raw = excluded.raw, digest = excluded.digest, checks = excluded.checks,"
            " warnings = excluded.warnings",
            map(rows.lineage_row, rows_),
        )

    def digests(self, entities: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for first in range(0, len(entities), _MARKS):
            some = entities[first : first + _MARKS]
            marks = ", ".join("?" * len(some))
            found.update(
                self._execute(
                    f"SELECT entity, digest FROM lineage WHERE entity IN ({marks})", tuple(some)
                ).fetchall()
            )
        return found

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
            self._ops.append(("quarantine.hold", f"held/{held.id}", orjson.dumps(held.raw)))

    def held_row(self, id: int) -> Held | None:
        for row in self._execute(f"SELECT {rows.HELD_COLUMNS} FROM held WHERE id = ?", (id,)).fetchall():
            return rows.held_of(row)
        return None

    def save_held(self, held: Held) -> None:
        if not held.id:
            self.hold([held])
            return
        self._ops.append((f"quarantine.{held.state}", f"held/{held.id}", orjson.dumps(held.fixed)))
        self._execute(
            "UPDATE held SET place = ?, feed = ?, run = ?, file = ?, sheet = ?, row = ?, line = ?, raw = ?,"
            " reasons = ?, state = ?, fixed = ?, entity = ? WHERE id = ?",
            (*rows.held_row(held), held.id),
        )

    def record_change(self, change: Change) -> None:
        self._author = change.author
        written = orjson.dumps([change.column, change.old, change.new, change.reason])
        self._ops.append(("quarantine.correct", f"held/{change.held}", written))
        self._execute(
            'INSERT INTO change (held, author, at, "column", old, new, reason) VALUES (?, ?, ?, ?, ?, ?, ?)',
            (change.held, change.author, change.at, change.column, change.old, change.new, change.reason),
        )

    def forget_changes(self, held: int, columns: Collection[str]) -> None:
        marks = ", ".join("?" * len(columns))
        self._ops.append(("quarantine.forget", f"held/{held}", b""))
        self._execute(
            f'UPDATE change SET old = NULL, new = NULL WHERE held = ? AND "column" IN ({marks})',
            (held, *columns),
        )

    def save_correction(self, correction: Correction) -> None:
        c = correction
        self._author = c.author
        written = orjson.dumps([c.column, c.old, c.new, c.reason, c.active])
        self._ops.append(("correction.save", f"correction/{c.place}/{c.feed}", written))
        values = (c.place, c.feed, c.column, c.old, c.new, c.author, c.at, c.reason, int(c.active))
        if c.id:
            self._execute(
                'UPDATE correction SET place = ?, feed = ?, "column" = ?, old = ?, new = ?, author = ?, at = ?,'
                " reason = ?, active = ? WHERE id = ?",
                (*values, c.id),
            )
            return
        added = self._execute(
            'INSERT INTO correction (place, feed, "column", old, new, author, at, reason, active)'
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            values,
        )
        correction.id = added.fetchall()[0][0]

    def save_record(self, kind: str, key: str, value: dict[str, Any] | None) -> None:
        audited = of_record(kind, key, value)
        if value is None:
            gone = self._execute(
                "DELETE FROM record WHERE kind = ? AND key = ? RETURNING key", (kind, key)
            ).fetchall()
            if gone and audited is not None:
                self._ops.append((*audited, ""))
        else:
            text = orjson.dumps(value).decode()
            if audited is not None:
                self._ops.append((*audited, text))
            self._execute(_SAVE_RECORD, (kind, key, text))

    def save_records(self, records: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
        rows = [(kind, key, orjson.dumps(value).decode()) for kind, key, value in records]
        for (kind, key, text), (_kind, _key, value) in zip(rows, records, strict=True):
            audited = of_record(kind, key, value)
            if audited is not None:
                self._ops.append((*audited, text))
        self._executemany(_SAVE_RECORD, rows)

    def record(self, kind: str, key: str) -> dict[str, Any] | None:
        for (value,) in self._execute("SELECT value FROM record WHERE kind = ? AND key = ?", (kind, key)):
            return orjson.loads(value)  # type: ignore[no-any-return]
        return None

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        found = self._execute("SELECT key, value FROM record WHERE kind = ? ORDER BY key", (kind,))
        return {key: orjson.loads(value) for key, value in found}
