"""A process whose clock jumps while it runs: libfaketime, told by a file."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.node import ROOT


class Clock:
    """``environment`` for the process; :meth:`jump` moves its clock, and not what it measures durations by."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([ROOT / "tools/system-packages", "faketime"], check=True)
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        self._file = folder / "clock"
        self.jump("+0")
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def jump(self, to: str) -> None:
        """``to``: from the right time, e.g. ``+2d`` or ``-3h``."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{to}\n")
        new.rename(self._file)
