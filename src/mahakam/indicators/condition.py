"""A row predicate of an indicator as a condition of the NGSI-LD query language, so that the store can page
it.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from sqlglot import exp

from mahakam.indicators.formula import attribute_of
from mahakam.indicators.period import Period
from mahakam.ngsild.selection import And, Compare, Comparison, Condition, Exists, Not, Or, Path

_OPERATORS: dict[str, Comparison] = {"EQ": "==", "NEQ": "!=", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}
_MIRROR: dict[str, str] = {"EQ": "EQ", "NEQ": "NEQ", "GT": "LT", "GTE": "LTE", "LT": "GT", "LTE": "GTE"}
_OPPOSITE: dict[str, str] = {"EQ": "NEQ", "NEQ": "EQ", "GT": "LTE", "GTE": "LT", "LT": "GTE", "LTE": "GT"}


def condition_of(tree: exp.Expr) -> Condition | None:
    """The condition that selects exactly the rows for which the predicate is true; None if none can say it.

    SQL's unknown (an absent attribute compared with anything) selects nothing, whether or not it is negated.
    """
    return _when(tree, True)


def path_of(attribute: str) -> Path:
    if "://" in attribute:
        return Path(attribute)
    name, *sub = attribute.split(".")
    return Path(name, tuple(sub))


def period_condition(attribute: str, example: Any, period: Period, timezone: str) -> Condition | None:
    """The rows of a period, the attribute's values being like ``example``; None for what has no such
    condition.
    """
    if not period.first:
        return None
    path = path_of(attribute)
    if isinstance(example, int | float) and not isinstance(example, bool):
        return None if period.month else Compare(path, "==", (period.year,))
    text = str(example.get("@value", "") if isinstance(example, dict) else example)
    end = period.next().first
    if len(text) == 4:
        return None if period.month else Compare(path, "==", (period.label,))
    if len(text) == 10 and end:
        return between(path, period.first.isoformat(), end.isoformat())
    if "T" in text and text.endswith("Z"):
        start, stop = (moment.astimezone(UTC) for moment in period.instants(timezone))
        return between(path, f"{start:%Y-%m-%dT%H:%M:%S}Z", f"{stop:%Y-%m-%dT%H:%M:%S}Z")
    return None


def between(path: Path, low: Any, high: Any) -> Condition:
    """From ``low`` to before ``high``."""
    return And((Compare(path, ">=", (low,)), Compare(path, "<", (high,))))


def both(*parts: Condition | None) -> Condition | None:
    """All the conditions there are; None if there are none."""
    found = tuple(part for part in parts if part is not None)
    return And(found) if len(found) > 1 else found[0] if found else None


def _when(node: exp.Expr, truth: bool) -> Condition | None:
    """Rows for which the predicate is true, or (``truth`` False) false: unknown is neither."""
    if isinstance(node, exp.Paren):
        return _when(node.this, truth)
    if isinstance(node, exp.Not):
        return _when(node.this, not truth)
    if isinstance(node, exp.And | exp.Or):
        left, right = _when(node.left, truth), _when(node.right, truth)
        if left is None or right is None:
            return None
        return And((left, right)) if isinstance(node, exp.And) is truth else Or((left, right))
    if isinstance(node, exp.Is):
        if isinstance(node.this, exp.Column) and isinstance(node.expression, exp.Null):
            exists = Exists(path_of(attribute_of(node.this)))
            return Not(exists) if truth else exists
        return None
    if isinstance(node, exp.In):
        return _in(node, truth)
    if isinstance(node, exp.Between):
        low = exp.GTE(this=node.this, expression=node.args["low"])
        high = exp.LTE(this=node.this, expression=node.args["high"])
        return _when(exp.And(this=low, expression=high), truth)
    if isinstance(node, exp.Column):
        return Compare(path_of(attribute_of(node)), "==", (truth,))
    return _compare(node, truth)


def _compare(node: exp.Expr, truth: bool) -> Condition | None:
    kind = type(node).__name__
    if kind not in _OPERATORS:
        return None
    left, right = node.args["this"], node.args["expression"]
    if isinstance(right, exp.Column):
        left, right, kind = right, left, _MIRROR[kind]
    if not truth:
        kind = _OPPOSITE[kind]
    known, value = _literal(right)
    if not isinstance(left, exp.Column) or not known:
        return None
    path = path_of(attribute_of(left))
    if kind == "NEQ":
        return And((Exists(path), Not(Compare(path, "==", (value,)))))
    return Compare(path, _OPERATORS[kind], (value,))


def _in(node: exp.In, truth: bool) -> Condition | None:
    values = [_literal(one) for one in node.expressions]
    if not isinstance(node.this, exp.Column) or not values or not all(known for known, _ in values):
        return None
    path = path_of(attribute_of(node.this))
    any_of = Compare(path, "==", tuple(value for _, value in values))
    return any_of if truth else And((Exists(path), Not(any_of)))


def _literal(node: exp.Expr) -> tuple[bool, Any]:
    """(True, value) of a plain text, number or truth value."""
    if isinstance(node, exp.Boolean):
        return True, bool(node.this)
    if isinstance(node, exp.Neg):
        known, value = _literal(node.this)
        return known and isinstance(value, int | float) and not isinstance(
            value, bool
        ), -value if known else None
    if isinstance(node, exp.Literal):
        if node.is_string:
            return True, str(node.this)
        number = float(node.this)
        return True, int(number) if number.is_integer() and "e" not in str(node.this).lower() else number
    return False, None
