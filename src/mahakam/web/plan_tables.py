"""Tables of action plans, for pages, downloads and the report: cities, projects, milestones, outcomes, progress."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from mahakam.network.plan import Milestone, Progress
from mahakam.network.plan_status import OutcomeStanding, ProjectStanding
from mahakam.web.language import N_, _, date, number, period
from mahakam.web.network_office import evidence_line, spoken
from mahakam.web.plan_desk import PATH, CityRow
from mahakam.web.plan_words import (
    OUTCOMES,
    STATES,
    UPDATES,
    area,
    chip,
    figure,
    money,
    outcome_name,
    outcome_sentence,
    outcome_unit,
    reason,
    support,
)
from mahakam.web.tables import Column, Table

WITHOUT_PLAN = N_("no plan yet")


@dataclass(frozen=True, slots=True)
class Of:
    """Something of a city's plan."""

    city: CityRow
    one: Any


def cities(request: Request, rows: Sequence[CityRow], path: str, anchor: str = "plans") -> Table:
    """A row a city: where its plan stands, and where the year's update is."""

    def count(state: str) -> Any:
        return lambda row: row.standing.count(state) if row.written else None

    columns = [
        Column("city", _("City"), get=lambda row: row.seat.name, html=_city),
        Column("country", _("Country"), get=lambda row: row.seat.country),
        Column(
            "state",
            _("Stands"),
            get=lambda row: row.standing.state if row.written else "",
            html=lambda row: (
                chip(STATES[row.standing.state])
                if row.written
                else Markup('<span class="mute small">{}</span>').format(_(WITHOUT_PLAN))
            ),
        ),
        Column(
            "projects",
            _("Projects"),
            "number",
            get=lambda row: len(row.standing.projects) if row.written else None,
        ),
        *(Column(state, _(STATES[state][0]).capitalize(), "number", get=count(state))
          for state in ("done", "on_track", "at_risk", "late")),
        Column("reached", _("Milestones reached"), "number",
               get=lambda row: row.standing.reached if row.written else None),
        Column("milestones", _("Milestones"), "number",
               get=lambda row: row.standing.milestones if row.written else None),
        Column("update", _("Update"), get=lambda row: row.update, html=lambda row: chip(UPDATES[row.update])),
    ]  # fmt: skip
    return Table(request, _("Action plans"), columns, rows, path=path, key="pl-", anchor=anchor)


def _city(row: CityRow) -> Markup:
    link = Markup('<a href="{}/{}">{}</a>').format(PATH, row.seat.code, row.seat.name)
    if row.seat.membership == "member":
        return link
    return link + Markup(' <span class="chip">{}</span>').format(_("candidate"))


def projects(request: Request, rows: Sequence[CityRow], path: str, *, named: bool = True) -> Table:
    """A row a project of the plans: where it stands and why, milestones, time, money."""
    found = [Of(row, one) for row in rows for one in row.standing.projects]
    columns: list[Column] = [
        *_whose(named),
        Column("key", _("No."), get=lambda of: of.one.project.key),
        Column("title", _("Project"), get=lambda of: spoken(of.one.project.title)),
        Column("area", _("Focus area"), get=lambda of: of.one.project.area,
               html=lambda of: area(of.one.project.area)),
        Column("state", _("Stands"), get=lambda of: of.one.state, html=lambda of: chip(STATES[of.one.state])),
        Column("why", _("Why"), get=_why, html=lambda of: _long(_why(of))),
        Column("reached", _("Milestones reached"), "number", get=lambda of: of.one.reached),
        Column("milestones", _("Milestones"), "number", get=lambda of: of.one.milestones),
        Column("time", _("Time gone"), "share", get=lambda of: of.one.time),
        Column("budget", _("Budget"), "number", get=lambda of: _whole(of.one.project.budget)),
        Column("spent", _("Spent"), "number", get=lambda of: _whole(of.one.spent)),
        Column("currency", _("Currency"), get=lambda of: of.one.project.currency),
        Column("source", _("Who pays"), get=lambda of: of.one.project.source, hidden=True),
        Column("running_cost", _("Running cost a year"), "number",
               get=lambda of: _whole(of.one.project.running_cost), hidden=True),
        Column("running_source", _("Who pays for running it"),
               get=lambda of: of.one.project.running_source, hidden=True),
        Column("begins", _("From"), "date", get=lambda of: of.one.project.begins, hidden=True),
        Column("ends", _("Until"), "date", get=lambda of: of.one.project.ends, hidden=True),
        Column("partners", _("Partners"), get=lambda of: "; ".join(of.one.project.partners), hidden=True),
        Column("support", _("Support wanted"), get=lambda of: support(of.one.project.support), hidden=True),
        Column("challenges", _("Challenges"), get=lambda of: spoken(of.one.project.challenges), hidden=True),
    ]  # fmt: skip
    return Table(
        request, _("Projects of the plans"), columns, found, path=path, key="pp-", anchor="plan-projects"
    )


