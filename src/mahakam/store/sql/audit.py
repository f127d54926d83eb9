"""The audit trail in SQL that every database reads: entries written with what they tell of, chained by SHA-256.

One entry for each piece of work that a transaction does. The entries of a *lane* are a chain: each has the SHA-256 of
the one before it and of itself. SQLite, where one process writes at a time, has lane 0 alone; on PostgreSQL each
process that writes holds a lane of its own, so that none waits for another (``store.postgres.lane``).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from mahakam.store.acting import Acting
from mahakam.store.model import AuditEntry, Run

COLUMNS = "lane, n, at, principal, kind, action, object, count, content, request, detail, digest"
START = bytes(32)
"""What stands for the entry before the first."""
NAMED = 100
"""Objects of one piece of work that its entry names; the journal and the lineage have all."""
KEY = ("audit", "key")
_INSERT = f"INSERT INTO audit ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Where another process made the key meanwhile, PostgreSQL says so as a race at its isolation level, and the work is run
# again; a plain INSERT would be refused as a fault.
_FIRST_KEY = "INSERT INTO record (kind, key, value) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO NOTHING"
CUT = ("audit-cut", "lanes")
_KEEP_CUT = (
    "INSERT INTO record (kind, key, value) VALUES (?, ?, ?)"
    " ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"
)
_FIRST_SINCE = "SELECT min(n) FROM audit WHERE lane = ? AND at >= ?"
_COUNT_UNTIL = "SELECT count(*) FROM audit WHERE lane = ? AND n <= ?"
_HEAD = "SELECT n, digest FROM audit WHERE lane = ? ORDER BY n DESC LIMIT 1"
# One step of the index a lane, however long it is.
_HEADS = """
WITH RECURSIVE lanes (lane) AS (
  SELECT min(lane) FROM audit
  UNION ALL
  SELECT (SELECT min(lane) FROM audit WHERE audit.lane > lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL
)
SELECT lane, (SELECT max(n) FROM audit WHERE audit.lane = lanes.lane),
  (SELECT digest FROM audit WHERE audit.lane = lanes.lane ORDER BY n DESC LIMIT 1)
FROM lanes WHERE lane IS NOT NULL ORDER BY lane
"""

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

Op = tuple[str, str, bytes | str]
"""(action, object, content)"""


class Lane:
    """Where a writer's chain stands; ``key`` is of the digests of contents. None: to be read first."""

    __slots__ = ("head", "key", "number", "opened")

    def __init__(self, number: int = 0, *, opened: bool = True) -> None:
        self.number = number
        self.opened = opened
        """Whether this writer has noted where the other lanes stood when it took this one."""
        self.head: tuple[int, bytes] | None = None
        self.key: Hash | None = None


def digest_of(previous: bytes, fields: Sequence[Any]) -> bytes:
    """SHA-256 of an entry: of the digest of the one before it, and of its own fields as a JSON array (UTF-8)."""
    return hashlib.sha256(previous + orjson.dumps(fields)).digest()


class AuditWrites:
    """The part of a transaction that remembers what is done in it, and by whom."""

    _execute: Callable[..., Any]
    _executemany: Callable[..., Any]
    _lane_is_ours = True
    """Whether nobody else writes to the lane between two transactions."""

    def __init__(self, lane: Lane | None) -> None:
        """``lane``: None where nothing is audited."""
        self._lane = lane
        self._by: Acting | None = None
        self._author = ""
        self._ops: list[Op] = []
        self._soft: list[tuple[str, bytes]] = []
        self._told: tuple[str, str, dict[str, Any]] | None = None
        self._run: Run | None = None
        self._entries: list[list[Any]] = []
        self._head: tuple[int, bytes] | None = None
        self._key: Hash | None = lane.key if lane is not None else None

    def by(self, who: Acting) -> None:
        self._by = who

    def audit(self, action: str, object: str, detail: dict[str, Any] | None = None) -> None:
        self._told = action, object, detail or {}

    def cut_audit(self, before: str) -> int:
        """See :class:`mahakam.store.protocol.Transaction`; nothing where nothing is audited."""
        if self._lane is None:
            return 0
        # What was cut before is carried on: the entry that says so may be among those that go now.
        found = self._execute("SELECT value FROM record WHERE kind = ? AND key = ?", CUT).fetchall()
        begins: dict[str, Any] = dict(orjson.loads(found[0][0])) if found else {}
        removed = 0
        for lane, newest, _digest in self._execute(_HEADS).fetchall():
            first = self._execute(_FIRST_SINCE, (lane, before)).fetchall()[0][0]
            last = min(newest if first is None else first, newest) - 1
            at = self._execute("SELECT digest FROM audit WHERE lane = ? AND n = ?", (lane, last)).fetchall()
            if not at:
                continue
            removed += int(self._execute(_COUNT_UNTIL, (lane, last)).fetchall()[0][0])
            self._execute("DELETE FROM audit WHERE lane = ? AND n <= ?", (lane, last))
            begins[str(lane)] = [int(last), bytes(at[0][0]).hex()]
        if removed:
            self._execute(_KEEP_CUT, (*CUT, orjson.dumps(begins).decode()))
            cuts = [[int(lane), *begin] for lane, begin in sorted(begins.items())]
            self.audit("audit.cut", "audit", {"before": before, "entries": removed, "cuts": cuts})
        return removed

    def done(self) -> None:
        """A piece of work is done: what it did becomes one entry."""
        if self._lane is not None and (self._ops or self._told or self._soft or self._run):
            self._entries.append(self._entry())
        self.forget()

    def forget(self) -> None:
        """The work was refused, or begins anew: nothing of it stays."""
        self._by, self._author, self._told, self._run = None, "", None, None
        if self._ops:
            self._ops = []
        if self._soft:
            self._soft = []

    def _entry(self) -> list[Any]:
        """Everything but lane, number, time and digest."""
        ops = self._ops or [("history.write", entity, body) for entity, body in self._soft]
        detail: dict[str, Any] = {}
        action, object = _main(ops)
        if self._run is not None:
            action, object, detail = _of_run(self._run)
        elif len(ops) > 1:
            detail["objects"] = [[name, of] for name, of, _ in ops[:NAMED]]
        if self._told is not None:
            action, object, more = self._told
            detail |= more
        who = self._by
        principal, kind, request = "node", "node", ""
        if who is not None:
            principal, kind, request = who.principal, who.kind, who.request
            if route := who.route:
                detail["route"] = route
        if self._author and (who is None or not principal):
            principal, kind = self._author, kind if who is not None else "node"
        text = orjson.dumps(detail).decode() if detail else ""
        object = object.replace("\x00", "\ufffd")  # PostgreSQL holds no NUL
        return [principal, kind, action, object, len(ops), self._content(ops), request, text]

    def _content(self, ops: list[Op]) -> str:
        """SHA-256 of the key and what was written: without the key, what was deleted since cannot be guessed from it.

        Not HMAC, which takes four times as long and guards against forging, which is the chain's matter.
        """
        if not ops:
            return ""
        whole = self._keyed().copy()
        for name, of, content in ops:
            raw = content.encode() if isinstance(content, str) else content
            if len(ops) > 1:
                whole.update(orjson.dumps([name, of, len(raw)]))
            whole.update(raw)
        return whole.hexdigest()

    def _keyed(self) -> Hash:
        if self._key is not None:
            return self._key
        found = self._execute("SELECT value FROM record WHERE kind = ? AND key = ?", KEY).fetchall()
        if found:
            text = str(orjson.loads(found[0][0])["hex"])
        else:
            text = secrets.token_hex(32)
            value = orjson.dumps({"hex": text}).decode()
            self._execute(_FIRST_KEY, (*KEY, value))
        self._key = hashlib.sha256(bytes.fromhex(text).ljust(64, b"\0"))
        return self._key

    def _seal(self) -> None:
        """Chain and write the entries; the last thing that a transaction does, in the order of its work."""
        lane = self._lane
        if lane is None or not self._entries:
            return
        if not lane.opened:
            others = [
                [of, n, bytes(digest).hex()]
                for of, n, digest in self._execute(_HEADS).fetchall()
                if of != lane.number
            ]
            if others:
                text = orjson.dumps({"heads": others}).decode()
                self._entries.insert(
                    0, ["node", "node", "audit.lane", f"lane/{lane.number}", 0, "", "", text]
                )
        number, digest = self._head or lane.head or self._read_head(lane.number)
        at = _now()
        written = []
        for entry in self._entries:
            number += 1
            digest = digest_of(digest, [lane.number, number, at, *entry])
            written.append((lane.number, number, at, *entry, digest))
        self._add_entries(written)
        self._head = number, digest
        self._entries = []

    def _add_entries(self, written: list[tuple[Any, ...]]) -> None:
        self._executemany(_INSERT, written)

    def _read_head(self, lane: int) -> tuple[int, bytes]:
        for number, digest in self._execute(_HEAD, (lane,)).fetchall():
            return int(number), bytes(digest)
        return 0, START

    def keep_lane(self) -> None:
        """After the commit: where the writer's chain stands now."""
        if self._lane is not None:
            self._lane.key = self._key
            if self._head is not None and self._lane_is_ours:
                self._lane.head = self._head
                self._lane.opened = True


def _main(ops: list[Op]) -> tuple[str, str]:
    """What a piece of work is about: the first entity, else the first thing, it wrote."""
    if not ops:
        return "", ""
    action, object, _ = next((op for op in ops if op[0] in ("create", "change", "delete")), ops[0])
    return action, object


def _of_run(run: Run) -> tuple[str, str, dict[str, Any]]:
    """A run's entries: one for each of its transactions, with its figures so far."""
    figures = {
        name: getattr(run, name) for name in ("read", "stored", "unchanged", "held", "left_out", "warnings")
    }
    detail = {"run": run.id, "state": run.state, "counts": {name: n for name, n in figures.items() if n}}
    return "feed.run", f"{run.place}/{run.feed}", detail


def _now() -> str:
    seconds = time.time()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds * 1000) % 1000:03d}Z"


