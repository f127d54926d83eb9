# /// script
# requires-python = ">=3.11,<3.12"
# dependencies = ["datacontract-cli[duckdb]==1.2.8"]
# ///
"""The nine rules of bench.check as an ODCS contract of datacontract-cli; with a FILE, prints what failed.

What the standard says by itself is said so; the rest are its ``sql`` rules. Every column is read as text, since a cell
that is no number would end the whole test as an error otherwise.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

NUMBERS = ("pm25", "pm10", "so2", "co", "o3", "no2", "max")
LEVELS = ("BAIK", "SEDANG", "TIDAK SEHAT", "SANGAT TIDAK SEHAT", "BERBAHAYA")
GREATEST = ", ".join(f"try_cast({name} AS DOUBLE)" for name in NUMBERS[:6])
ROWS = {
    "dates": "date IS NOT NULL AND try_cast(date AS DATE) IS NULL",
    "pm25": "try_cast(pm25 AS DOUBLE) NOT BETWEEN 0 AND 500",
    "pm10": "try_cast(pm10 AS DOUBLE) NOT BETWEEN 0 AND 500",
    "numbers": " OR ".join(f"({n} IS NOT NULL AND try_cast({n} AS DOUBLE) IS NULL)" for n in NUMBERS),
    "greatest": f"try_cast(max AS DOUBLE) <> greatest({GREATEST})",
}
"""Rules by the rows that break them, in the words of its DuckDB."""


def contract(file: Path) -> dict[str, Any]:
    properties: list[dict[str, Any]] = [
        {"name": "reading", "logicalType": "string", "unique": True},
        {"name": "date", "logicalType": "string"},
        {
            "name": "station",
            "logicalType": "string",
            "required": True,
            "logicalTypeOptions": {"pattern": "^DKI[1-5]$"},
        },
        *({"name": name, "logicalType": "string"} for name in NUMBERS),
        {
            "name": "category",
            "logicalType": "string",
            "quality": [{"metric": "invalidValues", "arguments": {"validValues": list(LEVELS)}, "mustBe": 0}],
        },
    ]
    rules = [
        {"type": "sql", "name": name, "query": f"SELECT count(*) FROM air WHERE {wrong}", "mustBe": 0}
        for name, wrong in ROWS.items()
    ]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "bench-air-quality",
        "version": "1.0.0",
        "status": "active",
        "servers": [{"server": "file", "type": "local", "path": str(file), "format": "csv"}],
        "schema": [{"name": "air", "physicalType": "table", "properties": properties, "quality": rules}],
    }


def main(file: Path) -> None:
    from datacontract.data_contract import DataContract

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "datacontract.yaml")
        path.write_text(json.dumps(contract(file)))
        run = DataContract(data_contract_file=str(path)).test()
    failed = {f"{check.field or check.key}": check.reason for check in run.checks if check.result != "passed"}
    if any(check.result == "error" for check in run.checks):
        raise SystemExit(json.dumps(failed))
    json.dump(failed, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
