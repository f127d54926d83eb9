"""Evaluations of a place: what it claims, what evidence carries, the trend, the package for an assessor."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.config import ConfigError, Place
from mahakam.evaluation.files import assessments_of, framework_of
from mahakam.evaluation.standing import Line, Standing, standing
from mahakam.web import gate
from mahakam.web.evidence_package import package
from mahakam.web.language import _, reader, unit, words
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

SEE = "evaluation.read"


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/evaluation/{place}/{name}.zip", as_package),
        *table_routes("/evaluation/{place}/{name}", one_page, lines_table),
        *table_routes("/evaluation/{place}", list_page, list_table),
    ]


def list_page(request: Request) -> Response:
    place = _place(request)
    return render(
        request,
        "evaluations.html",
        title=_("How ready is %(place)s", place=words(place.name)),
        place=place,
        table=list_table(request),
    )


def list_table(request: Request) -> Table:
    """Every assessment, agency by agency and year by year: the trend stands in the rows."""
    place = _place(request)
    columns = [
        Column("framework", _("Framework"), get=lambda s: words(s.framework.name)),
        Column("agency", _("Agency"), get=lambda s: s.assessment.agency or words(place.name)),
        Column("day", _("Day"), "date", get=lambda s: s.assessment.day.isoformat(),
               link=lambda s: f"/evaluation/{place.id}/{s.assessment.id}"),
        Column("claimed", _("Claimed"), "number", get=lambda s: s.claimed, decimals=2),
        Column("carried", _("Carried by evidence"), "number", get=lambda s: s.carried, decimals=2),
        Column("peer", _("Found by a peer"), "number", get=lambda s: s.peer, decimals=2),
        Column("reviewer", _("Reviewed by"), get=lambda s: s.assessment.peer),
    ]  # fmt: skip
    rows = _all(request, place)
    nothing = _("This place has not assessed itself yet.")
    return Table(
        request,
        _("Assessments"),
        columns,
        rows,
        path=f"/evaluation/{place.id}",
        nothing=nothing,
    )


def one_page(request: Request) -> Response:
    place, found = _one(request)
    before = [
        one
        for one in _all(request, place)
        if (one.framework.id, one.assessment.agency) == (found.framework.id, found.assessment.agency)
        and one.assessment.day < found.assessment.day
    ]
    return render(
        request,
        "evaluation.html",
        title=words(found.framework.name),
        place=place,
        found=found,
        before=before,
        table=lines_table(request),
    )


def lines_table(request: Request) -> Table:
    """Each question with its claim, what the evidence carries, and what a peer found."""
    place, found = _one(request)
    names = {one.level: words(one.name) for one in found.framework.levels}

    def claimed(line: Line) -> Markup | str:
        if line.claimed is None:
            return Markup('<span class="mute">{}</span>').format(_("not answered"))
        text = f"{line.claimed} {names.get(line.claimed, '')}"
        if not line.bare:
            return text
        return Markup('{} <span class="chip warn">{}</span>').format(
            text, _("more than its evidence carries")
        )

    def evidence(line: Line) -> Markup:
        items = [
            Markup('<a href="{}">{}</a> {}').format(
                one.address, words(one.piece.title), f"{one.said} {unit(one.unit)}"
            )
            if one.address
            else Markup("{} {} {}").format(
                words(one.piece.title), one.said, "" if one.there else _("not there")
            )
            for one in line.found
        ]
        return (
            Markup("<br>").join(items) if items else Markup('<span class="mute">{}</span>').format(_("none"))
        )

    columns = [
        Column("key", _("No."), get=lambda s: s.question.key),
        Column("question", _("Question"), get=lambda s: words(s.question.name)),
        Column("aspect", _("Aspect"), get=lambda s: words(s.question.aspect)),
        Column("weight", _("Weight"), "number", get=lambda s: s.question.weight),
        Column("claimed", _("Claimed"), get=lambda s: s.claimed, html=claimed),
        Column("carried", _("Carried by evidence"), "number", get=lambda s: s.carried),
        Column("peer", _("Found by a peer"), "number", get=lambda s: s.peer),
        Column("evidence", _("Evidence"), get=lambda s: [words(one.piece.title) for one in s.found],
               html=evidence, sortable=False),
    ]  # fmt: skip
    path = f"/evaluation/{place.id}/{found.assessment.id}"
    return Table(request, words(found.framework.name), columns, found.lines, path=path)


def as_package(request: Request) -> Response:
    place, found = _one(request)
    site = site_of(request)
    made = dt.datetime.now(ZoneInfo(place.timezone)).date().isoformat()
    content = package(site.broker, place, found, made, site.settings.base)
    name = f"{place.id}-{found.assessment.id}-{reader().language}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(content, media_type="application/zip", headers=headers)


def _place(request: Request) -> Place:
    place = site_of(request).place(request.path_params["place"])
    gate.require(request, SEE, place)
    return place


def _all(request: Request, place: Place) -> list[Standing]:
    site = site_of(request)
    problems: list[ConfigError] = []
    found = []
    for one in assessments_of(place, problems):
        framework = framework_of(place, site.places, one.framework)
        if framework:
            found.append(standing(site.broker, place, framework, one))
    return found


def _one(request: Request) -> tuple[Place, Standing]:
    place = _place(request)
    name = request.path_params["name"]
    found = next((one for one in _all(request, place) if one.assessment.id == name), None)
    if found is None:
        raise HTTPException(
            404, _("%(place)s has no assessment %(name)s", place=words(place.name), name=name)
        )
    return place, found
