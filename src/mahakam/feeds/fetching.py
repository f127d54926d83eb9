"""The files of a run: those of the place, the one given, or those that the feed's origin brings."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mahakam.feeds import origins
from mahakam.feeds.archive import Archive
from mahakam.feeds.definition import Feed
from mahakam.feeds.parts import Parts
from mahakam.feeds.sources.files import digest


@dataclass(slots=True)
class Brought:
    """The files of a run. ``settled``: what the origin does once all of them is stored or held."""

    files: list[Path]
    settled: list[Callable[[], None]] = field(default_factory=list)


@contextmanager
def source_files(parts: Parts, feed: Feed, given: Sequence[Path]) -> Iterator[Brought]:
    """The files, for as long as the run lasts. Raises ConfigError, SourceError, OSError, origins.NothingNew."""
    if given:
        yield Brought(list(given))
    elif feed.fetched is None:
        yield Brought(feed.source_files())
    else:
        with tempfile.TemporaryDirectory(prefix="mahakam-origin-") as folder:
            yield _fetched(parts, feed, Path(folder))


def _fetched(parts: Parts, feed: Feed, folder: Path) -> Brought:
    """What the origin notes for the next fetch is kept once the run has ended well: else all of it comes again."""
    assert feed.fetched is not None
    kind, options = feed.fetched
    kept = parts.data / "origins" / re.sub(r"[^A-Za-z0-9._-]", "-", f"{feed.place.id}.{feed.name}.json")
    state = _state(kept, kind)
    ask = origins.Ask(
        f"{feed.place.id}/{feed.name}",
        options,
        folder,
        feed.place.folder,
        state,
        Archive(parts.data).path,
        parts.private_addresses,
        feed.pins.get("records"),
        kept.with_suffix(".spool"),
        tuple(dict.fromkeys(column for one in feed.fields for column in one.columns)),
    )
    files = origins.named(kind).fetch(ask)
    if len(files) == 1:
        state["sha256"] = digest(files[0])
    return Brought(files, [lambda: _keep(kept, kind, state), *ask.settled])


def _keep(kept: Path, kind: str, state: dict[str, Any]) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".part")
    unfinished.write_text(json.dumps({"origin": kind, **state}), "utf-8")
    unfinished.replace(kept)


def _state(kept: Path, kind: str) -> dict[str, Any]:
    try:
        state = json.loads(kept.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) and state.get("origin") == kind else {}
