"""Linked entity retrieval and queries over links (clause 4.5.23, 4.9, 4.21, 6.3.7)."""

from __future__ import annotations

from typing import Any

import pytest

from support.api import Api, problem

HALL, CITY, PROVINCE = "urn:ngsi-ld:Hall:1", "urn:ngsi-ld:City:1", "urn:ngsi-ld:Province:1"


def relationship(*ids: str) -> dict[str, Any]:
    return {"type": "Relationship", "object": ids[0] if len(ids) == 1 else list(ids)}


@pytest.fixture
def places(api: Api) -> Api:
    api.create(HALL, "Hall", standsIn=relationship(CITY), name="Hall")
    api.create(CITY, "City", partOf=relationship(PROVINCE), name="Samarinda", about=relationship(HALL))
    api.create(PROVINCE, "Province", name="East Kalimantan")
    return api


def test_inline_puts_the_linked_entity_beside_its_id(places: Api) -> None:
    found = places.read(HALL, "?join=inline")["standsIn"]
    assert found["object"] == CITY
    assert found["entity"]["name"]["value"] == "Samarinda"
    assert "entity" not in found["entity"]["partOf"]
    two = places.read(HALL, "?join=inline&joinLevel=2")["standsIn"]["entity"]
    assert two["partOf"]["entity"]["name"]["value"] == "East Kalimantan"
    assert "entity" not in two["about"]  # an entity is not put inside itself


def test_inline_simplified_puts_it_in_the_place_of_the_id(places: Api) -> None:
    found = places.read(HALL, "?join=inline&options=keyValues")
    assert found["standsIn"]["name"] == "Samarinda"
    assert found["standsIn"]["partOf"] == PROVINCE
    concise = places.read(HALL, "?join=inline&options=concise")
    assert concise["standsIn"]["entity"]["name"] == "Samarinda"


def test_flat_lists_each_once_the_nearest_first(places: Api) -> None:
    assert [one["id"] for one in places.read(HALL, "?join=flat&joinLevel=3")] == [HALL, CITY, PROVINCE]
    assert [one["id"] for one in places.read(HALL, "?join=flat&joinLevel=1")] == [HALL, CITY]
    answer = places.get("/entities?type=Hall,City&join=flat&joinLevel=2")
    assert [one["id"] for one in answer.json()] == [HALL, CITY, PROVINCE]
    features = places.get(f"/entities/{HALL}?join=flat", accept="application/geo+json").json()
    assert [one["id"] for one in features["features"]] == [HALL, CITY]


def test_a_link_to_nothing_stays_as_it_is(api: Api) -> None:
    api.create(HALL, "Hall", standsIn=relationship(CITY))
    plain = api.read(HALL)
    assert api.read(HALL, "?join=inline") == plain
    assert api.read(HALL, "?join=flat") == plain


def test_several_objects_and_instances(places: Api) -> None:
    nowhere = "urn:ngsi-ld:City:none"
    places.create("urn:ngsi-ld:Trip:1", "Trip", stops=relationship(CITY, nowhere, HALL))
    stops = places.read("urn:ngsi-ld:Trip:1", "?join=inline")["stops"]
    assert [one["id"] for one in stops["entityList"]] == [CITY, HALL]
    plain = places.read("urn:ngsi-ld:Trip:1", "?join=inline&format=simplified")["stops"]
    assert [one if isinstance(one, str) else one["id"] for one in plain] == [CITY, nowhere, HALL]
    visits = {"type": "ListRelationship", "objectList": [CITY, HALL]}
    both = [relationship(CITY), {**relationship(HALL), "datasetId": "urn:d:1"}]
    places.create("urn:ngsi-ld:Trip:2", "Trip", visits=visits, near=both)
    found = places.read("urn:ngsi-ld:Trip:2", "?join=inline")
    assert [one["id"] for one in found["visits"]["entityList"]] == [CITY, HALL]
    assert [one["entity"]["id"] for one in found["near"]] == [CITY, HALL]
    simple = places.read("urn:ngsi-ld:Trip:2", "?join=inline&format=simplified")
    assert [one["id"] for one in simple["visits"]] == [CITY, HALL]
    assert {key: one["id"] for key, one in simple["near"]["dataset"].items()} == {
        "@none": CITY,
        "urn:d:1": HALL,
    }


