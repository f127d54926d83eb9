"""``python -m bench.indicators [--cities 38] [--indicators 200] [--years 10]``: CPU of the pages, and of an update.

Makes a network of so many cities that share so many definitions, with one input for each of them and each year, and
computes all values. Then asks for the pages in this process (CPU, median of 20), changes one input and computes again.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench.results import record
from mahakam.app import Application, Node
from mahakam.broker.writes import Upsert
from mahakam.config import Settings
from mahakam.indicators.compute import Outcome, compute_all
from mahakam.ngsild.draft import Draft
from mahakam.store.model import Entry

AT = "2026-01-01T00:00:00.000Z"
BATCH = 2000
FIRST_YEAR = 2016
TARGET_MS = 50
_DEFINITION = """\
name: {{en: Measure {number}, id: Ukuran {number}}}
from: Measure{number}
formula: avg(level)
per: year
time: date
unit: ''
better: lower
inherit: true
"""
_NOTE = (
    "Definitions stand at the network and hold for each city. Pages are asked for in one process, without the network "
    "between; CPU is the process's own. The update is that of every indicator of every city after one input changed."
)


def configured(folder: Path, cities: int, indicators: int) -> Path:
    """A network's folder: its cities below it, the definitions beside."""
    (folder / "indicators").mkdir(parents=True)
    (folder / "network.yaml").write_text("name: Net\ntimezone: UTC\n")
    for number in range(indicators):
        (folder / "indicators" / f"measure-{number}.yaml").write_text(_DEFINITION.format(number=number))
    for number in range(cities):
        (folder / f"city{number}").mkdir()
        (folder / f"city{number}/city.yaml").write_text(
            f"name: City {number}\nparent: net\ntimezone: Asia/Makassar\n"
        )
    return folder


def reading(city: int, indicator: int, year: int, level: float) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Measure{indicator}:city{city}:{year}",
        "type": f"Measure{indicator}",
        "scope": f"/net/city{city}",
        "date": {"type": "Property", "value": f"{year}-06-30"},
        "level": {"type": "Property", "value": level},
    }


def load(node: Node, cities: int, indicators: int, years: int) -> None:
    every = [
        (city, indicator, FIRST_YEAR + year)
        for city in range(cities)
        for indicator in range(indicators)
        for year in range(years)
    ]

    def work(transaction: Any, part: list[tuple[int, int, int]]) -> None:
        for city, indicator, year in part:
            draft = Draft.of(reading(city, indicator, year, (city * 7 + indicator * 3 + year) % 101))
            transaction.insert(draft.head, draft.body, AT)
            transaction.note(Entry(draft.id, "create", "", AT))

    store = node.store.tenant()
    for first in range(0, len(every), BATCH):
        store.write(lambda transaction, first=first: work(transaction, every[first : first + BATCH]))  # type: ignore[misc]


def computed(node: Node) -> tuple[float, list[Outcome]]:
    """CPU seconds of an update of everything, and what it did."""
    before = time.process_time()
    outcomes = compute_all(node.broker)
    return time.process_time() - before, outcomes


async def page(node: Node, path: str, times: int) -> float:
    """CPU milliseconds of a page, the median."""
    transport = httpx.ASGITransport(app=Application(node))
    spent = []
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for _ in range(times + 1):
            before = time.process_time()
            answer = await client.get(path)
            spent.append(1000 * (time.process_time() - before))
            answer.raise_for_status()
    return statistics.median(spent[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", type=int, default=38)
    parser.add_argument("--indicators", type=int, default=200)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--dry", action="store_true", help="record nothing")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []

    def note(what: str, value: object, unit: str, target: object = "") -> None:
        rows.append({"what": what, "value": value, "unit": unit, "target": target})
        print(rows[-1])

    with tempfile.TemporaryDirectory(prefix="bench-indicators-") as name:
        config = configured(Path(name) / "net", given.cities, given.indicators)
        node = Node(Settings(Path(name) / "data", (config,), open=True))
        try:
            load(node, given.cities, given.indicators, given.years)
            seconds, outcomes = computed(node)
            values = sum(one.written for one in outcomes)
            if values != given.cities * given.indicators * given.years:
                raise RuntimeError(f"{values} values were written")
            note(f"all {values:,} values computed", round(seconds, 1), "s CPU")
            for what, path in (
                ("page of an indicator with all cities beside", "/indicators/city3/measure-7"),
                ("the comparison as JSON", "/indicators/city3/measure-7/comparison.json"),
                ("a city's indicators", "/indicators/city3"),
            ):
                target = TARGET_MS if "cities" in what or "comparison" in what else ""
                note(what, round(asyncio.run(page(node, path, 20)), 1), "ms CPU", target)
            seconds, outcomes = computed(node)
            if any(one.state != "unchanged" for one in outcomes):
                raise RuntimeError("something was computed though nothing had changed")
            note("an update where nothing changed", round(seconds, 2), "s CPU")
            for written in node.broker.batch([Upsert(reading(3, 7, FIRST_YEAR + 4, 55.5))]):
                if written.problem:
                    raise written.problem
            seconds, outcomes = computed(node)
            again = [f"{one.place}/{one.indicator}" for one in outcomes if one.state != "unchanged"]
            if again != ["city3/measure-7"]:
                raise RuntimeError(f"computed anew: {again}")
            note("an update after one input changed", round(seconds, 2), "s CPU")
            note("series computed anew, values written", f"1, {sum(one.written for one in outcomes)}", "")
        finally:
            node.close()
    if not given.dry:
        record("indicators", "python -m bench.indicators", rows, note=_NOTE)


if __name__ == "__main__":
    main()
