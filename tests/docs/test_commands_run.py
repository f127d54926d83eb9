"""The commands that the pages show are run, on the demo's data, against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.node import RunningNode, copy_of_demo

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ELSEWHERE = ("make ", "pip ", "git ")
_FRAME = """set -eu
mahakam() { command mahakam "$@" || [ $? -eq 1 ]; }
curl() { command curl --silent --show-error --fail-with-body "$@"; }
"""


def blocks(page: Path) -> list[str]:
    """The shell blocks of a page, without the lines that other tests run (make, pip, git)."""
    found = []
    for block in _BLOCK.findall(page.read_text("utf-8")):
        lines = [line for line in block.splitlines() if not line.startswith(_ELSEWHERE)]
        if any(line.strip() and not line.startswith("#") for line in lines):
            found.append("\n".join(lines))
    return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[RunningNode]:
    with RunningNode(copy_of_demo(tmp_path / "data"), config=(ROOT / "examples",), open=True) as node:
        yield node


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_the_commands_of_the_page_run(page: Path, served: RunningNode, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MAHAKAM_DATA": str(served.data),
        "MAHAKAM_CONFIG": str(tmp_path / "examples"),
    }
    for block in blocks(page):
        script = _FRAME + block.replace("127.0.0.1:8000", f"127.0.0.1:{served.port}")
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (
            f"{page.name}:\n{block}\n--- printed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
        assert "Traceback" not in done.stderr
