"""Temporal queries: timerel, timeAt, endTimeAt, timeproperty, lastN (clause 4.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mahakam.ngsild.lexical import TIME_RULE, is_time
from mahakam.ngsild.problem import Problem, bad_request

TIMERELS = ("before", "after", "between")
TIMEPROPERTIES = ("observedAt", "createdAt", "modifiedAt", "deletedAt")
MAX_LAST = 1_000_000


@dataclass(frozen=True, slots=True)
class Period:
    """A temporal query (clause 4.11): before, after or between times that are ISO 8601 UTC."""

    timerel: str
    at: str
    end: str = ""
    timeproperty: str = "observedAt"

    def meets(self, interval: Mapping[str, str]) -> bool:
        """Whether an interval has a part that lies in the period."""
        start, end = interval["startAt"], interval.get("endAt", "9999")
        if self.timerel == "before":
            return start < self.at
        if self.timerel == "after":
            return end > self.at
        return start < self.end and end > self.at


@dataclass(frozen=True, slots=True)
class Validity:
    """When an entity had a scope that was asked for (clause 4.18, 5.7.4): what came about outside of it is not wanted.

    ``spans``: from, until before which, in the form of :func:`sortable`. ``scopes``: the numbers of the moments
    that set such a scope. ``carried``: that of the one set before a period and valid at its beginning; 0 for none.
    """

    spans: tuple[tuple[str, str], ...]
    scopes: tuple[int, ...]
    carried: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """Which moments of one entity are wanted.

    Without a period those come too that were never observed; deletedAt wants those that were deleted.
    A period begins with its first time and ends before its last one (clause 4.11).

    ``attributes``, ``datasets``: none named is all ("" is the default instance). ``last``: the newest so
    many of each attribute. ``newest``: the newest first. ``limit``: at most so many; 0 is all.
    """

    entity: str
    timeproperty: str = "observedAt"
    period: Period | None = None
    attributes: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    last: int = 0
    newest: bool = False
    limit: int = 0
    valid: Validity | None = None


def parse_period(params: Mapping[str, Any]) -> Period | None:
    """The temporal query of parameters or of a ``temporalQ``; raises Problem BadRequestData."""
    timerel = params.get("timerel")
    if timerel is None:
        for name in ("timeAt", "endTimeAt"):
            if name in params:
                raise fault(name, "goes with timerel")
        return None
    at, end = params.get("timeAt"), params.get("endTimeAt", "")
    if timerel not in TIMERELS:
        raise fault("timerel", f"one of {', '.join(TIMERELS)}")
    if not is_time(at):
        raise fault("timeAt", f"{TIME_RULE}, was expected")
    if timerel == "between" and not is_time(end):
        raise fault("endTimeAt", f"between needs {TIME_RULE}, at which it ends")
    return Period(timerel, str(at), str(end), parse_timeproperty(params))


def parse_timeproperty(params: Mapping[str, Any]) -> str:
    """Which time is meant, observedAt if nothing is said; raises Problem BadRequestData."""
    timeproperty = params.get("timeproperty", "observedAt")
    if timeproperty not in TIMEPROPERTIES:
        raise fault("timeproperty", f"one of {', '.join(TIMEPROPERTIES)}")
    return str(timeproperty)


def parse_last(params: Mapping[str, Any]) -> int:
    """The number of ``lastN``, 0 if it is not given; raises Problem BadRequestData."""
    if "lastN" not in params:
        return 0
    text = str(params["lastN"])
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_LAST:
        raise fault("lastN", f"a whole number from 1 to {MAX_LAST} was expected, not {text[:40]!r}")
    return int(text[:9])


@lru_cache(4096)
@lru_cache(maxsize=4096)
def sortable(time: str) -> str:
    """A time in the form in which texts sort as times do: no final Z, a fraction after a point, none of zero."""
    text = time.removesuffix("Z").replace(",", ".")
    return text.rstrip("0").removesuffix(".") if "." in text else text


def fault(name: str, detail: str) -> Problem:
    """The refusal of a temporal query."""
    return bad_request("The temporal query is not valid", f"{name}: {detail}")
