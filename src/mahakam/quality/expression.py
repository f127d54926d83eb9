"""Cross-field rules: a small typed expression language that both compilations of a contract share.

An expression is a tree of :class:`Column`, :class:`Literal` and :class:`Call`. Logic is three-valued as in
SQL: a missing value makes a comparison unknown, and only *false* fails a rule. Numbers are 64-bit floating
point; a result that is not finite (a division by zero) is missing. Text compares by code point. Dates compare
as dates, local timestamps as instants.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from typing import Literal as Either

ValueType = Either["number", "text", "boolean", "date", "timestamp", "time", "geometry", "json", "null"]
ORDERED: Final = ("number", "text", "boolean", "date", "timestamp", "time")


@dataclass(frozen=True, slots=True)
class Column:
    """The value of a field of the record."""

    name: str
    type: ValueType


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: float, str, bool, date, datetime (UTC), time or None; for ``matches`` a portable
    pattern."""

    value: Any
    type: ValueType


@dataclass(frozen=True, slots=True)
class Call:
    """An operation of :data:`OPERATIONS` on its arguments."""

    operation: str
    arguments: tuple[Node, ...]
    type: ValueType


Node = Column | Literal | Call


@dataclass(frozen=True, slots=True)
class Operation:
    """The signature of an operation: argument types (``same``: all alike and ordered), whether the last
    repeats, result."""

    arguments: tuple[str, ...]
    result: str
    repeats: bool = False
    least: int = 0


OPERATIONS: Final[dict[str, Operation]] = {
    "and": Operation(("boolean", "boolean"), "boolean"),
    "or": Operation(("boolean", "boolean"), "boolean"),
    "not": Operation(("boolean",), "boolean"),
    "=": Operation(("same", "same"), "boolean"),
    "<>": Operation(("same", "same"), "boolean"),
    "<": Operation(("same", "same"), "boolean"),
    "<=": Operation(("same", "same"), "boolean"),
    ">": Operation(("same", "same"), "boolean"),
    ">=": Operation(("same", "same"), "boolean"),
    "is distinct from": Operation(("same", "same"), "boolean"),
    "is not distinct from": Operation(("same", "same"), "boolean"),
    "is null": Operation(("any",), "boolean"),
    "in": Operation(("same", "same"), "boolean", repeats=True),
    "+": Operation(("number", "number"), "number"),
    "-": Operation(("number", "number"), "number"),
    "*": Operation(("number", "number"), "number"),
    "/": Operation(("number", "number"), "number"),
    "%": Operation(("number", "number"), "number"),
    "negative": Operation(("number",), "number"),
    "days": Operation(("date", "date"), "number"),
    "seconds": Operation(("timestamp", "timestamp"), "number"),
    "abs": Operation(("number",), "number"),
    "floor": Operation(("number",), "number"),
    "ceil": Operation(("number",), "number"),
    "year": Operation(("date",), "number"),
    "month": Operation(("date",), "number"),
    "day": Operation(("date",), "number"),
    "length": Operation(("text",), "number"),
    "lower": Operation(("text",), "text"),
    "upper": Operation(("text",), "text"),
    "trim": Operation(("text",), "text"),
    "concat": Operation(("text", "text"), "text"),
    "starts_with": Operation(("text", "text"), "boolean"),
    "ends_with": Operation(("text", "text"), "boolean"),
    "contains": Operation(("text", "text"), "boolean"),
    "matches": Operation(("text", "pattern"), "boolean"),
    "greatest": Operation(("same",), "same", repeats=True),
    "least": Operation(("same",), "same", repeats=True),
    "coalesce": Operation(("same",), "same", repeats=True),
    "nullif": Operation(("same", "same"), "same"),
    "case": Operation(("boolean", "same"), "same", repeats=True),
    "not_in_future": Operation(("moment",), "boolean"),
    "inside_boundary": Operation(("place",), "boolean"),
    "in_district": Operation(("text", "number", "number", "text"), "boolean"),
}

FUNCTIONS: Final = (
    "abs", "ceil", "coalesce", "contains", "day", "days", "ends_with", "floor",
    "greatest", "inside_boundary", "least", "length",
    "lower", "matches", "month", "not_in_future", "nullif", "seconds", "starts_with", "trim", "upper", "year",
)  # fmt: skip
"""The functions that an expression may call by name."""


def columns_of(node: Node) -> Iterator[str]:
    """The names of the fields that an expression reads, each once, in order of appearance."""
    seen: set[str] = set()
    waiting: list[Node] = [node]
    while waiting:
        at = waiting.pop(0)
        if isinstance(at, Column) and at.name not in seen:
            seen.add(at.name)
            yield at.name
        elif isinstance(at, Call):
            waiting[:0] = at.arguments
