"""``python -m bench.check``: each tool in a process of its own on the same file; ratios to
bench/results.json."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import results
from bench.check.beside import PEERS, beside


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--times", type=int, default=3, help="runs of each tool; the one with the least CPU counts"
    )
    parser.add_argument(
        "--only", action="append", default=[], help="measure just this peer (nothing is recorded)"
    )
    arguments = parser.parse_args()
    chosen = [peer for peer in PEERS if not arguments.only or peer.name in arguments.only]
    rows, note = beside(arguments.rows, arguments.times, chosen)
    if not arguments.only:
        results.record("check", "python -m bench.check", rows, note=note)
        _write_readme(rows, note)
    return 0


def _write_readme(rows: list[dict[str, object]], note: str) -> None:
    columns = list(rows[0])
    lines = [
        "# File checks: speed beside peers",
        "",
        f"`python -m bench.check` on {results.machine()}.",
        "",
        note,
        "",
    ]
    lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(row[c]) for c in columns) + " |" for row in rows]
    Path(__file__).with_name("README.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
