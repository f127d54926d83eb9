"""A part of the demo, loaded through its own feeds once a test run and shared by its workers; read only."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from mahakam.app import Node, open_node
from mahakam.config import Settings

EXAMPLES = Path(__file__).parents[2] / "examples"
CONFIG = (EXAMPLES / "kaltim", EXAMPLES / "ascn")
FEEDS = (
    "kaltim/earthquakes-2021",
    "kaltim/regencies",
    "samarinda/villages",
    "samarinda/mahakam",
    "samarinda/health-centres",
    "samarinda/flood-days-assumed",
    "samarinda/flood-days-looked-up",
    "samarinda/rain",
    "ascn/countries",
    "ascn/cities",
    "ascn/projects",
    "ascn/projects-singapore",
    "jakarta/air-quality",
    "jakarta/fires-2013",
)


def part_of_demo() -> Path:
    """The data folder of a node that has read FEEDS and computed its indicators."""
    folder = Path(os.environ["MAHAKAM_TEST_RUN"]) / "part"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "loaded").exists():
            _load(folder / "data")
            (folder / "loaded").touch()
    return folder / "data"


def _load(data: Path) -> None:
    from mahakam.feeds.parts import Parts
    from mahakam.feeds.run import run_feed
    from mahakam.indicators.compute import compute_all

    node = node_over(data)
    try:
        for name in FEEDS:
            place, _, feed = name.partition("/")
            run = run_feed(Parts.of(node), place, feed, author="a test")
            if run.state not in ("clean", "held"):
                raise RuntimeError(f"{name}: {run.state}: {run.message}")
        failed = [one for one in compute_all(node.broker) if one.state == "failed"]
        if failed:
            raise RuntimeError(f"indicators failed: {failed}")
    finally:
        node.close()


def node_over(data: Path) -> Node:
    """A node of the demo's places over a data folder."""
    return open_node(Settings(data=data, config=CONFIG))
