"""Each run is told of as OpenLineage events, with what it checked, to a file or a server: none lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openlineage.client.event_v2 import RunEvent

from mahakam.app import open_node
from mahakam.config import ConfigError, Settings
from mahakam.feeds.openlineage.sending import NotTaken, tell
from mahakam.feeds.openlineage.sending import Receiver as Address
from mahakam.store.model import Run
from support.feeds import FEED, GOOD, Town
from support.node import RunningNode
from support.notify import Receiver, until

NODE = "https://town.example.id"
BAD = GOOD.replace("A2;Balai;kota;2", "A2;;kota;-2").replace("air;3", "air;1")


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def told(town: Town, receiver: Receiver) -> list[dict[str, Any]]:
    """The events that arrive at this look."""
    before = len(receiver.got)
    tell(town.parts, Address.parse(receiver.uri), NODE)
    return receiver.got[before:]


def only(events: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [event for event in events if event["eventType"] == kind]
    return found


def test_a_run_is_told_of_with_its_schema_its_checks_and_its_columns(town: Town, server: Receiver) -> None:
    town.stops(BAD)
    run = town.run()
    events = told(town, server)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    start, end = events
    assert start["run"]["runId"] == end["run"]["runId"]
    assert (start["eventTime"], end["eventTime"]) == (run.started, run.ended)
    assert end["job"]["namespace"] == NODE
    assert end["job"]["name"] == "town/stops"
    assert end["job"]["facets"]["sourceCode"]["sourceCode"] == FEED
    assert end["job"]["facets"]["ownership"]["owners"] == [{"name": "Dishub", "type": "OWNER"}]

    (source,), (target,) = end["inputs"], end["outputs"]
    assert (source["namespace"], source["name"]) == ("file", str(town.folder / "data/stops.csv"))
    metrics = source["inputFacets"]["dataQualityMetrics"]
    assert (metrics["rowCount"], metrics["fileCount"]) == (3, 1)
    assert metrics["bytes"] == (town.folder / "data/stops.csv").stat().st_size
    assert metrics["columnMetrics"]["nama"] == {"nullCount": 1}
    assert metrics["columnMetrics"]["kode"] == {"nullCount": 0}
    checks = {one["name"]: one for one in source["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert checks["required name"]["success"] is False
    assert checks["required name"]["column"] == "nama"
    assert checks["required name"]["actual"] == "1 rows fail"
    assert checks["required code"]["success"] is True
    assert (checks["minimum seats"]["success"], checks["minimum seats"]["severity"]) == (False, "error")
    few = next(one for name, one in checks.items() if name.startswith("few-seats"))
    assert (few["success"], few["severity"]) == (False, "warn")
    assert sum(not one["success"] for one in checks.values()) == len(run.summary)

    assert (target["namespace"], target["name"]) == (NODE, "town/BusStop")
    assert {one["name"]: one["type"] for one in target["facets"]["schema"]["fields"]} == {
        "code": "string",
        "name": "string",
        "kind": "string",
        "seats": "integer",
        "location": "geometry",
    }
    lineage = target["facets"]["columnLineage"]["fields"]
    assert [one["field"] for one in lineage["location"]["inputFields"]] == ["lon", "lat"]
    assert lineage["name"]["inputFields"][0]["name"] == source["name"]
    assert target["outputFacets"]["outputStatistics"]["rowCount"] == run.stored == 2
    assert told(town, server) == [], "once"


def test_events_are_what_the_standard_client_reads(town: Town, server: Receiver) -> None:
    town.stops(BAD)
    town.run()
    for event in told(town, server):
        url = event.pop("schemaURL")
        assert url == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
        RunEvent(**event)
        facets = [*event["job"]["facets"].values()]
        for one in (*event["inputs"], *event["outputs"]):
            for key in ("facets", "inputFacets", "outputFacets"):
                facets += one.get(key, {}).values()
        assert facets
        assert {facet["_producer"] for facet in facets} == {event["producer"]}
        assert all(facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/") for facet in facets)


def test_a_run_that_fails_says_why(town: Town, server: Receiver) -> None:
    run = town.run()  # there is no file
    assert run.state == "failed"
    event = only(told(town, server), "FAIL")
    assert event["run"]["facets"]["errorMessage"]["message"] == run.message
    assert "stops.csv" in run.message
    assert "outputFacets" not in event["outputs"][0]


def test_a_run_under_way_has_begun_and_one_that_was_cut_off_has_failed(town: Town, server: Receiver) -> None:
    cut = Run(0, "town", "stops", "2026-11-01T00:00:00.000Z")
    town.parts.broker.transact(lambda transaction: transaction.save_run(cut))
    assert [event["eventType"] for event in told(town, server)] == ["START"]
    assert told(town, server) == []
    town.stops()
    town.run()
    assert [event["eventType"] for event in told(town, server)] == ["FAIL", "START", "COMPLETE"]


def test_a_server_that_is_away_gets_everything_later_in_order(town: Town, server: Receiver) -> None:
    town.stops(BAD)
    town.run()
    town.stops()
    town.run()
    server.refuse = 1
    with pytest.raises(NotTaken, match="answers 503"):
        told(town, server)
    server.refuse = 0
    tell(town.parts, Address.parse(server.uri), NODE)
    assert [event["eventType"] for event in server.got] == ["START", "COMPLETE"] * 2
    assert server.got[0]["eventTime"] < server.got[2]["eventTime"]


def test_an_event_that_the_server_calls_broken_holds_up_no_other(town: Town, server: Receiver) -> None:
    town.stops()
    town.run()
    server.refuse, server.status = 1, 422
    assert [event["eventType"] for event in told(town, server)] == ["COMPLETE"]
    assert told(town, server) == []


def test_secrets_of_a_server_are_not_told(town: Town, server: Receiver) -> None:
    source = (
        "{http: {url: 'http://u:geheim@127.0.0.1:9/x?key=rahasia', headers: {x-key: terbuka}}, format: csv}"
    )
    town.write("feeds/stops.yaml", FEED.replace("{file: data/stops.csv}", source))
    failed = Run(0, "town", "stops", "2026-11-01T00:00:00.000Z", "failed", message="it did not answer")
    town.parts.broker.transact(lambda transaction: transaction.save_run(failed))
    event = only(told(town, server), "FAIL")
    assert (event["inputs"][0]["namespace"], event["inputs"][0]["name"]) == ("http://127.0.0.1:9", "/x")
    code = event["job"]["facets"]["sourceCode"]["sourceCode"]
    assert "http://…@127.0.0.1:9/x?…" in code
    said = json.dumps(event)
    assert not [secret for secret in ("geheim", "rahasia", "terbuka") if secret in said]


def test_a_feed_that_cannot_be_read_is_told_of_without_its_columns(town: Town, server: Receiver) -> None:
    town.stops()
    town.run()
    town.write("feeds/stops.yaml", "nonsense: true\n")
    event = only(told(town, server), "COMPLETE")
    assert event["inputs"][0]["inputFacets"]["dataQualityMetrics"]["rowCount"] == 3


@pytest.mark.fault("who tells of runs, kill -9", "no event")
def test_a_process_that_is_killed_while_it_tells_loses_no_event(town: Town, tmp_path: Path) -> None:
    """The receiver is slow; the teller is killed between two events, and the next one goes on."""
    for n in range(4):
        town.stops(GOOD + f"B{n};Halte {n};kota;4;117.05;-0.45\n")
        town.run()
    town.node.close()
    script = (
        "import sys; from pathlib import Path; from mahakam.app import Node; from mahakam.config import Settings\n"
        "from mahakam.feeds.openlineage.sending import tell_owed; from mahakam.feeds.parts import Parts\n"
        "data, config, address = sys.argv[1:]\n"
        "node = Node(Settings(data=Path(data), config=(Path(config),), openlineage=address))\n"
        "tell_owed(Parts.of(node), node.settings)"
    )
    with Receiver() as server:
        server.slow = 0.2
        arguments = [sys.executable, "-c", script, str(town.data), str(town.config), server.uri]
        process = subprocess.Popen(arguments)
        until(lambda: len(server.got) >= 3)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(server.got) < 8
        subprocess.run(arguments, check=True, timeout=120)
        seen = {(event["run"]["runId"], event["eventType"]) for event in server.got}
    assert len(seen) == 8
    assert len(server.got) <= 9, "at most the one under way came twice"
    town.reopen()


def test_a_node_writes_events_to_a_file(town: Town, tmp_path: Path) -> None:
    log = tmp_path / "log/lineage.jsonl"
    town.stops()
    town.run()
    town.node.close()
    with RunningNode(town.data, config=(town.config,), environment={"MAHAKAM_OPENLINEAGE": f"file://{log}"}):
        until(lambda: log.exists() and len(log.read_text().splitlines()) == 2)
    assert [json.loads(line)["eventType"] for line in log.read_text().splitlines()] == ["START", "COMPLETE"]
    town.reopen()


def test_an_address_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    for wrong in ("marquez.example.id", "file://lineage.jsonl", "ftp://x/y"):
        with pytest.raises(ConfigError, match=r"^MAHAKAM_OPENLINEAGE: must be https://"):
            open_node(Settings(data=tmp_path, openlineage=wrong))
