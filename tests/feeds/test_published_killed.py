"""``kill -9`` while an officer publishes a new feed: published again, it is as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mahakam.feeds.connecting.draft import wrong
from mahakam.feeds.connecting.look import look
from mahakam.feeds.connecting.publish import publish, taken
from support.feeds import GOOD, HEADER, Town

_CHILD = """
import os, signal, sys
from pathlib import Path
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.connecting import publish
from mahakam.feeds.connecting.look import look
from mahakam.feeds.parts import Parts

data, config, file, after = *map(Path, sys.argv[1:4]), int(sys.argv[4])
linked, link = [], os.link

def killed(*given):
    link(*given)
    linked.append(given)
    if len(linked) == after:
        os.kill(os.getpid(), signal.SIGKILL)

os.link = killed
parts = Parts.of(Node(Settings(data=data, config=(config,))))
publish.publish(parts, parts.places["town"], look(file, "town", "siti"), file, "siti")
"""


@pytest.mark.parametrize("after", [1, 2, 3])
def test_published_again_it_is_whole(town: Town, tmp_path: Path, after: int) -> None:
    file = tmp_path / "halte baru.csv"
    file.write_text(HEADER + GOOD)
    town.node.close()
    command = [sys.executable, "-c", _CHILD, str(town.data), str(town.config), str(file), str(after)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    town.reopen()
    place = town.parts.places["town"]
    draft = look(file, "town", "siti")
    if after < 3:  # the feed is not there yet: the officer publishes again
        assert wrong(draft, taken(place, draft)) == []
        run = publish(town.parts, place, draft, file, "siti")
    else:
        assert [one.what for one in wrong(draft, taken(place, draft))] == ["taken"]
        run = town.run(draft.slug)
    assert (run.state, run.stored, run.held) == ("clean", 3, 0), run.message
    assert (
        len([path for path in (place.folder / "data").iterdir() if path.name.startswith("halte baru")]) == 1
    )


def test_a_contract_of_somebody_else_keeps_its_name(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "halte baru.csv"
    file.write_text(HEADER + GOOD)
    town.write("contracts/halte-baru.yaml", (town.folder / "contracts/stop.yaml").read_text())
    draft = look(file, "town", "siti")
    assert [one.what for one in wrong(draft, taken(town.parts.places["town"], draft))] == ["taken"]
