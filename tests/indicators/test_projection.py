"""Projections: when there is one, what its interval is worth, the way to a target, and what levers change."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from mahakam.config import ConfigError
from mahakam.indicators.compute import compute_all
from mahakam.indicators.definition import read_definition
from mahakam.indicators.goal import goals_of, read_goal, what_if
from mahakam.indicators.path import way_of
from mahakam.indicators.projecting import projections
from mahakam.indicators.projection import TYPE, Projection, entity_of, project, projection_of
from mahakam.indicators.series import Series, series
from mahakam.ngsild.selection import Selection, Types
from support.indicators import EXAMPLES, City

TODAY = date(2026, 7, 1)
TEXT = '{name: Fires, from: Fire, formula: "sum(n)", per: year, time: year%s}'
PERMITS = EXAMPLES / "ascn/jakarta/data/jakarta-building-permits-1998-2012.csv"


def with_values(
    city: City, values: Mapping[int, float], more: str = ", projection: {to: 2030}"
) -> tuple[Series, Projection | None]:
    city.bring("Fire", [{"year": year, "n": value} for year, value in values.items()])
    city.indicator("fires", TEXT % more)
    outcomes = compute_all(city.broker)
    assert [one.state for one in outcomes] == ["computed"], outcomes
    found = series(city.broker, city.place, "fires", TODAY)
    assert found
    return found, projections(city.broker, city.place).get("fires")


def test_too_few_years_is_a_result(city: City) -> None:
    _found, made = with_values(city, {2018 + n: 10 + n for n in range(7)})
    assert made
    assert (made.state, made.used, made.needed, made.points) == ("tooFew", 7, 8, ())


def test_no_projection_is_made_that_nobody_asked_for(city: City) -> None:
    _found, made = with_values(city, {2010 + n: 10 + n % 3 for n in range(15)}, "")
    assert made is None


def test_nothing_is_learned_across_a_break(city: City) -> None:
    more = ", projection: {to: 2030}, breaks: {2020: {en: New law, id: Aturan baru}}"
    _found, made = with_values(city, {2005 + n: 10 + n % 3 for n in range(20)}, more)
    assert made
    assert (made.state, made.used, made.first) == ("tooFew", 5, "2020")


def test_the_same_value_every_year_tells_no_interval(city: City) -> None:
    _found, made = with_values(city, dict.fromkeys(range(2010, 2025), 4))
    assert made
    assert made.state == "noVariation"


def test_a_projection_is_an_entity_that_says_it_is_one(city: City) -> None:
    values = {2008 + n: 30 - n + (n * 7) % 5 for n in range(17)}
    _found, made = with_values(city, values)
    assert made
    assert made.state == "available"
    assert [one.period.year for one in made.points] == list(range(2025, 2031))
    assert all(0 <= one.low <= one.value <= one.high for one in made.points)
    assert made.trial
    stored = next(iter(city.broker.scan(Selection(types=Types(((TYPE,),))))))
    assert (stored["id"], stored["calculationMethod"]["value"]) == (made.id, "projection")
    again = project(read_definition(city.folder / "indicators/fires.yaml"), "town", _found.values, TODAY)
    assert again == made
    assert projection_of(entity_of(made, {"en": "Fires"}, "", "/", "2026-01-01T00:00:00Z")) == made


def test_it_goes_with_its_indicator_and_is_made_anew_with_its_values(city: City) -> None:
    values = {2008 + n: 30 - n + (n * 7) % 5 for n in range(17)}
    _found, first = with_values(city, values)
    city.bring("Fire", [{"year": 2025, "n": 40}], feed="later")
    compute_all(city.broker)
    second = projections(city.broker, city.place)["fires"]
    assert first
    assert (first.last, second.last) == ("2024", "2025")
    (city.folder / "indicators/fires.yaml").unlink()
    compute_all(city.broker)
    assert projections(city.broker, city.place) == {}


def test_it_ends_where_it_would_reach_farther_than_it_has_seen(city: City) -> None:
    values = {2016 + n: 30 - n + (n * 7) % 5 for n in range(9)}
    _found, made = with_values(city, values, ", better: lower, target: {2030: 10, 2045: 5}")
    assert made
    assert made.short
    assert (made.wanted, made.points[-1].period.label) == ("2045", "2033")


def test_what_the_interval_was_worth_on_a_real_series_is_reported(city: City) -> None:
    """Fifteen years of Jakarta's building permits: how many of the held-out years lay inside is counted and kept,
    whatever it is; only that it is a count, and that the same file gives the same count, is promised."""
    with PERMITS.open(encoding="utf-8") as file:
        values = {int(row["tahun"]): float(row["imb"]) for row in csv.DictReader(file)}
    found, made = with_values(city, values)
    assert made
    assert made.trial
    assert made.trial.tested == 15  # five starts, and all the years after each, at most five
    assert 0 <= made.trial.inside <= made.trial.tested
    assert math.isfinite(made.trial.error)
    again = project(found.definition, "town", found.values, TODAY)
    assert again.trial == made.trial


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("{to: soon}", "projection: must be a year"),
        ("{until: 2030}", "projection: must be false, or"),
        ("{level: 2}", "level must be a share"),
        ("{lowest: 5, highest: 1}", "lowest must be below highest"),
    ],
)
def test_a_wrong_projection_says_what_would_be_right(city: City, asked: str, said: str) -> None:
    path = city.indicator("fires", TEXT % f", projection: {asked}")
    with pytest.raises(ConfigError, match=said):
        read_definition(path)


def test_the_way_says_what_each_year_must_bring(city: City) -> None:
    more = ", better: lower, target: {2030: 4, 2045: 1}, baseline: 2021"
    found, made = with_values(city, {2021: 13, 2023: 4, 2025: 11}, more)
    way = way_of(found, made)
    assert way
    assert (way.next_target, way.a_year, way.verdict) == (2030, -1.4, "")
    steps = {step.year: step for step in way.steps}
    assert (steps[2021].asked, steps[2030].asked, steps[2045].asked) == (13, 4, 1)
    assert steps[2025].asked == 9
    assert (steps[2023].gap, steps[2024].gap, steps[2025].gap) == (-7, None, 2)
    assert [year for year, step in steps.items() if step.target] == [2030, 2045]


def test_more_being_better_turns_the_gap_round(city: City) -> None:
    found, made = with_values(
        city, {2024: 50, 2025: 55}, ", better: higher, target: {2030: 100}, baseline: 2024"
    )
    way = way_of(found, made)
    assert way
    assert way.a_year == 9
    assert way.steps[1].gap == pytest.approx(50 + 50 / 6 - 55)


GOAL = """
name: Dry
indicators: [fires]
levers:
  - key: ponds
    name: Ponds
    unit: ponds
    most: 20
    source: A guess
    assumption: true
    effects: [{indicator: fires, per: 5, change: -2, low: -3, high: -1, since: 2027, full: 2028}]
