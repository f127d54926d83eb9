"""Payloads become documents; every fault of a payload is named with where, what and what would be right."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings

from mahakam.ngsild.context import CORE, build
from mahakam.ngsild.entity import parse_attribute, parse_entity, parse_fragment
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.represent import render, without_system
from support.ngsild import NOW, anything, entities

ID = "urn:ngsi-ld:Weather:1"


def parsed(**attributes: Any) -> dict[str, Any]:
    return parse_entity({"id": ID, "type": "Weather", **attributes}, CORE, NOW)


def refused(payload: Any) -> list[dict[str, Any]]:
    with pytest.raises(Problem) as refusal:
        parse_entity(payload, CORE, NOW)
    assert refusal.value.kind == "BadRequestData"
    assert refusal.value.reasons
    return refusal.value.reasons


def test_a_document_is_normalized_and_stamped() -> None:
    document = parsed(
        temperature={"type": "Property", "value": 30.5, "unitCode": "CEL"}, scope="kaltim/samarinda"
    )
    assert document == {
        "id": ID,
        "type": "Weather",
        "scope": "/kaltim/samarinda",
        "createdAt": NOW,
        "modifiedAt": NOW,
        "temperature": {
            "type": "Property",
            "value": 30.5,
            "unitCode": "CEL",
            "createdAt": NOW,
            "modifiedAt": NOW,
        },
    }


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        (7, {"type": "Property", "value": 7}),
        ({"value": 7, "unitCode": "CEL"}, {"type": "Property", "value": 7, "unitCode": "CEL"}),
        ({"object": "urn:a:b"}, {"type": "Relationship", "object": "urn:a:b"}),
        ({"languageMap": {"id": "Hujan"}}, {"type": "LanguageProperty", "languageMap": {"id": "Hujan"}}),
        ({"vocab": "rain"}, {"type": "VocabProperty", "vocab": "rain"}),
        ({"json": {"a": None}}, {"type": "JsonProperty", "json": {"a": None}}),
        ({"valueList": [1, 2]}, {"type": "ListProperty", "valueList": [1, 2]}),
        ({"objectList": ["urn:a:b"]}, {"type": "ListRelationship", "objectList": [{"object": "urn:a:b"}]}),
        (
            {"type": "Point", "coordinates": [117.1, -0.5]},
            {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117.1, -0.5]}},
        ),
        (
            {"value": {"type": "Point", "coordinates": [117.1, -0.5]}},
            {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117.1, -0.5]}},
        ),
        (
            {"type": "PostalAddress", "addressLocality": "Samarinda"},
            {"type": "Property", "value": {"type": "PostalAddress", "addressLocality": "Samarinda"}},
        ),
        (["a", "b"], {"type": "Property", "value": ["a", "b"]}),
        (
            {"value": 1, "providedBy": {"object": "urn:a:b"}},
            {"type": "Property", "value": 1, "providedBy": {"type": "Relationship", "object": "urn:a:b"}},
        ),
    ],
)
def test_concise_and_simplified_attributes_are_understood(given_: Any, stored: Any) -> None:
    assert without_system(parsed(a=given_))["a"] == stored


def test_several_instances_are_a_list() -> None:
    document = parsed(speed=[{"value": 1}, {"value": 2, "datasetId": "urn:a:gps"}])
    assert [one["value"] for one in document["speed"]] == [1, 2]


def test_what_was_read_before_does_not_matter() -> None:
    """Names that were checked are remembered; what they may stand for is not."""
    parsed(a={"value": 1, "by": {"value": 2, "observedAt": "2026-01-01T00:00:00Z"}})
    parse_fragment({"observedAtx": 1}, CORE)
    CORE.names["observedAt"] = "observedAt"
    assert refused({"id": ID, "type": "Weather", "observedAt": 1})[0]["field"] == "observedAt"


def test_the_default_dataset_has_no_id() -> None:
    assert "datasetId" not in parsed(speed={"value": 1, "datasetId": "@none"})["speed"]


def test_a_geometry_as_text_is_read() -> None:
    document = parsed(location={"type": "GeoProperty", "value": '{"type": "Point", "coordinates": [1, 2]}'})
    assert document["location"]["value"] == {"type": "Point", "coordinates": [1, 2]}


def test_a_sliver_is_no_crossing() -> None:
    """As digitising leaves them: the last edge crosses the second by a hair."""
    ring = [[13.28, 52.56], [13.2879, 52.56], [13.27, 52.49], [13.47, 52.47], [13.5, 52.5373], [13.28, 52.56]]
    ring[1] = [13.2801, 52.5600001]
    assert parsed(area={"type": "Polygon", "coordinates": [ring]})


def test_names_and_types_and_words_are_expanded() -> None:
    context = build({"heat": "https://example.org/heat", "Hot": "https://example.org/Hot"}, lambda url: {})
    document = parse_entity(
        {"id": ID, "type": ["Weather", "Hot"], "heat": 3, "state": {"vocab": "Hot"}}, context, NOW
    )
    assert document["type"] == ["Weather", "https://example.org/Hot"]
    assert document["https://example.org/heat"]["value"] == 3
    assert document["state"]["vocab"] == "https://example.org/Hot"


@pytest.mark.parametrize(
    ("attribute", "field", "expected"),
    [
        ({"type": "Property"}, "a.value", "value of a Property"),
        ({"type": "Propery", "value": 1}, "a.type", "one of Property"),
        ({"type": "Relationship", "object": "nothing"}, "a.object", "URI"),
        ({"type": "Relationship", "object": []}, "a.object", "URI"),
        ({"type": "Relationship", "value": "urn:a:b"}, "a.object", "object of a Relationship"),
        ({"value": 1, "observedAt": "yesterday"}, "a.observedAt", "UTC time"),
        ({"value": 1, "observedAt": "2026-02-30T00:00:00Z"}, "a.observedAt", "UTC time"),
        ({"value": 1, "observedAt": "2026-02-03T00:00:00+08:00"}, "a.observedAt", "UTC time"),
        ({"value": 1, "datasetId": "gps"}, "a.datasetId", "URI"),
        ([{"value": 1, "datasetId": []}, {"value": 2}], "a[0].datasetId", "URI"),
        ({"value": 1, "unitCode": 7}, "a.unitCode", "unit code"),
        ({"object": "urn:a:b", "unitCode": "CEL"}, "a.unitCode", "no unitCode"),
        ({"languageMap": {"bahasa indonesia": "x"}}, "a.languageMap.bahasa indonesia", "language tag"),
        ({"languageMap": {"id": 3}}, "a.languageMap.id", "text"),
        ({"type": "ListProperty", "valueList": 3}, "a.valueList", "list"),
        ({"objectList": ["x"]}, "a.objectList[0]", "URI"),
        ({"vocab": 3}, "a.vocab", "word"),
        (None, "a", "value"),
        ({"value": None}, "a.value", "value"),
        ({"value": [1, None]}, "a.value[1]", "no null"),
        ({"value": math.nan}, "a.value", "finite"),
        ({"value": [math.inf]}, "a.value[0]", "finite"),
        ("urn:ngsi-ld:null", "a", "Null"),
        ({"value": "urn:ngsi-ld:null"}, "a.value", "Null"),
        ([{"value": 1}, {"value": 2}], "a[1].datasetId", "different datasetId"),
        ({"value": 1, "<b>": 2}, "a.<b>", "a name"),
        ({"json": 7}, "a.json", "object or list"),
        ({"value": {"x": "urn:ngsi-ld:null"}}, "a.value.x", "Null"),
        ({"languageMap": {"@none": "urn:ngsi-ld:null"}}, "a.languageMap.@none", "Null"),
        (
            {"type": "GeoProperty", "value": {"type": "GeometryCollection", "geometries": []}},
            "a.value.type",
            "single",
        ),
        ({"type": "GeoProperty", "value": "here"}, "a.value", "GeoJSON"),
        ({"type": "GeoProperty", "value": {"type": "Dot"}}, "a.value.type", "one of"),
        ({"type": "Point", "coordinates": [-0.5, 117.1]}, "a.coordinates", "swapped"),
        ({"type": "Point", "coordinates": [181, 0]}, "a.coordinates", "longitude"),
        ({"type": "Point", "coordinates": ["117", "0"]}, "a.coordinates", "position"),
        ({"type": "Point", "coordinates": [math.nan, 0]}, "a.coordinates", "longitude"),
        ({"type": "LineString", "coordinates": [[1, 1]]}, "a.coordinates", "two or more"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
            "a.coordinates[0]",
            "closed",
        ),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}, "a", "cross"),
    ],
)
def test_each_fault_names_where_and_what_would_be_right(attribute: Any, field: str, expected: str) -> None:
    reasons = refused({"id": ID, "type": "Weather", "a": attribute})
    assert (field, True) in [(reason["field"], expected in reason["expected"]) for reason in reasons]


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ([], ""),
        ("text", ""),
        ({"type": "Weather"}, "id"),
        ({"id": "no uri", "type": "Weather"}, "id"),
        ({"id": "urn:ngsi-ld:null", "type": "Weather"}, "id"),
        ({"id": "plain", "type": "Weather"}, "id"),
        ({"id": "urn:x:<script>alert(1)</script>", "type": "Weather"}, "id"),
        ({"id": ID}, "type"),
        ({"id": ID, "type": []}, "type"),
        ({"id": ID, "type": "<b>Weather</b>"}, "type"),
        ({"id": "urn:ngsi-ld:W:1\u200b", "type": "Weather"}, "id"),
        ({"id": "urn:ngsi-ld:W:\u202e1", "type": "Weather"}, "id"),
        ({"id": "urn:ngsi-ld:W:\U0001ffff", "type": "Weather"}, "id"),
        ({"id": ID, "type": "type"}, "type"),
        ({"id": ID, "type": "Weather", "observedAt": "2026-01-01T00:00:00Z"}, "observedAt"),
        ({"id": ID, "type": "Weather", "location": "here"}, "location.type"),
        ({"id": ID, "type": "../../etc/passwd"}, "type"),
        ({"id": ID, "type": "Weather", "scope": "/a//b"}, "scope"),
        ({"id": ID, "type": "Weather", "scope": ["/a", 3]}, "scope"),
        ({"id": ID, "type": "Weather", "a b": 1}, "a b"),
        ({"id": ID, "type": "Weather", "../x": 1}, "../x"),
        ({"id": ID, "type": "Weather", "": 1}, "(empty name)"),
        ({"id": ID, "type": "Weather", "a\x00": 1}, "a\x00"),
    ],
)
def test_faults_of_the_entity_itself(payload: Any, field: str) -> None:
    assert field in [reason["field"] for reason in refused(payload)]


def test_all_faults_come_at_once() -> None:
    reasons = refused({"id": "x", "type": "<i>", "a": None, "b": {"value": 1, "observedAt": "?"}})
    assert [reason["field"] for reason in reasons] == ["id", "type", "a", "b.observedAt"]
    assert all(reason["severity"] == "error" for reason in reasons)


def test_two_names_for_one_attribute_are_refused() -> None:
    name = "https://uri.etsi.org/ngsi-ld/default-context/heat"
    assert refused({"id": ID, "type": "Weather", "heat": 1, name: 2})[0]["field"] == name


def test_sub_attributes_have_a_depth_limit() -> None:
    deep: dict[str, Any] = {"value": 1}
    for _ in range(50):
        deep = {"value": 1, "sub": deep}
    assert "deep" in refused({"id": ID, "type": "Weather", "a": deep})[0]["expected"]


def test_values_have_a_depth_limit() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    assert "deep" in refused({"id": ID, "type": "Weather", "a": deep})[0]["expected"]


def test_fragments_may_say_null_and_lack_type_and_value() -> None:
    fragment = parse_fragment(
        {"gone": "urn:ngsi-ld:null", "dated": {"observedAt": "2026-01-01T00:00:00Z"}, "n": {"value": 3}}, CORE
    )
    assert fragment == {
        "gone": {"value": "urn:ngsi-ld:null"},
        "dated": {"observedAt": "2026-01-01T00:00:00Z"},
        "n": {"value": 3},
    }


def test_an_attribute_by_itself() -> None:
    assert parse_attribute({"type": "Property", "value": 3}, CORE, partial=False) == {
        "type": "Property",
        "value": 3,
    }
    assert parse_attribute({"unitCode": "CEL"}, CORE, partial=True) == {"unitCode": "CEL"}
    with pytest.raises(Problem):
        parse_attribute({}, CORE, partial=True)


@given(entities())
def test_a_normalized_payload_is_its_own_document(entity: dict[str, Any]) -> None:
    document = without_system(parse_entity(entity, CORE, NOW))
    assert {**document, "scope": None} == {**entity, "scope": None}


@settings(max_examples=300)
@given(anything)
def test_nothing_but_a_problem_comes_of_any_payload(payload: Any) -> None:
    for work in (
        lambda: parse_entity(payload, CORE, NOW),
        lambda: parse_fragment(payload, CORE),
        lambda: parse_attribute(payload, CORE, partial=True),
    ):
        with suppress(Problem):
            work()


@pytest.mark.parametrize(
    ("attribute", "field"),
    [
        ({"type": "Property", "value": 1, "previousValue": 0}, "a.previousValue"),
        ({"type": "Relationship", "object": "urn:b", "previousObject": "urn:c"}, "a.previousObject"),
        ({"type": "Property", "value": 1, "entityIdSealed": "urn:b"}, "a.entityIdSealed"),
        ({"type": "LanguageProperty", "languageMap": {"en": "x"}, "valueType": "xsd:string"}, "a.valueType"),
    ],
)
def test_members_that_are_not_a_writers(attribute: Any, field: str) -> None:
    assert [reason["field"] for reason in refused({"id": "urn:a", "type": "T", "a": attribute})] == [field]


def test_a_proof_seals_an_id_and_a_type() -> None:
    context = build({"Bus": "https://example.org/Bus"}, lambda url: {})
    proof = {
        "type": "Property",
        "value": {"proofValue": "z"},
        "entityIdSealed": "urn:a",
        "entityTypeSealed": "Bus",
    }
    document = parse_entity({"id": "urn:a", "type": "Bus", "ngsildproof": proof}, context, NOW)
    assert document["ngsildproof"]["entityTypeSealed"] == "https://example.org/Bus"
    assert render(document, context)["ngsildproof"] == proof
    for wrong in ({**proof, "value": "z"}, {**proof, "entityTypeSealed": 42}):
        assert refused({"id": "urn:a", "type": "Bus", "ngsildproof": wrong})
