"""From the SQL text of a custom rule to an expression: a parser of the rule language and nothing more.

A general SQL parser takes a quarter of a second to import, and knows much that a rule must not say.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from mahakam.quality import lexical
from mahakam.quality.expression import FUNCTIONS, OPERATIONS, ORDERED, Call, Column, Literal, Node, ValueType
from mahakam.quality.pattern import PatternError, escape_like, portable

LONGEST_EXPRESSION = 10_000
_VALUE_TYPE: dict[str, ValueType] = {
    "string": "text", "integer": "number", "number": "number", "boolean": "boolean", "date": "date",
    "time": "time",
    "timestamp": "timestamp", "object": "json", "array": "json",
}  # fmt: skip
_SPELLINGS = {
    "regexp_matches": "matches",
    "suffix": "ends_with",
    "prefix": "starts_with",
    "ifnull": "coalesce",
    "ceiling": "ceil",
}


class ExpressionError(ValueError):
    """An expression that cannot be used: says what in it, and what would be right."""


def value_type(kind: lexical.Kind) -> ValueType:
    """How an expression sees a field of a logical type."""
    return "geometry" if kind.geometry else _VALUE_TYPE[kind.logical]


def parse(text: str, kinds: Mapping[str, lexical.Kind]) -> Node:
    """The expression of a custom rule over the fields of a contract; its type is boolean.

    Raises ExpressionError for text that cannot be read, an unknown field or function (with the nearest
    known), types that do not go together, or SQL beyond the language.
    """
    if len(text) > LONGEST_EXPRESSION:
        raise ExpressionError(f"the expression is longer than {LONGEST_EXPRESSION} characters")
    try:
        node = _Parser(text, kinds).whole()
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply") from None
    if node.type not in ("boolean", "null"):
        raise ExpressionError(f"{text!r} gives a {node.type}; a rule must be true or false")
    return node


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """A keyword in lower case; empty for anything that is not a bare word."""
        return self.text.lower() if self.kind == "word" else ""


_TOKENS = re.compile(
    r"""(?P<blank>\s+|--[^\n]*)|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"""
    r"""|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")+")|(?P<word>[^\W0-9]\w*)"""
    r"""|(?P<sign>==|<=|>=|<>|!=|\|\||[-+*/%()=<>,.;])"""
)
_COMPARISONS = {"=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_SUMS = {"+": "+", "-": "-", "||": "concat"}
_PRODUCTS = {"*": "*", "/": "/", "%": "%"}
_RESERVED = frozenset(
    [
        "and",
        "or",
        "not",
        "is",
        "in",
        "between",
        "like",
        "case",
        "when",
        "then",
        "else",
        "end",
        "null",
        "true",
        "false",
        "from",
        "select",
        "distinct",
        "where",
        "with",
        "cast",
    ]
)
_NAMED_TYPES = ("date", "time", "timestamp", "timestamptz")


class _Parser:
    """SQL's own order of operators: or, and, not, comparison, sum, product, sign."""

    def __init__(self, text: str, kinds: Mapping[str, lexical.Kind]) -> None:
        self.text = text
        self.kinds = kinds
        self.tokens = list(self._read())
        self.at = 0

    def _read(self) -> Iterator[_Token]:
        at = 0
        while at < len(self.text):
            found = _TOKENS.match(self.text, at)
            if found is None:
                raise ExpressionError(
                    f"{self.text!r} is not an expression: {self.text[at]!r} at character {at + 1}"
                )
            if found.lastgroup != "blank":
                yield _Token(str(found.lastgroup), found[0], at)
            at = found.end()
        yield _Token("end", "", at)

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def whole(self) -> Node:
        """The whole text as one expression."""
        node = self._or()
        if self.next.text == ";":
            raise ExpressionError(f"{self.text!r} must be one expression")
        if self.next.kind != "end":
            raise self._refuse()
        return node

    def _refuse(self) -> ExpressionError:
        token = self.next
        if token.kind == "end":
            return ExpressionError(f"{self.text!r} is not an expression: something is missing at its end")
        if token.word in ("select", "with", "cast"):
            what = f"{self.text!r}: {token.text.upper()} is not part of the rule language"
            return ExpressionError(f"{what}; {_known_functions()}")
        return ExpressionError(
            f"{self.text!r} is not an expression near {token.text!r} (character {token.at + 1})"
        )

    def _take(self, *texts: str) -> bool:
        """Take these words or signs if they come next."""
        for offset, text in enumerate(texts):
            token = self.tokens[min(self.at + offset, len(self.tokens) - 1)]
            if token.kind not in ("word", "sign") or token.text.lower() != text:
                return False
        self.at += len(texts)
        return True

    def _must(self, text: str) -> None:
        if not self._take(text):
            raise self._refuse()

    def _or(self) -> Node:
        node = self._and()
        while self._take("or"):
            node = call("or", node, self._and())
        return node

    def _and(self) -> Node:
        node = self._not()
        while self._take("and"):
            node = call("and", node, self._not())
        return node

    def _not(self) -> Node:
        return call("not", self._not()) if self._take("not") else self._comparison()

    def _comparison(self) -> Node:
        node = self._sum()
        while True:
            sign = self.next.text if self.next.kind == "sign" else ""
            if sign in _COMPARISONS:
                self.at += 1
                node = call(_COMPARISONS[sign], node, self._sum())
            elif self._take("is"):
                node = self._is(node)
            elif self._take("not"):
                node = call("not", self._condition(node))
            elif self.next.word in ("between", "in", "like"):
                node = self._condition(node)
            else:
                return node

    def _is(self, node: Node) -> Node:
        negated = self._take("not")
        if self._take("distinct", "from"):
            return call("is not distinct from" if negated else "is distinct from", node, self._sum())
        if self._take("null"):
            tested = call("is null", node)
        elif self.next.word in ("true", "false"):
            tested = call("is not distinct from", node, Literal(self.next.word == "true", "boolean"))
            self.at += 1
        else:
            raise self._refuse()
        return call("not", tested) if negated else tested

    def _condition(self, node: Node) -> Node:
        if self._take("between"):
            low = self._sum()
            self._must("and")
            return call("and", call(">=", node, low), call("<=", node, self._sum()))
        if self._take("in"):
            self._must("(")
            options = self._list()
            if not options or not all(isinstance(option, Literal) for option in options):
                raise ExpressionError(f"{self.text!r}: the list of IN must hold constants")
            return call("in", node, *options)
        if self._take("like"):
            like = self._sum()
            if not isinstance(like, Literal) or like.type != "text" or node.type != "text":
                raise ExpressionError(f"{self.text!r}: LIKE goes with a text and a constant text")
            return Call("matches", (node, Literal(escape_like(like.value), "text")), "boolean")
        raise self._refuse()

    def _sum(self) -> Node:
        node = self._product()
        while self.next.kind == "sign" and self.next.text in _SUMS:
            self.at += 1
            node = call(_SUMS[self.tokens[self.at - 1].text], node, self._product())
        return node

    def _product(self) -> Node:
        node = self._signed()
        while self.next.kind == "sign" and self.next.text in _PRODUCTS:
            self.at += 1
            node = call(_PRODUCTS[self.tokens[self.at - 1].text], node, self._signed())
        return node

    def _signed(self) -> Node:
        if self._take("-"):
            node = self._signed()
            if isinstance(node, Literal) and node.type == "number":
                return Literal(-node.value, "number")
            return call("negative", node)
        return self._signed() if self._take("+") else self._value()

    def _value(self) -> Node:
        token = self.next
        if self._take("("):
            node = self._or()
            self._must(")")
            return node
        if token.kind in ("number", "text"):
            self.at += 1
            return _number(token.text) if token.kind == "number" else Literal(_unquoted(token.text), "text")
        if token.word in ("true", "false", "null"):
            self.at += 1
            return Literal(None, "null") if token.word == "null" else Literal(token.word == "true", "boolean")
        if self._take("case"):
            return self._case()
        if token.word in _NAMED_TYPES and self.tokens[self.at + 1].kind == "text":
            self.at += 2
            named = "timestamp" if token.word == "timestamptz" else token.word
            return _constant(Literal(_unquoted(self.tokens[self.at - 1].text), "text"), named)  # type: ignore[arg-type]
        if token.kind in ("word", "quoted") and token.word not in _RESERVED:
            self.at += 1
            return self._called(token) if token.kind == "word" and self._take("(") else self._column(token)
        raise self._refuse()

    def _list(self) -> list[Node]:
        nodes: list[Node] = []
        if self._take(")"):
            return nodes
        if self.next.word in ("select", "with"):
            raise self._refuse()
        while True:
            nodes.append(self._or())
            if self._take(")"):
                return nodes
            self._must(",")

    def _case(self) -> Node:
        if self.next.word != "when":
            raise ExpressionError("write CASE WHEN condition THEN value … ELSE value END")
        parts: list[Node] = []
        while self._take("when"):
            parts.append(self._or())
            self._must("then")
            parts.append(self._or())
        parts.append(self._or() if self._take("else") else Literal(None, "null"))
        self._must("end")
        return _case(parts)

    def _called(self, token: _Token) -> Node:
        name = _SPELLINGS.get(token.word, token.word)
        arguments = self._list()
        if name == "if" and len(arguments) == 3:
            return _case(arguments)
        if name not in FUNCTIONS:
            close = difflib.get_close_matches(name, FUNCTIONS, 1, 0.6)
            nearest = f"did you mean {close[0]}?" if close else _known_functions()
            raise ExpressionError(f"unknown function {token.text}(); {nearest}")
        return call(name, *arguments)

    def _column(self, token: _Token) -> Node:
        if self.next.text == ".":
            raise ExpressionError(f"{self.text!r}: name the field alone, without {token.text}.")
        name = token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.text
        if name not in self.kinds:
            close = difflib.get_close_matches(name, self.kinds, 1, 0.5)
            nearest = (
                f"; did you mean {close[0]!r}?" if close else f"; the fields are {', '.join(self.kinds)}"
            )
            raise ExpressionError(f"unknown field {name!r}{nearest}")
        return Column(name, value_type(self.kinds[name]))


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")


def _number(text: str) -> Literal:
    value = float(text)
    if not math.isfinite(value):
        raise ExpressionError(f"{text} is too large for a number")
    return Literal(value, "number")


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
