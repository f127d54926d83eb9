"""Durations as ISO 8601 writes them, in seconds."""

from __future__ import annotations

import re

_DURATION = re.compile(
    r"P(?=.)(?:(?P<Y>\d+)Y)?(?:(?P<M>\d+)M)?(?:(?P<W>\d+)W)?(?:(?P<D>\d+)D)?"
    r"(?:T(?=.)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_SECONDS = {"Y": 31_536_000, "M": 2_592_000, "W": 604_800, "D": 86_400, "h": 3_600, "m": 60, "s": 1}
DURATION_RULE = "an ISO 8601 duration, e.g. PT10M"


def seconds_of(text: str) -> float | None:
    """The length in seconds (a year as 365 days, a month as 30); None for a text that is no duration."""
    match = _DURATION.fullmatch(text) if len(text) <= 64 else None
    if match is None:
        return None
    return sum(float(value) * _SECONDS[unit] for unit, value in match.groupdict().items() if value)
