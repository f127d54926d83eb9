"""The lexical forms of NGSI-LD: names, URIs, times, scopes, languages (clause 4.6, 4.8, 4.18)."""

from __future__ import annotations

import re
from datetime import datetime

from mahakam.ngsild.context import Context
from mahakam.ngsild.problem import bad_request

NAME_RULE = "a name of letters, digits, _ or -, beginning with a letter or _, or an IRI or prefix:name"
URI_RULE = "a URI, e.g. urn:ngsi-ld:Type:1"
TIME_RULE = "a UTC time, e.g. 2026-01-31T08:00:00Z"
SCOPE_RULE = "a path of names that begin with a letter, e.g. /province/city"
MAX_NAME = 512
MAX_URI = 2048

_TERM = re.compile(r"[^\W\d][\w-]*")
_IRI_NAME = re.compile(r"[A-Za-z][\w+.-]*:[^\s\x00-\x1f\x7f<>\"'{}|\\^`()\[\]]+")
_UNSEEN = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff"
)
"""Characters that nobody sees, or that turn what follows: two ids that look the same must be the same."""
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20\x7f-\x9f<>\"{}|\\^`" + _UNSEEN + "]+")
_ASCII_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~]+")
"""The same of ASCII alone, which a set of few characters decides in half the time."""
_NONCHARACTER = re.compile(
    "["
    + "".join(chr(plane * 0x10000 + 0xFFFE) + chr(plane * 0x10000 + 0xFFFF) for plane in range(1, 17))
    + "]"
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z")
_SCOPE = re.compile(r"/?[^\W\d_][\w.~-]*(?:/[^\W\d_][\w.~-]*)*")
"""Clause 4.18: a level begins with a letter. Hyphen, dot and tilde are let through: places have them in their names."""
_LANGUAGE = re.compile(r"@none|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_REMEMBERED = 20_000


def is_uri(value: object) -> bool:
    """Whether a value is an absolute URI (or IRI) of sane length."""
    if not isinstance(value, str) or len(value) > MAX_URI:
        return False
    if value.isascii():
        return _ASCII_URI.fullmatch(value) is not None
    return _URI.fullmatch(value) is not None and _NONCHARACTER.search(value) is None


def is_time(value: object) -> bool:
    """Whether a value is an ISO 8601 UTC date-time that exists in the calendar (clause 4.6.3)."""
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True


def is_language(value: object) -> bool:
    """Whether a value is a BCP 47 language tag, or ``@none``."""
    return isinstance(value, str) and _LANGUAGE.fullmatch(value) is not None


def is_scope(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_URI and _SCOPE.fullmatch(value) is not None


def is_name(value: object) -> bool:
    """Whether a value may name a type or attribute (clause 4.6.2; the hyphen is let through as well)."""
    if not isinstance(value, str) or len(value) > MAX_NAME:
        return False
    return _TERM.fullmatch(value) is not None or _IRI_NAME.fullmatch(value) is not None


def canonical_name(name: str, context: Context) -> str | None:
    """The canonical name, None if it is no legal name. What was checked is remembered in the context."""
    known = context.names.get(name)
    if known is not None:
        return known
    if not is_name(name):
        return None
    expanded = context.expand(name)
    if not is_name(expanded):
        return None
    if len(context.names) > _REMEMBERED:
        context.names.clear()
    context.names[name] = expanded
    return expanded


def require_name(name: str, context: Context, what: str) -> str:
    """The canonical name.

    Raises Problem BadRequestData if it is no legal name.
    """
    known = canonical_name(name, context)
    if known is None:
        raise bad_request(f"{what} is not valid", f"{name[:80]!r} is not {NAME_RULE}")
    return known


def require_uri(value: str, what: str) -> str:
    """The value itself.

    Raises Problem BadRequestData if it is no URI.
    """
    if not is_uri(value):
        raise bad_request(f"{what} is not valid", f"{str(value)[:80]!r} is not {URI_RULE}")
    return value
