"""An action plan read in from and written out to a file (YAML or XLSX), every fault named by its place in the file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from mahakam.faults import Fault, Refused, refuse
from mahakam.network import plan_sheets, plan_steps, plan_yaml
from mahakam.network.plan import Focus, Frame, Milestone, Outcome, Plan, Progress, Project, Target, Text
from mahakam.network.plan_check import frame_faults, keyed, outcome_faults, progress_faults, project_faults
from mahakam.network.plan_rows import COLUMNS, Row, at, read
from mahakam.network.recommendation import Author, Evidence

Ending = Literal["yaml", "xlsx"]
ENDINGS: tuple[Ending, ...] = ("yaml", "xlsx")
LARGEST = 4 * 2**20
Cited = Callable[[Sequence[str], str], tuple[tuple[Evidence, ...], list[Fault]]]
"""Lines of evidence, and the field that they stand in → what they cite, and what is wrong with them."""
_TEXT_FIELD = re.compile(r"(focus|target|milestone|outcome)-(\d+)-(\w+)")


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds. ``progress`` are all the reports in it, those known already among them."""

    city: str
    text: Text
    progress: tuple[Progress, ...]


def read_plan(content: bytes, ending: Ending, cited: Cited, by: Author, moment: str, day: dt.date) -> Found:
    """Raises Refused with every fault; nothing is taken from a file that has one."""
    rows = plan_sheets.rows_of(content) if ending == "xlsx" else plan_yaml.rows_of(content)
    sheets: dict[str, list[Row]] = {}
    faults: list[Fault] = []
    for sheet in COLUMNS:
        sheets[sheet], wrong = read(sheet, rows[sheet])
        faults += wrong
    frame, wrong = _frame(sheets)
    faults += wrong
    projects, wrong = _projects(sheets)
    faults += wrong
    outcomes, wrong = _outcomes(sheets["outcomes"], [one.key for one in projects])
    faults += wrong
    progress, wrong = _progress(sheets["progress"], projects, cited, by, moment, day)
    faults += wrong
    if faults:
        raise Refused(_once(faults))
    return Found(sheets["plan"][0].cells["city"], Text(frame, projects, outcomes), progress)


def _once(faults: Sequence[Fault]) -> list[Fault]:
    """One a field: a cell that cannot be read is also missing, which is not worth saying."""
    found: dict[str, Fault] = {}
    for one in faults:
        found.setdefault(one.field, one)
    return list(found.values())


def _frame(sheets: dict[str, list[Row]]) -> tuple[Frame, list[Fault]]:
    head = sheets["plan"][0]
    frame = Frame(
        vision=head.cells["vision"],
        until=head.cells["until"],
        example=head.cells["example"],
        focus=tuple(Focus(**one.cells) for one in sheets["focus_areas"]),
        targets=tuple(Target(**one.cells) for one in sheets["targets"]),
    )
    rows = {"focus": sheets["focus_areas"], "target": sheets["targets"]}
    return frame, [_placed(one, rows, head) for one in frame_faults(frame)]


def _projects(sheets: dict[str, list[Row]]) -> tuple[tuple[Project, ...], list[Fault]]:
    faults: list[Fault] = []
    projects: list[Project] = []
    taken: set[str] = set()
    for number, row in enumerate(sheets["projects"], 1):
        key = row.cells["key"] or f"P{number}"
        if not re.fullmatch(r"P\d{1,6}", key):
            faults.append(Fault(at(row, "key"), "key", {"what": key, "like": "P1"}))
        elif key in taken:
            faults.append(Fault(at(row, "key"), "twice", {"what": key}))
        taken.add(key)
        rows = [one for one in sheets["milestones"] if one.cells["project"] in (key, row.cells["key"])]
        milestones = [Milestone(**{name: one.cells[name] for name in ("key", "text", "due")}) for one in rows]
        project = Project(**{**row.cells, "key": key}, milestones=keyed(milestones))
        faults += [_placed(one, {"milestone": rows}, row) for one in project_faults(project)]
        projects.append(project)
    known = {"", *taken}
    faults += [
        Fault(at(one, "project"), "no_project", {"what": one.cells["project"]})
        for one in sheets["milestones"]
        if one.cells["project"] not in known
    ]
    return tuple(projects), faults


