"""The network: its countries, member cities and projects on a map and in tables; this node's cities
beside them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from mahakam.config import Place
from mahakam.network.records import City, plain
from mahakam.network.views import network as network_of
from mahakam.nodes.sharing import sharings
from mahakam.web import node_words, shapes
from mahakam.web.city_indicators import Found, city_address, places_elsewhere
from mahakam.web.language import N_, _, date, in_timezone, number, words
from mahakam.web.origins import off_line
from mahakam.web.pages.trace import entity_address
from mahakam.web.plan_words import AREAS
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

STATUS = {
    "completed": (N_("completed"), "ok"),
    "ongoing": (N_("ongoing"), "river"),
    "planning": (N_("planned"), ""),
    "ongoing or planning": (N_("ongoing or planned"), "river"),
}


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/network/projects", None, projects_table),
        *table_routes("/network/cities", None, cities_table),
        *table_routes("/network/countries", None, countries_table),
        *table_routes("/network", network, projects_table),
    ]


@dataclass(frozen=True, slots=True)
class Filter:
    """What the reader asked for: a country (as the Secretariat writes it), a focus area, words."""

    country: str = ""
    area: str = ""
    text: str = ""

    @classmethod
    def of(cls, request: Request) -> Filter:
        query = request.query_params
        return cls(query.get("country", ""), query.get("focus_area", ""), query.get("q", "").strip()[:100])

    def takes(self, row: dict[str, Any]) -> bool:
        """Whether a row (a city's or a project's) belongs; a city has no focus area of its own."""
        if self.country and row["country"] != self.country:
            return False
        if self.area and row.get("focus_area", self.area) != self.area:
            return False
        return not self.text or self.text.casefold() in " ".join(map(str, row.values())).casefold()


@dataclass(frozen=True)
class Register:
    """What the node has of the network, as plain rows."""

    countries: list[dict[str, Any]]
    cities: list[dict[str, Any]]
    projects: list[dict[str, Any]]
    candidates: list[Place] = field(default_factory=list)
    day: dt.date | None = None
    """The day of which the members are; None where the node knows no network."""
    elsewhere: list[Found] = field(default_factory=list)
    """One series of each city or province that has a node of its own."""


def register(request: Request) -> Register:
    """What the store has of the network as rows, sorted by name; read once a request."""
    if not hasattr(request.state, "register"):
        request.state.register = _read(request, day_asked(request))
    found: Register = request.state.register
    return found


def day_asked(request: Request) -> dt.date | None:
    """``?as_of=``: the day of which the members are asked; None for today, and for what is no day."""
    try:
        return dt.date.fromisoformat(request.query_params.get("as_of", ""))
    except ValueError:
        return None


def _read(request: Request, day: dt.date | None) -> Register:
    site = site_of(request)
    found = network_of(site.broker, day=day)
    if found is None:
        return Register([], [], [])
    elsewhere = places_elsewhere(request)
    own = {
        plain(word): one
        for one in elsewhere.values()
        if one.series.place.kind == "city"
        for word in (one.series.place.id, *one.series.place.name.values())
    }
    projects = [
        {
            "country": one.country,
            "city": one.city,
            "project": one.name,
            "focus_area": one.focus_area,
            "status": one.status,
            "as_of": one.as_of,
            "id": one.id,
        }
        for one in found.projects
    ]
    many = Counter((row["country"], row["city"]) for row in projects)
    cities = [
        {
            "country": one.country,
            "city": one.name,
            "code": one.code,
            "joined": one.joined,
            "since": one.since,
            "population": one.population,
            "area_km2": one.area,
            "projects": many[one.country, one.name],
            "page": _page_of(one, own),
            "live": bool(one.place),
            "node": found_there.origin if (found_there := _with_node(one, own)) else None,
            "longitude": _coordinate(one.location, 0),
            "latitude": _coordinate(one.location, 1),
            "id": one.id,
        }
        for one in found.cities
    ]
    by_country = Counter(row["country"] for row in cities)
    projects_of = Counter(row["country"] for row in projects)
    countries = [
        {
            "code": one.code,
            "country": one.name,
            "common": one.alias or one.name,
            "capital": one.capital,
            "cities": by_country[one.name],
            "projects": projects_of[one.name],
            "shape": one.location,
            "id": one.id,
        }
        for one in found.countries
    ]
    candidates = [one.place for one in found.candidates]
    by_common = sorted(countries, key=lambda row: str(row["common"]))
    return Register(by_common, cities, projects, candidates, found.records.day, list(elsewhere.values()))


def _with_node(one: City, own: Mapping[str, Found]) -> Found | None:
    """What the city's own node sent, if it has one and has no page on this node."""
    return None if one.place else own.get(plain(one.code)) or own.get(plain(one.name))


