"""The reader's language: which one it is, its words, and how it writes numbers and dates.

Pages call the functions of this module (``_``, ``n_``, ``number``, ``date`` …) without passing a reader
around: the middleware sets the reader of the request, in a context variable that a worker thread inherits.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from mahakam.config import LANGUAGES, as_text
from mahakam.web.foreign import Foreign
from mahakam.web.languages import SOURCE, catalogue, known_as, languages

COOKIE = "mahakam-language"
DEFAULT = LANGUAGES[0]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the page: language (ISO 639) and the time zone in which times are shown."""

    language: str = DEFAULT
    timezone: str = "UTC"

    @property
    def locale(self) -> str:
        """The CLDR locale whose dates and numbers are shown."""
        known = languages().get(self.language)
        return known.formats if known else self.language


_reader: ContextVar[Reader] = ContextVar("reader", default=Reader())  # noqa: B039 - frozen


def reader() -> Reader:
    """The reader of the request under way (outside of one: the default)."""
    return _reader.get()


def set_reader(value: Reader) -> None:
    _reader.set(value)


@contextmanager
def reading(language: str, timezone: str = "UTC") -> Iterator[Reader]:
    """Speak a language for a while: for reports and tests outside of a request."""
    token = _reader.set(Reader(language, timezone))
    try:
        yield _reader.get()
    finally:
        _reader.reset(token)


def in_timezone(timezone: str) -> None:
    """From here on in this request, times are shown in the zone of the place that the page is about."""
    _reader.set(Reader(reader().language, timezone))


def negotiate(asked: str | None, remembered: str | None, accepted: str | None) -> str:
    """``?lang=``, else the cookie, else the best of Accept-Language, else the node's default language."""
    for wish in (asked, remembered):
        if wish in languages():
            return str(wish)
    best, weight = DEFAULT, 0.0
    for part in (accepted or "").split(",")[:20]:
        name, _semicolon, parameter = part.partition(";")
        language = known_as(name)
        match = re.search(r"q\s*=\s*([01](?:\.\d{0,3})?)", parameter)
        q = float(match.group(1)) if match else 1.0
        if language and q > weight:
            best, weight = language, q
    return best


def _(message: str, **values: Any) -> str:
    """The message in the reader's language; ``%(name)s`` filled from ``values``."""
    text = catalogue(reader().language).gettext(message)
    return _said(text % values if values else text, text is message)


def n_(one: str, many: str, n: float, **values: Any) -> str:
    """The message for a count; ``%(n)s`` is the count in the reader's format."""
    count = int(n) if float(n).is_integer() else 2
    text = catalogue(reader().language).ngettext(one, many, count)
    return _said(text % {"n": number(n), **values}, text is one or text is many)


def _said(text: str, as_written: bool) -> str:
    """A catalogue hands a message that it has no words for back as it is: then it is in English."""
    return Foreign(text, SOURCE) if as_written and reader().language not in LANGUAGES else text


def N_(message: str) -> str:
    """Mark a constant for translation; the page says ``_(constant)``."""
    return message


def words(text: object) -> str:
    """The reader's language of a text from configuration or data (``{en:, id:}`` or one string)."""
    if text is None:
        return ""
    options = as_text(text)
    language = reader().language
    said = next((one for one in (language, SOURCE, *options) if options.get(one)), "")
    if said in ("", language) or (len(options) > 1 and len(set(options.values())) == 1):
        return options.get(said, "")
    return Foreign(options[said], said)


def number(value: Any, decimals: int | None = None) -> str:
    """1.234,5 or 1,234.5. ``decimals`` fixes the digits after the mark; None shows what is there, three
    at most."""
    if value is None or value == "" or (isinstance(value, float) and value != value):
        return "–"
    from babel.numbers import format_decimal

    pattern = "#,##0.###" if decimals is None else "#,##0" + ("." + "0" * decimals if decimals else "")
    return str(format_decimal(value, format=pattern, locale=reader().locale))


def percent(share: float | None, decimals: int = 0) -> str:
    """A share of 1 as per cent: 0.84 → 84%."""
    if share is None:
        return "–"
    from babel.numbers import format_percent

    pattern = "#,##0" + ("." + "0" * decimals if decimals else "") + "%"
    return str(format_percent(share, format=pattern, locale=reader().locale))


