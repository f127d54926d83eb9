"""The quality of datasets by dimension: measured in each run, kept with it, rolled up, and what would raise it most.

The score of a run is in :func:`mahakam.feeds.known.score`; a dimension says where points are lost:
``share(d) = 1 - rows with a finding of d / rows``, or the share of d's rules on the file as a whole that hold,
whichever is less. Timeliness is less still while a feed is late: ``time allowed / time waited``. A dimension without
a rule is not measured.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mahakam.config import ConfigError
from mahakam.feeds.alerts.wanted import Wanted
from mahakam.feeds.known import Dataset, feed_of, score
from mahakam.feeds.schedule import following
from mahakam.store.model import Run

if TYPE_CHECKING:
    from mahakam.feeds.checking import Judged

DIMENSIONS = ("completeness", "validity", "uniqueness", "consistency", "timeliness", "accuracy")
_OF_STANDARD = {"conformity": "validity", "coverage": "completeness"}
"""Dimensions of the data contract standard that go by another name here."""
_OWN_RULES = {
    "structure": "validity",
    "personalData": "validity",
    "unique": "uniqueness",
    "required": "completeness",
}
"""Of findings that the feed itself makes."""
_MOST_KEPT = 100
"""Combinations of warnings that a run keeps."""
Reasons = tuple[tuple[str, str, str], ...]
"""A row's reasons, each (severity, rule, field)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Shares from 0 to 1. ``before``: the score before the last run; ``at``: ISO 8601 UTC, when it was measured.

    ``datasets``: over how many with a score; ``dimensions`` has those that were measured.
    """

    overall: float | None
    dimensions: Mapping[str, float] = field(default_factory=dict)
    before: float | None = None
    at: str = ""
    datasets: int = 1

    @property
    def moved(self) -> float | None:
        """By how much the score rose, as a share; None where there is nothing to compare."""
        if self.overall is None or self.before is None:
            return None
        return self.overall - self.before


@dataclass(frozen=True, slots=True)
class Raise:
    """A repair and what it brings once those before it are done: ``rows`` have the finding, ``gain`` is a share of 1.

    ``held``: whether it holds rows (else it flags them).
    """

    rule: str
    field: str
    rows: int
    gain: float
    held: bool


def measured(judged: Judged, rows: int, dismissed: Collection[int]) -> dict[str, Any]:
    """What a run keeps of its quality: ``dimensions`` (name → share, rounded down), ``flagged`` (stored rows with a
    warning) and ``flags`` (how many rows have which warnings, ``[[[rule, field], …], rows]``).

    ``rows``: those that count; ``dismissed``: rows that a steward left out.
    """
    rules = judged.check.contract.rules
    dimension_of = {(rule.name, rule.field): _named(rule.dimension) for rule in rules}
    failing: dict[str, int] = {_named(rule.dimension): 0 for rule in rules if not rule.whole}
    flags: Counter[tuple[tuple[str, str], ...]] = Counter()
    flagged = 0
    for row in judged.errors.keys() | judged.warnings.keys():
        if row == 0 or row in dismissed:
            continue
        found = [*judged.errors.get(row, ()), *judged.warnings.get(row, ())]
        for name in {
            dimension_of.get((one.rule, one.field)) or _OWN_RULES.get(one.rule, "validity") for one in found
        }:
            failing[name] = failing.get(name, 0) + 1
        if row not in judged.errors:
            flagged += 1
            flags[tuple(sorted({(one.rule, one.field) for one in found}))] += 1
    shares = {name: _down(1 - number / rows) for name, number in failing.items()} if rows > 0 else {}
    whole: dict[str, list[bool]] = {}
    broken = {(one.rule, one.field) for one in judged.file}
    for rule in rules:
        if rule.whole:
            whole.setdefault(_named(rule.dimension), []).append((rule.name, rule.field) not in broken)
    for name, hold in whole.items():
        shares[name] = min(shares.get(name, 1.0), _down(sum(hold) / len(hold)))
    return {
        "dimensions": {name: shares[name] for name in DIMENSIONS if name in shares},
        "flagged": flagged,
        "flags": [[list(map(list, some)), number] for some, number in flags.most_common(_MOST_KEPT)],
    }


def standing(one: Dataset, now: datetime, began: datetime | None = None) -> Standing:
    """How a dataset stands now. ``began``: when its feed had its last turn, whether or not there was anything new."""
    if one.run is None:
        return Standing(None, datasets=0)
    dimensions = dict(one.run.quality.get("dimensions", {}))
    if (share := _in_time(one, now, began)) is not None:
        dimensions["timeliness"] = min(share, dimensions.get("timeliness", 1.0))
    overall = one.score
    return Standing(
        overall,
        {name: dimensions[name] for name in DIMENSIONS if name in dimensions},
        score(one.before),
        one.updated,
        0 if overall is None else 1,
    )


def rolled(some: Iterable[Standing]) -> Standing:
    """Of an agency or a city: the mean over its datasets, so that a large table does not hide a small one."""
    scored = [one for one in some if one.overall is not None]
    if not scored:
        return Standing(None, datasets=0)
    dimensions = {}
    for name in DIMENSIONS:
        if shares := [one.dimensions[name] for one in scored if name in one.dimensions]:
            dimensions[name] = math.fsum(shares) / len(shares)
    before = None
    if any(one.before is not None for one in scored):
        earlier = [one.overall if one.before is None else one.before for one in scored]
        before = math.fsum(share for share in earlier if share is not None) / len(scored)
    overall = math.fsum(one.overall for one in scored if one.overall is not None) / len(scored)
    return Standing(overall, dimensions, before, max(one.at for one in scored), len(scored))


def history(runs: Iterable[Run]) -> list[tuple[Run, Standing]]:
    """The score after each run of one feed that read its file, the oldest first. ``runs``: in any order."""
    found: list[tuple[Run, Standing]] = []
    for run in sorted(runs, key=lambda one: one.id):
        if run.state in ("clean", "held") and run.read and (now := score(run)) is not None:
            before = found[-1][1].overall if found else None
            found.append((run, Standing(now, run.quality.get("dimensions", {}), before, run.ended)))
    return found


def days(runs: Iterable[Run], timezone: str = "UTC") -> list[tuple[str, Standing]]:
    """(day, standing of all feeds together at its end) for each day on which a run read something, the oldest first.

    ``runs``: of several feeds; ``timezone``: an IANA name, whose days they are.
    """
    zone = ZoneInfo(timezone)
    by_feed: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        by_feed.setdefault((run.place, run.feed), []).append(run)
    steps = [(run.ended, run.id, feed, one) for feed, some in by_feed.items() for run, one in history(some)]
    latest: dict[tuple[str, str], Standing] = {}
    by_day: dict[str, Standing] = {}
    for at, _run, feed, one in sorted(steps, key=lambda step: step[:2]):
        latest[feed] = one
        by_day[datetime.fromisoformat(at).astimezone(zone).date().isoformat()] = rolled(latest.values())
    found: list[tuple[str, Standing]] = []
    for day, one in by_day.items():
        before = found[-1][1].overall if found else None
        found.append((day, Standing(one.overall, one.dimensions, before, one.at, one.datasets)))
    return found


def raises(run: Run, held: Sequence[tuple[Reasons, int]], most: int = 3) -> list[Raise]:
    """The repairs that would raise a dataset's score most, one after the other, each with what it adds.

    ``held``: as :meth:`EntityStore.held_reasons`. A row that is held for two reasons comes in with the second.
    """
    rows = run.read - run.left_out
    if rows <= 0:
        return []
    wrong = [(frozenset(reasons), number) for reasons, number in held]
    for some, number in run.quality.get("flags", ()):
        wrong.append((frozenset(("warning", rule, name) for rule, name in some), number))
    found: list[Raise] = []
    while len(found) < most:
        best: tuple[float, int, str, str] | None = None
        for rule, name in sorted({(r, f) for reasons, _n in wrong for _s, r, f in reasons}):
            gain, having = 0.0, 0
            for reasons, number in wrong:
                left = _without(reasons, rule, name)
                if len(left) < len(reasons):
                    having += number
                    gain += number * (_lost(reasons) - _lost(left))
            if best is None or (gain, having) > best[:2]:
                best = (gain, having, rule, name)
        if best is None or best[1] == 0:
            break
        gain, having, rule, name = best
        holds = any(("error", rule, name) in reasons for reasons, _n in wrong)
        found.append(Raise(rule, name, having, gain / rows, holds))
        wrong = [(_without(reasons, rule, name), n) for reasons, n in wrong]
    return [one for one in found if one.gain > 0]


def _without(
    reasons: frozenset[tuple[str, str, str]], rule: str, name: str
) -> frozenset[tuple[str, str, str]]:
    return frozenset(one for one in reasons if one[1:] != (rule, name))


def _lost(reasons: Collection[tuple[str, str, str]]) -> float:
    """What a row with these reasons takes from the score, in rows."""
    if any(severity == "error" for severity, _rule, _field in reasons):
        return 1.0
    return 0.5 if reasons else 0.0


def _in_time(one: Dataset, now: datetime, began: datetime | None) -> float | None:
    """1 while the feed is not late, then less and less; None without a schedule."""
    try:
        feed = feed_of(one.place, one.name)
    except ConfigError:
        return None
    if one.last is None or not feed.schedule:
        return None
    started = datetime.fromisoformat(one.last.started)
    started = max(started, began) if began else started
    due = following(feed, started)
    if due is None:
        return None
    allowed = (due - started).total_seconds() + Wanted().late
    waited = (now - started).total_seconds()
    return 1.0 if waited <= allowed else _down(allowed / waited)


def _named(dimension: str) -> str:
    return _OF_STANDARD.get(dimension, dimension)


def _down(share: float) -> float:
    """Rounded, but never up to 1."""
    return max(0.0, math.floor(share * 1e6 + 1e-6) / 1e6)
