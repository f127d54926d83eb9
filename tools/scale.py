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
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

import psycopg

from mahakam.store.division import SHARES
from tools.delivery import ENTITIES as OWED_ENTITIES
from tools.delivery import OWED, Cost, delivered
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

## Several processes that deliver

| processes | delivered a second | the model says | off by | process, µs CPU | PostgreSQL, µs CPU | receiver, µs CPU |
|---|---|---|---|---|---|---|
{delivering}

{owed:,} notifications about {owed_entities:,} entities that lay in the outbox, of one subscription, to a receiver in a
process of its own; the seconds from the first to the last, and the CPU time of one. The model is the same: a process
has one core at most, all have the machine's {cores}.

What is owed falls into 64 shares, by a hash of subscription and entity. Each process that delivers gives a sign of life
every second and has an equal part of the shares. One that comes gets its part within about three seconds, one that ends
gives it back at once, and what one had that is killed goes to the others six seconds after its last sign. The seconds
are counted by the clock of each process, so that one that is put forward changes nothing, and a process that cannot
give its sign stops sending a second before the others take over.

Processes that serve deliver too. Where many notifications are owed, leave it to processes that do nothing else:
`MAHAKAM_DELIVER=off` for those that serve, and `mahakam deliver` as often as there are cores to spare, on any number of
machines. On SQLite, a file of one machine, the one process that leads delivers all.

## NATS between writers, notifiers and feeds

Between those who write and those who notify stands the database: what is owed is a row of the transaction that changed
the entity, which no message server could be part of. NATS JetStream stands behind. A subscription with
`nats://host/subject` publishes each notification to a stream once, and whoever wants it reads the stream at its own
pace: [feeds of other nodes](feeds.md#nats), a city's applications, a warehouse. A city needs that where

- many receive the same: one subscription and one delivery for all of them, in place of one each;
- receivers are away for hours, or cannot be reached from outside: over HTTP a notification is a dead letter after about
  half an hour, a stream keeps it for as long as it is set to, and they fetch it;
- a feed takes bursts of messages of devices or other agencies: the stream holds them till the next run, which
  acknowledges what it has stored.

It does not need it for one machine, for a few receivers that answer, or to be safe: the outbox is, with or without it.
A server of NATS that is away is a receiver that is away: what is owed waits and is tried again, in order. For no single
server to be missed, run three, with streams of three replicas (`num_replicas: 3`).

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
class Measured:
    """``costs``: operation → workers → cost. ``entity``, ``change``: bytes. ``delivered``: processes that deliver →
    cost of a notification, the receiver being the client.
    """

    costs: dict[str, dict[int, Cost]]
    entity: float
    change: float
    delivered: dict[int, Cost]


def measure(seconds: float) -> Measured:
    """Some minutes' work."""
    costs: dict[str, dict[int, Cost]] = {"read": {}, "query": {}, "write": {}}
    entity = change = 0.0
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
    return Measured(costs, entity, change, {number: delivered(number) for number in (1, 2)})


def _size(url: str) -> float:
    """Bytes of the database, of what is in it now."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        return float(connection.execute("SELECT pg_database_size(current_database())").fetchall()[0][0])


def page(found: Measured, date: str, machine: str, busy: float, cores: int) -> str:
    rows = []
    for kind, by_workers in found.costs.items():
        for workers, one in by_workers.items():
            said = by_workers[1].predicted(workers, cores)
            rows.append(
                f"| {kind} | {workers} | {one.rate:,.0f} | {said:,.0f} | {said / one.rate - 1:+.0%} |"
                f" {one.node * 1e6:,.0f} | {one.database * 1e6:,.0f} | {one.clients * 1e6:,.0f} |"
            )
    write, one_process = found.costs["write"][1], found.delivered[1]
    delivering = []
    for processes, one in found.delivered.items():
        said = one_process.predicted(processes, cores)
        delivering.append(
            f"| {processes} | {one.rate:,.0f} | {said:,.0f} | {said / one.rate - 1:+.0%} |"
            f" {one.node * 1e6:,.0f} | {one.database * 1e6:,.0f} | {one.clients * 1e6:,.0f} |"
        )
    city_writes = COUNTRY_WRITES / CITIES
    city_cores = city_writes * (write.node + write.database + one_process.node + one_process.database)
    a_day = found.change * 86_400
    needs = [
        ("cores of the database", COUNTRY_WRITES * (write.database + one_process.database), float(CORES)),
        ("processes that deliver, a core each", COUNTRY_WRITES * one_process.node, float(SHARES)),
        ("TB of entities", COUNTRY_ENTITIES * found.entity / 1e12, float(TERABYTES)),
        ("TB of history in 30 days", COUNTRY_WRITES * a_day * 30 / 1e12, float(TERABYTES)),
    ]
    needs.sort(key=lambda one: one[1] / one[2], reverse=True)
    limits = [f"| {what} | {need:,.1f} | {limit:,.1f} | {need / limit:,.1f} |" for what, need, limit in needs]
    limits.append(
        f"| cores of workers, on any number of machines | {COUNTRY_WRITES * write.node:,.0f} | – | – |"
    )
    fits = city_cores <= 2 and city_writes <= one_process.rate
    return HEAD.format(
        date=date, machine=machine, busy=busy, cores=cores, measured="\n".join(rows), entity=found.entity,
        change=found.change, delivering="\n".join(delivering), owed=OWED,
        owed_entities=OWED_ENTITIES, cities=CITIES, entities=COUNTRY_ENTITIES,
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
