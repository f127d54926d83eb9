"""``python -m bench.feeds``: a run of 100,000 rows, the same again, and again with 1 % of them changed."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import results
from bench.check import data
from bench.feeds import place
from bench.process import Run, run

TARGET = 30
"""Seconds of CPU for 100,000 rows to entities (issue 3)."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dry", action="store_true", help="record nothing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-feeds-") as name:
        folder = Path(name)
        path, truth = place.make(folder, arguments.rows)
        planted = {row for row, *_ in json.loads(truth.read_text())}
        bad = len(planted)
        good = arguments.rows - bad
        rows = []

        first = _run(folder, state="held", read=arguments.rows, stored=good, unchanged=0, held=bad)
        rows.append(
            _row(f"first run: {good:,} entities stored, {bad:,} rows held", first, arguments.rows, TARGET)
        )
        again = _run(folder, state="unchanged", stored=0, held=bad)
        rows.append(_row("again: nothing has changed", again, arguments.rows))
        changed = place.change(path, 0.01, planted)
        third = _run(folder, state="held", stored=changed, unchanged=good - changed, held=bad)
        rows.append(_row(f"again: {changed:,} rows have changed", third, arguments.rows))
        size = sum(f.stat().st_size for f in (folder / "data").rglob("*") if f.is_file())

        note = (
            f"{arguments.rows:,} rows × {len(data.RULES)} rules, {path.stat().st_size / 2**20:.1f} MiB of CSV with "
            "planted defects; every planted row was held and no other. Each run is a process of its own, "
            "start-up included: read, map, check, store with lineage and quarantine, 2,000 rows a "
            f"transaction. The data folder then has {size / 2**20:.0f} MiB. The rules: "
            + "; ".join(data.RULES)
            + "."
        )
        for row in rows:
            print(row)
        if not arguments.dry:
            results.record("feeds", "python -m bench.feeds", rows, note=note)
    return 0


def _run(folder: Path, **expected: Any) -> Run:
    """One run, which must come out as expected."""
    measured = run([sys.executable, "-m", "bench.feeds.one", str(folder)], folder / "out")
    if measured.code:
        raise SystemExit("the run failed")
    got = json.loads(measured.output)
    wrong = {key: (got[key], value) for key, value in expected.items() if got[key] != value}
    if wrong:
        raise SystemExit(f"not what was planted (got, wanted): {wrong}; {got}")
    return measured


def _row(what: str, measured: Run, rows: int, target: int | None = None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "what": what,
        "cpu s": round(measured.cpu, 2),
        "wall s": round(measured.wall, 2),
        "peak MiB": round(measured.memory),
        "µs a row": round(measured.cpu / rows * 1e6),
    }
    return row | ({"target cpu s": target} if target else {})


if __name__ == "__main__":
    sys.exit(main())
