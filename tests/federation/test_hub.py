"""A hub over three real nodes: one picture of them all, and what is missing is said (clause 4.3.3-4.3.6)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from federation.conftest import Network, Place
from support.node import RunningNode

STATION = "urn:ngsi-ld:Weather:mahakam"


def number(value: float, observed: str = "", **more: Any) -> dict[str, Any]:
    times = {"observedAt": observed} if observed else {}
    return {"type": "Property", "value": value, **times, **more}


def register_all(network: Network, **more: Any) -> None:
    for name, node in network.nodes.items():
        network.hub.register(name, node, **more)


def test_a_query_shows_them_all(network: Network) -> None:
    register_all(network)
    network.hub.create("urn:ngsi-ld:Weather:hub", heat=number(30))
    for at, (name, node) in enumerate(network.nodes.items()):
        node.create(f"urn:ngsi-ld:Weather:{name}", heat=number(31 + at))
        node.create(f"urn:ngsi-ld:Tram:{name}", "Tram")
    answer = network.hub.get("/entities?type=Weather&options=keyValues&count=true")
    assert {one["id"].rpartition(":")[2]: one["heat"] for one in answer.json()} == {
        "hub": 30, "samarinda": 31, "balikpapan": 32, "bontang": 33,
    }  # fmt: skip
    assert answer.headers["ngsild-results-count"] == "4"
    assert "ngsild-warning" not in answer.headers
    assert len(network.hub.get("/entities?type=Weather&q=heat>31").json()) == 2
    assert len(network.hub.get("/entities?type=Weather&local=true").json()) == 1
    posted = {"type": "Query", "entities": [{"type": "Weather"}], "q": "heat>32"}
    assert len(network.hub("POST", "/entityOperations/query", json=posted).json()) == 1


def test_pages_hold_each_entity_once(network: Network) -> None:
    register_all(network)
    for name, node in network.nodes.items():
        for at in range(7):
            node.create(f"urn:ngsi-ld:Weather:{name}:{at}")
        node.create(STATION)
    found: list[str] = []
    path = "/entities?type=Weather&limit=5&offset=0"
    while path:
        answer = network.hub.get(path)
        found += [one["id"] for one in answer.json()]
        following = [
            link for link in answer.headers.get_list("link", split_commas=True) if 'rel="next"' in link
        ]
        path = (
            following[0].partition("<")[2].partition(">")[0].removeprefix("/ngsi-ld/v1") if following else ""
        )
    assert len(found) == 22
    assert len(set(found)) == 22


def test_the_freshest_attribute_wins_and_datasets_stay_apart(network: Network) -> None:
    register_all(network)
    network["samarinda"].create(
        STATION,
        heat=number(30, "2026-01-01T10:00:00Z"),
        rain=[number(1, datasetId="urn:gauge:1"), number(5)],
        name="Mahakam",
    )
    network["balikpapan"].create(STATION, heat=number(33, "2026-01-01T11:00:00Z"))
    network["bontang"].create(
        STATION, heat=number(28, "2025-12-31T10:00:00Z"), rain=number(2, datasetId="urn:gauge:2")
    )
    entity = network.hub.get(f"/entities/{STATION}").json()
    assert entity["heat"]["value"] == 33
    assert entity["name"]["value"] == "Mahakam"
    assert {one.get("datasetId"): one["value"] for one in entity["rain"]} == {
        "urn:gauge:1": 1, "urn:gauge:2": 2, None: 5,
    }  # fmt: skip
    assert network.hub.get("/entities?type=Weather").json() == [entity]
    assert "modifiedAt" in network.hub.get(f"/entities/{STATION}?options=sysAttrs").json()["heat"]


def test_an_auxiliary_source_only_fills_gaps(network: Network) -> None:
    network.hub.register("samarinda", network["samarinda"], mode="auxiliary")
    network.hub.create(STATION, heat=number(30))
    network["samarinda"].create(STATION, heat=number(99, "2030-01-01T00:00:00Z"), rain=number(4))
    entity = network.hub.get(f"/entities/{STATION}?options=keyValues").json()
    assert (entity["heat"], entity["rain"]) == (30, 4)


def test_a_dead_source_is_named_and_delays_nobody_for_long(network: Network, tmp_path: Path) -> None:
    with RunningNode(tmp_path / "dying", open=True) as process:
        dying = Place(process)
        dying.create("urn:ngsi-ld:Weather:dying")
        network["samarinda"].create("urn:ngsi-ld:Weather:samarinda")
        network.hub.register("samarinda", network["samarinda"])
        gone = network.hub.register("dying", dying)
        assert len(network.hub.get("/entities?type=Weather").json()) == 2
    answer = network.hub.get("/entities?type=Weather")
    assert [one["id"] for one in answer.json()] == ["urn:ngsi-ld:Weather:samarinda"]
    assert answer.headers["ngsild-warning"].startswith("112 ")
    assert gone in answer.headers["ngsild-warning"]
    again = network.hub.get("/entities/urn:ngsi-ld:Weather:samarinda")
    assert again.status_code == 200
    assert again.headers["ngsild-warning"].startswith("110 ")
    missing = network.hub.get("/entities/urn:ngsi-ld:Weather:dying")
    assert missing.status_code == 404
    assert gone in missing.headers["ngsild-warning"]


def test_a_silent_source_is_waited_for_as_long_as_its_registration_says(
    network: Network, silent: str
) -> None:
    network["samarinda"].create(STATION)
    network.hub.register("samarinda", network["samarinda"])
    network.hub.register("silent", silent, management={"timeout": 200, "cooldown": 60_000})
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: network.hub.get("/entities?type=Weather"), range(8)))
    assert all(len(answer.json()) == 1 for answer in answers)
    assert all("silent: it did not answer" in answer.headers["ngsild-warning"] for answer in answers)
    assert network.hub.get("/entities?type=Weather").headers["ngsild-warning"].startswith("110 ")
    refused = network.hub("POST", "/entities", json={"id": "urn:ngsi-ld:Weather:2", "type": "Weather"})
    assert refused.status_code == 201  # federationOps writes to nobody


def test_types_and_attributes_are_those_of_all(network: Network) -> None:
    register_all(network)
    network.hub.create("urn:ngsi-ld:Weather:hub", heat=number(30))
    network["samarinda"].create("urn:ngsi-ld:Weather:1", rain=number(3))
    network["bontang"].create("urn:ngsi-ld:Tram:1", "Tram", load=number(3))
    assert network.hub.get("/types").json()["typeList"] == ["Tram", "Weather"]
    assert network.hub.get("/types?local=true").json()["typeList"] == ["Weather"]
    weather = network.hub.get("/types/Weather").json()
    assert weather["entityCount"] == 2
    assert {one["attributeName"] for one in weather["attributeDetails"]} == {"heat", "rain"}
    details = {
        one["typeName"]: one["attributeNames"] for one in network.hub.get("/types?details=true").json()
    }
    assert details == {"Tram": ["load"], "Weather": ["heat", "rain"]}
    assert network.hub.get("/attributes").json()["attributeList"] == ["heat", "load", "rain"]
    assert network.hub.get("/attributes/rain").json()["typeNames"] == ["Weather"]
    assert network.hub.get("/types/Boat").status_code == 404


def test_an_answer_may_be_kept_for_a_while(network: Network) -> None:
    network["samarinda"].create(STATION, heat=number(30))
    kept = network.hub.register("samarinda", network["samarinda"], management={"cacheDuration": "PT1H"})
    path = f"/entities/{STATION}?options=keyValues"
    assert network.hub.get(path).json()["heat"] == 30
    network["samarinda"]("PATCH", f"/entities/{STATION}", json={"heat": {"value": 31}})
    assert network.hub.get(path).json()["heat"] == 30
    network.hub("PATCH", f"/csourceRegistrations/{kept}", json={"management": {"timeout": 900}})
    assert network.hub.get(path).json()["heat"] == 31


def test_loops_end(network: Network) -> None:
    """Everybody is registered with everybody, and each is asked for what it has."""
    places = {"hub": network.hub, **network.nodes}
    for name, place in places.items():
        place.create(f"urn:ngsi-ld:Weather:{name}")
        for other, source in places.items():
            if other != name:
                place.register(other, source)
    for place in places.values():
        answer = place.get("/entities?type=Weather&limit=100")
        assert len(answer.json()) == 4
        assert place.get("/entities/urn:ngsi-ld:Weather:bontang").status_code == 200
        assert place.get("/entities/urn:ngsi-ld:Weather:nowhere").status_code == 404


def test_a_known_alias_keeps_a_request_from_going_back(network: Network) -> None:
    """With contextSourceAlias in the registration, not even one request comes back to where it came from."""
    identity = network.hub.get("/info/sourceIdentity").json()["contextSourceAlias"]
    network.hub.register("samarinda", network["samarinda"])
    network["samarinda"].register("hub", "http://127.0.0.1:9", contextSourceAlias=identity)
    network["samarinda"].create(STATION)
    answer = network.hub.get("/entities?type=Weather")
    assert len(answer.json()) == 1
    assert "ngsild-warning" in network["samarinda"].get("/entities?type=Weather").headers


def test_a_redirect_in_a_circle_is_a_508(network: Network) -> None:
    for one, other in (("hub", "samarinda"), ("samarinda", "hub")):
        here, there = (network.hub if name == "hub" else network[name] for name in (one, other))
        here.register(other, there, mode="redirect", operations=["redirectionOps"])
    answer = network.hub("POST", "/entities", json={"id": STATION, "type": "Weather"})
    assert answer.status_code == 508
    assert not network.hub.holds(STATION)
    assert not network["samarinda"].holds(STATION)


EXCLUSIVE = [{"entities": [{"type": "Weather", "id": STATION}], "propertyNames": ["heat"]}]


def test_writes_reach_the_exclusive_source_and_the_rest_stays_here(network: Network) -> None:
    source = network["samarinda"]
    network.hub.register(
        "samarinda", source, mode="exclusive", information=EXCLUSIVE, operations=["redirectionOps"]
    )
    entity = {"id": STATION, "type": "Weather", "heat": number(30), "name": "Mahakam"}
    assert network.hub("POST", "/entities", json=entity).status_code == 201
    local = network.hub.get(f"/entities/{STATION}?local=true&options=keyValues").json()
    remote = source.get(f"/entities/{STATION}?options=keyValues").json()
    assert (local.get("heat"), local["name"]) == (None, "Mahakam")
    assert (remote["heat"], remote.get("name")) == (30, None)

    assert network.hub("PATCH", f"/entities/{STATION}", json={"heat": {"value": 31}}).status_code == 204
    assert source.get(f"/entities/{STATION}?options=keyValues").json()["heat"] == 31
    assert network.hub("PATCH", f"/entities/{STATION}/attrs/heat", json={"value": 32}).status_code == 204
    assert network.hub("POST", f"/entities/{STATION}/attrs", json={"rain": 4}).status_code == 204
    whole = network.hub.get(f"/entities/{STATION}?options=keyValues").json()
    assert (whole["heat"], whole["rain"], whole["name"]) == (32, 4, "Mahakam")
    assert len(network.hub.get("/entities?type=Weather&q=heat==32;rain==4").json()) == 1

    assert network.hub("DELETE", f"/entities/{STATION}").status_code == 204
    assert not network.hub.holds(STATION)
    assert not source.holds(STATION)


def test_a_condition_is_for_what_one_node_holds(network: Network) -> None:
    """Nobody could keep it for all of them at once; a read of the whole may be conditional."""
    id = network["bontang"].create("urn:ngsi-ld:Weather:1", temperature=21)
    network.hub.create(id, wind=3)
    source = network.hub.register(
        "bontang", network["bontang"], operations=["federationOps", "redirectionOps"]
    )
    path = f"/entities/{id}"
    whole = network.hub.get(path)
    assert whole.json().keys() >= {"temperature", "wind"}
    assert network.hub.get(path, if_none_match=whole.headers["etag"]).status_code == 304
    tag = network.hub.get(f"{path}?local=true").headers["etag"]
    for header in ("if-match", "if-none-match"):
        for method, where, body in (
            ("PATCH", path, {"temperature": 22}),
            ("DELETE", f"{path}/attrs/temperature", None),
            ("DELETE", path, None),
        ):
            more = {} if body is None else {"json": body}
            refused = network.hub(method, where, headers={header: tag}, **more)
            assert refused.status_code == 422, (header, method, where, refused.text)
    assert network["bontang"].get(path).json()["temperature"]["value"] == 21
    done = network.hub("PATCH", f"{path}?local=true", headers={"if-match": tag}, json={"wind": 4})
    assert done.status_code == 204, done.text
    network.hub("PATCH", f"{path}?local=true", json={"wind": 5})
    assert network.hub.get(path, if_none_match=whole.headers["etag"]).status_code == 200
    network.hub("DELETE", f"/csourceRegistrations/{source}")


def test_what_a_source_cannot_do_is_a_conflict_and_the_rest_is_done(network: Network) -> None:
    network.hub.create(STATION, name="Mahakam")
    registration = network.hub.register(
        "samarinda", network["samarinda"], mode="exclusive", information=EXCLUSIVE
    )
    answer = network.hub("POST", f"/entities/{STATION}/attrs", json={"heat": 30, "rain": 4})
    assert answer.status_code == 207
    result = answer.json()
    assert result["updated"] == ["https://uri.etsi.org/ngsi-ld/default-context/rain"]
    assert result["notUpdated"][0]["registrationId"] == registration
    only = network.hub("POST", f"/entities/{STATION}/attrs", json={"heat": 30})
    assert (only.status_code, only.json()["type"].rpartition("/")[2]) == (409, "Conflict")


def test_an_inclusive_source_gets_a_copy_and_its_refusal_is_said(network: Network) -> None:
    source = network["samarinda"]
    registration = network.hub.register("samarinda", source, operations=["redirectionOps"])
    entity = {"id": STATION, "type": "Weather", "heat": number(30)}
    assert network.hub("POST", "/entities", json=entity).status_code == 201
    assert network.hub.holds(STATION)
    assert source.holds(STATION)
    source("DELETE", f"/entities/{STATION}")
    answer = network.hub("DELETE", f"/entities/{STATION}")
    assert answer.status_code == 207
    [error] = answer.json()["errors"]
    assert (error["registrationId"], error["error"]["status"]) == (registration, 404)
    assert not network.hub.holds(STATION)


def test_a_batch_is_split_over_its_sources(network: Network) -> None:
    for name, node in network.nodes.items():
        network.hub.register(
            name,
            node,
            mode="redirect",
            operations=["createBatch", "deleteBatch", "queryEntity"],
            information=[{"entities": [{"type": "Weather", "idPattern": f":{name}:"}]}],
        )
    ids = [f"urn:ngsi-ld:Weather:{name}:{at}" for name in (*network.nodes, "hub") for at in range(3)]
    taken = network["bontang"].create(ids[8])
    batch = [{"id": id, "type": "Weather", "heat": 30} for id in ids]
    answer = network.hub("POST", "/entityOperations/create", json=batch)
    assert answer.status_code == 207
    assert sorted(answer.json()["success"]) == sorted(set(ids) - {taken})
    assert [error["entityId"] for error in answer.json()["errors"]] == [taken]
    assert network["samarinda"].holds(ids[0])
    assert not network.hub.holds(ids[0])
    assert network.hub.holds(ids[9])
    assert len(network.hub.get("/entities?type=Weather&limit=100").json()) == 12
    assert network.hub("POST", "/entityOperations/delete", json=ids).status_code == 204
    assert network.hub.get("/entities?type=Weather").json() == []


def test_a_write_to_a_dead_source_alone_is_a_504(network: Network) -> None:
    network.hub.register("dead", "http://127.0.0.1:9", mode="redirect", operations=["redirectionOps"])
    answer = network.hub("POST", "/entities", json={"id": STATION, "type": "Weather"})
    assert answer.status_code == 504
    assert "cannot be reached" in answer.json()["detail"]
    assert not network.hub.holds(STATION)


def test_a_filter_chooses_among_the_sources(network: Network) -> None:
    for name, node in network.nodes.items():
        node.create(f"urn:ngsi-ld:Weather:{name}")
        network.hub.register(name, node, operator=name)
    answer = network.hub.get('/entities?type=Weather&csf=operator=="bontang"')
    assert [one["id"] for one in answer.json()] == ["urn:ngsi-ld:Weather:bontang"]


def test_a_source_is_asked_in_its_tenant_and_with_its_headers(network: Network) -> None:
    source = network["samarinda"]
    entity = {"id": STATION, "type": "Weather"}
    source("POST", "/entities", json=entity, headers={"ngsild-tenant": "weather"})
    network.hub.register("samarinda", source, tenant="weather")
    assert network.hub.get(f"/entities/{STATION}").status_code == 200
    assert not source.holds(STATION)


@pytest.mark.parametrize("body", [b"no json", b'{"id": 3}', b'[{"id": "urn:a:1"}]', b"[3]"])
def test_what_is_no_answer_is_left_out(network: Network, babbler: Any, body: bytes) -> None:
    babbler.body = body
    network.hub.create(STATION)
    network.hub.register("babbler", babbler.url)
    answer = network.hub.get("/entities?type=Weather")
    assert [one["id"] for one in answer.json()] == [STATION]
    assert answer.headers["ngsild-warning"].startswith("111 ")


def test_private_addresses_are_refused_where_they_are_not_allowed(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "careful", open=True) as process:
        payload = {
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Weather"}]}],
            "endpoint": "http://127.0.0.1:9",
        }
        answer = Place(process)("POST", "/csourceRegistrations", json=payload)
        assert answer.status_code == 400
        assert "private address" in answer.json()["detail"]


def test_a_snapshot_holds_what_sources_have(network: Network) -> None:
    """Clause 5.16.1.4: its queries are executed as queries of a client are; a source that is missing is said."""
    hub = network.hub
    register_all(network)
    hub.create("urn:ngsi-ld:Weather:hub", heat=number(30))
    for at, (name, node) in enumerate(network.nodes.items()):
        node.create(f"urn:ngsi-ld:Weather:{name}", heat=number(29 + at))

    def frozen() -> tuple[str, list[str]]:
        query = {"type": "Query", "entities": [{"type": "Weather"}], "q": "heat>29"}
        answer = hub("POST", "/snapshots", json={"type": "Snapshot", "snapshotQueries": [query]})
        assert answer.status_code == 201
        path = answer.headers["location"].removeprefix("/ngsi-ld/v1")
        for _ in range(200):
            found = hub.get(path).json()
            if found["snapshotStatus"] != "preparing":
                break
            time.sleep(0.05)
        inside = hub.get("/entities?type=Weather", ngsild_snapshot=found["id"])
        return found["snapshotStatus"], sorted(one["id"].rpartition(":")[2] for one in inside.json())

    whole = ["balikpapan", "bontang", "hub"]
    assert frozen() == ("success", whole)
    hub.register("nobody", "http://127.0.0.1:9")
    assert frozen() == ("partial", whole)
