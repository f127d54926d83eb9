"""Aggregated values over periods of time (clause 4.5.19): pure functions of instances and their times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import fsum, isfinite, sqrt
from typing import Any

import orjson

from mahakam.ngsild.duration import DURATION_RULE, seconds_of
from mahakam.ngsild.entity import VALUE_MEMBER
from mahakam.ngsild.temporal_query import Period, fault

_MAX_SECONDS = 3.2e10


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    return value if isinstance(value, int | float) else None


def _numeric(work: Callable[[list[float]], float]) -> Callable[[list[Any]], Any]:
    """``work`` on values that are all numbers (true is 1, false 0); nothing for others."""

    def of(values: list[Any]) -> Any:
        numbers = [number for number in map(_number, values) if number is not None]
        if not numbers or len(numbers) != len(values):
            return None
        try:
            result = work(numbers)
        except OverflowError:
            return None
        return result if isfinite(result) else None

    return of


def _extreme(work: Callable[[Any], Any]) -> Callable[[list[Any]], Any]:
    """Of numbers, or of texts by their code points."""

    def of(values: list[Any]) -> Any:
        if all(isinstance(value, str) for value in values):
            return work(values)
        return _numeric(work)(values)

    return of


def _deviation(numbers: list[float]) -> float:
    """The standard deviation of the whole population."""
    mean = fsum(numbers) / len(numbers)
    return sqrt(fsum((number - mean) ** 2 for number in numbers) / len(numbers))


def _alike(value: Any) -> Any:
    """The same for values that are the same: 0, 0.0 and -0.0 are one number, true is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


METHODS: Mapping[str, Callable[[list[Any]], Any]] = {
    "totalCount": len,
    "distinctCount": lambda values: len(set(map(_alike, values))),
    "sum": _numeric(fsum),
    "avg": _numeric(lambda numbers: fsum(numbers) / len(numbers)),
    "min": _extreme(min),
    "max": _extreme(max),
    "stddev": _numeric(_deviation),
    "sumsq": _numeric(lambda numbers: fsum(number * number for number in numbers)),
}
"""Name → the function of the values of a period; None where it does not apply to them."""


@dataclass(frozen=True, slots=True)
class Aggregation:
    """``seconds``: the length of a period; 0 is all in one. ``origin``: where the first one begins."""

    methods: tuple[str, ...]
    seconds: float
    origin: str = ""
    end: str = ""

    def draw(self, kind: str, found: Sequence[dict[str, Any]], times: Sequence[str]) -> dict[str, Any]:
        """Method → ``[value, start, end]`` of each period that has instances, the earliest first."""
        moments = [_moment(time) for time in times]
        origin = _moment(self.origin) if self.origin else min(moments)
        member = VALUE_MEMBER[kind]
        periods: dict[int, list[Any]] = {}
        for one, moment in sorted(zip(found, moments, strict=True), key=lambda pair: pair[1]):
            index = int((moment - origin).total_seconds() // self.seconds) if self.seconds else 0
            periods.setdefault(index, []).append(one[member])
        last = _moment(self.end) if self.end else max(moments)
        out: dict[str, Any] = {}
        for method in self.methods:
            rows = []
            for index, values in sorted(periods.items()):
                value = METHODS[method](values)
                if value is not None:
                    rows.append([value, *self._bounds(origin, index, last)])
            out[method] = rows
        return out

    def _bounds(self, origin: datetime, index: int, last: datetime) -> tuple[str, str]:
        if not self.seconds:
            return _text(origin), _text(last)
        return _shifted(origin, index * self.seconds), _shifted(origin, (index + 1) * self.seconds)


def parse_aggregation(params: Mapping[str, Any], period: Period | None) -> Aggregation:
    """The aggregation of a request; raises Problem BadRequestData."""
    methods = tuple(dict.fromkeys(part.strip() for part in str(params.get("aggrMethods", "")).split(",")))
    if methods == ("",):
        raise fault("aggrMethods", f"aggregatedValues needs one or more of {', '.join(METHODS)}")
    for method in methods:
        if method not in METHODS:
            raise fault("aggrMethods", f"{method[:40]!r} is none of {', '.join(METHODS)}")
    seconds = seconds_of(str(params.get("aggrPeriodDuration", "PT0S")))
    if seconds is None or seconds > _MAX_SECONDS or 0 < seconds < 0.001:
        raise fault("aggrPeriodDuration", f"{DURATION_RULE}; PT0S is the whole time")
    if period is None or period.timerel == "before":
        return Aggregation(methods, seconds, end=period.at if period else "")
    return Aggregation(methods, seconds, period.at, period.end)


def _moment(time: str) -> datetime:
    whole, _, fraction = time.removesuffix("Z").replace(",", ".").partition(".")
    moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    return moment + timedelta(microseconds=int(fraction[:6].ljust(6, "0"))) if fraction else moment


def _shifted(moment: datetime, seconds: float) -> str:
    try:
        return _text(moment + timedelta(seconds=seconds))
    except OverflowError:
        return "9999-12-31T23:59:59Z"


def _text(moment: datetime) -> str:
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.removesuffix("+00:00") + "Z"
