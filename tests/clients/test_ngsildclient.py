"""ngsildclient, a client of the public package index, drives a running node: it is not ours, and does as it likes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.node import RunningNode
from support.notify import Receiver

HERE = Path(__file__).parent
ID = "urn:ngsi-ld:AirQualityObserved:city:{}"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client said, in an environment of its own: it wants an older httpx than we have."""
    data = Path(tmp_path_factory.mktemp("client")) / "data"
    receiver = Receiver()
    with RunningNode(data, open=True, private_addresses=True) as node:
        url = httpx.URL(node.url)
        uv = str(Path(sys.executable).with_name("uv"))
        environment = [
            "--no-project",
            "--python",
            sys.executable,
            "--with-requirements",
            str(HERE / "requirements.txt"),
        ]
        script = [str(HERE / "drive_ngsildclient.py"), url.host, str(url.port), receiver.uri]
        done = subprocess.run(
            [uv, "run", "--quiet", *environment, "python", *script],
            capture_output=True, text=True, check=False, timeout=300, cwd=data,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    receiver.server.shutdown()
    return {**json.loads(done.stdout.splitlines()[-1]), "notified": receiver.got}


def test_create_and_read(said: dict[str, Any]) -> None:
    assert said["created"]
    assert said["exists"] == [True, False]
    got = said["got"]
    assert got["id"] == ID.format(1)
    assert got["NO2"]["value"] == 1
    assert got["location"]["value"] == {"type": "Point", "coordinates": [117.15, -0.51]}
    assert got["refDevice"]["object"] == "urn:ngsi-ld:Device:1"


def test_batches(said: dict[str, Any]) -> None:
    assert said["batch"] == {"ok": 299, "errors": 1}, "one was there already"
    assert said["upserted"] == 5, "the client counts those that were new, which the answer names"
    assert said["batch deleted"] == 8


def test_queries(said: dict[str, Any]) -> None:
    assert said["found"] == 305, "the client follows the pages"
    assert said["selected"] == [ID.format(number) for number in (303, 304, 305)]
    assert said["counted"] == 10
    assert "AirQualityObserved" in str(said["types"])


def test_subscriptions(said: dict[str, Any]) -> None:
    assert said["subscriptions"] == [said["subscribed"]]
    (notified,) = said["notified"]
    assert notified["subscriptionId"] == said["subscribed"]
    assert [(one["id"], one["NO2"]["value"]) for one in notified["data"]] == [(ID.format(1), 1500)]
    assert said["unsubscribed"]
    assert said["left"] == []


def test_history(said: dict[str, Any]) -> None:
    values = [one["value"] for one in said["history"]["NO2"]]
    assert values == [1, "urn:ngsi-ld:null", 1500], "what this client calls an update deletes and creates"


def test_deletions(said: dict[str, Any]) -> None:
    assert said["deleted"]
    assert said["remaining"] == 305 - 1 - 8 - 6
