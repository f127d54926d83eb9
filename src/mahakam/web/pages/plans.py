"""Action plans of the network: each city's, where it stands, and the year's cycle from the cities to the leaders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.faults import Changed, Refused
from mahakam.network.cycle import NOTED, noted
from mahakam.network.plans import change_year
from mahakam.web import gate, plan_tables
from mahakam.web.faults import Errors, changed, now, said
from mahakam.web.language import _, words
from mahakam.web.network_office import author, network_name, require
from mahakam.web.plan_desk import PATH, plan_desk, renewed
from mahakam.web.plan_words import STEPS
from mahakam.web.render import render
from mahakam.web.tables import Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route(PATH, gate.posted(_note), methods=["POST"]),
        *table_routes(PATH + "/projects", None, projects_table),
        *table_routes(PATH + "/outcomes", None, outcomes_table),
        *table_routes(PATH + "/progress", None, progress_table),
        *table_routes(PATH, show, cities_table),
    ]


def cities_table(request: Request) -> Table:
    return plan_tables.cities(request, plan_desk(request).listed, PATH)


def projects_table(request: Request) -> Table:
    return plan_tables.projects(request, plan_desk(request).written, PATH + "/projects")


def outcomes_table(request: Request) -> Table:
    return plan_tables.outcomes(request, plan_desk(request).written, PATH + "/outcomes")


def progress_table(request: Request) -> Table:
    return plan_tables.progress(request, plan_desk(request).written, PATH + "/progress")


def show(request: Request) -> Response:
    return _page(request)


def _page(
    request: Request,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    found = plan_desk(request)
    answer = render(
        request,
        "plans.html",
        status,
        title=_("Action plans"),
        section="network",
        token=gate.token(request),
        network=network_name(found.desk),
        plans=found,
        note=words(found.cycle.note) if found.cycle and found.cycle.note else "",
        totals=plan_tables.totals(found.listed, found.year),
        steps=[(one, _(STEPS[one.step])) for one in found.steps],
        may_collate=found.may_collate,
        waiting=[one for one in found.written if one.update == "sent"],
        mine=[one for one in found.rows if found.may_write(one)] if found.desk.standing.offices else [],
        noting=[(step, _(STEPS[step])) for step in NOTED if found.noted.done(step) is None],
        cities=cities_table(request),
        projects=projects_table(request),
        outcomes=outcomes_table(request),
        typed={"step": "", "note": ""} | (typed or {}),
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _note(request: Request, form: FormData) -> Response:
    """The Secretariat notes that a step of the year is done, and where its result is."""
    require(request, "action_plan.collate")
    found = plan_desk(request)
    typed = {name: gate.text(form, name)[:2000] for name in ("step", "note")}
    if not gate.is_ours(request, form):
        return _page(request, typed, {"cycle": gate.stale()}, 403)
    by = author(request, "action_plan.collate")
    try:
        change_year(
            found.site.store, found.year, lambda kept: noted(kept, typed["step"], typed["note"], by, now())
        )
    except Refused as refused:
        return _page(request, typed, said(refused.faults), 422)
    except Changed:
        renewed(request)
        return _page(request, typed, {"cycle": changed()}, 409)
    return RedirectResponse(f"{PATH}#cycle", 303)
