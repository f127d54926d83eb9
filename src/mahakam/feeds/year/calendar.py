"""The release calendar of a list of data: which release is due on which day, with whom it lies, and who is late."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mahakam.config import ConfigError, Place
from mahakam.feeds.definition import Feed
from mahakam.feeds.schedule import period_of
from mahakam.feeds.year.item import Frequency, Item, Plan, Release, State

Holder = Literal["producer", "walidata", "pembina", ""]
HOLDERS: Mapping[State, Holder] = {
    "due": "producer", "returned": "producer", "recalled": "producer", "submitted": "walidata", "referred": "walidata",
    "approved": "walidata", "supervision": "pembina", "published": "",
}  # fmt: skip
"""With whom a release lies in each state."""
_MONTHS: Mapping[Frequency, int] = {"monthly": 1, "quarterly": 3, "halfyearly": 6}
_OF_FEED: Mapping[str, Frequency] = {
    "HOURLY": "continuous", "DAILY": "continuous", "WEEKLY": "continuous", "MONTHLY": "monthly",
    "QUARTERLY": "quarterly", "ANNUAL": "yearly",
}  # fmt: skip
EU: Mapping[Frequency, str] = {
    "continuous": "CONT", "monthly": "MONTHLY", "quarterly": "QUARTERLY", "halfyearly": "ANNUAL_2",
    "yearly": "ANNUAL", "irregular": "IRREG",
}  # fmt: skip
"""A frequency's word in the EU's vocabulary."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Days for an examination (and for publishing), and for mending what was returned."""

    examine: int = 14
    mend: int = 14


@dataclass(frozen=True, slots=True)
class Due:
    """One release of the calendar. ``until``: the day by which who holds it should be done with it."""

    item: Item
    period: str
    due: dt.date
    state: State
    until: dt.date
    release: Release | None = None

    @property
    def holder(self) -> Holder:
        return HOLDERS[self.state]

    def late(self, day: dt.date) -> int:
        """Days that whoever holds it is late; 0 for nobody."""
        return max(0, (day - self.until).days) if self.holder else 0

    @property
    def handed_over(self) -> dt.date | None:
        """When it was first submitted."""
        first = self.release.submissions[0] if self.release and self.release.submissions else None
        return dt.date.fromisoformat(first.at[:10]) if first else None

    def overdue(self, day: dt.date) -> int:
        """Days after the day of the calendar on which it was submitted (or, if it was not yet, until today)."""
        return max(0, ((self.handed_over or day) - self.due).days)


@dataclass(frozen=True, slots=True)
class Agency:
    """How an agency keeps the calendar. ``due``: releases whose day has come; of them ``punctual`` and ``published``;
    ``late``: those that lie with the agency past their day, ``days`` of all of them together."""

    name: str
    planned: int
    due: int
    punctual: int
    published: int
    late: int
    days: int


def allowed_of(place: Place) -> Allowed:
    """``data_plan`` of the place's YAML: ``{examine: 14, mend: 14}``, in days. Raises ConfigError."""
    given = place.facts.get("data_plan") or {}
    path = place.folder / f"{place.kind}.yaml"
    if not isinstance(given, Mapping) or set(given) - {"examine", "mend"}:
        raise ConfigError(path, f"data_plan: must be as {{examine: 14, mend: 14}}, not {given!r}")
    for key, value in given.items():
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 366:
            raise ConfigError(path, f"data_plan.{key}: must be a number of days from 1 to 366, not {value!r}")
    return Allowed(**given)


def frequency_of(feed: Feed) -> Frequency | None:
    """How often a feed's data is released, from its own schedule; None without one."""
    return _OF_FEED.get(period_of(feed))


def days_of(plan: Plan, year: int) -> list[tuple[str, dt.date]]:
    """The releases of a year: a name (2027-03, 2027-Q1, 2027-S1, 2027) and the day of each.

    Data that flows all the time is examined once a year, as is what has one release or no rhythm. A month that is
    too short has its last day.
    """
    first = dt.date.fromisoformat(plan.first)
    step = _MONTHS.get(plan.frequency)
    if step is None:
        return [(str(year), first)]
    found = []
    for month in range(first.month, 13, step):
        day = dt.date(year, month, min(first.day, calendar.monthrange(year, month)[1]))
        name = {1: f"{month:02d}", 3: f"Q{(month - 1) // 3 + 1}", 6: f"S{(month - 1) // 6 + 1}"}[step]
        found.append((f"{year}-{name}", day))
    return found


def releases(item: Item, allowed: Allowed) -> list[Due]:
    """Every release of an item, by day; one that was worked on keeps its day when the plan changes."""
    worked = {one.period: one for one in item.releases}
    days = dict(days_of(item.plan, item.year))
    days |= {name: dt.date.fromisoformat(one.due) for name, one in worked.items()}
    found = [_due(item, name, day, worked.get(name), allowed) for name, day in days.items()]
    return sorted(found, key=lambda one: (one.due, one.period))


def _due(item: Item, period: str, day: dt.date, release: Release | None, allowed: Allowed) -> Due:
    if release is None:
        return Due(item, period, day, "due", day)
    since = dt.date.fromisoformat(release.since)
    if HOLDERS[release.state] == "producer":
        until = max(day, since + dt.timedelta(days=allowed.mend))
    else:
        until = since + dt.timedelta(days=allowed.examine)
    return Due(item, period, day, release.state, until, release)


def year_of(items: Iterable[Item], allowed: Allowed) -> list[Due]:
    """The calendar: every release of what is on the list, by day."""
    found = [one for item in items if item.state == "listed" for one in releases(item, allowed)]
    return sorted(found, key=lambda one: (one.due, one.item.key, one.period))


def agencies(dues: Sequence[Due], day: dt.date) -> list[Agency]:
    """How each agency keeps the calendar, the latest first."""
    by: dict[str, list[Due]] = {}
    for one in dues:
        by.setdefault(one.item.plan.producer, []).append(one)
    found = []
    for name, own in by.items():
        come = [one for one in own if one.due <= day]
        late = [one.late(day) for one in own if one.holder == "producer" and one.late(day)]
        found.append(
            Agency(
                name=name,
                planned=len({one.item.key for one in own}),
                due=len(come),
                punctual=sum(one.handed_over is not None and not one.overdue(day) for one in come),
                published=sum(one.state == "published" for one in come),
                late=len(late),
                days=sum(late),
            )
        )
    return sorted(found, key=lambda one: (-one.days, one.name.casefold()))
