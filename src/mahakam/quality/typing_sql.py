"""The lexical grammar of :mod:`mahakam.quality.lexical` as SQL: text in, typed value or NULL out."""

from __future__ import annotations

from collections.abc import Mapping
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


_MARK = "\x1f"
"""Between the cells of a row whose shapes are looked at together."""
_PLAIN = "[+-]?[0-9]{1,15}(?:\\.[0-9]{0,15})?"
"""Most numbers, all of them in the grammar and finite."""


def has_shape(kind: Kind) -> bool:
    """Whether :func:`row_shape` can vouch for text of this kind."""
    return (kind.logical == "number" and kind.plain_number) or (
        kind.logical == "date" and lexical.is_iso(kind)
    )


def row_shape(kinds: Mapping[str, Kind]) -> str:
    """True in a row whose texts of numbers and dates are all either NULL or plainly of their grammar: one search
    instead of one a column. Empty if there are not several; a row where it is false may be right nevertheless.

    ``kinds``: expression of a present text (never the empty string) → its kind.
    """
    chosen = {text: kind for text, kind in kinds.items() if has_shape(kind)}
    if len(chosen) < 2:
        return ""
    joined = f", {text_literal(_MARK)}, ".join(chosen)
    shapes = "\\x1f".join(
        f"(?:{_PLAIN if k.logical == 'number' else lexical.DATE})?" for k in chosen.values()
    )
    return full_match(f"concat({joined})", shapes)


def typed(text: str, kind: Kind, functions: Functions, shape: str = "") -> str:
    """The typed value of present text (NULL stays NULL); NULL too for text that is no value of the kind.

    ``shape``: a column that is true where the text is known to have the shape that :func:`row_shape` looks for.
    """
    match kind.logical:
        case "string":
            return text
        case "integer" | "number":
            return _number(text, kind, shape)
        case "boolean":
            is_true, is_boolean = full_match(text, lexical.TRUE), full_match(text, lexical.BOOLEAN)
            return f"CASE WHEN {is_true} THEN true WHEN {is_boolean} THEN false END"
        case "date" | "time" | "timestamp":
            return _iso(text, kind, shape) if lexical.is_iso(kind) else _formatted(text, kind)
        case _:
            return functions.checked_json(text, kind)


def _number(text: str, kind: Kind, shape: str) -> str:
    follows = full_match(text, lexical.number_pattern(kind))
    plain = text
    if kind.group:
        plain = f"replace({plain}, {text_literal(kind.group)}, '')"
    if kind.decimal != ".":
        plain = f"replace({plain}, {text_literal(kind.decimal)}, '.')"
    if kind.logical == "integer":
        return f"CASE WHEN {follows} THEN TRY_CAST({plain} AS BIGINT) END"
    number = f"TRY_CAST({plain} AS DOUBLE)"
    known = f"WHEN {shape} THEN {number} " if shape else ""
    return f"CASE {known}WHEN {follows} AND isfinite({number}) THEN {number} END"


def _iso(text: str, kind: Kind, shape: str) -> str:
    if kind.logical == "date":
        known = f"WHEN {shape} THEN TRY_CAST({text} AS DATE) " if shape else ""
        return f"CASE {known}WHEN {full_match(text, lexical.DATE)} THEN TRY_CAST({text} AS DATE) END"
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
    moment = f"try_strptime({text}, {text_literal(form.directives)})"
    if kind.logical == "timestamp":
        recent = f"{follows} AND {moment} >= TIMESTAMP '1600-01-01'"
        return f"CASE WHEN {recent} THEN {_to_utc(moment, kind)} END"
    return f"CASE WHEN {follows} THEN CAST({moment} AS {TYPES[kind.logical]}) END"
