"""The two nodes that the page starts do what it says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from support.node import ROOT, free_port


def test_two_nodes_in_a_minute(tmp_path: Path) -> None:
    page = (ROOT / "docs/federation.md").read_text("utf-8")
    found = re.search(r"^```bash\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    script = "set -eum\n" + found[1]
    for port in ("8000", "8001"):
        script = script.replace(port, str(free_port()))
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, printed
    assert '[{"id":"urn:ngsi-ld:BusStop:pasar-pagi","type":"BusStop","waiting":7}]' in printed
