"""Indexes of attributes' values: one is made when a query that could have used it took long.

A row holds an attribute's number or text, or the text that a Relationship points at, which decides a comparison.
All else that an attribute can be (a truth value, a list, several instances, texts by language) is OTHER, and left
to the exact test.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from mahakam.ngsild.selection import And, Compare, Condition, Selection
from mahakam.store.sql.select import Drive
from mahakam.store.sqlite.condition import is_plain, plain_value
from mahakam.store.sqlite.steps import IN_USE

MOST = 32
"""Indexes: each one costs every write of an entity a few microseconds."""
OTHER = b"\x00"
_TEXTS_END = b""
"""The least blob, which comes after all texts."""
NAMES = "SELECT name, number FROM value_name"

Value = int | float | str | bytes
Reader = Callable[[bytes], dict[int, Value]]
"""The body of an entity → number of an attribute → what its index holds, for those that the entity has."""


class _Instance(msgspec.Struct, gc=False):
    value: Any = None
    object: Any = None


_Attribute = _Instance | list[Any] | str | int | float | bool | None | UnsetType


def reader(names: Mapping[str, int]) -> Reader:
    """What reads the values of some attributes (name → number); all else in a body is skipped."""
    numbers = list(names.values())
    fields = [(f"a{number}", _Attribute, UNSET) for number in numbers]
    renamed = {f"a{number}": name for name, number in names.items()}
    try:
        members = msgspec.defstruct("Members", fields, rename=renamed, gc=False)
    except ValueError:  # a name with a quote in it
        return _reader_of_any(names)
    decode = msgspec.json.Decoder(members).decode

    def read(body: bytes) -> dict[int, Value]:
        found = msgspec.structs.astuple(decode(body))
        return {
            number: _indexed(attribute)
            for number, attribute in zip(numbers, found, strict=True)
            if attribute is not UNSET
        }

    return read


def _reader_of_any(names: Mapping[str, int]) -> Reader:
    decode = msgspec.json.Decoder(dict[str, _Attribute]).decode

    def read(body: bytes) -> dict[int, Value]:
        members = decode(body)
        return {number: _indexed(members[name]) for name, number in names.items() if name in members}

    return read


def indexed_value(body: bytes, name: str) -> Value | None:
    """The same for one attribute; None if the entity does not have it."""
    return _reader_of_one(name)(body).get(0)


@lru_cache(MOST)
def _reader_of_one(name: str) -> Reader:
    return reader({name: 0})


def _indexed(attribute: object) -> Value:
    if attribute.__class__ is _Instance:
        value: Any = attribute.object if attribute.value is None else attribute.value
        kind = value.__class__
        if kind is str or kind is float or (kind is int and -(2**63) <= value < 2**63):
            return value  # type: ignore[no-any-return]
    return OTHER


class ValueIndexes:
    """Those of one file. ``read`` answers a statement's rows, ``learn`` makes the index of an attribute, durably."""

    def __init__(self, read: Callable[[str], list[tuple[Any, ...]]], learn: Callable[[str], object]) -> None:
        self._read = read
        self._learn = learn
        self._making = threading.Lock()
        self._numbers: dict[str, int] = {}
        self.names: frozenset[str] = frozenset()
        self.look()

    def look(self) -> None:
        """See what other processes have made."""
        self._numbers = dict(self._read(NAMES))
        self.names = frozenset(self._numbers)

    def drive(self, selection: Selection) -> Drive | None:
        """The index to begin with, if there is one for a part that the whole condition depends on."""
        best: tuple[int, Drive] | None = None
        for compare in _decisive(selection.condition):
            number = self._numbers.get(compare.path.attribute)
            if number is not None and (drive := _drive(compare, number)) is not None:
                rank = 0 if compare.operator == "==" else 1
                if best is None or rank < best[0]:
                    best = rank, drive
        return best[1] if best else None

    def make_for(self, selection: Selection) -> None:
        """Make the index that this selection, which took long, would have used."""
        for compare in _decisive(selection.condition):
            if _drive(compare, 0) is not None and self._making.acquire(blocking=False):
                try:
                    self.look()
                    name = compare.path.attribute
                    if name not in self.names and len(self.names) < MOST:
                        self._learn(name)
                        self.look()
                finally:
                    self._making.release()


def _decisive(condition: Condition | None) -> list[Compare]:
    if isinstance(condition, Compare):
        return [condition]
    if isinstance(condition, And):
        return [part for part in condition.parts if isinstance(part, Compare)]
    return []


_DRIVE = (
    "SELECT v.entity AS entity, s.part = 0 {sure} AS sure FROM step s CROSS JOIN entity_value v"
    " ON v.attribute = ? AND v.step = s.n"
    " AND v.value >= CASE s.part WHEN 0 THEN ? ELSE x'00' END"
    " AND v.value <= CASE s.part WHEN 0 THEN ? ELSE x'00' END"
    # The limit, which is none, keeps SQLite from dropping the order.
    f" WHERE {IN_USE} ORDER BY s.n, v.entity LIMIT -1"
)


def _drive(compare: Compare, number: int) -> Drive | None:
    """Entities that may fulfil a comparison, in order of creation; ``sure`` those that do."""
    found = plain_value(compare)
    if found is None or not is_plain(compare.path):
        return None
    operator, wanted = found
    low, high = _text_bounds(operator, wanted) if isinstance(wanted, str) else _bounds(operator, wanted)
    # What a Relationship points at has no order; and these bounds take in the text itself.
    sure = "AND FALSE" if isinstance(wanted, str) and operator != "=" else ""
    return Drive(_DRIVE.format(sure=sure), [number, low, high], compare)


def _bounds(operator: str, wanted: float) -> tuple[float, float]:
    """The least and the greatest number that fulfil a comparison."""
    match operator:
        case ">":
            return math.nextafter(wanted, math.inf), math.inf
        case ">=":
            return wanted, math.inf
        case "<":
            return -math.inf, math.nextafter(wanted, -math.inf)
        case "<=":
            return -math.inf, wanted
        case _:
            return wanted, wanted


def _text_bounds(operator: str, wanted: str) -> tuple[str, str | bytes]:
    """The least and the greatest text that may fulfil a comparison."""
    if operator == "=":
        return wanted, wanted
    return (wanted, _TEXTS_END) if operator in (">", ">=") else ("", wanted)
