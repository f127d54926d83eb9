"""A register beside the totals that its report states: which agree, and what would explain those that do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from mahakam.network.records import Project, sort_key
from mahakam.network.stated import Printed, Report

What = Literal["projects", "status", "focus_area", "focus_area_share"]
MOVES = 3
"""The most projects that an explanation moves from one focus area to another."""


@dataclass(frozen=True, slots=True)
class Line:
    """One stated figure and the register's own. A share is per cent: ``counted`` is not rounded, and agrees
    if it rounds to what is printed."""

    what: What
    name: str
    stated: float
    counted: float
    projects: int
    agrees: bool


@dataclass(frozen=True, slots=True)
class Move:
    """So many projects counted as ``one`` in the register and as ``other`` in the report explain what differs."""

    projects: int
    one: str
    other: str


def lines(report: Report, projects: Sequence[Project]) -> tuple[Line, ...]:
    """Every figure that the report states, in its order."""
    found: list[Line] = []
    if report.projects is not None:
        found.append(_counted("projects", "", report.projects, len(projects)))
    statuses = Counter(one.status for one in projects)
    for name, stated in _as_told_apart(report.status, statuses).items():
        found.append(_counted("status", name, stated, statuses[name]))
    areas = Counter(one.focus_area for one in projects)
    found += [_counted("focus_area", name, stated, areas[name]) for name, stated in report.focus_area.items()]
    for name, stated in report.focus_area_share.items():
        share = 100 * areas[name] / len(projects) if projects else 0.0
        agrees = _rounds_to(share, stated)
        found.append(Line("focus_area_share", name, stated, share, areas[name], agrees))
    return tuple(found)


def explanation(report: Report, projects: Sequence[Project]) -> Move | None:
    """The smallest move between two focus areas after which every stated share agrees; None if all do, or none does
    it."""
    areas = Counter(one.focus_area for one in projects)
    shares = report.focus_area_share
    total = sum(areas.values())
    wrong = [
        name for name, stated in shares.items() if not _rounds_to(100 * areas[name] / max(total, 1), stated)
    ]
    if not wrong or not total:
        return None
    for number in range(1, MOVES + 1):
        for one, other in permutations(shares, 2):
            moved = {**areas, one: areas[one] - number, other: areas[other] + number}
            if moved[one] >= 0 and all(
                _rounds_to(100 * moved.get(k, 0) / total, v) for k, v in shares.items()
            ):
                return Move(number, one, other)
    return None


def _counted(what: What, name: str, stated: float, counted: int) -> Line:
    return Line(what, name, stated, counted, counted, stated == counted)


def _rounds_to(value: float, printed: float) -> bool:
    """Whether a value is the printed one, to the decimals that are printed (either way at the half)."""
    text = repr(printed)
    decimals = len(text.partition(".")[2]) if isinstance(printed, float) else 0
    return abs(value - printed) <= 0.5 * float(f"1e-{decimals}") + 1e-9


def _as_told_apart(stated: Printed, register: Mapping[str, int]) -> dict[str, float]:
    """Stated statuses, those together that the register does not tell apart (``ongoing or planning``)."""
    found: dict[str, float] = dict(stated)
    for together in register:
        parts = [part for part in together.split(" or ") if part in found]
        if len(parts) > 1 and not any(register.get(part) for part in parts):
            found = {
                (together if name == parts[0] else name): (
                    sum(stated[part] for part in parts) if name == parts[0] else value
                )
                for name, value in found.items()
                if name not in parts[1:]
            }
    return found


@dataclass(frozen=True, slots=True)
class Tally:
    """The projects of a country or a city: how many by focus area, and completed."""

    country: str
    city: str
    projects: int
    completed: int
    by_area: Mapping[str, int]


def tallies(
    projects: Iterable[Project], *, by_city: bool, also: Iterable[tuple[str, str]] = ()
) -> list[Tally]:
    """By name; ``also``: countries and cities ("" for a country's) to be there even without a project."""
    groups: dict[tuple[str, str], list[Project]] = {key: [] for key in also}
    for one in projects:
        groups.setdefault((one.country, one.city if by_city else ""), []).append(one)
    return [
        Tally(
            country,
            city,
            len(found),
            sum(one.status == "completed" for one in found),
            Counter(one.focus_area for one in found),
        )
        for (country, city), found in sorted(groups.items(), key=lambda one: tuple(map(sort_key, one[0])))
    ]
