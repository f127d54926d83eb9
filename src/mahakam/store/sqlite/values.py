"""Indexes of values: of an attribute, of a member or sub-attribute of it (``a.observedAt``), of a key of its value
(``a[b]``). One is made when a query that could have used it took long.

A row holds the number or text there, or the text that a Relationship points at, which decides a comparison. All
else that can be there (a truth value, a list, several instances, texts by language) is OTHER, and left to the
exact test; where a path leads nowhere there is no row.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from mahakam.ngsild.entity import ENTITY_MEMBERS, VALUE_MEMBER
from mahakam.ngsild.selection import And, Compare, Condition, Path, Selection
from mahakam.store.sql.paths import KEY, SUB, path_of, text_of
from mahakam.store.sql.select import Drive
from mahakam.store.sqlite.condition import plain_value
from mahakam.store.sqlite.steps import IN_USE

MOST = 32
"""Indexes: each one costs every write of an entity a few microseconds."""
OTHER = b"\x00"
_TEXTS_END = b""
"""The least blob, which comes after all texts."""
NAMES = "SELECT name, number FROM value_name"
_UNINDEXED = frozenset((*VALUE_MEMBER.values(), "type", "createdAt", "modifiedAt", "deletedAt", "expiresAt"))
"""Members that no path below an attribute is indexed for: its values, and what the body does not have."""
_SCALAR_IN: Mapping[Any, str] = {"Property": "value", "Relationship": "object"}
_TIMES = frozenset(("observedAt",))
"""Members that are a time or nothing."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d")
_LAST_CHARACTER = "\U0010ffff"

Value = int | float | str | bytes
Reader = Callable[[bytes], dict[int, Value]]
"""The body of an entity → number of an attribute → what its index holds, for those that the entity has."""


class _Instance(msgspec.Struct, gc=False):
    value: Any = None
    object: Any = None


_Attribute = _Instance | list[Any] | str | int | float | bool | None | UnsetType


def reader(names: Mapping[str, int]) -> Reader:
    """What reads some values (text of a path → number); all else in a body is skipped."""
    below = {name: number for name, number in names.items() if SUB in name or KEY in name}
    if not below:
        return _reader_of_attributes(names)
    plain = {name: number for name, number in names.items() if name not in below}
    read_plain = _reader_of_attributes(plain) if plain else _nothing
    read_below = _reader_below(below)
    return lambda body: read_plain(body) | read_below(body)


def _nothing(_: bytes) -> dict[int, Value]:
    return {}


def _reader_of_attributes(names: Mapping[str, int]) -> Reader:
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


def _reader_below(names: Mapping[str, int]) -> Reader:
    paths = [(path_of(name), number) for name, number in names.items()]
    attributes = list(dict.fromkeys(path.attribute for path, _ in paths))
    places = [(attributes.index(path.attribute), path, number) for path, number in paths]
    decode = _members(attributes)

    def read(body: bytes) -> dict[int, Value]:
        found = decode(body)
        values = ((number, _below(found[place], path)) for place, path, number in places)
        return {number: value for number, value in values if value is not None}

    return read


def _members(names: Sequence[str]) -> Callable[[bytes], Sequence[Any]]:
    """What reads these members of a body, UNSET for one that it has not."""
    fields = [(f"a{index}", Any, UNSET) for index in range(len(names))]
    renamed = {f"a{index}": name for index, name in enumerate(names)}
    try:
        members = msgspec.defstruct("Members", fields, rename=renamed, gc=False)
    except ValueError:  # a name with a quote in it
        whole = msgspec.json.Decoder(dict[str, Any]).decode
        return lambda body: tuple(map(whole(body).get, names, repeat(UNSET)))
    decode = msgspec.json.Decoder(members).decode
    return lambda body: msgspec.structs.astuple(decode(body))


def _below(attribute: Any, path: Path) -> Value | None:
    """What an index of a path below an attribute holds; None if the path leads nowhere."""
    if attribute is UNSET:
        return None
    if attribute.__class__ is not dict:
        return OTHER
    if path.sub:
        found = attribute.get(path.sub[0])
        if found.__class__ is dict:
            found = found.get(_SCALAR_IN.get(found.get("type"), ""), True)
    else:
        texts = attribute.get("languageMap")
        value = attribute.get("value") if texts is None else texts
        if value is None:
            return OTHER
        found = value.get(path.trail[0]) if value.__class__ is dict else None
    return None if found is None else _scalar(found)


def indexed_value(body: bytes, name: str) -> Value | None:
    """The same for one path; None if it leads nowhere."""
    return _reader_of_one(name)(body).get(0)


@lru_cache(MOST)
def _reader_of_one(name: str) -> Reader:
    return reader({name: 0})


def _indexed(attribute: object) -> Value:
    if attribute.__class__ is _Instance:
        return _scalar(attribute.object if attribute.value is None else attribute.value)
    return OTHER


def _scalar(value: Any) -> Value:
    kind = value.__class__
    if kind is str or kind is float or (kind is int and -(2**63) <= value < 2**63):
        return value  # type: ignore[no-any-return]
    return OTHER


class ValueIndexes:
    """Those of one file. ``read`` answers a statement's rows, ``learn`` makes the index of a path, durably."""

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
            number = self._numbers.get(text_of(compare.path))
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
                    name = text_of(compare.path)
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


def _is_indexed(path: Path) -> bool:
    """Whether a path may have an index."""
    if path.attribute in ENTITY_MEMBERS:
        return False
    steps = (*path.sub, *path.trail)
    if len(steps) > 1 or "*" in path.trail or not _UNINDEXED.isdisjoint(path.sub):
        return False
    return not any(SUB in step or KEY in step for step in (path.attribute, *steps))


def _drive(compare: Compare, number: int) -> Drive | None:
    """Entities that may fulfil a comparison, in order of creation; ``sure`` those that do."""
    found = plain_value(compare)
    if found is None or not _is_indexed(compare.path):
        return None
    operator, wanted = found
    if not isinstance(wanted, str):
        return Drive(_DRIVE.format(sure=""), [number, *_bounds(operator, wanted)], compare)
    second = _TIME.match(wanted)
    if second is not None:
        return _time_drive(compare, number, operator, second[0])
    # What a Relationship points at has no order; and these bounds take in the text itself.
    sure = "" if operator == "=" else "AND FALSE"
    return Drive(_DRIVE.format(sure=sure), [number, *_text_bounds(operator, wanted)], compare)


def _time_drive(compare: Compare, number: int, operator: str, second: str) -> Drive:
    """The same where what is asked for begins like a time, up to ``second``: times are told apart without their final
    Z, which within a second orders them in another way than texts."""
    low, high = second, second + _LAST_CHARACTER
    if operator == "=":
        return Drive(_DRIVE.format(sure="AND FALSE"), [number, low, high], compare)
    bounds: tuple[str, str | bytes] = (low, _TEXTS_END) if operator in (">", ">=") else ("", high)
    if _TIMES.isdisjoint(compare.path.sub):
        return Drive(_DRIVE.format(sure="AND FALSE"), [number, *bounds], compare)
    return Drive(_DRIVE.format(sure="AND v.value NOT BETWEEN ? AND ?"), [low, high, number, *bounds], compare)


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
