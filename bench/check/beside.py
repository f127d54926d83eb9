"""``mahakam check`` and its peers on one seeded file: each in a process of its own."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from bench.check import data
from bench.process import Run, best, run

APART = ("datacontract-cli", "great-expectations")
"""Peers in environments of their own, locked beside their scripts: one needs an older DuckDB than Mahakam, the other
brings pandas, which PyArrow then loads."""
WARM = 1_000
"""Rows of the first run, which does not count: it leaves each tool's bytecode compiled. Again, for start-up."""


@dataclass(frozen=True)
class Peer:
    """``part``: it gets one row in so many, and the time of all is reckoned from that. ``said``: what it does less."""

    name: str
    part: int = 1
    said: str = ""

    @property
    def note(self) -> str:
        part = f"reckoned from 1 row in {self.part}, memory of that part" if self.part > 1 else ""
        return "; ".join(one for one in (part, self.said) if one)

    def command(self, file: Path) -> list[str]:
        if self.name in APART:
            return [_python_apart(self.script), "-W", "ignore", str(self.script), str(file)]
        return [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "bench.check.peers",
            self.name.replace("-", "_"),
            str(file),
        ]

    @property
    def script(self) -> Path:
        short = self.name.removesuffix("-cli").replace("-", "_")
        return Path(__file__).with_name(f"apart_{short}.py")

    def version(self) -> str:
        if self.name in APART:
            text = f"import importlib.metadata; print(importlib.metadata.version({self.name!r}))"
            return _said([_python_apart(self.script), "-c", text])
        return importlib.metadata.version(self.name)


PEERS = (
    Peer("dataframely"),
    Peer("pandera"),
    Peer("pointblank"),
    Peer("great-expectations"),
    Peer("datacontract-cli", said="numbers of failing rows, not the rows"),
    Peer("frictionless", part=10),
)


def beside(
    rows: int, times: int, peers: Sequence[Peer], accept: Callable[[Run], None] = lambda _: None
) -> tuple[list[dict[str, Any]], str]:
    """Measure all; the table's rows and the note that says what was done.

    ``accept`` gets our own run and may raise SystemExit. So does a result that is not what was planted.
    """
    with tempfile.TemporaryDirectory(prefix="bench-check-") as name:
        folder = Path(name)
        path, truth = data.generate(folder, rows)
        files = {
            1: path,
            **{p: data.generate(folder, rows // p)[0] for p in {one.part for one in peers} - {1}},
        }
        warm, _ = data.generate(folder, WARM)
        contract = folder / "contract.yaml"
        contract.write_text(data.CONTRACT)
        mahakam = str(Path(sys.executable).with_name("mahakam"))
        ours = _best(
            lambda file: [mahakam, "check", str(file), "-c", str(contract), "--json", "--limit", "0"],
            warm, path, folder / "out", times,
        )  # fmt: skip
        failures = verify(ours.output, truth)
        print(
            f"mahakam: cpu {ours.cpu:.2f} s, wall {ours.wall:.2f} s, {ours.memory:.0f} MiB, "
            f"{failures} failures, exactly those planted",
            flush=True,
        )
        accept(ours)
        said = "every failing row, all reasons"
        table = [_row("mahakam check", importlib.metadata.version("mahakam"), ours, ours, said)]
        for peer in peers:
            measured = _best(peer.command, warm, files[peer.part], folder / "out", times)
            if peer.part > 1:
                start = best(peer.command(warm), folder / "out", times)
                measured = _reckoned(start, measured, rows, peer.part)
            note = "did not run" if measured.code else peer.note
            print(
                f"{peer.name}: cpu {measured.cpu:.2f} s, wall {measured.wall:.2f} s, "
                f"{measured.memory:.0f} MiB {note} {measured.output[:300].decode()}",
                flush=True,
            )
            table.append(_row(peer.name, peer.version(), measured, ours, note))
        runs = "one run each" if times == 1 else f"of {times} runs the one with the least CPU"
        about = (
            f"{rows:,} rows × {len(data.RULES)} rules, {path.stat().st_size / 2**20:,.0f} MiB of CSV, "
            f"{failures:,} planted defects, all found and nothing else. Whole processes, start-up and output "
            f"included; {runs}. The rules: " + "; ".join(data.RULES) + "."
        )
        return table, about


def _best(command: Callable[[Path], list[str]], warm: Path, file: Path, out: Path, times: int) -> Run:
    run(command(warm), out)
    return best(command(file), out, times)


def _reckoned(start: Run, some: Run, rows: int, part: int) -> Run:
    """The cost of all rows, a line through that of :data:`WARM` rows and that of a part."""
    more = (rows - WARM) / (rows // part - WARM)
    cpu = start.cpu + max(0.0, some.cpu - start.cpu) * more
    wall = start.wall + max(0.0, some.wall - start.wall) * more
    return replace(some, cpu=cpu, wall=wall)


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


def _row(what: str, version: str, measured: Run, ours: Run, note: str) -> dict[str, Any]:
    return {
        "what": f"{what} {version}",
        "cpu s": round(measured.cpu, 2),
        "wall s": round(measured.wall, 2),
        "peak MiB": round(measured.memory),
        "cpu × mahakam": round(measured.cpu / ours.cpu, 2),
        "note": note,
    }


@cache
def _python_apart(script: Path) -> str:
    """The Python of the environment in which a script's peer is installed; made if it is not there."""
    uv = str(Path(sys.executable).with_name("uv"))
    _said([uv, "sync", "--quiet", "--locked", "--script", str(script)])
    return _said([uv, "python", "find", "--script", str(script)])


def _said(command: list[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
