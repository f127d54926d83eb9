"""The way to a target: what each year asks for, what was measured or is projected, and the gap between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mahakam.indicators.projection import Point, Projection
from mahakam.indicators.series import Series
from mahakam.indicators.value import Value

LONGEST = 60
"""Years of a path that are listed one by one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One year of the way. ``asked`` is what the straight line to the next target asks for; ``gap`` how far the
    measured, else the projected value falls short of it (below 0: it is better than asked; None: neither is known).
    """

    year: int
    asked: float
    target: bool
    measured: Value | None
    projected: Point | None
    gap: float | None


@dataclass(frozen=True, slots=True)
class Way:
    """The path of one indicator. ``start`` is the value that it leads from; ``a_year`` the change that each year
    must bring from the newest value to the next target (None: that year has come).
    """

    start: Value
    steps: tuple[Step, ...]
    next_target: int
    a_year: float | None
    verdict: str
    """What the projection says of the next target: ``likely`` (the whole interval meets it), ``open`` (a part of
    it does), ``unlikely`` (none), ``""`` (not known)."""


def way_of(series: Series, projection: Projection | None) -> Way | None:
    """The way of a series with targets; None where it has none, no direction is better, or nothing was measured."""
    definition, latest = series.definition, series.latest
    if not definition.target or definition.better == "neutral" or latest is None or not latest.period.year:
        return None
    measured = _by_year(series)
    if not measured:
        return None
    baseline = definition.baseline
    start_year = baseline if baseline in measured else max(measured)
    start = measured[start_year]
    ends = {year: value for year, value in definition.target.items() if year > start_year}
    if not ends:
        return None
    assert start.value is not None
    corners = {start_year: start.value, **ends}
    last = min(max(ends), start_year + LONGEST)
    lower = definition.better == "lower"
    steps = []
    for year in range(start_year, last + 1):
        asked = _on_line(corners, year)
        found = measured.get(year)
        point = projection.at(year) if projection and not found else None
        known = found.value if found else point.value if point else None
        gap = None if known is None else (known - asked if lower else asked - known)
        steps.append(Step(year, asked, year in ends, found, point, None if gap is None else _round(gap)))
    newest = max(measured)
    aim = min((year for year in ends if year > newest), default=max(ends))
    a_year = None
    if aim > newest:
        value = measured[newest].value
        assert value is not None
        a_year = _round((ends[aim] - value) / (aim - newest))
    return Way(start, tuple(steps), aim, a_year, _verdict(projection, aim, ends[aim], lower))


def _verdict(projection: Projection | None, year: int, target: float, lower: bool) -> str:
    point = projection.at(year) if projection else None
    if point is None:
        return ""
    best, worst = (point.low, point.high) if lower else (point.high, point.low)

    def meets(value: float) -> bool:
        return value <= target if lower else value >= target

    return "likely" if meets(worst) else "open" if meets(best) else "unlikely"


def _by_year(series: Series) -> dict[int, Value]:
    """The value that stands for a year, since the last break: the year's own, or its newest month's."""
    starts = [label for label in series.definition.breaks if series.latest and label <= series.latest.label]
    found: dict[int, Value] = {}
    for value in series.available:
        if value.label >= max(starts, default=""):
            found[value.period.year] = value
    return found


def _on_line(corners: Mapping[int, float], year: int) -> float:
    if year in corners:
        return corners[year]
    before = max(one for one in corners if one < year)
    after = min(one for one in corners if one > year)
    share = (year - before) / (after - before)
    return _round(corners[before] + share * (corners[after] - corners[before]))


def _round(value: float) -> float:
    """To twelve digits, as all values are kept."""
    return float(f"{value:.12g}")
