"""How text is read: the lexical grammar of each logical type, said once for every compilation of a contract.

Text comes from files and forms. A value is read when the whole text follows the grammar; otherwise the rule
``type`` fails and the text stays as it was. The regular expressions mean the same to Python's ``re`` and to
RE2.

======== ================================================================ ===================================
type     text                                                             value
======== ================================================================ ===================================
string   any                                                              str
integer  ``60``, ``-3``, ``60.0`` (a spreadsheet's whole number)          int of 64 bits
number   ``60``, ``3.25``, ``.5``, ``1.5e-05``; finite                    float
boolean  ``true``, ``false``, ``1``, ``0`` in any case                    bool
date     ``2025-02-28``                                                   date, years 1 to 9999
time     ``07:30``, ``07:30:15``, ``07:30:15.25``                         time
timestamp ``2025-02-28T07:30:15+08:00``, ``2025-02-28 07:30Z``; without   datetime in UTC (naive), years 1600
         an offset it is local time of the field's or the place's zone    to 9999
object   a JSON object (a GeoJSON geometry if physicalType is geometry)   dict
array    a JSON array                                                     list
======== ================================================================ ===================================

A ``decimal`` comma and a ``group`` mark, or a date ``format``, change the grammar of a field (see
:class:`Kind`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

Logical = Literal["string", "integer", "number", "boolean", "date", "time", "timestamp", "object", "array"]
LOGICAL: Final[tuple[Logical, ...]] = (
    "string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean",
)  # fmt: skip


class _Invalid:
    """The answer for text or JSON that is not a value of the type."""

    def __repr__(self) -> str:
        return "INVALID"


INVALID: Final = _Invalid()
Reader = Callable[[Any], Any]
"""Reads one present (not missing) value; answers the typed value or :data:`INVALID`."""

_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
_MONTH_DAY = "(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\\.[0-9]{1,9})?)?"

INTEGER: Final = "[+-]?[0-9]+(?:\\.0*)?"
NUMBER: Final = "[+-]?(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
BOOLEAN: Final = "[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|1|0"
TRUE: Final = "[tT][rR][uU][eE]|1"
DATE: Final = f"{_YEAR}-{_MONTH_DAY}"
TIME: Final = _CLOCK
LOCAL: Final = f"(?:1[6-9]|[2-9][0-9])[0-9]{{2}}-{_MONTH_DAY}[T ]{_CLOCK}"
OFFSET: Final = "(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
LOWEST: Final = -(2**63)
HIGHEST: Final = 2**63 - 1
LONGEST_JSON: Final = 20_000_000
"""Characters of a JSON value in a text field; longer text is not read."""

_DATE_PARTS = {
    "yyyy": "%Y",
    "yy": "%y",
    "MMMM": "%m",
    "MMM": "%m",
    "MM": "%m",
    "dd": "%d",
    "M": "%m",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "mm": "%M",
    "ss": "%S",
}
_PART_PATTERN = {
    "yyyy": _YEAR, "yy": "[0-9]{2}",
    "MMMM": "[A-Za-z]{3,9}", "MMM": "[A-Za-z]{3,9}",
    "MM": "(?:0[1-9]|1[0-2])", "dd": "(?:0[1-9]|[12][0-9]|3[01])", "M": "(?:0?[1-9]|1[0-2])",
    "d": "(?:0?[1-9]|[12][0-9]|3[01])", "HH": "(?:[01][0-9]|2[0-3])",
    "H": "(?:[01]?[0-9]|2[0-3])", "mm": "[0-5][0-9]", "ss": "[0-5][0-9]",
}  # fmt: skip
MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january januari jan", "february februari pebruari feb peb", "march maret mac mar", "april apr",
            "may mei", "june juni jun", "july juli julai jul", "august agustus ogos aug agu ags agt ogo",
            "september sept sep", "october oktober oct okt", "november nopember nov nop",
            "december desember disember dec des dis",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
"""Names of months, whole and short, in English, Indonesian and Malay."""
_ISO_FORMATS = {
    "date": {"", "yyyy-MM-dd"},
    "time": {"", "HH:mm:ss", "HH:mm"},
    "timestamp": {
        "",
        "yyyy-MM-dd'T'HH:mm:ss",
        "yyyy-MM-dd'T'HH:mm:ssXXX",
        "yyyy-MM-ddTHH:mm:ssZ",
        "yyyy-MM-dd HH:mm:ss",
    },
}


class FormatError(ValueError):
    """A date format that is not made of the supported letters."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What decides how one field is read: its logical type and its options.

    ``format``: date, time or timestamp format in the letters of JDK's DateTimeFormatter (yyyy yy MM dd M d
    HH H mm ss), empty for ISO 8601. ``decimal`` and ``group``: the marks inside a number. ``zone``: IANA zone of
    local timestamps.
    """

    logical: Logical = "string"
    geometry: bool = False
    format: str = ""
    decimal: str = "."
    group: str = ""
    zone: str = ""

    @property
    def plain_number(self) -> bool:
        return self.decimal == "." and not self.group

    def in_zone(self, zone: str) -> Kind:
        """The same kind with local time of another zone, unless the contract fixed one."""
        return replace(self, zone=zone) if self.zone == "" else self


@dataclass(frozen=True, slots=True)
class Format:
    """A date format: the pattern that text must match, and the strptime directives that read it."""

    pattern: str
    directives: str
    named: bool = False
    """The month stands as a name: it is to be replaced by its number before the directives read it."""


@lru_cache(maxsize=256)
def compile_format(text: str) -> Format:
    """A JDK DateTimeFormatter format as pattern and directives.

    ``MMM`` and ``MMMM`` read any name of :data:`MONTHS`. A year of two digits (``yy``) is one of 1969 to 2068, as POSIX
    has it: most dates that are written so are past.

    Raises FormatError for letters other than yyyy yy MMMM MMM MM dd M d HH H mm ss; other characters stand for
    themselves, quoted text too.
    """
    pattern, directives, at, named = "", "", 0, False
    while at < len(text):
        char = text[at]
        if char == "'":
            end = text.find("'", at + 1)
            if end < 0:
                raise FormatError(f"{text!r} has an open quote")
            literal, at = text[at + 1 : end] or "'", end + 1
        elif char.isascii() and char.isalpha() and char != "T":
            end = at
            while end < len(text) and text[end] == char:
                end += 1
            part, at = text[at:end], end
            if part not in _DATE_PARTS:
                raise FormatError(f"{part!r} in {text!r} is not one of {', '.join(_DATE_PARTS)}")
            named = named or part in ("MMM", "MMMM")
            if _DATE_PARTS[part] in directives:
                raise FormatError(f"{part!r} comes twice in {text!r}")
            pattern, directives = pattern + _PART_PATTERN[part], directives + _DATE_PARTS[part]
            continue
        else:
            literal, at = char, at + 1
        pattern, directives = pattern + escape(literal), directives + literal.replace("%", "%%")
    if named and any(char.isalpha() for char in re.sub(r"%[A-Za-z]", "", directives)):
        raise FormatError(f"{text!r} has letters beside the month's name")
    return Format(pattern, directives, named)


def escape(text: str) -> str:
    """Text as a regular expression that matches just it, in Python and in RE2."""
    return "".join(c if c.isalnum() or ord(c) > 127 else f"\\x{ord(c):02x}" for c in text)


def number_pattern(kind: Kind) -> str:
    """The grammar of a number with this field's decimal and group marks (``1.234,5``)."""
    if kind.plain_number:
        return NUMBER if kind.logical == "number" else INTEGER
    decimal, digits = escape(kind.decimal), "[0-9]+"
    if kind.group:
        digits = f"(?:[0-9]{{1,3}}(?:{escape(kind.group)}[0-9]{{3}})+|[0-9]+)"
    fraction = f"(?:{decimal}[0-9]+)?" if kind.logical == "number" else f"(?:{decimal}0+)?"
    return f"[+-]?{digits}{fraction}"


