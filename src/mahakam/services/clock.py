"""The clock of a request: what a city promises for each stage, what is due next, and what was kept."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from mahakam.config import ConfigError, Place, chain, read_yaml
from mahakam.services.calendar import WEEKDAYS, Calendar, Span
from mahakam.services.request import Step
from mahakam.services.states import OPEN

Stage = Literal["verify", "respond", "finish"]
STAGES: tuple[Stage, ...] = ("verify", "respond", "finish")
"""Taken up or passed on; first words to the resident; settled."""
_SHIPPED = Path(__file__).with_name("clock.yaml")
_KEYS = {"days", "hours", "holidays", "closed", "source", *STAGES}
_MOST = 366
_PASSED_ON = ("transferred", "shared", "split", "part")
_MOST_PROMISES = 1000
_promises: dict[tuple[object, ...], tuple[Sequence[Place], Promise]] = {}
"""By the places that it was made of, which are kept with it: files that were read again are other places."""


@dataclass(frozen=True)
class Promise:
    """The working days allowed for each stage, by a calendar; ``source`` says where the promise stands."""

    calendar: Calendar
    allowed: Mapping[Stage, float]
    source: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One stage of one request: when it is due, and when it was reached (None: not yet)."""

    stage: Stage
    due: dt.datetime
    reached: dt.datetime | None

    def late(self, now: dt.datetime) -> bool:
        return (self.reached or now) > self.due


def promise_of(
    place: Place, places: Mapping[str, Place], targets: Mapping[str, float] | None = None
) -> Promise:
    """The promise of a place: ``clock:`` of its own file over those above, over the shipped one; a service's
    ``targets`` come before all. Raises ConfigError."""
    owners, own = chain(places, place), targets or {}
    key = *map(id, owners), *map(own.get, STAGES)
    known = _promises.get(key)
    if known is not None:
        return known[1]
    merged: dict[str, Any] = dict(_shipped())
    for each in reversed(owners):
        merged |= _clock_of(each)
    allowed = {stage: _days(place, stage, own.get(stage, merged[stage])) for stage in STAGES}
    promise = Promise(_calendar(place, merged), allowed, str(merged.get("source") or ""))
    if len(_promises) >= _MOST_PROMISES:
        _promises.clear()
    _promises[key] = owners, promise
    return promise


def read_targets(path: Path, raw: object) -> dict[str, float]:
    """``targets:`` of a service: stage → working days. Raises ConfigError."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping) or set(raw) - set(STAGES):
        raise ConfigError(
            path, f"targets has working days for {', '.join(STAGES)}, e.g. targets: {{finish: 5}}"
        )
    return {str(stage): _allowed(path, f"targets.{stage}", value) for stage, value in raw.items()}


def marks(promise: Promise, steps: Sequence[Step]) -> list[Mark]:
    """The stages of a request after these steps. Reopening starts the clock anew; time in which the resident is
    asked something does not count."""
    begun = max((at for at, step in enumerate(steps) if step.state == "reopened"), default=0)
    course = steps[begun:]
    if not course:
        return []
    start = _moment(course[0].at)
    pauses = _pauses(course)
    due = functools.partial(promise.calendar.due, pauses=pauses) if pauses else promise.calendar.due_of
    return [Mark(stage, due(start, promise.allowed[stage]), _reached(stage, course)) for stage in STAGES]


def next_due(found: Sequence[Mark]) -> Mark | None:
    """The stage that is due next; None when all are reached."""
    waiting = [mark for mark in found if mark.reached is None]
    return min(waiting, key=lambda mark: mark.due, default=None)


def _reached(stage: Stage, course: Sequence[Step]) -> dt.datetime | None:
    for step in course[1:]:
        settled = step.state not in OPEN
        taken_up = step.state != "received" or step.act in _PASSED_ON
        answered = step.text and not step.act
        if settled or (stage == "verify" and taken_up) or (stage == "respond" and answered):
            return _moment(step.at)
    return None


def _pauses(course: Sequence[Step]) -> list[Span]:
    """From each question to the resident until the next step."""
    found = []
    for step, after in zip(course, [*course[1:], None], strict=True):
        if step.state == "waiting":
            end = _moment(after.at) if after else dt.datetime.now(dt.UTC)
            found.append((_moment(step.at), max(end, _moment(step.at))))
    return found


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


@functools.cache
def _shipped() -> Mapping[str, Any]:
    return read_yaml(_SHIPPED)


def _clock_of(place: Place) -> Mapping[str, Any]:
    raw = place.facts.get("clock") or {}
    if not isinstance(raw, Mapping):
        raise ConfigError(place.folder, "clock is a mapping, e.g. clock: {respond: 5, finish: 14}")
    if unknown := sorted(set(raw) - _KEYS):
        raise ConfigError(place.folder, f"clock: unknown {unknown[0]!r}; it has {', '.join(sorted(_KEYS))}")
    return raw


def _days(place: Place, stage: str, value: object) -> float:
    return _allowed(place.folder, f"clock.{stage}", value)


def _allowed(path: Path, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST:
        raise ConfigError(
            path, f"{name} is a number of working days above 0 and at most {_MOST}, not {value!r}"
        )
    return float(value)


def _calendar(place: Place, clock: Mapping[str, Any]) -> Calendar:
    days = clock["days"]
    if not isinstance(days, list) or not days or set(days) - set(WEEKDAYS):
        raise ConfigError(place.folder, f"clock.days lists {', '.join(WEEKDAYS)}")
    hours = clock["hours"]
    try:
        opens, closes = (dt.time.fromisoformat(str(hour)) for hour in hours)
    except (ValueError, TypeError):
        raise ConfigError(place.folder, 'clock.hours is two times, e.g. ["08:00", "16:00"]') from None
    if opens >= closes:
        raise ConfigError(place.folder, "clock.hours: the first time comes before the second")
    return Calendar(
        ZoneInfo(place.timezone),
        frozenset(WEEKDAYS.index(day) for day in days),
        opens,
        closes,
        _closed(place.folder, str(clock.get("holidays") or ""), _dates(place, clock.get("closed") or [])),
    )


def _dates(place: Place, raw: object) -> tuple[dt.date, ...]:
    try:
        assert isinstance(raw, list)
        return tuple(one if isinstance(one, dt.date) else dt.date.fromisoformat(one) for one in raw)
    except (AssertionError, TypeError, ValueError):
        raise ConfigError(place.folder, "clock.closed lists days as 2026-08-18") from None


@functools.lru_cache(64)
def _closed(folder: Path, country: str, more: tuple[dt.date, ...]) -> Any:
    """Public holidays and joint leave of a country (ISO 3166-1), and a place's own closures."""
    own = frozenset(more)
    if not country:
        return own.__contains__
    import holidays

    known = holidays.list_supported_countries()
    if country not in known:
        raise ConfigError(
            folder, f"clock.holidays is a country as ISO 3166-1 has it, e.g. ID, not {country!r}"
        )
    offered = holidays.country_holidays(country).supported_categories
    categories = tuple(one for one in ("public", "government") if one in offered)
    found = holidays.country_holidays(country, categories=categories)
    return lambda date: date in own or date in found
