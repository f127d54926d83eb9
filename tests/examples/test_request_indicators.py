"""Requests are counted by indicators like all else: the figures are those of the page of insight, and lead to the
requests behind them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.app import Node
from mahakam.config import Settings, examples_folder
from mahakam.indicators.compute import compute_all
from mahakam.indicators.series import series
from mahakam.indicators.trace import inputs, trace
from mahakam.services.desk import Desk, Wanted, revision_of
from mahakam.services.insight import look
from mahakam.services.request import Draft, entity_id

NAMES = ("request-days", "requests-on-time", "requests-reopened", "requests-per-1000")
PLACE = (117.15, -0.49)


class City:
    """The demo's Samarinda. All is requested in one month of the city's time, this one or the one before."""

    def __init__(self, root: Path, store: str) -> None:
        self.node = Node(Settings(data=root / "data", config=(examples_folder() / "kaltim",), store=store))
        self.desk = Desk(self.node.broker, self.node.places, root / "data")
        self.place = self.node.places["samarinda"]
        self.now = dt.datetime.now(dt.UTC)

    def send(self, days: float) -> str:
        at = self.now - dt.timedelta(days=days)
        return self.desk.send(Draft("samarinda", "something-else", "A hole", PLACE), at).number

    def step(self, number: str, state: str) -> None:
        found = self.desk.request(number)
        assert found
        self.desk.step(
            number, revision_of(found), state, "Said", "", "siti", frozenset({"officer", "resident"})
        )

    def compute(self, only: str = "samarinda") -> dict[str, str]:
        done = compute_all(self.node.broker, only=(only,), names=NAMES)
        assert [one.problem for one in done if one.problem] == []
        return {one.indicator: one.state for one in done}


@pytest.fixture
def city(tmp_path: Path, store_url: str) -> Iterator[City]:
    made = City(tmp_path, store_url)
    yield made
    made.node.close()


def test_before_the_first_answer_there_is_no_figure_and_no_fault(city: City) -> None:
    assert set(city.compute().values()) == {"noInputs"}
    number = city.send(1)
    assert city.compute() == dict.fromkeys(NAMES[:3], "noInputs") | {NAMES[3]: "computed"}
    city.step(number, "answered")
    assert city.compute() == dict.fromkeys(NAMES, "computed")
    reopened = series(city.node.broker, city.place, "requests-reopened").latest
    assert reopened
    assert reopened.value == 0


def test_the_figures_are_those_of_the_insight_and_lead_to_the_requests(city: City) -> None:
    early, again, late, good = city.send(3), city.send(2), city.send(400), city.send(0.1)
    city.send(1)
    for number in (early, again, late, good):
        city.step(number, "answered")
    city.step(again, "reopened")
    city.step(again, "answered")
    city.step(early, "reopened")
    assert city.compute() == dict.fromkeys(NAMES, "computed")
    requests = list(city.desk.scan(Wanted("/kaltim/samarinda")))
    for name, figure in (
        ("request-days", lambda whole: whole.median_days),
        ("requests-on-time", lambda whole: whole.kept_share * 100),
        ("requests-reopened", lambda whole: whole.reopened_share * 100),
    ):
        found = series(city.node.broker, city.place, name)
        for value in found.values:
            of_month = [one for one in requests if _month(one.requested) == value.period.label]
            if value.value is not None:
                seen = look(of_month, "UTC", city.now)
                assert value.value == pytest.approx(figure(seen.whole), abs=0.06), (name, value.period)
    year = (city.now - dt.timedelta(days=400)).astimezone(_zone()).year
    per = series(city.node.broker, city.place, "requests-per-1000")
    assert next(one for one in per.values if one.period.label == str(year)).value == pytest.approx(
        1000 / 881225
    )
    value = series(city.node.broker, city.place, "requests-on-time").values[0]
    traced = trace(city.node.broker, value.id)
    assert traced
    page = inputs(city.node.broker, traced, limit=10, offset=0)
    assert [one.entity for one in page.inputs] == [entity_id(late)]


def test_the_province_counts_those_of_its_cities(city: City) -> None:
    city.step(city.send(0.5), "answered")
    assert city.compute("kaltim") == dict.fromkeys(NAMES[:3], "computed")
    latest = series(city.node.broker, city.node.places["kaltim"], "request-days").latest
    assert latest
    assert latest.value == pytest.approx(0.5, abs=0.2)


def _zone() -> dt.tzinfo:
    return dt.timezone(dt.timedelta(hours=8))


def _month(at: str) -> str:
    return dt.datetime.fromisoformat(at).astimezone(_zone()).strftime("%Y-%m")
