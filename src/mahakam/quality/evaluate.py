"""Expressions compiled to Python closures: a record's typed values in, a value or None (unknown) out."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from mahakam.quality.expression import Call, Column, Literal, Node
from mahakam.quality.geometry import Area, Districts
from mahakam.quality.pattern import for_python
from mahakam.quality.references import References

Evaluate = Callable[[Mapping[str, Any]], Any]
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def compile_expression(node: Node, references: References, area: Area | None) -> Evaluate:
    """A closure that evaluates the expression on a mapping field → typed value (None: missing)."""
    if isinstance(node, Literal):
        constant = node.value
        return lambda _: constant
    if isinstance(node, Column):
        name = node.name
        if node.type == "number":
            return lambda values: None if (value := values[name]) is None else float(value)
        return lambda values: values[name]
    return _call(node, references, area)


def _call(node: Call, references: References, area: Area | None) -> Evaluate:
    arguments = [compile_expression(argument, references, area) for argument in node.arguments]
    name = node.operation
    if name in _STRICT:
        return _strict(_STRICT[name], arguments)
    if name == "matches":
        pattern = node.arguments[1]
        assert isinstance(pattern, Literal)
        search = for_python(pattern.value).search
        return _strict(lambda text: search(text) is not None, arguments[:1])
    if name == "not_in_future":
        return _not_in_future(arguments[0], references)
    if name == "in_district":
        districts = references.districts(str(arguments.pop()({})))
        return _in_district(districts, *arguments)
    if name == "inside_boundary":
        return _inside(arguments, area)
    return _LAZY[name](arguments)


def _strict(function: Callable[..., Any], arguments: list[Evaluate]) -> Evaluate:
    """Unknown if an argument is."""
    if len(arguments) == 1:
        (only,) = arguments
        return lambda values: None if (a := only(values)) is None else function(a)
    first, second = arguments

    def evaluate(values: Mapping[str, Any]) -> Any:
        a = first(values)
        if a is None:
            return None
        b = second(values)
        return None if b is None else function(a, b)

    return evaluate


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


_STRICT: dict[str, Callable[..., Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "not": operator.not_,
    "+": lambda a, b: _finite(a + b),
    "-": lambda a, b: _finite(a - b),
    "*": lambda a, b: _finite(a * b),
    "/": lambda a, b: _finite(a / b) if b else None,
    "%": lambda a, b: math.fmod(a, b) if b else None,
    "negative": operator.neg,
    "abs": abs,
    "floor": lambda a: float(math.floor(a)),
    "ceil": lambda a: float(math.ceil(a)),
    "days": lambda a, b: float((a - b).days),
    "seconds": lambda a, b: _micros(a - b) / 1e6,
    "year": lambda a: float(a.year),
    "month": lambda a: float(a.month),
    "day": lambda a: float(a.day),
    "length": lambda a: float(len(a)),
    "lower": lambda a: a.translate(_LOWER),
    "upper": lambda a: a.translate(_UPPER),
    "trim": lambda a: a.strip(" "),
    "concat": operator.add,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": lambda a, b: b in a,
}


def _micros(span: Any) -> int:
    return int(span.days) * 86_400_000_000 + int(span.seconds) * 1_000_000 + int(span.microseconds)


def _and(arguments: list[Evaluate]) -> Evaluate:
    first, second = arguments

    def evaluate(values: Mapping[str, Any]) -> Any:
        a = first(values)
        if a is False:
            return False
        b = second(values)
        return False if b is False else (None if a is None or b is None else True)

    return evaluate


def _or(arguments: list[Evaluate]) -> Evaluate:
    first, second = arguments

    def evaluate(values: Mapping[str, Any]) -> Any:
        a = first(values)
        if a:
            return True
        b = second(values)
        return True if b else (None if a is None or b is None else False)

    return evaluate


def _in(arguments: list[Evaluate]) -> Evaluate:
    first, *rest = arguments
    constants = [option({}) for option in rest]
    options = frozenset(c for c in constants if c is not None)
    otherwise = None if None in constants else False

    def evaluate(values: Mapping[str, Any]) -> Any:
        a = first(values)
        return None if a is None else (True if a in options else otherwise)

    return evaluate


def _chosen(choose: Callable[[list[Any]], Any]) -> Callable[[list[Evaluate]], Evaluate]:
    def build(arguments: list[Evaluate]) -> Evaluate:
        def evaluate(values: Mapping[str, Any]) -> Any:
            present = [a for argument in arguments if (a := argument(values)) is not None]
            return choose(present) if present else None

        return evaluate

    return build


def _nullif(arguments: list[Evaluate]) -> Evaluate:
    first, second = arguments
    return lambda values: None if (a := first(values)) is None or a == second(values) else a


def _case(arguments: list[Evaluate]) -> Evaluate:
    branches = list(zip(arguments[:-1:2], arguments[1::2], strict=True))
    otherwise = arguments[-1]

    def evaluate(values: Mapping[str, Any]) -> Any:
        for condition, value in branches:
            if condition(values):
                return value(values)
        return otherwise(values)

    return evaluate


def _distinct(answer: bool) -> Callable[[list[Evaluate]], Evaluate]:
    def build(arguments: list[Evaluate]) -> Evaluate:
        first, second = arguments
        return lambda values: (first(values) != second(values)) is answer

    return build


_LAZY: dict[str, Callable[[list[Evaluate]], Evaluate]] = {
    "and": _and,
    "or": _or,
    "in": _in,
    "is null": lambda arguments: lambda values: arguments[0](values) is None,
    "is distinct from": _distinct(True),
    "is not distinct from": _distinct(False),
    "greatest": _chosen(max),
    "least": _chosen(min),
    "coalesce": _chosen(lambda present: present[0]),
    "nullif": _nullif,
    "case": _case,
}


def _not_in_future(argument: Evaluate, references: References) -> Evaluate:
    def evaluate(values: Mapping[str, Any]) -> Any:
        value: date | None = argument(values)
        if value is None:
            return None
        return value <= (references.now() if isinstance(value, datetime) else references.today())

    return evaluate


def _in_district(districts: Districts, code: Evaluate, longitude: Evaluate, latitude: Evaluate) -> Evaluate:
    def evaluate(values: Mapping[str, Any]) -> Any:
        a, x, y = code(values), longitude(values), latitude(values)
        return None if a is None or x is None or y is None else districts.has_point(a, x, y)

    return evaluate


def _inside(arguments: list[Evaluate], area: Area | None) -> Evaluate:
    if area is None:
        return lambda _: None
    return _strict(area.has_geometry if len(arguments) == 1 else area.has_point, arguments)