def moment(value: Any) -> dt.datetime | dt.date | None:
    """A date or time of the data, as Python has it; None for what is neither. Naive times count as UTC."""
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if isinstance(value, dt.date):
        return value
    if not isinstance(value, str):
        return None
    try:
        return dt.date.fromisoformat(value) if len(value) == 10 else moment(dt.datetime.fromisoformat(value))
    except ValueError:
        return None


def date(value: Any, style: str = "long") -> str:
    """24 November 2026 (``long``), 24 Nov 2026 (``medium``), 24/11/2026 (``short``) as the reader's language has it, or
    by a pattern of CLDR; in the place's time zone."""
    when = moment(value)
    if when is None:
        return str(value or "–")
    from babel.dates import format_date, format_skeleton

    if isinstance(when, dt.datetime):
        when = when.astimezone(ZoneInfo(reader().timezone)).date()
    if style in _SKELETONS:
        return str(format_skeleton(_SKELETONS[style], when, locale=reader().locale))
    return str(format_date(when, format=style, locale=reader().locale))


_SKELETONS = {"short": "yMd", "month": "yMMMM"}


def time(value: Any) -> str:
    """24 Nov 2026, 16:05 in the place's time zone; a date alone stays a date."""
    when = moment(value)
    if not isinstance(when, dt.datetime):
        return date(value, "medium")
    local = when.astimezone(ZoneInfo(reader().timezone))
    return f"{date(local, 'medium')}, {local:%H:%M}"


def weekday_names() -> list[str]:
    """Monday to Sunday in the reader's language."""
    from babel.dates import get_day_names

    names = get_day_names("wide", locale=reader().locale)
    return [str(names[day]) for day in range(7)]


def period(value: Any) -> str:
    """A period as a person says it: 2025, November 2025, 24 November 2025 (from ``2025``, ``2025-11``, a
    date)."""
    text = str(value or "")
    if re.fullmatch(r"\d{4}-\d{2}", text):
        return date(text + "-01", "month")
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", text):
        return date(text[:10])
    return text


_UNITS: Mapping[str, tuple[str, str]] = {
    # UN/CEFACT common code or UCUM-like symbol → (symbol, words to translate)
    "km2": ("km²", ""),
    "KMK": ("km²", ""),
    "m2": ("m²", ""),
    "MTK": ("m²", ""),
    "MMT": ("mm", ""),
    "mm": ("mm", ""),
    "MTR": ("m", ""),
    "KMT": ("km", ""),
    "km": ("km", ""),
    "CEL": ("°C", ""),
    "GQ": ("µg/m³", ""),
    "P1": ("%", ""),
    "%": ("%", ""),
    "MIN": ("", N_("minutes")),
    "min": ("", N_("minutes")),
    "HUR": ("", N_("hours")),
    "DAY": ("", N_("days")),
    "d": ("", N_("days")),
    "d/a": ("", N_("days a year")),
    "ANN": ("", N_("years")),
    "people": ("", N_("people")),
    "people/km2": ("", N_("people per km²")),
    "corridors": ("", N_("corridors")),
    "crimes": ("", N_("crimes")),
    "earthquakes": ("", N_("earthquakes")),
    "stations": ("", N_("stations")),
    "riders/d": ("", N_("riders a day")),
    "ug/m3": ("µg/m³", ""),
    "1/1000": ("", N_("per 1,000 people")),
    "1/100000": ("", N_("per 100,000 people")),
    "C62": ("", ""),
    "1": ("", ""),
    "": ("", ""),
}


def unit(code: str | None) -> str:
    """How a unit code is written for people: ``KMK`` → km², ``d/a`` → days a year; an unknown one as it
    stands."""
    symbol, name = _UNITS.get(code or "", (code or "", ""))
    return _(name) if name else symbol


def measured(value: Any, code: str | None = None, decimals: int | None = None) -> str:
    """A value with its unit: 716.8 km²."""
    symbol = unit(code)
    text = number(value, decimals)
    if symbol == "%":
        return text + "%"
    return f"{text} {symbol}".strip()
