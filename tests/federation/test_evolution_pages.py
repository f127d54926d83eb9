"""Pages, counts and entity maps of histories where nodes have some in common (5.7.4, 5.14.5, 6.3.10, 6.3.13)."""

from __future__ import annotations

import pytest

from federation.conftest import Network
from federation.test_pages import PREFIX, fill, heat, overlapping, walked

SINCE = "timerel=after&timeAt=2026-01-01T00:00:00Z"
READS = ["queryTemporal", "retrieveTemporal"]


def test_evolutions_are_counted_and_merged_wherever_they_stand(network: Network) -> None:
    for name in ("samarinda", "balikpapan"):
        network.hub.register(name, network[name], operations=READS)
    network.hub("DELETE", f"/temporal/entities/{PREFIX}b:149?local=true")
    total = overlapping(network)
    period = f"{SINCE}&timeproperty=createdAt"
    ids, counts, entities = walked(network.hub, f"/temporal/entities?type=Weather&count=true&{period}", 100)
    assert counts == {str(total)}
    assert len(ids) == len(set(ids)) == total
    found = {id: one.keys() - {"id", "type"} for id, one in zip(ids, entities, strict=True)}
    assert found["common:0"] == found["common:2"] == {"heat", "wind"}
    assert found["b:149"] == {"wind", "rain"}
    first = network.hub.get(f"/temporal/entities?type=Weather&limit=7&{period}").json()
    assert first[-1]["id"] == entities[6]["id"]
    assert [one.keys() for one in first] == [one.keys() for one in entities[:7]]


def test_an_entity_map_of_evolutions_says_where_each_was_found(network: Network) -> None:
    registered = {
        name: network.hub.register(name, network[name], operations=READS)
        for name in ("samarinda", "balikpapan")
    }
    fill(network["samarinda"], "map:1", "map:2", heat=heat(1))
    fill(network["balikpapan"], "map:2", "map:3", wind=2)
    fill(network.hub, "map:0", rain=3)
    query = f"type=Weather&idPattern=map:&{SINCE}&timeproperty=createdAt"
    made = network.hub.get(f"/temporal/entityMaps?{query}")
    assert made.status_code == 201, made.text
    where = made.json()["entityMap"]
    both = sorted(registered.values())
    assert {id.removeprefix(PREFIX): sorted(found) for id, found in where.items()} == {
        "map:0": ["@none"],
        "map:1": [registered["samarinda"]],
        "map:2": both,
        "map:3": [registered["balikpapan"]],
    }
    order = list(where)
    first = network.hub.get(f"/temporal/entities?{query}&entityMap=true&limit=3&count=true")
    assert first.status_code == 201, first.text
    assert [one["id"] for one in first.json()] == order[:3]
    assert first.headers["ngsild-results-count"] == "4"
    kept = first.headers["ngsild-entitymap"]
    assert 'rel="next"' in first.headers["link"]
    fill(network.hub, "map:9", rain=3)
    for name in registered:
        network[name]("DELETE", f"/temporal/entities/{order[1]}?local=true")
    rest = network.hub.get(f"/temporal/entities?{query}&limit=3&offset=3&count=true", ngsild_entitymap=kept)
    assert rest.status_code == 200, rest.text
    assert rest.headers["ngsild-entitymap"] == kept
    assert rest.headers["ngsild-results-count"] == "4"
    assert [one["id"] for one in rest.json()] == order[3:]
    again = network.hub.get(f"/temporal/entities?{query}&limit=3", ngsild_entitymap=kept)
    assert [one["id"] for one in again.json()] == [order[0], order[2]]


def test_an_evolution_that_is_retrieved_may_have_a_map(network: Network) -> None:
    registered = {
        name: network.hub.register(name, network[name], operations=READS)
        for name in ("samarinda", "balikpapan")
    }
    fill(network["samarinda"], "map:2", heat=heat(1))
    fill(network["balikpapan"], "map:2", wind=2)
    fill(network.hub, "map:0", rain=3)
    one = network.hub.get(f"/temporal/entities/{PREFIX}map:2?entityMap=true")
    assert one.status_code == 200, one.text
    assert one.json().keys() == {"id", "type", "heat", "wind"}
    told = network.hub.get(one.headers["ngsild-entitymap"].removeprefix("/ngsi-ld/v1")).json()["entityMap"]
    assert {id: sorted(found) for id, found in told.items()} == {
        f"{PREFIX}map:2": sorted(registered.values())
    }
    query = f"type=Weather&idPattern=map:&{SINCE}&timeproperty=createdAt&local=true"
    alone = network.hub.get(f"/temporal/entityMaps?{query}").json()["entityMap"]
    assert alone == {f"{PREFIX}map:0": ["@none"]}


@pytest.fixture(autouse=True)
def _nothing_kept(network: Network) -> None:
    for place in (network.hub, *network.nodes.values()):
        while found := place.get(
            f"/temporal/entities?type=Weather&{SINCE}&timeproperty=createdAt&local=true&limit=1000"
        ).json():
            for one in found:
                place("DELETE", f"/temporal/entities/{one['id']}?local=true")
