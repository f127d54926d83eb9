"""``mahakam demo-network``: a hub and three nodes with five cities, as one command starts and ends them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import httpx
import pytest

from support.node import MAHAKAM, copy_of_demo, free_port

NODES = 4
POINTS, VALUES = "PointOfInterest", "KeyPerformanceIndicator"


def ports_in_a_row() -> int:
    """The first of as many free ports as the demo needs."""
    for _ in range(100):
        first = free_port()
        with socket.socket() as probe:
            try:
                for port in range(first, first + NODES):
                    with socket.socket() as probe:
                        probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
        return first
    raise AssertionError("no ports in a row")


class DemoNetwork:
    """``mahakam demo-network`` as somebody starts it, until it says that it is ready."""

    def __init__(self, data: Path) -> None:
        self.port = ports_in_a_row()
        self.hub, self.kaltim, self.jakarta, self.kuala_lumpur = (
            f"http://127.0.0.1:{self.port + number}" for number in range(NODES)
        )
        self._file = (data.parent / "printed").open("w+")
        self.process = subprocess.Popen(
            [MAHAKAM, "demo-network", "--data", str(data), "--port", str(self.port)],
            stdout=self._file,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.wait_for("off-line")

    def printed(self) -> str:
        return (Path(self._file.name)).read_text("utf-8")

    def wait_for(self, words: str) -> str:
        """What it printed, once these words are in it."""
        until = time.monotonic() + 120
        while words not in self.printed():
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < until, self.printed()
            time.sleep(0.1)
        return self.printed()

    def pids(self) -> dict[str, int]:
        """Process id of each node by the first word of its title."""
        lines = re.findall(r"^  kill (\d+) +(.+)$", self.wait_for("Kuala Lumpur\n"), re.MULTILINE)
        return {title: int(pid) for pid, title in lines}

    def end(self, how: signal.Signals) -> str:
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(120)
        return self.printed()


def asked(url: str, type: str, more: str = "") -> httpx.Response:
    """What a node answers for a type."""
    return httpx.get(f"{url}/ngsi-ld/v1/entities?type={type}&limit=1000&options=keyValues{more}", timeout=60)


def held(url: str, type: str) -> list[str]:
    """The ids of what a node stores itself."""
    return [one["id"] for one in asked(url, type, "&local=true").json()]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return copy_of_demo(tmp_path / "demo", "demo-network")


@pytest.fixture
def running(data: Path) -> Iterator[DemoNetwork]:
    demo = DemoNetwork(data)
    yield demo
    demo.end(signal.SIGTERM)


def bodies(data: Path) -> dict[str, bytes]:
    connection = apsw.Connection(str(data / "mahakam.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    return dict(connection.execute("SELECT id, body FROM entity"))


def test_each_node_has_its_own_and_a_second_start_loads_nothing_twice(data: Path) -> None:
    names = ("hub", "kaltim", "jakarta", "kuala-lumpur")
    before = {name: bodies(data / name) for name in names}
    demo = DemoNetwork(data)
    printed = demo.end(signal.SIGINT)
    assert demo.process.returncode == 0, printed
    assert printed.count(": 0 rows loaded now") == NODES
    assert "Traceback" not in printed
    for one in ("kaltim", "jakarta", "kuala-lumpur"):
        assert bodies(data / one) == before[one], one
        assert not {id for id in before[one] if ":SmartCityProject:" in id}, (
            "a city keeps no register of the network"
        )
    assert len({id for id in before["hub"] if ":SmartCityProject:" in id}) == 134
    assert any(":samarinda:" in id for id in before["kaltim"])
    assert any(":AirQualityObserved:" in id for id in before["jakarta"])


def test_every_link_that_it_names_answers_and_the_hub_answers_for_all(running: DemoNetwork) -> None:
    links = re.findall(r"http://127\.0\.0\.1:\d+/\S+", running.printed())
    assert len(links) >= 4
    for link in links:
        assert httpx.get(link, timeout=60).status_code == 200, link
    cities = (running.kaltim, running.jakarta, running.kuala_lumpur)
    assert held(running.hub, POINTS) == []
    points = [one for city in cities for one in held(city, POINTS)]
    assert len(points) > 100
    answer = asked(running.hub, POINTS)
    assert "ngsild-warning" not in answer.headers
    assert sorted(one["id"] for one in answer.json()) == sorted(points), "asked of the nodes, each once"
    values = [one for city in cities for one in held(city, VALUES)]
    own = ["urn:ngsi-ld:KeyPerformanceIndicator:ascn:projects-completed:all"]
    assert sorted(held(running.hub, VALUES)) == sorted(values + own), "the copies"
    assert sorted(one["id"] for one in asked(running.hub, VALUES).json()) == sorted(values + own)


def test_the_hubs_pages_show_what_the_nodes_sent(running: DemoNetwork) -> None:
    with httpx.Client(timeout=60) as reader:
        rows = reader.get(f"{running.hub}/network/indicators.json").json()
        assert {"Samarinda", "Balikpapan", "Bontang", "Jakarta", "Kuala Lumpur"} == {
            one["city"] for one in rows
        }
        nodes = {one["city"]: one["node_address"] for one in rows}
        assert (nodes["Samarinda"], nodes["Jakarta"]) == (running.kaltim, running.jakarta)
        compared = reader.get(f"{running.hub}/network/indicators/people-per-health-centre.json").json()
        assert {one["city"] for one in compared} == {"Samarinda", "Balikpapan", "Bontang"}
        told = reader.get(f"{running.hub}/trace/value/jakarta/unhealthy-days/2023").text
        there = f"{running.jakarta}/trace/value/jakarta/unhealthy-days/2023"
        assert there in told
        assert "365 rows" not in told, "its rows are not here"
        assert "air-quality" in reader.get(there).text


def test_the_network_is_administered_on_its_hub_alone(running: DemoNetwork) -> None:
    assert httpx.get(f"{running.hub}/network/people", timeout=60).status_code == 200
    for city in (running.kaltim, running.jakarta, running.kuala_lumpur):
        for page in ("/network/people", "/network/meetings", "/network/recommendations", "/network/report"):
            assert httpx.get(city + page, timeout=60).status_code == 404, city + page
    assert httpx.get(f"{running.hub}/cities/jakarta", timeout=60).status_code == 404


def test_one_that_dies_is_said_and_takes_no_other_with_it(running: DemoNetwork) -> None:
    os.kill(running.pids()["Jakarta"], signal.SIGKILL)
    said = running.wait_for("Jakarta: was ended by SIGKILL")
    assert "The others go on." in said
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{running.jakarta}/health")
    for url in (running.hub, running.kaltim, running.kuala_lumpur):
        assert httpx.get(f"{url}/health", timeout=60).status_code == 200
    merged = asked(running.hub, POINTS)
    assert ":node:jakarta:" in merged.headers["ngsild-warning"]
    assert sorted(one["id"] for one in merged.json()) == sorted(held(running.kaltim, POINTS))
    assert any(one["place"] == "jakarta" for one in asked(running.hub, VALUES).json()), "its copies stay"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_its_end_is_the_end_of_every_node(data: Path, how: signal.Signals) -> None:
    demo = DemoNetwork(data)
    nodes = demo.pids()
    assert len(nodes) == NODES
    demo.end(how)
    for pid in nodes.values():
        with pytest.raises(ProcessLookupError):
            os.killpg(pid, 0)


def test_a_taken_port_of_any_node_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    first = ports_in_a_row()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first + 2))
        taken.listen()
        done = subprocess.run(
            [MAHAKAM, "demo-network", "--data", str(tmp_path / "demo"), "--port", str(first)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert f"port {first + 2} " in done.stderr
    assert f"{first} to {first + NODES - 1}" in done.stderr
    assert not (tmp_path / "demo").exists()
