"""Cost as a store grows: ``python -m bench.growth [--quick]``. Servers on stores of each size take turns."""

from __future__ import annotations

import argparse
import os
import random
import shlex
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.broker.run import BASE, TYPE, Work, entity, get, measure, say, table
from bench.broker.server import Server, broker, free_port
from bench.results import record
from mahakam.ngsild.draft import Draft
from mahakam.store.model import Entry
from mahakam.store.opening import open_store

SIZES = (10_000, 100_000, 1_000_000)
COST_TARGET, BYTES_TARGET = 1.5, 100.0
ALIKE = 20
"""Entities of each group: as many whatever the size, spread over the whole store."""
GROUPS = 50
AT = "2026-01-01T00:00:00.000Z"
BATCH = 1000


def load(folder: Path, size: int) -> None:
    """Fill a store, without HTTP."""
    store = open_store("", folder)

    def work(transaction: Any, first: int) -> None:
        for number in range(first, min(first + BATCH, size)):
            group = {"type": "Property", "value": f"group {number % (size // ALIKE)}"}
            draft = Draft.of(entity(number) | {"group": group})
            transaction.insert(draft.head, draft.body, AT)
            transaction.note(Entry(draft.id, "create", "", AT))

    for first in range(0, size, BATCH):
        store.tenant().write(lambda transaction, first=first: work(transaction, first))  # type: ignore[misc]
    store.close()


def works(size: int, requests: int, rounds: int) -> list[Work]:
    chance = random.Random(7)

    def ids() -> list[bytes]:
        return [get(f"{BASE}/urn:ngsi-ld:{TYPE}:{chance.randrange(size):07}") for _ in range(requests)]

    def groups() -> list[bytes]:
        """As many different ones whatever the size."""
        numbers = (chance.randrange(GROUPS) for _ in range(requests // 5))
        return [get(f"{BASE}?type={TYPE}&q=group==%22group%20{number}%22&limit=20") for number in numbers]

    def above() -> list[bytes]:
        bounds = (164.7 + chance.randrange(300) / 1000 for _ in range(requests // 5))
        return [get(f"{BASE}?type={TYPE}&q=pm10%3E{bound:.3f}&limit=20") for bound in bounds]

    kinds = (
        ("read by id", ids),
        (f"q == for {ALIKE} entities", groups),
        ("q > for 1 %, 20 returned", above),
    )
    return [Work(name, "200", 8, [make() for _ in range(rounds)]) for name, make in kinds]


def anonymous(server: Server) -> int:
    """Bytes of memory of the worker that are not the page cache's."""
    for line in Path(f"/proc/{server.worker}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no RssAnon")


def bench(sizes: tuple[int, ...], requests: int, rounds: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="mahakam-bench-") as folder:
        scratch = Path(folder)
        servers: dict[int, Server] = {}
        try:
            for size in sizes:
                say(f"loading {size:,} entities …")
                load(scratch / str(size), size)
                servers[size] = broker(scratch / str(size), free_port())
            return run(servers, requests, rounds, scratch)
        finally:
            for server in servers.values():
                server.stop()


def run(servers: dict[int, Server], requests: int, rounds: int, scratch: Path) -> list[dict[str, Any]]:
    """The servers take turns, so that what else the machine does hits all of them."""
    least = min(servers)
    kinds = {size: works(size, requests, rounds) for size in servers}
    found: list[dict[str, Any]] = []
    for at, first in enumerate(kinds[least]):
        cpu: dict[int, list[float]] = {size: [] for size in servers}
        for size, server in servers.items():
            for few in (1, 50):  # the first request takes long, which makes the index
                measure(server, kinds[size][at].rounds[0][:few], first, scratch)
        for turn in range(rounds):
            for size, server in servers.items():
                seconds, _ = measure(server, kinds[size][at].rounds[turn], first, scratch)
                cpu[size].append(seconds)
        for size in servers:
            ratios = [mine / other for mine, other in zip(cpu[size], cpu[least], strict=True)]
            row = {
                "what": first.name,
                "entities": size,
                "µs CPU": round(statistics.median(cpu[size]) * 1e6, 1),
                f"× that of {least:,}": round(statistics.median(ratios), 2),
            }
            if size != least:
                row |= {"target": COST_TARGET, "rounds": f"{min(ratios):.2f} to {max(ratios):.2f}"}
            found.append(row)
            say(f"  {row}")
    base = anonymous(servers[least])
    for size, server in servers.items():
        if size != least:
            bytes_each = (anonymous(server) - base) / (size - least)
            found.append(
                {"what": "memory an entity, without the page cache (bytes)", "entities": size,
                 "bytes": round(bytes_each, 1), "target": BYTES_TARGET}
            )  # fmt: skip
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small stores, to see that it runs")
    options = parser.parse_args(arguments)
    rows = bench((1_000, 2_000), 500, 2) if options.quick else bench(SIZES, 5_000, 7)
    print(table(rows))
    if not options.quick:
        command = shlex.join(["python", "-m", "bench.growth", *(arguments or sys.argv[1:])])
        note = (
            "Each entity is about 1 KB. Servers on stores of the three sizes take turns; the ratios are of the same"
            f" round. Load average {os.getloadavg()[2]:.1f}."
        )
        record("growth", command, rows, note=note)


if __name__ == "__main__":
    main()
