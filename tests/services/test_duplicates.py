"""The duplicate hint: measured on held-out pairs of real requests, and its edges."""

from __future__ import annotations

import pytest
from bench.duplicates.__main__ import AIM, held_out, score
from bench.duplicates.pairs import halves
from hypothesis import given
from hypothesis import strategies as st

from mahakam.services.duplicates import alike, reaches


def test_precision_and_recall_on_real_requests() -> None:
    pairs = held_out(seeds=3)
    clear = [pair for pair in pairs if not pair.unclear]
    assert sum(pair.same for pair in clear) > 300
    precision, recall = score(clear)
    assert precision >= AIM
    assert recall >= AIM


def test_the_halves_share_no_problem() -> None:
    from bench.duplicates.__main__ import DATA

    tried, held = halves(DATA, 1)
    problems = [{one.truth for pair in some for one in (pair.earlier, pair.later)} for some in (tried, held)]
    assert problems[0]
    assert not problems[0] & problems[1]


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("Lampu jalan mati depan pasar", "depan PASAR lampu jalan mati", 1.0, 1.0),
        ("Café terrace", "cafe terrace", 1.0, 1.0),
        ("Sampah menumpuk di gang 5", "sampah numpuk gang 5", 0.8, 1.0),
        ("Sampah menumpuk", "Pohon tumbang", 0.0, 0.6),
        ("", "Pohon tumbang", 0.0, 0.0),
    ],
)
def test_words_in_any_order_and_with_slips(one: str, other: str, least: float, most: float) -> None:
    assert least <= alike(one, other) <= most


@given(st.text(max_size=300), st.text(max_size=300))
def test_likeness_is_a_share_and_the_same_both_ways(one: str, other: str) -> None:
    assert 0 <= alike(one, other) <= 1
    assert alike(one, other) == pytest.approx(alike(other, one))
    assert reaches(True, alike(one, other)) >= 1
