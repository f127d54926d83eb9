"""What residents can ask for: the catalogue of every place with its search, and a page for each service."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.services.catalogue import Service, catalogue
from mahakam.services.search import search
from mahakam.web.language import _, in_timezone, words
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/services", show, services_table),
        Route("/services/{place}", in_place),
        Route("/services/{place}/{name}", one),
    ]


def show(request: Request) -> Response:
    return _page(request, _asked_place(request))


def in_place(request: Request) -> Response:
    return _page(request, site_of(request).place(request.path_params["place"]))


def one(request: Request) -> Response:
    """One service as a place offers it: what it is, who answers, and the button that reports it."""
    site = site_of(request)
    place = site.place(request.path_params["place"])
    in_timezone(place.timezone)
    service = catalogue(place, site.places).get(request.path_params["name"])
    if service is None:
        raise HTTPException(404, _("%(place)s offers no such service", place=words(place.name)))
    cities = (
        [place] if place.kind == "city" else [city for city in _cities(site) if _offers(site, city, service)]
    )
    return render(
        request,
        "services-one.html",
        title=words(service.name),
        place=place,
        section="services",
        service=service,
        cities=cities,
    )


def services_table(request: Request) -> Table:
    """Every service of the asked place (or of all), as the page lists them."""
    found = _found(request, _asked_place(request))
    columns = [
        Column("place", _("Place"), get=lambda row: row[0].id),
        Column("code", _("Code"), get=lambda row: row[1].code),
        Column("name", _("Service"), get=lambda row: words(row[1].name)),
        Column("group", _("Group"), get=lambda row: words(row[1].group)),
        Column("description", get=lambda row: words(row[1].description)),
        Column("agency", _("Agency"), get=lambda row: row[1].agency),
        Column("keywords", get=lambda row: " ".join(row[1].keywords)),
    ]
    return Table(request, _("Services"), columns, found, "/services")


def _page(request: Request, place: Place | None) -> Response:
    site = site_of(request)
    if place is not None:
        in_timezone(place.timezone)
    found = _found(request, place)
    groups: dict[str, list[tuple[Place, Service]]] = {}
    for owner, service in found:
        groups.setdefault(words(service.group) or _("Other"), []).append((owner, service))
    return render(
        request,
        "services.html",
        title=_("Services in %(place)s", place=words(place.name)) if place else _("Services"),
        place=place,
        section="services",
        query=request.query_params.get("q", "")[:200],
        groups=groups,
        count=len(found),
        cities=_cities(site),
        table=services_table(request),
    )


def _found(request: Request, place: Place | None) -> list[tuple[Place, Service]]:
    """What the query finds: in one place, or each service once at the place that offers it."""
    site = site_of(request)
    offered: dict[tuple[str, str], tuple[Place, Service]] = {}
    for where in [place] if place else site.places.values():
        for service in catalogue(where, site.places).values():
            owner = where if place else site.places[service.place]
            offered.setdefault((owner.id, service.code), (owner, service))
    by_service = {id(service): (owner, service) for owner, service in offered.values()}
    found = search([service for _, service in offered.values()], request.query_params.get("q", ""))
    return [by_service[id(service)] for service in found]


def _asked_place(request: Request) -> Place | None:
    asked = request.query_params.get("place", "")
    return site_of(request).place(asked) if asked else None


def _cities(site: Site) -> list[Place]:
    return [place for place in site.places.values() if place.kind == "city"]


def _offers(site: Site, city: Place, service: Service) -> bool:
    offered = catalogue(city, site.places).get(service.code)
    return offered is not None and offered.place == service.place
