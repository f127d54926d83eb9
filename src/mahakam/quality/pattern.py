"""Regular expressions of contracts (ECMA-262, as the contract standard says) in the part that every engine
reads alike.

A pattern is rewritten once into a text that Python's ``re`` and DuckDB's RE2 understand the same: classes are
spelled out (``\\d`` is ``[0-9]``), ``$`` is the end of the text. What RE2 has not (lookaround,
backreferences) is refused with its place. As in JSON Schema a pattern may match anywhere in the value: write
``^…$`` for the whole of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mahakam.quality import lexical

_CLASSES: Final = {
    "d": "0-9",
    "w": "0-9A-Za-z_",
    "s": " \\t\\n\\v\\f\\r",
}
_CONTROLS: Final = {"t": "\\t", "n": "\\n", "r": "\\r", "f": "\\f", "v": "\\v", "0": "\\x00"}
_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
LONGEST_REPEAT: Final = 1000
"""The most repetitions that RE2 compiles."""


class PatternError(ValueError):
    """A regular expression that cannot be used: says what and where in it."""


@dataclass(slots=True)
class _Source:
    text: str
    at: int = 0

    @property
    def more(self) -> bool:
        return self.at < len(self.text)

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def take(self, length: int = 1) -> str:
        taken = self.peek(length)
        self.at += length
        return taken

    def refuse(self, problem: str, at: int | None = None) -> PatternError:
        place = (self.at if at is None else at) + 1
        return PatternError(f"the pattern {self.text!r} {problem} (character {place})")


def portable(pattern: str) -> str:
    """The pattern as both engines read it.

    Raises PatternError for syntax that is wrong or that not both engines have.
    """
    source = _Source(pattern)
    written: list[str] = []
    while source.more:
        written.append(_item(source))
    result = "".join(written)
    try:
        for_python(result)
    except (re.error, OverflowError) as error:
        raise PatternError(f"the pattern {pattern!r} is not a regular expression: {error}") from error
    return result


def _item(source: _Source) -> str:
    char = source.take()
    if char == "\\":
        return _escape(source, in_class=False)
    if char == "[":
        return _class(source)
    if char == "(":
        return _group(source)
    if char == "{":
        return _repeat(source)
    if char in "*+?":
        if source.peek() == "+":
            raise source.refuse("has a possessive repetition, which not every engine reads")
        return char
    if char == ".":
        return "[^\\n\\r]"
    if char == "^":
        return "\\A"
    if char == "$":
        return "\\z"
    if char in "|)":
        return char
    return _literal(char)


def _literal(char: str) -> str:
    return char if char in _PLAIN or ord(char) > 127 else f"\\x{ord(char):02x}"


def _escape(source: _Source, in_class: bool) -> str:
    if not source.more:
        raise source.refuse("ends with a backslash")
    at = source.at - 1
    char = source.take()
    if char.lower() in _CLASSES and char.isalpha():
        if char.islower():
            return _CLASSES[char] if in_class else f"[{_CLASSES[char]}]"
        if in_class:
            raise source.refuse(f"has \\{char} inside [...]; write the class out", at)
        return f"[^{_CLASSES[char.lower()]}]"
    if char in _CONTROLS:
        return _CONTROLS[char]
    if char in "xu":
        digits = source.take(2 if char == "x" else 4)
        try:
            return _literal(chr(int(digits, 16)))
        except ValueError:
            raise source.refuse(f"has \\{char} without its hexadecimal digits", at) from None
    if char == "b" and not in_class:
        raise source.refuse("has \\b, which engines read differently; name the neighbouring characters", at)
    if char.isalnum():
        what = "a backreference" if char.isdigit() else f"\\{char}"
        raise source.refuse(f"has {what}, which not every engine reads", at)
    return _literal(char)


def _class(source: _Source) -> str:
    start = source.at - 1
    written = "["
    if source.peek() == "^":
        written += source.take()
    if source.peek() == "]":
        raise source.refuse("has an empty class []", start)
    while source.more:
        char = source.take()
        if char == "]":
            return written + "]"
        if char == "\\":
            written += _escape(source, in_class=True)
        elif char == "-" and not written.endswith(("[", "[^")) and source.peek() != "]":
            written += "-"
        else:
            written += _literal(char)
    raise source.refuse("has a class that is not closed with ]", start)


def _group(source: _Source) -> str:
    at = source.at - 1
    if source.peek() != "?":
        return "(?:"
    if source.peek(2) == "?:":
        source.take(2)
        return "(?:"
    named = re.match(r"\?P?<[A-Za-z_][A-Za-z0-9_]*>", source.text[source.at :])
    if named:
        source.take(named.end())
        return "(?:"
    raise source.refuse("has a group that not every engine reads (lookaround or a flag)", at)


def _repeat(source: _Source) -> str:
    found = re.match(r"([0-9]{1,9})(,([0-9]{0,9}))?\}", source.text[source.at :])
    if found is None:
        return "\\x7b"
    if max(int(found[1]), int(found[3] or 0)) > LONGEST_REPEAT:
        raise source.refuse(f"repeats more than {LONGEST_REPEAT} times", source.at - 1)
    source.take(found.end())
    if source.peek() == "+":
        raise source.refuse("has a possessive repetition, which not every engine reads")
    return "{" + found[0]


def for_python(portable_pattern: str) -> re.Pattern[str]:
    """The rewritten pattern compiled for Python (whose end of text is ``\\Z``)."""
    return re.compile(re.sub(r"(?<!\\)((?:\\\\)*)\\z", r"\1\\Z", portable_pattern))


_HEX = "[0-9A-Fa-f]"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_H16 = f"{_HEX}{{1,4}}"
_IPV6 = "|".join(
    [f"(?:{_H16}:){{7}}{_H16}", f"(?:{_H16}:){{1,7}}:", f"::(?:{_H16}:){{0,6}}{_H16}"]
    + [f"(?:{_H16}:){{1,{7 - n}}}(?::{_H16}){{1,{n}}}" for n in range(1, 7)]
    + [f"::(?:[fF]{{4}}:)?(?:{_BYTE}\\.){{3}}{_BYTE}"]
)
FORMATS: Final = {
    "email": f"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\\.{_LABEL})*",
    "uuid": f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}",
    "uri": "[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=%-]+",
    "hostname": f"{_LABEL}(?:\\.{_LABEL})*",
    "ipv4": f"{_BYTE}(?:\\.{_BYTE}){{3}}",
    "ipv6": _IPV6,
    "byte": "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    "date": lexical.DATE,
    "time": lexical.TIME,
    "date-time": f"{lexical.LOCAL}{lexical.OFFSET}?",
    "binary": "",
    "password": "",
}
"""Formats of the logical type string: the pattern that the whole value must match; empty: says something to
people only."""


def escape_like(like: str) -> str:
    """SQL's LIKE (``%`` any text, ``_`` one character) as a portable pattern of the whole value."""
    parts = {"%": "(?s:.*)", "_": "(?s:.)"}
    return "\\A" + "".join(parts.get(c) or _literal(c) for c in like) + "\\z"
