"""A command as a process of its own, with what it cost."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


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
            command, stdout=file, cwd=Path(__file__).parents[1], env=_installed(out.parent)
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
    """The run with the least CPU of several: other work on the machine only adds."""
    return min((run(command, out) for _ in range(times)), key=lambda r: r.cpu)
