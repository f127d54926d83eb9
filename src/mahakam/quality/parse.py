"""From the SQL text of a custom rule to an expression: sqlglot reads it, a whitelist lets through what the
language has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from mahakam.quality import lexical
from mahakam.quality.expression import FUNCTIONS, OPERATIONS, ORDERED, Call, Column, Literal, Node, ValueType
from mahakam.quality.pattern import PatternError, escape_like, portable

if TYPE_CHECKING:
    from sqlglot import expressions as sql

LONGEST_EXPRESSION = 10_000
_VALUE_TYPE: dict[str, ValueType] = {
    "string": "text", "integer": "number", "number": "number", "boolean": "boolean", "date": "date",
    "time": "time",
    "timestamp": "timestamp", "object": "json", "array": "json",
}  # fmt: skip
_BINARY = {
    "EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "And": "and", "Or": "or",
    "NullSafeNEQ": "is distinct from", "NullSafeEQ": "is not distinct from", "Add": "+", "Sub": "-",
    "Mul": "*", "Div": "/",
    "Mod": "%", "DPipe": "concat", "StartsWith": "starts_with", "EndsWith": "ends_with",
    "Contains": "contains",
    "RegexpLike": "matches", "Nullif": "nullif",
}  # fmt: skip
_UNARY = {
    "Not": "not", "Neg": "negative", "Abs": "abs", "Floor": "floor", "Ceil": "ceil", "Length": "length",
    "Lower": "lower",
    "Upper": "upper", "Year": "year", "Month": "month", "Day": "day", "DayOfMonth": "day",
}  # fmt: skip
_MANY = {"Greatest": "greatest", "Least": "least", "Coalesce": "coalesce"}
_SPELLINGS = {"regexp_matches": "matches", "suffix": "ends_with", "prefix": "starts_with"}


class ExpressionError(ValueError):
    """An expression that cannot be used: says what in it, and what would be right."""


def value_type(kind: lexical.Kind) -> ValueType:
    """How an expression sees a field of a logical type."""
    return "geometry" if kind.geometry else _VALUE_TYPE[kind.logical]


def parse(text: str, kinds: Mapping[str, lexical.Kind]) -> Node:
    """The expression of a custom rule over the fields of a contract; its type is boolean.

    Raises ExpressionError for SQL that cannot be read, an unknown field or function (with the nearest known),
    types that do not go together, or SQL beyond the language.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    if len(text) > LONGEST_EXPRESSION:
        raise ExpressionError(f"the expression is longer than {LONGEST_EXPRESSION} characters")
    try:
        statements = sqlglot.parse(text, read="duckdb")
    except (SqlglotError, RecursionError) as error:
        faults = getattr(error, "errors", None) or [{}]
        where = f" near {faults[0]['highlight']!r}" if faults[0].get("highlight") else ""
        raise ExpressionError(f"{text!r} is not an expression{where}") from error
    if len(statements) != 1 or statements[0] is None:
        raise ExpressionError(f"{text!r} must be one expression")
    try:
        node = _Reader(kinds).read(statements[0])
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply") from None
    if node.type not in ("boolean", "null"):
        raise ExpressionError(f"{text!r} gives a {node.type}; a rule must be true or false")
    return node


