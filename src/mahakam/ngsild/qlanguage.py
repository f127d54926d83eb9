"""The query language ``q`` (clause 4.9): from text to a condition; a fault names its position."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NoReturn, get_args

import orjson

from mahakam.ngsild.context import Context
from mahakam.ngsild.lexical import canonical_name
from mahakam.ngsild.pattern import check_pattern
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.ngsild.selection import And, Compare, Comparison, Condition, Exists, Linked, Not, Or, Path

MAX_QUERY = 20_000
MAX_TERMS = 200
MAX_NESTING = 32

_IRI = re.compile(r"[A-Za-z][\w+.-]*://[^\s=<>!~;|()\[\]{}\"]+")
_NAME = re.compile(r"[^\W\d][\w-]*(?::[^\W\d][\w-]*)?")
_LINK = re.compile(rf"(?:{_IRI.pattern}|{_NAME.pattern})\{{")
_TYPED = re.compile(r"([^\W\d][\w-]*):(?!//)")
_MEMBER = re.compile(r"\*|[^\s=<>!~;|()\[\]{}\".]+")
_OPERATOR = re.compile(r"==|!~=|!=|>=|<=|~=|>|<")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_TIMES = re.compile(
    r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)?|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z?"
)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[^;|()\",\s]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\"<>]+")
_ORDERED: frozenset[str] = frozenset((">", ">=", "<", "<="))
_OPERATORS: frozenset[str] = frozenset(get_args(Comparison))


def parse_q(text: str, context: Context, *, expand_values: Collection[str] = (), links: int = 0) -> Condition:
    """The condition that ``q`` (percent-decoded) says; names become canonical.

    Values are str, int, float or bool; dates and times stay text (see ``selection.Compare``).
    ``expand_values``: canonical names of attributes whose values are words of a vocabulary (clause 4.9).
    ``links``: over how many links it may reach, ``managedBy{name}``: over none without a join.

    Raises Problem BadRequestData for a fault, TooComplexQuery for a query beyond the limits.
    """
    if len(text) > MAX_QUERY:
        raise Problem("TooComplexQuery", "The query is too long", f"q may have {MAX_QUERY} characters")
    return _Query(text, context, frozenset(expand_values), links).parse()


def attributes_in(condition: Condition) -> frozenset[str]:
    """The attributes, and members of the entity itself, that a condition speaks of."""
    match condition:
        case And(parts) | Or(parts):
            return frozenset().union(*map(attributes_in, parts))
        case Not(part):
            return attributes_in(part)
        case Linked(attribute):
            return frozenset((attribute,))
        case Exists(path) | Compare(path):
            return frozenset((path.attribute,))


def parse_path(text: str, context: Context) -> Path:
    """One attribute path, ``a.b[c.d]``. Raises Problem BadRequestData."""
    query = _Query(text, context, frozenset(), 0)
    path = query.path()
    if query.at < len(text):
        query.fail("the end")
    return path


class _Query:
    """A recursive-descent reading of one query."""

    def __init__(self, text: str, context: Context, expand_values: frozenset[str], links: int) -> None:
        self.text = text
        self.links = links
        self.at = 0
        self.context = context
        self.expand_values = expand_values
        self.terms = 0

    def parse(self) -> Condition:
        condition = self.either(0)
        if self.at < len(self.text):
            self.fail("; or | or the end")
        return condition

    def fail(self, expected: str, at: int | None = None) -> NoReturn:
        at = self.at if at is None else at
        found = repr(self.text[at : at + 20]) if at < len(self.text) else "the end"
        raise bad_request(
            "The query is not valid", f"q, position {at + 1}: expected {expected}, found {found}"
        )

    def peek(self) -> str:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1
        return self.text[self.at] if self.at < len(self.text) else ""

    def either(self, depth: int) -> Condition:
        parts = [self.both(depth)]
        while self.peek() == "|":
            self.at += 1
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, depth: int) -> Condition:
        parts = [self.term(depth)]
        while self.peek() == ";":
            self.at += 1
            parts.append(self.term(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def term(self, depth: int) -> Condition:
        self.terms += 1
        if self.terms > MAX_TERMS or depth > MAX_NESTING:
            raise Problem(
                "TooComplexQuery",
                "The query is too complex",
                f"q may have {MAX_TERMS} terms, in parentheses {MAX_NESTING} deep",
            )
        first = self.peek()
        if first == "(":
            self.at += 1
            condition = self.either(depth + 1)
            if self.peek() != ")":
                self.fail(")")
            self.at += 1
            return condition
        if first == "!":
            self.at += 1
            return Not(self.term(depth + 1))
        links = self.link_chain()
        path = self.path()
        for _ in links:
            if self.at >= len(self.text) or self.text[self.at] != "}":
                self.fail("}")
            self.at += 1
        condition = self.compared(path)
        for attribute, kind in reversed(links):
            condition = Linked(attribute, kind, condition)
        return condition

    def link_chain(self) -> list[tuple[str, str]]:
        """``attribute{`` or ``attribute{Type:``, as often as it comes: attributes and types."""
        links: list[tuple[str, str]] = []
        while True:
            start = self.at
            match = _LINK.match(self.text, self.at)
            if match is None:
                return links
            attribute = self.name()
            if len(links) == self.links:
                self.fail("no link beyond those of join and joinLevel", start)
            self.at = match.end()
            typed = _TYPED.match(self.text, self.at)
            kind = ""
            if typed is not None:
                kind = self.context.expand(typed[1])
                self.at = typed.end()
            links.append((attribute, kind))

    def compared(self, path: Path) -> Condition:
        self.peek()
        match = _OPERATOR.match(self.text, self.at)
        if match is None:
            if self.at < len(self.text) and self.text[self.at] not in ";|)":
                self.fail("an operator (== != > >= < <= ~= !~=), ; or |")
            return Exists(path)
        self.at = match.end()
        self.peek()
        return self.comparison(path, match.group())

    def path(self) -> Path:
        names = [self.name()]
        while self.at < len(self.text) and self.text[self.at] == ".":
            self.at += 1
            names.append(self.name())
        trail: tuple[str, ...] = ()
        if self.at < len(self.text) and self.text[self.at] == "[":
            self.at += 1
            trail = self.trail()
        return Path(names[0], tuple(names[1:]), trail)

    def name(self) -> str:
        match = _IRI.match(self.text, self.at) or _NAME.match(self.text, self.at)
        if match is None:
            self.fail("an attribute name")
        name = canonical_name(match.group(), self.context)
        if name is None:
            self.fail("an attribute name")
        self.at = match.end()
        return name

    def trail(self) -> tuple[str, ...]:
        keys: list[str] = []
        while True:
            match = _MEMBER.match(self.text, self.at)
            if match is None:
                self.fail("a member of the value, e.g. address[city]")
            keys.append(match.group())
            self.at = match.end()
            if self.at < len(self.text) and self.text[self.at] == ".":
                self.at += 1
                continue
            if self.at < len(self.text) and self.text[self.at] == "]":
                self.at += 1
                return tuple(keys)
            self.fail(". or ]")

    def comparison(self, path: Path, operator: str) -> Condition:
        symbol: Any = operator
        if operator in ("~=", "!~="):
            return Compare(path, symbol, (self.pattern(),))
        start = self.at
        vocabulary = path.attribute in self.expand_values and not path.sub
        low = self.value(vocabulary)
        if self.text.startswith("..", self.at):
            self.at += 2
            high = self.value(vocabulary)
            if operator in _ORDERED:
                self.fail(f"one value after {operator} (a range goes with == or !=)", start)
            if (
                isinstance(low, bool)
                or isinstance(high, bool)
                or isinstance(low, str) != isinstance(high, str)
            ):
                self.fail("a range between two numbers, two texts or two times", start)
            return Compare(path, symbol, (low, high), range=True)
        values = [low]
        while self.peek() == ",":
            self.at += 1
            self.peek()
            values.append(self.value(vocabulary))
            if len(values) > MAX_TERMS:
                raise Problem(
                    "TooComplexQuery", "The query is too complex", f"a list may have {MAX_TERMS} values"
                )
        if operator in _ORDERED and (len(values) > 1 or isinstance(low, bool)):
            self.fail(f"one number, text or time after {operator}", start)
        return Compare(path, symbol, tuple(values))

    def value(self, vocabulary: bool) -> Any:
        if self.at < len(self.text) and self.text[self.at] == '"':
            text = self.quoted()
            return self.context.expand(text) if vocabulary and text else text
        for pattern in (_TIMES, _NUMBER):
            match = pattern.match(self.text, self.at)
            if match is not None and self.ends(match.end()):
                self.at = match.end()
                if pattern is _TIMES:
                    return match.group()
                return self.number(match.group())
        match = _WORD.match(self.text, self.at)
        if match is not None:
            word = match.group()
            if word in ("true", "false"):
                self.at = match.end()
                return word == "true"
            if _URI.fullmatch(word):
                self.at = match.end()
                return word
            if vocabulary:
                self.at = match.end()
                return self.context.expand(word)
        return self.fail('a number, a time, true, false, a URI, or a text in double quotes ("text")')

    def number(self, text: str) -> int | float:
        try:
            number: int | float = orjson.loads(text)
        except ValueError:
            self.fail("a finite number", self.at - len(text))
        return number

    def ends(self, at: int) -> bool:
        return at >= len(self.text) or self.text[at] in ";|), \t" or self.text.startswith("..", at)

    def quoted(self) -> str:
        match = _STRING.match(self.text, self.at)
        if match is None:
            self.fail('a closed text: "…", with \\" for a quote inside')
        try:
            value = orjson.loads(match.group())
        except ValueError:
            self.fail("a text as JSON writes it (\\u with four digits, \\n, \\\\)")
        self.at = match.end()
        return str(value)

    def pattern(self) -> str:
        start = self.at
        text = self.quoted() if self.text.startswith('"', self.at) else self.bare_pattern()
        if not text:
            self.fail("a regular expression", start)
        check_pattern(text, f"q, position {start + 1}")
        return text

    def bare_pattern(self) -> str:
        """An unquoted pattern ends at ; or |, or at the ) that closes what was opened before it."""
        start, open_ = self.at, 0
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter == "\\":
                self.at += 1
            elif letter == "(":
                open_ += 1
            elif letter == ")":
                if not open_:
                    break
                open_ -= 1
            elif letter in ";|" and not open_:
                break
            self.at += 1
        self.at = min(self.at, len(self.text))
        return self.text[start : self.at]
