"""A hub and cities, each a process of its own, joined by the commands that people use."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.api import BASE
from support.node import MAHAKAM, RunningNode

SECONDS = 120.0


def until(look: Callable[[], Any], what: str) -> Any:
    """The first true answer of ``look``; fails with ``what`` after two minutes."""
    end = time.monotonic() + SECONDS
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"{what}: still {found!r}"
        time.sleep(0.2)


class Site:
    """A served node with its folder; ``key``: the Authorization that its requests show."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.data = folder
        self.node = RunningNode(folder, private_addresses=True, **{"open": True, **options})
        self.url = self.node.url
        self.id = f"127.0.0.1:{self.node.port}"

    def start(self) -> Site:
        self.node.__enter__()
        return self

    def stop(self) -> None:
        self.node.__exit__(None, None, None)

    def kill(self) -> None:
        """As a power cut would: kill -9 of the server and its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.node.pid, signal.SIGKILL)
        assert self.node._process is not None
        self.node._process.wait()

    def api(self, method: str, path: str, *, key: str = "", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.request(
            method, self.url + path, headers=headers | more.pop("headers", {}), timeout=120, **more
        )

    def get(self, path: str, key: str = "", **params: str) -> Any:
        answer = self.api("GET", BASE + path, key=key, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def query(self, type: str, **params: str) -> dict[str, dict[str, Any]]:
        """What is answered for a type, by id, as simple values."""
        found = self.get("/entities", type=type, options="keyValues", limit="1000", **params)
        return {one["id"]: one for one in found}

    def here(self, type: str) -> dict[str, dict[str, Any]]:
        """What the node itself stores of a type."""
        return self.query(type, local="true")

    def create(self, id: str, type: str, **attributes: Any) -> str:
        answer = self.api("POST", f"{BASE}/entities?local=true", json={"id": id, "type": type, **attributes})
        assert answer.status_code == 201, answer.text
        return id

    def change(self, id: str, **attributes: Any) -> None:
        answer = self.api("POST", f"{BASE}/entities/{id}/attrs?local=true", json=attributes)
        assert answer.status_code == 204, answer.text

    def delete(self, id: str) -> None:
        assert self.api("DELETE", f"{BASE}/entities/{id}?local=true").status_code == 204

    def run(self, *words: str, code: int = 0) -> str:
        """A command of ``mahakam node``; its standard output, and its standard error if it cannot run."""
        environment = os.environ | {"MAHAKAM_PRIVATE_ADDRESSES": "1", "MAHAKAM_URL": self.url}
        done = subprocess.run(
            [MAHAKAM, "node", *words, "--data", str(self.data)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def invite(self, name: str, *more: str) -> str:
        return self.run("invite", name, *more).strip()

    def facts(self) -> dict[str, list[dict[str, Any]]]:
        """What ``mahakam node list`` says."""
        found: dict[str, list[dict[str, Any]]] = json.loads(self.run("list", "--json"))
        return found

    def member(self, name: str) -> dict[str, Any]:
        return next(one for one in self.facts()["nodes"] if one["name"] == name)


STOP, VALUE = "BusStop", "KeyPerformanceIndicator"
ONE, TWO = "urn:ngsi-ld:BusStop:one", "urn:ngsi-ld:BusStop:two"


def fill(city: Site) -> None:
    """Two stops of which ``secret`` is not for the hub, an indicator value, and what is not shared at all."""
    city.create(ONE, STOP, waiting=7, secret=1, nameOf="Pasar Pagi")
    city.create(TWO, STOP, waiting=3, secret=2, nameOf="Tepian")
    city.create("urn:ngsi-ld:KeyPerformanceIndicator:one", VALUE, calculated=61.5)
    city.create("urn:ngsi-ld:Ledger:one", "Ledger", amount=12)


Make = Callable[..., Site]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Starts a node by its name."""
    with ExitStack() as stack:

        def start(name: str, **options: Any) -> Site:
            site = Site(tmp_path / name, **options)
            stack.callback(site.stop)
            return site.start()

        yield start


@pytest.fixture
def hub(make: Make) -> Site:
    return make("hub")


@pytest.fixture
def city(make: Make) -> Site:
    site = make("samarinda")
    fill(site)
    return site


@pytest.fixture
def joined(hub: Site, city: Site) -> tuple[Site, Site]:
    """A hub, and a city that shares two fields of its stops, and sends copies of its indicator values."""
    city.run("join", hub.invite("samarinda"), "--share", f"{STOP}:waiting,nameOf", "--share", VALUE)
    return hub, city
