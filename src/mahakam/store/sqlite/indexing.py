"""What the indexes hold of entities, as one transaction changes it: written late, sorted, and many at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mahakam.store.sql.keys import Keys
from mahakam.store.sqlite.places import PointRow, point_row
from mahakam.store.sqlite.steps import LONG, TAIL, settled_sql, step_of, step_sql
from mahakam.store.sqlite.values import NAMES, Value, in_order, indexed_values

_ADD_TYPE = "INSERT INTO entity_type (type, entity) VALUES (?, ?) ON CONFLICT DO NOTHING"
_ADD_SCOPE = "INSERT INTO entity_scope (scope, entity) VALUES (?, ?) ON CONFLICT DO NOTHING"
_BETWEEN = "FROM entity WHERE n BETWEEN ? AND ? ON CONFLICT DO NOTHING"
_ADD_TYPES = f"INSERT INTO entity_type (type, entity) SELECT ?, n {_BETWEEN}"
_ADD_SCOPES = f"INSERT INTO entity_scope (scope, entity) SELECT ?, n {_BETWEEN}"
_DROP_TYPE = "DELETE FROM entity_type WHERE type = ? AND entity = ?"
_DROP_SCOPE = "DELETE FROM entity_scope WHERE scope = ? AND entity = ?"
_ADD_BOX = "INSERT INTO location VALUES (?, ?, ?, ?, ?)"
_DROP_BOX = "DELETE FROM location WHERE entity = ?"
_ADD_POINT = "INSERT INTO point VALUES (?, ?, ?, ?, ?)"
_DROP_POINT = (
    "DELETE FROM point WHERE step = ? AND band = ? AND longitude = ? AND latitude = ? AND entity = ?"
)
_ADD_VALUE = "INSERT INTO entity_value VALUES (?, ?, ?, ?)"
_DROP_VALUE = "DELETE FROM entity_value WHERE attribute = ? AND step = ? AND value = ? AND entity = ?"
_ADD_NAME = "INSERT INTO value_name (name) VALUES (?) ON CONFLICT DO NOTHING RETURNING number"
_LEARN = f"""
INSERT INTO entity_value SELECT * FROM (
  SELECT ?, {step_sql("e.n")}, indexed_value(e.body, ?) AS value, e.n FROM entity e ORDER BY 2, 3, 4 LIMIT -1
) WHERE value IS NOT NULL
"""
_TAIL = f"SELECT first FROM step WHERE n = {TAIL} AND part = 0"
_IN_TAIL = f"step = {TAIL} AND attribute IN (SELECT number FROM value_name)"
_SETTLE = (
    f"INSERT INTO point SELECT {settled_sql('entity')}, band, longitude, latitude, entity"
    f" FROM point WHERE step = {TAIL} ORDER BY 1, 2, 3, 4, 5",
    f"DELETE FROM point WHERE step = {TAIL}",
    f"INSERT INTO entity_value SELECT attribute, {settled_sql('entity')}, value, entity"
    f" FROM entity_value WHERE {_IN_TAIL} ORDER BY 1, 2, 3, 4",
    f"DELETE FROM entity_value WHERE {_IN_TAIL}",
    f"UPDATE step SET first = (SELECT coalesce(max(n), 0) + 1 FROM entity) WHERE n = {TAIL}",
)
_RUN = 4
"""New entities in a row, alike, from which one statement writes their index rows."""

Run = list[Any]
"""What is alike, the first number, the last."""


@dataclass(slots=True)
class Known:
    """What a writer knows from one transaction to the next: the attributes whose values are indexed (name →
    number), and where the tail begins; as of a version of the file (None: to be read again).
    """

    names: dict[str, int] = field(default_factory=dict)
    tail: int = 0
    version: int | None = None


class Indexing:
    """The index rows of one transaction. ``version`` tells the version of the file that others have written."""

    def __init__(
        self,
        execute: Callable[..., Any],
        executemany: Callable[..., Any],
        known: Known,
        version: Callable[[], int],
    ) -> None:
        self._execute = execute
        self._executemany = executemany
        self._known = known
        self._version = version
        self._changing = False
        self.tail_is_long = False
        self._wait_anew()

    def _wait_anew(self) -> None:
        """No rows wait for flush; ``_waiting`` has the numbers of the entities that some are about."""
        self._types: list[Run] = []
        self._scopes: list[Run] = []
        self._points: list[PointRow] = []
        self._boxes: list[tuple[int, float, float, float, float]] = []
        self._values: list[tuple[int, int, Value, int]] = []
        self._waiting: set[int] = set()

    @property
    def waits(self) -> bool:
        return bool(self._waiting)

    def add(self, number: int, keys: Keys, body: bytes) -> None:
        """Of a new entity."""
        known = self._now_known()
        if number - known.tail >= LONG:
            self.tail_is_long = True
        self._add_keys(number, keys)
        if known.names:
            self._add_values(number, indexed_values(body, known.names))

    def change(self, number: int, old: Keys | None, new: Keys, old_body: bytes, body: bytes) -> None:
        """Of an entity that is another one now; ``old`` is None if its keys are what they were."""
        if old is not None:
            self._drop_keys(number, old)
            self._add_keys(number, new)
        names = self._now_known().names
        if names:
            before, after = indexed_values(old_body, names), indexed_values(body, names)
            if before != after:
                self._drop_values(number, dict(before.items() - after.items()))
                self._add_values(number, dict(after.items() - before.items()))

    def drop(self, number: int, keys: Keys, body: bytes) -> None:
        """Of an entity that is no more."""
        self._drop_keys(number, keys)
        names = self._now_known().names
        if names:
            self._drop_values(number, indexed_values(body, names))

    def learn(self, name: str) -> None:
        """Index the values of an attribute, of all entities there are and will be."""
        self.flush()
        self._change_known()
        for (number,) in self._execute(_ADD_NAME, (name,)).fetchall():
            self._execute(_LEARN, (number, name))

    def settle(self) -> None:
        """Move what is in the tail, if that is long, to the steps where it belongs."""
        self.flush()
        self._change_known()
        for (tail,) in self._execute(_TAIL).fetchall():
            if (self._execute("SELECT max(n) FROM entity").get or 0) - tail >= LONG:
                for statement in _SETTLE:
                    self._execute(statement)

    def flush(self) -> None:
        """Write the rows that wait, table by table, which is faster than entity by entity."""
        self._write_runs(self._types, _ADD_TYPES, _ADD_TYPE)
        self._write_runs(self._scopes, _ADD_SCOPES, _ADD_SCOPE)
        if self._points:
            self._executemany(_ADD_POINT, sorted(self._points))
        if self._boxes:
            self._executemany(_ADD_BOX, self._boxes)
        if self._values:
            self._executemany(_ADD_VALUE, in_order(self._values))
        if self._waiting:
            self._wait_anew()

    def _write_runs(self, runs: list[Run], many: str, one: str) -> None:
        singles: list[tuple[str, int]] = []
        for key, first, last in runs:
            if last - first < _RUN:
                singles += [(key, number) for number in range(first, last + 1)]
            else:
                self._execute(many, (key, first, last))
        if singles:
            self._executemany(one, singles)

    def _now_known(self) -> Known:
        known = self._known
        if self._changing or known.version != self._version():
            known.names = dict(self._execute(NAMES).fetchall())
            known.tail = self._execute(_TAIL).get
            known.version = None if self._changing else self._version()
        return known

    def _change_known(self) -> None:
        """From here on what is known is read again each time: this transaction may yet be undone."""
        self._known.version = None
        self._changing = True

    def _add_keys(self, number: int, keys: Keys) -> None:
        self._waiting.add(number)
        for type in keys.types:
            extend(self._types, type, number)
        for scope in keys.scopes:
            extend(self._scopes, scope, number)
        if keys.box:
            point = point_row(number, keys.box, self._known.tail)
            if point is not None:
                self._points.append(point)
            else:
                self._boxes.append((number, *keys.box))

    def _drop_keys(self, number: int, keys: Keys) -> None:
        tail = self._now_known().tail
        if number in self._waiting:
            self.flush()
        for type in keys.types:
            self._execute(_DROP_TYPE, (type, number))
        for scope in keys.scopes:
            self._execute(_DROP_SCOPE, (scope, number))
        if keys.box:
            point = point_row(number, keys.box, tail)
            if point is not None:
                self._execute(_DROP_POINT, point)
            else:
                self._execute(_DROP_BOX, (number,))

    def _add_values(self, number: int, values: dict[int, Value]) -> None:
        if values:
            step = step_of(number, self._known.tail)
            self._waiting.add(number)
            self._values += [(attribute, step, value, number) for attribute, value in values.items()]

    def _drop_values(self, number: int, values: dict[int, Value]) -> None:
        if values:
            if number in self._waiting:
                self.flush()
            step = step_of(number, self._known.tail)
            rows = [(attribute, step, value, number) for attribute, value in values.items()]
            self._executemany(_DROP_VALUE, rows)


def extend(runs: list[Run], key: Any, number: int) -> None:
    """Lengthen the last run, or begin another."""
    if runs:
        last = runs[-1]
        if last[2] == number - 1 and last[0] == key:
            last[2] = number
            return
    runs.append([key, number, number])
