"""The clock: working time by a calendar, what is due and when, pauses, and what a city may configure."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mahakam.config import ConfigError, Place, load_places
from mahakam.services.calendar import Calendar
from mahakam.services.clock import marks, next_due, promise_of, read_targets
from mahakam.services.request import Step

ZONE = ZoneInfo("Asia/Makassar")


def _calendar(*closed: dt.date) -> Calendar:
    return Calendar(ZONE, frozenset(range(5)), dt.time(8), dt.time(16), frozenset(closed).__contains__)


def _at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-11-23 10:00", 1, "2026-11-24 10:00"),  # Monday to Tuesday
        ("2026-11-23 10:00", 5, "2026-11-30 10:00"),  # over a weekend
        ("2026-11-27 15:00", 1, "2026-11-30 15:00"),  # Friday afternoon
        ("2026-11-28 12:00", 1, "2026-11-30 16:00"),  # reported on a Saturday: counts from Monday morning
        ("2026-11-23 20:00", 1, "2026-11-24 16:00"),  # after hours
        ("2026-11-23 03:00", 0.5, "2026-11-23 12:00"),  # before hours
    ],
)
def test_due_counts_working_time(start: str, days: float, due: str) -> None:
    assert _calendar().due(_at(start), days) == _at(due)


def test_a_closed_day_does_not_count() -> None:
    assert _calendar(dt.date(2026, 11, 24)).due(_at("2026-11-23 10:00"), 1) == _at("2026-11-25 10:00")


def test_a_pause_does_not_count() -> None:
    pauses = [(_at("2026-11-23 12:00"), _at("2026-11-24 12:00"))]
    assert _calendar().due(_at("2026-11-23 10:00"), 1, pauses) == _at("2026-11-25 10:00")


def test_a_calendar_without_working_days_is_refused() -> None:
    never = Calendar(ZONE, frozenset(range(5)), dt.time(8), dt.time(16), lambda _date: True)
    with pytest.raises(OverflowError):
        never.due(_at("2026-11-23 10:00"), 1)


moments = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2026, 12, 31)).map(
    lambda at: at.replace(tzinfo=ZONE)
)


@settings(deadline=None, max_examples=60)
@given(start=moments, days=st.integers(1, 12), pauses=st.lists(st.tuples(moments, moments), max_size=4))
def test_the_time_worked_until_due_is_the_time_allowed(
    start: dt.datetime, days: int, pauses: list[tuple[dt.datetime, dt.datetime]]
) -> None:
    calendar = _calendar(dt.date(2026, 3, 19), dt.date(2026, 12, 25))
    spans = [(min(pair), max(pair)) for pair in pauses]
    due = calendar.due(start, days, spans)
    minutes = _brute_minutes(calendar, start, due, spans)
    assert abs(minutes - days * 8 * 60) <= 2 * (len(spans) + 2), "to the minute at each edge"


def _brute_minutes(
    calendar: Calendar, start: dt.datetime, end: dt.datetime, pauses: list[tuple[dt.datetime, dt.datetime]]
) -> int:
    """Working minutes, counted one by one within each day's hours."""
    total, day = 0, start.date()
    while day <= end.date():
        if calendar.works(day):
            for minute in range(8 * 60, 16 * 60):
                at = dt.datetime.combine(day, dt.time(minute // 60, minute % 60), ZONE)
                total += start <= at < end and not any(a <= at < b for a, b in pauses)
        day += dt.timedelta(days=1)
    return total


def _place(root: Path, clock: str = "") -> tuple[Place, dict[str, Place]]:
    (root / "prov" / "town").mkdir(parents=True)
    (root / "prov/province.yaml").write_text(
        "name: Prov\nclock: {holidays: ID, respond: 4, closed: [2026-11-25]}\n"
    )
    (root / "prov/town/city.yaml").write_text(f"name: Town\nparent: prov\ntimezone: Asia/Makassar\n{clock}")
    places = load_places([root])
    return places["town"], places


def test_a_promise_is_inherited_and_a_service_has_its_own(tmp_path: Path) -> None:
    town, places = _place(tmp_path, "clock: {finish: 10}\n")
    promise = promise_of(town, places, {"verify": 1})
    assert promise.allowed == {"verify": 1, "respond": 4, "finish": 10}
    assert promise.source == "SP4N-LAPOR!"
    assert not promise.calendar.works(dt.date(2026, 8, 17)), "a public holiday"
    assert not promise.calendar.works(dt.date(2026, 12, 24)), "joint leave"
    assert not promise.calendar.works(dt.date(2026, 11, 25)), "the province's own closure"
    assert promise.calendar.works(dt.date(2026, 11, 26))


def test_the_stages_of_a_request(tmp_path: Path) -> None:
    town, places = _place(tmp_path, "clock: {verify: 1, respond: 2, finish: 5, closed: []}\n")
    promise = promise_of(town, places)
    steps = [Step("received", "2026-11-23T02:00:00Z")]
    found = marks(promise, steps)
    assert [(mark.stage, mark.due.astimezone(ZONE), mark.reached) for mark in found] == [
        ("verify", _at("2026-11-24 10:00"), None),
        ("respond", _at("2026-11-25 10:00"), None),
        ("finish", _at("2026-11-30 10:00"), None),
    ]
    following = next_due(found)
    assert following
    assert following.stage == "verify"
    assert following.late(_at("2026-11-24 10:01"))
    steps.append(Step("waiting", "2026-11-24T01:00:00Z", "PU", "Which street?"))
    steps.append(Step("inProgress", "2026-11-25T01:00:00Z", "PU"))
    found = marks(promise, steps)
    assert found[2].due.astimezone(ZONE) == _at("2026-12-01 10:00"), "a day of waiting was given back"
    assert [mark.reached is not None for mark in found] == [True, True, False]
    steps.append(Step("answered", "2026-11-26T01:00:00Z", "PU", "Done"))
    assert next_due(marks(promise, steps)) is None
    steps.append(Step("reopened", "2026-12-07T02:00:00Z", "", "Not done"))
    again = marks(promise, steps)
    assert [mark.reached for mark in again] == [None, None, None], "the clock starts anew"
    assert again[0].due.astimezone(ZONE) == _at("2026-12-08 10:00")


@pytest.mark.parametrize(
    ("clock", "says"),
    [
        ("{finsh: 3}", "unknown 'finsh'"),
        ("{finish: soon}", "clock.finish is a number"),
        ("{finish: 0}", "above 0"),
        ("{days: [monday]}", "clock.days lists mon"),
        ('{hours: ["16:00", "08:00"]}', "the first time comes before"),
        ("{hours: 8}", "clock.hours is two times"),
        ("{holidays: Atlantis}", "ISO 3166-1"),
        ("{closed: [tomorrow]}", "clock.closed lists days"),
        ("5", "clock is a mapping"),
    ],
)
def test_a_wrong_clock_says_what_would_be_right(tmp_path: Path, clock: str, says: str) -> None:
    town, places = _place(tmp_path, f"clock: {clock}\n")
    with pytest.raises(ConfigError, match=says):
        promise_of(town, places)


def test_wrong_targets_say_what_would_be_right() -> None:
    with pytest.raises(ConfigError, match="targets has working days"):
        read_targets(Path("x.yaml"), {"finnish": 3})
    with pytest.raises(ConfigError, match=r"targets\.finish is a number"):
        read_targets(Path("x.yaml"), {"finish": "soon"})