class _Reader:
    def __init__(self, kinds: Mapping[str, lexical.Kind]) -> None:
        self.kinds = kinds

    def read(self, node: Any) -> Node:
        name = type(node).__name__
        if name in _BINARY:
            return call(_BINARY[name], self.read(node.this), self.read(node.expression))
        if name in _UNARY:
            return call(_UNARY[name], self.read(node.this))
        if name in _MANY:
            return call(_MANY[name], self.read(node.this), *map(self.read, node.expressions))
        special: Callable[[Any], Node] | None = getattr(self, f"_{name.lower()}", None)
        if special is None:
            raise ExpressionError(
                f"{node.sql('duckdb')!r}: {name} is not part of the rule language; {_known_functions()}"
            )
        return special(node)

    def _paren(self, node: sql.Paren) -> Node:
        return self.read(node.this)

    def _column(self, node: sql.Column) -> Node:
        if node.table:
            raise ExpressionError(f"{node.sql('duckdb')!r}: name the field alone")
        if node.name not in self.kinds:
            close = difflib.get_close_matches(node.name, self.kinds, 1, 0.5)
            nearest = (
                f"; did you mean {close[0]!r}?" if close else f"; the fields are {', '.join(self.kinds)}"
            )
            raise ExpressionError(f"unknown field {node.name!r}{nearest}")
        return Column(node.name, value_type(self.kinds[node.name]))

    def _literal(self, node: sql.Literal) -> Node:
        return Literal(str(node.this), "text") if node.is_string else Literal(float(node.this), "number")

    def _boolean(self, node: sql.Boolean) -> Node:
        return Literal(bool(node.this), "boolean")

    def _null(self, _: sql.Null) -> Node:
        return Literal(None, "null")

    def _is(self, node: sql.Is) -> Node:
        value, what = self.read(node.this), self.read(node.expression)
        if not isinstance(what, Literal) or what.type not in ("null", "boolean"):
            raise ExpressionError(f"{node.sql('duckdb')!r}: IS goes with NULL, TRUE or FALSE")
        return call("is null", value) if what.type == "null" else call("is not distinct from", value, what)

    def _between(self, node: sql.Between) -> Node:
        value = self.read(node.this)
        low, high = self.read(node.args["low"]), self.read(node.args["high"])
        return call("and", call(">=", value, low), call("<=", value, high))

    def _in(self, node: sql.In) -> Node:
        options = [self.read(option) for option in node.expressions]
        if not options or node.args.get("query"):
            raise ExpressionError(f"{node.sql('duckdb')!r}: IN needs a list of values")
        if not all(isinstance(option, Literal) for option in options):
            raise ExpressionError(f"{node.sql('duckdb')!r}: the list of IN must hold constants")
        return call("in", self.read(node.this), *options)

    def _like(self, node: sql.Like) -> Node:
        like = self.read(node.expression)
        if not isinstance(like, Literal) or like.type != "text":
            raise ExpressionError(f"{node.sql('duckdb')!r}: LIKE needs a constant text")
        value = self.read(node.this)
        if value.type != "text":
            raise ExpressionError(f"{node.sql('duckdb')!r}: LIKE needs text, not a {value.type}")
        return Call("matches", (value, Literal(escape_like(like.value), "text")), "boolean")

    def _trim(self, node: sql.Trim) -> Node:
        if node.args.get("position") or node.expression:
            raise ExpressionError(f"{node.sql('duckdb')!r}: only trim(text) is part of the rule language")
        return call("trim", self.read(node.this))

    def _cast(self, node: sql.Cast) -> Node:
        to = node.to.sql("duckdb").lower()
        value = self.read(node.this)
        if (
            not isinstance(value, Literal)
            or value.type != "text"
            or to not in ("date", "time", "timestamp", "timestamptz")
        ):
            raise ExpressionError(
                f"{node.sql('duckdb')!r}: a field has the type that the contract gives it; CAST is not needed"
            )
        return _constant(value, "timestamp" if to == "timestamptz" else to)  # type: ignore[arg-type]

    def _case(self, node: sql.Case) -> Node:
        if node.this is not None:
            raise ExpressionError("write CASE WHEN condition THEN value … ELSE value END")
        parts: list[Node] = []
        for branch in node.args["ifs"]:
            parts += [self.read(branch.this), self.read(branch.args["true"])]
        default = node.args.get("default")
        return _case([*parts, self.read(default) if default is not None else Literal(None, "null")])

    def _if(self, node: sql.If) -> Node:
        default = node.args.get("false")
        otherwise = self.read(default) if default is not None else Literal(None, "null")
        return _case([self.read(node.this), self.read(node.args["true"]), otherwise])

    def _anonymous(self, node: sql.Anonymous) -> Node:
        name = str(node.this).lower()
        name = _SPELLINGS.get(name, name)
        if name not in FUNCTIONS:
            close = difflib.get_close_matches(name, FUNCTIONS, 1, 0.6)
            nearest = f"did you mean {close[0]}?" if close else _known_functions()
            raise ExpressionError(f"unknown function {node.this}(); {nearest}")
        return call(name, *map(self.read, node.expressions))


