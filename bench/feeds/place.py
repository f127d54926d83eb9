"""A city with one feed: the seeded air-quality file of ``bench.check`` with its nine rules."""

from __future__ import annotations

import random
from pathlib import Path

from bench.check import data

PLACE, FEED = "town", "air"
CITY = "name: Town\ntimezone: Asia/Makassar\n"
FEED_YAML = """title: Air quality
source: {file: data/air.csv}
contract: air
entity:
  id: "urn:ngsi-ld:AirQualityObserved:town:{reading}"
  observedAt: date
  units: {pm25: GP, pm10: GP, so2: GP, co: GP, o3: GP, no2: GP}
"""


def make(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write the place; gives the feed's file and the list of its planted defects."""
    town = folder / "places" / PLACE
    for room in ("contracts", "feeds", "data"):
        (town / room).mkdir(parents=True)
    (town / "city.yaml").write_text(CITY)
    (town / "contracts" / "air.yaml").write_text(data.CONTRACT)
    (town / "feeds" / f"{FEED}.yaml").write_text(FEED_YAML)
    made, truth = data.generate(folder, rows)
    return made.rename(town / "data" / "air.csv"), truth


def change(path: Path, share: float, held: set[int], seed: int = 20260102) -> int:
    """Change ``so2`` and the greatest of that share of the rows, but of none in ``held``; gives their number.

    The changed rows keep every rule.
    """
    rng = random.Random(seed)
    head, *rows = path.read_text().splitlines()
    names = head.split(",")
    at, top = names.index("so2"), names.index("max")
    good = [number for number in range(len(rows)) if number + 1 not in held and rows[number].split(",")[at]]
    chosen = rng.sample(good, int(len(rows) * share))
    for number in chosen:
        cells = rows[number].split(",")
        cells[at] = f"{float(cells[at]) + 1}"
        cells[top] = f"{max(float(cell) for cell in cells[3:top] if cell)}"
        rows[number] = ",".join(cells)
    path.write_text("\n".join([head, *rows]) + "\n")
    return len(chosen)
