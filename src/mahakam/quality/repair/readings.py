"""Other ways to read a text: each gives the kind of its defect and the text as the contract would have it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from mahakam.quality.lexical import Kind

Reading = tuple[str, str]
"""(kind of defect, text that it becomes)."""

_BLANKS = re.compile(r"[\s\u00a0\u2007\u202f\u200b\ufeff]+")
_AFFIXED = re.compile(r"(?:[^\W\d_]{1,5}\.?|[$€£¥])?\s*(?P<number>[+-]?\d[\d.,\s\u00a0]*?)\s*[^\d.,+\s][^\d]{0,20}|"
                      r"(?:[^\W\d_]{1,5}\.?|[$€£¥])\s*(?P<after>[+-]?\d[\d.,]*)")  # fmt: skip
_LETTERS = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1", "|": "1", "S": "5", "B": "8"})
_YES = frozenset(("ya", "y", "yes", "iya", "benar", "betul", "ada", "t"))
_NO = frozenset(("tidak", "t", "no", "n", "tdk", "bukan", "salah", "f")) - {"t"}
_SERIAL_FROM, _SERIAL_TO = 20_000, 80_000
"""Days since 1899-12-30: 1954 to 2119."""


def readings(text: str, kind: Kind) -> Iterator[Reading]:
    """All other readings of a text for a field of this kind, the likeliest first; whether one may stand is for the
    contract's rules to say."""
    match kind.logical:
        case "integer" | "number":
            yield from _numbers(text, kind)
        case "date" | "timestamp":
            yield from _moments(text, kind)
        case "boolean":
            word = text.strip().casefold()
            if word in _YES or word in _NO:
                yield "words", "true" if word in _YES else "false"
        case "string":
            yield from _texts(text)


def _numbers(text: str, kind: Kind) -> Iterator[Reading]:
    bare = _BLANKS.sub("", text)
    if bare != text:
        yield "blanks", bare
    yield from _marks(bare, kind, "")
    if set(re.sub(r"[\d.,+-]", "", bare)) in ({"O"}, {"o"}):  # the one letter that is no unit
        yield "letters", bare.translate(_LETTERS)
    if (found := _AFFIXED.fullmatch(text.strip())) is not None:
        number = _BLANKS.sub("", found["number"] or found["after"])
        yield "unit", number
        yield from _marks(number, kind, "unit")
    if bare.translate(_LETTERS) != bare:
        yield "letters", bare.translate(_LETTERS)


def _marks(text: str, kind: Kind, named: str) -> Iterator[Reading]:
    """The marks of decimals and of thousands read the other way round, and written as the field has them."""
    for name, decimal, group in (("decimalComma", ",", "."), ("thousands", ".", ",")):
        shape = rf"[+-]?(?:\d{{1,3}}(?:{re.escape(group)}\d{{3}})+|\d+)(?:{re.escape(decimal)}\d+)?"
        if re.fullmatch(shape, text) and (decimal in text or group in text):
            plain = text.replace(group, "").replace(decimal, kind.decimal)
            yield named or name, plain


def _moments(text: str, kind: Kind) -> Iterator[Reading]:
    plain = _BLANKS.sub(" ", text).strip()
    if plain != text:
        yield "blanks", plain
    write = _writer(kind)
    if re.fullmatch(r"\d{5}(?:\.\d+)?", plain) and _SERIAL_FROM <= float(plain) <= _SERIAL_TO:
        yield "serialDate", write(date(1899, 12, 30) + timedelta(days=int(float(plain))), "")
    found = re.fullmatch(r"(\d{1,4})[-/. ](\d{1,2}|[^\W\d_]+\.?)[-/., ]+(\d{1,4})(?:[T ,]+([\d:.]+))?", plain)
    if not found:
        return
    first, second, third, clock = found.groups()
    if not second.isdigit():
        month = _months().get(second.rstrip(".").casefold())
        if month:
            yield from _day("dateFormat", third, month, int(first), clock, write)
    elif len(first) == 4:
        yield from _day("dateFormat", first, int(second), int(third), clock, write)
    elif len(third) in (2, 4):
        yield from _day("dayFirst", third, int(second), int(first), clock, write)
        yield from _day("monthFirst", third, int(first), int(second), clock, write)


def _day(
    name: str, year: str, month: int, day: int, clock: str | None, write: Callable[[date, str], str]
) -> Iterator[Reading]:
    full = int(year) if len(year) == 4 else 2000 + int(year) if int(year) < 69 else 1900 + int(year)
    try:
        yield name, write(date(full, month, day), clock or "")
    except ValueError:
        return


def _writer(kind: Kind) -> Callable[[date, str], str]:
    """Writes a date as the field has it."""
    form = kind.format or ("yyyy-MM-dd" if kind.logical == "date" else "yyyy-MM-ddTHH:mm:ss")

    def write(day: date, clock: str) -> str:
        hour, minute, second = ([*clock.split(":"), "", ""])[:3] if clock else ("0", "0", "0")
        parts = {
            "yyyy": f"{day.year:04d}", "yy": f"{day.year % 100:02d}",
            "MM": f"{day.month:02d}", "M": str(day.month), "dd": f"{day.day:02d}",
            "d": str(day.day), "HH": hour.zfill(2), "H": hour, "mm": minute.zfill(2) or "00",
            "ss": (second or "0").zfill(2),
            "MMM": _month_name(day, "abbreviated"), "MMMM": _month_name(day, "wide"),
        }  # fmt: skip
        return re.sub(r"yyyy|yy|MMMM|MMM|MM|dd|HH|mm|ss|M|d|H", lambda found: parts[found[0]], form)

    return write


def _month_name(day: date, width: Literal["abbreviated", "wide"]) -> str:
    from babel.dates import get_month_names

    return str(get_month_names(width, locale="id")[day.month])


@lru_cache
def _months() -> dict[str, int]:
    from babel.dates import get_month_names

    return {
        name.rstrip(".").casefold(): number
        for locale in ("en", "id")
        for width in ("wide", "abbreviated")
        for number, name in get_month_names(width, locale=locale).items()
    }


def _texts(text: str) -> Iterator[Reading]:
    bare = _BLANKS.sub(" ", text).strip()
    if bare != text:
        yield "blanks", bare
    if (mended := mended_mojibake(text)) != text:
        yield "mojibake", mended
    for cased in (bare.upper(), bare.lower(), bare.title()):
        if cased not in (text, bare):
            yield "case", cased
    if re.fullmatch(r"\d+\.0+", bare):
        yield "decimals", bare.partition(".")[0]
    digits = bare.partition(".")[0] if re.fullmatch(r"\d+(\.0+)?", bare) else ""
    for length in range(len(digits) + 1, len(digits) + 4) if digits else ():
        yield "zeros", digits.zfill(length)
    without = bare.replace(" ", "")
    if without != bare:
        yield "blanks", without
    if any(c.isdigit() for c in bare) and (lettered := bare.translate(_LETTERS)) != bare:
        yield "letters", lettered


def mended_mojibake(text: str) -> str:
    """UTF-8 that was read as Windows-1252 or Latin-1, read again as what it is; other text as it was."""
    for _ in range(2):
        for encoding in ("cp1252", "latin-1"):
            try:
                again = text.encode(encoding).decode("utf-8")
            except UnicodeError:
                continue
            if len(again) < len(text):
                text = again
                break
        else:
            break
    return text