def is_iso(kind: Kind) -> bool:
    """Whether the field's dates are ISO 8601 (no format given, or one that says the same)."""
    return kind.format in _ISO_FORMATS.get(kind.logical, {kind.format})


@lru_cache(maxsize=1024)
def text_reader(kind: Kind) -> Reader:
    """Reads text from a file or a form."""
    match kind.logical:
        case "string":
            return _same
        case "integer" | "number":
            return _number_reader(kind)
        case "boolean":
            return _read_boolean
        case "date" | "time" | "timestamp":
            return _iso_reader(kind) if is_iso(kind) else _formatted_reader(kind)
        case _:
            return _json_text_reader(kind)


@lru_cache(maxsize=1024)
def json_reader(kind: Kind) -> Reader:
    """Reads a JSON value of a live write. Dates are ISO 8601 whatever the format of files is.

    A date may come as JSON-LD's typed value ``{"@type": "Date", "@value": "2025-02-28"}`` (clause 4.6.3).
    """
    match kind.logical:
        case "string":
            return lambda value: value if isinstance(value, str) else INVALID
        case "integer":
            return _json_integer
        case "number":
            return _json_number
        case "boolean":
            return lambda value: value if isinstance(value, bool) else INVALID
        case "date" | "time" | "timestamp":
            return _json_moment(_iso_reader(replace(kind, format="")))
        case "object":
            return (
                _json_geometry
                if kind.geometry
                else (lambda value: value if isinstance(value, dict) else INVALID)
            )
        case _:
            return lambda value: value if isinstance(value, list) else INVALID


