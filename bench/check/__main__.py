"""``python -m bench.check``: each tool in a process of its own on the same file; ratios to
bench/results.json."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import results
from bench.check import data

PEERS = ("dataframely", "pandera", "pointblank", "frictionless")
PART = {"frictionless": 10}
"""frictionless reads row by row in Python: it gets a tenth of the rows, and its time counts ten times."""


@dataclass
class Run:
    """One process: CPU seconds (user and system), seconds on the clock, peak resident memory in MiB, its
    output."""

    cpu: float
    wall: float
    memory: float
    output: bytes
    code: int


def run(command: list[str], out: Path) -> Run:
    """Run a command to its end; its standard output goes to a file."""
    started = time.perf_counter()
    with out.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, cwd=Path(__file__).parents[2], env=_installed(out.parent)
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    return Run(
        usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, out.read_bytes(), process.returncode
    )


def _installed(folder: Path) -> dict[str, str]:
    """As after an installation: every tool finds its bytecode compiled, by a first run that does not count."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def best(command: list[str], out: Path, times: int) -> Run:
    """The run with the least CPU of several, after one that does not count: other work on the machine only adds."""
    run(command, out)
    return min((run(command, out) for _ in range(times)), key=lambda r: r.cpu)


def verify(report: bytes, truth: Path) -> int:
    """The failures found are exactly those planted, row by row, with all reasons; gives their number."""
    found = json.loads(report)
    got = sorted((f["row"], f["field"], f["rule"]) for f in found["failures"])
    want = sorted(tuple(item) for item in json.loads(truth.read_text()))
    if got != want:
        missing, extra = sorted(set(want) - set(got))[:5], sorted(set(got) - set(want))[:5]
        raise SystemExit(f"not what was planted: missing {missing}, not planted {extra}")
    if found["failed_rows"] != len({row for row, *_ in want}):
        raise SystemExit("failed_rows is not the number of rows with a planted defect")
    return len(got)


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
    with tempfile.TemporaryDirectory(prefix="bench-check-") as name:
        folder = Path(name)
        path, truth = data.generate(folder, arguments.rows)
        small, _ = data.generate(folder, arguments.rows // 10)
        contract = folder / "contract.yaml"
        contract.write_text(data.CONTRACT)
        mahakam = str(Path(sys.executable).with_name("mahakam"))
        ours = best(
            [mahakam, "check", str(path), "-c", str(contract), "--json", "--limit", "0"],
            folder / "out",
            arguments.times,
        )
        failures = verify(ours.output, truth)
        print(
            f"mahakam: cpu {ours.cpu:.2f} s, wall {ours.wall:.2f} s, {ours.memory:.0f} MiB, "
            f"{failures} failures, exactly those planted"
        )
        rows = [
            _row(
                "mahakam check",
                importlib.metadata.version("mahakam"),
                ours,
                1,
                ours,
                "every failing row, all reasons",
            )
        ]
        for peer in arguments.only or PEERS:
            part = PART.get(peer, 1)
            file = small if part > 1 else path
            times = 1 if part > 1 else arguments.times
            measured = best(
                [sys.executable, "-m", "bench.check.peers", peer, str(file)], folder / "out", times
            )
            note = "a tenth of the rows, time × 10" if part > 1 else ""
            if measured.code:
                note = "did not run"
            print(
                f"{peer}: cpu {measured.cpu * part:.2f} s, {measured.memory:.0f} MiB {note} "
                f"{measured.output[:300].decode()}"
            )
            rows.append(_row(peer, importlib.metadata.version(peer), measured, part, ours, note))
        if not arguments.only:
            about = {
                "note": f"{arguments.rows:,} rows × {len(data.RULES)} rules, "
                f"{path.stat().st_size / 2**20:.0f} MiB of CSV, {failures:,} planted defects, all found and "
                f"nothing else. Whole processes, start-up and output included; of {arguments.times} runs the "
                "one with the least CPU. The rules: " + "; ".join(data.RULES) + ".",
            }
            results.record("check", "python -m bench.check", rows, **about)
            _write_readme(rows, about["note"])
    return 0


def _row(what: str, version: str, measured: Run, part: int, ours: Run, note: str) -> dict[str, object]:
    return {
        "what": f"{what} {version}",
        "cpu s": round(measured.cpu * part, 2),
        "wall s": round(measured.wall * part, 2),
        "peak MiB": round(measured.memory),
        "cpu × mahakam": round(measured.cpu * part / ours.cpu, 2),
        "note": note,
    }


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
