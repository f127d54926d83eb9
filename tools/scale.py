"""docs/scale.md: what a node does with one and two workers, a model checked against it, and what a country would need.

``python -m tools.scale [--seconds 15] [--print]``. The model: each operation costs CPU time in the node, in PostgreSQL
and, as long as it is on the same machine, in the load's clients. A worker has one core at most, all together have the
machine's. The costs are measured with one worker; what the model says of two is put beside what two did.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from tools.load import ENTITIES, Served, cpu, database, fill, load

FILE = Path(__file__).parents[1] / "docs" / "scale.md"
CITIES, COUNTRY_ENTITIES, COUNTRY_WRITES = 500, 100_000_000, 50_000
CORES, TERABYTES = 64, 30
"""Of the largest single database server that a country is assumed to buy."""
HEAD = """# How far it scales

Written by `python -m tools.scale` on PostgreSQL that writes to the disk what it acknowledges; clients, node and
database share one machine. {date}, {machine}, load average {busy:.1f} before it began
(what else ran then makes the figures worse).

## Measured, and the model beside it

| operation | workers | a second | the model says | off by | node, µs CPU | PostgreSQL, µs CPU | clients, µs CPU |
|---|---|---|---|---|---|---|---|
{measured}

The model: a worker has one core, all have the machine's {cores} (clients and database with them). Its costs are those
of one worker; the rows of two workers check it. It knows nothing of what else ran, nor of waiting for the disk.

| what | measured |
|---|---|
| an entity in the database, its indexes and first history | {entity:,.0f} bytes |
| a change in the history | {change:,.0f} bytes |
| notifications that the one leading process delivers | {delivered:,.0f} a second |

## A country: {cities} cities, {entities:,} entities, {writes:,} writes a second

Each write is assumed to owe one notification; a database server to have {server_cores} cores and {server_terabytes} TB.

**One node a city**, as the network is built (a city's node registered with its province's hub):
{city_writes:,.0f} writes a second and {city_entities:,.0f} entities each: {city_cores:.2f} cores,
{city_gigabytes:,.1f} GB, and {city_history:,.1f} GB of history a day, which `MAHAKAM_HISTORY=P…` bounds.
{city_verdict}

**One store for all** needs, of what one machine has:

| what | needed | there is | times too much |
|---|---|---|---|
{limits}

What breaks first there: **{first}**.
"""


@dataclass(frozen=True)
class Cost:
    """Operations a second, and seconds of CPU time that one takes."""

    rate: float
    node: float
    database: float
    clients: float

    def predicted(self, workers: int, cores: float) -> float:
        """Operations a second of so many workers."""
        return min(workers / self.node, cores / (self.node + self.database + self.clients))


@dataclass(frozen=True)
class Measured:
    """``costs``: operation → workers → cost. ``entity``, ``change``: bytes. ``delivered``: a second."""

    costs: dict[str, dict[int, Cost]]
    entity: float
    change: float
    delivered: float


def measure(seconds: float) -> Measured:
    """Some minutes' work."""
    costs: dict[str, dict[int, Cost]] = {"read": {}, "query": {}, "write": {}}
    entity = change = delivered = 0.0
    for workers in (1, 2):
        with database() as (url, pid), tempfile.TemporaryDirectory() as data:
            with Served(Path(data), workers=workers, store=url) as node:
                empty = _size(url)
                fill(node.url)
                filled = _size(url)
                for kind, found in costs.items():
                    before = cpu(node.pid), cpu(pid)
                    done = load(node.url, seconds, shares={kind: 1.0})
                    if not done.took:
                        raise RuntimeError(f"no {kind} was answered")
                    each = 1 / len(done.took)
                    found[workers] = Cost(
                        done.rate,
                        (cpu(node.pid) - before[0]) * each,
                        (cpu(pid) - before[1]) * each,
                        done.cpu * each,
                    )
                    if workers == 1 and kind == "write":
                        change = (_size(url) - filled) / len(done.took)
            if workers == 1:
                entity = (filled - empty) / ENTITIES
                delivered = _delivered(Path(data), url, seconds)
    return Measured(costs, entity, change, delivered)


