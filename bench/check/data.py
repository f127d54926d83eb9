"""A seeded air-quality file with planted defects, and the list of exactly those."""

from __future__ import annotations

import json
import random
from pathlib import Path

STATIONS = ("DKI1", "DKI2", "DKI3", "DKI4", "DKI5")
LEVELS = ("BAIK", "SEDANG", "TIDAK SEHAT", "SANGAT TIDAK SEHAT", "BERBAHAYA")
FIELDS = ("reading", "date", "station", "pm25", "pm10", "so2", "co", "o3", "no2", "max", "category")
DEFECTS_PER_RULE = 1000
"""Of a million rows; fewer in a smaller file, in proportion."""

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: bench-air-quality
version: 1.0.0
status: active
schema:
  - name: AirQualityObserved
    properties:
      - {name: reading, logicalType: string, primaryKey: true}
      - {name: date, logicalType: date}
      - {name: station, logicalType: string, required: true, logicalTypeOptions: {pattern: '^DKI[1-5]$'}}
      - {name: pm25, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 500}}
      - {name: pm10, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 500}}
      - {name: so2}
      - {name: co}
      - {name: o3}
      - {name: no2}
      - {name: max}
      - name: category
        logicalType: string
        quality:
          - metric: invalidValues
            arguments: {validValues: [BAIK, SEDANG, TIDAK SEHAT, SANGAT TIDAK SEHAT, BERBAHAYA]}
            mustBe: 0
    quality:
      - type: custom
        engine: mahakam
        name: maxIsGreatest
        implementation: max = greatest(pm25, pm10, so2, co, o3, no2)
"""
for _name in ("so2", "co", "o3", "no2", "max"):
    CONTRACT = CONTRACT.replace(f"{{name: {_name}}}", f"{{name: {_name}, logicalType: number}}")

RULES = (
    "reading: occurs once",
    "date: is a date",
    "station: is given",
    "station: matches ^DKI[1-5]$",
    "pm25: from 0 to 500",
    "pm10: from 0 to 500",
    "pm25, pm10, so2, co, o3, no2, max: are numbers",
    "category: is one of five",
    "max: is the greatest of the six",
)


def generate(folder: Path, rows: int, seed: int = 20260101) -> tuple[Path, Path]:
    """Write the file and, as JSON, its planted defects: a list of ``[row, field, rule]`` sorted by row."""
    rng = random.Random(seed)
    number = max(1, DEFECTS_PER_RULE * rows // 1_000_000)
    planted: dict[int, list[str]] = {}
    for defect in ("unique", "date", "station", "pattern", "pm25", "pm10", "type", "category", "max"):
        for row in rng.sample(range(2, rows + 1), number):
            planted.setdefault(row, []).append(defect)
    path, truth = folder / f"air-{rows}.csv", folder / f"air-{rows}.json"
    found: list[tuple[int, str, str]] = []
    days = [f"{y}-{m:02d}-{d:02d}" for y in range(2010, 2026) for m in range(1, 13) for d in range(1, 29)]
    doubled: dict[int, int] = {}
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(FIELDS) + "\n")
        for row in range(1, rows + 1):
            values = [rng.randrange(2, 400) for _ in range(6)]
            if rng.random() < 0.3:
                values[0] = -1
            top = max(values)
            cells = [f"R{row:08d}", days[row % len(days)], STATIONS[row % 5]]
            cells += ["" if v < 0 else f"{v}.0" for v in values]
            cells += [f"{top}.0", LEVELS[min(top // 100, 4)]]
            for defect in planted.get(row, ()):
                _plant(defect, row, cells, found, doubled)
            file.write(",".join(cells) + "\n")
    truth.write_text(json.dumps(sorted(set(_settled(found, doubled)))))
    return path, truth


def _plant(
    defect: str, row: int, cells: list[str], found: list[tuple[int, str, str]], doubled: dict[int, int]
) -> None:
    """One defect, unless the field already has one that hides it."""
    taken = {field for r, field, _ in found if r == row} if found and found[-1][0] == row else set()
    if defect == "unique":
        # the key of an earlier row: chosen so that no key stands three times
        other = row // 2
        if other not in doubled.values() and other not in doubled and row not in doubled.values() and other:
            cells[0] = f"R{other:08d}"
            doubled[row] = other
    elif defect == "date":
        cells[1] = cells[1][:5] + "13-45"
        found.append((row, "date", "type"))
    elif defect == "station" and "station" not in taken:
        cells[2] = ""
        found.append((row, "station", "required"))
    elif defect == "pattern" and "station" not in taken:
        cells[2] = "DKI9 (Bunderan HI)"
        found.append((row, "station", "pattern"))
    elif defect in ("pm25", "pm10") and not taken & {"pm25", "pm10", "max"}:
        at = 3 if defect == "pm25" else 4
        cells[at] = "888.0" if row % 2 else "-5.0"
        found.append((row, defect, "maximum" if row % 2 else "minimum"))
        cells[9] = str(max(float(c) for c in cells[3:9] if c))
    elif defect == "type" and not taken & {"pm25", "pm10", "max"}:
        cells[7] = "not measured"
        found.append((row, "o3", "type"))
        cells[9] = str(max(float(c) for c in cells[3:9] if c and c[0] != "n"))
    elif defect == "category":
        cells[10] = "sedang"
        found.append((row, "category", "enum"))
    elif defect == "max" and not taken & {"max"}:
        cells[9] = f"{float(cells[9]) + 1}"
        found.append((row, "max", "maxIsGreatest"))


def _settled(found: list[tuple[int, str, str]], doubled: dict[int, int]) -> list[tuple[int, str, str]]:
    return found + [(row, "reading", "primaryKey") for pair in doubled.items() for row in pair]
