"""PostgreSQL's tests: comparisons are ranges of the index of values; what they leave open is decided in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mahakam.ngsild.entity import ENTITY_MEMBERS
from mahakam.ngsild.selection import Compare, Exists, Path, Selection
from mahakam.store.postgres.values import TEXT_BYTES, is_indexed, key_of, name_of
from mahakam.store.sql.condition import any_of
from mahakam.store.sql.dialect import ANYTHING, NOTHING, Test, listed_type
from mahakam.store.sql.keys import Box

_VALUE = "e.n IN (SELECT entity FROM entity_value WHERE attribute = ?"
_ANY_VALUE = "e.n IN (SELECT entity FROM entity_value WHERE attribute = ANY(?)"
_TIME_LIKE = re.compile(r"(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d")
_LARGEST = 2**53
_AFTER = {b"t": b"u", b"r": b"s", b"n": b"o"}
"""The first key that follows a kind."""


class PostgresDialect:
    """See :class:`mahakam.store.sql.dialect.Dialect`."""

    join = "JOIN"

    def among(self, column: str, values: Sequence[str]) -> Test:
        return Test(f"{column} = ANY(?)", [list(values)])

    def touches(self, box: Box) -> Test:
        west, east, south, north = box
        return Test(
            "e.place && ST_MakeEnvelope(?, ?, ?, ?, 4326)", list(map(float, (west, south, east, north)))
        )

    def has_type(self, name: str) -> Test:
        return listed_type(name)

    def has_scope(self, _pattern: str, /) -> Test | None:
        return None

    def has_any(self, attributes: Sequence[str]) -> Test:
        names = [name_of(Path(name)) for name in attributes]
        return Test(_ANY_VALUE + " AND key <= '-'::bytea)", [names])

    def leaf(self, condition: Compare | Exists) -> Test:
        path = condition.path
        if path.attribute in ENTITY_MEMBERS:
            return ANYTHING
        if not is_indexed(path):
            return self.has_any([path.attribute])._replace(exact=False)
        name = name_of(path)
        if isinstance(condition, Exists):
            return _leads_somewhere(name)
        if condition.operator in ("~=", "!~="):
            return _leads_somewhere(name)._replace(exact=False)
        if condition.operator == "!=":
            return _unequal(name, condition)
        if condition.operator == "==":
            return _equal(name, condition)
        return _ordered(name, condition.operator, condition.values[0])

    def decide(self, selection: Selection) -> Test:  # noqa: ARG002
        """Nothing can be said here: the store looks at every row that is left."""
        return ANYTHING


POSTGRES = PostgresDialect()


def _leads_somewhere(name: str) -> Test:
    return Test(_VALUE + " AND key = ''::bytea)", [name])


def _unequal(name: str, compare: Compare) -> Test:
    """It leads somewhere, and to nothing equal (clause 4.9)."""
    there, other = _leads_somewhere(name), _equal(name, compare).negated()
    return Test(f"({there.sql} AND {other.sql})", [*there.parameters, *other.parameters], other.exact)


def _equal(name: str, compare: Compare) -> Test:
    tests = []
    if compare.range:
        low, high = compare.values
        if isinstance(low, str) and isinstance(high, str):
            for kind in (b"t", b"r"):
                tests.append(_between(name, _lower(low, kind), _upper(high, kind), _is_exact(low, high)))
        elif _is_number(low) and _is_number(high):
            tests.append(_between(name, _lower(low), _upper(high), _is_exact(low, high)))
        return any_of(tests)
    for value in compare.values:
        for kind in (b"t", b"r") if isinstance(value, str) else (b"t",):
            tests.append(_between(name, _lower(value, kind), _upper(value, kind), _is_exact(value)))
    return any_of(tests)


def _ordered(name: str, operator: str, wanted: Any) -> Test:
    """Greater or less; what is not exact takes in the bound, and more is sorted out in memory."""
    if isinstance(wanted, bool):
        return NOTHING
    exact = _is_exact(wanted)
    kind = b"t" if isinstance(wanted, str) else b"n"
    if operator in (">", ">="):
        bound = ">" if operator == ">" and exact else ">="
        sql = f" AND key {bound} ? AND key < ?)"
        return Test(_VALUE + sql, [name, _lower(wanted), _AFTER[kind]], exact)
    bound = "<" if operator == "<" and exact else "<="
    return Test(_VALUE + f" AND key >= ? AND key {bound} ?)", [name, kind, _upper(wanted)], exact)


def _between(name: str, low: bytes, high: bytes, exact: bool) -> Test:
    if low == high:
        return Test(_VALUE + " AND key = ?)", [name, low], exact)
    return Test(_VALUE + " AND key >= ? AND key <= ?)", [name, low, high], exact)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_exact(*values: Any) -> bool:
    """Whether the keys compare as the values do: not for times, whose final Z does not count,
    nor for what is cut, nor for integers that a double cannot hold."""
    for value in values:
        if isinstance(value, str):
            if _TIME_LIKE.match(value) or len(value.encode()) >= TEXT_BYTES:
                return False
        elif _is_number(value) and not abs(value) < _LARGEST:
            return False
    return True


def _lower(value: Any, text: bytes = b"t") -> bytes:
    """The least key that may fulfil "at least this"."""
    time = _TIME_LIKE.match(value) if isinstance(value, str) else None
    key = key_of(time[0] if time else value, text)
    assert key is not None
    return key


def _upper(value: Any, text: bytes = b"t") -> bytes:
    """The greatest key that may fulfil "at most this"; of a time, all that share its second."""
    key = _lower(value, text)
    return key + b"\xff" if isinstance(value, str) and _TIME_LIKE.match(value) else key
