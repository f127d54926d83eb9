"""One city's action plan: what it set out to do, where each project stands and why, what was reported, its files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.network import plan_file
from mahakam.network.plan_file import ENDINGS, Ending
from mahakam.network.plans import changes
from mahakam.web import gate, plan_words
from mahakam.web.documents import XLSX
from mahakam.web.faults import Errors
from mahakam.web.language import _, percent
from mahakam.web.monitoring_parts import report_address
from mahakam.web.network_office import evidence_line, evidence_shown, spoken
from mahakam.web.plan_chart import path_chart
from mahakam.web.plan_desk import PATH, CityRow, PlanDesk, plan_desk
from mahakam.web.plan_tables import milestones, outcomes, progress, projects, reached_words, totals, trace_of
from mahakam.web.render import render
from mahakam.web.tables import Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

ONE = PATH + "/{city}"
TABLES: dict[str, Callable[..., Table]] = {
    "projects": projects,
    "milestones": milestones,
    "outcomes": outcomes,
    "progress": progress,
}
TYPED = ("text", "reason")
_MEDIA: dict[Ending, str] = {"yaml": "application/yaml", "xlsx": XLSX}


def routes(_site: Site) -> list[BaseRoute]:
    found: list[BaseRoute] = []
    for name in TABLES:
        found += table_routes(f"{ONE}/{name}", None, partial(_table, name))
    for ending in ENDINGS:
        found.append(Route(f"{ONE}.{ending}", partial(_file, ending), methods=["GET"]))
    return [*found, Route(ONE, show, methods=["GET"])]


def row_of(request: Request) -> CityRow:
    """Raises HTTPException 404 for a city that there is not."""
    return plan_desk(request).row(request.path_params["city"])


def _table(name: str, request: Request) -> Table:
    row = row_of(request)
    return TABLES[name](request, [row], f"{PATH}/{row.seat.code}/{name}", named=False)


def _file(ending: Ending, request: Request) -> Response:
    """The plan as a file to work on; of a city without one, an empty form of it."""
    row = row_of(request)
    made = plan_file.written(row.plan, ending, evidence_line)
    headers = {"Content-Disposition": f'attachment; filename="{row.seat.code}-plan.{ending}"'}
    return Response(made, media_type=_MEDIA[ending], headers=headers)


def show(request: Request) -> Response:
    return page(request)


def page(
    request: Request,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The plan's page, with what was typed into the forms of its update."""
    found, row = plan_desk(request), row_of(request)
    last = row.plan.update(found.year)
    return of_city(
        request,
        "plan.html",
        status,
        row,
        title=_("Action plan of %(city)s", city=row.seat.name),
        report=report_address(city=row.seat.code),
        plans=found,
        frame=row.plan.text.frame,
        totals=totals([row], found.year, named=False),
        spoken=spoken,
        say=plan_words,
        evidence=partial(evidence_shown, request),
        chart=path_chart,
        trace_of=trace_of,
        reached_words=reached_words,
        share=percent,
        reports=sorted(row.plan.progress, key=lambda one: one.at, reverse=True),
        loose=[one for one in row.standing.outcomes if not one.outcome.project],
        outcomes=_table("outcomes", request),
        table_links=[(_title(name), f"{PATH}/{row.seat.code}/{name}") for name in TABLES],
        may_write=found.may_write(row),
        may_collate=found.may_collate,
        may_report=found.may_write(row) and bool(row.plan.text.projects) and not _closed(found, row),
        last=last,
        unreported=row.plan.unreported(found.year),
        history=changes(found.site.store, row.plan.key) if _inside(found, row) else [],
        typed=dict.fromkeys(TYPED, "") | (typed or {}),
        errors=Errors(errors or {}),
    )


def of_city(request: Request, template: str, status: int, row: CityRow, **context: Any) -> Response:
    """A page about one city's plan with forms on it, which no cache keeps."""
    answer = render(
        request,
        template,
        status,
        section="network",
        token=gate.token(request),
        here=f"{PATH}/{row.seat.code}",
        row=row,
        **context,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _inside(found: PlanDesk, row: CityRow) -> bool:
    return found.may_write(row) or found.may_collate


def _closed(found: PlanDesk, row: CityRow) -> bool:
    """Whether the year's update lies with the Secretariat, or was taken in."""
    last = row.plan.update(found.year)
    return last is not None and last.state != "returned"


def _title(name: str) -> str:
    return {
        "projects": _("Projects"),
        "milestones": _("Milestones"),
        "outcomes": _("Outcome indicators"),
        "progress": _("Progress reported"),
    }[name]
