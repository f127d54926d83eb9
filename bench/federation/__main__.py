"""``python -m bench.federation [--entities 2000] [--rounds 200]``: a hub's answer over five nodes beside theirs.

Six real servers on this machine. Each round asks every node, then every node with the hub's key, then the hub; the
figure is the hub's median over the greatest of the nodes' medians for their part (with the key).
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson

from bench.broker.server import Server, free_port
from bench.broker.server import broker as serve
from bench.results import record
from bench.subscriptions.__main__ import TYPE, entity
from mahakam.store.opening import open_store

NODES = 5
TARGET = 2.0
"""The hub's answer may take so many times as long as the slowest node's own."""
BASE = "/ngsi-ld/v1"
IDLE = 2.0
"""Seconds after which a connection is not trusted to be open still."""
QUERIES = {
    "page of 20": f"/entities?type={TYPE}&limit=20",
    "page of 100": f"/entities?type={TYPE}&limit=100",
    "count": f"/entities?type={TYPE}&limit=1&count=true",
    "query by q, 20 of them": f"/entities?type={TYPE}&q=pm25%3E90&limit=20",
}


class Place:
    """One server and a connection to it that is kept open."""

    def __init__(self, server: Server, data: Path) -> None:
        self.server = server
        self.data = data
        self.url = f"http://127.0.0.1:{server.port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._used = 0.0

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[bytes, float]:
        """The answer, and the milliseconds until it was there; ``key``: that of a hub."""
        sent = None if body is None else orjson.dumps(body)
        if time.monotonic() - self._used > IDLE:
            self._connection.close()  # the next request opens another
        self._used = time.monotonic()
        began = time.perf_counter()
        headers = {"content-type": "application/json"} if sent else {}
        if key:
            headers["authorization"] = f"Bearer {key}"
        self._connection.request(method, BASE + path, sent, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        taken = (time.perf_counter() - began) * 1000
        if answer.status >= 300 or answer.headers["ngsild-warning"]:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.headers} {content[:500]!r}")
        return content, taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=2_000, help="Of each node.")
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        places = list(_started(Path(folder), stack))
        hub, nodes = places[0], places[1:]
        for number, node in enumerate(nodes):
            _fill(node, number, given.entities)
            _join(hub, node, number)
        rows = measure(hub, nodes, _keys(hub), given.rounds)
    note = (
        f"Five nodes of {given.entities:,} entities of 1 KB, joined by invitation; medians of {given.rounds} rounds. "
        f"Load average of the last five minutes, this run included: {os.getloadavg()[1]:.1f}."
    )
    record("federation", "python -m bench.federation", rows, note=note)


def _started(folder: Path, stack: ExitStack) -> Iterator[Place]:
    for number in range(NODES + 1):
        data = folder / str(number)
        server = serve(data, free_port(), "--private-addresses")
        stack.callback(server.stop)
        yield Place(server, data)


def _fill(node: Place, number: int, entities: int) -> None:
    """Entities of its own: no id is on two nodes."""
    for first in range(0, entities, 500):
        many = range(number * entities + first, number * entities + min(first + 500, entities))
        node.ask("POST", "/entityOperations/upsert", [_fresh(one) for one in many])


def _fresh(number: int) -> dict[str, Any]:
    made = entity(number, float(number % 100))
    return {name: part for name, part in made.items() if name not in ("createdAt", "modifiedAt")}


def _join(hub: Place, node: Place, number: int) -> None:
    """By invitation, as a city does; all that its entities have is shared."""
    invited = _node(hub, "invite", f"node-{number}").strip()
    _node(node, "join", invited, "--share", TYPE, "--push", "none")


def _keys(hub: Place) -> list[str]:
    """With which the hub asks each node, as they are in its store."""
    store = open_store("", hub.data)
    try:
        known = store.tenant().records("node-member")
        return [str(known[f"node-{number}"]["key"]) for number in range(NODES)]
    finally:
        store.close()


def _node(place: Place, *words: str) -> str:
    """A command of ``mahakam node``."""
    mahakam = str(Path(sys.executable).parent / "mahakam")
    more = {"MAHAKAM_URL": place.url, "MAHAKAM_PRIVATE_ADDRESSES": "1"}
    done = subprocess.run(
        [mahakam, "node", *words, "--data", str(place.data)],
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def measure(hub: Place, nodes: Sequence[Place], keys: Sequence[str], rounds: int) -> list[dict[str, Any]]:
    """Turn about: each node asked by a visitor, each asked with the hub's key for its part, and the hub."""
    rows = []
    for what, path in QUERIES.items():
        visited: list[list[float]] = [[] for _ in nodes]
        parts: list[list[float]] = [[] for _ in nodes]
        merged: list[float] = []
        for at in range(rounds + 10):
            plain = [node.ask("GET", path)[1] for node in nodes]
            asked = [node.ask("GET", path, key=key)[1] for node, key in zip(nodes, keys, strict=True)]
            there = hub.ask("GET", path)[1]
            if at >= 10:  # connections are open, plans are made
                merged.append(there)
                for number in range(len(nodes)):
                    visited[number].append(plain[number])
                    parts[number].append(asked[number])
        cpu = _cpu(hub, nodes, path)
        slowest = max(statistics.median(one) for one in parts)
        answer = statistics.median(merged)
        rows.append(
            {
                "what": what,
                "hub ms": round(answer, 2),
                "slowest node ms, its part": round(slowest, 2),
                "hub ÷ slowest": round(answer / slowest, 2),
                "target": TARGET,
                "slowest node ms, a visitor": round(max(statistics.median(one) for one in visited), 2),
                "hub CPU ms": round(cpu[0], 2),
                "nodes CPU ms": round(cpu[1], 2),
            }
        )
        print(rows[-1], flush=True)
    return rows


def _cpu(hub: Place, nodes: Sequence[Place], path: str) -> tuple[float, float]:
    """Milliseconds of CPU of the hub, and of all nodes together, for one answer of the hub."""
    times = 50
    before = hub.server.cpu(), sum(node.server.cpu() for node in nodes)
    for _ in range(times):
        hub.ask("GET", path)
    after = hub.server.cpu(), sum(node.server.cpu() for node in nodes)
    return (after[0] - before[0]) / times * 1000, (after[1] - before[1]) / times * 1000


if __name__ == "__main__":
    main()
