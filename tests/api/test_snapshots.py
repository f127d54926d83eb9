"""Snapshots: frozen, read, changed, copied, ended (clause 5.16, 6.3.22)."""

from __future__ import annotations

from typing import Any

import pytest

from mahakam.broker import snapshots
from support.api import BASE, Api, problem

ONE, TWO, STATION = "urn:ngsi-ld:Weather:1", "urn:ngsi-ld:Weather:2", "urn:ngsi-ld:Station:1"
QUERY = {"type": "Query", "entities": [{"type": "Weather"}]}


@pytest.fixture
def stored(api: Api) -> Api:
    api.create(ONE, heat=30, at={"type": "Relationship", "object": STATION})
    api.create(TWO, heat=20)
    api.create(STATION, "Station", name="Temindung")
    return api


def made(api: Api, *queries: Any, **members: Any) -> str:
    payload = {"type": "Snapshot", "snapshotQueries": list(queries) or [QUERY], **members}
    answer = api("POST", "/snapshots", json=payload)
    assert answer.status_code == 201, answer.text
    location: str = answer.headers["location"]
    return location.removeprefix(f"{BASE}/snapshots/")


def inside(api: Api, id: str, path: str) -> Any:
    answer = api.get(path, ngsild_snapshot=id)
    assert (answer.status_code, answer.headers["ngsild-snapshot"]) == (200, id)
    return answer.json()


def test_a_snapshot_stays_as_it_was(stored: Api) -> None:
    id = made(stored, {**QUERY, "q": "heat>25"}, {"type": "Query", "entities": [{"type": "Station"}]})
    found = stored.get(f"/snapshots/{id}").json()
    assert (found["type"], found["snapshotStatus"], found["snapshotPriority"]) == ("Snapshot", "success", 5)
    assert found["snapshotQueriesDetails"] == [{"resultStatus": "success"}] * 2
    assert found["lastUsedAt"]
    assert stored("PATCH", f"/entities/{ONE}", json={"heat": 1}).status_code == 204
    assert stored("DELETE", f"/entities/{STATION}").status_code == 204
    assert inside(stored, id, f"/entities/{ONE}")["heat"]["value"] == 30
    assert [one["id"] for one in inside(stored, id, "/entities?type=Weather")] == [ONE]
    assert stored.read(ONE)["heat"]["value"] == 1


def test_a_snapshot_answers_like_the_live_picture(stored: Api) -> None:
    id = made(stored, QUERY, {"type": "Query", "entities": [{"type": "Station"}]})
    for path in (
        f"/entities/{ONE}?options=keyValues",
        f"/entities/{ONE}?join=inline",
        "/entities?type=Weather&orderBy=heat",
        "/entities?type=Weather&q=heat>25&options=sysAttrs",
        '/entities?type=Weather&q=at{name}=="Temindung"&join=inline',
        "/entities?type=Weather&limit=1&offset=1",
    ):
        assert inside(stored, id, path) == stored.get(path).json()
    posted = stored("POST", "/entityOperations/query", json=QUERY, headers={"ngsild-snapshot": id})
    assert [one["id"] for one in posted.json()] == [ONE, TWO]
    counted = stored.get("/entities?type=Weather&limit=0&count=true", ngsild_snapshot=id)
    assert counted.headers["ngsild-results-count"] == "2"
    problem(stored.get("/entities/urn:none", ngsild_snapshot=id), 404, "ResourceNotFound")


def test_a_snapshot_is_for_reading(stored: Api) -> None:
    id = made(stored)
    for method, path in (("DELETE", f"/entities/{ONE}"), ("GET", "/types"), ("GET", "/subscriptions")):
        answer = stored(method, path, headers={"ngsild-snapshot": id})
        problem(answer, 422, "OperationNotSupported")
    problem(stored.get("/entities?type=Weather", ngsild_snapshot="urn:none"), 404, "ResourceNotFound")
    problem(stored.get("/entities?type=Weather", ngsild_snapshot="none"), 400, "BadRequestData")
    assert stored.read(ONE)


def test_change_copy_and_purge(stored: Api) -> None:
    id = made(stored, id="urn:ngsi-ld:Snapshot:a")
    changed = stored("PATCH", f"/snapshots/{id}", json={"snapshotPriority": 2, "snapshotLifetime": "P1D"})
    assert (changed.status_code, changed.json()["snapshotPriority"]) == (200, 2)
    assert changed.json()["expiresAt"]
    problem(stored("PATCH", f"/snapshots/{id}", json={"snapshotQueries": []}), 400, "BadRequestData")
    copy = {"id": "urn:ngsi-ld:Snapshot:b", "type": "Snapshot", "snapshotPriority": 9}
    answer = stored("POST", f"/snapshots/{id}/clone", json=copy)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{BASE}/snapshots/{copy['id']}")
    problem(stored("POST", f"/snapshots/{id}/clone", json=copy), 409, "AlreadyExists")
    problem(stored("DELETE", "/snapshots?q=heat>1"), 400, "BadRequestData")
    problem(stored("DELETE", "/snapshots"), 400, "BadRequestData")
    assert stored("DELETE", "/snapshots?q=snapshotPriority<5").status_code == 204
    problem(stored.get(f"/snapshots/{id}"), 404, "ResourceNotFound")
    assert len(inside(stored, copy["id"], "/entities?type=Weather")) == 2
    assert stored("DELETE", f"/snapshots/{copy['id']}").status_code == 204
    problem(stored("DELETE", f"/snapshots/{copy['id']}"), 404, "ResourceNotFound")
    assert not [kind for kind in (id, copy["id"]) if stored.get(f"/snapshots/{kind}").status_code != 404]


