"""Entities over HTTP: create, read, query, replace, merge, delete (clause 6.4, 6.5)."""

from __future__ import annotations

from typing import Any

import pytest

from support.api import BASE, Api, link, problem

ONE = "urn:ngsi-ld:Weather:1"
POINT = {"type": "Point", "coordinates": [117.1, -0.5]}


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [entity["id"] for entity in answer.json()]


def test_create_and_read(api: Api) -> None:
    entity = {"id": ONE, "type": "Weather", "heat": {"type": "Property", "value": 30.5}, "location": POINT}
    answer = api("POST", "/entities", json=entity)
    assert (answer.status_code, answer.headers["location"], answer.content) == (
        201,
        f"{BASE}/entities/{ONE}",
        b"",
    )
    answer = api.get(f"/entities/{ONE}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in answer.headers["link"]
    assert answer.json() == {**entity, "location": {"type": "GeoProperty", "value": POINT}}


def test_an_id_with_slashes(api: Api) -> None:
    id = "https://example.org/weather/1?x=y#z"
    answer = api("POST", "/entities", json={"id": id, "type": "Weather"})
    assert answer.status_code == 201
    assert api.client.get(answer.headers["location"]).json()["id"] == id
    assert api("DELETE", "/entities/https%3A%2F%2Fexample.org%2Fweather%2F1%3Fx%3Dy%23z").status_code == 204


def test_an_entity_is_created_once(api: Api) -> None:
    api.create(ONE, heat=1)
    problem(api("POST", "/entities", json={"id": ONE, "type": "Weather", "heat": 2}), 409, "AlreadyExists")
    assert api.read(ONE)["heat"]["value"] == 1


def test_reads_of_what_is_not_there(api: Api) -> None:
    problem(api.get(f"/entities/{ONE}"), 404, "ResourceNotFound")
    problem(api.get("/entities/not-a-uri"), 400, "BadRequestData")
    problem(api.get("/entities/not-a-uri?options=concise"), 400, "BadRequestData")
    api.create(ONE, heat=1)
    problem(api.get(f"/entities/{ONE}?attrs=cold"), 404, "ResourceNotFound")
    problem(api.get(f"/entities/{ONE}?pick=cold"), 404, "ResourceNotFound")
    problem(api.get(f"/entities/{ONE}?omit=id,type,heat"), 404, "ResourceNotFound")
    problem(api.get(f"/entities/{ONE}?type=Bus"), 404, "ResourceNotFound")


def test_representations(api: Api) -> None:
    api.create(
        ONE, heat={"value": 30.5, "unitCode": "CEL"}, name={"languageMap": {"id": "Hujan", "en": "Rain"}}
    )
    assert api.read(ONE, "?options=keyValues")["heat"] == 30.5
    assert api.read(ONE, "?format=simplified&lang=id")["name"] == "Hujan"
    assert api.read(ONE, "?options=concise")["heat"] == {"value": 30.5, "unitCode": "CEL"}
    assert "createdAt" in api.read(ONE, "?options=sysAttrs,concise")["heat"]
    assert api.read(ONE, "?attrs=heat").keys() == {"id", "type", "heat"}
    assert api.read(ONE, "?pick=id,heat").keys() == {"id", "heat"}
    assert api.read(ONE, "?omit=heat").keys() == {"id", "type", "name"}
    problem(api.get(f"/entities/{ONE}?options=pretty"), 400, "InvalidRequest")
    problem(api.get(f"/entities/{ONE}?options=concise,keyValues"), 400, "InvalidRequest")
    problem(api.get(f"/entities/{ONE}?format=xml"), 400, "InvalidRequest")
    problem(api.get(f"/entities/{ONE}?colour=red"), 400, "InvalidRequest")


def test_queries(api: Api) -> None:
    for number in range(5):
        api.create(
            f"urn:ngsi-ld:Weather:{number}",
            heat=number,
            location={**POINT, "coordinates": [117 + number, -0.5]},
        )
    api.create("urn:ngsi-ld:Bus:1", "Bus", heat=9, scope="/kaltim/samarinda")
    assert len(ids(api.get("/entities?type=Weather"))) == 5
    assert ids(api.get("/entities?type=Weather&q=heat>=3")) == [
        "urn:ngsi-ld:Weather:3",
        "urn:ngsi-ld:Weather:4",
    ]
    assert ids(api.get("/entities?local=true&id=urn:ngsi-ld:Bus:1,urn:ngsi-ld:Weather:0")) == [
        "urn:ngsi-ld:Weather:0",
        "urn:ngsi-ld:Bus:1",
    ]
    assert ids(api.get("/entities?type=Bus,Weather&idPattern=Bus")) == ["urn:ngsi-ld:Bus:1"]
    assert ids(api.get("/entities?type=Weather&pick=cold")) == []
    assert ids(api.get("/entities?scopeQ=/kaltim/%23")) == ["urn:ngsi-ld:Bus:1"]
    assert ids(api.get("/entities?bbox=116.5,-1,117.5,0")) == ["urn:ngsi-ld:Weather:0"]
    near = "georel=near;maxDistance==1000&geometry=Point&coordinates=[118.001,-0.5]"
    assert ids(api.get(f"/entities?type=Weather&{near}")) == ["urn:ngsi-ld:Weather:1"]
    assert len(ids(api.get("/entities?local=true"))) == len(ids(api.get("/entities?type=*"))) == 6
    assert ids(api.get("/entities?type=Ship")) == []


def test_queries_that_differ_by_their_place_alone(api: Api) -> None:
    for number in range(9):
        location = {**POINT, "coordinates": [117 + number // 3, -0.5]}
        api.create(f"urn:ngsi-ld:Weather:{number}", heat=number, location=location)
    path = f"{BASE}/entities?type=Weather&q=heat>0&georel=near;maxDistance==1000&geometry=Point&limit=2"
    for place in range(4):
        for coordinates in (f"%5B{117 + place},-0.5%5D", f"[{117 + place},-0.5]", f"[{117 + place}.0,-0.5]"):
            found = api.client.get(f"{path}&coordinates={coordinates}")
            expected = [f"urn:ngsi-ld:Weather:{place * 3 + n}" for n in range(3) if place * 3 + n][:3]
            assert ids(found) == expected[:2] if place < 3 else not ids(found)
            if len(expected) > 2 and place < 3:
                rest = api.client.get(found.links["next"]["url"])
                assert ids(rest) == expected[2:], found.links
    for wrong in ("[117,-95]", "[117]", "[117,]", "[1.2.3,4]", "[117,-0.5]&coordinates=[1,2]"):
        assert api.client.get(f"{path}&coordinates={wrong}").status_code == 400, wrong


def test_pages(api: Api) -> None:
    for number in range(45):
        api.create(f"urn:ngsi-ld:Weather:{number:02}")
    first = api.get("/entities?type=Weather&count=true")
    assert (len(ids(first)), first.headers["ngsild-results-count"]) == (20, "45")
    seen: list[str] = []
    path = f"{BASE}/entities?type=Weather"
    for _ in range(3):
        answer = api.client.get(path)
        seen += ids(answer)
        following = [part for part in answer.headers.get("link", "").split(", <") if 'rel="next"' in part]
        path = following[0].partition(">")[0].lstrip("<") if following else ""
    assert not path
    assert seen == [f"urn:ngsi-ld:Weather:{number:02}" for number in range(45)]
    last = api.get("/entities?type=Weather&limit=20&offset=40")
    assert 'rel="prev"' in last.headers["link"]
    assert 'rel="next"' not in last.headers["link"]
    none = api.get("/entities?type=Weather&limit=0&count=true")
    assert (ids(none), none.headers["ngsild-results-count"]) == ([], "45")


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("", 400, "BadRequestData"),
        ("?limit=5", 400, "BadRequestData"),
        ("?id=urn:a:b", 400, "BadRequestData"),
        ("?type=*&local=false", 400, "BadRequestData"),
        ("?attrs=id", 400, "BadRequestData"),
        ("?type=Weather&pick=id,,heat", 400, "BadRequestData"),
        ("?type=Weather&geometryProperty=site", 400, "BadRequestData"),
        ("?type=Weather&datasetId=gps", 400, "BadRequestData"),
        ("?type=Weather&limit=0", 400, "BadRequestData"),
        ("?type=Weather&limit=-1", 400, "BadRequestData"),
        ("?type=Weather&limit=ten", 400, "BadRequestData"),
        ("?type=Weather&limit=1001", 403, "TooManyResults"),
        ("?type=Weather&offset=-1", 400, "BadRequestData"),
        ("?type=Weather&count=yes", 400, "InvalidRequest"),
        ("?type=Weather&type=Bus", 400, "InvalidRequest"),
        ("?type=%FF", 400, "InvalidRequest"),
        ("?type=%00", 400, "InvalidRequest"),
        ("?type=", 400, "BadRequestData"),
        ("?type=%3Cb%3E", 400, "BadRequestData"),
        ("?q=", 400, "BadRequestData"),
        ("?q=heat==", 400, "BadRequestData"),
        ("?type=Weather&georel=near", 400, "BadRequestData"),
        ("?q=a{b}==1", 400, "BadRequestData"),
        ("?type=Weather&options=noOverwrite", 400, "InvalidRequest"),
    ],
)
def test_queries_that_are_none(api: Api, query: str, status: int, kind: str) -> None:
    problem(api.get(f"/entities{query}"), status, kind)


def test_geojson(api: Api) -> None:
    api.create(ONE, heat=30, location=POINT)
    api.create("urn:ngsi-ld:Weather:2", heat=31)
    one = api.get(f"/entities/{ONE}?options=keyValues", accept="application/geo+json")
    assert one.headers["content-type"] == "application/geo+json"
    assert one.json()["geometry"] == POINT
    assert one.json()["properties"] == {"type": "Weather", "heat": 30, "location": POINT}
    assert "@context" in one.json()
    many = api.get("/entities?type=Weather", accept="application/geo+json", prefer="body=json")
    assert many.json()["type"] == "FeatureCollection"
    assert [one["geometry"] for one in many.json()["features"]] == [POINT, None]
    assert "@context" not in many.json()
    assert "link" in many.headers


def test_replace(api: Api) -> None:
    api.create(ONE, heat=1, rain=2)
    before = api.read(ONE, "?options=sysAttrs")
    assert api("PUT", f"/entities/{ONE}", json={"id": ONE, "type": "Weather", "heat": 5}).status_code == 204
    after = api.read(ONE, "?options=sysAttrs")
    assert "rain" not in after
    assert after["heat"]["value"] == 5
    assert after["createdAt"] == before["createdAt"]
    assert after["modifiedAt"] >= before["modifiedAt"]
    problem(api("PUT", f"/entities/{ONE}", json={"id": "urn:a:b", "type": "Weather"}), 400, "BadRequestData")
    problem(api("PUT", "/entities/urn:a:b", json={"type": "Weather"}), 404, "ResourceNotFound")


def test_merge(api: Api) -> None:
    api.create(ONE, heat={"value": 1, "unitCode": "CEL"}, rain=2, address={"value": {"a": 1, "b": 2}})
    fragment = {
        "heat": {"value": 3},
        "rain": "urn:ngsi-ld:null",
        "address": {"value": {"a": "urn:ngsi-ld:null"}},
    }
    headers = {"content-type": "application/merge-patch+json"}
    assert api("PATCH", f"/entities/{ONE}", json=fragment, headers=headers).status_code == 204
    after = api.read(ONE)
    assert after["heat"] == {"type": "Property", "value": 3, "unitCode": "CEL"}
    assert after["address"]["value"] == {"b": 2}
    assert "rain" not in after
    assert api("PATCH", f"/entities/{ONE}?options=keyValues", json={"heat": 4}).status_code == 204
    assert api.read(ONE)["heat"]["value"] == 4
    problem(api("PATCH", "/entities/urn:a:b", json={"heat": 1}), 404, "ResourceNotFound")
    problem(api("PATCH", f"/entities/{ONE}", json={"heat": None}), 400, "BadRequestData")
    problem(api("PATCH", f"/entities/{ONE}?observedAt=now", json={"heat": 1}), 400, "BadRequestData")
    problem(api("PATCH", f"/entities/{ONE}?type=Bus", json={"heat": 1}), 404, "ResourceNotFound")


def test_instances_by_dataset(api: Api) -> None:
    api.create(
        ONE, speed=[{"value": 1}, {"value": 2, "datasetId": "urn:a:2"}, {"value": 3, "datasetId": "urn:a:3"}]
    )
    shown = api.read(ONE, "?datasetId=urn:a:2,urn:a:3")["speed"]
    assert [one["value"] for one in shown] == [2, 3]
    assert api.read(ONE, "?datasetId=@none&options=keyValues")["speed"] == 1
    assert api.get("/entities?type=Weather&datasetId=urn:a:9").json() == [{"id": ONE, "type": "Weather"}]


def test_delete(api: Api) -> None:
    api.create(ONE)
    problem(api("DELETE", f"/entities/{ONE}?type=Bus"), 404, "ResourceNotFound")
    assert api("DELETE", f"/entities/{ONE}?type=Weather").status_code == 204
    problem(api("DELETE", f"/entities/{ONE}"), 404, "ResourceNotFound")
    problem(api("DELETE", "/entities/x"), 400, "BadRequestData")
    problem(api("DELETE", "/entities/"), 400, "BadRequestData")


def test_a_query_sees_every_write_at_once(api: Api) -> None:
    """Compiled queries are kept: what they answer must not be."""
    assert ids(api.get("/entities?type=Weather")) == []
    api.create(ONE, heat=1)
    assert ids(api.get("/entities?type=Weather")) == [ONE]
    api("PATCH", f"/entities/{ONE}", json={"heat": 2})
    assert api.get("/entities?type=Weather").json()[0]["heat"]["value"] == 2
    api("DELETE", f"/entities/{ONE}")
    assert ids(api.get("/entities?type=Weather")) == []


def test_tenants_are_apart(api: Api) -> None:
    api.create(ONE, heat=1)
    problem(api.get("/entities?type=Weather", ngsild_tenant="other"), 404, "NonexistentTenant")
    headers = {"ngsild-tenant": "other"}
    answer = api("POST", "/entities", json={"id": ONE, "type": "Weather", "heat": 2}, headers=headers)
    assert (answer.status_code, answer.headers["ngsild-tenant"]) == (201, "other")
    answer = api.get(f"/entities/{ONE}", ngsild_tenant="other")
    assert (answer.json()["heat"]["value"], answer.headers["ngsild-tenant"]) == (2, "other")
    assert api.read(ONE)["heat"]["value"] == 1
    assert api("DELETE", f"/entities/{ONE}", headers=headers).status_code == 204
    assert api.read(ONE)
    for name in ("../x", "a b", "x" * 65, "a;b"):
        problem(api.get("/entities?type=Weather", ngsild_tenant=name), 400, "BadRequestData")


def test_query_by_post(api: Api) -> None:
    for number in range(3):
        api.create(f"urn:ngsi-ld:Weather:{number}", heat=number, location=POINT)
    api.create("urn:ngsi-ld:Bus:1", "Bus", heat=1)

    def found(query: str = "", **members: Any) -> list[str]:
        return ids(api("POST", f"/entityOperations/query{query}", json={"type": "Query", **members}))

    assert len(found(entities=[{"type": "Weather"}, {"type": "Bus"}])) == 4
    assert found(entities=[{"type": "Weather"}], q="heat>1") == ["urn:ngsi-ld:Weather:2"]
    assert found("?limit=1", entities=[{"id": "urn:ngsi-ld:Bus:1", "type": "Bus"}]) == ["urn:ngsi-ld:Bus:1"]
    geo = {"georel": "near;maxDistance==10", "geometry": "Point", "coordinates": [117.1, -0.5]}
    assert len(found(geoQ=geo)) == 3
    assert len(found(attrs=["heat"])) == 4
    assert found(entities=[{"id": "urn:ngsi-ld:Bus:1", "idPattern": "Weather", "type": "Bus"}]) == [
        "urn:ngsi-ld:Bus:1"
    ]
    for members in (
        {"type": "Query", "entities": [{"id": "urn:a:b"}]},
        {"type": "Search"},
        {"type": "Query", "colour": 1},
        {"type": "Query", "q": 7},
        {"type": "Query"},
    ):
        problem(api("POST", "/entityOperations/query", json=members), 400, "BadRequestData")


def test_words_and_keys_in_q(api: Api) -> None:
    """``expandValues`` (clause 4.9): values that are words of the @context; ``jsonKeys``: keys that are not."""
    iri = "https://example.org/dry"
    api.create("urn:ngsi-ld:Weather:1", season={"type": "VocabProperty", "vocab": iri})
    api.create("urn:ngsi-ld:Weather:2", raw={"type": "JsonProperty", "json": {"level": {"now": 3}}})
    api.create("urn:ngsi-ld:Weather:3", raw={"type": "JsonProperty", "json": {"level": {"now": 4}}})
    document = {"@context": {"dry": iri}}
    hosted = api("POST", "/jsonldContexts", json=document).headers["location"]
    words = link(f"http://localhost{hosted}" if hosted.startswith("/") else hosted)
    query = f"{BASE}/entities?type=Weather&q=season==%22dry%22"
    assert ids(api.client.get(f"{query}&expandValues=season", headers=words)) == ["urn:ngsi-ld:Weather:1"]
    assert ids(api.client.get(query, headers=words)) == []
    assert ids(api.get("/entities?type=Weather&q=raw[level.now]>3&jsonKeys=raw")) == ["urn:ngsi-ld:Weather:3"]
    posted = {
        "type": "Query",
        "entities": [{"type": "Weather"}],
        "q": "raw[level.now]==3",
        "jsonKeys": ["raw"],
    }
    assert ids(api("POST", "/entityOperations/query", json=posted)) == ["urn:ngsi-ld:Weather:2"]
