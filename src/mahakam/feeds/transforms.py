"""The named transforms of a mapping as DuckDB expressions: each gives canonical text, or leaves what it cannot read."""

from __future__ import annotations

from functools import lru_cache

from mahakam.config import LANGUAGES
from mahakam.feeds.definition import Number
from mahakam.feeds.sources.model import literal

_BLANKS = " \t\r\n\u00a0\u2007\u202f\ufeff\u200b"
_DATE_OUT = "%Y-%m-%d"
_TIME_OUT = "%H:%M:%S"
_WORD = r"\p{L}+"
_DAY = r"\p{L}[\p{L}'’`]*"  # Jum'at


def trimmed(text: str) -> str:
    """Without blanks around it (the no-break and zero-width ones that spreadsheets leave too)."""
    return f"trim({text}, {literal(_BLANKS)})"


def present(text: str, missing: tuple[str, ...]) -> str:
    """NULL for the blank text and for the feed's missing markers."""
    marks = ", ".join(literal(mark.strip()) for mark in dict.fromkeys(("", *missing)))
    return f"CASE WHEN {text} IN ({marks}) THEN NULL ELSE {text} END"


def replaced(text: str, pairs: tuple[tuple[str, str | None], ...]) -> str:
    """Whole values replaced by others (or by nothing)."""
    if not pairs:
        return text
    arms = " ".join(f"WHEN {literal(old.strip())} THEN {_or_null(new)}" for old, new in pairs)
    return f"CASE {text} {arms} ELSE {text} END"


def _or_null(text: str | None) -> str:
    return "NULL" if text is None else literal(text)


def rewritten(text: str, pattern: str, to: str | None) -> str:
    """``pattern`` (RE2) rewritten; without ``to`` its first group, or the whole match, is what is kept."""
    if to is not None:
        return f"regexp_replace({text}, {literal(pattern)}, {literal(to)})"
    import re

    group = 1 if re.compile(pattern).groups else 0
    return (
        f"CASE WHEN regexp_matches({text}, {literal(pattern)}) "
        f"THEN regexp_extract({text}, {literal(pattern)}, {group}) ELSE {text} END"
    )


def cased(text: str, style: str) -> str:
    """upper, lower, or title (every word with a capital)."""
    if style == "title":
        return (
            f"array_to_string(list_transform(string_split(lower({text}), ' '), "
            "lambda w: upper(w[1]) || w[2:]), ' ')"
        )
    return f"{'upper' if style == 'upper' else 'lower'}({text})"


def number(text: str, form: Number) -> str:
    """``1.234,5`` as ``1234.5``. With the comma as decimal mark ``1.234`` is 1234: three digits make a group."""
    decimal, group = _regex_mark(form.decimal), _regex_mark(form.group)
    bare = f"regexp_replace({text}, '[\\s\\x{{00A0}}\\x{{202F}}]', '', 'g')"
    grouped = rf"\d{{1,3}}(?:{group}\d{{3}})+|" if form.group.strip() else ""
    shape = rf"[+-]?(?:{grouped}\d+)(?:{decimal}\d*)?(?:[eE][+-]?\d+)?|[+-]?{decimal}\d+"
    plain = f"replace({bare}, {literal(form.group)}, '')" if form.group.strip() else bare
    if form.decimal != ".":
        plain = f"replace({plain}, {literal(form.decimal)}, '.')"
    # "1.23" is no number where the comma is the decimal mark; left bare it would pass as 1.23
    doubt = f"{text} || {literal(f' [decimal is {form.decimal}]')}"
    foreign = literal(r"[+-]?\d+\.\d*")
    return (
        f"CASE WHEN regexp_full_match({bare}, {literal(shape)}) THEN {plain} "
        f"WHEN regexp_full_match({bare}, {foreign}) THEN {doubt} ELSE {text} END"
    )


def _regex_mark(mark: str) -> str:
    return "\\" + mark if mark and not mark.isspace() else mark


