"""What machines ask a node, over HTTP, of a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mahakam.access.keys import add_key
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.operations.probes import answer, health, ready
from support.feeds import Town
from support.node import RunningNode


def samples(text: str) -> dict[tuple[str, ...], float]:
    """(name, label values in the order of their names) → value."""
    return {
        (one.name, *(one.labels[name] for name in sorted(one.labels))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def node(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningNode]:
    with RunningNode(
        tmp_path / "data", open=True, workers=request.param,
        environment={"MAHAKAM_LOG": "json", "MAHAKAM_LOG_LEVEL": "info"},
    ) as found:  # fmt: skip
        yield found


def test_every_request_is_counted_once_whichever_worker_answered(node: RunningNode) -> None:
    entity = {"id": "urn:ngsi-ld:Bus:1", "type": "Bus", "n": {"type": "Property", "value": 1}}
    for _ in range(20):  # each with a connection of its own, which any worker may get
        httpx.get(f"{node.url}/about")
    assert httpx.post(f"{node.url}/ngsi-ld/v1/entities", json=entity).status_code == 201
    for _ in range(15):
        assert httpx.get(f"{node.url}/ngsi-ld/v1/entities/urn:ngsi-ld:Bus:1").status_code == 200
    assert httpx.get(f"{node.url}/ngsi-ld/v1/entities/urn:ngsi-ld:Bus:2").status_code == 404
    found = samples(httpx.get(f"{node.url}/metrics").text)
    requests = "mahakam_http_requests_total"  # method, room, status
    assert found[requests, "GET", "pages", "200"] == 20
    assert found[requests, "POST", "ngsi-ld", "201"] == 1
    assert found[requests, "GET", "ngsi-ld", "200"] == 15
    assert found[requests, "GET", "ngsi-ld", "404"] == 1
    assert found["mahakam_http_request_duration_seconds_count", "pages"] == 20
    assert found["mahakam_http_request_duration_seconds_sum", "pages"] > 0
    assert found["mahakam_entities",] == 1
    assert found["mahakam_entities_of_type", "Bus"] == 1
    assert found["mahakam_store_up",] == 1


def test_a_request_has_an_id_in_its_answer_and_in_the_log(node: RunningNode) -> None:
    given = httpx.get(f"{node.url}/about", headers={"x-request-id": "proxy-17"})
    assert given.headers["x-request-id"] == "proxy-17"
    made = httpx.get(f"{node.url}/kiosk/a-secret-word")
    other = httpx.get(f"{node.url}/about", headers={"x-request-id": "two words"})
    assert made.headers["x-request-id"] != other.headers["x-request-id"]
    assert "two" not in other.headers["x-request-id"]
    text = node.log()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    by_id = {line["request"]: line for line in lines if "request" in line}
    assert by_id["proxy-17"]["path"] == "/about"
    assert by_id["proxy-17"]["status"] == 200
    assert by_id["proxy-17"]["milliseconds"] > 0
    assert by_id[made.headers["x-request-id"]]["path"] == "/kiosk"
    assert "a-secret-word" not in text


def test_metrics_are_for_who_watches(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.stops()
    town.run()
    watcher, _ = add_key(town.node.store.tenant(), "prometheus", scopes=("monitor",))
    reader, _ = add_key(town.node.store.tenant(), "reader", scopes=("read",))
    town.node.close()
    with RunningNode(town.data, config=(town.config,)) as node:

        def ask(key: str = "") -> httpx.Response:
            return httpx.get(f"{node.url}/metrics", headers={"authorization": f"Bearer {key}"} if key else {})

        assert ask().status_code == 401
        assert "--scope monitor" in ask().json()["detail"]
        assert ask(reader).status_code == 403
        found = samples(ask(watcher).text)
        assert found["mahakam_feed_held_rows", "stops", "town"] == 0
        assert found["mahakam_feed_failing", "stops", "town"] == 0
        assert found["mahakam_feed_last_run_timestamp_seconds", "stops", "town"] > 1.7e9
        health = httpx.get(f"{node.url}/health").json()
        assert health["status"] == "ok"
        assert httpx.get(f"{node.url}/ready").json() == {
            "status": "ready", "checks": {"read": "ok", "write": "ok"}
        }  # fmt: skip


def asked(probe: Any, node: Node) -> tuple[int, dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(answer(probe, node, {"method": "GET", "headers": []}, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


def test_a_node_without_its_store_is_not_ready(tmp_path: Path) -> None:
    node = Node(Settings(data=tmp_path))
    assert asked(ready, node)[0] == 200
    node.store.tenant().close()
    status, said = asked(ready, node)
    assert (status, said["status"]) == (503, "not ready")
    assert "closed" in said["checks"]["read"]
    assert "closed" in said["checks"]["write"]
    assert asked(health, node)[0] == 503


@pytest.mark.parametrize(("variable", "value"), [("LOG", "xml"), ("LOG_LEVEL", "loud")])
def test_a_log_that_cannot_be_is_said(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(RuntimeError, match=f"MAHAKAM_{variable}: '{value}' is none of"):
        RunningNode(tmp_path, environment={f"MAHAKAM_{variable}": value}).__enter__()