def _why(of: Of) -> str:
    return " ".join(reason(each, of.one) for each in of.one.reasons)


def _long(text: str) -> Markup:
    """Words that need room in a table of many columns."""
    return Markup('<span class="long">{}</span>').format(text) if text else Markup("")


@dataclass(frozen=True, slots=True)
class MilestoneRow:
    project: ProjectStanding
    milestone: Milestone

    @property
    def reached(self) -> str:
        return self.project.done.get(self.milestone.key, "")


def milestones(request: Request, rows: Sequence[CityRow], path: str, *, named: bool = True) -> Table:
    found = [
        Of(row, MilestoneRow(one, each))
        for row in rows
        for one in row.standing.projects
        for each in one.project.milestones
    ]
    columns: list[Column] = [
        *_whose(named),
        Column("project", _("Project"), get=lambda of: of.one.project.project.key),
        Column("key", _("No."), get=lambda of: of.one.milestone.key),
        Column("text", _("Milestone"), get=lambda of: spoken(of.one.milestone.text)),
        Column("due", _("Until when"), "date", get=lambda of: of.one.milestone.due),
        Column("reached", _("Reached"), "date", get=lambda of: of.one.reached),
    ]
    return Table(request, _("Milestones"), columns, found, path=path, key="pm-", anchor="milestones")


def outcomes(request: Request, rows: Sequence[CityRow], path: str, *, named: bool = True) -> Table:
    """A row an outcome: baseline, what the node measured last, where its path would be, target."""
    found = [Of(row, one) for row in rows for one in row.standing.outcomes]
    columns: list[Column] = [
        *_whose(named),
        Column("project", _("Project"), get=lambda of: of.one.outcome.project),
        Column("name", _("What is to change"), get=lambda of: outcome_name(of.one), link=_trace),
        Column("unit", _("Unit"), get=lambda of: outcome_unit(of.one)),
        Column("baseline_year", _("From year"), get=lambda of: of.one.outcome.baseline_year),
        Column("baseline", _("Baseline"), "number", get=lambda of: _whole(of.one.outcome.baseline)),
        Column("period", _("Measured in"), get=_label, html=lambda of: period(_label(of))),
        Column("value", _("Measured"), "number", get=lambda of: _whole(of.one.latest and of.one.latest.value),
               html=lambda of: figure(of.one.latest.value) if of.one.latest else ""),
        Column("expected", _("Path"), "number", get=lambda of: of.one.expected,
               html=lambda of: "" if of.one.expected is None else figure(of.one.expected)),
        Column("target_year", _("To year"), get=lambda of: of.one.outcome.target_year),
        Column("target", _("Target"), "number", get=lambda of: _whole(of.one.outcome.target)),
        Column("state", _("Stands"), get=lambda of: of.one.state, html=lambda of: chip(OUTCOMES[of.one.state])),
        Column("measured_baseline", _("Baseline as measured"), "number", hidden=True,
               get=lambda of: _whole(of.one.measured_baseline and of.one.measured_baseline.value)),
        Column("said", _("In words"), get=lambda of: outcome_sentence(of.one), hidden=True),
        Column("node", _("Node"), get=lambda of: of.one.latest.node if of.one.latest else "",
               hidden=not any(one.one.latest and one.one.latest.node for one in found)),
        Column("computed", get=lambda of: of.one.latest.computed if of.one.latest else "", hidden=True),
    ]  # fmt: skip
    return Table(request, _("Outcome indicators"), columns, found, path=path, key="po-", anchor="outcomes")


