"""Reading what stands beside entities: runs, lineage, quarantine, corrections, records, the outbox."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import orjson

from mahakam.store.model import Change, Correction, Entry, Held, HeldState, Lineage, Owed, Run
from mahakam.store.sql import rows

_OWED = "n, subscription, entity, body, made, due, tries, error, trace"
# One step of the index a subscription, however much each is owed.
_OWING = """
WITH RECURSIVE owing (subscription) AS (
  SELECT min(subscription) FROM outbox WHERE dead = 0
  UNION ALL
  SELECT (SELECT min(subscription) FROM outbox WHERE dead = 0 AND subscription > owing.subscription)
  FROM owing WHERE owing.subscription IS NOT NULL
)
SELECT subscription FROM owing WHERE subscription IS NOT NULL
"""


def _between(kind: str, after: str, before: str) -> tuple[str, tuple[str, ...]]:
    bounds = [("kind = ?", kind), ("key > ?", after), ("key < ?", before)]
    given = [(test, value) for test, value in bounds if value]
    return " AND ".join(test for test, _ in given), tuple(value for _, value in given)


class Ledger:
    """The part of :class:`mahakam.store.protocol.EntityStore` that is not about entities."""

    _all: Callable[..., list[Any]]
    """All rows of a statement (text with ``?``, values)."""
    _list: str
    """The database's function that has a row ``r.value`` for each element of a JSON array."""
    _cells: str
    """The database's function that has a row ``c.key``, ``c.value`` (text) for each member of a JSON object in a
    column of ``held``, whose name is filled in."""
    _share: str
    """The share (:mod:`mahakam.store.division`) of a row of the outbox."""

    def runs(self, place: str = "", feed: str = "", limit: int = 100) -> list[Run]:
        where, parameters = _filter(place=place, feed=feed)
        sql = f"SELECT id, place, feed, facts FROM run WHERE {where} ORDER BY id DESC LIMIT ?"
        return [rows.run_of(*row) for row in self._all(sql, (*parameters, limit))]

    def run(self, id: int) -> Run | None:
        found = self._all("SELECT id, place, feed, facts FROM run WHERE id = ?", (id,))
        return rows.run_of(*found[0]) if found else None

    def lineage(self, entity: str) -> Lineage | None:
        found = self._all(f"SELECT {rows.LINEAGE_COLUMNS} FROM lineage WHERE entity = ?", (entity,))
        return rows.lineage_of(found[0]) if found else None

    def lineages(self, run: int, limit: int = 100, offset: int = 0) -> list[Lineage]:
        sql = (
            f"SELECT {rows.LINEAGE_COLUMNS} FROM lineage WHERE run = ? ORDER BY row, entity LIMIT ? OFFSET ?"
        )
        return [rows.lineage_of(row) for row in self._all(sql, (run, limit, offset))]

    def digests(self, place: str, feed: str) -> dict[str, str]:
        sql = (
            "SELECT l.entity, l.digest FROM run r JOIN lineage l ON l.run = r.id"
            " WHERE r.place = ? AND r.feed = ?"
        )
        return dict(self._all(sql, (place, feed)))

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
        where, parameters = self._held_filter(place, feed, state, rule, run, field, cell)
        if after:
            where, parameters = f"{where} AND id > ?", (*parameters, after)
        sql = f"SELECT {rows.HELD_COLUMNS} FROM held WHERE {where} ORDER BY id LIMIT ? OFFSET ?"
        return [rows.held_of(row) for row in self._all(sql, (*parameters, limit, offset))]

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
    ) -> int:
        where, parameters = self._held_filter(place, feed, state, rule, run, field, cell)
        return int(self._all(f"SELECT count(*) FROM held WHERE {where}", parameters)[0][0])

    def held_row(self, id: int) -> Held | None:
        found = self._all(f"SELECT {rows.HELD_COLUMNS} FROM held WHERE id = ?", (id,))
        return rows.held_of(found[0]) if found else None

    def held_rules(
        self, place: str = "", feed: str = "", *, run: int = 0, cell: tuple[str, str] | None = None
    ) -> list[tuple[str, str, int]]:
        where, parameters = self._held_filter(place, feed, "held", "", run, None, cell)
        sql = (
            "SELECT r.value ->> 'rule' AS rule, r.value ->> 'field' AS field, count(DISTINCT held.id) AS n"
            f" FROM held, {self._list} r WHERE {where} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
        )
        return [(rule or "", field or "", n) for rule, field, n in self._all(sql, parameters)]

    def held_reasons(self, place: str, feed: str) -> list[tuple[tuple[tuple[str, str, str], ...], int]]:
        where, parameters = self._held_filter(place, feed, "held", "", 0, None, None)
        one = " || '\x1f' || ".join(
            f"coalesce(r.value ->> '{key}', '')" for key in ("severity", "rule", "field")
        )
        sql = (
            f"SELECT reasons, count(*) FROM (SELECT held.id, string_agg({one}, '\x1e' ORDER BY {one}) AS reasons"
            f" FROM held, {self._list} r WHERE {where} GROUP BY held.id) AS h GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        found: dict[tuple[tuple[str, str, str], ...], int] = {}
        for joined, number in self._all(sql, parameters):
            some = {tuple(each.split("\x1f")) for each in joined.split("\x1e")}
            reasons = tuple(sorted((severity or "error", rule, field) for severity, rule, field in some))
            found[reasons] = found.get(reasons, 0) + number
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))

    def held_runs(self, place: str, feed: str) -> list[tuple[int, int]]:
        where, parameters = _filter(place=place, feed=feed, state="held")
        sql = f"SELECT run, count(*) FROM held WHERE {where} GROUP BY run ORDER BY run DESC"
        return [(run, n) for run, n in self._all(sql, parameters)]

    def held_values(self, place: str, feed: str, column: str) -> list[tuple[str, int]]:
        where, parameters = _filter(place=place, feed=feed, state="held")
        sql = (
            f"SELECT {self._cell_now()} AS v, count(*) FROM held WHERE {where}"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1000"
        )
        return [(value, n) for value, n in self._all(sql, (column, column, *parameters)) if value]

    def held_near(self, place: str, feed: str, file: str, sheet: str, row: int, reach: int) -> list[Held]:
        sql = (
            f"SELECT {rows.HELD_COLUMNS} FROM held WHERE state = 'held' AND place = ? AND feed = ? AND file = ?"
            " AND sheet = ? AND row BETWEEN ? AND ? ORDER BY row"
        )
        found = self._all(sql, (place, feed, file, sheet, row - reach, row + reach))
        return [rows.held_of(one) for one in found]

    def lineage_near(
        self, place: str, feed: str, file: str, sheet: str, row: int, reach: int
    ) -> list[Lineage]:
        columns = ", ".join(f"l.{name.strip()}" for name in rows.LINEAGE_COLUMNS.split(","))
        sql = (
            f"SELECT {columns} FROM run r JOIN lineage l ON l.run = r.id AND l.row BETWEEN ? AND ?"
            " WHERE r.place = ? AND r.feed = ? AND l.file = ? AND l.sheet = ? ORDER BY l.row, l.entity"
        )
        return [
            rows.lineage_of(one)
            for one in self._all(sql, (row - reach, row + reach, place, feed, file, sheet))
        ]

    def changes(self, held: int) -> list[Change]:
        sql = 'SELECT held, author, at, "column", old, new, reason FROM change WHERE held = ? ORDER BY n'
        return [rows.change_of(row) for row in self._all(sql, (held,))]

    def corrections(self, place: str = "", feed: str = "") -> list[Correction]:
        where, parameters = _filter(place=place, feed=feed)
        sql = (
            'SELECT place, feed, "column", old, new, author, at, reason, active, id'
            f" FROM correction WHERE active = 1 AND {where} ORDER BY id"
        )
        return [rows.correction_of(row) for row in self._all(sql, parameters)]

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        found = self._all("SELECT key, value FROM record WHERE kind = ? ORDER BY key", (kind,))
        return {key: orjson.loads(value) for key, value in found}

    def record(self, kind: str, key: str) -> dict[str, Any] | None:
        found = self._all("SELECT value FROM record WHERE kind = ? AND key = ?", (kind, key))
        return orjson.loads(found[0][0]) if found else None

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
        where, values = _between(kind, after, before)
        way = "DESC" if descending else "ASC"
        sql = f"SELECT key FROM record WHERE {where} ORDER BY key {way} LIMIT ? OFFSET ?"
        return [key for (key,) in self._all(sql, (*values, limit, offset))]

    def count_records(self, kind: str, *, after: str = "", before: str = "") -> int:
        where, values = _between(kind, after, before)
        return int(self._all(f"SELECT count(*) FROM record WHERE {where}", values)[0][0])

    def owing(self, shares: Collection[int] | None = None) -> list[str]:
        """The subscriptions to which something in the outbox is owed."""
        if shares is None:
            return [row[0] for row in self._all(_OWING)]
        within = (
            " AND EXISTS (SELECT 1 FROM outbox WHERE dead = 0 AND outbox.subscription = owing.subscription"
            f" AND {self._of(shares)})"
        )
        return [row[0] for row in self._all(_OWING + within)]

    def owed(self, subscription: str, limit: int = 100, shares: Collection[int] | None = None) -> list[Owed]:
        """What a subscription is owed, the oldest first, due or not."""
        within = "" if shares is None else f" AND {self._of(shares)}"
        sql = f"SELECT {_OWED} FROM outbox WHERE dead = 0 AND subscription = ?{within} ORDER BY n LIMIT ?"
        return [Owed(*row) for row in self._all(sql, (subscription, limit))]

    def _of(self, shares: Collection[int]) -> str:
        """A condition on a row of the outbox; the numbers are ours, and few orders of them ever come."""
        return f"{self._share} IN ({', '.join(str(int(one)) for one in sorted(shares)) or 'NULL'})"

    def dead_letters(self, subscription: str = "", limit: int = 100, offset: int = 0) -> list[Owed]:
        """Notifications given up on, the oldest first."""
        sql = (
            f"SELECT {_OWED} FROM outbox WHERE dead = 1 AND (? = '' OR subscription = ?)"
            " ORDER BY n LIMIT ? OFFSET ?"
        )
        return [Owed(*row) for row in self._all(sql, (subscription, subscription, limit, offset))]

    def count_dead(self, subscription: str = "") -> int:
        """How many notifications were given up on."""
        sql = "SELECT count(*) FROM outbox WHERE dead = 1 AND (? = '' OR subscription = ?)"
        return int(self._all(sql, (subscription, subscription))[0][0])

    def journal(self, entity: str, limit: int = 100) -> list[Entry]:
        sql = "SELECT entity, action, author, at FROM journal WHERE entity = ? ORDER BY n DESC LIMIT ?"
        return [Entry(*row) for row in self._all(sql, (entity, limit))]

    def _held_filter(
        self,
        place: str,
        feed: str,
        state: HeldState | None,
        rule: str,
        run: int,
        field: str | None = None,
        cell: tuple[str, str] | None = None,
    ) -> tuple[str, tuple[Any, ...]]:
        where, parameters = _filter(place=place, feed=feed, state=state, run=run)
        if rule:
            test = "r.value ->> 'rule' = ?"
            parameters = (*parameters, rule)
            if field is not None:
                test += " AND coalesce(r.value ->> 'field', '') = ?"
                parameters = (*parameters, field)
            where += f" AND EXISTS (SELECT 1 FROM {self._list} r WHERE {test})"
        if cell is not None:
            where += f" AND {self._cell_now()} = ?"
            parameters = (*parameters, cell[0], cell[0], cell[1])
        return where, parameters

    def _cell_now(self) -> str:
        """What a cell of a held row reads now, as a fix left it or as it came; its column is bound twice."""
        fixed, raw = (
            f"(SELECT c.value FROM {self._cells.format(name)} c WHERE c.key = ?)" for name in ("fixed", "raw")
        )
        return f"coalesce({fixed}, {raw})"


def _filter(**wanted: object) -> tuple[str, tuple[Any, ...]]:
    """A WHERE of the conditions that are set; names are ours, values are bound."""
    given = {name: value for name, value in wanted.items() if value}
    return " AND ".join(f"{name} = ?" for name in given) or "TRUE", tuple(given.values())
