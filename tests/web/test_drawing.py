"""Server-made pictures: what is drawn lies in its frame, and a chart shows what the numbers say."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mahakam.web import charts, shapes

_longitude = st.floats(-179, 179)
_latitude = st.floats(-80, 80)
_positions = st.lists(st.tuples(_longitude, _latitude), min_size=1, max_size=40)


@given(_positions)
def test_a_frame_holds_what_it_was_made_for(line: list[tuple[float, float]]) -> None:
    geometry: dict[str, Any] = {"type": "LineString", "coordinates": line}
    area = shapes.bounds([geometry])
    assert area
    frame = shapes.frame(area, 600, 400, margin=5)
    for position in line:
        x, y = frame.xy(position)
        assert 4.8 <= x <= 595.2
        assert 4.8 <= y <= 395.2


def test_north_is_up_and_east_is_right() -> None:
    frame = shapes.frame((117.0, -0.7, 117.3, -0.3), 300, 300)
    assert frame.xy((117.0, -0.3))[1] < frame.xy((117.0, -0.7))[1]
    assert frame.xy((117.0, -0.5))[0] < frame.xy((117.3, -0.5))[0]


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 500)), min_size=2, max_size=80), st.floats(0.1, 20))
def test_a_simplified_line_stays_within_the_tolerance(
    points: list[tuple[float, float]], tolerance: float
) -> None:
    drawn = shapes.simplify(points, tolerance)
    assert drawn[0] == points[0]
    assert drawn[-1] == points[-1]
    assert len(drawn) <= len(points)
    for point in points:
        assert min(_distance(point, a, b) for a, b in pairwise(drawn)) <= tolerance + 1e-6


def _distance(point: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    t = max(0.0, min(1.0, ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length)) if length else 0.0
    return float(((point[0] - a[0] - t * dx) ** 2 + (point[1] - a[1] - t * dy) ** 2) ** 0.5)


def test_names_in_a_picture_are_escaped() -> None:
    drawing = shapes.Drawing('"<x>', shapes.frame((0, 0, 1, 1), 10, 10))
    drawing.draw({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, "line", "<script>", '/a?b="c')
    drawing.dot((0.5, 0.5), "point", 2, "<script>")
    assert "<script>" not in drawing.svg()
    assert '"<x>' not in drawing.svg()


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=2, max_size=80))
def test_higher_values_have_taller_bars_and_missing_ones_none(values: list[float | None]) -> None:
    data = [charts.Bar(str(index), value) for index, value in enumerate(values)]
    picture = charts.bars(data, "values")
    heights = [
        float(found)
        for found in re.findall(
            r'class="bar-mark[^"]*" x="[^"]*" width="[^"]*" y="[^"]*" height="([\d.]+)"', picture
        )
    ]
    present = [value for value in values if value is not None]
    assert len(heights) == len(present)
    assert picture.count('class="gap"') == len(values) - len(present)
    for (a, tall), (b, other) in pairwise(sorted(zip(map(abs, present), heights, strict=True))):
        assert a <= b
        assert tall <= other + 0.11


@given(
    st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20), st.one_of(st.none(), st.floats(-1e12, 1e12))
)
def test_an_axis_holds_everything_with_zero(values: list[float], level: float | None) -> None:
    low, high, steps = charts.scale(values, level)
    every = [*values, 0.0, *([level] if level is not None else [])]
    margin = 1e-6 * (high - low)
    assert low - margin <= min(every)
    assert max(every) <= high + margin
    assert 2 <= len(steps) <= 8


def test_ticks_name_years_and_never_crowd() -> None:
    months = [f"{year}-{month:02}" for year in range(2020, 2026) for month in range(1, 13)][11:]
    ticks = charts.ticks(months, 6)
    assert len(ticks) == len(months)
    assert [tick for tick in ticks if tick] == ["2021", "2022", "2023", "2024", "2025"]
    years = [str(year) for year in range(1998, 2013)]
    assert sum(bool(tick) for tick in charts.ticks(years, 6)) <= 6
    assert charts.ticks(["2023", "2024"], 6) == ["2023", "2024"]