def _page_of(one: City, own: Mapping[str, Found]) -> str:
    """The page of a city on this node, or of what its own node sent; "" for one of which there is neither."""
    if one.place:
        return city_address(one.place, here=True)
    found = _with_node(one, own)
    return found.city_page if found else ""


def _coordinate(shape: dict[str, Any] | None, axis: int) -> float | None:
    return float(shape["coordinates"][axis]) if shape and shape.get("type") == "Point" else None


def network(request: Request) -> Response:
    site = site_of(request)
    place = next((place for place in site.places.values() if place.kind == "network"), None)
    if place:
        in_timezone(place.timezone)
    found = register(request)
    asked = Filter.of(request)
    candidates = found.candidates
    chosen = [row for row in found.projects if asked.takes(row)]
    return render(
        request,
        "network.html",
        title=words(place.name) if place else _("Network"),
        may_invite=node_words.may(request, node_words.INVITE),
        section="network",
        empty=not (found.cities or found.projects),
        totals=[
            (number(len(found.countries)), _("countries")),
            (number(len(found.cities)), _("member cities")),
            (number(len(found.projects)), _("projects")),
        ],
        as_of=max((str(row["as_of"]) for row in found.projects if row["as_of"]), default=""),
        asked=asked,
        day=found.day,
        day_asked=day_asked(request),
        countries=[(row["country"], row["common"]) for row in found.countries],
        areas=[(key, _(name)) for key, name in AREAS.items()],
        picture=_picture(found, asked, candidates),
        focus=_focus(chosen),
        candidates=candidates,
        live=_live(site, found),
        elsewhere=sorted(found.elsewhere, key=lambda one: words(one.series.place.name)),
        off_line=off_line,
        hubs=[one for one in sharings(site.store) if one.state == "joined"],
        projects=projects_table(request),
        cities=cities_table(request),
    )


def _live(site: Site, found: Register) -> list[Place]:
    """The members that are live on this node, by name."""
    pages = {row["page"].rpartition("/")[2] for row in found.cities if row["live"]}
    return sorted((site.places[id] for id in pages), key=lambda one: words(one.name))


