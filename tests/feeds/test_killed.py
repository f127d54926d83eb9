"""``kill -9`` in a run and in a replay: run again, and all is as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.feeds import HEADER, Town

ROWS = "".join(f"A{n};Halte {n};{'kota' if n % 50 else 'Kotaa'};4;117.05;-0.45\n" for n in range(1, 5_001))
"""5,000 rows, three batches of the store; each fiftieth is held."""
HELD = 100
POINTS = [("read", 0), ("check", 0), ("store", 2_000), ("store", 4_000), ("store", 4_900)]
"""(step, done) at which the process is killed; the last is after all rows, before the run is recorded as ended."""
_CHILD = """
import os, signal, sys
from pathlib import Path
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds import quarantine, run
from mahakam.feeds.parts import Parts

data, config, what, step, done = *map(Path, sys.argv[1:3]), *sys.argv[3:5], int(sys.argv[5])

def killed(now, at, total):
    if now == step and at >= done:
        os.kill(os.getpid(), signal.SIGKILL)

parts = Parts.of(Node(Settings(data=data, config=(config,))))
if what == "replay":
    began = run.run_feed
    quarantine.run_feed = lambda *args, **more: began(*args, **more, progress=killed)
    quarantine.replay(parts, "town", "stops", "tester")
else:
    run.run_feed(parts, "town", "stops", author="tester", progress=killed)
"""


def kill(town: Town, what: str, step: str, done: int) -> None:
    """Run or replay the feed in a process of its own, which dies at that point."""
    town.node.close()
    ended = subprocess.run(
        [sys.executable, "-c", _CHILD, str(town.data), str(town.config), what, step, str(done)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    town.reopen()


def outcome(town: Town) -> tuple[Any, ...]:
    """What is stored and what is held, without the numbers of runs and rows of the quarantine, and without times."""
    store = town.parts.store
    documents = [
        {key: value for key, value in document.items() if key not in ("createdAt", "modifiedAt")}
        for document in town.documents()
    ]
    lineage = [
        (one.entity, one.file, one.row, one.raw)
        for document in documents
        for one in [store.lineage(document["id"])]
        if one is not None
    ]
    held = sorted(
        (one.file, one.row, one.state, str(one.raw), str(one.reasons)) for one in town.held(state=None)
    )
    return _timeless(documents), lineage, held


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in ("createdAt", "modifiedAt")}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


def replayed(town: Town) -> None:
    from mahakam.feeds.quarantine import replay

    assert replay(town.parts, "town", "stops", "tester").state == "clean"


def corrected(town: Town) -> None:
    from mahakam.feeds.quarantine import correct

    correct(town.parts, "town", "stops", {("kelas", "Kotaa"): "kota"}, "tester")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """The outcome of a run, and of a replay after it, that nobody kills."""
    town = Town(tmp_path_factory.mktemp("undisturbed"))
    town.stops(ROWS)
    town.run()
    first = outcome(town)
    corrected(town)
    replayed(town)
    second = outcome(town)
    town.node.close()
    return first, second


@pytest.mark.fault("a run of a feed, kill -9 at each step", "no row; run again it ends as if undisturbed")
@pytest.mark.parametrize(("step", "done"), POINTS)
def test_a_run_that_was_killed(town: Town, undisturbed: tuple[Any, Any], step: str, done: int) -> None:
    town.stops(ROWS)
    kill(town, "run", step, done)
    run = town.run()
    assert (run.state, run.stored + run.unchanged, run.held) == ("held", 5_000 - HELD, HELD)
    assert outcome(town) == undisturbed[0]


@pytest.mark.fault("a replay of corrected rows, kill -9 at each step", "no row, no correction")
@pytest.mark.parametrize(("step", "done"), POINTS)
def test_a_replay_that_was_killed(town: Town, undisturbed: tuple[Any, Any], step: str, done: int) -> None:
    town.stops(ROWS)
    town.run()
    corrected(town)
    kill(town, "replay", step, done)
    replayed(town)
    assert outcome(town) == undisturbed[1]
    assert len(town.ids()) == 5_000


@pytest.mark.fault("a run of a watched folder, kill -9 at each step", "no file")
@pytest.mark.parametrize(("step", "done"), POINTS)
def test_a_watched_folder_whose_run_was_killed(
    town: Town, undisturbed: tuple[Any, Any], step: str, done: int
) -> None:
    feed = yaml.safe_load((town.folder / "feeds/stops.yaml").read_text())
    feed["source"] = {"folder": {"path": "data", "quiet": 0}}
    town.write("feeds/stops.yaml", yaml.safe_dump(feed))
    path: Path = town.stops(ROWS)
    assert path.read_text().startswith(HEADER)
    kill(town, "run", step, done)
    assert path.exists()
    town.run()
    assert not path.exists()
    assert outcome(town) == undisturbed[0]
