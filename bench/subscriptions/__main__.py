"""Matching and delivering: ``python -m bench.subscriptions [--quick]``. CPU is this process's own."""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.broker.server import free_port
from bench.results import record
from mahakam.broker.broker import Broker
from mahakam.broker.changes import changes_of
from mahakam.broker.contracts import NoContracts
from mahakam.broker.matching import Index
from mahakam.broker.notifier import Notifier
from mahakam.broker.subscriptions import concerns
from mahakam.broker.writes import Modify
from mahakam.ngsild.context import CORE
from mahakam.ngsild.patch import merge
from mahakam.ngsild.subscription import Subscription, create
from mahakam.store.opening import open_store

SUBSCRIPTIONS = 10_000
MATCHING = 10
MATCH_TARGET, DELIVERY_TARGET = 100.0, 1_000.0
TYPE = "AirQualityObserved"
AT = "2026-01-01T00:00:00.000Z"


def subscription(number: int, uri: str, **members: Any) -> Subscription:
    payload = {
        "type": "Subscription",
        "entities": [{"type": TYPE}],
        **members,
        "notification": {"endpoint": {"uri": uri}},
    }
    id = f"urn:ngsi-ld:Subscription:{number:05}"
    return create(payload, CORE, AT, id=id, context_of=lambda _: CORE)


