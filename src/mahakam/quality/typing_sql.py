"""The lexical grammar of :mod:`mahakam.quality.lexical` as SQL: text in, typed value or NULL out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from mahakam.quality import lexical
from mahakam.quality.functions import Functions
from mahakam.quality.lexical import Kind

TYPES: Final = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "object": "VARCHAR",
    "array": "VARCHAR",
}
"""Logical type → type of the typed column. Timestamps are UTC; objects and arrays stay JSON text."""

_LAST_MOMENT = "TIMESTAMP '9999-12-31 23:59:59.999999'"


def text_literal(text: str) -> str:
    """Text as an SQL literal; a NUL character cannot stand in a statement."""
    return "'" + text.replace("'", "''").replace("\x00", "' || chr(0) || '") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A typed constant; a datetime is naive UTC."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"({value})" if -(2**63) <= value < 2**63 else f"CAST('{value}' AS HUGEINT)"
    if isinstance(value, float):
        return f"CAST('{value!r}' AS DOUBLE)"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, time):
        return f"TIME '{value.isoformat()}'"
    return f"({text_literal(str(value))})" if "\x00" in str(value) else text_literal(str(value))


def full_match(text: str, pattern: str) -> str:
    """Whether the whole text follows the pattern."""
    return f"regexp_full_match({text}, {text_literal(pattern)})"


LOOSE: Final = " \t\n\v\f\r_+"
"""Characters by which DuckDB's casts read numbers that are none in the grammar (``1_000``, ``+-1``, blanks around)."""


def has_cast(kind: Kind) -> bool:
    """Whether DuckDB's own cast reads all text of this kind, and some text more, which :func:`typed` refuses."""
    return (kind.logical == "number" and kind.plain_number) or (
        kind.logical == "date" and lexical.is_iso(kind)
    )


def cast(text: str, kind: Kind) -> str:
    """DuckDB's cast of text: NULL for what it cannot read."""
    return f"TRY_CAST({text} AS {TYPES[kind.logical]})"


def loose(texts: Sequence[str], lacks: Collection[str]) -> str:
    """True in a row where one of several texts holds a character of ``LOOSE``, of which no text holds ``lacks``."""
    held = [char for char in LOOSE if char not in lacks]
    if not held or not texts:
        return "false"
    joined = texts[0] if len(texts) == 1 else f"concat({', '.join(texts)})"
    if len(held) == 1:
        return f"contains({joined}, {text_literal(held[0])})"
    return f"regexp_matches({joined}, {text_literal('[' + ''.join(held) + ']')})"


def typed(text: str, kind: Kind, functions: Functions, read: str = "", suspect: str = "true") -> str:
    """The typed value of present text (NULL stays NULL); NULL too for text that is no value of the kind.

    For a kind that :func:`has_cast`, ``read`` names what :func:`cast` gave, ``suspect`` what :func:`loose` said: so
    most text is never searched for a pattern.
    """
    if has_cast(kind):
        read = read or cast(text, kind)
        return _strict_number(text, read, suspect) if kind.logical == "number" else _strict_date(text, read)
    match kind.logical:
        case "string":
            return text
        case "integer" | "number":
            return _number(text, kind)
        case "boolean":
            is_true, is_boolean = full_match(text, lexical.TRUE), full_match(text, lexical.BOOLEAN)
            return f"CASE WHEN {is_true} THEN true WHEN {is_boolean} THEN false END"
        case "date" | "time" | "timestamp":
            return _iso(text, kind) if lexical.is_iso(kind) else _formatted(text, kind)
        case _:
            return functions.checked_json(text, kind)


def _strict_number(text: str, read: str, suspect: str) -> str:
    beyond = f"{suspect} AND {read} IS NOT NULL AND NOT {full_match(text, lexical.NUMBER)}"
    return f"CASE WHEN NOT isfinite({read}) OR ({beyond}) THEN NULL ELSE {read} END"


def _strict_date(text: str, read: str) -> str:
    """A date that is written back as it stood, in ten characters, is of the grammar."""
    beyond = f"{read} IS NOT NULL AND (strlen({text}) <> 10 OR CAST({read} AS VARCHAR) <> {text})"
    return f"CASE WHEN {beyond} THEN NULL ELSE {read} END"


def _number(text: str, kind: Kind) -> str:
    follows = full_match(text, lexical.number_pattern(kind))
    plain = text
    if kind.group:
        plain = f"replace({plain}, {text_literal(kind.group)}, '')"
    if kind.decimal != ".":
        plain = f"replace({plain}, {text_literal(kind.decimal)}, '.')"
    if kind.logical == "integer":
        return f"CASE WHEN {follows} THEN TRY_CAST({plain} AS BIGINT) END"
    number = f"TRY_CAST({plain} AS DOUBLE)"
    return f"CASE WHEN {follows} AND isfinite({number}) THEN {number} END"


def _iso(text: str, kind: Kind) -> str:
    if kind.logical == "time":
        return f"CASE WHEN {full_match(text, lexical.TIME)} THEN TRY_CAST({text} AS TIME) END"
    instant = f"timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ))"
    with_offset = f"{full_match(text, lexical.LOCAL + lexical.OFFSET)} AND {instant} <= {_LAST_MOMENT}"
    local = _to_utc(f"TRY_CAST({text} AS TIMESTAMP)", kind)
    return f"CASE WHEN {full_match(text, lexical.LOCAL)} THEN {local} WHEN {with_offset} THEN {instant} END"


def _to_utc(local: str, kind: Kind) -> str:
    if kind.zone in ("", "UTC", "Etc/UTC"):
        return local
    moment = f"timezone('UTC', timezone({text_literal(kind.zone)}, {local}))"
    return f"CASE WHEN {moment} <= {_LAST_MOMENT} THEN {moment} END"


def _formatted(text: str, kind: Kind) -> str:
    form = lexical.compile_format(kind.format)
    follows = full_match(text, form.pattern)
    read = f"regexp_replace({text}, '[A-Za-z]+', {_month_number(text)})" if form.named else text
    moment = f"try_strptime({read}, {text_literal(form.directives)})"
    if kind.logical == "timestamp":
        recent = f"{follows} AND {moment} >= TIMESTAMP '1600-01-01'"
        return f"CASE WHEN {recent} THEN {_to_utc(moment, kind)} END"
    return f"CASE WHEN {follows} THEN CAST({moment} AS {TYPES[kind.logical]}) END"


def _month_number(text: str) -> str:
    """The number of the month that a text names; 00, which is no month, for another word."""
    names = " ".join(f"WHEN '{name}' THEN '{number:02d}'" for name, number in lexical.MONTHS.items())
    return f"CASE lower(regexp_extract({text}, '[A-Za-z]+')) {names} ELSE '00' END"
