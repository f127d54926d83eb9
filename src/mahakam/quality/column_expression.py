"""Expressions of cross-field rules as SQL; the closures of :mod:`mahakam.quality.evaluate` say the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mahakam.quality.expression import Call, Column, Literal, Node
from mahakam.quality.functions import Functions
from mahakam.quality.references import References
from mahakam.quality.typing_sql import literal, text_literal

_LETTERS = ("'abcdefghijklmnopqrstuvwxyz'", "'ABCDEFGHIJKLMNOPQRSTUVWXYZ'")
_SQL_TYPES = {
    "number": "DOUBLE",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "null": "BOOLEAN",
}


class ColumnExpressions:
    """Builds SQL; ``values`` are the typed columns by field. Every part stands in parentheses of its own."""

    def __init__(self, values: Mapping[str, str], references: References, functions: Functions) -> None:
        self.values = values
        self.references = references
        self.functions = functions

    def build(self, node: Node) -> str:
        """The expression's SQL: boolean for a rule, NULL where it is unknown."""
        if isinstance(node, Literal):
            return f"CAST(NULL AS {_SQL_TYPES[node.type]})" if node.value is None else literal(node.value)
        if isinstance(node, Column):
            value = self.values[node.name]
            return f"CAST({value} AS DOUBLE)" if node.type == "number" else value
        return f"({self._call(node)})"

    def _call(self, node: Call) -> str:
        name = node.operation
        if name == "in":
            return self._in(node)
        if name == "matches":
            pattern = node.arguments[1]
            assert isinstance(pattern, Literal)
            return f"regexp_matches({self.build(node.arguments[0])}, {text_literal(pattern.value)})"
        if name == "not_in_future":
            limit: Any = (
                self.references.today() if node.arguments[0].type == "date" else self.references.now()
            )
            return f"{self.build(node.arguments[0])} <= {literal(limit)}"
        arguments = [self.build(argument) for argument in node.arguments]
        if name == "in_district":
            target = node.arguments[3]
            assert isinstance(target, Literal)
            return self.functions.in_district(self.references.districts(target.value), *arguments[:3])
        if name == "case":
            branches = zip(arguments[:-1:2], arguments[1::2], strict=True)
            listed = " ".join(f"WHEN {condition} THEN {value}" for condition, value in branches)
            return f"CASE {listed} ELSE {arguments[-1]} END"
        if name == "inside_boundary":
            return self.functions.inside(*arguments)
        return _FORMS[name](*arguments) if name in _FORMS else f"{name}({', '.join(arguments)})"

    def _in(self, node: Call) -> str:
        value = self.build(node.arguments[0])
        return f"{value} IN ({', '.join(self.build(option) for option in node.arguments[1:])})"


def _infix(operator: str) -> Callable[[str, str], str]:
    return lambda a, b: f"{a} {operator} {b}"


def _finite(operator: str) -> Callable[[str, str], str]:
    def form(a: str, b: str) -> str:
        right = f"nullif({b}, 0)" if operator in "/%" else b
        result = f"({a} {operator} {right})"
        return f"CASE WHEN isfinite({result}) THEN {result} END"

    return form


_FORMS: dict[str, Callable[..., str]] = {
    **{name: _infix(name) for name in ("=", "<>", "<", "<=", ">", ">=", "and", "or")},
    **{name: _infix(name) for name in ("is distinct from", "is not distinct from")},
    **{name: _finite(name) for name in "+-*/%"},
    "concat": _infix("||"),
    "not": lambda a: f"NOT {a}",
    "is null": lambda a: f"{a} IS NULL",
    "negative": lambda a: f"- {a}",
    "days": lambda a, b: f"CAST(date_diff('day', {b}, {a}) AS DOUBLE)",
    "seconds": lambda a, b: f"CAST(epoch_us({a}) - epoch_us({b}) AS DOUBLE) / 1e6",
    "year": lambda a: f"CAST(year({a}) AS DOUBLE)",
    "month": lambda a: f"CAST(month({a}) AS DOUBLE)",
    "day": lambda a: f"CAST(day({a}) AS DOUBLE)",
    "length": lambda a: f"CAST(length({a}) AS DOUBLE)",
    "lower": lambda a: f"translate({a}, {_LETTERS[1]}, {_LETTERS[0]})",
    "upper": lambda a: f"translate({a}, {_LETTERS[0]}, {_LETTERS[1]})",
    "trim": lambda a: f"trim({a}, ' ')",
}
"""Operations that are not a DuckDB function of the same name."""
