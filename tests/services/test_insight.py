"""What is counted of reports: promises, days, months in the city's time, words."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from mahakam.config import Place
from mahakam.services import insight
from mahakam.services.insight import look, population, words_of
from mahakam.services.request import Request, Step

NOW = dt.datetime(2026, 6, 30, tzinfo=dt.UTC)


def _request(number: int, at: str, *steps: tuple[Any, str], expected: str = "", **more: Any) -> Request:
    course = (Step("received", at), *(Step(state, when, "Dinas PU") for state, when in steps))
    made = Request(
        number=f"TOWN-2026-{number:06d}",
        place="town",
        service="pothole",
        service_name="Pothole",
        description="Deep hole",
        state=course[-1].state,
        requested=at,
        updated=course[-1].at,
        agency="Dinas PU",
        point=(117.05, -0.45),
        address="",
        photos=(),
        steps=course,
        expected=expected,
    )
    return replace(made, **more)


KEPT = _request(
    1, "2026-06-01T00:00:00Z", ("answered", "2026-06-03T00:00:00Z"), expected="2026-06-10T00:00:00Z"
)
BROKEN = _request(
    2, "2026-06-01T00:00:00Z", ("inProgress", "2026-06-02T00:00:00Z"), ("answered", "2026-06-21T00:00:00Z"),
    ("closed", "2026-06-25T00:00:00Z"), expected="2026-06-10T00:00:00Z",
)  # fmt: skip
LATE = _request(3, "2026-05-01T00:00:00Z", expected="2026-05-20T00:00:00Z", service="flood")
WAITS = _request(4, "2026-06-29T00:00:00Z", expected="2026-07-20T00:00:00Z")
AGAIN = _request(
    5, "2026-06-01T00:00:00Z", ("answered", "2026-06-02T00:00:00Z"), ("reopened", "2026-06-05T00:00:00Z"),
    ("answered", "2026-06-11T00:00:00Z"), expected="2026-06-20T00:00:00Z",
)  # fmt: skip


def test_promises_and_days() -> None:
    found = look([KEPT, BROKEN, LATE, WAITS, AGAIN], "UTC", NOW).whole
    assert (found.reports, found.open, found.late) == (5, 2, 1)
    assert (found.promised, found.kept) == (4, 2), "what is not due yet is neither kept nor broken"
    assert found.kept_share == 0.5
    assert sorted(found.days) == [2.0, 10.0, 20.0], "to the last answer; closing later does not count"
    assert found.median_days == 10.0
    assert found.reopened_share == pytest.approx(1 / 3)


def test_by_service_agency_and_month() -> None:
    found = look([KEPT, LATE], "UTC", NOW)
    assert {code: figures.reports for code, figures in found.services.items()} == {"pothole": 1, "flood": 1}
    assert {month: figures.reports for month, figures in found.months.items()} == {"2026-05": 1, "2026-06": 1}
    assert found.agencies["Dinas PU"].late == 1
    own = look([KEPT, LATE], "UTC", NOW, personal=frozenset({"flood"}))
    assert own.whole.reports == 2
    assert len(own.points) == len(own.usual) == 1, "the place of a person's own matter says nothing"
    only = look([KEPT, LATE], "UTC", NOW, service="flood")
    assert only.whole.reports == len(only.points) == 1
    assert len(only.usual) == 2


def test_the_citys_own_time() -> None:
    """31 May, 20 o'clock UTC, is 1 June, 4 o'clock, in Samarinda: a Monday."""
    found = look([_request(1, "2026-05-31T20:00:00Z")], "Asia/Makassar", NOW)
    assert list(found.months) == ["2026-06"]
    assert found.hours == {(0, 4): 1}


def test_words_that_say_something() -> None:
    assert words_of("Jalan di depan pasar RUSAK, rusak parah sekali!") == {"jalan", "pasar", "rusak", "parah"}
    said = [_request(n, "2026-06-01T00:00:00Z", description=f"lampu padam {name}") for n, name in enumerate(
        ["budi", "padam", "siti"]
    )]  # fmt: skip
    assert look(said, "UTC", NOW).words == [("lampu", 3), ("padam", 3)], "nobody's name"


def test_more_than_can_be_looked_at_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insight, "MOST", 2)
    found = look([KEPT, BROKEN, LATE], "UTC", NOW)
    assert found.left_out
    assert found.whole.reports == 2


def test_what_was_opened_again_and_waits_is_a_share_of_what_was_answered() -> None:
    begun, answered = "2026-06-01T00:00:00Z", ("answered", "2026-06-02T00:00:00Z")
    again = [_request(number, begun, answered, ("reopened", "2026-06-05T00:00:00Z")) for number in (1, 2)]
    found = look([*again, _request(3, begun, answered)], "UTC", NOW)
    assert found.whole.reopened_share == pytest.approx(2 / 3)


def test_nothing_is_nothing(tmp_path: Any) -> None:
    found = look([], "UTC", NOW)
    assert found.whole.median_days is found.whole.kept_share is found.whole.reopened_share is None
    facts = {"name": "Town", "facts": [{"name": {"en": "people", "id": "jiwa"}, "value": 881225}]}
    assert population(Place("town", "city", tmp_path, facts)) == 881225
    assert population(Place("town", "city", tmp_path, {"name": "Town"})) is None
