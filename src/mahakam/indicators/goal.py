"""A goal of a place: the file goals/NAME.yaml, its indicators, and the levers that the place says it can pull."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mahakam.config import ConfigError, Place, Text, checked_mapping, checked_text, read_yaml
from mahakam.indicators.definition import Definition
from mahakam.indicators.path import Way
from mahakam.indicators.projection import Point, Projection
from mahakam.indicators.value import Value

MOST_LEVERS = 12


@dataclass(frozen=True, slots=True)
class Effect:
    """What pulling a lever is said to do: ``change`` of the indicator for each ``per`` units of the lever, between
    ``low`` and ``high``, growing in a straight line from ``since`` to its full size in ``full``.
    """

    indicator: str
    per: float
    change: float
    low: float
    high: float
    since: int
    full: int

    def share(self, year: int) -> float:
        """How much of the effect is there in a year, 0 to 1."""
        if year < self.since:
            return 0.0
        return 1.0 if year >= self.full else (year - self.since + 1) / (self.full - self.since + 1)


@dataclass(frozen=True, slots=True)
class Lever:
    """Something that the place can do more or less of. ``source`` says where its effect is known from;
    ``assumption`` that nobody has measured it.
    """

    key: str
    name: Text
    unit: Text
    least: float
    most: float
    step: float
    effects: tuple[Effect, ...]
    source: Text
    assumption: bool


@dataclass(frozen=True)
class Goal:
    """One aim of the long-term vision and the indicators that tell whether it is reached."""

    id: str
    path: Path = field(repr=False)
    name: Text
    vision: Text | None
    indicators: tuple[str, ...]
    levers: tuple[Lever, ...]
    source: Text | None


@dataclass(frozen=True, slots=True)
class Part:
    """What one lever adds to a year: ``amount`` units of it, and the change with its range."""

    lever: Lever
    amount: float
    change: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """A year with and without the levers. ``base`` is the projection's point, or the newest value ``held`` still.
    ``gap``: how far the value with the levers falls short of what the path asks (None: no path).
    """

    year: int
    base: Point
    held: bool
    parts: tuple[Part, ...]
    value: float
    low: float
    high: float
    asked: float | None
    gap: float | None


def goals_of(place: Place, problems: list[ConfigError] | None = None) -> dict[str, Goal]:
    """The goals of a place by id. Raises ConfigError for the first file that cannot be used; with ``problems`` it
    goes there and the file is left out.
    """
    found = {}
    for id, path in place.files("goals").items():
        try:
            found[id] = read_goal(path)
        except ConfigError as error:
            if problems is None:
                raise
            problems.append(error)
    return found


def what_if(
    goal: Goal,
    definition: Definition,
    latest: Value,
    way: Way | None,
    projection: Projection | None,
    amounts: Mapping[str, float],
    until: int,
) -> list[Outlook]:
    """The years after the newest value up to ``until``, with ``amounts`` (lever → units) of the levers pulled."""
    assert latest.value is not None
    asked = {step.year: step.asked for step in way.steps} if way else {}
    lower = definition.better == "lower"
    bounds = _bounds(definition, latest)
    found = []
    for year in range(latest.period.year + 1, until + 1):
        point = projection.at(year) if projection else None
        held = point is None
        base = point or Point(latest.period, latest.value, latest.value, latest.value)
        parts = tuple(_parts(goal, definition.id, amounts, year))
        value = _clip(base.value + sum(one.change for one in parts), bounds)
        low = _clip(base.low + sum(min(one.low, one.high) for one in parts), bounds)
        high = _clip(base.high + sum(max(one.low, one.high) for one in parts), bounds)
        wanted = asked.get(year)
        gap = None if wanted is None else float(f"{value - wanted if lower else wanted - value:.6g}")
        found.append(Outlook(year, base, held, parts, value, low, high, wanted, gap))
    return found


def _parts(goal: Goal, indicator: str, amounts: Mapping[str, float], year: int) -> list[Part]:
    found = []
    for lever in goal.levers:
        amount = amounts.get(lever.key, 0.0)
        for effect in lever.effects:
            if amount and effect.indicator == indicator and (share := effect.share(year)):
                units = amount / effect.per * share
                found.append(
                    Part(lever, amount, units * effect.change, units * effect.low, units * effect.high)
                )
    return found


def _bounds(definition: Definition, latest: Value) -> tuple[float, float]:
    asked = definition.projection
    lowest = (
        asked.lowest
        if asked and asked.lowest is not None
        else (0.0 if (latest.value or 0) >= 0 else -math.inf)
    )
    percent = 100.0 if definition.unit in ("%", "P1") else math.inf
    return lowest, asked.highest if asked and asked.highest is not None else percent


def _clip(value: float, bounds: tuple[float, float]) -> float:
    return float(f"{min(max(value, bounds[0]), bounds[1]):.6g}")


def read_goal(path: Path) -> Goal:
    """Read one goals/NAME.yaml. Raises ConfigError naming the file, the key and what would be right."""
    facts = read_yaml(path)
    checked_mapping(
        path, "", facts, ("name", "vision", "indicators", "levers", "source"), ("name", "indicators")
    )
    names = facts["indicators"]
    if not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
        raise ConfigError(path, "indicators: must be a list of the place's indicators, e.g. [flood-days]")
    raw = facts.get("levers") or []
    if not isinstance(raw, list) or len(raw) > MOST_LEVERS:
        raise ConfigError(path, f"levers: must be a list of at most {MOST_LEVERS}")
    levers = tuple(_lever(path, f"levers[{at}]", one, names) for at, one in enumerate(raw))
    if len({one.key for one in levers}) < len(levers):
        raise ConfigError(path, "levers: two have the same key")
    return Goal(
        id=path.stem,
        path=path,
        name=checked_text(path, "name", facts["name"]),
        vision=checked_text(path, "vision", facts["vision"]) if facts.get("vision") else None,
        indicators=tuple(names),
        levers=levers,
        source=checked_text(path, "source", facts["source"]) if facts.get("source") else None,
    )


def _lever(path: Path, where: str, raw: object, names: Sequence[str]) -> Lever:
    keys = ("key", "name", "unit", "least", "most", "step", "effects", "source", "assumption")
    facts = checked_mapping(path, where, raw, keys, ("key", "name", "unit", "most", "effects", "source"))
    key = str(facts["key"])
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", key):
        raise ConfigError(path, f"{where}.key: {key!r} must be small letters, digits and hyphens")
    number = _reader(path, where)
    least, most = number(facts.get("least", 0), "least"), number(facts["most"], "most")
    step = number(facts.get("step", 1), "step")
    if least >= most or step <= 0:
        raise ConfigError(path, f"{where}: least must be below most, and step above 0")
    if not isinstance(facts["effects"], list) or not facts["effects"]:
        raise ConfigError(path, f"{where}.effects: must be a list")
    effects = tuple(
        _effect(path, f"{where}.effects[{at}]", one, names) for at, one in enumerate(facts["effects"])
    )
    assumption = facts.get("assumption", False)
    if not isinstance(assumption, bool):
        raise ConfigError(path, f"{where}.assumption: must be true or false, not {assumption!r}")
    return Lever(
        key,
        checked_text(path, f"{where}.name", facts["name"]),
        checked_text(path, f"{where}.unit", facts["unit"]),
        least,
        most,
        step,
        effects,
        checked_text(path, f"{where}.source", facts["source"]),
        assumption,
    )


def _effect(path: Path, where: str, raw: object, names: Sequence[str]) -> Effect:
    keys = ("indicator", "per", "change", "low", "high", "since", "full")
    facts = checked_mapping(path, where, raw, keys, ("indicator", "per", "change", "since"))
    if facts["indicator"] not in names:
        raise ConfigError(path, f"{where}.indicator: {facts['indicator']!r} is none of the goal's indicators")
    number = _reader(path, where)
    change = number(facts["change"], "change")
    per = number(facts["per"], "per")
    if per <= 0:
        raise ConfigError(path, f"{where}.per: must be above 0, the units that bring the change")
    since = int(number(facts["since"], "since"))
    full = int(number(facts.get("full", since), "full"))
    if not 1900 <= since <= full <= 2200:
        raise ConfigError(path, f"{where}: since and full must be years, since not after full")
    low, high = number(facts.get("low", change), "low"), number(facts.get("high", change), "high")
    if not min(low, high) <= change <= max(low, high):
        raise ConfigError(path, f"{where}: change must lie between low and high")
    return Effect(str(facts["indicator"]), per, change, low, high, since, full)


def _reader(path: Path, where: str) -> Callable[[object, str], float]:
    def number(value: object, key: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(path, f"{where}.{key}: must be a number, not {value!r}")
        return float(value)

    return number
