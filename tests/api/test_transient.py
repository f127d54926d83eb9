"""Entities and attributes that end at their expiresAt (clause 4.22, 6.3.11)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.api import Api, problem, running

ONE, TWO = "urn:ngsi-ld:Weather:1", "urn:ngsi-ld:Weather:2"
LATER = "2100-01-01T00:00:00Z"
PAST = "2020-01-01T00:00:00Z"


class Clock:
    """The time of the broker's module, moved on by a test."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def now(self) -> str:
        at = datetime.now(UTC) + timedelta(seconds=self.ahead)
        return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("mahakam.broker.transient.time", found)
    monkeypatch.setattr("mahakam.broker.broker.time", found.time)
    monkeypatch.setattr("mahakam.broker.broker.now", found.now)
    return found


@pytest.fixture
def node(clock: Clock, tmp_path: Path) -> Iterator[Api]:
    with running(tmp_path / "data") as found:
        yield found


def soon() -> str:
    return (datetime.now(UTC) + timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")


def patch(api: Api, path: str, fragment: Any) -> None:
    answer = api("PATCH", path, json=fragment)
    assert answer.status_code == 204, answer.text


def test_an_entity_ends(node: Api, clock: Clock) -> None:
    node.create(ONE, heat=1, expiresAt=soon())
    node.create(TWO, heat=1)
    assert node.read(ONE).keys() == {"id", "type", "heat"}
    clock.ahead = 61
    problem(node.get(f"/entities/{ONE}"), 404, "ResourceNotFound")
    assert [one["id"] for one in node.get("/entities?type=Weather").json()] == [TWO]
    assert node("POST", "/entities", json={"id": ONE, "type": "Weather"}).status_code == 201


def test_it_ends_for_every_way_to_read(node: Api, clock: Clock) -> None:
    for number, path in enumerate(
        (
            "/entities?type=Weather",
            "/entities?type=Weather&q=heat==1",
            "/entities?type=Weather&orderBy=heat",
            "/entities?type=Weather&options=keyValues",
            "/types",
            "/attributes",
        )
    ):
        clock.ahead = 100.0 * number
        at = (datetime.now(UTC) + timedelta(seconds=clock.ahead + 50)).strftime("%Y-%m-%dT%H:%M:%SZ")
        node.create(ONE, heat=1, expiresAt=at)
        assert "Weather" in node.get("/types").json()["typeList"]
        clock.ahead += 60
        answer = node.get(path).json()
        assert answer == [] or answer.get("typeList", answer.get("attributeList")) == []
    answer = node.get("/entities?type=Weather&count=true&limit=0")
    assert answer.headers["ngsild-results-count"] == "0"


def test_attributes_instances_and_sub_attributes_end(node: Api, clock: Clock) -> None:
    end = soon()
    node.create(
        ONE,
        heat={"value": 1, "expiresAt": end},
        rain={"value": 1, "by": {"value": "radar", "expiresAt": end}},
        wind=[
            {"type": "Property", "value": 1},
            {"type": "Property", "value": 2, "datasetId": "urn:d", "expiresAt": end},
        ],
        near={"object": TWO, "expiresAt": end},
        name={"value": "stays", "expiresAt": LATER},
    )
    assert node.read(ONE).keys() == {"id", "type", "heat", "rain", "wind", "near", "name"}
    clock.ahead = 61
    found = node.read(ONE)
    assert found.keys() == {"id", "type", "rain", "wind", "name"}
    assert found["wind"] == {"type": "Property", "value": 1}
    assert found["rain"] == {"type": "Property", "value": 1}
    assert node.read(ONE, "?options=sysAttrs")["name"]["expiresAt"] == LATER


def test_expires_at_is_a_system_attribute_of_answers(api: Api) -> None:
    api.create(
        ONE,
        expiresAt=LATER,
        heat={"value": 1, "expiresAt": LATER, "by": {"value": "radar", "expiresAt": LATER}},
        location={
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [1, 2]},
            "expiresAt": LATER,
        },
        name={"languageMap": {"en": "x"}, "expiresAt": LATER},
    )
    for query in ("", "?options=concise", "?attrs=heat"):
        assert "expiresAt" not in api.get(f"/entities/{ONE}{query}").text
    found = api.read(ONE, "?options=sysAttrs")
    assert found["expiresAt"] == LATER
    assert [found[name]["expiresAt"] for name in ("heat", "location", "name")] == [LATER] * 3
    assert found["heat"]["by"]["expiresAt"] == LATER
    listed = api.get("/entities?type=Weather&options=sysAttrs").json()[0]
    assert listed["heat"]["expiresAt"] == LATER


