"""Attributes over HTTP: append, update, partial update, replace, delete (clause 6.6, 6.7)."""

from __future__ import annotations

from support.api import Api, problem

ONE = "urn:ngsi-ld:Weather:1"
DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
ATTRS = f"/entities/{ONE}/attrs"


def test_append(api: Api) -> None:
    api.create(ONE, heat={"value": 1, "unitCode": "CEL"})
    assert api("POST", ATTRS, json={"heat": 2, "rain": 3}).status_code == 204
    assert api.read(ONE)["heat"] == {"type": "Property", "value": 2}
    answer = api("POST", f"{ATTRS}?options=noOverwrite", json={"heat": 9, "wind": 4})
    assert answer.status_code == 207
    assert answer.json()["updated"] == [DEFAULT + "wind"]
    assert [one["attributeName"] for one in answer.json()["notUpdated"]] == [DEFAULT + "heat"]
    assert api.read(ONE)["heat"]["value"] == 2
    problem(api("POST", "/entities/urn:a:b/attrs", json={"heat": 1}), 404, "ResourceNotFound")


def test_update(api: Api) -> None:
    api.create(ONE, heat=1)
    assert api("PATCH", ATTRS, json={"heat": 2, "rain": 3}).status_code == 204
    assert api.read(ONE, "?options=keyValues") == {"id": ONE, "type": "Weather", "heat": 2, "rain": 3}
    answer = api("PATCH", ATTRS, json={"heat": "urn:ngsi-ld:null", "scope": "/kaltim"})
    assert answer.status_code == 207
    assert answer.json()["updated"] == [DEFAULT + "heat"]
    assert [one["attributeName"] for one in answer.json()["notUpdated"]] == [
        "https://uri.etsi.org/ngsi-ld/scope"
    ]
    assert api.read(ONE).keys() == {"id", "type", "rain"}
    problem(api("PATCH", f"{ATTRS}?type=Bus", json={"heat": 1}), 404, "ResourceNotFound")


def test_partial_update(api: Api) -> None:
    api.create(ONE, heat={"value": 1, "unitCode": "CEL"})
    assert api("PATCH", f"{ATTRS}/heat", json={"value": 5}).status_code == 204
    assert api.read(ONE)["heat"] == {"type": "Property", "value": 5, "unitCode": "CEL"}
    problem(api("PATCH", f"{ATTRS}/rain", json={"value": 5}), 404, "ResourceNotFound")
    problem(api("PATCH", f"{ATTRS}/heat", json={}), 400, "BadRequestData")
    problem(api("PATCH", f"{ATTRS}/scope", json={"value": "/a"}), 400, "BadRequestData")
    problem(
        api("PATCH", f"{ATTRS}/heat", json={"object": "urn:a:b", "type": "Relationship"}),
        400,
        "BadRequestData",
    )
    problem(api("PATCH", f"{ATTRS}/%3Cb%3E", json={"value": 5}), 400, "BadRequestData")


def test_replace(api: Api) -> None:
    api.create(ONE, heat={"value": 1, "unitCode": "CEL"})
    assert api("PUT", f"{ATTRS}/heat", json={"type": "Property", "value": 5}).status_code == 204
    assert api.read(ONE)["heat"] == {"type": "Property", "value": 5}
    problem(api("PUT", f"{ATTRS}/rain", json={"type": "Property", "value": 5}), 404, "ResourceNotFound")


def test_delete(api: Api) -> None:
    api.create(ONE, heat=1, speed=[{"value": 1}, {"value": 2, "datasetId": "urn:a:gps"}])
    assert api("DELETE", f"{ATTRS}/heat").status_code == 204
    problem(api("DELETE", f"{ATTRS}/heat"), 404, "ResourceNotFound")
    assert api("DELETE", f"{ATTRS}/speed?datasetId=urn:a:gps").status_code == 204
    assert api.read(ONE)["speed"]["value"] == 1
    problem(api("DELETE", f"{ATTRS}/speed?datasetId=gps"), 400, "BadRequestData")
    assert api("DELETE", f"{ATTRS}/speed?deleteAll=true").status_code == 204
    assert api.read(ONE).keys() == {"id", "type"}


def test_an_attribute_whose_name_is_an_iri(api: Api) -> None:
    name = "https://example.org/heat"
    api.create(ONE, **{name: 1})
    assert api("PATCH", f"{ATTRS}/https%3A%2F%2Fexample.org%2Fheat", json={"value": 2}).status_code == 204
    assert api.read(ONE)[name]["value"] == 2
