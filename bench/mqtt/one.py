"""One run of the feed of messages in a process of its own; prints what became of the rows, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.feeds.place import FEED, PLACE


def main(folder: Path) -> None:
    from mahakam.app import Node
    from mahakam.config import Settings
    from mahakam.feeds.parts import Parts
    from mahakam.feeds.run import run_feed

    node = Node(Settings(data=folder / "data", config=(folder / "places",)))
    try:
        run = run_feed(Parts(node.broker, node.places, node.settings.data, True), PLACE, FEED, author="bench")
    finally:
        node.close()
    if run.state not in ("clean", "held", "unchanged"):
        raise SystemExit(f"{run.state}: {run.message}")
    keys = ("state", "read", "stored", "unchanged", "held", "summary")
    json.dump({key: getattr(run, key) for key in keys}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