def test_contained_entities_are_left_out(places: Api) -> None:
    assert places.read(HALL, f"?join=inline&containedBy={CITY}") == places.read(HALL)
    assert places.read(HALL, f"?join=flat&containedBy={CITY}") == places.read(HALL)


def test_pick_and_omit_reach_into_linked_entities(places: Api) -> None:
    found = places.read(HALL, "?join=inline&joinLevel=2&pick=id,standsIn{id,name,partOf{name}}")
    assert found.keys() == {"id", "standsIn"}
    assert found["standsIn"]["entity"].keys() == {"id", "name", "partOf"}
    assert found["standsIn"]["entity"]["partOf"]["entity"].keys() == {"name"}
    flat = places.read(HALL, "?join=flat&joinLevel=2&omit=type,standsIn{name,about}")
    assert [set(one) for one in flat] == [
        {"id", "standsIn", "name"},
        {"id", "type", "partOf"},
        {"id", "type", "name"},
    ]
    assert [one["id"] for one in places.read(HALL, "?join=flat&joinLevel=2&pick=id,standsIn{id}")] == [
        HALL,
        CITY,
    ]


@pytest.mark.parametrize(
    "query",
    [
        "join=upside-down",
        "join=inline&joinLevel=0",
        "join=inline&joinLevel=11",
        "join=inline&containedBy=nothing",
        "pick=standsIn{name}",
        "join=inline&pick=standsIn{partOf{name}}",
        "join=inline&omit=standsIn{partOf{name}}",
        "join=inline&pick=standsIn{name",
        "join=inline&pick=standsIn}",
        "join=inline&pick=id&omit=id",
    ],
)
def test_joins_that_cannot_be(places: Api, query: str) -> None:
    problem(places.get(f"/entities/{HALL}?{query}"), 400, "BadRequestData")
    problem(places.get(f"/entities?type=Hall&{query}"), 400, "BadRequestData")


def ids(api: Api, q: str, more: str = "&join=inline") -> list[str]:
    answer = api.client.get(
        "/ngsi-ld/v1/entities",
        params={"type": "Hall", "q": q}
        | dict(part.split("=") for part in more.strip("&").split("&") if part),
    )
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()]


def test_a_query_follows_links(places: Api) -> None:
    assert ids(places, 'standsIn{name}=="Samarinda"') == [HALL]
    assert ids(places, 'standsIn{City:name}=="Samarinda"') == [HALL]
    assert ids(places, 'standsIn{Province:name}=="Samarinda"') == []
    assert ids(places, 'standsIn{name}=="Bontang"') == []
    assert ids(places, "standsIn{population}") == []
    deep = 'standsIn{partOf{name}}=="East Kalimantan"'
    assert ids(places, deep, "&join=inline&joinLevel=2") == [HALL]
    assert ids(places, f'name=="Hall";({deep}|name=="none")', "&join=inline&joinLevel=2") == [HALL]


def test_a_query_reaches_no_further_than_the_join(places: Api) -> None:
    for q in ("standsIn{name}", "standsIn{partOf{name}}"):
        problem(places.get(f"/entities?type=Hall&q={q}"), 400, "BadRequestData")
    problem(places.get("/entities?type=Hall&q=standsIn{partOf{name}}&join=inline"), 400, "BadRequestData")
    problem(places.get("/entities?type=Hall&q=standsIn{name&join=inline"), 400, "BadRequestData")


def test_a_posted_query_joins_too(places: Api) -> None:
    query = {"type": "Query", "entities": [{"type": "Hall"}], "join": "inline", "joinLevel": 2}
    found = places("POST", "/entityOperations/query", json=query).json()
    assert found[0]["standsIn"]["entity"]["partOf"]["entity"]["id"] == PROVINCE
