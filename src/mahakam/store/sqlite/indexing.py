"""What the indexes hold of entities, as one transaction changes it: written late, sorted, and many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mahakam.store.sql.keys import Box, Keys
from mahakam.store.sqlite.places import PointRow, point_row
from mahakam.store.sqlite.steps import LONG, TAIL, step_of, step_sql, steps_between
from mahakam.store.sqlite.values import NAMES, Reader, Value, reader

_ADD_TYPE = "INSERT INTO entity_type (type, entity) VALUES (?, ?) ON CONFLICT DO NOTHING"
_ADD_SCOPE = "INSERT INTO entity_scope (scope, entity) VALUES (?, ?) ON CONFLICT DO NOTHING"
_BETWEEN = "FROM entity WHERE n BETWEEN ? AND ? ON CONFLICT DO NOTHING"
_ADD_TYPES = f"INSERT INTO entity_type (type, entity) SELECT ?, n {_BETWEEN}"
_ADD_SCOPES = f"INSERT INTO entity_scope (scope, entity) SELECT ?, n {_BETWEEN}"
_DROP_TYPE = "DELETE FROM entity_type WHERE type = ? AND entity = ?"
_DROP_SCOPE = "DELETE FROM entity_scope WHERE scope = ? AND entity = ?"
_ADD_BOX = "INSERT INTO location VALUES (?, ?, ?, ?, ?)"
_DROP_BOX = "DELETE FROM location WHERE entity = ?"
ADD_POINT = "INSERT INTO point VALUES (?, ?, ?, ?, ?)"
_DROP_POINT = (
    "DELETE FROM point WHERE step = ? AND band = ? AND longitude = ? AND latitude = ? AND entity = ?"
)
_ADD_VALUE = "INSERT INTO entity_value VALUES (?, ?, ?, ?)"
_DROP_VALUE = "DELETE FROM entity_value WHERE attribute = ? AND step = ? AND value = ? AND entity = ?"
NEW_NAME = "INSERT INTO value_name (name) VALUES (?) ON CONFLICT DO NOTHING RETURNING number"
LEARN = f"""
INSERT INTO entity_value SELECT * FROM (
  SELECT ?, {step_sql("e.n")}, indexed_value(e.body, ?) AS value, e.n FROM entity e ORDER BY 2, 3, 4 LIMIT -1
) WHERE value IS NOT NULL
"""
TAIL_BEGINS = f"SELECT first FROM step WHERE n = {TAIL} AND part = 0"
_IN_TAIL = f"step = {TAIL} AND attribute IN (SELECT number FROM value_name)"
_SETTLE = (
    f"INSERT INTO point SELECT ?, band, longitude, latitude, entity FROM point"
    f" WHERE step = {TAIL} AND entity BETWEEN ? AND ?",
    f"INSERT INTO entity_value SELECT attribute, ?, value, entity FROM entity_value"
    f" WHERE {_IN_TAIL} AND entity BETWEEN ? AND ?",
)
_EMPTY = (f"DELETE FROM point WHERE step = {TAIL}", f"DELETE FROM entity_value WHERE {_IN_TAIL}")
_MOVE_TAIL = f"UPDATE step SET first = ? WHERE n = {TAIL}"
RUN = 4
"""New entities in a row, alike, from which one statement writes their index rows."""

Run = list[Any]
"""What is alike, the first number, the last."""


@dataclass(slots=True)
class Known:
    """What a writer knows from one transaction to the next: how to read the values that are indexed, if any are,
    and where the tail begins; as of a version of the file (None: to be read again).
    """

    values: Reader | None = None
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
        self._is_known = False
        self.tail_is_long = False
        self._wait_anew()

    def _wait_anew(self) -> None:
        """No rows wait for flush; ``_waiting`` has the numbers of the entities that some are about."""
        self._runs: list[Run] = []
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
        if known.values is not None:
            self._add_values(number, known.values(body))

    def add_all(self, first: int, keys: Sequence[Keys], bodies: Sequence[bytes]) -> None:
        """Of new entities with numbers in a row."""
        known = self._now_known()
        last = first + len(keys) - 1
        if last - known.tail >= LONG:
            self.tail_is_long = True
        if all(its.types == keys[0].types and its.scopes == keys[0].scopes for its in keys):
            extend_to(self._runs, (keys[0].types, keys[0].scopes), first, last)
        else:
            for number, its in enumerate(keys, first):
                extend(self._runs, (its.types, its.scopes), number)
        for number, its in enumerate(keys, first):
            if its.box:
                self._add_box(number, its.box)
        self._waiting.update(range(first, last + 1))
        if known.values is not None:
            for number, body in enumerate(bodies, first):
                self._add_values(number, known.values(body))

    def change(self, number: int, old: Keys | None, new: Keys, old_body: bytes, body: bytes) -> None:
        """Of an entity that is another one now; ``old`` is None if its keys are what they were."""
        if old is not None:
            self._drop_keys(number, old)
            self._add_keys(number, new)
        values = self._now_known().values
        if values is not None:
            before, after = values(old_body), values(body)
            if before != after:
                self._drop_values(number, dict(before.items() - after.items()))
                self._add_values(number, dict(after.items() - before.items()))

    def drop(self, number: int, keys: Keys, body: bytes) -> None:
        """Of an entity that is no more."""
        self._drop_keys(number, keys)
        values = self._now_known().values
        if values is not None:
            self._drop_values(number, values(body))

    def learn(self, name: str) -> None:
        """Index the values of an attribute, of all entities there are and will be."""
        self.flush()
        self._change_known()
        for (number,) in self._execute(NEW_NAME, (name,)).fetchall():
            self._execute(LEARN, (number, name))

    def settle(self) -> None:
        """Move what is in the tail, if that is long, to the steps where it belongs."""
        self.flush()
        self._change_known()
        tail = self._execute(TAIL_BEGINS).get
        last = self._execute("SELECT coalesce(max(n), 0) FROM entity").get
        if last - tail < LONG:
            return
        for step in steps_between(tail, last):
            for statement in _SETTLE:
                self._execute(statement, step)
        for statement in _EMPTY:
            self._execute(statement)
        self._execute(_MOVE_TAIL, (last + 1,))

    def flush(self) -> None:
        """Write the rows that wait, table by table, which is faster than entity by entity."""
        for (types, scopes), first, last in self._runs:
            for type in types:
                self._add_run(_ADD_TYPES, _ADD_TYPE, type, first, last)
            for scope in scopes:
                self._add_run(_ADD_SCOPES, _ADD_SCOPE, scope, first, last)
        if self._points:
            self._executemany(ADD_POINT, sorted(self._points))
        if self._boxes:
            self._executemany(_ADD_BOX, self._boxes)
        if self._values:
            with suppress(TypeError):  # numbers beside texts, which need no order
                self._values.sort()
            self._executemany(_ADD_VALUE, self._values)
        if self._waiting:
            self._wait_anew()

    def _add_run(self, many: str, one: str, key: str, first: int, last: int) -> None:
        if last - first + 1 < RUN:
            self._executemany(one, [(key, number) for number in range(first, last + 1)])
        else:
            self._execute(many, (key, first, last))

    def _now_known(self) -> Known:
        known = self._known
        if not self._is_known:
            if known.version != self._version():
                names = dict(self._execute(NAMES).fetchall())
                known.values = reader(names) if names else None
                known.tail = self._execute(TAIL_BEGINS).get
                known.version = None if self._changing else self._version()
            self._is_known = True
        return known

    def _change_known(self) -> None:
        """What is known is to be read again, now and by the next transaction: this one may yet be undone."""
        self._known.version = None
        self._changing = True
        self._is_known = False

    def _add_keys(self, number: int, keys: Keys) -> None:
        self._waiting.add(number)
        extend(self._runs, (keys.types, keys.scopes), number)
        if keys.box:
            self._add_box(number, keys.box)

    def _add_box(self, number: int, box: Box) -> None:
        point = point_row(number, box, self._known.tail)
        if point is not None:
            self._points.append(point)
        else:
            self._boxes.append((number, *box))

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
    extend_to(runs, key, number, number)


def extend_to(runs: list[Run], key: Any, first: int, last: int) -> None:
    """The same by all numbers from ``first`` to ``last``."""
    if runs:
        run = runs[-1]
        if run[2] == first - 1 and run[0] == key:
            run[2] = last
            return
    runs.append([key, first, last])
