"""What the network's pages and tables show: lists with filters, counts, candidates, and GeoJSON for the
map.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mahakam.broker.broker import Broker
from mahakam.config import Place, Text
from mahakam.network.records import City, Country, Project, Records, plain, records_of
from mahakam.network.register import register_of

Membership = Literal["member", "candidate"]


@dataclass(frozen=True, slots=True)
class Filter:
    """What to show; an empty field lets everything through. Country and city: a code or a name, in any case.

    ``text`` finds projects whose title, city, country, focus area or status holds every word of it.
    """

    country: str = ""
    city: str = ""
    focus_area: str = ""
    status: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many projects a choice would show, the other filters kept as they are."""

    name: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class LiveCity:
    """A city of this node that stands in the network: ``membership`` of its city.yaml, and the register's
    record.
    """

    place: Place
    name: Text
    membership: Membership
    member: City | None
    country_code: str
    centre: tuple[float, float] | None


@dataclass(frozen=True)
class Network:
    """The network as one page shows it: filtered lists, and for each filter what its choices would give."""

    records: Records
    filter: Filter
    countries: tuple[Country, ...]
    cities: tuple[City, ...]
    projects: tuple[Project, ...]
    live: tuple[LiveCity, ...]
    by_country: tuple[Count, ...]
    by_focus_area: tuple[Count, ...]
    by_status: tuple[Count, ...]

    @property
    def place(self) -> Place:
        return self.records.register.place

    @property
    def candidates(self) -> tuple[LiveCity, ...]:
        """Live cities of this node that are no members (yet)."""
        return tuple(one for one in self.live if one.membership == "candidate")

    def country_rows(self) -> list[dict[str, Any]]:
        """One row a country: code, name, capital, cities, projects."""
        cities = Counter(city.country for city in self.records.cities)
        projects = Counter(project.country for project in self.projects)
        return [
            {
                "code": country.code,
                "name": country.name,
                "capital": country.capital,
                "cities": cities[country.name],
                "projects": projects[country.name],
            }
            for country in self.countries
        ]

    def city_rows(self) -> list[dict[str, Any]]:
        """One row a city: the members, then the live candidates of this node."""
        projects = Counter((project.country, project.city) for project in self.projects)
        rows = [
            {
                "code": city.code,
                "city": city.name,
                "country": city.country,
                "membership": "member",
                "joined": city.joined,
                "population": city.population,
                "area_km2": city.area,
                "projects": projects[city.country, city.name],
                "place": city.place,
            }
            for city in self.cities
        ]
        names = {country.code: country.name for country in self.records.countries}
        rows += [
            {
                "code": one.place.id,
                "city": one.name.get("en") or next(iter(one.name.values())),
                "country": names.get(one.country_code, one.country_code),
                "membership": one.membership,
                "joined": None,
                "population": None,
                "area_km2": None,
                "projects": 0,
                "place": one.place.id,
            }
            for one in self.candidates
        ]
        return rows

    def project_rows(self) -> list[dict[str, Any]]:
        """One row a project: ``country, city, project, focus_area, status``."""
        return [
            {
                "country": project.country,
                "city": project.city,
                "project": project.name,
                "focus_area": project.focus_area,
                "status": project.status,
            }
            for project in self.projects
        ]

    def geojson(self) -> dict[str, Any]:
        """Countries, member cities and candidates as one FeatureCollection (EPSG:4326).

        Each feature has ``kind`` (country, city, candidate), ``name``, ``projects`` (as filtered) and
        ``place``, the id of its live page or "".
        """
        by_country = Counter(project.country for project in self.projects)
        by_city = Counter((project.country, project.city) for project in self.projects)
        features = [
            _feature(country.id, country.location, "country", country.name, by_country[country.name], "")
            for country in self.countries
            if country.location
        ]
        features += [
            _feature(city.id, city.location, "city", city.name, by_city[city.country, city.name], city.place)
            for city in self.cities
            if city.location
        ]
        features += [
            _feature(
                one.place.id,
                {"type": "Point", "coordinates": list(one.centre)},
                "candidate",
                one.name.get("en") or next(iter(one.name.values())),
                0,
                one.place.id,
            )
            for one in self.candidates
            if one.centre
        ]
        return {"type": "FeatureCollection", "features": features}


_NONE = Filter()


