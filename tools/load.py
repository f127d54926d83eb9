"""A node under load: started, loaded by clients of another process, its memory and CPU time read from the system."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import aiohttp

MAHAKAM = Path(sys.executable).with_name("mahakam")
ENTITIES = 5_000
"""What a node holds when the load begins."""
MIXED: Mapping[str, float] = {"read": 0.60, "query": 0.15, "write": 0.20, "create": 0.05}
"""Shares of a mixed load: a read by id, a page of 20 by a condition, a change of one attribute, a new entity."""
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Served:
    """A node that serves on this machine, ended with the block. ``pid`` is that of its first process."""

    def __init__(self, data: Path, *, workers: int = 1, store: str = "", private: bool = False) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        words: list[str | Path] = [
            MAHAKAM,
            "serve",
            "--open",
            "--data",
            data,
            "--port",
            str(port),
            "--workers",
            str(workers),
        ]
        words += ["--private-addresses"] if private else []
        environment = {key: text for key, text in os.environ.items() if not key.startswith("MAHAKAM_")}
        self._process = subprocess.Popen(
            words, env=environment | {"MAHAKAM_STORE": store}, stderr=subprocess.DEVNULL
        )
        self.pid = self._process.pid

    def __enter__(self) -> Served:
        until = time.monotonic() + 120
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with urlopen(f"{self.url}/ready", timeout=5):  # noqa: S310 - our own server
                    return self
            except OSError:
                time.sleep(0.1)
        self.__exit__()
        raise RuntimeError("the node did not become ready")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(120)


def memory(pid: int) -> int:
    """Bytes that are resident, of a process and all below it."""
    return sum(int(_read(path / "statm", "0 0").split()[1]) * _PAGE for path in _processes(pid))


def cpu(pid: int) -> float:
    """Seconds of CPU time so far, of a process and all below it, those that have ended included."""
    nothing = ") " + "0 " * 20
    fields = [_read(path / "stat", nothing).rpartition(")")[2].split() for path in _processes(pid)]
    return sum(sum(map(int, one[11:15])) for one in fields) / _TICKS


def _processes(pid: int) -> Iterator[Path]:
    found = {pid}
    for path in sorted(Path("/proc").glob("[0-9]*"), key=lambda one: int(one.name)):
        parent = int(_read(path / "stat", ") x 0").rpartition(")")[2].split()[1])
        if parent in found or int(path.name) in found:
            found.add(int(path.name))
            yield path


def _read(path: Path, gone: str) -> str:
    """What the system says of a process; ``gone`` if that has ended."""
    try:
        return path.read_text()
    except OSError:
        return gone


def _numbers() -> array[float]:
    return array("d")


@dataclass
class Done:
    """Requests that were answered. ``sent``: the second at which each was, ``took``: the seconds it took. In a paced
    load a request that is sent late has waited since it was due. ``failed``: how many were not answered as they should
    be. ``cpu``: seconds of CPU time that the clients took.

    Arrays and no objects: a collection of garbage walks through the objects that there are, and with those of six
    million answers it stopped the load's own process for 0.1 s every few seconds, which looked like the node's doing.
    """

    sent: array[float] = field(default_factory=_numbers)
    took: array[float] = field(default_factory=_numbers)
    failed: int = 0
    seconds: float = 0.0
    cpu: float = 0.0

    def answered(self, sent: float, took: float) -> None:
        self.sent.append(sent)
        self.took.append(took)

    @property
    def rate(self) -> float:
        return len(self.took) / self.seconds if self.seconds else 0.0

    def p99(self, first: float = 0.0, last: float = float("inf")) -> float:
        """Seconds, of those sent in that part of the load."""
        some = sorted(took for at, took in zip(self.sent, self.took, strict=True) if first <= at < last)
        return some[int(len(some) * 0.99)] if some else 0.0


def load(
    url: str, seconds: float, *, rate: float = 0.0, clients: int = 16, shares: Mapping[str, float] = MIXED
) -> Done:
    """Load a node from a process of its own: as fast as the clients can, or so many requests a second."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_load, (url, seconds, rate, clients, dict(shares)))


def fill(url: str, number: int = ENTITIES) -> None:
    """Entities ``urn:x:0`` and so on."""
    asyncio.run(_fill(url, number))


async def _fill(url: str, number: int) -> None:
    async with aiohttp.ClientSession() as http:
        for first in range(0, number, 500):
            some = [_entity(one) for one in range(first, min(first + 500, number))]
            async with http.post(f"{url}/ngsi-ld/v1/entityOperations/create", json=some) as answer:
                if answer.status != 201:
                    raise RuntimeError(f"the entities were not taken: {answer.status} {await answer.text()}")


def _entity(number: int) -> dict[str, Any]:
    return {
        "id": f"urn:x:{number}", "type": "AirQualityObserved",
        "pm10": {"type": "Property", "value": number % 100, "unitCode": "GQ", "observedAt": "2026-01-01T00:00:00Z"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117 + number % 97 / 97, -0.4]}},
    }  # fmt: skip


def _load(url: str, seconds: float, rate: float, clients: int, shares: dict[str, float]) -> Done:
    return asyncio.run(_run(url, seconds, rate, clients, shares))


async def _run(url: str, seconds: float, rate: float, clients: int, shares: dict[str, float]) -> Done:
    gc.collect()
    gc.freeze()  # what there is by now stays: it is not looked at again and again
    done, chance = Done(), random.Random(7)  # noqa: S311 - a load, alike each time
    began, sent = time.perf_counter(), 0
    run = os.urandom(4).hex()

    async def client(http: aiohttp.ClientSession) -> None:
        nonlocal sent
        while (now := time.perf_counter() - began) < seconds:
            number, due = sent, sent / rate if rate else now
            sent += 1
            if due >= seconds:
                return
            if due > now:
                await asyncio.sleep(due - now)
            kind = chance.choices([*shares], [*shares.values()])[0]
            try:
                good = await _ask(http, url, kind, chance.randrange(ENTITIES), f"{run}{number}")
            except (aiohttp.ClientError, OSError):
                good = False
            if good:
                done.answered(due, time.perf_counter() - began - due)
            else:
                done.failed += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await asyncio.gather(*(client(http) for _ in range(clients)))
    done.seconds = time.perf_counter() - began
    done.cpu = time.process_time()
    return done


async def _ask(http: aiohttp.ClientSession, url: str, kind: str, number: int, fresh: str) -> bool:
    base = f"{url}/ngsi-ld/v1/entities"
    if kind == "read":
        request = http.get(f"{base}/urn:x:{number}")
    elif kind == "query":
        request = http.get(f"{base}?type=AirQualityObserved&q=pm10=={number % 100}&limit=20")
    elif kind == "write":
        request = http.patch(
            f"{base}/urn:x:{number}/attrs", json={"pm10": {"type": "Property", "value": number % 101}}
        )
    else:
        request = http.post(base, json=_entity(0) | {"id": f"urn:fresh:{fresh}"})
    async with request as answer:
        await answer.read()
        return answer.status < 300


@contextmanager
def database() -> Iterator[tuple[str, int]]:
    """The URL of an empty database of a PostgreSQL of our own that writes what it acknowledges to the disk; its pid."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from support.postgres import PostgresServer

    server = PostgresServer(durable=True)
    try:
        pid = int((server.data / "postmaster.pid").read_text().split()[0])
        yield server.new_database(), pid
    finally:
        server.close()