class AuditReads:
    """The part of :class:`mahakam.store.protocol.EntityStore` that is about the audit trail."""

    _all: Callable[..., list[Any]]
    """All rows of a statement (text with ``?``, values)."""

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
        """The newest first. See :class:`mahakam.store.protocol.EntityStore`."""
        where, values = _chosen(principal, object, action, since, until)
        if before is not None:
            where += " AND (at, lane, n) < (?, ?, ?)"
        sql = (
            f"SELECT {COLUMNS} FROM audit WHERE {where} ORDER BY at DESC, lane DESC, n DESC LIMIT ? OFFSET ?"
        )
        return [_entry(row) for row in self._all(sql, (*values, *(before or ()), limit, offset))]

    def count_audit(
        self,
        principal: str = "",
        object: str = "",
        action: str = "",
        since: str = "",
        until: str = "",
        most: int = 100_000,
    ) -> int:
        where, values = _chosen(principal, object, action, since, until)
        sql = f"SELECT count(*) FROM (SELECT 1 FROM audit WHERE {where} LIMIT ?) found"
        return int(self._all(sql, (*values, most))[0][0])

    def audit_chain(self, step: int = 2000) -> Iterator[AuditEntry]:
        """All entries, lane by lane, in the order of their numbers."""
        last = (-1, 0)
        while True:
            sql = f"SELECT {COLUMNS} FROM audit WHERE (lane, n) > (?, ?) ORDER BY lane, n LIMIT ?"
            found = self._all(sql, (*last, step))
            for row in found:
                yield _entry(row)
            if len(found) < step:
                return
            last = found[-1][0], found[-1][1]

    def audit_heads(self) -> list[tuple[int, int, str]]:
        """(lane, number, digest) of the newest entry of each lane."""
        return [(int(lane), int(n), bytes(digest).hex()) for lane, n, digest in self._all(_HEADS)]


def _chosen(principal: str, object: str, action: str, since: str, until: str) -> tuple[str, tuple[str, ...]]:
    """A condition and its values; it says something even where nothing is asked."""
    tests: list[tuple[str, tuple[str, ...]]] = [("n > 0", ())]
    if principal:
        tests.append(("principal = ?", (principal,)))
    if action:
        tests.append(("(action = ? OR action LIKE ? ESCAPE '\\')", (action, f"{_escaped(action)}.%")))
    if object:
        named = f"%{_escaped(orjson.dumps(object).decode())}%"
        tests.append(("(object = ? OR detail LIKE ? ESCAPE '\\')", (object, named)))
    if since:
        tests.append(("at >= ?", (since,)))
    if until:
        tests.append(("at < ?", (until,)))
    return " AND ".join(test for test, _ in tests), tuple(value for _, bound in tests for value in bound)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _entry(row: Sequence[Any]) -> AuditEntry:
    return AuditEntry(*(*row[:-1], bytes(row[-1]).hex()))
