"""The steps of an action plan: its parts written, progress reported, a year's update sent, given back, taken in.

Pure: each step takes a plan and gives the next one, or raises Refused or Changed. Two people who write different parts
do not meet; of two who write the same part, the second is shown what stands there now.
"""

from __future__ import annotations

import datetime as dt
import re

import msgspec

from mahakam.faults import Changed, Fault, Refused, refuse
from mahakam.network.plan import Frame, Outcome, Plan, Progress, Project, Text, Update, UpdateState, mark
from mahakam.network.plan_check import (
    MOST_PROGRESS,
    MOST_PROJECTS,
    frame_faults,
    keyed,
    outcome_faults,
    progress_faults,
    project_faults,
)
from mahakam.network.recommendation import LONGEST_TEXT, Author


def write_frame(plan: Plan, frame: Frame, seen: str) -> Plan:
    """Vision, focus areas and strategic targets."""
    _unchanged(plan.text.frame, seen)
    _refuse(frame_faults(frame))
    return _with(plan, msgspec.structs.replace(plan.text, frame=frame))


def write_project(plan: Plan, project: Project, seen: str) -> Plan:
    """A project by its key; one without is added under the next (P1, P2, …)."""
    before = plan.text.project(project.key) if project.key else None
    if project.key:
        _unchanged(before, seen)
    project = msgspec.structs.replace(project, milestones=keyed(project.milestones))
    faults = project_faults(project)
    if before is None and len(plan.text.projects) >= MOST_PROJECTS:
        faults.append(Fault("form", "many", {"most": MOST_PROJECTS}))
    _refuse(faults)
    if before is not None:
        projects = tuple(project if one.key == project.key else one for one in plan.text.projects)
    else:
        projects = (*plan.text.projects, msgspec.structs.replace(project, key=_next_key(plan)))
    return _with(plan, msgspec.structs.replace(plan.text, projects=projects))


def remove_project(plan: Plan, key: str, seen: str) -> Plan:
    """Its reports stay, and so does what stood there; outcomes that named it are the plan's from now on."""
    _unchanged(plan.text.project(key), seen)
    projects = tuple(one for one in plan.text.projects if one.key != key)
    outcomes = tuple(
        msgspec.structs.replace(one, project="") if one.project == key else one for one in plan.text.outcomes
    )
    return _with(plan, msgspec.structs.replace(plan.text, projects=projects, outcomes=outcomes))


def write_outcomes(plan: Plan, outcomes: tuple[Outcome, ...], seen: str) -> Plan:
    _unchanged(plan.text.outcomes, seen)
    _refuse(outcome_faults(outcomes, [one.key for one in plan.text.projects]))
    return _with(plan, msgspec.structs.replace(plan.text, outcomes=outcomes))


def write_all(plan: Plan, text: Text, seen: str) -> Plan:
    """The whole text, as a file has it, already checked by who read it."""
    _unchanged(plan.text, seen)
    return _with(plan, text)


def report(plan: Plan, said: Progress, day: dt.date) -> Plan:
    """Progress of a project; it is added to what was said, never put in its place. While the year's update lies with
    the Secretariat, or was taken in, it cannot be added to."""
    last = plan.update(said.year)
    if last is not None and last.state != "returned":
        raise refuse("form", "sent")
    faults = progress_faults(said, plan.text.project(said.project), day)
    if len(plan.progress) >= MOST_PROGRESS:
        faults.append(Fault("form", "many", {"most": MOST_PROGRESS}))
    _refuse(faults)
    return _counted(msgspec.structs.replace(plan, progress=(*plan.progress, said)))


def send(plan: Plan, year: int, text: str, by: Author, at: str) -> Plan:
    """The city's update goes to the Secretariat: every project of it was reported."""
    last = plan.update(year)
    if last is not None and last.state != "returned":
        raise Changed
    if not plan.text.projects:
        raise refuse("send", "no_projects")
    missing = plan.unreported(year)
    if missing:
        raise refuse("send", "unreported", what=", ".join(missing), year=year)
    if len(text) > LONGEST_TEXT:
        raise refuse("send", "long", most=LONGEST_TEXT)
    return _updated(plan, year, "sent", text, by, at)


def give_back(plan: Plan, year: int, reason: str, by: Author, at: str) -> Plan:
    """The Secretariat asks again, and says what."""
    _lies(plan, year)
    if not 0 < len(reason.strip()) <= LONGEST_TEXT:
        raise refuse("reason", "reason")
    return _updated(plan, year, "returned", reason, by, at)


def take_in(plan: Plan, year: int, by: Author, at: str) -> Plan:
    """The Secretariat collates it."""
    _lies(plan, year)
    return _updated(plan, year, "collated", "", by, at)


def _lies(plan: Plan, year: int) -> None:
    last = plan.update(year)
    if last is None or last.state != "sent":
        raise Changed


def _updated(plan: Plan, year: int, state: UpdateState, text: str, by: Author, at: str) -> Plan:
    step = Update(at, by, year, state, text.strip())
    return _counted(msgspec.structs.replace(plan, updates=(*plan.updates, step)))


def _unchanged(part: object, seen: str) -> None:
    if mark(part) != seen:
        raise Changed


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Refused(faults)


def _next_key(plan: Plan) -> str:
    """A key that no project has or had: what was reported of one never becomes another's."""
    keys = [one.key for one in plan.text.projects] + [one.project for one in plan.progress]
    numbers = (int(key[1:]) for key in keys if re.fullmatch(r"P\d{1,6}", key))
    return f"P{max(numbers, default=0) + 1}"


def _with(plan: Plan, text: Text) -> Plan:
    if text == plan.text:
        raise refuse("form", "same")
    return _counted(msgspec.structs.replace(plan, text=text))


def _counted(plan: Plan) -> Plan:
    return msgspec.structs.replace(plan, changes=plan.changes + 1)
