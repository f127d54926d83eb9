"""Entity maps of a hub: what was found and where, so that the pages of a moving network stand still."""

from __future__ import annotations

from federation.conftest import Network

PREFIX = "urn:ngsi-ld:Weather:"


def filled(network: Network) -> dict[str, str]:
    """Five entities at each of the three nodes and one here; registration by node."""
    registered = {name: network.hub.register(name, node) for name, node in network.nodes.items()}
    for name, node in network.nodes.items():
        for at in range(5):
            node.create(f"{PREFIX}{name}:{at}", heat=at)
    network.hub.create(f"{PREFIX}hub", heat=9)
    return registered


def test_a_map_says_where_each_entity_was_found(network: Network) -> None:
    registered = filled(network)
    network["bontang"].create(f"{PREFIX}hub", wind=1)
    made = network.hub.get("/entityMaps?type=Weather")
    assert made.status_code == 201, made.text
    where = made.json()["entityMap"]
    assert where.keys() == {f"{PREFIX}hub"} | {
        f"{PREFIX}{name}:{at}" for name in network.nodes for at in range(5)
    }
    assert sorted(where[f"{PREFIX}hub"]) == sorted(["@none", registered["bontang"]])
    assert where[f"{PREFIX}samarinda:3"] == [registered["samarinda"]]
    assert network.hub.get(made.headers["ngsild-entitymap"].removeprefix("/ngsi-ld/v1")).json() == made.json()
    alone = network.hub.get("/entityMaps?type=Weather&local=true").json()["entityMap"]
    assert alone == {f"{PREFIX}hub": ["@none"]}


def test_pages_of_a_map_stand_still(network: Network) -> None:
    filled(network)
    answer = network.hub.get("/entities?type=Weather&entityMap=true&limit=4&count=true")
    assert answer.status_code == 201, answer.text
    assert answer.headers["ngsild-results-count"] == "16"
    name = answer.headers["ngsild-entitymap"]
    seen = [one["id"] for one in answer.json()]
    gone = {seen[0], f"{PREFIX}balikpapan:4"}
    for id in gone - {f"{PREFIX}hub"}:
        owner = network[id.removeprefix(PREFIX).partition(":")[0]]
        assert owner("DELETE", f"/entities/{id}").status_code == 204
    if f"{PREFIX}hub" in gone:
        assert network.hub("DELETE", f"/entities/{PREFIX}hub?local=true").status_code == 204
    network["samarinda"].create(f"{PREFIX}samarinda:new")
    for offset in (4, 8, 12):
        answer = network.hub.get(f"/entities?type=Weather&limit=4&offset={offset}", ngsild_entitymap=name)
        assert answer.status_code == 200, answer.text
        assert answer.headers["ngsild-entitymap"] == name
        assert ('rel="next"' in answer.headers["link"]) == (offset < 12)
        seen += [one["id"] for one in answer.json()]
    assert len(seen) == len(set(seen)) == 15
    assert f"{PREFIX}samarinda:new" not in seen
    assert f"{PREFIX}balikpapan:4" not in seen


def test_filters_hold_and_a_map_that_is_gone_is_made_anew(network: Network) -> None:
    filled(network)
    answer = network.hub.get("/entities?type=Weather&q=heat>3&entityMap=true&limit=2&options=keyValues")
    first = answer.headers["ngsild-entitymap"]
    found = [one["heat"] for one in answer.json()]
    answer = network.hub.get(
        "/entities?type=Weather&q=heat>3&limit=2&offset=2&options=keyValues", ngsild_entitymap=first
    )
    found += [one["heat"] for one in answer.json()]
    assert sorted(found) == [4, 4, 4, 9]
    assert network.hub("DELETE", first.removeprefix("/ngsi-ld/v1")).status_code == 204
    again = network.hub.get("/entities?type=Weather&q=heat>3&limit=2", ngsild_entitymap=first)
    assert again.status_code == 201
    assert again.headers["ngsild-entitymap"] != first
    assert len(again.json()) == 2
