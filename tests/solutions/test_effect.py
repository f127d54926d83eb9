"""The arithmetic of evidence: published figures, and what must hold of any values."""

from __future__ import annotations

import datetime as dt
import math
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.solutions.effect import Side, change, comparable, drift, gaps, sides
from mahakam.solutions.student import central, quantile

BEGAN = dt.date(2020, 1, 1)
figures = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
YEARS = [str(year) for year in range(2014, 2027)]
MONTHS = [f"{year}-{month:02}" for year in range(2017, 2023) for month in range(1, 13)]


@pytest.mark.parametrize(
    ("df", "t"),
    # Critical values of Student's t at 0.975, as any table of it prints them.
    [
        (1, 12.706),
        (2, 4.303),
        (3, 3.182),
        (4, 2.776),
        (5, 2.571),
        (9, 2.262),
        (10, 2.228),
        (30, 2.042),
        (120, 1.980),
    ],
)
def test_the_quantiles_are_those_of_the_tables(df: int, t: float) -> None:
    assert quantile(df) == pytest.approx(t, abs=5e-4)
    assert central(quantile(df), df) == pytest.approx(0.95, abs=1e-12)


def test_the_employment_of_new_jersey_and_pennsylvania() -> None:
    """Card and Krueger (1994), table 3: employment a restaurant rose by 2.76 beside Pennsylvania (they round last)."""
    jersey, pennsylvania = {"1991": 20.44, "1993": 21.03}, {"1991": 23.33, "1993": 21.17}
    where = sides(jersey, dt.date(1992, 4, 1))
    found = change(gaps(jersey, [pennsylvania]), where)
    assert found is not None
    assert found.difference == pytest.approx(2.76, abs=0.011)
    assert (found.low, found.high, found.sure) == (None, None, False)
    assert (found.before_n, found.after_n) == (1, 1)


def test_welch_s_interval_is_that_of_a_worked_sum() -> None:
    """Means 2 and 6, variances 1 and 4 over three values each: df = (5/3)² / (1/18 + 16/18) = 2.94, taken as 2."""
    values = {"2017": 1.0, "2018": 2.0, "2019": 3.0, "2020": 4.0, "2021": 6.0, "2022": 8.0}
    found = change(values, sides(values, BEGAN))
    assert found is not None
    assert found.difference == pytest.approx(4)
    assert found.high == pytest.approx(4 + 4.302653 * math.sqrt(5 / 3), rel=1e-6)
    assert found.low == pytest.approx(4 - 4.302653 * math.sqrt(5 / 3), rel=1e-6)
    assert not found.sure


def test_the_interval_holds_what_it_says_as_often_as_it_says() -> None:
    chance, held = random.Random(7), 0
    where = sides(YEARS, BEGAN)
    for _draw in range(2_000):
        found = change(
            {year: chance.gauss(3.0 if where[year] == "after" else 0.0, 1) for year in YEARS}, where
        )
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 3 <= found.high
    assert 0.935 <= held / 2_000 <= 0.975  # the rounded degrees of freedom make it a little wide


@given(st.dates(dt.date(1990, 1, 1), dt.date(2040, 1, 1)), st.sampled_from([YEARS, MONTHS]))
def test_a_period_is_before_only_if_it_is_over_and_after_only_if_it_has_not_begun(
    began: dt.date, labels: list[str]
) -> None:
    where = sides(labels, began)
    month = len(labels[0]) > 4
    for label, side in where.items():
        at, day = (label, began.isoformat()[: len(label)]), began.day == 1 and (month or began.month == 1)
        assert side == ("before" if at[0] < at[1] else "after" if at[0] > at[1] or day else "during")


@given(
    st.lists(figures, min_size=13, max_size=13), st.lists(figures, min_size=13, max_size=13), figures, figures
)
def test_what_happens_to_all_cities_is_no_effect_and_what_happens_to_one_is(
    city: list[float], other: list[float], shock: float, effect: float
) -> None:
    where = sides(YEARS, BEGAN)
    one, two = dict(zip(YEARS, city, strict=True)), dict(zip(YEARS, other, strict=True))
    plain = change(gaps(one, [two]), where)
    both = change(
        gaps({k: v + (shock if k >= "2020" else 0) for k, v in one.items()},
             [{k: v + (shock if k >= "2020" else 0) for k, v in two.items()}]), where
    )  # fmt: skip
    moved = change(gaps({k: v + (effect if k >= "2020" else 0) for k, v in one.items()}, [two]), where)
    assert plain is not None
    assert both is not None
    assert moved is not None
    assert both.difference == pytest.approx(plain.difference, abs=1e-6)
    assert moved.difference == pytest.approx(plain.difference + effect, abs=1e-6)


