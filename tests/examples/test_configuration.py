"""The example places are read strictly, and what one file names, another one has."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mahakam.config import Place, as_text, load_places, read_yaml, scope_of
from mahakam.feeds import definition
from mahakam.feeds.definition import Feed
from mahakam.feeds.year.taking import plans_of
from mahakam.indicators.definition import definitions_of
from mahakam.quality.contract import Contract
from mahakam.quality.load import load, load_all
from mahakam.services.catalogue import catalogue
from mahakam.services.contracts import CONTRACT
from mahakam.services.request import TYPE
from mahakam.services.routing import routing_of

EXAMPLES = Path(__file__).parents[2] / "examples"
PLACES = load_places([EXAMPLES])
CONTRACTS = sorted(EXAMPLES.glob("**/contracts/*.yaml"))
FEEDS = [(place.id, name) for place in PLACES.values() for name in place.files("feeds")]
THEMES = {"transport", "housing", "environment", "safety", "services"}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("**/plans/*.yaml")), ids=str)
def test_a_list_of_data_is_whole_and_names_feeds_of_its_place(path: Path) -> None:
    place = PLACES[path.parent.parent.name]
    for plan in plans_of(path, int(path.stem)):
        assert plan.feed in ("", *place.files("feeds"))
        assert "(contoh)" in plan.producer, "nobody's real plan: it says so on every page"


def above(place: Place) -> Iterator[Place]:
    """The place and those it belongs to."""
    at: Place | None = place
    while at is not None:
        yield at
        at = PLACES.get(str(at.parent))


def contract_of(feed: Feed) -> Contract:
    for place in above(feed.place):
        if feed.contract in place.files("contracts"):
            return load_all(place.files("contracts")[feed.contract])[0]
    raise AssertionError(f"{feed.path}: no contract {feed.contract!r} here or above")


def code_lists(place: Place) -> dict[str, list[str]]:
    """The code lists that a place sees: name → columns."""
    found: dict[str, list[str]] = {}
    for at in above(place):
        for path in (at.folder / "codes").glob("*.csv"):
            with path.open(newline="") as file:
                found.setdefault(path.stem, next(csv.reader(file)))
    return found


def texts(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping by language in a configuration file."""
    if isinstance(value, dict):
        words = "en" in value or ("id" in value and not str(value["id"]).startswith("urn:"))
        if words and "kind" not in value:
            yield value
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def test_the_places_and_their_scopes() -> None:
    scopes = {place.id: scope_of(place, PLACES) for place in PLACES.values()}
    assert scopes == {
        "ascn": "/ascn",
        "jakarta": "/ascn/jakarta",
        "kuala-lumpur": "/ascn/kuala-lumpur",
        "singapore": "/ascn/singapore",
        "kaltim": "/kaltim",
        "samarinda": "/kaltim/samarinda",
        "balikpapan": "/kaltim/balikpapan",
        "bontang": "/kaltim/bontang",
    }


def test_bontang_lies_north_of_the_equator_and_all_three_keep_utc_plus_8() -> None:
    latitude = {id: PLACES[id].facts["centre"][1] for id in ("samarinda", "balikpapan", "bontang")}
    assert latitude["bontang"] > 0 > latitude["samarinda"] > latitude["balikpapan"]
    assert {PLACES[id].timezone for id in latitude} == {"Asia/Makassar"}


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_a_place_says_where_its_facts_come_from(place: Place) -> None:
    facts = place.facts.get("facts", [])
    assert facts
    for fact in facts:
        assert set(fact) <= {"name", "value", "unit", "as_of", "source"}, fact
        assert fact["value"] is not None
        assert fact["source"], fact
        assert fact["as_of"], fact
    if place.boundary_file:
        assert place.boundary_file.is_file()
    assert set(place.facts["themes"]) == THEMES
    kinds = {contract_of(definition.load(PLACES[id], name)).entity for id, name in FEEDS if id == place.id}
    for layer in place.facts["layers"]:
        assert layer["type"] in kinds, f"{place.id} draws {layer['type']}, of which it has no feed"
        assert layer["style"] in ("area", "line", "point")


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.glob("**/*.yaml")), ids=lambda p: str(p.relative_to(EXAMPLES))
)
def test_words_for_people_are_in_both_languages(path: Path) -> None:
    for text in texts(read_yaml(path)):
        assert set(text) == {"en", "id"}, f"{path}: {text}"
        assert all(as_text(text).values())


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda p: f"{p.parent.parent.name}/{p.stem}")
def test_a_contract_is_read_strictly_and_refers_to_lists_that_are_there(path: Path) -> None:
    place = PLACES[path.parent.parent.name]
    below = [p for p in PLACES.values() if place in above(p)]
    for contract in load_all(path):
        assert contract.key, f"{path} has no primary key"
        assert contract.description
        for target in contract.targets:
            name, _, column = target.partition(".")
            for user in below if path.parent.parent.name in ("kaltim", "ascn") else [place]:
                lists = code_lists(user)
                assert name in lists, f"{path}: {target}, but the lists are {sorted(lists)}"
                assert not column or column in lists[name]


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda p: f"{p.parent.parent.name}/{p.stem}")
def test_every_rule_of_our_own_says_in_words_why(path: Path) -> None:
    for schema in read_yaml(path)["schema"]:
        for rule in schema.get("quality", []):
            assert rule.get("description"), f"{path}: {rule}"
            assert rule.get("name"), f"{path}: {rule}"


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_a_place_has_one_contract_a_type(place: Place) -> None:
    types = [
        c.entity for at in above(place) for path in at.files("contracts").values() for c in load_all(path)
    ]
    own = [c.entity for path in place.files("contracts").values() for c in load_all(path)]
    assert len(own) == len(set(own)), own
    assert len(types) == len(set(types)), types


