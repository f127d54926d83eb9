"""What residents can ask for: the catalogue of every place with its search, and a page for each service."""

from __future__ import annotations

from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place, scope_of
from mahakam.services.catalogue import Service, catalogue, full_standard, life_events
from mahakam.services.clock import STAGES, Stage, promise_of
from mahakam.services.form import schema_of
from mahakam.services.markup import government_service
from mahakam.services.search import place_in, search
from mahakam.services.standard import COMPONENTS, DELIVERY
from mahakam.services.villages import DISTRICTS, VILLAGES
from mahakam.web.language import _, in_timezone, reader, weekday_names, words
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/services", show, services_table),
        Route("/services/{place}", in_place),
        Route("/services/{place}/{name}.jsonld", linked_data),
        Route("/services/{place}/{name}", one),
    ]


def show(request: Request) -> Response:
    return _page(request, *_asked(request))


def in_place(request: Request) -> Response:
    return _page(request, *_understood(request, site_of(request).place(request.path_params["place"])))


def one(request: Request) -> Response:
    """One service as a place offers it: what it is, who answers, and the button that reports it."""
    site = site_of(request)
    place, service = _asked_service(request)
    cities = (
        [place] if place.kind == "city" else [city for city in _cities(site) if _offers(site, city, service)]
    )
    return render(
        request,
        "services-one.html",
        title=words(service.name),
        place=place,
        section="services",
        description=words(service.description),
        service=service,
        cities=cities,
        standard=full_standard(service, place, site.places),
        components=COMPONENTS,
        delivery=DELIVERY,
        events=life_events(),
        hours=[_hours(one) for one in service.office.hours] if service.office else [],
    )


def linked_data(request: Request) -> Response:
    """The service as schema.org has it, in JSON-LD."""
    site = site_of(request)
    place, service = _asked_service(request)
    base = str(request.base_url).rstrip("/")
    standard = full_standard(service, place, site.places)
    document = government_service(service, standard, place, base, reader().language, words)
    return JSONResponse(document, media_type="application/ld+json")


def services_table(request: Request) -> Table:
    """Every service of the asked place (or of all), as the page lists them."""
    site = site_of(request)
    found = _found(request, *_asked(request))

    def points(row: tuple[Place, Service], component: str) -> str:
        return "; ".join(map(words, full_standard(row[1], row[0], site.places).get(component, ())))

    def promised(row: tuple[Place, Service], stage: Stage) -> float:
        return promise_of(row[0], site.places, row[1].targets).allowed[stage]

    base = site.settings.base
    columns = [
        Column("place", _("Place"), get=lambda row: row[0].id),
        Column("code", _("Code"), get=lambda row: row[1].code),
        Column("name", _("Service"), get=lambda row: words(row[1].name)),
        Column("group", _("Group"), get=lambda row: words(row[1].group)),
        Column("description", get=lambda row: words(row[1].description)),
        Column("agency", _("Agency"), get=lambda row: row[1].agency),
        Column("keywords", get=lambda row: " ".join(row[1].keywords)),
        Column("events", get=lambda row: "; ".join(words(life_events()[code]) for code in row[1].events)),
        *(
            Column(name, words(title), get=partial(points, component=name))
            for name, title in COMPONENTS.items()
        ),
        Column("office", get=lambda row: words(row[1].office.address) if row[1].office else ""),
        Column("hours", get=lambda row: ", ".join(row[1].office.hours) if row[1].office else ""),
        Column("phone", get=lambda row: row[1].office.phone if row[1].office else ""),
        Column("email", get=lambda row: row[1].office.email if row[1].office else ""),
        Column("url", get=lambda row: row[1].office.url if row[1].office else ""),
        Column("longitude", get=partial(_point, axis=0)),
        Column("latitude", get=partial(_point, axis=1)),
        Column("questions", get=lambda row: "; ".join(words(one.title) for one in row[1].questions)),
        Column("form", get=lambda row: schema_of(row[1].questions)),
        Column("documents", get=lambda row: "; ".join(words(one.name) for one in row[1].documents)),
        Column("documents_kept_days", get=lambda row: row[1].retention.documents),
        Column("contact_kept_days", get=lambda row: row[1].retention.contact),
        Column("personal", get=lambda row: row[1].personal),
        Column("fee", get=_fee),
        Column("appointments", get=lambda row: row[1].appointments is not None),
        Column("workflow", get=lambda row: row[1].workflow),
        *(Column(f"{stage}_days", get=partial(promised, stage=stage)) for stage in STAGES),
        Column("example", get=lambda row: row[1].example),
        Column("page", get=lambda row: f"{base}/services/{row[0].id}/{row[1].code}"),
    ]
    return Table(request, _("Services"), columns, found, "/services")