def network(
    broker: Broker, wanted: Filter = _NONE, id: str = "", day: dt.date | None = None
) -> Network | None:
    """The network of a day (None: today), filtered; None where this node knows none (or none of that id)."""
    register = register_of(broker.places, id)
    if register is None:
        return None
    records = records_of(broker, register, day)
    projects = _projects(records, wanted)
    countries = tuple(one for one in records.countries if _is_country(one, wanted.country))
    named = {one.name for one in countries} if wanted.country else None
    cities = tuple(
        city
        for city in records.cities
        if (named is None or city.country in named) and _is(wanted.city, city.code, city.name)
    )
    if wanted.focus_area or wanted.status or wanted.text:
        with_project = {(project.country, project.city) for project in projects}
        cities = tuple(city for city in cities if (city.country, city.name) in with_project)
    live = tuple(
        one
        for one in live_cities(broker, records)
        if (not wanted.country or any(one.country_code == country.code for country in countries))
        and _is(wanted.city, one.place.id, *one.name.values())
    )
    return Network(
        records,
        wanted,
        countries,
        cities,
        projects,
        live,
        by_country=_counts(records, wanted, "country", [one.name for one in records.countries]),
        by_focus_area=_counts(records, wanted, "focus_area", _all(records, "focus_area")),
        by_status=_counts(records, wanted, "status", _all(records, "status")),
    )


def countries(broker: Broker) -> tuple[Country, ...]:
    """All countries by name; none where this node knows no network."""
    found = network(broker)
    return found.countries if found else ()


def cities(broker: Broker, country: str = "") -> tuple[City, ...]:
    """The member cities, of one country if it is given (code or name)."""
    found = network(broker, Filter(country=country))
    return found.cities if found else ()


def projects(broker: Broker, wanted: Filter = _NONE) -> tuple[Project, ...]:
    found = network(broker, wanted)
    return found.projects if found else ()


def _projects(records: Records, wanted: Filter) -> tuple[Project, ...]:
    words = [plain(word) for word in wanted.text.split()]
    return tuple(
        project
        for project in records.projects
        if _project_country(records, project, wanted.country)
        and _is(wanted.city, project.city_code, project.city)
        and _is(wanted.focus_area, project.focus_area)
        and _is(wanted.status, project.status)
        and _holds(project, words)
    )


def _project_country(records: Records, project: Project, wanted: str) -> bool:
    if not wanted:
        return True
    return any(one.name == project.country and _is_country(one, wanted) for one in records.countries) or _is(
        wanted, project.country_code, project.country
    )


def _is_country(country: Country, wanted: str) -> bool:
    return _is(wanted, country.code, country.name, country.alias)


def _is(wanted: str, *words: str) -> bool:
    return not wanted or plain(wanted) in {plain(word) for word in words if word}


def _holds(project: Project, words: Sequence[str]) -> bool:
    if not words:
        return True
    text = " ".join(
        map(plain, (project.name, project.city, project.country, project.focus_area, project.status))
    )
    return all(word in text for word in words)


def _counts(records: Records, wanted: Filter, field: str, names: Iterable[str]) -> tuple[Count, ...]:
    """For each choice of one filter the projects it would show with the other filters as they are."""
    from dataclasses import replace

    others = Counter(getattr(one, field) for one in _projects(records, replace(wanted, **{field: ""})))
    chosen = getattr(wanted, field)
    alias = {one.name: one for one in records.countries} if field == "country" else {}
    return tuple(
        Count(
            name,
            others[name],
            bool(chosen) and (_is_country(alias[name], chosen) if name in alias else _is(chosen, name)),
        )
        for name in names
    )


def _all(records: Records, field: str) -> list[str]:
    """Every value of a field, the most frequent first."""
    found = Counter(getattr(project, field) for project in records.projects)
    return [name for name, _ in sorted(found.items(), key=lambda one: (-one[1], one[0])) if name]


def live_cities(broker: Broker, records: Records) -> list[LiveCity]:
    """Cities of this node that are members, or candidates by their city.yaml."""
    members = {city.place: city for city in records.cities if city.place}
    found = []
    for place in broker.places.values():
        stated = place.facts.get("membership")
        if place.kind != "city" or (place.id not in members and stated not in ("member", "candidate")):
            continue
        member = members.get(place.id)
        membership: Membership = "member" if member or stated == "member" else "candidate"
        country = str(place.facts.get("country") or (member.country_code if member else ""))
        found.append(LiveCity(place, place.name, membership, member, country, _centre(place)))
    return found


def _centre(place: Place) -> tuple[float, float] | None:
    centre = place.facts.get("centre")
    if isinstance(centre, list) and len(centre) == 2 and all(isinstance(one, int | float) for one in centre):
        return float(centre[0]), float(centre[1])
    return None


def _feature(
    id: str, geometry: dict[str, Any] | None, kind: str, name: str, projects: int, place: str
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": id,
        "geometry": geometry,
        "properties": {"kind": kind, "name": name, "projects": projects, "place": place},
    }
