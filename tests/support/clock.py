"""A process whose clock jumps while it runs: libfaketime, told by a file.

It reads the file again after some seconds and not at each look at the clock, nor does it change the times of files:
that is done under one lock for all threads, thousands of times a second, and held up a node on PostgreSQL, which has
more threads than one on SQLite, until a busy machine's tests gave up (34 ms of CPU time a write; so, it is 2.5 ms).
Under it ``time.sleep`` fails with EINVAL on Python 3.11 (clock_nanosleep until a monotonic time): nothing that is
tried here may use it.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from support.node import ROOT

CACHED = 1
"""Whole seconds for which the file is not read again."""


class Clock:
    """``environment`` for the process; :meth:`jump` moves its clock, and not what it measures durations by."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([ROOT / "tools/system-packages", "faketime"], check=True)
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        self._file = folder / "clock"
        self._set("+0")
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": str(CACHED),
            "NO_FAKE_STAT": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def jump(self, to: str) -> None:
        """``to``: from the right time, e.g. ``+2d`` or ``-3h``. The process has noticed when this returns."""
        self._set(to)
        time.sleep(CACHED + 2)

    def _set(self, to: str) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{to}\n")
        new.rename(self._file)