@given(st.lists(figures, min_size=12, max_size=12), figures, st.integers(0, 11))
def test_the_season_is_no_effect(season: list[float], effect: float, first: int) -> None:
    """The years before end where they like: months are held against the same month."""
    values = {m: season[int(m[5:]) - 1] + (effect if m >= "2020-01" else 0) for m in MONTHS[first:]}
    found = change(values, sides(values, BEGAN))
    assert found is not None
    assert found.difference == pytest.approx(effect, abs=1e-6)
    assert found.months == 12


@pytest.mark.parametrize(
    ("began", "years", "months"),
    [
        (dt.date(2020, 1, 1), "baaa", "baa"),
        (dt.date(2020, 1, 2), "bdaa", "bda"),
        (dt.date(2019, 12, 31), "daaa", "daa"),
        (dt.date(2020, 12, 31), "bdaa", "bbb"),
        (dt.date(2021, 1, 1), "bbaa", "bbb"),
    ],
)
def test_the_first_and_the_last_day_of_a_period(began: dt.date, years: str, months: str) -> None:
    assert "".join(side[0] for side in sides(["2019", "2020", "2021", "2022"], began).values()) == years
    assert "".join(side[0] for side in sides(["2019-12", "2020-01", "2020-02"], began).values()) == months


def test_nothing_is_compared_across_a_break() -> None:
    labels = [str(year) for year in range(2015, 2025)]

    def used(*breaks: str) -> dict[Side, list[str]]:
        where = sides(labels, BEGAN, breaks)
        return {side: [label for label in labels if where[label] == side] for side in ("before", "after")}

    assert used("2017") == {
        "before": ["2017", "2018", "2019"],
        "after": ["2020", "2021", "2022", "2023", "2024"],
    }
    assert used("2022") == {"before": labels[:5], "after": ["2020", "2021"]}
    assert used("2020") == {"before": [], "after": labels[5:]}
    assert used("2017", "2022") == {"before": ["2017", "2018", "2019"], "after": ["2020", "2021"]}


def test_a_city_with_no_value_on_a_side_is_not_compared_and_cities_without_a_common_year_are_chosen_from() -> (
    None
):
    where = sides(YEARS, BEGAN)
    city = dict.fromkeys(YEARS, 1.0)
    late = {year: 1.0 for year in YEARS if year >= "2020"}
    odd = {year: 1.0 for year in YEARS if int(year) % 2}
    even = {year: 1.0 for year in YEARS if not int(year) % 2}
    assert comparable(city, {"late": late}, where) == []
    assert comparable(city, {"odd": odd, "late": late}, where) == ["odd"]
    assert comparable(city, {"odd": odd, "even": even}, where) == ["even"]  # seven years to six
    assert gaps(city, []) == {}


def test_a_gap_that_moved_before_is_said() -> None:
    where = sides(YEARS, BEGAN)
    assert drift({year: 2.0 * int(year) for year in YEARS}, where) == pytest.approx(2)
    assert drift(dict.fromkeys(YEARS, 5.0), where) is None
    jumping = dict(zip(YEARS, [1.0, 9.0, 2.0, 8.0, 1.5, 9.5, 0, 0, 0, 0, 0, 0, 0], strict=True))
    assert drift(jumping, where) is None
    assert drift({"2018": 1.0, "2019": 2.0}, where) is None


@given(st.dictionaries(st.sampled_from(MONTHS), figures, max_size=30))
def test_any_months_give_a_difference_of_means_or_nothing(values: dict[str, float]) -> None:
    found = change(values, sides(values, BEGAN))
    both = {m[5:] for m in values if m < "2020"} & {m[5:] for m in values if m >= "2020"}
    assert (found is None) == (not both)
    if found is not None:
        assert found.months == len(both)
        want = [
            fmean(v for k, v in values.items() if k >= "2020" and k[5:] == month)
            - fmean(v for k, v in values.items() if k < "2020" and k[5:] == month)
            for month in both
        ]
        assert found.difference == pytest.approx(fmean(want), abs=1e-6)
        assert found.difference == pytest.approx(found.after - found.before, abs=1e-6)
