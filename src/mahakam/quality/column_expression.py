"""Expressions of cross-field rules as Ibis column expressions; the closures of
:mod:`mahakam.quality.evaluate` say the same."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import ibis

from mahakam.quality.expression import Call, Column, Literal, Node, ValueType
from mahakam.quality.functions import Functions
from mahakam.quality.references import References

_TYPES: dict[ValueType, str] = {
    "number": "float64", "text": "string", "boolean": "boolean", "date": "date", "time": "time",
    "timestamp": "timestamp",
    "null": "boolean",
}  # fmt: skip
_LETTERS = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


class ColumnExpressions:
    """Builds columns; ``values`` are the typed columns by field (floating point where the expression says
    number)."""

    def __init__(self, values: Mapping[str, Any], references: References, functions: Functions) -> None:
        self.values = values
        self.references = references
        self.functions = functions

    def build(self, node: Node) -> Any:
        """The expression's column: boolean for a rule, NULL where it is unknown."""
        if isinstance(node, Literal):
            return literal(node.value, _TYPES[node.type])
        if isinstance(node, Column):
            value = self.values[node.name]
            return value.cast("float64") if node.type == "number" else value
        return self._call(node)

    def _call(self, node: Call) -> Any:
        name = node.operation
        if name == "in":
            return self._in(node)
        if name == "matches":
            pattern = node.arguments[1]
            assert isinstance(pattern, Literal)
            return self.build(node.arguments[0]).re_search(pattern.value)
        arguments = [self.build(argument) for argument in node.arguments]
        if name in _SIMPLE:
            return _SIMPLE[name](*arguments)
        if name in ("+", "-", "*", "/", "%"):
            return self._arithmetic(name, *arguments)
        return self._function(node, name, arguments)

    def _in(self, node: Call) -> Any:
        constants = [a.value for a in node.arguments[1:] if isinstance(a, Literal)]
        present = [literal(c, _TYPES[node.arguments[0].type]) for c in constants if c is not None]
        value = self.build(node.arguments[0])
        found = value.isin(present) if present else literal(False, "boolean")
        if len(present) < len(constants):
            found = found.ifelse(ibis.literal(True), ibis.null("boolean"))
        return value.notnull().ifelse(found, ibis.null("boolean"))

    def _arithmetic(self, name: str, a: Any, b: Any) -> Any:
        if name in ("/", "%"):
            b = b.nullif(literal(0.0, "float64"))
        result = {
            "+": operator.add,
            "-": operator.sub,
            "*": operator.mul,
            "/": operator.truediv,
            "%": operator.mod,
        }[name](a, b)
        return self.functions.isfinite(result).ifelse(result, ibis.null("float64"))

    def _function(self, node: Call, name: str, arguments: list[Any]) -> Any:
        functions = self.functions
        match name:
            case "floor":
                return functions.floor(*arguments)
            case "ceil":
                return functions.ceil(*arguments)
            case "days":
                return functions.date_diff(ibis.literal("day"), arguments[1], arguments[0]).cast("float64")
            case "seconds":
                span = functions.epoch_us(arguments[0]) - functions.epoch_us(arguments[1])
                return span.cast("float64") / literal(1e6, "float64")
            case "lower":
                return functions.translate(arguments[0], ibis.literal(_LETTERS[1]), ibis.literal(_LETTERS[0]))
            case "upper":
                return functions.translate(arguments[0], ibis.literal(_LETTERS[0]), ibis.literal(_LETTERS[1]))
            case "trim":
                return functions.trim(arguments[0], ibis.literal(" "))
            case "case":
                branches = list(zip(arguments[:-1:2], arguments[1::2], strict=True))
                return ibis.cases(*branches, else_=arguments[-1])
            case "not_in_future":
                limit: Any = (
                    self.references.today() if node.arguments[0].type == "date" else self.references.now()
                )
                return arguments[0] <= literal(limit, _TYPES[node.arguments[0].type])
            case "inside_boundary":
                return functions.inside(*arguments)
        raise AssertionError(f"no column expression for {name}")


def _sure(condition: Any, answer: bool = True) -> Any:
    """A condition that is never unknown; as CASE it keeps its place among operators (IS NULL would not)."""
    return condition.ifelse(ibis.literal(answer), ibis.literal(not answer))


_SIMPLE: dict[str, Callable[..., Any]] = {
    "and": operator.and_,
    "or": operator.or_,
    "not": lambda a: ibis.cases(
        (a, ibis.literal(False)), (~a, ibis.literal(True)), else_=ibis.null("boolean")
    ),
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is null": lambda a: _sure(a.isnull()),
    "is distinct from": lambda a, b: _sure(_sure(a == b) | (_sure(a.isnull()) & _sure(b.isnull())), False),
    "is not distinct from": lambda a, b: _sure(_sure(a == b) | (_sure(a.isnull()) & _sure(b.isnull()))),
    "negative": operator.neg,
    "abs": lambda a: a.abs(),
    "year": lambda a: a.year().cast("float64"),
    "month": lambda a: a.month().cast("float64"),
    "day": lambda a: a.day().cast("float64"),
    "length": lambda a: a.length().cast("float64"),
    "concat": lambda a, b: a + b,
    "starts_with": lambda a, b: a.startswith(b),
    "ends_with": lambda a, b: a.endswith(b),
    "contains": lambda a, b: a.contains(b),
    "greatest": lambda *all_: ibis.greatest(*all_),
    "least": lambda *all_: ibis.least(*all_),
    "coalesce": lambda *all_: ibis.coalesce(*all_),
    "nullif": lambda a, b: a.nullif(b),
}


def literal(value: Any, type_: str) -> Any:
    """A constant column value; a timestamp is naive UTC."""
    if value is None:
        return ibis.null(type_)
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return ibis.literal(value, type_)
