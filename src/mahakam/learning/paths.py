"""The file of a learning path: learning/NAME.yaml, exercises each with the fact of this node that proves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from mahakam.config import ConfigError, Place, Text, chain, checked_mapping, checked_text, read_yaml

Fact = Literal["feed_run", "row_repaired", "row_traced", "indicator_fed"]
FACTS: tuple[Fact, ...] = get_args(Fact)
"""What the node can verify (``facts.py``)."""
MOST_EXERCISES = 30


@dataclass(frozen=True, slots=True)
class Exercise:
    key: str
    name: Text
    how: Text
    verify: Fact


@dataclass(frozen=True)
class LearningPath:
    id: str
    path: Path = field(repr=False)
    name: Text
    about: Text
    exercises: tuple[Exercise, ...]


def paths_of(
    place: Place, places: Mapping[str, Place], others: Iterable[Place], problems: list[ConfigError]
) -> dict[str, LearningPath]:
    """The paths that hold for a place by name: its own, those of places above, then of ``others`` (the network). What
    cannot be used goes to ``problems``."""
    found: dict[str, LearningPath] = {}
    for one in (*chain(places, place), *others):
        for name, file in one.files("learning").items():
            if name not in found:
                try:
                    found[name] = read_path(file)
                except ConfigError as error:
                    problems.append(error)
    return found


def read_path(path: Path) -> LearningPath:
    """Raises ConfigError naming the file, the key and what would be right."""
    facts = checked_mapping(
        path, "", read_yaml(path), ("name", "about", "exercises"), ("name", "about", "exercises")
    )
    raw = facts["exercises"]
    if not isinstance(raw, list) or not 0 < len(raw) <= MOST_EXERCISES:
        raise ConfigError(path, f"exercises: must be a list of 1 to {MOST_EXERCISES}")
    exercises = []
    for at, each in enumerate(raw):
        where = f"exercises[{at}]"
        one = checked_mapping(
            path, where, each, ("key", "name", "how", "verify"), ("key", "name", "how", "verify")
        )
        if one["verify"] not in FACTS:
            raise ConfigError(
                path, f"{where}.verify: must be one of {', '.join(FACTS)}, not {one['verify']!r}"
            )
        exercises.append(
            Exercise(
                str(one["key"]),
                checked_text(path, f"{where}.name", one["name"]),
                checked_text(path, f"{where}.how", one["how"]),
                one["verify"],
            )
        )
    if len({one.key for one in exercises}) < len(exercises):
        raise ConfigError(path, "exercises: two have the same key")
    return LearningPath(
        path.stem,
        path,
        checked_text(path, "name", facts["name"]),
        checked_text(path, "about", facts["about"]),
        tuple(exercises),
    )
