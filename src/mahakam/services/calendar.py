"""Working time: the days and hours on which a city's agencies work, and how much of it lies between two moments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Span = tuple[dt.datetime, dt.datetime]
"""A time from and to, both aware."""
_FARTHEST = dt.timedelta(days=3660)


@dataclass(frozen=True)
class Calendar:
    """``days`` are numbers of :data:`WEEKDAYS`; ``closed`` says whether a date is a holiday or a closure."""

    timezone: ZoneInfo
    days: frozenset[int]
    opens: dt.time
    closes: dt.time
    closed: Callable[[dt.date], bool]

    @property
    def day(self) -> dt.timedelta:
        """The working time of one working day."""
        return dt.datetime.combine(dt.date.min, self.closes) - dt.datetime.combine(dt.date.min, self.opens)

    def works(self, date: dt.date) -> bool:
        return date.weekday() in self.days and not self.closed(date)

    def open_at(self, moment: dt.datetime) -> bool:
        """Whether people work at a moment."""
        here = moment.astimezone(self.timezone)
        return self.works(here.date()) and self.opens <= here.time() < self.closes

    def worked(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """The working time between two moments."""
        total = dt.timedelta()
        for opens, closes in self._spans(start):
            if opens >= end:
                break
            total += min(closes, end) - opens
        return total

    def due(self, start: dt.datetime, working_days: float, pauses: Iterable[Span] = ()) -> dt.datetime:
        """When the time allowed, counted from ``start``, is used up; time within ``pauses`` does not count.

        Raises OverflowError if it is not used up within ten years: a calendar without working days.
        """
        left = self.day * working_days
        spans, stops = self._spans(start), sorted(pauses)
        for opens, closes in _without(spans, stops) if stops else spans:
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        raise OverflowError("the calendar has too few working days")

    @cached_property
    def due_of(self) -> Callable[[dt.datetime, float], dt.datetime]:
        """:meth:`due` without pauses, remembered: of a crowd many report within the same second."""
        return lru_cache(1024)(self.due)

    def before(self, end: dt.datetime, working_days: float) -> dt.datetime:
        """The moment from which so much working time is left until ``end``.

        Raises OverflowError if there is not so much within the ten years before.
        """
        left = self.day * working_days
        date = end.astimezone(self.timezone).date()
        first = date - _FARTHEST
        while left and date > first:
            if self.works(date):
                opens = dt.datetime.combine(date, self.opens, self.timezone)
                closes = min(dt.datetime.combine(date, self.closes, self.timezone), end)
                if closes - opens >= left:
                    return closes - left
                left -= max(closes - opens, dt.timedelta())
            date -= dt.timedelta(days=1)
        if left:
            raise OverflowError("the calendar has too few working days")
        return end

    def _spans(self, start: dt.datetime) -> Iterator[Span]:
        """Working times from a moment on, day by day."""
        date = first = start.astimezone(self.timezone).date()
        end = date + _FARTHEST
        while date < end:
            if self.works(date):
                opens = dt.datetime.combine(date, self.opens, self.timezone)
                closes = dt.datetime.combine(date, self.closes, self.timezone)
                if date > first:
                    yield opens, closes
                elif closes > start:
                    yield max(opens, start), closes
            date += dt.timedelta(days=1)


def _without(spans: Iterable[Span], pauses: list[Span]) -> Iterator[Span]:
    for start, end in spans:
        for pause, ended in pauses:
            if ended <= start or pause >= end:
                continue
            if pause > start:
                yield start, pause
            start = max(start, ended)
        if start < end:
            yield start, end