def _known_functions() -> str:
    return f"the functions are {', '.join(FUNCTIONS)}"


def call(name: str, *arguments: Node) -> Node:
    """An operation on arguments whose types are checked and whose constants take the type of what they stand
    beside.

    Raises ExpressionError.
    """
    if name == "-" and {a.type for a in arguments} in ({"date"}, {"timestamp"}):
        name = "days" if arguments[0].type == "date" else "seconds"
    if name == "inside_boundary":
        return _inside_boundary(arguments)
    operation = OPERATIONS[name]
    expected = operation.arguments
    if operation.repeats:
        expected = expected + (expected[-1],) * (len(arguments) - len(expected))
    if len(arguments) != len(expected):
        raise ExpressionError(f"{name} takes {len(operation.arguments)} values, not {len(arguments)}")
    same = (
        _common(name, [a for a, e in zip(arguments, expected, strict=True) if e == "same"])
        if "same" in expected
        else "null"
    )
    final = tuple(_fit(name, a, same if e == "same" else e) for a, e in zip(arguments, expected, strict=True))
    return Call(name, final, same if operation.result == "same" else operation.result)  # type: ignore[arg-type]


def _case(parts: list[Node]) -> Node:
    values = [*parts[1:-1:2], parts[-1]]
    type_ = _common("CASE", values)
    final = [
        _fit("CASE", p, type_ if i % 2 or i == len(parts) - 1 else "boolean") for i, p in enumerate(parts)
    ]
    return Call("case", tuple(final), type_)


def _common(name: str, nodes: list[Node]) -> ValueType:
    types = {n.type for n in nodes if n.type != "null"}
    if len(types) > 1:
        fixed = {
            n.type for n in nodes if n.type != "null" and not (isinstance(n, Literal) and n.type == "text")
        }
        types = fixed or types
    if len(types) > 1:
        raise ExpressionError(f"{name} compares values of different types: {', '.join(sorted(types))}")
    found = types.pop() if types else "null"
    if found not in (*ORDERED, "null"):
        raise ExpressionError(f"{name} does not work on a {found}; use IS NULL or inside_boundary")
    return found


def _fit(name: str, node: Node, expected: str) -> Node:
    if expected in ("any", node.type, "null"):
        return node
    if expected == "pattern":
        if not isinstance(node, Literal) or node.type != "text":
            raise ExpressionError(f"{name} needs a constant pattern")
        try:
            return Literal(portable(node.value), "text")
        except PatternError as error:
            raise ExpressionError(str(error)) from error
    if expected == "moment" and node.type in ("date", "timestamp"):
        return node
    if isinstance(node, Literal) and node.type in ("text", "null"):
        return _constant(node, expected)  # type: ignore[arg-type]
    need = "date or timestamp" if expected == "moment" else expected
    raise ExpressionError(f"{name} needs a {need}, not a {node.type}")


def _constant(node: Literal, type_: ValueType) -> Literal:
    if node.type == "null":
        return Literal(None, type_)
    if type_ in ("date", "time", "timestamp"):
        value = lexical.text_reader(lexical.Kind(type_))(node.value)
        if value is lexical.INVALID:
            raise ExpressionError(f"{node.value!r} is not a {type_}; write it as in {_EXAMPLE[type_]}")
        return Literal(value, type_)
    raise ExpressionError(f"{node.value!r} is text where a {type_} is needed")


_EXAMPLE = {
    "date": date(2025, 2, 28).isoformat(),
    "time": "07:30:00",
    "timestamp": "2025-02-28T07:30:00+08:00",
}


def _inside_boundary(arguments: tuple[Node, ...]) -> Node:
    types = tuple(a.type for a in arguments)
    if types not in (("geometry",), ("number", "number")) or not all(
        isinstance(a, Column) for a in arguments
    ):
        raise ExpressionError(
            "inside_boundary takes a field with physicalType: geometry, or two: longitude and latitude, "
            "in this order"
        )
    return Call("inside_boundary", arguments, "boolean")
