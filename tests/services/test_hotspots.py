"""Hot spots: the statistic is the published one, a planted spot is found, and chance alone seldom names one."""

from __future__ import annotations

import math
import random

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mahakam.services.hotspots import FEWEST, best_ratios, hot_spots

CENTRE = (117.15, -0.5)
CITY = sorted(h3.grid_disk(h3.latlng_to_cell(CENTRE[1], CENTRE[0], 8), 6))
"""127 hexagons."""


def _inside(chance: random.Random, cell: str) -> tuple[float, float]:
    """A point near the middle of a cell."""
    latitude, longitude = h3.cell_to_latlng(cell)
    return longitude + chance.gauss(0, 0.0003), latitude + chance.gauss(0, 0.0003)


def _by_chance(chance: random.Random, count: int) -> list[tuple[float, float]]:
    return [_inside(chance, chance.choice(CITY)) for _ in range(count)]


def _by_the_book(values: list[int], shares: list[float], windows: list[list[int]]) -> list[float]:
    """Kulldorff (1997), equation for the Poisson model, of each window."""
    total = sum(values)
    found = []
    for window in windows:
        c, e = sum(values[i] for i in window), total * sum(shares[i] for i in window)
        if c <= e:
            found.append(0.0)
            continue
        rest = (total - c) * math.log((total - c) / (total - e)) if total > c else 0.0
        found.append(c * math.log(c / e) + rest)
    return found


@given(st.lists(st.integers(0, 50), min_size=9, max_size=40), st.randoms(use_true_random=False))
def test_the_statistic_is_the_published_one(values: list[int], chance: random.Random) -> None:
    n = len(values)
    weights = [chance.uniform(0.1, 5) for _ in values]
    shares = [weight / sum(weights) for weight in weights]
    near = [[i, *chance.sample([j for j in range(n) if j != i], chance.randint(0, 6))] for i in range(n)]
    padded = np.array([mine + [n] * (7 - len(mine)) for mine in near], np.intp)
    ours = best_ratios(np.array([values], float), np.array(shares), padded)[0]
    alone, together = (_by_the_book(values, shares, w) for w in ([[i] for i in range(n)], near))
    assert ours == pytest.approx([max(pair) for pair in zip(alone, together, strict=True)], abs=1e-6)


@pytest.mark.parametrize("wide", [False, True], ids=["one cell", "a cell and its neighbours"])
def test_a_planted_spot_is_found_and_nothing_else(wide: bool) -> None:
    chance = random.Random(4)
    spot = CITY[17]
    where = sorted(h3.grid_disk(spot, 1)) if wide else [spot]
    planted = [_inside(chance, chance.choice(where)) for _ in range(60 if wide else 20)]
    cells = hot_spots(_by_chance(chance, 500) + planted)
    hot = {cell.id for cell in cells if cell.hot}
    assert spot in hot
    assert hot <= set(h3.grid_disk(spot, 2)), "windows touch their neighbours, nothing farther"
    assert cells[0].count > cells[0].expected


def test_chance_alone_seldom_names_a_spot() -> None:
    """At 5 % for all cells together, two of 40 cities without a spot are expected to show one."""
    false = sum(
        any(cell.hot for cell in hot_spots(_by_chance(random.Random(seed), 600), seed=seed))
        for seed in range(40)
    )
    assert false <= 6, "seven of 40 or more come in fewer than 1 of 200 runs at 5 %"


def test_what_is_usual_is_no_spot() -> None:
    """Where people report everything, much of one kind is no news; where they report little, it is."""
    chance = random.Random(9)
    centre, quiet = CITY[40], CITY[90]
    everything = _by_chance(chance, 400) + [_inside(chance, centre) for _ in range(400)]
    lamps = everything[::8] + [_inside(chance, quiet) for _ in range(25)]
    hot = {cell.id for cell in hot_spots(lamps, everything + lamps) if cell.hot}
    assert quiet in hot
    assert centre not in hot
    assert centre in {cell.id for cell in hot_spots(lamps) if cell.hot}, "against all cells alike it is one"


def test_few_reports_name_nothing() -> None:
    assert hot_spots(_by_chance(random.Random(1), FEWEST - 1)) == []
    (only,) = hot_spots([CENTRE] * FEWEST)
    assert not only.hot, "with one cell there is nothing to compare"


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_the_same_reports_give_the_same_spots(seed: int) -> None:
    points = _by_chance(random.Random(seed), 60)
    again = list(points)
    random.Random(seed).shuffle(again)
    assert hot_spots(points) == hot_spots(again)
