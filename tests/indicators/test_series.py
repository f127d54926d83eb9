"""What pages say of a series: trend, target, breaks; what may stand side by side between cities."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from mahakam.indicators.compute import compute_all
from mahakam.indicators.series import Comparison, Series, all_series, comparison, series
from support.indicators import City

TEXT = '{name: %s, from: Fire, formula: "sum(n)", per: year, time: year%s}'


def city_with(city: City, values: Mapping[int, int | None], more: str = "") -> Series:
    """A series of the given values; None: a year with a row of which the formula makes nothing."""
    rows = [{"year": year, "n": value, "on": True} for year, value in values.items()]
    city.bring("Fire", rows)
    city.indicator("fires", TEXT % ("Fires", more))
    compute_all(city.broker)
    found = series(city.broker, city.place, "fires", date(2026, 7, 1))
    assert found
    return found


def test_the_trend_of_fewer_is_better(city: City) -> None:
    trend = city_with(city, {2021: 9, 2022: 4, 2023: 12, 2024: 6}, ", better: lower").trend
    assert trend
    assert (trend.latest.label, trend.previous and trend.previous.label) == ("2024", "2023")
    assert (trend.change, trend.share, trend.judgement, trend.of) == (-6, -0.5, "better", 4)
    assert trend.best
    assert trend.worst
    assert (trend.best.label, trend.worst.label) == ("2022", "2023")


def test_neutral_has_neither_best_nor_target(city: City) -> None:
    found = city_with(city, {2023: 1, 2024: 2}, ", target: {2030: 5}")
    trend = found.trend
    assert trend
    assert (trend.best, trend.worst, trend.judgement, found.target) == (None, None, "", None)
    assert (trend.lowest.label, trend.highest.label) == ("2023", "2024")


def test_the_change_from_zero_has_no_share(city: City) -> None:
    trend = city_with(city, {2023: 0, 2024: 2}, ", better: higher").trend
    assert trend
    assert (trend.change, trend.share, trend.judgement) == (2, None, "better")


@pytest.mark.parametrize(
    ("today", "value", "expected"),
    [
        (date(2026, 7, 1), 40, (2030, 30.0, False)),
        (date(2026, 7, 1), 30, (2030, 30.0, True)),
        (date(2031, 1, 1), 30, (2045, 0.0, False)),
        (date(2050, 1, 1), 0, (2045, 0.0, True)),
    ],
)
def test_the_next_target_is_judged(
    city: City, today: date, value: int, expected: tuple[int, float, bool]
) -> None:
    city_with(city, {2024: value}, ", better: lower, target: {2030: 30, 2045: 0}")
    found = series(city.broker, city.place, "fires", today)
    assert found
    assert found.target
    assert (found.target.year, found.target.value, found.target.met) == expected


def test_nothing_is_compared_across_a_break(city: City) -> None:
    more = ", better: lower, breaks: {2023: {en: New law, id: Aturan baru}}"
    found = city_with(city, {2021: 1, 2022: 2, 2023: 8, 2024: 7}, more)
    trend = found.trend
    assert trend
    assert (trend.of, trend.best and trend.best.label, trend.previous and trend.previous.label) == (
        2,
        "2024",
        "2023",
    )
    assert trend.broken == {"en": "New law", "id": "Aturan baru"}
    assert [value.label for value in found.values if found.broken_at(value)] == ["2023"]


def test_a_break_at_a_year_without_a_value_shows_at_the_next(city: City) -> None:
    found = city_with(city, {2021: 1, 2024: 7}, ", breaks: {2022: New law}")
    assert [value.label for value in found.available if found.broken_at(value)] == ["2024"]
    trend = found.trend
    assert trend
    assert trend.previous is None


def test_a_series_shown_below_stands_for_the_city_until_it_has_its_own(city: City) -> None:
    city.bring("Fire", [{"year": 2024, "n": 3}], scope="/prov")
    city.indicator("fires", TEXT % ("Fires", ", shown_below: true, inherit: true"), where="prov")
    city.indicator("hidden", TEXT % ("Fires", ""), where="prov")
    compute_all(city.broker)
    (one,) = all_series(city.broker, city.place)
    assert (one.place.id, one.latest and one.latest.value) == ("prov", 3)
    city.bring("Fire", [{"year": 2024, "n": 2}], feed="own")
    compute_all(city.broker)
    (one,) = all_series(city.broker, city.place)
    assert (one.place.id, one.latest and one.latest.value) == ("town", 2)


def two_cities(city: City, here: str, there: str) -> None:
    other = city.config / "prov" / "port"
    (other / "indicators").mkdir(parents=True)
    (other / "city.yaml").write_text("name: Port\nparent: prov\n")
    city.reopen()
    city.indicator("fires", here)
    city.indicator("fires", there, where="prov/port")
    city.bring("Fire", [{"year": 2022, "n": 5}, {"year": 2023, "n": 3}], feed="a")
    city.bring("Fire", [{"year": 2023, "n": 4}, {"year": 2024, "n": 9}], feed="b", scope="/prov/port")
    compute_all(city.broker)


def fires_compared(city: City) -> Comparison:
    found = [series(city.broker, city.places[name], "fires") for name in ("town", "port")]
    return comparison("fires", [one for one in found if one])


def test_the_same_measure_stands_side_by_side(city: City) -> None:
    two_cities(city, TEXT % ("Fires", ", theme: safety, note: Rounded"), TEXT % ("Blazes", ", theme: safety"))
    found = fires_compared(city)
    assert [one.place.id for one in found.series] == ["town", "port"]
    assert (found.periods, found.common, found.apart) == (("2022", "2023", "2024"), "2023", ())
    assert [(place, note["en"]) for place, note in found.notes] == [("town", "Rounded")]
    assert [len(one.available) for one in found.series] == [2, 2]


def test_another_formula_does_not_stand_beside_it(city: City) -> None:
    two_cities(city, TEXT % ("Fires", ""), (TEXT % ("Fires", "")).replace("sum(n)", "count(*)"))
    found = fires_compared(city)
    assert [one.place.id for one in found.series] == ["town"]
    assert [(one.place.id, keys) for one, keys in found.apart] == [("port", ("formula",))]


def test_a_shared_compare_key_says_that_two_formulas_measure_the_same(city: City) -> None:
    mine, other = TEXT % ("Fires", ", compare: fires"), TEXT % ("Fires", ", compare: fires")
    two_cities(city, mine, other.replace("sum(n)", "sum(n) * 1.0"))
    found = fires_compared(city)
    assert [one.place.id for one in found.series] == ["town", "port"]


def test_a_file_that_cannot_be_used_hides_no_other(city: City) -> None:
    city_with(city, {2024: 7})
    city.indicator("bad", "name: [")
    outcomes = {one.indicator: one for one in compute_all(city.broker)}
    assert outcomes["fires"].state == "unchanged"
    assert outcomes["bad"].state == "failed"
    assert "bad.yaml: is not valid YAML" in outcomes["bad"].problem
    assert [one.definition.id for one in all_series(city.broker, city.place)] == ["fires"]
