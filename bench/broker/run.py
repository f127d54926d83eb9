"""The broker beside the floor: CPU a request, start-up, memory. ``python -m bench.broker [--quick]``."""

from __future__ import annotations

import argparse
import json
import os
import pickle
import random
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson

from bench.broker.server import Server, broker, floor, free_port
from bench.results import machine, record

HERE = Path(__file__).parent
TYPE = "AirQualityObserved"
BASE = "/ngsi-ld/v1/entities"
BATCH = "/ngsi-ld/v1/entityOperations/create"
TARGETS = {
    "read by id": 1.4,
    "page of 20": 2.0,
    "create": 3.0,
    "batch create of 20": 7.0,
    "batch create of 1,000": 15.0,
    "patch of an attribute": 3.0,
    "batch create of 20, two attributes indexed": 7.0,
    "q > for 1 %, 20 returned": 3.0,
    "q == for 0.2 %, 20 returned": 3.0,
    "near 500 m, 20 returned": 3.0,
}
"""Multiples of the floor; for a batch of 1,000 microseconds an entity."""
GROWTH_TARGET = 1.5
START_UP_TARGET, MEMORY_TARGET = 1.0, 200e6


def entity(number: int, type: str = TYPE) -> dict[str, Any]:
    """About 1 KB in the normalized representation."""
    at = f"2026-01-{number % 28 + 1:02}T{number % 24:02}:00:00Z"
    measured = {
        name: {
            "type": "Property",
            "value": round((number * factor) % 500 / 3, 2),
            "unitCode": "GQ",
            "observedAt": at,
        }
        for name, factor in (("pm10", 7), ("pm25", 11), ("no2", 13), ("so2", 17), ("o3", 19), ("co", 23))
    }
    return {
        "id": f"urn:ngsi-ld:{type}:{number:07}",
        "type": type,
        "scope": "/kaltim/samarinda",
        "location": {
            "type": "GeoProperty",
            "value": {
                "type": "Point",
                "coordinates": [117 + number % 1000 / 2500, -0.7 + number // 1000 % 100 / 250],
            },
        },
        "address": {
            "type": "Property",
            "value": {"addressLocality": "Samarinda", "streetAddress": f"Jl. {number}"},
        },
        "refDevice": {"type": "Relationship", "object": f"urn:ngsi-ld:Device:{number % 500:04}"},
        **measured,
    }


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n".encode()


def post(path: str, value: Any, method: str = "POST") -> bytes:
    body = orjson.dumps(value)
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Work:
    """One kind of request: those of each round, the wanted status, how many at once."""

    name: str
    status: str
    concurrency: int
    rounds: list[list[bytes]]
    entities: int = 0
    broker: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Microseconds of CPU a request (median of the rounds) and the multiple of the floor."""
        if self.entities:
            each = [seconds / self.entities * 1e6 for seconds in self.broker]
            return {
                "value": round(statistics.median(each), 1),
                "unit": "µs an entity",
                "rounds": [round(one, 1) for one in each],
                "cpu_us": round(statistics.median(self.broker) * 1e6, 1),
                "floor_cpu_us": round(statistics.median(self.floor) * 1e6, 1),
                "target": TARGETS[self.name],
                "concurrency": self.concurrency,
                "requests_a_second": round(statistics.median(self.rate)),
            }
        ratios = [ours / least for ours, least in zip(self.broker, self.floor, strict=True)]
        return {
            "cpu_us": round(statistics.median(self.broker) * 1e6, 1),
            "floor_cpu_us": round(statistics.median(self.floor) * 1e6, 1),
            "value": round(statistics.median(ratios), 2),
            "unit": "× floor",
            "rounds": [round(ratio, 2) for ratio in ratios],
            "target": TARGETS[self.name],
            "concurrency": self.concurrency,
            "requests_a_second": round(statistics.median(self.rate)),
        }


def works(entities: int, requests: int, rounds: int, concurrency: int) -> list[list[Work]]:
    """First what needs no index of values, then what makes the store learn two: each write pays for those."""
    chance = random.Random(7)
    number = iter(range(10_000_000))

    def reads() -> list[bytes]:
        return [get(f"{BASE}/urn:ngsi-ld:{TYPE}:{chance.randrange(entities):07}") for _ in range(requests)]

    def pages() -> list[bytes]:
        return [
            get(f"{BASE}?type={TYPE}&limit=20&offset={20 * chance.randrange(20)}")
            for _ in range(requests // 2)
        ]

    def creates() -> list[bytes]:
        return [post(BASE, entity(next(number), "Created")) for _ in range(requests // 2)]

    def batches() -> list[bytes]:
        return [
            post(BATCH, [entity(next(number), "Created") for _ in range(20)]) for _ in range(requests // 10)
        ]

    def large_batches() -> list[bytes]:
        return [
            post(BATCH, [entity(next(number), "Created") for _ in range(1000)])
            for _ in range(max(requests // 1000, 2))
        ]

    def patches() -> list[bytes]:
        return [
            post(
                f"{BASE}/urn:ngsi-ld:{TYPE}:{chance.randrange(entities):07}/attrs",
                {"pm10": {"type": "Property", "value": round(chance.random() * 160, 2), "unitCode": "GQ"}},
                "PATCH",
            )
            for _ in range(requests // 5)
        ]

    def selective() -> list[bytes]:
        """pm10 has 500 values; these bounds, each another, leave five of them."""
        return [
            get(f"{BASE}?type={TYPE}&q=pm10%3E{164.7 + chance.randrange(300) / 1000:.3f}&limit=20")
            for _ in range(requests // 5)
        ]

    def equal() -> list[bytes]:
        return [
            get(f"{BASE}?type={TYPE}&q=pm25=={round(chance.randrange(500) / 3, 2)}&limit=20")
            for _ in range(requests // 5)
        ]

    def near() -> list[bytes]:
        where = ((117 + chance.random() * 0.4, -0.7 + chance.random() * 0.4) for _ in range(1000))
        paths = [
            f"{BASE}?type={TYPE}&georel=near;maxDistance==500&geometry=Point"
            f"&coordinates=%5B{x:.4f},{y:.4f}%5D&limit=20"
            for x, y in where
        ]
        return [get(chance.choice(paths)) for _ in range(requests // 5)]

    plain = (
        ("read by id", "200", 8, reads, 0),
        ("page of 20", "200", 8, pages, 0),
        ("create", "201", concurrency, creates, 0),
        ("batch create of 20", "201", 8, batches, 0),
        ("batch create of 1,000", "201", 2, large_batches, 1000),
        ("patch of an attribute", "204", concurrency, patches, 0),
    )
    searching = (
        ("q > for 1 %, 20 returned", "200", 8, selective, 0),
        ("q == for 0.2 %, 20 returned", "200", 8, equal, 0),
        ("near 500 m, 20 returned", "200", 8, near, 0),
        ("batch create of 20, two attributes indexed", "201", 8, batches, 0),
    )
    return [
        [
            Work(name, status, at_once, [make() for _ in range(rounds)], each)
            for name, status, at_once, make, each in kinds
        ]
        for kinds in (plain, searching)
    ]


def load(port: int, entities: int) -> None:
    connection = HTTPConnection("127.0.0.1", port)
    for start in range(0, entities, 1000):
        body = orjson.dumps([entity(n) for n in range(start, min(start + 1000, entities))])
        connection.request("POST", BATCH, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 201:
            raise RuntimeError(f"load: {answer.status} {answer.read()[:500]!r}")
        answer.read()


def answers_of(port: int, works: Iterable[Work]) -> dict[tuple[str, bytes], Any]:
    """What the broker answers to each GET, and to one POST of each path, as it would from memory."""
    found: dict[tuple[str, bytes], Any] = {("/health", b""): (200, [], b"{}")}
    connection = HTTPConnection("127.0.0.1", port)
    for work in works:
        for request in (request for requests in work.rounds for request in requests):
            method, target = request.split(b" ", 2)[:2]
            path, _, query = target.partition(b"?")
            if (path.decode(), query) in found:
                continue
            if method == b"GET":
                connection.request("GET", target.decode(), headers={"accept": "application/json"})
            elif method == b"PATCH":
                body = request.partition(b"\r\n\r\n")[2]
                connection.request("PATCH", target.decode(), body, {"content-type": "application/json"})
            else:
                first = orjson.loads(request.partition(b"\r\n\r\n")[2])
                sample = (
                    [entity(n, f"Sample{len(first)}P{port}") for n in range(len(first))]
                    if isinstance(first, list)
                    else entity(99, f"SampleP{port}")
                )
                connection.request(
                    "POST", target.decode(), orjson.dumps(sample), {"content-type": "application/json"}
                )
            answer = connection.getresponse()
            body = answer.read()
            if answer.status not in (200, 201, 204):
                raise RuntimeError(f"{target!r}: {answer.status} {body[:500]!r}")
            headers = [
                (name.lower().encode(), value.encode())
                for name, value in answer.getheaders()
                if name.lower() not in ("server", "date")
            ]
            found[path.decode(), query] = (answer.status, headers, body)
    return found


def measure(server: Server, requests: list[bytes], work: Work, scratch: Path) -> tuple[float, float]:
    """Seconds of the worker's CPU a request, and requests a second."""
    file = scratch / "requests.pickle"
    file.write_bytes(pickle.dumps(requests))
    command = [
        sys.executable,
        str(HERE / "client.py"),
        str(server.port),
        str(file),
        str(work.concurrency),
        work.status,
    ]
    before = server.cpu()
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    cpu = server.cpu() - before
    return cpu / len(requests), len(requests) / json.loads(done.stdout)["seconds"]


def bench(entities: int, requests: int, rounds: int, concurrency: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mahakam-bench-") as folder:
        scratch = Path(folder)
        data = scratch / "data"
        say(f"loading {entities:,} entities of {len(orjson.dumps(entity(1)))} bytes …")
        server = broker(data, free_port())
        load(server.port, entities)
        server.stop()
        start_up, resident, done = 0.0, 0, []
        for kinds in works(entities, requests, rounds, concurrency):
            server = broker(data, free_port())
            start_up = start_up or server.start_up
            kept = scratch / "answers.pickle"
            kept.write_bytes(pickle.dumps(answers_of(server.port, kinds)))
            least = floor(kept, free_port())
            try:
                resident = max(resident, run_rounds(server, least, kinds, scratch))
            finally:
                server.stop()
                least.stop()
            done += kinds
    return {
        "entities": entities,
        "entity_bytes": len(orjson.dumps(entity(1))),
        "start_up_s": round(start_up, 3),
        "resident_mb": round(resident / 1e6),
        "requests": {work.name: work.figures() for work in done},
    }


def run_rounds(server: Server, least: Server, kinds: list[Work], scratch: Path) -> int:
    """Broker and floor turn about, so that what else the machine does hits both. Bytes resident."""
    resident = 0
    for work in kinds:
        warm = work.rounds[0][:200]
        measure(least, warm, work, scratch)
        if work.status == "200":
            measure(server, warm, work, scratch)
        for requests in work.rounds:
            cpu, _ = measure(least, requests, work, scratch)
            work.floor.append(cpu)
            cpu, rate = measure(server, requests, work, scratch)
            work.broker.append(cpu)
            work.rate.append(rate)
        resident = max(resident, server.resident())
        say(f"  {work.name}: {work.figures()}")
    return resident


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures as rows of bench/README.md."""
    found: list[dict[str, Any]] = [
        {
            "what": f"{name}, {one['concurrency']} at once",
            "value": one["value"],
            "unit": one["unit"],
            "target": one["target"],
            "µs CPU": one["cpu_us"],
            "µs CPU of the floor": one["floor_cpu_us"],
            "requests/s": one["requests_a_second"],
            "rounds": f"{min(one['rounds'])} to {max(one['rounds'])}",
        }
        for name, one in result["requests"].items()
    ]
    size = f"{result['entities']:,} entities of {result['entity_bytes']:,} bytes"
    start_up = f"start-up to the first /health, {size}"
    found.append({"what": start_up, "value": result["start_up_s"], "unit": "s", "target": START_UP_TARGET})
    found.append({"what": f"resident memory, {size}", "value": result["resident_mb"], "unit": "MB",
                  "target": MEMORY_TARGET / 1e6})  # fmt: skip
    return found


def table(figures: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    columns = list(dict.fromkeys(column for row in figures for column in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(row.get(column, "")) for column in columns) + " |" for row in figures]
    return "\n".join(lines)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.broker", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5,000 entities, to see that it runs")
    parser.add_argument("--concurrency", type=int, default=16, help="single writes under way at once")
    options = parser.parse_args(arguments)
    size = (5_000, 2_000, 2) if options.quick else (100_000, 5_000, 5)
    result = bench(*size, options.concurrency)
    figures = rows(result)
    print(table(figures))
    if not options.quick:
        command = shlex.join(["python", "-m", "bench.broker", *(arguments or sys.argv[1:])])
        record("broker", command, figures)
        busy = f"load average {os.getloadavg()[2]:.1f}"
        when = f"`{command}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}, {busy}"
        (HERE / "README.md").write_text(f"{README}{table(figures)}\n\n{when}\n")


README = """# The broker beside the floor

The *floor* is the same server (granian), interface (ASGI) and event loop (uvloop), answering the very
bytes that the broker answers, from memory: what HTTP costs here before anybody looks for an entity. A read of what is
stored can cost less than that: the broker answers it before the event loop is given the request. Broker
and floor take turns in one run. CPU is the worker process's own user and system time a request, all its
threads (`/proc/PID/task/*/schedstat`); figures are medians of the rounds, whose spread is shown: on a machine
with other work a request costs up to twice as much, and the broker, which touches more memory than the floor,
suffers more. Creates are durable: the answer comes after the commit is on the disk (`synchronous=FULL`),
shared with the others under way.

"""


if __name__ == "__main__":
    main()
