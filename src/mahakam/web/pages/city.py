"""The page of a city, a province or the network: facts, map, indicators, what the data is worth, services."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place, scope_of
from mahakam.indicators.projecting import projections
from mahakam.indicators.series import Series, all_series
from mahakam.network.plan_status import ProjectStanding
from mahakam.network.register import register_of
from mahakam.ngsild.selection import Scopes, Selection
from mahakam.services.catalogue import catalogue
from mahakam.web import indicator_views as views
from mahakam.web.city_profile import profile
from mahakam.web.datasets import datasets
from mahakam.web.documents import PDF
from mahakam.web.entities import layers_of
from mahakam.web.language import _, in_timezone, reader, words
from mahakam.web.maps import map_settings
from mahakam.web.outlines import thumbnail
from mahakam.web.pages.quality import datasets_table
from mahakam.web.pictures import picture, small_picture
from mahakam.web.plan_desk import plan_address, plan_desk
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.solution_desk import solutions_in
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

_SERVICES = 6


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/cities/{id}/indicators", None, indicators_table),
        Route("/cities/{id}.pdf", as_pdf),
        *table_routes("/cities/{id}", city, indicators_table),
    ]


def city(request: Request) -> Response:
    site = site_of(request)
    place = site.place(request.path_params["id"])
    if place.kind == "network":
        return RedirectResponse("/network")
    in_timezone(place.timezone)
    found = all_series(site.broker, place)
    known = datasets(site.store, place)
    scope = Selection(scopes=Scopes(((scope_of(place, site.places) + "/#",),)))
    return render(
        request,
        "city.html",
        title=words(place.name),
        place=place,
        kind=kind_words(place),
        above=site.places.get(place.parent or ""),
        below=[child for child in site.children(place.id) if child.kind == "city"],
        thumbnail=thumbnail,
        small_picture=lambda child: small_picture(site, child),
        facts=facts(place),
        picture=picture(site, place),
        map=map_settings(site, place),
        layers=layers_of(place, site.places),
        cards_found=views.cards(found, place),
        theme_name=views.theme_name,
        waiting=waiting(place, found),
        datasets=datasets_table(request, known, path=f"/quality/{place.id}") if known else None,
        services=services(site, place),
        plan_address=plan_address(site, place),
        solutions=solutions_in(request, place),
        empty=not site.store.documents(scope, 1),
    )


def as_pdf(request: Request) -> Response:
    """The profile on two pages, in the reader's language or that of ``?lang=``."""
    site = site_of(request)
    place = site.place(request.path_params["id"])
    if place.kind == "network":
        return RedirectResponse("/network/report.pdf")
    in_timezone(place.timezone)
    made = profile(
        place,
        kind_words(place),
        facts(place),
        picture(site, place),
        views.cards(all_series(site.broker, place), place),
        datasets(site.store, place),
        _projects(request, place),
        f"{site.settings.base}/cities/{place.id}",
        dt.datetime.now(ZoneInfo(place.timezone)).date().isoformat(),
        projections(site.broker, place),
    )
    name = f"{place.id}-{reader().language}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(made, media_type=PDF, headers=headers)


def _projects(request: Request, place: Place) -> tuple[ProjectStanding, ...]:
    """The projects of the place's action plan as they stand, if it has one."""
    address = plan_address(site_of(request), place)
    if not address or register_of(site_of(request).places) is None:
        return ()
    found = next((row for row in plan_desk(request).written if row.seat.place == place.id), None)
    return found.standing.projects if found else ()


def kind_words(place: Place) -> str:
    """Kota, Province … as the chip above the name says it."""
    kind = {"city": _("City"), "province": _("Province"), "network": _("Network")}[place.kind]
    return str(words(place.facts["kind_name"])) if "kind_name" in place.facts else kind


def facts(place: Place) -> list[dict[str, Any]]:
    """The facts of city.yaml in the order given."""
    return [
        {
            "name": words(fact.get("name")),
            "value": fact.get("value"),
            "unit": fact.get("unit"),
            "as_of": fact.get("as_of"),
            "source": str(fact.get("source", "")),
        }
        for fact in place.facts.get("facts") or []
    ]


def waiting(place: Place, found: list[Series]) -> list[tuple[str, list[str]]]:
    """(theme, names of its indicators that wait for data) for every theme of the place without a value."""
    answered = {one.definition.theme for one in found if one.latest}
    return [
        (theme, [words(one.definition.name) for one in found if one.definition.theme == theme])
        for theme in place.facts.get("themes") or []
        if theme not in answered
    ]


def services(site: Site, place: Place) -> list[Any]:
    """The first services of the place's catalogue; none where it has none."""
    return list(catalogue(place, site.places).values())[:_SERVICES] if place.kind == "city" else []


def indicators_table(request: Request) -> Table:
    """Every value of every indicator of the place: also what ``/cities/{id}.csv`` answers."""
    site = site_of(request)
    place = site.place(request.path_params["id"])
    columns = [
        Column("indicator", _("Indicator")),
        Column("name", _("Name")),
        Column("theme", _("Theme")),
        Column("place", _("Place")),
        Column("period", _("Period")),
        Column("value", _("Value"), "number"),
        Column("unit", _("Unit")),
        Column("state", _("State")),
        Column("reason", _("Reason")),
        Column("confidence", _("Confidence")),
        Column("completeness", _("Completeness"), "share"),
        Column("inputs", _("Rows"), "number"),
        Column("counted", _("Counted"), "number"),
        Column("flagged", _("Flagged"), "share"),
        Column("formula", _("Formula")),
        Column("sources", _("Sources")),
        Column("computed", _("Computed"), "time"),
        Column("id", "id"),
    ]
    rows = views.rows(all_series(site.broker, place))
    return Table(request, _("Indicators"), columns, rows, path=f"/cities/{place.id}")
