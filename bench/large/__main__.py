"""``python -m bench.large``: ten million rows beside the same peers; more than 2 GiB of memory is a failure."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace

from bench import results
from bench.check.beside import PEERS, beside
from bench.process import Run

MOST_MEMORY = 2 * 1024
"""MiB that ``mahakam check`` may have resident at its peak (issue 5)."""
PARTS = {"frictionless": 100, "great-expectations": 10}
"""Peers that would take an hour, or more memory than the machine has, get one row in so many."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=1, help="runs of each tool")
    parser.add_argument("--only", action="append", default=[], help="measure just this peer")
    parser.add_argument("--dry", action="store_true", help="record nothing")
    arguments = parser.parse_args()
    peers = [
        replace(peer, part=PARTS.get(peer.name, peer.part))
        for peer in PEERS
        if not arguments.only or peer.name in arguments.only
    ]
    rows, note = beside(arguments.rows, arguments.times, peers, _bounded)
    if not (arguments.dry or arguments.only):
        note += f" Mahakam may use {MOST_MEMORY} MiB: more fails the bench. Load average {os.getloadavg()[0]:.1f}."
        results.record("large", "python -m bench.large", rows, note=note)
    return 0


def _bounded(ours: Run) -> None:
    if ours.memory > MOST_MEMORY:
        raise SystemExit(f"mahakam check had {ours.memory:.0f} MiB resident; it may have {MOST_MEMORY}")


if __name__ == "__main__":
    sys.exit(main())