def entity(number: int, value: float = 20.0) -> dict[str, Any]:
    """Ten attributes, about 1 KB. Stations stand on a grid of 0.1 degrees."""
    names = ("no2", "so2", "o3", "co", "pm10", "temperature")
    measured = {
        name: {"type": "Property", "value": value, "unitCode": "GQ", "observedAt": AT} for name in names
    }
    place = [100.0 + number % 100 * 0.1, number // 100 * 0.1]
    return {
        "id": f"urn:ngsi-ld:{TYPE}:{number}",
        "type": TYPE,
        "scope": f"/kaltim/village{number}",
        "createdAt": AT,
        "modifiedAt": AT,
        "pm25": {"type": "Property", "value": value, "unitCode": "GQ", "observedAt": AT},
        "station": {"type": "Property", "value": f"DKI{number}"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": place}},
        **measured,
    }


def near(group: int) -> dict[str, Any]:
    place = [100.0 + group % 100 * 0.1, group // 100 * 0.1]
    return {"geoQ": {"georel": "near;maxDistance==500", "geometry": "Point", "coordinates": place}}


KINDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "an id each": lambda group: {"entities": [{"type": TYPE, "id": entity(group)["id"]}]},
    "a place each (near 500 m)": near,
    "a value each (q)": lambda group: {"q": f'station=="DKI{group}";pm25>10'},
    "a scope each": lambda group: {"scopeQ": f"/kaltim/village{group}/#"},
    "a watched attribute each": lambda group: {
        "watchedAttributes": ["pm25" if group == 7 else f"gas{group}"]
    },
}
"""Ways to be one of 1,000 groups of ten; an update of entity 7 concerns the group 7."""


def match(rounds: int) -> list[dict[str, Any]]:
    """Microseconds of CPU from the two states of an entity to the subscriptions that are told, by kind and mixed."""
    before = entity(7)
    after = {**before, "pm25": {**before["pm25"], "value": 31.0}, "modifiedAt": "2026-01-01T01:00:00.000Z"}
    rows = []
    mixed = list(KINDS.values())
    for name, members in [*KINDS.items(), ("all of these, mixed", None)]:
        index = Index()
        for number in range(SUBSCRIPTIONS):
            group = number // MATCHING
            kind = members or mixed[number % len(mixed)]
            index.put(subscription(number, "http://127.0.0.1:9/", **kind(group)))
        costs = []
        for _ in range(rounds):
            times = 200
            start = time.process_time()
            for _ in range(times):
                changes = changes_of(before, after)
                told = [one for one in index.candidates(changes) if concerns(one, changes, lambda _: None)]
            costs.append((time.process_time() - start) / times * 1e6)
            if len(told) != MATCHING:
                raise RuntimeError(f"{name}: {len(told)} were told, not {MATCHING}")
        rows.append(
            {
                "what": f"match, {SUBSCRIPTIONS:,} subscriptions, {MATCHING} told: {name}",
                "value": round(statistics.median(costs), 1),
                "unit": "µs CPU",
                "target": MATCH_TARGET,
                "rounds": f"{min(costs):.1f} to {max(costs):.1f}",
            }
        )
    return rows


def deliver(folder: Path, notifications: int) -> list[dict[str, Any]]:
    """From the write of an entity to the receiver's answer, all in this process but the receiver."""
    port = free_port()
    receiver = subprocess.Popen([sys.executable, "-m", "bench.subscriptions.receiver", str(port)])
    store = open_store("", folder)
    broker = Broker(store, NoContracts(), {})
    try:
        for number in range(MATCHING):
            uri = f"http://127.0.0.1:{port}/{number}"
            broker.subscriptions.create(subscription(number, uri, watchedAttributes=["pm25"]))
        entities = 100
        for number in range(entities):
            broker.create({key: part for key, part in entity(number).items() if not key.endswith("At")})
        _until(port, 0, lambda: _count(port) >= 0)
        notifier = Notifier(broker.subscriptions, private_addresses=True)
        notifier.start()
        first = entities * MATCHING
        _until(port, first)
        chance = random.Random(7)
        writes = notifications // MATCHING
        start, cpu = time.perf_counter(), time.process_time()
        for begin in range(0, writes, 20):
            broker.batch([_change(chance, entities) for _ in range(min(20, writes - begin))])
        written = time.process_time() - cpu
        _until(port, first + writes * MATCHING)
        while broker.store.owing():
            time.sleep(0.005)
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        notifier.stop()
        if _count(port) != first + writes * MATCHING:
            raise RuntimeError(f"{_count(port)} came, {first + writes * MATCHING} were owed")
    finally:
        receiver.terminate()
        receiver.wait(10)
        store.close()
    sent = writes * MATCHING
    return [
        {
            "what": f"{sent:,} notifications to {MATCHING} receivers, from the entity's write to their answers",
            "value": round(sent / cpu),
            "unit": "a CPU second",
            "target": DELIVERY_TARGET,
            "rounds": f"{sent / wall:,.0f}/s by the clock; {cpu / sent * 1e6:.0f} µs each"
            f" ({written / sent * 1e6:.0f} µs until the last write)",
        }
    ]


def _change(chance: random.Random, entities: int) -> Modify:
    value = {"value": chance.random()}
    id = f"urn:ngsi-ld:{TYPE}:{chance.randrange(entities)}"
    return Modify(id, lambda document, at: merge(document, {"pm25": value}, at))


def _count(port: int) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return int(answer.read())
    except OSError:
        return -1


def _until(port: int, count: int, true: Callable[[], bool] | None = None) -> None:
    end = time.monotonic() + 300
    while not (true() if true is not None else _count(port) >= count):
        if time.monotonic() > end:
            raise RuntimeError(f"{_count(port)} of {count} notifications came")
        time.sleep(0.02)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.subscriptions", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, to see that it runs")
    options = parser.parse_args(arguments)
    rows = match(2 if options.quick else 9)
    with tempfile.TemporaryDirectory(prefix="mahakam-bench-") as folder:
        rows += deliver(Path(folder), 2_000 if options.quick else 20_000)
    for row in rows:
        print(row)
    if not options.quick:
        note = (
            "An entity of 9 attributes, one of which changes. Match: from the entity before and after to the "
            "subscriptions that are told, each compared in full. Delivery: write, match, outbox, HTTP, settling in "
            f"one process and one store; the receiver is another process. Load average {os.getloadavg()[0]:.1f}."
        )
        record("subscriptions", "python -m bench.subscriptions", rows, note=note)


if __name__ == "__main__":
    main()
