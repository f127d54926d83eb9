"""The lexical grammar of :mod:`mahakam.quality.lexical` as column expressions: text in, typed value or NULL
out."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.datatypes as dt

from mahakam.quality import lexical
from mahakam.quality.functions import Functions
from mahakam.quality.lexical import Kind

Column = Any
"""An Ibis column or scalar expression."""

_LAST_MOMENT = "9999-12-31T23:59:59.999999"


def full_match(text: Column, pattern: str) -> Column:
    """Whether the whole text follows the pattern."""
    return text.re_search(f"\\A(?:{pattern})\\z")


def typed(text: Column, kind: Kind, functions: Functions) -> Column:
    """The typed value of present text (NULL stays NULL); NULL too for text that is no value of the kind."""
    match kind.logical:
        case "string":
            return text
        case "integer" | "number":
            return _number(text, kind, functions)
        case "boolean":
            return ibis.cases(
                (full_match(text, lexical.TRUE), ibis.literal(True)),
                (full_match(text, lexical.BOOLEAN), ibis.literal(False)),
                else_=ibis.null("boolean"),
            )
        case "date" | "time" | "timestamp":
            return _iso(text, kind, functions) if lexical.is_iso(kind) else _formatted(text, kind, functions)
        case _:
            return functions.checked_json(text, kind)


def _number(text: Column, kind: Kind, functions: Functions) -> Column:
    follows = full_match(text, lexical.number_pattern(kind))
    plain = text
    if kind.group:
        plain = plain.replace(kind.group, "")
    if kind.decimal != ".":
        plain = plain.replace(kind.decimal, ".")
    if kind.logical == "integer":
        return follows.ifelse(plain.try_cast("int64"), ibis.null("int64"))
    number = plain.try_cast("float64")
    return (follows & functions.isfinite(number)).ifelse(number, ibis.null("float64"))


def _iso(text: Column, kind: Kind, functions: Functions) -> Column:
    if kind.logical == "date":
        return full_match(text, lexical.DATE).ifelse(text.try_cast("date"), ibis.null("date"))
    if kind.logical == "time":
        return full_match(text, lexical.TIME).ifelse(text.try_cast("time"), ibis.null("time"))
    instant = functions.timezone(ibis.literal("UTC"), text.try_cast(dt.Timestamp("UTC")))
    return ibis.cases(
        (full_match(text, lexical.LOCAL), _to_utc(text.try_cast("timestamp"), kind, functions)),
        (full_match(text, lexical.LOCAL + lexical.OFFSET) & (instant <= _last_moment()), instant),
        else_=ibis.null("timestamp"),
    )


def _last_moment() -> Column:
    return ibis.timestamp(_LAST_MOMENT)


def _to_utc(local: Column, kind: Kind, functions: Functions) -> Column:
    if kind.zone in ("", "UTC", "Etc/UTC"):
        return local
    moment = functions.timezone(ibis.literal("UTC"), functions.localized(ibis.literal(kind.zone), local))
    return (moment <= _last_moment()).ifelse(moment, ibis.null("timestamp"))


def _formatted(text: Column, kind: Kind, functions: Functions) -> Column:
    form = lexical.compile_format(kind.format)
    follows = full_match(text, form.pattern)
    moment = functions.try_strptime(text, ibis.literal(form.directives))
    if kind.logical == "timestamp":
        follows = follows & (moment >= ibis.timestamp("1600-01-01"))
        return follows.ifelse(_to_utc(moment, kind, functions), ibis.null("timestamp"))
    return follows.ifelse(moment.cast(kind.logical), ibis.null(kind.logical))
