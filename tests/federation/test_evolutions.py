"""Histories over several nodes: merged by attribute and instance, written where they are kept (5.6.11-16, 5.7.3-4)."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from federation.conftest import NAMES, Network
from support.api import BASE

STATION = "urn:ngsi-ld:Weather:mahakam"
PATH = f"/temporal/entities/{STATION}"
SINCE = "timerel=after&timeAt=2026-01-01T00:00:00Z"
READS = ["retrieveTemporal", "queryTemporal"]
WRITES = [
    "upsertTemporal", "appendAttrsTemporal", "deleteAttrsTemporal", "updateAttrInstanceTemporal",
    "deleteAttrInstanceTemporal", "deleteTemporal",
]  # fmt: skip


def at(minute: int, value: float, **more: Any) -> dict[str, Any]:
    observed = f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00Z"
    return {"type": "Property", "value": value, "observedAt": observed, **more}


def kept(place: Any, id: str = STATION, **attributes: Any) -> None:
    payload = {"id": id, "type": "Weather", **attributes}
    answer = place("POST", "/temporal/entities?local=true", json=payload)
    assert answer.status_code in (201, 204), answer.text


def register(network: Network, *names: str, **more: Any) -> None:
    for name in names or NAMES:
        network.hub.register(name, network[name], **{"operations": READS + WRITES, **more})


def values(answer: httpx.Response, name: str = "heat") -> list[Any]:
    assert answer.status_code in (200, 206), answer.text
    return [value for value, _ in answer.json()[name]["values"]]


@pytest.fixture(autouse=True)
def _nothing_kept(network: Network) -> None:
    for place in (network.hub, *network.nodes.values()):
        found = place.get(f"/temporal/entities?type=Weather,Tram&{SINCE}&timeproperty=createdAt&local=true")
        for one in found.json():
            place("DELETE", f"/temporal/entities/{one['id']}?local=true")


def test_one_evolution_of_what_all_have(network: Network) -> None:
    register(network)
    kept(network.hub, heat=[at(0, 1)])
    kept(network["samarinda"], heat=[at(2, 3), at(4, 5)], wind=[at(0, 9)])
    kept(network["balikpapan"], heat=[at(1, 2), at(3, 4)])
    answer = network.hub.get(f"{PATH}?{SINCE}&format=temporalValues")
    assert values(answer) == [1, 2, 3, 4, 5]
    assert values(answer, "wind") == [9]
    assert "ngsild-warning" not in answer.headers
    assert values(network.hub.get(f"{PATH}?{SINCE}&format=temporalValues&local=true")) == [1]
    assert values(network.hub.get(f"{PATH}?{SINCE}&format=temporalValues&lastN=2")) == [4, 5]
    between = "timerel=between&timeAt=2026-01-01T00:01:00Z&endTimeAt=2026-01-01T00:04:00Z"
    assert values(network.hub.get(f"{PATH}?{between}&format=temporalValues")) == [2, 3, 4]
    assert network.hub.get(f"{PATH}?attrs=rain").status_code == 404


def test_the_same_instance_is_there_once_as_it_was_changed_last(network: Network) -> None:
    register(network, "samarinda", "balikpapan")
    kept(network["samarinda"], heat=[at(0, 1)])
    kept(network["balikpapan"], heat=[at(0, 2)])
    other = {"datasetId": "urn:ngsi-ld:dataset:roof"}
    kept(network["samarinda"], heat=[at(0, 3, **other)])
    found = network.hub.get(f"{PATH}?{SINCE}").json()["heat"]
    assert sorted((one["value"], one.get("datasetId", "")) for one in found) == [
        (2, ""), (3, "urn:ngsi-ld:dataset:roof"),
    ]  # fmt: skip


def test_a_query_shows_the_evolutions_of_all(network: Network) -> None:
    register(network)
    kept(network.hub, "urn:ngsi-ld:Weather:hub", heat=[at(0, 1)])
    for number, name in enumerate(NAMES):
        kept(network[name], f"urn:ngsi-ld:Weather:{name}", heat=[at(number, 10 + number)])
    query = f"/temporal/entities?type=Weather&{SINCE}&format=temporalValues"
    answer = network.hub.get(f"{query}&count=true&orderBy=id")
    assert [one["id"].rpartition(":")[2] for one in answer.json()] == sorted(("hub", *NAMES))
    assert answer.headers["ngsild-results-count"] == "4"
    assert [one["id"].rpartition(":")[2] for one in network.hub.get(f"{query}&q=heat>10").json()] == list(
        NAMES[1:]
    )
    pages = [network.hub.get(f"{query}&limit=2&offset={offset}") for offset in (0, 2)]
    assert len({one["id"] for page in pages for one in page.json()}) == 4
    assert 'rel="next"' in pages[0].headers["link"]
    assert 'rel="next"' not in pages[1].headers["link"]
    temporal = {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}
    posted = {"type": "Query", "entities": [{"type": "Weather"}], "temporalQ": temporal}
    assert len(network.hub("POST", "/temporal/entityOperations/query", json=posted).json()) == 4


@pytest.mark.parametrize("last", ["", "&lastN=100"])
def test_a_long_evolution_of_several_comes_by_pages_without_gaps(network: Network, last: str) -> None:
    register(network, "samarinda", "balikpapan")
    kept(network["samarinda"], heat=[at(minute, minute) for minute in range(0, 100, 2)])
    kept(network["balikpapan"], heat=[at(minute, minute) for minute in range(1, 100, 2)])
    kept(network.hub, heat=[at(minute, minute) for minute in range(100, 110)])
    found: list[Any] = []
    query = f"{SINCE}&format=temporalValues{last}"
    pages = 0
    while True:
        answer = network.hub.get(f"{PATH}?{query}")
        page = values(answer)
        found += [value for value in page if value not in found]
        pages += 1
        if answer.status_code == 200:
            break
        end = answer.headers["content-range"].partition("/")[0][-19:]
        if last:
            query = (
                f"timerel=between&timeAt=2026-01-01T00:00:00Z&endTimeAt={end}Z&format=temporalValues{last}"
            )
        else:
            query = f"timerel=after&timeAt={end}Z&format=temporalValues"
    assert pages > 3
    assert len(found) == len(set(found))
    assert sorted(found)[-100:] == list(range(10, 110))
    assert bool(last) or sorted(found) == list(range(110))


def test_values_of_all_are_aggregated_together(network: Network) -> None:
    register(network, "samarinda", "balikpapan")
    kept(network["samarinda"], heat=[at(minute, minute) for minute in range(90)])
    kept(network["balikpapan"], heat=[at(minute, minute) for minute in range(90, 100)])
    query = f"{SINCE}&format=aggregatedValues&aggrMethods=avg,totalCount&aggrPeriodDuration=PT0S"
    for path in (f"{PATH}?{query}", f"/temporal/entities?type=Weather&{query}"):
        answer = network.hub.get(path)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        heat = (body[0] if isinstance(body, list) else body)["heat"]
        assert heat["totalCount"][0][0] == 100
        assert heat["avg"][0][0] == pytest.approx(49.5)


def test_only_sources_that_say_so_are_asked(network: Network, silent: str) -> None:
    network.hub.register("current", silent, management={"timeout": 500})
    interval = {"startAt": "2020-01-01T00:00:00Z", "endAt": "2021-01-01T00:00:00Z"}
    register(network, "samarinda", observationInterval=interval)
    register(network, "balikpapan", observationInterval={"startAt": "2020-01-01T00:00:00Z"})
    for name in ("samarinda", "balikpapan"):
        kept(network[name], heat=[at(0 if name == "samarinda" else 1, 1)])
    answer = network.hub.get(f"{PATH}?{SINCE}")
    assert [one["observedAt"] for one in answer.json()["heat"]] == ["2026-01-01T00:01:00Z"]
    assert "ngsild-warning" not in answer.headers
    assert len(network.hub.get(f"{PATH}").json()["heat"]) == 2


def test_a_dead_source_is_named(network: Network) -> None:
    register(network, "samarinda")
    network.hub.register("dead", "http://127.0.0.1:9", operations=READS)
    kept(network["samarinda"], heat=[at(0, 1)])
    answer = network.hub.get(f"{PATH}?{SINCE}&format=temporalValues")
    assert values(answer) == [1]
    assert "ContextSourceRegistration:dead" in answer.headers["ngsild-warning"]


def test_what_one_source_alone_holds_is_written_there_only(network: Network) -> None:
    information = [{"entities": [{"type": "Weather", "id": STATION}], "propertyNames": ["heat"]}]
    register(network, "samarinda", mode="exclusive", information=information)
    payload = {"id": STATION, "type": "Weather", "heat": [at(0, 1)], "wind": [at(0, 2)]}
    answer = network.hub("POST", "/temporal/entities", json=payload)
    assert answer.status_code == 201
    assert answer.headers["location"] == BASE + PATH
    more = network.hub("POST", f"{PATH}/attrs", json={"heat": [at(1, 3)], "wind": [at(1, 4)]})
    assert more.status_code == 204, more.text
    there = network["samarinda"].get(f"{PATH}?{SINCE}&format=temporalValues&local=true")
    here = network.hub.get(f"{PATH}?{SINCE}&format=temporalValues&local=true")
    assert values(there) == [1, 3]
    assert "wind" not in there.json()
    assert values(here, "wind") == [2, 4]
    assert "heat" not in here.json()
    both = network.hub.get(f"{PATH}?{SINCE}&format=temporalValues")
    assert (values(both), values(both, "wind")) == ([1, 3], [2, 4])


def test_an_instance_is_changed_and_deleted_where_it_is(network: Network) -> None:
    register(network, "samarinda", "balikpapan")
    kept(network.hub, heat=[at(0, 1)])
    kept(network["samarinda"], heat=[at(1, 2)])
    kept(network["balikpapan"], heat=[at(2, 3)])
    ids = [one["instanceId"] for one in network.hub.get(f"{PATH}?{SINCE}").json()["heat"]]
    assert len(set(ids)) == 3
    changed = network.hub("PATCH", f"{PATH}/attrs/heat/{ids[1]}", json={"heat": [{"value": 20}]})
    assert changed.status_code == 204, changed.text
    assert network.hub("DELETE", f"{PATH}/attrs/heat/{ids[2]}").status_code == 204
    assert network.hub("DELETE", f"{PATH}/attrs/heat/{ids[2]}").status_code == 404
    assert values(network.hub.get(f"{PATH}?{SINCE}&format=temporalValues")) == [1, 20]
    assert values(network["samarinda"].get(f"{PATH}?{SINCE}&format=temporalValues&local=true")) == [20]
    unknown = f"{PATH}/attrs/heat/{ids[1].partition(';')[0]};source=urn:ngsi-ld:ContextSourceRegistration:no"
    assert network.hub("DELETE", unknown).status_code == 404


def test_an_attribute_and_an_evolution_end_everywhere(network: Network) -> None:
    register(network, "samarinda", "balikpapan")
    kept(network["samarinda"], heat=[at(1, 2)], wind=[at(1, 2)])
    kept(network["balikpapan"], heat=[at(2, 3)], wind=[at(2, 2)])
    assert network.hub("DELETE", f"{PATH}/attrs/heat").status_code == 204
    found = network.hub.get(f"{PATH}?{SINCE}&format=temporalValues").json()
    assert "heat" not in found
    assert len(found["wind"]["values"]) == 2
    assert network.hub("DELETE", PATH).status_code == 204
    assert network.hub.get(f"{PATH}?{SINCE}").status_code == 404
    assert network["samarinda"].get(f"{PATH}?local=true").status_code == 404
    assert network.hub("DELETE", PATH).status_code == 404


def test_a_circle_of_histories_ends(network: Network) -> None:
    register(network, "samarinda")
    network["samarinda"].register("back", network.hub, operations=READS + WRITES)
    kept(network.hub, heat=[at(0, 1)])
    kept(network["samarinda"], heat=[at(1, 2)])
    assert values(network.hub.get(f"{PATH}?{SINCE}&format=temporalValues")) == [1, 2]


def test_a_snapshot_freezes_the_evolutions_of_all(network: Network) -> None:
    register(network, "samarinda")
    network.hub.register("dead", "http://127.0.0.1:9", operations=READS)
    kept(network.hub, heat=[at(100, 1)])
    kept(network["samarinda"], heat=[at(minute, minute) for minute in range(40)])
    temporal = {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}
    query = {"type": "Query", "entities": [{"type": "Weather"}], "temporalQ": temporal}
    answer = network.hub("POST", "/snapshots", json={"type": "Snapshot", "snapshotTemporalQueries": [query]})
    assert answer.status_code == 201, answer.text
    path = answer.headers["location"].removeprefix(BASE)
    end = time.monotonic() + 120
    while (found := network.hub.get(path).json())["snapshotStatus"] == "preparing":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert found["snapshotTemporalQueriesDetails"] == [{"resultStatus": "partial"}]
    network["samarinda"]("DELETE", f"{PATH}?local=true")
    count = f"{PATH}?{SINCE}&format=aggregatedValues&aggrMethods=totalCount&aggrPeriodDuration=PT0S"
    frozen = network.hub.get(count, ngsild_snapshot=found["id"])
    assert frozen.json()["heat"]["totalCount"][0][0] == 41
    live = network.hub.get(count)
    assert live.json()["heat"]["totalCount"][0][0] == 1