def test_a_replacement_lasts_and_a_change_of_members_does_not(node: Api, clock: Clock) -> None:
    end = soon()
    node.create(ONE, **{name: {"value": 1, "expiresAt": end} for name in ("heat", "rain", "wind")})
    patch(node, f"/entities/{ONE}/attrs", {"heat": {"type": "Property", "value": 2}})
    patch(node, f"/entities/{ONE}/attrs/rain", {"value": 2})
    patch(node, f"/entities/{ONE}", {"wind": {"value": 2}})
    assert {name: node.read(ONE)[name]["value"] for name in ("heat", "rain", "wind")} == dict.fromkeys(
        ("heat", "rain", "wind"), 2
    )
    clock.ahead = 61
    assert node.read(ONE).keys() == {"id", "type", "heat"}


def test_the_end_can_be_set_moved_and_taken_away(node: Api, clock: Clock) -> None:
    node.create(ONE, heat=1)
    patch(node, f"/entities/{ONE}", {"expiresAt": soon()})
    patch(node, f"/entities/{ONE}", {"heat": 2})
    patch(node, f"/entities/{ONE}", {"expiresAt": LATER})
    clock.ahead = 61
    assert node.read(ONE, "?options=sysAttrs")["expiresAt"] == LATER
    patch(node, f"/entities/{ONE}", {"expiresAt": "urn:ngsi-ld:null"})
    assert "expiresAt" not in node.read(ONE, "?options=sysAttrs")
    patch(node, f"/entities/{ONE}", {"expiresAt": PAST})
    problem(node.get(f"/entities/{ONE}"), 404, "ResourceNotFound")


def test_batches(node: Api, clock: Clock) -> None:
    entities = [{"id": id, "type": "Weather", "expiresAt": soon()} for id in (ONE, TWO)]
    assert node("POST", "/entityOperations/create", json=entities[:1]).status_code == 201
    assert node("POST", "/entityOperations/upsert", json=entities).status_code == 201
    assert len(node.get("/entities?type=Weather").json()) == 2
    clock.ahead = 61
    assert node.get("/entities?type=Weather").json() == []


def test_an_entity_made_too_late_is_never_seen(api: Api) -> None:
    api.create(ONE, heat=1, expiresAt=PAST)
    problem(api.get(f"/entities/{ONE}"), 404, "ResourceNotFound")


@pytest.mark.parametrize("wrong", ["tomorrow", "2026-13-45T00:00:00Z", 5, None])
def test_times_that_are_none(api: Api, wrong: Any) -> None:
    entity = {"id": ONE, "type": "Weather"}
    problem(api("POST", "/entities", json={**entity, "expiresAt": wrong}), 400, "BadRequestData")
    attribute = {"type": "Property", "value": 1, "expiresAt": wrong}
    problem(api("POST", "/entities", json={**entity, "heat": attribute}), 400, "BadRequestData")


def test_what_is_to_end_survives_a_restart(clock: Clock, tmp_path: Path) -> None:
    with running(tmp_path) as api:
        api.create(ONE, heat=1, expiresAt=soon())
    clock.ahead = 61
    with running(tmp_path) as api:
        problem(api.get(f"/entities/{ONE}"), 404, "ResourceNotFound")


def test_history_keeps_the_end_of_an_instance_as_a_system_attribute(api: Api) -> None:
    """Clause 6.3.11: in temporal representations too, ``sysAttrs`` shows it; the entity's own end adds nothing."""
    inner = {"type": "Property", "value": 1, "expiresAt": LATER}
    api.create(ONE, heat={"type": "Property", "value": 30, "expiresAt": LATER, "error": inner}, rain=1)
    patch(api, f"/entities/{ONE}", {"expiresAt": LATER})
    patch(api, f"/entities/{ONE}", {"rain": 2})
    assert "expiresAt" not in api.get(f"/temporal/entities/{ONE}").text
    found = api.get(f"/temporal/entities/{ONE}?options=sysAttrs").json()
    assert [one["expiresAt"] for one in found["heat"]] == [LATER]
    assert found["heat"][0]["error"]["expiresAt"] == LATER
    assert ["expiresAt" in one for one in found["rain"]] == [False, False]
    replaced = {"id": ONE, "type": "Weather", "heat": found["heat"][0] | {"value": 31}}
    assert api("PUT", f"/entities/{ONE}", json=replaced).status_code == 204
    found = api.get(f"/temporal/entities/{ONE}?options=sysAttrs").json()
    assert [one["value"] for one in found["heat"]] == [30, 31]