def _size(url: str) -> float:
    """Bytes of the database, of what is in it now."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        return float(connection.execute("SELECT pg_database_size(current_database())").fetchall()[0][0])


def _delivered(data: Path, url: str, seconds: float) -> float:
    """Notifications a second, from the first to the last of those that a load of writes has owed."""
    from support.notify import Receiver  # type: ignore[import-not-found]

    with Receiver() as receiver, Served(data, store=url, private=True) as node:
        payload = {
            "id": "urn:s:scale", "type": "Subscription", "entities": [{"type": "AirQualityObserved"}],
            "notification": {"format": "simplified", "endpoint": {"uri": receiver.uri}},
        }  # fmt: skip
        httpx.post(f"{node.url}/ngsi-ld/v1/subscriptions", json=payload).raise_for_status()
        began = time.monotonic()
        done = load(node.url, seconds, shares={"write": 1.0})
        until = time.monotonic() + 600
        while len(receiver.got) < len(done.took) * 0.99 and time.monotonic() < until:
            time.sleep(0.05)
        return len(receiver.got) / (time.monotonic() - began)


def page(found: Measured, date: str, machine: str, busy: float, cores: int) -> str:
    rows = []
    for kind, by_workers in found.costs.items():
        for workers, one in by_workers.items():
            said = by_workers[1].predicted(workers, cores)
            rows.append(
                f"| {kind} | {workers} | {one.rate:,.0f} | {said:,.0f} | {said / one.rate - 1:+.0%} |"
                f" {one.node * 1e6:,.0f} | {one.database * 1e6:,.0f} | {one.clients * 1e6:,.0f} |"
            )
    write = found.costs["write"][1]
    city_writes = COUNTRY_WRITES / CITIES
    city_cores = city_writes * (write.node + write.database)
    a_day = found.change * 86_400
    needs = [
        ("the one process that delivers notifications, a second", COUNTRY_WRITES, found.delivered),
        ("cores of the database", COUNTRY_WRITES * write.database, float(CORES)),
        ("TB of entities", COUNTRY_ENTITIES * found.entity / 1e12, float(TERABYTES)),
        ("TB of history in 30 days", COUNTRY_WRITES * a_day * 30 / 1e12, float(TERABYTES)),
    ]
    needs.sort(key=lambda one: one[1] / one[2], reverse=True)
    limits = [f"| {what} | {need:,.1f} | {limit:,.1f} | {need / limit:,.1f} |" for what, need, limit in needs]
    limits.append(
        f"| cores of workers, on any number of machines | {COUNTRY_WRITES * write.node:,.0f} | – | – |"
    )
    fits = city_cores <= 2 and city_writes <= found.delivered
    return HEAD.format(
        date=date, machine=machine, busy=busy, cores=cores, measured="\n".join(rows), entity=found.entity,
        change=found.change, delivered=found.delivered, cities=CITIES, entities=COUNTRY_ENTITIES,
        writes=COUNTRY_WRITES, server_cores=CORES, server_terabytes=TERABYTES, city_writes=city_writes,
        city_entities=COUNTRY_ENTITIES / CITIES, city_cores=city_cores,
        city_gigabytes=COUNTRY_ENTITIES / CITIES * found.entity / 1e9, city_history=city_writes * a_day / 1e9,
        city_verdict="That fits a machine of two cores." if fits else "That is more than a machine of two cores gives.",
        limits="\n".join(limits), first=needs[0][0],
    )  # fmt: skip


def main(arguments: list[str]) -> None:
    from bench.results import machine

    parser = ArgumentParser(prog="python -m tools.scale")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--print", action="store_true")
    asked = parser.parse_args(arguments)
    busy = os.getloadavg()[0]
    found = measure(asked.seconds)
    date = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = page(found, date, machine(), busy, os.cpu_count() or 1)
    if asked.print:
        print(text, end="")
    else:
        FILE.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