"""


def test_levers_change_the_years_in_the_open(city: City) -> None:
    (city.folder / "goals").mkdir()
    (city.folder / "goals/dry.yaml").write_text(GOAL)
    found, made = with_values(city, {2024: 12, 2025: 11}, ", better: lower, target: {2030: 4}")
    goal = goals_of(city.place)["dry"]
    assert found.latest
    years = what_if(goal, found.definition, found.latest, way_of(found, made), made, {"ponds": 10}, 2030)
    by_year = {one.year: one for one in years}
    assert all(
        one.held and one.base.value == 11 for one in years
    )  # too few years: the last value stands still
    assert by_year[2026].parts == ()
    assert (by_year[2027].value, by_year[2028].value) == (9, 7)
    assert (by_year[2028].low, by_year[2028].high) == (5, 9)
    assert [part.lever.key for part in by_year[2030].parts] == ["ponds"]
    assert by_year[2030].gap == 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("indicator: fires", "indicator: rain", "none of the goal's indicators"),
        ("    source: A guess\n", "", "needs 'source'"),
        ("most: 20", "most: -1", "least must be below most"),
        ("change: -2", "change: 9", "must lie between low and high"),
        ("levers:", "lever:", "did you mean 'levers'"),
    ],
)
def test_a_wrong_goal_says_what_would_be_right(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "dry.yaml"
    path.write_text(GOAL.replace(old, new))
    with pytest.raises(ConfigError, match=said):
        read_goal(path)
