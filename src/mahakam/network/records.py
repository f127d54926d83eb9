"""Countries, cities and projects as they stand in the store, tied to each other and to this node's live
places.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from mahakam.broker.broker import Broker
from mahakam.config import Place
from mahakam.network.register import Kind, Register
from mahakam.network.terms import Term, joined, recorded
from mahakam.ngsild.selection import Scopes, Selection, Types
from mahakam.store.protocol import Document


@dataclass(frozen=True, slots=True)
class Country:
    id: str
    code: str
    name: str
    alias: str
    capital: str
    location: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class City:
    """A member city. ``place`` is the id of its live page on this node, "" where it has none."""

    id: str
    code: str
    name: str
    country: str
    """The country's name."""
    country_code: str
    joined: int | None
    population: int | None
    area: float | None
    location: dict[str, Any] | None
    place: str = ""
    since: str = ""
    """Day or year from which it is a member: of the term that holds; where none is known, the year in ``joined``."""


@dataclass(frozen=True, slots=True)
class Project:
    """``country`` and ``city`` are names as the network writes them."""

    id: str
    name: str
    country: str
    country_code: str
    city: str
    city_code: str
    focus_area: str
    status: str
    as_of: str


@dataclass(frozen=True, slots=True)
class Records:
    """Everything of the network, read once a request: some two hundred entities."""

    register: Register
    countries: tuple[Country, ...]
    cities: tuple[City, ...]
    projects: tuple[Project, ...]
    terms: tuple[Term, ...] = ()
    day: dt.date = dt.date.max
    """The day of which the members are."""


def records_of(broker: Broker, register: Register, day: dt.date | None = None) -> Records:
    """Read the network's entities; its members are those of a day (None: today where the network is at home). What is
    tied to nothing known keeps its own words."""
    day = day or dt.datetime.now(ZoneInfo(register.place.timezone)).date()
    countries = tuple(
        sorted(
            (_country(one, register.country) for one in _entities(broker, register, register.country)),
            key=lambda one: sort_key(one.name),
        )
    )
    by_country = _index(countries)
    live = _live(broker.places)
    cities = tuple(
        sorted(
            (
                _city(one, register.city, by_country, live)
                for one in _entities(broker, register, register.city)
            ),
            key=lambda one: (sort_key(one.country), sort_key(one.name)),
        )
    )
    fed = [
        one
        for document in _entities(broker, register, register.term)
        if (one := _term(document, register.term))
    ]
    terms = joined([*fed, *_untold(cities, fed)], recorded(broker.store))
    known = {word: city for city in cities for word in (city.id, plain(city.code), plain(city.name)) if word}
    cities = _members(cities, terms, by_country, broker.places, day)
    by_city = known | {
        word: city for city in cities for word in (city.id, plain(city.code), plain(city.name)) if word
    }
    projects = tuple(
        sorted(
            (
                _project(one, register.project, by_country, by_city)
                for one in _entities(broker, register, register.project)
            ),
            key=lambda one: (sort_key(one.country), sort_key(one.city), sort_key(one.name)),
        )
    )
    return Records(register, countries, cities, projects, terms, day)


def _members(
    cities: tuple[City, ...],
    terms: tuple[Term, ...],
    by_country: Mapping[str, Country],
    places: Mapping[str, Place],
    day: dt.date,
) -> tuple[City, ...]:
    """The cities that are members on a day by their terms; also those of which there is a term alone."""
    spans: dict[str, list[Term]] = {}
    for term in terms:
        if term.kind == "member":
            spans.setdefault(term.seat, []).append(term)
    found = []
    for city in cities:
        now = next((one for one in spans.pop(city.code, []) if one.holds(day)), None)
        if now is not None:
            found.append(replace(city, since=now.since))
    for own in spans.values():
        now = next((one for one in own if one.holds(day)), None)
        if now is not None:
            found.append(_of_term(now, by_country, places))
    return tuple(sorted(found, key=lambda one: (sort_key(one.country), sort_key(one.name))))


def _untold(cities: tuple[City, ...], fed: list[Term]) -> list[Term]:
    """A term from the year in which it joined for each city of the register of which no term was fed."""
    told = {one.seat for one in fed if one.kind == "member"}
    return [
        Term(
            kind="member",
            seat=one.code,
            name=one.name,
            country=one.country_code,
            since=str(one.joined or ""),
            source=one.id,
        )
        for one in cities
        if one.code not in told
    ]


