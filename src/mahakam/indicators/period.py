"""The stretch of time that a value is about: a year, a month, or all there is."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from mahakam.indicators.definition import Expected, Per

ALL = "all"
MOST_GAPS = 600
"""Missing periods between the first and the last are listed up to this many: one absurd date is no 8,000
gaps.
"""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """``month`` 0: the whole year; ``year`` 0: all there is. ``label``: ``2024``, ``2024-03`` or ``all``."""

    year: int
    month: int = 0

    @classmethod
    def parse(cls, label: str) -> Period:
        """Raises ValueError for text that is no label of a period."""
        if label == ALL:
            return cls(0)
        match = re.fullmatch(r"(\d{4})(?:-(0[1-9]|1[0-2]))?", label)
        if not match or match[1] == "0000":
            raise ValueError(f"{label!r} is no period; write 2024, 2024-03 or all")
        return cls(int(match[1]), int(match[2] or 0))

    @property
    def label(self) -> str:
        return (
            ALL if not self.year else f"{self.year:04}-{self.month:02}" if self.month else f"{self.year:04}"
        )

    @property
    def first(self) -> date | None:
        """The first day; None for all there is."""
        return date(self.year, self.month or 1, 1) if self.year else None

    @property
    def last(self) -> date | None:
        """The last day; None for all there is."""
        if not self.year:
            return None
        month = self.month or 12
        return date(self.year, month, monthrange(self.year, month)[1])

    @property
    def days(self) -> int:
        """The days it has, 29 February included; 0 for all there is."""
        return (self.last - self.first).days + 1 if self.first and self.last else 0

    def next(self) -> Period:
        if self.month:
            return Period(self.year + self.month // 12, self.month % 12 + 1)
        return Period(self.year + 1)

    def instants(self, timezone: str) -> tuple[datetime, datetime]:
        """Start and end (exclusive) in UTC of the period as the place's clock counts it.

        Raises ValueError for all there is, which has neither.
        """
        if not self.first:
            raise ValueError("all there is has no start and no end")
        start, end = self.first, self.next().first
        assert end
        zone = ZoneInfo(timezone)
        return (
            datetime.combine(start, time(), zone).astimezone(UTC),
            datetime.combine(end, time(), zone).astimezone(UTC),
        )

    def expects(self, expected: Expected) -> int | None:
        """The number of inputs, days or months that a full period of this length has; None if nobody said.

        365 stands for every day of a year and 30 or 31 for every day of a month, whatever that year or
        month has.
        """
        if expected is None:
            return None
        if expected == "days":
            return self.days
        if expected == "months":
            return 12
        if self.year and not self.month and expected in (365, 366):
            return self.days
        if self.month and expected in (30, 31):
            return self.days
        return expected


def span(periods: Iterable[Period]) -> Iterator[Period]:
    """The periods in order, with those between the first and the last that are missing."""
    ordered = sorted(set(periods))
    if not ordered or not ordered[0].year:
        yield from ordered
        return
    width = (ordered[-1].year - ordered[0].year) * (12 if ordered[0].month else 1)
    if width - len(ordered) > MOST_GAPS:
        yield from ordered
        return
    at = ordered[0]
    while at <= ordered[-1]:
        yield at
        at = at.next()


_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")


def local_date(value: Any, zone: ZoneInfo) -> tuple[int, int, int] | None:
    """(year, month, day) on the place's clock of a date, a time or a year as it stands in an entity.

    Month and day are 0 where the value does not say them; None for what is no date.
    """
    if isinstance(value, dict):
        value = value.get("@value")
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, datetime):
        local = value.astimezone(zone) if value.tzinfo else value
        return local.year, local.month, local.day
    if isinstance(value, date):
        return value.year, value.month, value.day
    if isinstance(value, int | float):
        year = int(value)
        return (year, 0, 0) if year == value and 1 <= year <= 9999 else None
    return _read_text(str(value).strip(), zone)


def _read_text(text: str, zone: ZoneInfo) -> tuple[int, int, int] | None:
    try:
        if len(text) == 4 and text.isdigit():
            return (int(text), 0, 0) if int(text) else None
        if _MONTH.fullmatch(text):
            return int(text[:4]), date(int(text[:4]), int(text[5:]), 1).month, 0
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text)
        else:
            moment = datetime.fromisoformat(text)
            day = (moment.astimezone(zone) if moment.tzinfo else moment).date()
    except ValueError:
        return None
    return day.year, day.month, day.day


def label_of(day: tuple[int, int, int], per: Per) -> str | None:
    """The label of the period that a day lies in; None where a month is asked of a bare year."""
    if per == "none":
        return ALL
    year, month, _ = day
    if per == "year":
        return f"{year:04}"
    return f"{year:04}-{month:02}" if month else None