def _fee(row: tuple[Place, Service]) -> str:
    fee = row[1].fee
    return f"{fee.currency} {fee.amount:f}" if fee and fee.amount else fee.currency if fee else ""


def _point(row: tuple[Place, Service], axis: int) -> float | None:
    office = row[1].office
    return office.point[axis] if office and office.point else None


def _asked_service(request: Request) -> tuple[Place, Service]:
    site = site_of(request)
    place = site.place(request.path_params["place"])
    in_timezone(place.timezone)
    service = catalogue(place, site.places).get(request.path_params["name"])
    if service is None:
        raise HTTPException(404, _("%(place)s offers no such service", place=words(place.name)))
    return place, service


def _hours(text: str) -> tuple[str, str]:
    """``Mo-Th 08:00-16:00`` as it is, and as a person reads it."""
    days, _blank, hours = text.partition(" ")
    names = weekday_names()
    for code, name in zip(("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"), names, strict=True):
        days = days.replace(code, name)
    return text, f"{days.replace('-', '–')} {hours.replace('-', '–')}"


def _page(request: Request, place: Place | None, query: str) -> Response:
    site = site_of(request)
    if place is not None:
        in_timezone(place.timezone)
    found = _found(request, place, query)
    groups: dict[str, list[tuple[Place, Service]]] = {}
    for owner, service in sorted(found, key=lambda one: not any(one[1].group.values())):
        groups.setdefault(words(service.group) or _("Other"), []).append((owner, service))
    return render(
        request,
        "services.html",
        title=_("Services in %(place)s", place=words(place.name)) if place else _("Services"),
        place=place,
        section="services",
        query=request.query_params.get("q", "")[:200],
        event=request.query_params.get("event", ""),
        events=_events(request, place),
        groups=groups,
        count=len(found),
        cities=_cities(site),
        table=services_table(request),
    )


def _events(request: Request, place: Place | None) -> dict[str, str]:
    """The events of life for which there is a service here, by name."""
    site = site_of(request)
    places = [place] if place else list(site.places.values())
    used = {
        code
        for each in places
        for service in catalogue(each, site.places).values()
        for code in service.events
    }
    return {code: words(name) for code, name in life_events().items() if code in used}


def _found(request: Request, place: Place | None, query: str) -> list[tuple[Place, Service]]:
    """What the query finds: in one place, or each service once at the place that offers it."""
    site = site_of(request)
    offered: dict[tuple[str, str], tuple[Place, Service]] = {}
    for where in [place] if place else site.places.values():
        for service in catalogue(where, site.places).values():
            owner = where if place else site.places[service.place]
            offered.setdefault((owner.id, service.code), (owner, service))
    by_service = {id(service): (owner, service) for owner, service in offered.values()}
    event = request.query_params.get("event", "")
    asked = [service for _, service in offered.values() if not event or event in service.events]
    found = search(asked, query)
    return [by_service[id(service)] for service in found]


def _asked(request: Request) -> tuple[Place | None, str]:
    """The place and the words that are looked for."""
    asked = request.query_params.get("place") or request.query_params.get("city", "")
    return _understood(request, site_of(request).place(asked) if asked else None)


def _understood(request: Request, place: Place | None) -> tuple[Place | None, str]:
    """The place and the words of a query as they were typed; if that finds nothing and the query names a place ("lamp
    Samarinda", "flood Sungai Pinang"), that place and the rest."""
    site, query = site_of(request), request.query_params.get("q", "")[:200]
    if not query or _found(request, place, query):
        return place, query
    cities = {city.id: city for city in ([place] if place else _cities(site))}
    named, rest = place_in(query, {id: _called(site, city) for id, city in cities.items()})
    if named and _found(request, cities[named], rest):
        return cities[named], rest
    return place, query


def _called(site: Site, place: Place) -> list[str]:
    """The names of a place, its districts and its villages."""
    scope = scope_of(place, site.places)
    parts = [one.name for lists in (DISTRICTS, VILLAGES) for one in lists.of(site.broker, scope)]
    return [*place.name.values(), *parts]


def _cities(site: Site) -> list[Place]:
    return [place for place in site.places.values() if place.kind == "city"]


def _offers(site: Site, city: Place, service: Service) -> bool:
    offered = catalogue(city, site.places).get(service.code)
    return offered is not None and offered.place == service.place
