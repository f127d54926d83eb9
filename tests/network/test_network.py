"""The register of the example network, filtered and counted as a person would with the CSV files open."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.broker.writes import Upsert
from mahakam.config import ConfigError, load_places
from mahakam.network.register import register_of
from mahakam.network.views import Filter, Network, cities, countries, network, projects
from mahakam.store.opening import open_store

ASCN = Path(__file__).parents[2] / "examples" / "ascn"
CITY_SPELLING = {"Manila City": "Manila", "Ha Noi": "Hanoi"}


def property_of(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def rows(name: str) -> list[dict[str, str]]:
    with (ASCN / "data" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def register_rows() -> list[dict[str, str]]:
    """The projects with the feeds' corrections: two spellings, Singapore's four rows without a city."""
    found = []
    for row in rows("projects-2025.csv"):
        if not row["project"]:
            row = {**row, "project": row["city"], "city": row["country"]}
        found.append({**row, "city": CITY_SPELLING.get(row["city"], row["city"])})
    return found


def documents(place: str = "/ascn") -> Iterator[dict[str, Any]]:
    for feature in json.loads((ASCN / "data/countries.geojson").read_text("utf-8"))["features"]:
        facts = feature["properties"]
        yield {
            "id": f"urn:ngsi-ld:Country:{facts['code']}",
            "type": "Country",
            "scope": place,
            "code": property_of(facts["code"]),
            "name": property_of(facts["name"]),
            "commonName": property_of(facts["common_name"]),
            "capital": property_of(facts["capital"]),
            "location": {"type": "GeoProperty", "value": feature["geometry"]},
        }
    for row in rows("cities-located.csv"):
        yield {
            "id": f"urn:ngsi-ld:SmartCity:{row['code']}",
            "type": "SmartCity",
            "scope": place,
            "code": property_of(row["code"]),
            "name": property_of(row["city"]),
            "country": {"type": "Relationship", "object": f"urn:ngsi-ld:Country:{row['country_code']}"},
            "joined": property_of(int(row["joined"])),
            "location": {
                "type": "GeoProperty",
                "value": {"type": "Point", "coordinates": [float(row["lon"]), float(row["lat"])]},
            },
        }
    for number, row in enumerate(register_rows()):
        yield {
            "id": f"urn:ngsi-ld:SmartCityProject:{number}",
            "type": "SmartCityProject",
            "scope": place,
            "name": property_of(row["project"]),
            "country": property_of(row["country"]),
            "city": property_of(row["city"]),
            "focusArea": property_of(row["focus_area"]),
            "status": property_of(row["status"]),
        }


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    node = open_store("", tmp_path_factory.mktemp("data"))
    broker = Broker(node, NoContracts(), load_places([ASCN.parent]))
    broker.batch([Upsert(document) for document in documents()])
    yield broker
    node.close()


def shown(broker: Broker, **wanted: str) -> Network:
    found = network(broker, Filter(**wanted))
    assert found
    return found


def test_eleven_countries_38_cities_134_projects(broker: Broker) -> None:
    assert len(countries(broker)) == 11
    assert len(cities(broker)) == 38
    assert len(projects(broker)) == 134
    assert {row["country"] for row in shown(broker).project_rows()} <= {one.name for one in countries(broker)}


def test_every_project_belongs_to_a_member_city(broker: Broker) -> None:
    known = {(city.country, city.name) for city in cities(broker)}
    assert {(one.country, one.city) for one in projects(broker)} <= known


def test_project_rows_are_the_register(broker: Broker) -> None:
    key = ("country", "city", "project", "focus_area", "status")
    expected = Counter(tuple(row[name] for name in key) for row in register_rows())
    got = shown(broker).project_rows()
    assert list(got[0]) == list(key)
    assert Counter(tuple(row[name] for name in key) for row in got) == expected


@pytest.mark.parametrize("name", ["Viet Nam", "viet nam", "VN", "Vietnam"])
def test_a_country_is_found_by_code_and_every_name(broker: Broker, name: str) -> None:
    expected = {row["project"] for row in register_rows() if row["country"] == "Viet Nam"}
    found = shown(broker, country=name)
    assert {one.name for one in found.projects} == expected
    assert {city.name for city in found.cities} == {"Da Nang", "Hanoi", "Ho Chi Minh City"}
    assert [one.name for one in found.by_country if one.chosen] == ["Viet Nam"]


def test_filters_combine_and_counts_tell_what_another_choice_would_give(broker: Broker) -> None:
    expected = [
        row
        for row in register_rows()
        if row["country"] == "Indonesia" and row["focus_area"] == "Quality Environment"
    ]
    found = shown(broker, country="ID", focus_area="Quality Environment")
    assert len(found.projects) == len(expected) > 0
    by_focus = Counter(row["focus_area"] for row in register_rows() if row["country"] == "Indonesia")
    assert {one.name: one.count for one in found.by_focus_area if one.count} == by_focus
    by_country = Counter(
        row["country"] for row in register_rows() if row["focus_area"] == "Quality Environment"
    )
    assert {one.name: one.count for one in found.by_country if one.count} == by_country
    for count in found.by_focus_area:
        assert len(shown(broker, country="ID", focus_area=count.name).projects) == count.count


def test_text_finds_titles_whatever_the_case_and_accents(broker: Broker) -> None:
    assert [one.name for one in shown(broker, text="KAMPÓNG ayer").projects] == [
        "Revitalisation of Kampong Ayer (Water Village)"
    ]
    assert shown(broker, text="no such words anywhere").projects == ()


def test_a_filter_that_fits_nothing_gives_nothing(broker: Broker) -> None:
    found = shown(broker, country="Atlantis")
    assert (found.countries, found.cities, found.projects) == ((), (), ())


def test_live_cities_are_members_or_candidates(broker: Broker) -> None:
    found = shown(broker)
    live = {one.place.id: one.membership for one in found.live}
    assert {id for id, membership in live.items() if membership == "candidate"} == {
        "samarinda",
        "balikpapan",
        "bontang",
    }
    assert live["jakarta"] == "member"
    by_place = {row["place"]: row for row in found.city_rows() if row["place"]}
    assert by_place["jakarta"]["city"] == "Jakarta"
    assert by_place["samarinda"]["country"] == "Indonesia"
    assert {one.place.id for one in shown(broker, country="SG").candidates} == set()


def test_the_map_has_every_country_city_and_candidate(broker: Broker) -> None:
    features = shown(broker).geojson()["features"]
    assert Counter(one["properties"]["kind"] for one in features) == {
        "country": 11,
        "city": 38,
        "candidate": 3,
    }
    bontang = next(one for one in features if one["id"] == "bontang")
    longitude, latitude = bontang["geometry"]["coordinates"]
    assert 117 < longitude < 118
    assert 0 < latitude < 1, "Bontang lies north of the equator"


def test_attribute_names_and_types_are_configuration(tmp_path: Path) -> None:
    (tmp_path / "league").mkdir()
    config = tmp_path / "league" / "network.yaml"
    config.write_text(
        "name: League\ntypes: {city: Town}\nattributes: {city: {name: title, joined: since}}\n", "utf-8"
    )
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "city.yaml").write_text(
        "name: Elsewhere\nmembership: candidate\nnetwork: {city: Old Town}\n", "utf-8"
    )
    node = open_store("", tmp_path / "data")
    try:
        broker = Broker(node, NoContracts(), load_places([tmp_path]))
        broker.create(
            {
                "id": "urn:t:1",
                "type": "Town",
                "scope": "/league",
                "title": property_of("Old Town"),
                "since": property_of(1999),
            }
        )
        (city,) = cities(broker)
        assert (city.name, city.joined, city.place) == ("Old Town", 1999, "elsewhere")
    finally:
        node.close()
    config.write_text("name: League\nattributes: {city: {nmae: title}}\n", "utf-8")
    with pytest.raises(ConfigError, match="did you mean 'name'"):
        register_of(load_places([tmp_path]))


def test_a_node_without_a_network_has_none(tmp_path: Path) -> None:
    (tmp_path / "town").mkdir()
    (tmp_path / "town" / "city.yaml").write_text("name: Town\n")
    node = open_store("", tmp_path / "data")
    try:
        broker = Broker(node, NoContracts(), load_places([tmp_path]))
        assert network(broker) is None
        assert projects(broker) == ()
    finally:
        node.close()
