"""Entity maps: made, followed, changed, ended (clause 5.2.39, 5.5.9.3, 5.5.14, 5.14, 6.32, 6.34)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mahakam.broker import entitymaps
from support.api import BASE, Api, problem

IDS = [f"urn:ngsi-ld:Weather:{number}" for number in range(5)]


@pytest.fixture
def stored(api: Api) -> Api:
    for number, id in enumerate(IDS):
        api.create(id, heat=20 + number)
    return api


def made(api: Api, query: str = "type=Weather") -> str:
    answer = api.get(f"/entityMaps?{query}")
    assert answer.status_code == 201, answer.text
    location: str = answer.headers["ngsild-entitymap"]
    assert location == f"{BASE}/entityMaps/{answer.json()['id']}"
    return location


def ids(answer: object) -> list[str]:
    return [one["id"] for one in answer.json()]  # type: ignore[attr-defined]


def test_a_map_has_the_ids_that_a_query_finds(stored: Api) -> None:
    found = stored.client.get(made(stored, "q=heat>22")).json()
    assert found["type"] == "EntityMap"
    assert found["entityMap"] == {IDS[3]: ["@none"], IDS[4]: ["@none"]}
    ahead = datetime.fromisoformat(found["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=50) < ahead <= timedelta(hours=1)
    assert stored.client.get(made(stored, "type=Bus")).json()["entityMap"] == {}


def test_a_query_follows_its_map_while_data_changes(stored: Api) -> None:
    answer = stored.get("/entities?type=Weather&entityMap=true&limit=2")
    assert (answer.status_code, ids(answer)) == (201, IDS[:2])
    location = answer.headers["ngsild-entitymap"]
    stored.create("urn:ngsi-ld:Weather:new", heat=1)
    assert stored("DELETE", f"/entities/{IDS[1]}").status_code == 204
    first = stored.get("/entities?type=Weather&limit=3&count=true", ngsild_entitymap=location)
    assert (first.status_code, ids(first)) == (200, [IDS[0], IDS[2], IDS[3]])
    assert first.headers["ngsild-entitymap"] == location
    assert first.headers["ngsild-results-count"] == "4"
    assert "offset=3" in first.headers["link"]
    assert IDS[0] not in first.headers["link"]
    last = stored.get("/entities?type=Weather&limit=3&offset=3", ngsild_entitymap=location)
    assert ids(last) == [IDS[4]]
    assert 'rel="next"' not in last.headers["link"]
    assert IDS[1] not in stored.client.get(location).json()["entityMap"]


def test_an_empty_map_finds_nothing(stored: Api) -> None:
    location = made(stored, "type=Bus")
    answer = stored.get("/entities?type=Weather&count=true", ngsild_entitymap=location)
    assert (ids(answer), answer.headers["ngsild-results-count"]) == ([], "0")


def test_a_retrieve_makes_and_names_a_map(stored: Api) -> None:
    answer = stored.get(f"/entities/{IDS[0]}?entityMap=true")
    assert (answer.status_code, answer.json()["id"]) == (200, IDS[0])
    location = answer.headers["ngsild-entitymap"]
    assert stored.client.get(location).json()["entityMap"] == {IDS[0]: ["@none"]}
    again = stored.get(f"/entities/{IDS[0]}", ngsild_entitymap=location)
    assert again.headers["ngsild-entitymap"] == location
    dead = stored.get(f"/entities/{IDS[0]}", ngsild_entitymap="urn:ngsi-ld:EntityMap:dead")
    assert dead.status_code == 200
    assert "dead" not in dead.headers["ngsild-entitymap"]


def test_a_map_lives_as_long_as_it_says(stored: Api) -> None:
    path = made(stored).removeprefix(BASE)
    answer = stored(
        "PATCH", path, json={"expiresAt": "2099-01-01T00:00:00Z", "entityMap": {"urn:x": ["@none"]}}
    )
    assert answer.status_code == 204
    found = stored.get(path).json()
    assert found["expiresAt"] < "2099"
    assert list(found["entityMap"]) == IDS
    problem(stored("PATCH", path, json={"expiresAt": "tomorrow"}), 400, "BadRequestData")
    assert stored("PATCH", path, json={"expiresAt": "2000-01-01T00:00:00Z"}).status_code == 204
    problem(stored.get(path), 404, "ResourceNotFound")
    problem(stored("PATCH", path, json={"expiresAt": "2099-01-01T00:00:00Z"}), 404, "ResourceNotFound")
    long = stored.get("/entityMaps?type=Weather&entityMapLifetime=P10Y").json()["expiresAt"]
    assert datetime.fromisoformat(long) - datetime.now(UTC) <= timedelta(days=1)


def test_a_map_can_be_deleted_and_is_its_tenants_alone(stored: Api) -> None:
    path = made(stored).removeprefix(BASE)
    stored("POST", "/entities", json={"id": IDS[0], "type": "Weather"}, headers={"ngsild-tenant": "other"})
    problem(stored.get(path, ngsild_tenant="other"), 404, "ResourceNotFound")
    problem(stored("DELETE", path, headers={"ngsild-tenant": "other"}), 404, "ResourceNotFound")
    assert stored("DELETE", path).status_code == 204
    problem(stored("DELETE", path), 404, "ResourceNotFound")
    problem(stored.get("/entityMaps/no%20uri"), 400, "BadRequestData")
    problem(stored("DELETE", "/entityMaps/no%20uri"), 400, "BadRequestData")


@pytest.mark.parametrize(
    "query", [f"id={IDS[0]}", "type=Weather&entityMapLifetime=1h", "type=Weather&entityMapLifetime=P", "q=("]
)
def test_maps_that_cannot_be(api: Api, query: str) -> None:
    problem(api.get(f"/entityMaps?{query}"), 400, "BadRequestData")


def test_there_is_a_limit_to_maps(stored: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entitymaps, "MAX_MAPS", 2)
    first = made(stored, "type=Weather&entityMapLifetime=PT1M")
    others = [made(stored), made(stored)]
    assert stored.client.get(first).status_code == 404
    assert all(stored.client.get(one).status_code == 200 for one in others)
    monkeypatch.setattr(entitymaps, "MAX_ENTITIES", 4)
    problem(stored.get("/entityMaps?type=Weather"), 403, "TooManyResults")
