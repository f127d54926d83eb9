"""What is known about each dataset of a place: its feed, its last run, its score and its worst finding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import gettempdir

from mahakam.config import ConfigError, Place, Text, as_text
from mahakam.feeds.definition import Feed, load
from mahakam.store.model import Run
from mahakam.store.protocol import EntityStore


@dataclass(frozen=True, slots=True)
class Dataset:
    """A feed of a place. ``run`` is the last one that read the file (None: never run), ``held`` the rows that
    wait in quarantine now."""

    place: Place
    name: str
    title: Text
    owner: str
    licence: str
    origin: str
    theme: str
    run: Run | None
    last: Run | None
    """The very last run, also one that failed or found nothing changed."""
    held: int
    before: Run | None = None
    """The run before ``run`` that read the file."""
    problem: str = ""
    """What is wrong with the feed's file, if it cannot be used."""

    @property
    def score(self) -> float | None:
        return score(self.run, self.held)

    @property
    def updated(self) -> str:
        return self.run.ended or self.run.started if self.run else ""

    @property
    def checked(self) -> str:
        return self.last.ended or self.last.started if self.last else ""

    @property
    def worst(self) -> Reason | None:
        """The finding to mend first."""
        return next(iter(reasons(self.run)), None)


def score(run: Run | None, held: int | None = None) -> float | None:
    """The share of the rows read that passed every rule: those held count nothing, those with a warning half.

    None without a run or without rows.
    """
    if run is None or run.read - run.left_out <= 0:
        return None
    rows = run.read - run.left_out
    waiting = run.held if held is None else held
    flagged = min(int(run.quality.get("flagged", run.warnings)), max(0, rows - waiting))
    return max(0.0, 1 - (waiting + flagged / 2) / rows)


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of a run's summary: a rule and a field with the rows it was found in."""

    rule: str
    field: str
    rows: int
    warning: bool


def reasons(run: Run | None) -> list[Reason]:
    """What a run found, errors before warnings, the most frequent first."""
    found = []
    for reason, rows in (run.summary if run else {}).items():
        severity, mark, rest = reason.rpartition(": ")
        rule, _space, field = rest.partition(" ")
        found.append(Reason(rule, field, rows, bool(mark) and severity == "warning"))
    return sorted(found, key=lambda one: (one.warning, -one.rows))


def datasets(store: EntityStore, place: Place) -> list[Dataset]:
    """Every feed of a place with its state, by name; one whose file is wrong hides no other."""
    return [dataset(store, place, name) for name in place.files("feeds")]


def dataset(store: EntityStore, place: Place, name: str) -> Dataset:
    """One feed of a place; ``problem`` says why its file cannot be used."""
    try:
        feed, problem = feed_of(place, name), ""
    except ConfigError as error:
        feed, problem = None, f"feeds/{error.path.name}: {error.problem}"
    runs = store.runs(place.id, name, limit=20)
    reading = [run for run in runs if run.state in ("clean", "held") and run.read]
    return Dataset(
        place=place,
        name=name,
        title=feed.title if feed else as_text(name),
        owner=feed.owner if feed else "",
        licence=feed.licence if feed else "",
        origin=feed.origin if feed else "",
        theme=feed.theme if feed else "",
        run=reading[0] if reading else None,
        last=runs[0] if runs else None,
        held=store.count_held(place.id, name),
        before=reading[1] if len(reading) > 1 else None,
        problem=problem,
    )


def public(place: Place, message: str, data: Path | None = None) -> str:
    """What a run or a configuration says, for everybody: where the files lie on the machine is nobody's concern.

    ``data``: the node's data folder, of whose files (and of temporary ones) only the name is left.
    """
    said = message.replace(f"{place.folder}/", "").replace(str(place.folder), place.id)
    for folder in (data, Path(gettempdir())):
        if folder is not None:
            said = re.sub(rf"{re.escape(str(folder.absolute()))}/(?:[^\s/:'\"]+/)*", "", said)
    return said


def feed_of(place: Place, name: str) -> Feed:
    """The feed's definition, read again only when its file changed."""
    path = place.folder / "feeds" / f"{name}.yaml"
    return _feed(_Key(place), name, path, path.stat().st_mtime_ns if path.is_file() else 0)


class _Key:
    """A place as the key of a cache: by its folder."""

    __slots__ = ("place",)

    def __init__(self, place: Place) -> None:
        self.place = place

    def __hash__(self) -> int:
        return hash(self.place.folder)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.place.folder == other.place.folder


@lru_cache(maxsize=512)
def _feed(key: _Key, name: str, _path: Path, _modified: int) -> Feed:
    return load(key.place, name)