def _picture(found: Register, asked: Filter, candidates: list[Place]) -> Markup:
    """Countries and cities as one drawing; what the filter leaves out is pale. Every city is also in the
    table."""
    shapes_found = [row["shape"] for row in found.countries if row["shape"]]
    area = shapes.bounds(shapes_found) or shapes.bounds(
        {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
        for row in found.cities
        if row["longitude"] is not None
    )
    if area is None:
        return Markup("")
    drawing = shapes.Drawing(
        _("Map of the network's countries and cities"), shapes.frame(area, 860, 560, margin=8)
    )
    for row in found.countries:
        on = not asked.country or row["country"] == asked.country
        title = _(
            "%(country)s: %(cities)s member cities, %(projects)s projects",
            country=row["common"],
            cities=number(row["cities"]),
            projects=number(row["projects"]),
        )
        drawing.draw(row["shape"], "area" if on else "area pale", title, tolerance=0.45)
    active = {row["city"] for row in found.projects if asked.takes(row)}
    for row in found.cities:
        if row["longitude"] is None:
            continue
        on = asked.takes(row) and (not (asked.area or asked.text) or row["city"] in active)
        size = 3.2 + min(row["projects"], 9) * 0.45
        title = f"{row['city']}, {row['country']}: {number(row['projects'])} {_('projects')}"
        position = [row["longitude"], row["latitude"]]
        drawing.dot(position, "member" if on else "member pale", size, title, row["page"])
    for place in candidates:
        if centre := place.facts.get("centre"):
            title = f"{words(place.name)}: {_('candidate city, open its page')}"
            drawing.dot(centre, "candidate", 4.6, title, f"/cities/{place.id}")
    return drawing.svg("map-picture network-map")


def _focus(projects: list[dict[str, Any]]) -> list[tuple[str, str, int, float]]:
    """(focus area, its name, projects, share of the largest) for the chosen projects."""
    counts = Counter(str(row["focus_area"]) for row in projects)
    most = max(counts.values(), default=1)
    return [(key, _(name), counts[key], counts[key] / most) for key, name in AREAS.items()]


def projects_table(request: Request) -> Table:
    asked = Filter.of(request)
    rows = [row for row in register(request).projects if asked.takes(row)]
    columns = [
        Column("country", _("Country")),
        Column("city", _("City")),
        Column("project", _("Project"), link=lambda r: entity_address(r["id"])),
        Column(
            "focus_area",
            _("Focus area"),
            html=lambda r: _(AREAS[a]) if (a := r["focus_area"]) in AREAS else str(a),
        ),
        Column("status", _("Status"), html=_status),
    ]
    return Table(
        request,
        _("Projects"),
        columns,
        rows,
        path="/network/projects",
        key="p-",
        per_page=25,
        anchor="projects",
    )


def _status(row: dict[str, Any]) -> Markup:
    word, kind = STATUS.get(row["status"], (str(row["status"]), ""))
    return Markup('<span class="chip {}">{}</span>').format(kind, _(word))


def cities_table(request: Request) -> Table:
    asked = Filter.of(request)
    found = register(request)
    active = {row["city"] for row in found.projects if asked.takes(row)}

    def belongs(row: dict[str, Any]) -> bool:
        """By its own words, or by a project of it that was found."""
        if asked.area or asked.text:
            named = not asked.area and asked.takes({k: v for k, v in row.items() if k != "id"})
            return named or (row["city"] in active and asked.country in ("", row["country"]))
        return asked.takes(row)

    rows = [row for row in found.cities if belongs(row)]
    columns = [
        Column("country", _("Country")),
        Column("city", _("City"), html=_city),
        Column("joined", _("Member since"), get=lambda r: r["joined"], html=_since),
        Column("population", _("People"), "number"),
        Column("area_km2", _("Area, km²"), "number", decimals=0),
        Column("projects", _("Projects"), "number"),
        Column("since", hidden=True),
        Column("as_of", get=lambda _row: found.day.isoformat() if found.day else "", hidden=True),
        Column("longitude", hidden=True),
        Column("latitude", hidden=True),
    ]
    return Table(
        request,
        _("Member cities"),
        columns,
        rows,
        path="/network/cities",
        key="c-",
        per_page=50,
        anchor="cities",
    )


def _since(row: dict[str, Any]) -> str:
    since = str(row["since"] or row["joined"] or "")
    return date(since) if len(since) == 10 else since


def _city(row: dict[str, Any]) -> Markup:
    link = Markup('<a href="{}">{}</a>').format(row["page"] or entity_address(row["id"]), row["city"])
    if row["live"]:
        return link + Markup(' <span class="chip river">{}</span>').format(_("live here"))
    if row["node"]:
        return (
            link + Markup(' <span class="chip river">{}</span>').format(_("own node")) + off_line(row["node"])
        )
    return link


def countries_table(request: Request) -> Table:
    columns = [
        Column("code", _("Code")),
        Column("country", _("Country")),
        Column("capital", _("Capital")),
        Column("cities", _("Member cities"), "number"),
        Column("projects", _("Projects"), "number"),
    ]
    return Table(request, _("Countries"), columns, register(request).countries, path="/network/countries")