def _same(value: Any) -> Any:
    return value


def _number_reader(kind: Kind) -> Reader:
    matches = re.compile(number_pattern(kind)).fullmatch
    whole = kind.logical == "integer"
    decimal, group = kind.decimal, kind.group

    def read(text: str) -> Any:
        if matches(text) is None:
            return INVALID
        if group:
            text = text.replace(group, "")
        if decimal != ".":
            text = text.replace(decimal, ".")
        if whole:
            digits = text.partition(".")[0]
            if len(digits.lstrip("+-0")) > 19:
                return INVALID
            value = int(digits)
            return value if LOWEST <= value <= HIGHEST else INVALID
        number = float(text)
        return number if math.isfinite(number) else INVALID

    return read


_is_true = re.compile(TRUE).fullmatch
_is_boolean = re.compile(BOOLEAN).fullmatch


def _read_boolean(text: str) -> Any:
    return _is_true(text) is not None if _is_boolean(text) else INVALID


def _iso_reader(kind: Kind) -> Reader:
    if kind.logical == "date":
        is_date = re.compile(DATE).fullmatch

        def read_date(text: str) -> Any:
            if is_date(text) is None:
                return INVALID
            try:
                return date.fromisoformat(text)
            except ValueError:
                return INVALID

        return read_date
    if kind.logical == "time":
        is_time = re.compile(TIME).fullmatch
        return lambda text: time.fromisoformat(_six_digits(text)) if is_time(text) else INVALID
    return _timestamp_reader(ZoneInfo(kind.zone or "UTC"))


_FRACTION = re.compile(r"\.([0-9]+)")


def _six_digits(text: str) -> str:
    return _FRACTION.sub(lambda found: "." + found[1][:6].ljust(6, "0"), text)


def _timestamp_reader(zone: tzinfo) -> Reader:
    split = re.compile(f"({LOCAL})({OFFSET})?").fullmatch

    def read(text: str) -> Any:
        parts = split(text)
        if parts is None:
            return INVALID
        try:
            local = datetime.fromisoformat(_six_digits(parts[1]))
            return _to_utc(local, parts[2], zone)
        except (ValueError, OverflowError):
            return INVALID

    return read


