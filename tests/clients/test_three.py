"""three, an Open311 client of the public package index, drives a running node: it is not ours, and does as it likes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mahakam.access.keys import add_key
from mahakam.app import Node
from mahakam.config import Settings
from support.node import RunningNode
from support.papers import photo
from support.portal import two_cities

HERE = Path(__file__).parent
SIZE = "form: {properties: {size: {title: Size, type: string, oneOf: [{const: car, title: Car}]}}, required: [size]}\n"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client said, in an environment of its own: it is of the days of Python 2."""
    root = Path(tmp_path_factory.mktemp("three"))
    places = two_cities(root / "places")
    path = places / "prov/town/services/pothole.yaml"
    path.write_text(path.read_text() + SIZE)
    node = Node(Settings(data=root / "data", config=(places,)))
    key = add_key(node.store.tenant(), "reporter", ("write",), ("town",))[0]
    node.close()
    (root / "lamp.jpg").write_bytes(photo())
    uv = str(Path(sys.executable).with_name("uv"))
    environment = ["--no-project", "--python", sys.executable, "--with-requirements"]
    with RunningNode(root / "data", config=(places,)) as server:
        script = [str(HERE / "drive_three.py"), f"{server.url}/open311", key, str(root / "lamp.jpg")]
        done = subprocess.run(
            [uv, "run", "--quiet", *environment, str(HERE / "requirements-three.txt"), "python", *script],
            capture_output=True, text=True, check=False, timeout=300, cwd=root,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _numbers(rows: list[dict[str, Any]]) -> list[str]:
    return [row["service_request_id"] for row in rows]


def test_it_finds_its_way(said: dict[str, Any]) -> None:
    assert said["discovery"]["endpoints"][0]["url"].endswith("/open311")
    assert {row["service_code"] for row in said["services"]} == {"pothole", "street-light"}
    assert said["definition"]["attributes"][0]["code"] == "size"
    assert said["elsewhere"][0]["code"] == "404"
    assert said["again"] == said["services"]


def test_it_sends_with_a_name_a_photo_and_an_address(said: dict[str, Any]) -> None:
    assert said["status"] == 201
    numbers = [said[name][0]["service_request_id"] for name in ("posted", "with photo")]
    assert len(set(numbers)) == 2
    assert said["one"][0]["description"] == "A hole"
    assert "Ana" not in json.dumps(said)
    lamp = next(row for row in said["all"] if row["description"] == "Lamp out")
    assert lamp["media_url"].startswith("http")
    assert said["refused"][0]["code"] == "400"
    assert said["by village"][0]["code"] == "400", "this city has no villages: the answer says what is needed"
    assert said["token"] == [{"service_request_id": numbers[0], "token": numbers[0]}]


def test_it_reads_by_service_status_page_and_day(said: dict[str, Any]) -> None:
    numbers = [said[name][0]["service_request_id"] for name in ("posted", "with photo")]
    assert _numbers(said["all"]) == numbers[::-1]
    assert _numbers(said["of a service"]) == numbers[1:]
    assert said["closed"] == said["before"] == []
    assert len(said["two a page"]) == 2
    assert _numbers(said["since"]) == numbers[::-1]
