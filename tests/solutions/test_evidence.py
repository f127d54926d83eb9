"""Evidence over a real store: a city whose measure moved, beside cities where it did not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.indicators.compute import compute_all
from mahakam.solutions.evidence import Evidence, Measures, evidence
from support.indicators import City

BEGAN = dt.date(2020, 5, 1)
LEVELS = '{name: Waste, from: Waste, formula: "sum(tons)", per: year, time: year, unit: t, better: lower}'
TOWN = {2016: 50, 2017: 52, 2018: 51, 2019: 53, 2020: 50, 2021: 41, 2022: 42, 2023: 40}
SHORE = {2016: 30, 2017: 33, 2018: 31, 2019: 34, 2020: 34, 2021: 34, 2022: 36, 2023: 34}
HILL = {2016: 70, 2017: 71, 2018: 71, 2019: 72, 2020: 74, 2021: 74, 2022: 74, 2023: 74}


@pytest.fixture
def province(tmp_path: Path) -> Iterator[City]:
    """Three cities that measure one thing in one way."""
    found = City(tmp_path)
    for name in ("shore", "hill", "delta"):
        (found.config / "prov" / name / "indicators").mkdir(parents=True)
        (found.config / "prov" / name / "city.yaml").write_text(f"name: {name.title()}\nparent: prov\n")
    for name, values in (("town", TOWN), ("shore", SHORE), ("hill", HILL)):
        _measure(found, name, values)
    yield found
    found.close()


def _measure(found: City, name: str, values: dict[int, int], definition: str = LEVELS) -> None:
    found.reopen()
    found.indicator("waste", definition, f"prov/{name}")
    rows = [{"year": year, "tons": tons} for year, tons in values.items()]
    found.bring("Waste", rows, feed=name, scope=f"/prov/{name}")


def look(
    found: City, began: dt.date = BEGAN, with_it: tuple[str, ...] = (), indicator: str = "waste"
) -> Evidence:
    found.reopen()
    assert all(one.state != "failed" for one in compute_all(found.broker))
    others = dict.fromkeys(with_it, began)
    return evidence(Measures(found.broker), found.place, indicator, began, others)


def test_the_effect_is_the_city_s_change_less_that_of_the_others(province: City) -> None:
    found = look(province)
    # Gaps to the mean of the two: 0, 0, 0, 0 before (50-50, 52-52, 51-51, 53-53), then -13, -13, -14; 2020 is left out.
    assert found.effect is not None
    assert found.effect.difference == pytest.approx(-40 / 3)
    assert (found.effect.before_n, found.effect.after_n) == (4, 3)
    assert found.effect.low is not None
    # Before there is no variance, after a third over three values: two degrees of freedom.
    assert found.effect.low == pytest.approx(-40 / 3 - 4.302653 * (1 / 9) ** 0.5, rel=1e-6)
    assert found.verdict == "better"
    assert [one.place.id for one in found.others] == ["hill", "shore"] or [one.place.id for one in found.others] == [
        "shore", "hill"
    ]  # fmt: skip
    assert found.own is not None
    assert found.own.difference == pytest.approx(41 - 51.5)
    assert [row.label for row in found.rows if row.side == "during"] == ["2020"]
    assert "during" in found.notes
    for row in found.rows:  # every figure is a value with a trace of its own
        for value in (row.value, *row.others):
            assert value is not None
            assert value.label == row.label
            assert province.broker.store.document(value.id) is not None


def test_a_city_that_has_the_solution_too_is_nobody_to_compare_with(province: City) -> None:
    found = look(province, with_it=("hill",))
    assert [one.place.id for one in found.others] == ["shore"]
    assert [(one.place.id, why) for one, why in found.left_out] == [("hill", "adopted")]
    alone = look(province, with_it=("hill", "shore"))
    assert (alone.verdict, alone.effect) == ("alone", None)
    assert alone.own == found.own


def test_cities_that_measure_otherwise_or_too_briefly_are_named(province: City) -> None:
    _measure(province, "delta", {2022: 9, 2023: 9})
    found = look(province)
    assert [(one.place.id, why) for one, why in found.left_out] == [("delta", "short")]
    _measure(province, "hill", HILL, LEVELS.replace("sum(tons)", "max(tons)"))
    found = look(province)
    assert {(one.place.id, why) for one, why in found.left_out} == {("delta", "short"), ("hill", "apart")}
    assert [one.place.id for one in found.others] == ["shore"]


def test_without_an_effect_to_see_the_interval_holds_zero(province: City) -> None:
    _measure(province, "town", {year: tons + (year % 3) for year, tons in SHORE.items()})
    assert look(province).verdict == "unclear"


def test_a_break_of_another_city_keeps_its_values_apart(province: City) -> None:
    _measure(province, "hill", HILL, LEVELS[:-1] + ", breaks: {2020: Another scale}}")
    found = look(province)
    assert [one.place.id for one in found.others] == ["shore"]
    assert ("hill", "short") in {(one.place.id, why) for one, why in found.left_out}


@pytest.mark.parametrize(
    ("began", "verdict", "reason"),
    [
        (dt.date(2016, 1, 1), "none", "not_before"),
        (dt.date(2024, 1, 1), "none", "not_after"),
        (dt.date(2023, 1, 1), "few", ""),
        (dt.date(2017, 1, 1), "few", ""),
    ],
)
def test_too_little_is_said_to_be_too_little(
    province: City, began: dt.date, verdict: str, reason: str
) -> None:
    found = look(province, began)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.effect is None or found.effect.low is None


def test_why_there_is_none(province: City) -> None:
    assert look(province, indicator="").reason == "unmeasured"
    assert look(province, indicator="none").reason == "gone"
    province.indicator("empty", LEVELS.replace("from: Waste", "from: Nothing"))
    assert look(province, indicator="empty").reason == "empty"
    province.indicator("whole", LEVELS.replace("per: year, time: year", "per: none"))
    assert look(province, indicator="whole").reason == "timeless"
    province.indicator("waste", LEVELS[:-1] + ", breaks: {2020: Another scale}}")
    found = look(province)
    assert (found.reason, found.breaks) == ("broken", ("2020",))


def test_with_neither_direction_better_a_change_is_only_a_change(province: City) -> None:
    for name in ("town", "shore", "hill"):
        province.indicator("waste", LEVELS.replace("lower", "neutral"), f"prov/{name}")
    assert look(province).verdict == "moved"
    for name in ("town", "shore", "hill"):
        province.indicator("waste", LEVELS.replace("lower", "higher"), f"prov/{name}")
    assert look(province).verdict == "worse"
