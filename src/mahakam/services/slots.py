"""The slots of a service with appointments (``appointments:``), by its office's hours and the city's days off."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mahakam.config import ConfigError
from mahakam.services.calendar import Calendar
from mahakam.services.standard import Office

_FIELDS = {
    "minutes": (5, 480, 30),
    "capacity": (1, 100, 1),
    "days": (1, 90, 14),
    "notice": (0, 240, 2),
    "remind": (0, 240, 24),
}
"""Field → least, most and usual."""
_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_HOURS = re.compile(r"(?P<days>\S+) (?P<opens>\d\d:\d\d)-(?P<closes>\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Appointments:
    """A slot lasts so many ``minutes`` and takes ``capacity`` people; one is booked at most ``days`` ahead and at least
    ``notice`` hours before it begins; the resident is reminded ``remind`` hours before, 0: never. ``hours`` are the
    office's: weekday (0 is Monday), opens, closes."""

    minutes: int
    capacity: int
    days: int
    notice: int
    hours: tuple[tuple[int, dt.time, dt.time], ...]
    remind: int = 0


def read_appointments(path: Path, raw: object, office: Office | None) -> Appointments | None:
    """``appointments:`` of a service with this office. Raises ConfigError."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        raise ConfigError(
            path,
            "appointments is a mapping, e.g. appointments: {minutes: 30, capacity: 2, days: 14, notice: 2}",
        )
    if unknown := sorted(str(name) for name in raw if name not in _FIELDS):
        raise ConfigError(path, f"appointments: unknown {unknown[0]!r}; it has {', '.join(_FIELDS)}")
    if office is None or not office.hours:
        raise ConfigError(
            path,
            'appointments are given within office.hours: add office: {address: …, hours: ["Mo-Fr 08:00-15:00"]}',
        )
    numbers = {name: _number(path, name, raw) for name in _FIELDS}
    hours = tuple(one for text in office.hours for one in _spans(path, text))
    return Appointments(**numbers, hours=hours)


def starts_on(appointments: Appointments, calendar: Calendar, date: dt.date) -> Iterator[dt.datetime]:
    """When the slots of a day begin, in the city's time; none on a holiday or closed day."""
    if calendar.closed(date):
        return
    length = dt.timedelta(minutes=appointments.minutes)
    for weekday, opens, closes in appointments.hours:
        if weekday != date.weekday():
            continue
        start = dt.datetime.combine(date, opens, calendar.timezone)
        end = dt.datetime.combine(date, closes, calendar.timezone)
        while start + length <= end:
            yield start
            start += length


def offered(appointments: Appointments, calendar: Calendar, now: dt.datetime) -> list[dt.datetime]:
    """When the slots begin that may be booked now, free or not, the soonest first."""
    first = now + dt.timedelta(hours=appointments.notice)
    today = now.astimezone(calendar.timezone).date()
    days = (today + dt.timedelta(days=ahead) for ahead in range(appointments.days + 1))
    return sorted(start for day in days for start in starts_on(appointments, calendar, day) if start >= first)


def _number(path: Path, name: str, raw: Mapping[Any, Any]) -> int:
    least, most, usual = _FIELDS[name]
    value = raw.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(
            path, f"appointments.{name} is a whole number from {least} to {most}, not {value!r}"
        )
    return value


def _spans(path: Path, text: str) -> Iterator[tuple[int, dt.time, dt.time]]:
    """``Mo-Th 08:00-15:00`` or ``Mo,We 08:00-12:00``, as ``office.hours`` has them."""
    found = _HOURS.fullmatch(text)
    assert found is not None  # read_office has looked
    try:
        opens, closes = dt.time.fromisoformat(found["opens"]), dt.time.fromisoformat(found["closes"])
    except ValueError:
        raise ConfigError(
            path, f"office.hours: {text!r} names no time of a day; it goes from 00:00 to 23:59"
        ) from None
    if opens >= closes:
        raise ConfigError(path, f"office.hours: {text!r} closes before it opens")
    for part in found["days"].split(","):
        first, _dash, last = part.partition("-")
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        for day in range(start, end + 1 if end >= start else end + 8):
            yield day % 7, opens, closes