def _of_term(term: Term, by_country: Mapping[str, Country], places: Mapping[str, Place]) -> City:
    """A city that the register does not describe: its term's words, and what its place on this node says."""
    country, place = by_country.get(plain(term.country)), places.get(term.seat)
    centre = place.facts.get("centre") if place else None
    return City(
        id=f"urn:ngsi-ld:NetworkTerm:{term.kind}:{term.seat}:{term.since}",
        code=term.seat,
        name=term.name,
        country=country.name if country else term.country,
        country_code=country.code if country else term.country,
        joined=int(term.since[:4]),
        population=None,
        area=None,
        location={"type": "Point", "coordinates": centre} if isinstance(centre, list) else None,
        place=place.id if place else "",
        since=term.since,
    )


def _term(document: Document, kind: Kind) -> Term | None:
    """None for an entity that is no term."""
    said = {name: _word(document, kind, name) for name in kind.attributes}
    try:
        return msgspec.convert(said, Term)
    except msgspec.ValidationError:
        return None


def plain(text: str) -> str:
    """Text for matching names: no accents, no case, no punctuation (Đà Nẵng and Da Nang are one)."""
    folded = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D").casefold())
    return "".join(letter for letter in folded if letter.isalnum())


def sort_key(text: str) -> str:
    return "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text.casefold())
        if not unicodedata.combining(letter)
    )


def _entities(broker: Broker, register: Register, kind: Kind) -> list[Document]:
    selection = Selection(types=Types(((kind.type,),)), scopes=Scopes(((register.scope,),)))
    return list(broker.scan(selection))


def _live(places: Mapping[str, Place]) -> dict[str, str]:
    """Matching word → id of the place: ``network: {city: …}`` of city.yaml, else the folder's name and its
    names.
    """
    found: dict[str, str] = {}
    for place in places.values():
        if place.kind != "city":
            continue
        named = place.facts.get("network")
        if isinstance(named, Mapping) and named.get("city"):
            found[plain(str(named["city"]))] = place.id
            continue
        for word in (place.id, *place.name.values()):
            found.setdefault(plain(word), place.id)
    return found


def _index(countries: tuple[Country, ...]) -> dict[str, Country]:
    return {
        word: country
        for country in countries
        for word in (country.id, plain(country.code), plain(country.name), plain(country.alias))
        if word
    }


def _country(document: Document, kind: Kind) -> Country:
    words = {name: _word(document, kind, name) for name in ("code", "name", "alias", "capital")}
    return Country(document["id"], **words, location=_geometry(document, kind))


def _city(document: Document, kind: Kind, by_country: Mapping[str, Country], live: Mapping[str, str]) -> City:
    code, name = _word(document, kind, "code"), _word(document, kind, "name")
    stated = _word(document, kind, "country")
    country = by_country.get(stated) or by_country.get(plain(stated))
    return City(
        id=document["id"],
        code=code,
        name=name,
        country=country.name if country else stated,
        country_code=country.code if country else "",
        joined=_whole(_value(document, kind, "joined")),
        population=_whole(_value(document, kind, "population")),
        area=_number(_value(document, kind, "area")),
        location=_geometry(document, kind),
        place=live.get(plain(code)) or live.get(plain(name)) or "",
    )


def _project(
    document: Document, kind: Kind, by_country: Mapping[str, Country], by_city: Mapping[str, City]
) -> Project:
    stated_city, stated_country = _word(document, kind, "city"), _word(document, kind, "country")
    city = by_city.get(stated_city) or by_city.get(plain(stated_city))
    country = by_country.get(stated_country) or by_country.get(plain(stated_country))
    return Project(
        id=document["id"],
        name=_word(document, kind, "name"),
        country=country.name if country else stated_country or (city.country if city else ""),
        country_code=country.code if country else city.country_code if city else "",
        city=city.name if city else stated_city,
        city_code=city.code if city else "",
        focus_area=_word(document, kind, "focus_area"),
        status=_word(document, kind, "status"),
        as_of=_word(document, kind, "as_of"),
    )


def _value(document: Document, kind: Kind, field: str) -> Any:
    """The attribute's plain value: of a relationship the id, of words in languages the English or first
    ones.
    """
    found = document.get(kind.attributes[field])
    if isinstance(found, list):
        found = found[0] if found else None
    if not isinstance(found, dict):
        return None
    if "languageMap" in found:
        words = found["languageMap"]
        return words.get("en") or next(iter(words.values()), None)
    value = found.get("value", found.get("object"))
    return value["@value"] if isinstance(value, dict) and "@value" in value else value


def _word(document: Document, kind: Kind, field: str) -> str:
    value = _value(document, kind, field)
    return "" if value is None else str(value)


def _geometry(document: Document, kind: Kind) -> dict[str, Any] | None:
    value = _value(document, kind, "location")
    return value if isinstance(value, dict) and "coordinates" in value else None


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
