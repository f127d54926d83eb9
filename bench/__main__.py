"""``make bench``: every bench in turn, each in its own process; the figures go to results.json and README.md."""

from __future__ import annotations

import subprocess
import sys

BENCHES = (
    "bench.check",
    "bench.large",
    "bench.feeds",
    "bench.mqtt",
    "bench.broker",
    "bench.growth",
    "bench.subscriptions",
    "bench.validation",
    "bench.live",
    "bench.duplicates",
    "bench.reports",
    "bench.federation",
)


def main() -> int:
    failed = [
        name for name in BENCHES if subprocess.run([sys.executable, "-m", name], check=False).returncode
    ]
    if failed:
        print("could not measure: " + ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
