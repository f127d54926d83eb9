"""Cooperation: which there is, whose turn it is and what is late; one from request to result, its letter of intent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.network.cooperation import SIDES, Agreement, Cooperation, Side, Task
from mahakam.network.recommendation import LANGUAGES
from mahakam.web import cooperation_words as say
from mahakam.web import gate
from mahakam.web.cooperation_desk import PATH, CooperationDesk, address, cooperation_desk, found_one
from mahakam.web.cooperation_paper import letter_of_intent
from mahakam.web.faults import Errors
from mahakam.web.language import _, in_timezone
from mahakam.web.network_office import evidence_shown, network_name, spoken
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes
from mahakam.web.word_fields import LANGUAGE_NAMES

if TYPE_CHECKING:
    from mahakam.web.site import Site

TASKS = PATH + "/tasks"
TYPED = (
    "reason", "who", "due", "number", "state", "moved", "report-evidence", "result-evidence",
    *(f"{name}-{code}" for name in ("message", "task", "report", "result") for code in LANGUAGES),
)  # fmt: skip
"""Fields of the forms on the page of one."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task with the cooperation that it is of; ``number`` counts from 0."""

    one: Cooperation
    number: int
    task: Task


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes(TASKS, None, tasks_table),
        *table_routes(PATH, listed, cooperations_table),
        Route(PATH + "/{key}.pdf", as_pdf, methods=["GET"]),
        Route(PATH + "/{key}", show, methods=["GET"]),
    ]


# The lists.


def _asked(request: Request) -> dict[str, str]:
    return {
        key: request.query_params.get(key, "")[:150].strip()
        for key in ("state", "party", "late", "mine", "q")
    }


def _wanted(request: Request) -> list[Cooperation]:
    found, asked = cooperation_desk(request), _asked(request)
    searched = asked["q"].casefold().split()

    def fits(one: Cooperation) -> bool:
        names = " ".join(
            [one.key, one.title, *(found.party_name(one.party(side)) for side in SIDES)]
        ).casefold()
        return (
            asked["state"] in ("", one.state)
            and asked["party"] in ("", address(one.asker), address(one.asked))
            and (not asked["late"] or one.late(found.desk.day))
            and (not asked["mine"] or bool(found.sides(one)))
            and all(word in names for word in searched)
        )

    return [one for one in found.all if fits(one)]


