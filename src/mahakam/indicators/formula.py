"""The expressions of an indicator: parsed, restricted to a safe part of SQL, rewritten over numbered
columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from mahakam.config import ConfigError
from mahakam.indicators.scales import scales

if TYPE_CHECKING:
    from mahakam.indicators.definition import Definition

LONGEST = 4000
DEEPEST = 60

# fmt: off
AGGREGATES = (
    "count", "sum", "avg", "min", "max", "median", "mode", "quantile_cont", "quantile_disc", "stddev",
    "stddev_pop", "stddev_samp", "var_pop", "var_samp", "count_if", "bool_and", "bool_or", "arg_max",
    "arg_min",
)
SCALARS = (
    "abs", "ceil", "floor", "round", "sqrt", "ln", "log", "exp", "power", "greatest", "least",
    "coalesce", "nullif", "lower", "upper", "trim", "length", "concat", "contains", "starts_with",
    "regexp_matches", "year", "month", "day", "quarter", "extract", "date_part", "date_trunc",
    "date_diff",
)

_AGGREGATE_NODES: frozenset[type[exp.Expr]] = frozenset(
    (
        exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Median, exp.Mode, exp.PercentileCont,
        exp.PercentileDisc, exp.Quantile, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance,
        exp.VariancePop, exp.CountIf, exp.LogicalAnd, exp.LogicalOr, exp.ArgMax, exp.ArgMin,
    )
)
_SCALAR_NODES: frozenset[type[exp.Expr]] = frozenset(
    (
        exp.Abs, exp.Ceil, exp.Floor, exp.Round, exp.Sqrt, exp.Ln, exp.Log, exp.Exp, exp.Pow, exp.Greatest,
        exp.Least, exp.Coalesce, exp.Nullif, exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Concat,
        exp.Contains, exp.StartsWith, exp.RegexpLike, exp.Year, exp.Month, exp.Day, exp.Quarter,
        exp.Extract, exp.DateTrunc, exp.TimestampTrunc, exp.DateDiff,
    )
)
_OPERATOR_NODES: frozenset[type[exp.Expr]] = frozenset(
    (
        exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.And, exp.Or, exp.Not,
        exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is, exp.In,
        exp.Between, exp.Like, exp.ILike, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg,
        exp.Case, exp.If, exp.Cast, exp.TryCast, exp.DataType, exp.Distinct, exp.Filter, exp.Where,
        exp.Star, exp.Var, exp.Interval, exp.DPipe, exp.Tuple,
    )
)
_TYPES = (
    "INT", "BIGINT", "SMALLINT", "DOUBLE", "FLOAT", "DECIMAL", "DATE", "TIMESTAMP", "VARCHAR", "TEXT",
    "BOOLEAN",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Term:
    """One aggregate of a formula (its numerator, its denominator …): as a person reads it, and as SQL."""

    text: str
    sql: str


@dataclass(frozen=True, slots=True)
class Formula:
    """The compiled expressions of a definition. ``columns``: attribute name → name of its column (``c0`` …).

    The SQL strings are rendered from the checked syntax tree, never from the author's text. ``where`` and
    ``counted`` are ``TRUE`` and ``FALSE`` when the definition has none.
    """

    columns: dict[str, str]
    value: str
    terms: tuple[Term, ...]
    where: str
    counted: str

    @classmethod
    def of(cls, definition: Definition) -> Formula:
        """Raises ConfigError naming the key (formula, where, counted) and what is wrong in it."""
        columns: dict[str, str] = {}
        if definition.time:
            columns[definition.time] = "c0"
        trees = {}
        for key in ("formula", "where", "counted"):
            text = getattr(definition, key)
            if not text:
                continue
            try:
                trees[key] = parse(text, aggregate=key == "formula")
            except FormulaError as error:
                raise ConfigError(definition.path, f"{key}: {error}") from error
            for column in trees[key].find_all(exp.Column):
                columns.setdefault(attribute_of(column), f"c{len(columns)}")
        formula = trees["formula"]
        terms = tuple(Term(_readable(node), _sql(node, columns)) for node in outer_aggregates(formula))
        return cls(
            columns=columns,
            value=_sql(formula, columns),
            terms=() if len(terms) == 1 and terms[0].sql == _sql(formula, columns) else _unique(terms),
            where=_sql(trees["where"], columns) if "where" in trees else "TRUE",
            counted=_sql(trees["counted"], columns) if "counted" in trees else "FALSE",
        )


class FormulaError(ValueError):
    """An expression that is not allowed: what, and what would be."""


def parse(text: str, *, aggregate: bool) -> exp.Expr:
    """The syntax tree of an expression over attributes.

    With ``aggregate`` every attribute must stand inside an aggregate; without, there may be no aggregate.
    Raises FormulaError.
    """
    if len(text) > LONGEST:
        raise FormulaError(f"is longer than {LONGEST} characters")
    try:
        tree = sqlglot.parse_one(text, read="duckdb")
    except RecursionError as error:
        raise FormulaError(f"is nested more than {DEEPEST} levels deep") from error
    except SqlglotError as error:
        raise FormulaError(f"{text!r} is not an SQL expression: {_first_line(error)}") from error
    tree = tree.transform(_scaled)
    for node in tree.walk():
        if node.depth > DEEPEST:
            raise FormulaError(f"is nested more than {DEEPEST} levels deep")
        _allow(node)
    inside = [node for node in tree.walk() if _is_aggregate(node)]
    if not aggregate:
        if inside:
            raise FormulaError(f"{_readable(inside[0])} counts many rows; only the formula may")
        return tree
    if not inside:
        raise FormulaError(f"{text!r} has no aggregate, e.g. count(*), sum(amount), avg(level)")
    for node in inside:
        if any(_is_aggregate(above) for above in _above(node)):
            raise FormulaError(f"{_readable(node)} stands inside another aggregate")
    for column in tree.find_all(exp.Column):
        if not any(_is_aggregate(above) or isinstance(above, exp.Filter) for above in _above(column)):
            name = attribute_of(column)
            raise FormulaError(f"{name!r} stands outside an aggregate; write e.g. sum({name}) or max({name})")
    return tree


def _scaled(node: exp.Expr) -> exp.Expr:
    """``ispu('pm25', value)`` as the straight lines of its scale. Raises FormulaError."""
    scale = scales().get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
    if scale is None:
        return node
    known = ", ".join(sorted(scale.scales))
    match node.expressions:
        case [exp.Literal(is_string=True) as parameter, value]:
            if parameter.name not in scale.scales:
                raise FormulaError(f"{scale.name} has no scale {parameter.name!r}; there are {known}")
            return sqlglot.parse_one(scale.sql(parameter.name, f"({value.sql('duckdb')})"), read="duckdb")
        case _:
            raise FormulaError(f"{_readable(node)}: write {scale.name}('NAME', value) with one of {known}")


def outer_aggregates(tree: exp.Expr) -> Iterator[exp.Expr]:
    """The aggregates of a formula, each with its filter, from left to right."""
    for node in tree.dfs():
        if isinstance(node, exp.Filter) or (_is_aggregate(node) and not isinstance(node.parent, exp.Filter)):
            yield node


def attribute_of(column: exp.Column) -> str:
    """The attribute a column names; ``pm10.observedAt`` names a sub-attribute."""
    return ".".join(part.name for part in column.parts)


def _allow(node: exp.Expr) -> None:
    """Refuse everything that is not on the list: what a later version of the parser adds stays outside."""
    kind = type(node)
    if kind in _AGGREGATE_NODES or kind in _SCALAR_NODES or kind in _OPERATOR_NODES:
        if isinstance(node, exp.DataType) and node.this.name not in _TYPES:
            raise FormulaError(f"type {node.sql('duckdb')} is not available; use {', '.join(_TYPES)}")
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            raise FormulaError("* stands only in count(*); name the attributes")
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            raise FormulaError("* stands only in count(*); name the attributes")
        return
    if isinstance(node, exp.Anonymous) and node.name.lower() == "date_part":
        return
    if isinstance(node, exp.Subquery | exp.Query | exp.Table):
        raise FormulaError("a query inside an expression is not allowed; use the attributes of the inputs")
    if isinstance(node, exp.Window):
        raise FormulaError("a window (OVER) is not allowed; use aggregates")
    if isinstance(node, exp.Func):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        known = AGGREGATES + SCALARS
        near = get_close_matches(name.lower(), known, n=1)
        hint = (
            f"did you mean {near[0]}?"
            if near
            else f"there are {', '.join(AGGREGATES[:7])} … (docs/indicators.md)"
        )
        raise FormulaError(f"function {name.lower()} is not allowed; {hint}")
    raise FormulaError(f"{_readable(node)!r} is not allowed in an expression")


def _is_aggregate(node: exp.Expr) -> bool:
    return type(node) in _AGGREGATE_NODES


def _above(node: exp.Expr) -> Iterator[exp.Expr]:
    above = node.parent
    while above is not None:
        yield above
        above = above.parent


def _sql(tree: exp.Expr, columns: dict[str, str]) -> str:
    def rename(node: Any) -> Any:
        return exp.column(columns[attribute_of(node)], quoted=True) if isinstance(node, exp.Column) else node

    return str(tree.copy().transform(rename).sql("duckdb"))


def _readable(node: exp.Expr) -> str:
    text: str = node.sql("duckdb", normalize_functions="lower")
    return text.replace(" FILTER(WHERE ", " filter (where ")


def _unique(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    return tuple(dict.fromkeys(terms))


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