def date(text: str, formats: tuple[str, ...], logical: str | None) -> str:
    """Dates of the given strptime formats as ISO text; month names in any language of the node, also shortened."""
    attempts = [_one_date(text, format, logical) for format in formats]
    return f"coalesce({', '.join(attempts)}, {text})"


def _one_date(text: str, format: str, logical: str | None) -> str:
    zone = "%z" in format
    clock = any(mark in format for mark in ("%H", "%I", "%X", "%T"))
    day = any(mark in format for mark in ("%d", "%j", "%Y", "%y", "%x"))
    fraction = "%f" in format or "%g" in format
    source = f"regexp_replace({text}, '\\s+', ' ', 'g')"
    if "%A" in format or "%a" in format:
        source = f"regexp_replace({source}, {literal(f'^{_DAY}')} || '\\.?,?\\s*', '')"
        format = format.replace("%A", "").replace("%a", "").lstrip(" ,.")
    if "%B" in format or "%b" in format:
        source = _month_as_number(source)
        format = format.replace("%B", "%m").replace("%b", "%m")
    parsed = f"try_strptime({source}, {literal(format)})"
    if zone:
        parsed = f"timezone('UTC', {parsed})"
    out = {"date": _DATE_OUT, "time": _TIME_OUT, "timestamp": f"{_DATE_OUT}T{_TIME_OUT}"}.get(
        logical or "",
        (_DATE_OUT if day else "") + ("T" if day and clock else "") + (_TIME_OUT if clock else ""),
    )
    if fraction and out.endswith(_TIME_OUT):
        out += ".%f"
    if zone and out.endswith(("S", "f")) and "T" in out:
        out += "Z"
    return f"strftime({parsed}, {literal(out)})"


def _month_as_number(text: str) -> str:
    table = ", ".join(f"{literal(name)}: {literal(number)}" for name, number in months().items())
    lookup = f"MAP {{{table}}}"
    word = f"lower(regexp_extract({text}, '{_WORD}'))"
    return f"regexp_replace({text}, '{_WORD}\\.?', coalesce({lookup}[{word}], regexp_extract({text}, '{_WORD}')))"


@lru_cache(1)
def months() -> dict[str, str]:
    """Month names, lower case, of every language of the node (CLDR's, wide and abbreviated) → ``"01"`` to ``"12"``."""
    from babel import Locale

    out: dict[str, str] = {}
    for language in LANGUAGES:
        for context in Locale(language).months.values():
            for width in ("wide", "abbreviated"):
                for number, name in context[width].items():
                    out.setdefault(name.strip(".").lower(), f"{number:02d}")
    return out


def point(longitude: str, latitude: str, crs: str) -> str:
    """Two columns as a GeoJSON point; text that is no pair of numbers stays beside each other as it was."""
    x, y = f"try_cast({longitude} AS DOUBLE)", f"try_cast({latitude} AS DOUBLE)"
    if is_wgs84(crs):
        made = f"'{{\"type\":\"Point\",\"coordinates\":[' || {x} || ',' || {y} || ']}}'"
    else:
        made = f"{point_function(crs)}({x}, {y})"
    return (
        f"CASE WHEN {longitude} IS NULL AND {latitude} IS NULL THEN NULL "
        f"WHEN isfinite({x}) AND isfinite({y}) THEN {made} "
        f"ELSE concat_ws(' ', {longitude}, {latitude}) END"
    )


def is_wgs84(crs: str) -> bool:
    return crs.upper().replace(" ", "") in ("EPSG:4326", "OGC:CRS84", "CRS84", "WGS84")


def point_function(crs: str) -> str:
    return "mahakam_point_" + "".join(c if c.isalnum() else "_" for c in crs.lower())


def geometry_function(crs: str) -> str:
    return "mahakam_geometry_" + "".join(c if c.isalnum() else "_" for c in crs.lower())
