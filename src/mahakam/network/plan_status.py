"""Where a plan stands, computed: milestones past their day, time against milestones, indicators against their path.

The rules are in docs/network.md; their figures are ``plans:`` of network.yaml.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mahakam.network.measured import Measured
from mahakam.network.plan import Outcome, Plan, Project

State = Literal["done", "on_track", "at_risk", "late", "not_judged"]
OutcomeState = Literal["met", "on_path", "behind", "missed", "not_measured"]
WORST: tuple[State, ...] = ("late", "at_risk", "not_judged", "on_track", "done")
Values = Callable[[str, str], Sequence[Measured]]
"""The values of (place, indicator), in order of time."""


@dataclass(frozen=True, slots=True)
class Rules:
    """``late_after_days``: a milestone so many days past its day is late, before that at risk. ``behind_by``: a project
    is at risk if the share of its time exceeds that of its milestones by more. ``path_tolerance``: an indicator may
    fall short of its path by this share of the way."""

    late_after_days: int = 30
    behind_by: float = 0.25
    path_tolerance: float = 0.1


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something stands so: the rule, and its figures."""

    code: str
    values: dict[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutcomeStanding:
    """``expected`` is the path's value when ``latest`` was measured, ``way`` the share of the way that is gone.
    ``measured_baseline`` is the node's value of the baseline year, where it has one."""

    outcome: Outcome
    state: OutcomeState
    latest: Measured | None = None
    expected: float | None = None
    way: float | None = None
    measured_baseline: Measured | None = None

    @property
    def baseline_differs(self) -> bool:
        """Whether the node measured another baseline than the plan states, rounded as the plan states it."""
        if self.measured_baseline is None:
            return False
        decimals = len(f"{self.outcome.baseline:.10f}".rstrip("0").partition(".")[2])
        return round(self.measured_baseline.value, decimals) != round(self.outcome.baseline, decimals)


@dataclass(frozen=True, slots=True)
class ProjectStanding:
    """``time`` is the share of the project's days that is over, 0 to 1."""

    project: Project
    state: State
    reasons: tuple[Reason, ...]
    done: dict[str, str]
    spent: float | None
    time: float | None
    outcomes: tuple[OutcomeStanding, ...]

    @property
    def milestones(self) -> int:
        return len(self.project.milestones)

    @property
    def reached(self) -> int:
        return sum(one.key in self.done for one in self.project.milestones)


@dataclass(frozen=True, slots=True)
class PlanStanding:
    """A plan's projects and outcomes as they stand; the plan stands as the worst of its projects."""

    plan: Plan
    projects: tuple[ProjectStanding, ...]
    outcomes: tuple[OutcomeStanding, ...]

    @property
    def state(self) -> State:
        found = {one.state for one in self.projects}
        return next((state for state in WORST if state in found), "not_judged")

    def count(self, state: State) -> int:
        return sum(one.state == state for one in self.projects)

    @property
    def milestones(self) -> int:
        return sum(one.milestones for one in self.projects)

    @property
    def reached(self) -> int:
        return sum(one.reached for one in self.projects)


def standing_of(plan: Plan, values: Values, rules: Rules, day: dt.date) -> PlanStanding:
    """Judge a plan on a day."""
    outcomes = tuple(outcome_standing(one, values, rules, day) for one in plan.text.outcomes)
    projects = tuple(
        project_standing(
            one, plan, tuple(each for each in outcomes if each.outcome.project == one.key), rules, day
        )
        for one in plan.text.projects
    )
    return PlanStanding(plan, projects, outcomes)


def project_standing(
    project: Project, plan: Plan, outcomes: tuple[OutcomeStanding, ...], rules: Rules, day: dt.date
) -> ProjectStanding:
    done, spent = plan.done(project.key), plan.spent(project.key)
    time = _share_of_time(project, day)
    late, risk = _milestones(project, done, time, rules, day)
    finished = bool(project.milestones) and all(one.key in done for one in project.milestones)
    for one in outcomes:
        name = one.outcome.indicator or one.outcome.name
        if one.state == "missed":
            late.append(Reason("outcome_missed", {"name": name, "year": one.outcome.target_year}))
        elif one.state == "behind":
            risk.append(Reason("outcome_behind", {"name": name}))
    if spent is not None and project.budget is not None and spent > project.budget:
        risk.append(Reason("over_budget", {"spent": spent, "budget": project.budget}))
    state: State
    if not project.milestones:
        state, late = "not_judged", [Reason("no_milestones")]
    elif finished:
        state = "done"
    else:
        state = "late" if late else "at_risk" if risk else "on_track"
    return ProjectStanding(project, state, (*late, *risk), done, spent, time, outcomes)


def _milestones(
    project: Project, done: dict[str, str], time: float | None, rules: Rules, day: dt.date
) -> tuple[list[Reason], list[Reason]]:
    """What makes it late, and what puts it at risk."""
    late: list[Reason] = []
    risk: list[Reason] = []
    open_ones = [one for one in project.milestones if one.key not in done]
    for one in open_ones:
        over = (day - dt.date.fromisoformat(one.due)).days
        if over > 0:
            reason = Reason("overdue", {"key": one.key, "due": one.due, "days": over})
            (late if over > rules.late_after_days else risk).append(reason)
    if open_ones and project.ends < day.isoformat():
        late.append(Reason("past_end", {"ends": project.ends}))
    if open_ones and time is not None:
        reached = 1 - len(open_ones) / len(project.milestones)
        if time - reached > rules.behind_by:
            risk.append(Reason("behind", {"time": time, "reached": reached}))
    return late, risk


def _share_of_time(project: Project, day: dt.date) -> float | None:
    begins, ends = dt.date.fromisoformat(project.begins), dt.date.fromisoformat(project.ends)
    return min(1.0, max(0.0, (day - begins).days / max((ends - begins).days, 1)))


def outcome_standing(outcome: Outcome, values: Values, rules: Rules, day: dt.date) -> OutcomeStanding:
    """The newest value after the baseline against the straight path from baseline to target."""
    found = values(outcome.place, outcome.indicator) if outcome.indicator else ()
    baseline = next((one for one in found if one.label == str(outcome.baseline_year)), None)
    since = [one for one in found if one.position(day) > outcome.baseline_year]
    if not since:
        return OutcomeStanding(outcome, "not_measured", measured_baseline=baseline)
    latest = since[-1]
    years = outcome.target_year - outcome.baseline_year
    due = min(1.0, (latest.position(day) - outcome.baseline_year) / years)
    change = outcome.target - outcome.baseline
    way = (latest.value - outcome.baseline) / change
    state: OutcomeState
    if way >= 1:
        state = "met"
    elif latest.position(day) >= outcome.target_year:
        state = "missed"
    else:
        state = "behind" if way < due - rules.path_tolerance else "on_path"
    return OutcomeStanding(outcome, state, latest, outcome.baseline + due * change, way, baseline)