def listed(request: Request) -> Response:
    found = cooperation_desk(request)
    in_timezone(found.desk.records.register.place.timezone)
    parties = {
        address(one.party(side)): found.party_name(one.party(side)) for one in found.all for side in SIDES
    }
    answer = render(
        request,
        "cooperations.html",
        title=_("Cooperation"),
        section="network",
        network=network_name(found.desk),
        asked=_asked(request),
        any=bool(found.all),
        acting=found.acting,
        states=[(key, _(word)) for key, (word, _kind) in say.STATES.items()],
        parties=sorted(parties.items(), key=lambda one: one[1]),
        table=cooperations_table(request),
        tasks=tasks_table(request),
        waiting=[one for one in found.all if _turn(found, one)],
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def cooperations_table(request: Request) -> Table:
    found = cooperation_desk(request)
    day = found.desk.day
    columns = [
        Column("number", _("Number"), get=lambda one: one.key, link=lambda one: f"{PATH}/{one.key}"),
        Column("title", _("Title"), get=lambda one: one.title, link=lambda one: f"{PATH}/{one.key}"),
        Column("asker", _("Asked by"), get=lambda one: found.party_name(one.asker)),
        Column("asked", _("With"), get=lambda one: found.party_name(one.asked)),
        Column("state", _("State"), get=lambda one: one.state, html=lambda one: _state(found, one)),
        Column("tasks", _("Tasks"), "number", get=lambda one: len(one.tasks) or None),
        Column("done", _("Done"), "number", get=lambda one: _done(one) if one.tasks else None),
        Column("late_tasks", _("Late"), "number", get=lambda one: one.late_tasks(day) or None),
        Column("ends", _("Until"), "date", get=lambda one: one.agreement.ends if one.public and one.agreement else ""),
        Column("moved", _("Last change"), "date", get=lambda one: one.moved[:10]),
        Column("late", get=lambda one: one.late(day), hidden=True),
        Column("about", get=lambda one: say.about_name(one.about), hidden=True),
        Column("about_kind", get=lambda one: one.about.kind, hidden=True),
        Column("about_ref", get=lambda one: one.about.ref, hidden=True),
        Column("asked_on", get=lambda one: one.events[0].at[:10], hidden=True),
        Column("agreed_on", get=lambda one: one.happened("agreed")[:10], hidden=True),
        Column("done_on", get=lambda one: one.happened("done")[:10], hidden=True),
    ]  # fmt: skip
    return Table(
        request, _("Cooperation"), columns, _wanted(request), path=PATH, anchor="cooperations",
        nothing=_("No cooperation matches."),
    )  # fmt: skip


def tasks_table(request: Request) -> Table:
    """Every task of the cooperations that the filter shows, what is late first."""
    found = cooperation_desk(request)
    day = found.desk.day
    rows = [
        TaskRow(one, number, task)
        for one in _wanted(request) if one.public
        for number, task in enumerate(one.tasks)
    ]  # fmt: skip
    rows.sort(key=lambda row: (not _late(row, found), row.task.state in ("done", "dropped"), row.task.until))
    columns = [
        Column("task", _("Task"), get=lambda row: spoken(row.task.text),
               link=lambda row: f"{PATH}/{row.one.key}#task-{row.number}"),
        Column("who", _("Who"), get=lambda row: who_name(found, row.one, row.task.who)),
        Column("until", _("Until when"), "date", get=lambda row: row.task.until),
        Column("state", _("State"), get=lambda row: row.task.state,
               html=lambda row: task_chip(row.task, late=_late(row, found))),
        Column("number", _("Cooperation"), get=lambda row: row.one.key, link=lambda row: f"{PATH}/{row.one.key}"),
        Column("title", get=lambda row: row.one.title, hidden=True),
        Column("late", get=lambda row: _late(row, found), hidden=True),
        Column("first_until", get=lambda row: row.task.due, hidden=True),
        Column("reports", get=lambda row: len(row.task.reports), hidden=True),
        Column("as_of", get=lambda _row: day.isoformat(), hidden=True),
    ]  # fmt: skip
    return Table(
        request, _("Tasks"), columns, rows, path=TASKS, key="t-", anchor="tasks", nothing=_("No task yet.")
    )


def _late(row: TaskRow, found: CooperationDesk) -> bool:
    return row.one.state in ("agreed", "result") and row.task.late(found.desk.day)


def _state(found: CooperationDesk, one: Cooperation) -> Markup:
    late = Markup(" ") + say.late_chip() if one.late(found.desk.day) else Markup("")
    return say.chip(one) + late


def task_chip(task: Task, *, late: bool) -> Markup:
    word, kind = say.WORK[task.state]
    said = Markup('<span class="chip {}">{}</span>').format(kind, _(word))
    return said + (Markup(" ") + say.late_chip() if late else Markup(""))


def who_name(found: CooperationDesk, one: Cooperation, who: str) -> str:
    if who == "both":
        return _("both")
    return found.party_name(one.party("asker" if who == "asker" else "asked"))


def _done(one: Cooperation) -> int:
    return sum(task.state == "done" for task in one.tasks)


def _turn(found: CooperationDesk, one: Cooperation) -> bool:
    """Whether a side that the visitor speaks for is to answer: a request, a signature or a result waits."""
    waited = one.waits_for() & set(found.sides(one))
    return bool(waited) and (one.state in ("asked", "result") or (one.state == "talk" and one.version > 0))


# One.


def show(request: Request) -> Response:
    return page(request, found_one(request))


def page(
    request: Request,
    one: Cooperation,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    found = cooperation_desk(request)
    sides = found.sides(one)
    inside = found.inside(one)
    day = found.desk.day
    signed = one.signed()
    answer = render(
        request,
        "cooperation.html",
        status,
        title=one.title,
        section="network",
        token=gate.token(request),
        here=f"{PATH}/{one.key}",
        one=one,
        found=found,
        desk=found.desk,
        say=say,
        chip=_state(found, one),
        spoken=spoken,
        asker=found.party_name(one.asker),
        asked=found.party_name(one.asked),
        vacant=inside and one.state == "asked" and found.empty(one.asked),
        about=say.about_links(request, one.about),
        shown=partial(evidence_shown, request),
        inside=inside,
        sides=sides,
        turn=one.waits_for() & set(sides),
        agreement=one.agreement if inside or one.public else None,
        letter=agreement_parts(found, one),
        signatures=[(found.party_name(one.party(side)), signed.get(side)) for side in SIDES],
        tasks=[(number, task, task.late(day) and one.state in ("agreed", "result"))
               for number, task in enumerate(one.tasks)],
        late=one.late_tasks(day),
        over=one.state == "agreed" and one.agreement is not None and one.agreement.ends < day.isoformat(),
        task_chip=task_chip,
        who=partial(who_name, found, one),
        whos=[(who, who_name(found, one, who)) for who in ("both", *SIDES)],
        works=[(key, _(word)) for key, (word, _kind) in say.WORK.items()],
        course=[event for event in one.events if event.what in say.EVENTS],
        language_names=LANGUAGE_NAMES,
        typed=dict.fromkeys(TYPED, "") | {"state": "under_way", "who": "both"} | (typed or {}),
        errors=Errors(errors or {}),
    )  # fmt: skip
    answer.headers["Cache-Control"] = "no-store"
    return answer


def agreement_parts(found: CooperationDesk, one: Cooperation) -> list[tuple[str, dict[str, str]]]:
    """The letter of intent as (heading, text in languages)."""
    text = one.agreement or Agreement({}, {}, {}, "", "")

    def does(side: Side) -> str:
        return _("What %(who)s does", who=found.party_name(one.party(side)))

    return [
        (_("What for"), text.purpose),
        (does("asker"), text.asker_does),
        (does("asked"), text.asked_does),
    ]


def as_pdf(request: Request) -> Response:
    """The letter of intent in the reader's language; until both sides signed it says on every page that it is a draft.

    Raises HTTPException 404 where there is none for the visitor.
    """
    one, found = found_one(request), cooperation_desk(request)
    if one.agreement is None or not (one.public or found.inside(one)):
        raise HTTPException(404, _("There is no letter of intent yet."))
    links = say.about_links(request, one.about)
    return letter_of_intent(
        one, found, agreement_parts(found, one), links, site_of(request).settings.base, f"{PATH}/{one.key}"
    )