def _outcomes(rows: list[Row], projects: list[str]) -> tuple[tuple[Outcome, ...], list[Fault]]:
    faults: list[Fault] = []
    outcomes = []
    for row in rows:
        cells = dict(row.cells)
        place, _, indicator = str(cells.pop("indicator")).rpartition("/")
        faults += [
            Fault(at(row, name), "cell_number", {"what": ""})
            for name in ("baseline", "target")
            if cells[name] is None
        ]
        given = {name: 0 if cells[name] is None else cells[name] for name in ("baseline", "target")}
        outcomes.append(Outcome(**{**cells, **given, "place": place, "indicator": indicator}))
    wrong = outcome_faults(outcomes, projects)
    return tuple(outcomes), faults + [_placed(one, {"outcome": rows}, None) for one in wrong]


def _progress(
    rows: list[Row],
    projects: Sequence[Project],
    cited: Cited,
    by: Author,
    moment: str,
    day: dt.date,
) -> tuple[tuple[Progress, ...], list[Fault]]:
    by_key = {one.key: one for one in projects}
    found, faults = [], []
    for row in rows:
        evidence, wrong = cited(row.cells["evidence"], at(row, "evidence"))
        said = Progress(**{**row.cells, "evidence": evidence}, at=moment, by=by)
        faults += wrong
        for one in progress_faults(said, by_key.get(said.project), day):
            name = "done" if one.field.startswith("done") else one.field
            if not (wrong and name == "evidence"):
                faults.append(Fault(at(row, name), one.code, one.values))
        found.append(said)
    return tuple(found), faults


def _placed(fault: Fault, rows: dict[str, list[Row]], home: Row | None) -> Fault:
    """A fault of a field, at the row and column that the field came from."""
    match = _TEXT_FIELD.fullmatch(fault.field)
    if match and match[1] in rows:
        return Fault(at(rows[match[1]][int(match[2])], match[3]), fault.code, fault.values)
    where = at(home, fault.field) if home else fault.field
    return Fault(where, fault.code, fault.values)


def taken(plan: Plan, found: Found, seen: str, day: dt.date) -> Plan:
    """The plan with the file's text, and with the reports of it that are not there yet.

    ``seen`` is the mark of the text that whoever wrote the file had before them. Raises Changed if it is another one
    by now, and Refused for a file with nothing new, or with something new of a year whose update was sent.
    """
    known = {_said(one) for one in plan.progress}
    new = [one for one in found.progress if _said(one) not in known]
    if found.text != plan.text:
        plan = plan_steps.write_all(plan, found.text, seen)
    elif not new:
        raise refuse("form", "same")
    for one in new:
        plan = plan_steps.report(plan, one, day)
    return plan


def _said(one: Progress) -> tuple[object, ...]:
    """What makes two reports the same: all but who brought it and when, and what the evidence was worth that day."""
    refs = tuple(piece.ref for piece in one.evidence)
    return (one.year, one.project, tuple(sorted(one.done.items())), one.spent, one.text, one.challenges,
            one.support, one.next, refs)  # fmt: skip


def written(plan: Plan, ending: Ending, line: Callable[[Evidence], str]) -> bytes:
    """The plan as a file; ``line`` writes a piece of evidence as it would be typed."""
    rows = _rows(plan, line)
    return plan_sheets.file_of(rows) if ending == "xlsx" else plan_yaml.file_of(rows)


def _rows(plan: Plan, line: Callable[[Evidence], str]) -> dict[str, list[dict[str, Any]]]:
    frame = plan.text.frame
    head = {"city": plan.key, "vision": frame.vision, "until": frame.until or None, "example": frame.example}
    outcomes = []
    for one in plan.text.outcomes:
        cells = msgspec.structs.asdict(one)
        cells["indicator"] = f"{cells.pop('place')}/{one.indicator}" if one.indicator else ""
        outcomes.append(cells)
    return {
        "plan": [head],
        "focus_areas": [msgspec.structs.asdict(one) for one in frame.focus],
        "targets": [msgspec.structs.asdict(one) for one in frame.targets],
        "projects": [
            {name: value for name, value in msgspec.structs.asdict(one).items() if name != "milestones"}
            for one in plan.text.projects
        ],
        "milestones": [
            {"project": one.key, **msgspec.structs.asdict(each)}
            for one in plan.text.projects
            for each in one.milestones
        ],
        "outcomes": outcomes,
        "progress": [
            {name: getattr(one, name) for name in COLUMNS["progress"] if name != "evidence"}
            | {"evidence": tuple(line(piece) for piece in one.evidence)}
            for one in plan.progress
        ],
    }