def _to_utc(local: datetime, offset: str | None, zone: tzinfo) -> datetime:
    if offset == "Z":
        return local
    if offset:
        minutes = int(offset[1:3]) * 60 + int(offset[4:6])
        return local - timedelta(minutes=-minutes if offset[0] == "-" else minutes)
    first, second = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1)
    # A wall time that occurs twice is the later one, as in ICU; one that never does has the offset before it.
    chosen = second if _offset(first) > _offset(second) else first
    return chosen.astimezone(UTC).replace(tzinfo=None)


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta(0)


def _formatted_reader(kind: Kind) -> Reader:
    form = compile_format(kind.format)
    matches, directives = re.compile(form.pattern).fullmatch, form.directives
    zone, logical, named = ZoneInfo(kind.zone or "UTC"), kind.logical, form.named

    def read(text: str) -> Any:
        if matches(text) is None:
            return INVALID
        if named:
            text = _WORD.sub(_month_number, text, count=1)
        try:
            moment = datetime.strptime(text, directives)
            if logical == "timestamp":
                return _to_utc(moment, None, zone) if moment.year >= 1600 else INVALID
        except (ValueError, OverflowError):
            return INVALID
        return moment.date() if logical == "date" else moment.time()

    return read


_WORD = re.compile("[A-Za-z]+")


def _month_number(word: re.Match[str]) -> str:
    """The number of a month's name; 0, which is no month, for another word."""
    return f"{MONTHS.get(word[0].lower(), 0):02d}"


def _json_text_reader(kind: Kind) -> Reader:
    read_value = json_reader(kind)

    def read(text: str) -> Any:
        if len(text) > LONGEST_JSON:
            return INVALID
        try:
            return read_value(json.loads(text, parse_constant=_refuse))
        except (ValueError, RecursionError):
            return INVALID

    return read


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _json_integer(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return INVALID
    if isinstance(value, float):
        if not value.is_integer():
            return INVALID
        value = int(value)
    return value if LOWEST <= value <= HIGHEST else INVALID


def _json_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return INVALID
    try:
        number = float(value)
    except OverflowError:
        return INVALID
    return number if math.isfinite(number) else INVALID


def _json_moment(read_text: Reader) -> Reader:
    def read(value: Any) -> Any:
        if isinstance(value, dict):
            value = value.get("@value")
        return read_text(value) if isinstance(value, str) else INVALID

    return read


_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


def _json_geometry(value: Any) -> Any:
    if not isinstance(value, dict) or not is_geometry(value):
        return INVALID
    from mahakam.quality.geometry import is_simple

    return value if is_simple(value) else INVALID


def is_geometry(value: dict[str, Any]) -> bool:
    """Whether a JSON object is a GeoJSON geometry (RFC 7946 § 3.1): type, positions and their number."""
    kind = value.get("type")
    if kind == "GeometryCollection":
        parts = value.get("geometries")
        return isinstance(parts, list) and all(isinstance(p, dict) and is_geometry(p) for p in parts)
    if not isinstance(kind, str) or kind not in _DEPTH:
        return False
    return _positions(value.get("coordinates"), _DEPTH[kind], kind)


def _positions(value: Any, depth: int, kind: str) -> bool:
    if not isinstance(value, list):
        return False
    if depth == 0:
        if not (2 <= len(value) <= 4 and all(_json_number(part) is not INVALID for part in value)):
            return False
        return bool(-180 <= value[0] <= 180 and -90 <= value[1] <= 90)
    if not all(_positions(part, depth - 1, kind) for part in value):
        return False
    if depth == 1 and kind in ("LineString", "MultiLineString"):
        return len(value) >= 2
    if depth == 1 and kind in ("Polygon", "MultiPolygon"):
        return len(value) >= 4 and value[0] == value[-1]
    return len(value) > 0
