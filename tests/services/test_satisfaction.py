"""The satisfaction index: the regulation's arithmetic, its grades, and answers that name nobody."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.services.satisfaction import grade_of, result, survey

CODES = [element.code for element in survey().elements]
rows = st.lists(st.fixed_dictionaries({code: st.integers(1, 4) for code in CODES}), min_size=1, max_size=40)


def test_there_are_nine_elements_in_two_languages() -> None:
    assert len(CODES) == 9
    assert all(set(element.question) == {"en", "id"} for element in survey().elements)


def test_the_weight_is_a_ninth_and_not_0_11() -> None:
    """955 points of 29 answers give 91.48 (by 0.11 it would be 90.56): ../shared/domain.md § 2.7."""
    points = [4] * 29 * 9
    for at in range(29 * 9 * 4 - 955):
        points[at] -= 1
    given = [dict(zip(CODES, points[start : start + 9], strict=True)) for start in range(0, 261, 9)]
    found = result(given)
    assert found
    assert (found.answers, found.index, found.grade) == (29, Decimal("91.48"), "A")


def test_all_fours_are_100_and_all_ones_25() -> None:
    best, worst = result([dict.fromkeys(CODES, 4)]), result([dict.fromkeys(CODES, 1)])
    assert best
    assert worst
    assert (best.index, best.grade, best.half) == (Decimal("100.00"), "A", None)
    assert (worst.index, worst.grade) == (Decimal("25.00"), "D")
    assert result([]) is None


@pytest.mark.parametrize(
    ("index", "grade"),
    [
        ("100", "A"),
        ("88.31", "A"),
        ("88.30", "B"),
        ("76.61", "B"),
        ("76.60", "C"),
        ("65", "C"),
        ("64.99", "D"),
        ("25", "D"),
    ],
)
def test_grades_begin_where_the_regulation_says(index: str, grade: str) -> None:
    assert grade_of(Decimal(index))[0] == grade


@given(rows)
def test_the_index_lies_between_25_and_100_and_has_a_grade(given: list[dict[str, int]]) -> None:
    found = result(given)
    assert found
    assert Decimal(25) <= found.index <= Decimal(100)
    mean = sum(sum(row.values()) for row in given) / (9 * len(given)) * 25
    assert abs(float(found.index) - mean) <= 0.005001
    assert found.half is None or found.half >= 0
