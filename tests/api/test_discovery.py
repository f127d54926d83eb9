"""Types and attributes that there are (clause 6.25-6.28)."""

from __future__ import annotations

from support.api import Api, problem

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"


def test_types(api: Api) -> None:
    assert api.get("/types").json()["typeList"] == []
    api.create("urn:ngsi-ld:Weather:1", heat=1)
    api.create("urn:ngsi-ld:Weather:2", rain=1)
    api.create("urn:ngsi-ld:Bus:1", "Bus", owner={"object": "urn:a:b"})
    found = api.get("/types").json()
    assert (found["type"], found["typeList"]) == ("EntityTypeList", ["Bus", "Weather"])
    details = {one["typeName"]: one for one in api.get("/types?details=true").json()}
    assert details["Weather"]["attributeNames"] == ["heat", "rain"]
    assert details["Weather"]["id"] == DEFAULT + "Weather"
    one = api.get("/types/Weather").json()
    assert (one["entityCount"], [part["attributeName"] for part in one["attributeDetails"]]) == (
        2,
        ["heat", "rain"],
    )
    assert api.get("/types/Bus").json()["attributeDetails"][0]["attributeTypes"] == ["Relationship"]
    problem(api.get("/types/Ship"), 404, "ResourceNotFound")
    problem(api.get("/types/%3Cb%3E"), 400, "BadRequestData")


def test_attributes(api: Api) -> None:
    api.create("urn:ngsi-ld:Weather:1", heat=1, location={"type": "Point", "coordinates": [1, 1]})
    api.create("urn:ngsi-ld:Bus:1", "Bus", heat=1)
    assert api.get("/attributes").json()["attributeList"] == ["heat", "location"]
    details = {one["attributeName"]: one for one in api.get("/attributes?details=true").json()}
    assert details["heat"]["typeNames"] == ["Bus", "Weather"]
    one = api.get("/attributes/heat").json()
    assert (one["attributeCount"], one["attributeTypes"]) == (2, ["Property"])
    assert api.get("/attributes/location").json()["id"] == "https://uri.etsi.org/ngsi-ld/location"
    problem(api.get("/attributes/cold"), 404, "ResourceNotFound")


def test_what_is_deleted_is_no_longer_found(api: Api) -> None:
    api.create("urn:ngsi-ld:Weather:1", heat=1)
    api("DELETE", "/entities/urn:ngsi-ld:Weather:1")
    assert api.get("/types").json()["typeList"] == []
    assert api.get("/attributes").json()["attributeList"] == []