def test_a_snapshot_ends_with_its_lifetime(stored: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    id = made(stored, snapshotLifetime="PT1M")
    assert inside(stored, id, f"/entities/{ONE}")
    monkeypatch.setattr(snapshots, "now", lambda: "2999-01-01T00:00:00.000Z")
    problem(stored.get(f"/entities/{ONE}", ngsild_snapshot=id), 404, "ResourceNotFound")
    problem(stored.get(f"/snapshots/{id}"), 404, "ResourceNotFound")


TEMPORAL = {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}


def test_a_snapshot_of_evolutions_stays_as_it_was(stored: Api) -> None:
    station = [
        {"type": "Property", "value": at, "observedAt": f"2026-01-01T{at:02}:00:00Z"} for at in range(5)
    ]
    payload = {"id": ONE, "type": "Weather", "rain": station}
    assert stored("POST", "/temporal/entities", json=payload).status_code == 204
    query = {**QUERY, "temporalQ": TEMPORAL}
    answer = stored(
        "POST",
        "/snapshots",
        json={"type": "Snapshot", "snapshotQueries": [QUERY], "snapshotTemporalQueries": [query]},
    )
    assert answer.status_code == 201, answer.text
    id = answer.headers["location"].rpartition("/")[2]
    found = stored.get(f"/snapshots/{id}").json()
    assert found["snapshotTemporalQueriesDetails"] == [{"resultStatus": "success"}]
    assert found["snapshotStatus"] == "success"
    since = "timerel=after&timeAt=2026-01-01T00:00:00Z"
    paths = [
        f"/temporal/entities/{ONE}?{since}&options=sysAttrs",
        f"/temporal/entities?type=Weather&{since}&format=temporalValues&lastN=2",
        f"/temporal/entities?type=Weather&{since}&q=rain>3",
        f"/temporal/entities/{ONE}?{since}&format=aggregatedValues&aggrMethods=avg,max",
        f"/temporal/entities/{ONE}?timerel=between&timeAt=2026-01-01T01:00:00Z&endTimeAt=2026-01-01T03:00:00Z",
    ]
    live = [stored.get(path).json() for path in paths]
    assert len(live[4]["rain"]) == 2
    assert [inside(stored, id, path) for path in paths] == live
    assert stored("DELETE", f"/temporal/entities/{ONE}").status_code == 204
    assert [inside(stored, id, path) for path in paths] == live
    copy = stored(
        "POST", f"/snapshots/{id}/clone", json={"type": "Snapshot", "id": "urn:ngsi-ld:Snapshot:two"}
    )
    assert copy.status_code == 201, copy.text
    assert stored("DELETE", f"/snapshots/{id}").status_code == 204
    assert [inside(stored, "urn:ngsi-ld:Snapshot:two", path) for path in paths] == live
    gone = stored.get(f"/temporal/entities/{STATION}", ngsild_snapshot="urn:ngsi-ld:Snapshot:two")
    problem(gone, 404, "ResourceNotFound")


def test_evolutions_alone_make_a_snapshot(stored: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    during = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "timeproperty": "modifiedAt"}
    payload = {"type": "Snapshot", "snapshotTemporalQueries": [{**QUERY, "temporalQ": during}]}
    answer = stored("POST", "/snapshots", json=payload)
    assert answer.status_code == 201, answer.text
    id = answer.headers["location"].rpartition("/")[2]
    assert inside(stored, id, "/entities?type=Weather") == []
    since = "timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=modifiedAt"
    found = inside(stored, id, f"/temporal/entities?type=Weather&{since}")
    assert sorted(one["id"] for one in found) == [ONE, TWO]
    monkeypatch.setattr(snapshots, "MAX_MOMENTS", 1)
    problem(stored("POST", "/snapshots", json=payload), 403, "TooManyResults")


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Snapshot"},
        {"type": "Snap", "snapshotQueries": [QUERY]},
        {"type": "Snapshot", "snapshotQueries": []},
        {"type": "Snapshot", "snapshotTemporalQueries": [QUERY]},
        {"type": "Snapshot", "snapshotTemporalQueries": [{"type": "Query", "temporalQ": TEMPORAL}]},
        {"type": "Snapshot", "snapshotQueries": [{"type": "Query"}]},
        {"type": "Snapshot", "snapshotQueries": [QUERY | {"temporalQ": {"timerel": "after"}}]},
        {"type": "Snapshot", "snapshotQueries": [QUERY], "snapshotPriority": "high"},
        {"type": "Snapshot", "snapshotQueries": [QUERY], "snapshotLifetime": "a day"},
        {"type": "Snapshot", "snapshotQueries": [QUERY], "colour": "red"},
        {"type": "Snapshot", "snapshotQueries": [QUERY], "id": "none"},
    ],
)
def test_snapshots_that_cannot_be(api: Api, wrong: Any) -> None:
    problem(api("POST", "/snapshots", json=wrong), 400, "BadRequestData")


def test_there_are_limits(stored: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MAX_ENTITIES", 1)
    payload = {"type": "Snapshot", "snapshotQueries": [QUERY]}
    problem(stored("POST", "/snapshots", json=payload), 403, "TooManyResults")
    monkeypatch.setattr(snapshots, "MAX_ENTITIES", 10)
    monkeypatch.setattr(snapshots, "MAX_SNAPSHOTS", 1)
    made(stored)
    problem(stored("POST", "/snapshots", json=payload), 403, "TooManyResults")
