"""What a part of an action plan lacks or has wrong: every fault at once, each naming its field."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable

from mahakam.faults import Fault
from mahakam.network.plan import FOCUS_AREAS, SUPPORT, Frame, Milestone, Outcome, Progress, Project
from mahakam.network.recommendation import LONGEST_TEXT, LONGEST_TITLE, Words

MOST_PROJECTS, MOST_MILESTONES, MOST_TARGETS, MOST_OUTCOMES, MOST_PROGRESS = 40, 20, 20, 20, 400
_YEARS = range(1990, 2101)
_CURRENCY = re.compile(r"[A-Z]{3}")


def frame_faults(frame: Frame) -> list[Fault]:
    """Fields: ``vision``, ``until``, ``focus-N-…``, ``target-N-…``."""
    faults = [] if any(frame.vision.values()) else [Fault("vision", "either", {})]
    faults += _long("vision", frame.vision)
    if frame.until and frame.until not in _YEARS:
        faults.append(Fault("until", "calendar_year", {}))
    if not frame.focus:
        faults.append(Fault("focus", "focus", {}))
    seen: set[str] = set()
    for at, one in enumerate(frame.focus):
        if one.area not in FOCUS_AREAS:
            faults.append(Fault(f"focus-{at}-area", "area", {"what": one.area}))
        elif one.area in seen:
            faults.append(Fault(f"focus-{at}-area", "twice", {"what": one.area}))
        else:
            faults += [
                Fault(f"focus-{at}-sub_areas", "sub_area", {"what": sub, "area": one.area})
                for sub in one.sub_areas
                if sub not in FOCUS_AREAS[one.area]
            ]
        seen.add(one.area)
        faults += _long(f"focus-{at}-why", one.why)
    if len(frame.targets) > MOST_TARGETS:
        faults.append(Fault("targets", "many", {"most": MOST_TARGETS}))
    for at, target in enumerate(frame.targets):
        faults += [] if any(target.text.values()) else [Fault(f"target-{at}-text", "either", {})]
        faults += _long(f"target-{at}-text", target.text)
        faults += _day(f"target-{at}-due", target.due)
    return faults


def project_faults(project: Project) -> list[Fault]:
    """Fields: those of a project, and ``milestone-N-…``. Budget, running cost and who pays each are asked for: what
    earlier plans of the network lacked most."""
    faults = [] if any(project.title.values()) else [Fault("title", "either", {})]
    faults += _long("title", project.title, LONGEST_TITLE)
    faults += [*_long("overview", project.overview), *_long("challenges", project.challenges)]
    if project.area not in FOCUS_AREAS:
        faults.append(Fault("area", "area", {"what": project.area}))
    elif project.sub_area and project.sub_area not in FOCUS_AREAS[project.area]:
        faults.append(Fault("sub_area", "sub_area", {"what": project.sub_area, "area": project.area}))
    ends = [*_day("begins", project.begins), *_day("ends", project.ends)]
    faults += ends
    if not ends and project.ends <= project.begins:
        faults.append(Fault("ends", "order", {}))
    for name, amount in (("budget", project.budget), ("running_cost", project.running_cost)):
        if amount is None or amount < 0:
            faults.append(Fault(name, "amount", {}))
    for name, who in (("source", project.source), ("running_source", project.running_source)):
        if not 0 < len(who) <= LONGEST_TITLE:
            faults.append(Fault(name, "pays", {"most": LONGEST_TITLE}))
    if not _CURRENCY.fullmatch(project.currency):
        faults.append(Fault("currency", "currency", {"what": project.currency}))
    if sum(map(len, project.partners)) > LONGEST_TEXT:
        faults.append(Fault("partners", "long", {"most": LONGEST_TEXT}))
    faults += [Fault("support", "support", {"what": one}) for one in project.support if one not in SUPPORT]
    if len(project.register) > LONGEST_TITLE:
        faults.append(Fault("register", "long", {"most": LONGEST_TITLE}))
    return faults + _milestone_faults(project, between=not ends)


def _milestone_faults(project: Project, *, between: bool) -> list[Fault]:
    if not project.milestones:
        return [Fault("milestones", "milestones", {})]
    if len(project.milestones) > MOST_MILESTONES:
        return [Fault("milestones", "many", {"most": MOST_MILESTONES})]
    faults: list[Fault] = []
    keys: set[str] = set()
    for at, one in enumerate(project.milestones):
        name = f"milestone-{at}"
        faults += [] if any(one.text.values()) else [Fault(f"{name}-text", "either", {})]
        faults += _long(f"{name}-text", one.text)
        wrong = _day(f"{name}-due", one.due)
        faults += wrong
        if between and not wrong and not project.begins <= one.due <= project.ends:
            faults.append(Fault(f"{name}-due", "outside", {"begins": project.begins, "ends": project.ends}))
        if one.key in keys:
            faults.append(Fault(f"{name}-key", "twice", {"what": one.key}))
        keys.add(one.key)
    return faults


def outcome_faults(outcomes: Iterable[Outcome], projects: Collection[str]) -> list[Fault]:
    """Fields: ``outcome-N-…``."""
    faults: list[Fault] = []
    outcomes = tuple(outcomes)
    if len(outcomes) > MOST_OUTCOMES:
        faults.append(Fault("outcomes", "many", {"most": MOST_OUTCOMES}))
    for at, one in enumerate(outcomes):
        name = f"outcome-{at}"
        if not one.indicator and not 0 < len(one.name) <= LONGEST_TITLE:
            faults.append(Fault(f"{name}-indicator", "indicator", {}))
        if one.project and one.project not in projects:
            faults.append(Fault(f"{name}-project", "no_project", {"what": one.project}))
        years = [
            Fault(f"{name}-{field}", "calendar_year", {})
            for field, year in (("baseline_year", one.baseline_year), ("target_year", one.target_year))
            if year not in _YEARS
        ]
        faults += years
        if not years and one.target_year <= one.baseline_year:
            faults.append(Fault(f"{name}-target_year", "order", {}))
        if one.target == one.baseline:
            faults.append(Fault(f"{name}-target", "no_change", {}))
    return faults


def progress_faults(said: Progress, project: Project | None, day: dt.date) -> list[Fault]:
    """Fields: ``project``, ``done-M1``, ``spent``, ``text``, ``evidence`` …. Nothing lies ahead of ``day``; a milestone
    that was reached needs evidence."""
    if project is None:
        return [Fault("project", "no_project", {"what": said.project})]
    faults: list[Fault] = []
    known = {one.key for one in project.milestones}
    for key, reached in said.done.items():
        if key not in known:
            faults.append(Fault("done", "no_milestone", {"what": key, "known": ", ".join(sorted(known))}))
        elif reached and (wrong := _day(f"done-{key}", reached)):
            faults += wrong
        elif reached > day.isoformat():
            faults.append(Fault(f"done-{key}", "ahead", {}))
    if any(said.done.values()) and not said.evidence:
        faults.append(Fault("evidence", "proof", {}))
    if said.spent is not None and said.spent < 0:
        faults.append(Fault("spent", "amount", {}))
    if said.year not in _YEARS:
        faults.append(Fault("year", "calendar_year", {}))
    if not 0 < len(said.text) <= LONGEST_TEXT:
        faults.append(Fault("text", "words", {"most": LONGEST_TEXT}))
    faults += [
        Fault(name, "long", {"most": LONGEST_TEXT})
        for name in ("challenges", "support", "next")
        if len(getattr(said, name)) > LONGEST_TEXT
    ]
    return faults


def keyed(milestones: Iterable[Milestone]) -> tuple[Milestone, ...]:
    """Milestones, those without a key given the next one."""
    found = list(milestones)
    numbers = [int(one.key[1:]) for one in found if re.fullmatch(r"M\d{1,6}", one.key)]
    following = max(numbers, default=0)
    for at, one in enumerate(found):
        if not one.key:
            following += 1
            found[at] = Milestone(key=f"M{following}", text=one.text, due=one.due)
    return tuple(found)


def _day(field: str, text: str) -> list[Fault]:
    try:
        return [] if len(text) == 10 and dt.date.fromisoformat(text) else [Fault(field, "date", {})]
    except ValueError:
        return [Fault(field, "date", {})]


def _long(field: str, words: Words, most: int = LONGEST_TEXT) -> list[Fault]:
    return [Fault(field, "long", {"most": most})] if any(len(one) > most for one in words.values()) else []