def _label(of: Of) -> str:
    latest = of.one.latest
    return "" if latest is None else _("latest") if latest.label == "all" else str(latest.label)


def _trace(of: Of) -> str | None:
    return trace_of(of.one)


def trace_of(one: OutcomeStanding) -> str | None:
    """Where the measured value opens down to its rows."""
    if one.latest is None:
        return None
    return f"/trace/value/{one.outcome.place}/{one.outcome.indicator}/{one.latest.label}"


def progress(
    request: Request, rows: Sequence[CityRow], path: str, *, named: bool = True, year: int | None = None
) -> Table:
    """What was reported, the newest first; of one year's cycle if it is given."""
    found = [
        Of(row, one)
        for row in rows
        for one in sorted(row.plan.progress, key=lambda one: one.at, reverse=True)
        if year in (None, one.year)
    ]
    columns: list[Column] = [
        *_whose(named),
        Column("year", _("Year"), get=lambda of: of.one.year),
        Column("project", _("Project"), get=lambda of: of.one.project),
        Column("text", _("What happened"), get=lambda of: of.one.text, html=lambda of: _long(of.one.text)),
        Column("done", _("Milestones reached"), get=lambda of: reached_words(of.one)),
        Column("spent", _("Spent so far"), "number", get=lambda of: _whole(of.one.spent), html=_spent),
        Column(
            "challenges",
            _("Challenges"),
            get=lambda of: of.one.challenges,
            html=lambda of: _long(of.one.challenges),
        ),
        Column(
            "support",
            _("Support needed"),
            get=lambda of: of.one.support,
            html=lambda of: _long(of.one.support),
        ),
        Column("next", _("Next steps"), get=lambda of: of.one.next, html=lambda of: _long(of.one.next)),
        Column(
            "evidence", _("Evidence"), get=lambda of: _lines(of.one), html=lambda of: _long(_lines(of.one))
        ),
        Column("at", _("Reported"), "date", get=lambda of: of.one.at[:10]),
    ]
    caption = _("Progress reported for %(year)s", year=year) if year else _("Progress reported")
    return Table(request, caption, columns, found, path=path, key="pr-", anchor="progress")


def _whole(value: float | None) -> float | None:
    """Kept as a float, meant as a whole number: 12, not 12.0, in a file."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _spent(of: Of) -> str:
    project = of.city.plan.text.project(of.one.project)
    return money(of.one.spent, project.currency if project else "")


def _lines(one: Progress) -> str:
    return "; ".join(
        f"{piece.name}: {piece.value}" if piece.value else evidence_line(piece) for piece in one.evidence
    )


def reached_words(one: Progress) -> str:
    """M1 (15 Oct 2025), M2 taken back."""
    return ", ".join(
        f"{key} ({date(day, 'medium')})" if day else _("%(key)s taken back", key=key)
        for key, day in one.done.items()
    )


def _whose(named: bool) -> Iterable[Column]:
    """The city, unless the page is about one."""
    if not named:
        return ()
    return (Column("city", _("City"), get=lambda of: of.city.seat.name),)


def totals(rows: Sequence[CityRow], year: int, *, named: bool = True) -> list[tuple[str, str]]:
    """(figure, what it is) of plans, for the head of a page and of a report; ``named``: of several cities."""
    written = [row for row in rows if row.written]
    standing = [one for row in written for one in row.standing.projects]
    reached, milestones = sum(one.reached for one in standing), sum(one.milestones for one in standing)
    found = []
    if named:
        found.append((number(len(written)), _("cities with an action plan")))
    found += [
        (number(len(standing)), _("projects in plans")),
        (number(sum(one.state == "late" for one in standing)), _("of them late")),
        (number(sum(one.state == "at_risk" for one in standing)), _("of them at risk")),
        (_("%(n)s of %(all)s", n=number(reached), all=number(milestones)), _("milestones reached")),
    ]
    if named:
        members = [row for row in rows if row.seat.membership == "member"]
        sent = sum(row.update in ("sent", "collated") for row in members)
        found.append(
            (
                _("%(n)s of %(all)s", n=number(sent), all=number(len(members))),
                _("members' updates of %(year)s sent", year=year),
            )
        )
    return found