@pytest.mark.parametrize(("place", "name"), FEEDS, ids=[f"{place}/{name}" for place, name in FEEDS])
def test_a_feed_fits_its_contract_and_names_owner_licence_and_origin(place: str, name: str) -> None:
    feed = definition.load(PLACES[place], name)
    contract = contract_of(feed)
    mapped = {field.name for field in feed.fields}
    assert mapped <= set(contract.fields)
    assert {n for n, field in contract.fields.items() if field.required} <= mapped
    assert feed.source_files()
    assert feed.owner
    assert feed.licence
    assert feed.origin.startswith("https://")
    assert feed.theme in THEMES
    assert feed.entity
    assert set(feed.entity.key_fields) <= mapped
    assert set(feed.title) == {"en", "id"}


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_an_indicator_is_read_strictly_and_counts_a_type_that_is_fed(place: Place) -> None:
    feeds = [definition.load(PLACES[id], name) for id, name in FEEDS if id == place.id]
    kinds = {contract_of(feed).entity: contract_of(feed) for feed in feeds}
    kinds[TYPE] = load(CONTRACT)  # residents send these, no feed
    datasets = {feed.name: contract_of(feed) for feed in feeds if feed.store == "dataset"}
    found = definitions_of(place, PLACES)
    assert found, f"{place.id} has no indicator"
    for indicator in found.values():
        columns = set(indicator.compiled.columns)
        source = datasets.get(indicator.dataset) if indicator.dataset else kinds.get(indicator.source)
        assert source, f"{indicator.path}: nothing feeds {indicator.source}"
        assert columns <= set(source.fields), f"{indicator.path}: {columns - set(source.fields)}"
        assert indicator.theme in THEMES
        assert indicator.unit
        assert indicator.note, f"{indicator.path}: what must a reader know to compare fairly?"


def test_each_theme_has_an_indicator_somewhere() -> None:
    themes = {d.theme for place in PLACES.values() for d in definitions_of(place, PLACES).values()}
    assert themes == THEMES


def test_the_three_cities_share_the_services_of_their_province() -> None:
    roads, water = {"pothole", "street-light", "parking"}, {"flood", "water-leak"}
    asked_for = {"house-aid", "business-domicile", "family-card", "market-stall"}
    shared = roads | water | asked_for | {"waste", "fallen-tree", "noise", "public-order", "something-else"}
    for id in ("samarinda", "balikpapan", "bontang"):
        services = catalogue(PLACES[id], PLACES)
        assert set(services) == shared
        for service in services.values():
            assert service.agency.endswith("(example)")
            assert service.keywords
            assert service.icon
            assert set(service.name) == set(service.description) == set(service.group) == {"en", "id"}


@pytest.mark.parametrize("city", ["samarinda", "balikpapan", "bontang"])
def test_every_service_of_a_city_has_somebody_who_does_it(city: str) -> None:
    places = load_places([EXAMPLES / "kaltim"])
    routing = routing_of(places[city], places)
    assert routing is not None
    ruled = {service for rule in routing.rules for service in rule.services}
    assert set(catalogue(places[city], places)) - ruled == {"something-else"}, "that goes to the triage queue"
    for rule in routing.rules:
        for team in rule.to:
            assert routing.above(team, 1) is not None, f"nobody is told when {team} is late"
