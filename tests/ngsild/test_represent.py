"""A document in every representation, and back from the concise one without loss."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given

from mahakam.ngsild.context import CORE, build
from mahakam.ngsild.entity import parse_entity
from mahakam.ngsild.represent import body, collection, feature, preferences, render, without_system
from support.ngsild import NOW, entities

PAYLOAD = {
    "id": "urn:ngsi-ld:Weather:1",
    "type": "Weather",
    "scope": "/kaltim/samarinda",
    "temperature": {"type": "Property", "value": 30.5, "unitCode": "CEL"},
    "rain": {"type": "Property", "value": 0},
    "address": {"type": "Property", "value": {"city": "Samarinda"}},
    "station": {"type": "Relationship", "object": "urn:ngsi-ld:Station:1"},
    "name": {"type": "LanguageProperty", "languageMap": {"id": "Hujan", "en": "Rain"}},
    "sky": {"type": "VocabProperty", "vocab": "cloudy"},
    "raw": {"type": "JsonProperty", "json": {"a": 1}},
    "hours": {"type": "ListProperty", "valueList": [1, 2]},
    "near": {"type": "ListRelationship", "objectList": [{"object": "urn:a:b"}]},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117.1, -0.5]}},
    "speed": [
        {"type": "Property", "value": 1},
        {"type": "Property", "value": 2, "datasetId": "urn:a:gps"},
    ],
}
DOCUMENT = parse_entity(PAYLOAD, CORE, NOW)


def test_the_body_is_the_normalized_entity_without_system_attributes() -> None:
    assert orjson.loads(body(DOCUMENT)) == PAYLOAD


def test_concise() -> None:
    shown = render(DOCUMENT, form="concise")
    assert shown["temperature"] == {"value": 30.5, "unitCode": "CEL"}
    assert shown["rain"] == 0
    assert shown["location"] == {"type": "Point", "coordinates": [117.1, -0.5]}
    assert shown["station"] == {"object": "urn:ngsi-ld:Station:1"}
    assert shown["address"] == {"value": {"city": "Samarinda"}}
    assert shown["speed"] == [{"value": 1}, {"value": 2, "datasetId": "urn:a:gps"}]


def test_simplified() -> None:
    shown = render(DOCUMENT, form="simplified")
    assert shown == {
        "id": "urn:ngsi-ld:Weather:1",
        "type": "Weather",
        "scope": "/kaltim/samarinda",
        "temperature": 30.5,
        "rain": 0,
        "address": {"city": "Samarinda"},
        "station": "urn:ngsi-ld:Station:1",
        "name": {"languageMap": {"id": "Hujan", "en": "Rain"}},
        "sky": {"vocab": "cloudy"},
        "raw": {"json": {"a": 1}},
        "hours": [1, 2],
        "near": ["urn:a:b"],
        "location": {"type": "Point", "coordinates": [117.1, -0.5]},
        "speed": {"dataset": {"@none": 1, "urn:a:gps": 2}},
    }


def test_system_attributes_stand_on_entity_and_attributes() -> None:
    shown = render(DOCUMENT, sys_attrs=True)
    assert shown["createdAt"] == shown["modifiedAt"] == shown["temperature"]["modifiedAt"] == NOW


def test_projections() -> None:
    assert list(render(DOCUMENT, attrs=("rain",))) == ["id", "type", "scope", "rain"]
    assert list(render(DOCUMENT, pick=("id", "rain"))) == ["id", "rain"]
    assert "rain" not in render(DOCUMENT, omit=("rain", "type"))
    assert "type" not in render(DOCUMENT, omit=("rain", "type"))
    assert render(DOCUMENT, datasets=("urn:a:gps",), form="simplified")["speed"] == 2
    assert "rain" not in render(DOCUMENT, datasets=("urn:a:gps",))


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("id", "Hujan"),
        ("en-GB", "Rain"),
        ("fr;q=0.9,id;q=0.5", "Hujan"),
        ("fr", "Rain"),
        ("*", "Rain"),
        (";q=x", "Rain"),
    ],
)
def test_a_language_makes_texts_of_language_maps(lang: str, text: str) -> None:
    shown = render(DOCUMENT, lang=lang)["name"]
    assert (shown["type"], shown["value"]) == ("Property", text) if preferences(lang) else True
    if preferences(lang):
        assert render(DOCUMENT, lang=lang, form="simplified")["name"] == text


def test_names_are_compacted_where_names_stand() -> None:
    context = build(
        {"heat": "https://e.org/heat", "W": "https://e.org/W", "grey": "https://e.org/grey"}, lambda u: {}
    )
    document = parse_entity(
        {"id": "urn:a:b", "type": "W", "heat": {"value": 1, "heat": 2}, "sky": {"vocab": "grey"}},
        context,
        NOW,
    )
    assert "https://e.org/heat" in document
    shown = render(document, context)
    assert shown["type"] == "W"
    assert shown["heat"]["heat"]["value"] == 2
    assert shown["sky"]["vocab"] == "grey"
    assert render(document, CORE)["type"] == "https://e.org/W"


def test_geojson() -> None:
    shown = feature(DOCUMENT, render(DOCUMENT, form="simplified"))
    assert shown["type"] == "Feature"
    assert shown["id"] == "urn:ngsi-ld:Weather:1"
    assert shown["geometry"] == {"type": "Point", "coordinates": [117.1, -0.5]}
    assert shown["properties"]["type"] == "Weather"
    assert "id" not in shown["properties"]
    assert feature(DOCUMENT, {}, "rain")["geometry"] is None
    assert feature(DOCUMENT, {}, "nothing")["geometry"] is None
    assert collection([shown])["features"] == [shown]


@given(entities())
def test_normalized_comes_back_from_concise(entity: dict[str, Any]) -> None:
    document = parse_entity(entity, CORE, NOW)
    concise = render(document, form="concise")
    assert parse_entity(orjson.loads(orjson.dumps(concise)), CORE, NOW) == document


@given(entities())
def test_normalized_comes_back_with_another_context(entity: dict[str, Any]) -> None:
    document = parse_entity(entity, CORE, NOW)
    context = build(
        {name: f"https://example.org/{name}" for name in entity if name not in ("id", "type", "scope")},
        lambda u: {},
    )
    assert parse_entity(render(document, context), context, NOW) == document


@given(entities())
def test_the_body_says_what_the_document_says(entity: dict[str, Any]) -> None:
    document = parse_entity(entity, CORE, NOW)
    assert orjson.loads(body(document)) == without_system(document) == render(document)
