"""Countries, cities and projects as they stand in the store, tied to each other and to this node's live
places.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.config import Place
from mahakam.network.register import Kind, Register
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


def records_of(broker: Broker, register: Register) -> Records:
    """Read the network's entities. What is tied to nothing known keeps its own words."""
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
    by_city = {
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
    return Records(register, countries, cities, projects)


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
