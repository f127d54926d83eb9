"""How a measure moved from before to after: the difference of means, and how sure one may be of it. Pure arithmetic."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Literal

from mahakam.indicators.period import Period
from mahakam.solutions.student import quantile

Side = Literal["before", "during", "after", "apart"]
"""Where a period lies: ``during`` holds the day on which it began, without beginning that day; ``apart`` is beyond a
break, so that it may not be compared with those around the beginning."""
_DRIFT = 4
"""Values before the beginning from which on it is asked whether the cities were moving apart already."""


@dataclass(frozen=True, slots=True)
class Change:
    """``difference`` is the mean after less the mean before. ``low`` and ``high`` bound it with 95 % confidence; None
    with fewer than two values on a side, or where nothing varies.

    ``before_n`` and ``after_n`` are the values that went in. ``months``: calendar months that were held against
    themselves; 0 for years.
    """

    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    before_n: int
    after_n: int
    months: int = 0

    @property
    def sure(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def sides(labels: Iterable[str], began: dt.date, breaks: Iterable[str] = ()) -> dict[str, Side]:
    """Where each period of a series lies. ``breaks`` are the first periods that were counted in another way."""
    starts = [Period.parse(label) for label in breaks]
    periods = {label: Period.parse(label) for label in labels}
    found = {label: _side(period, began) for label, period in periods.items()}
    later = [period for label, period in periods.items() if found[label] == "after"]
    if not starts or not later:
        return found
    home = _segment(min(later), starts)
    return {
        label: "apart" if side in ("before", "after") and _segment(periods[label], starts) != home else side
        for label, side in found.items()
    }


def _side(period: Period, began: dt.date) -> Side:
    first, last = period.first, period.last
    if first is None or last is None:
        return "apart"
    return "before" if last < began else "after" if first >= began else "during"


def _segment(period: Period, starts: Sequence[Period]) -> int:
    return sum(start <= period for start in starts)


def change(values: Mapping[str, float], sides: Mapping[str, Side]) -> Change | None:
    """Years: Welch's interval of a difference of two means. Months: each calendar month that both sides have against
    itself, so that the season does not count, and Student's interval over these differences.

    The values are taken as independent of each other. None where a side is empty.
    """
    before = {label: value for label, value in values.items() if sides.get(label) == "before"}
    after = {label: value for label, value in values.items() if sides.get(label) == "after"}
    if not before or not after:
        return None
    if Period.parse(next(iter(before))).month:
        return _by_month(before, after)
    one, other = list(before.values()), list(after.values())
    difference = fmean(other) - fmean(one)
    reach = _welch(one, other)
    return Change(fmean(one), fmean(other), difference, *_around(difference, reach), len(one), len(other))


def _by_month(before: Mapping[str, float], after: Mapping[str, float]) -> Change | None:
    one, other = _months(before), _months(after)
    shared = sorted(one.keys() & other.keys())
    if not shared:
        return None
    differences = [fmean(other[month]) - fmean(one[month]) for month in shared]
    difference = fmean(differences)
    reach = None
    if len(differences) > 1 and (spread := variance(differences)) > 0:
        reach = quantile(len(differences) - 1) * math.sqrt(spread / len(differences))
    return Change(
        fmean(fmean(one[month]) for month in shared),
        fmean(fmean(other[month]) for month in shared),
        difference,
        *_around(difference, reach),
        sum(len(one[month]) for month in shared),
        sum(len(other[month]) for month in shared),
        len(shared),
    )


def _months(values: Mapping[str, float]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for label, value in values.items():
        found.setdefault(Period.parse(label).month, []).append(value)
    return found


def _welch(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Half the width of the interval; the degrees of freedom (Welch and Satterthwaite) are rounded down."""
    if len(one) < 2 or len(other) < 2:
        return None
    a, b = variance(one) / len(one), variance(other) / len(other)
    if a + b <= 0:
        return None
    df = (a + b) ** 2 / (a * a / (len(one) - 1) + b * b / (len(other) - 1))
    return quantile(max(1, math.floor(df + 1e-9))) * math.sqrt(a + b)


def _around(middle: float, reach: float | None) -> tuple[float | None, float | None]:
    return (None, None) if reach is None else (middle - reach, middle + reach)


def gaps(values: Mapping[str, float], others: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """By how much the city lay above the mean of the others, for each period that all of them have."""
    shared = set(values).intersection(*others) if others else set()
    return {label: values[label] - fmean(other[label] for other in others) for label in sorted(shared)}


def comparable(
    values: Mapping[str, float], others: Mapping[str, Mapping[str, float]], sides: Mapping[str, Side]
) -> list[str]:
    """Which of the others to compare with: those with values on both sides. If together they leave a side without a
    period that all have, the one that shares the most periods with the city.
    """
    usable = [name for name, other in others.items() if change(gaps(values, [other]), sides) is not None]
    if not usable or change(gaps(values, [others[name] for name in usable]), sides) is not None:
        return usable
    return [max(usable, key=lambda name: (len(gaps(values, [others[name]])), name))]


def drift(values: Mapping[str, float], sides: Mapping[str, Side]) -> float | None:
    """By how much a year a gap moved before the beginning, if it surely did (the slope's interval leaves zero out):
    then what came after need not be the solution's doing. None otherwise, and with fewer than four values.
    """
    before = [(_years(label), value) for label, value in values.items() if sides.get(label) == "before"]
    if len(before) < _DRIFT:
        return None
    x, y = [at for at, _value in before], [value for _at, value in before]
    middle_x, middle_y = fmean(x), fmean(y)
    square = sum((at - middle_x) ** 2 for at in x)
    slope = sum((at - middle_x) * (value - middle_y) for at, value in before) / square
    left = sum((value - middle_y - slope * (at - middle_x)) ** 2 for at, value in before)
    reach = quantile(len(before) - 2) * math.sqrt(left / (len(before) - 2) / square)
    return slope if abs(slope) > reach and abs(slope) > 1e-12 * max(map(abs, y)) else None


def _years(label: str) -> float:
    period = Period.parse(label)
    return period.year + (period.month - 0.5) / 12 if period.month else float(period.year)
