"""The network's yearly cycle: ``cycle:`` of network.yaml (its days), and what the Secretariat noted as done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from mahakam.config import ConfigError, Place, Text, as_text, checked_keys
from mahakam.faults import Changed, refuse
from mahakam.network.plan_status import Rules
from mahakam.network.recommendation import LONGEST_TITLE, Author

Step = Literal["cities", "collated", "report", "meeting", "leaders"]
STEPS: tuple[Step, ...] = ("cities", "collated", "report", "meeting", "leaders")
NOTED: tuple[Step, ...] = ("report", "meeting", "leaders")
"""Steps that the Secretariat notes as done; the first two follow from the cities' updates."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One year: from ``opens`` cities update; ``days`` says until when each step is to be done."""

    year: int
    opens: dt.date
    days: Mapping[Step, dt.date]
    note: Text


class Note(msgspec.Struct, frozen=True):
    """A step that is done: who noted it, when, and where its result is."""

    at: str
    by: Author
    step: Step
    text: str


class Year(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a cycle; ``key`` is its year."""

    key: str
    notes: tuple[Note, ...] = ()

    def done(self, step: Step) -> Note | None:
        return next((one for one in reversed(self.notes) if one.step == step), None)


def cycles_of(place: Place) -> tuple[Cycle, ...]:
    """By year. Raises ConfigError for what is no cycle."""
    path = place.folder / "network.yaml"
    found = place.facts.get("cycle") or []
    if not isinstance(found, list):
        raise ConfigError(path, "cycle: must be a list, one entry a year")
    cycles = [_cycle(path, f"cycle[{at}]", one) for at, one in enumerate(found)]
    years = [one.year for one in cycles]
    if len(set(years)) < len(years):
        raise ConfigError(path, "cycle: a year stands there twice")
    return tuple(sorted(cycles, key=lambda one: one.year))


def _cycle(path: Any, where: str, found: object) -> Cycle:
    if not isinstance(found, Mapping):
        raise ConfigError(path, f"{where}: must be a mapping of year, opens, {', '.join(STEPS)}")
    checked_keys(path, where, found, sorted({"year", "opens", "note", *STEPS}))
    year = found.get("year")
    if not isinstance(year, int) or not 1990 <= year <= 2100:
        raise ConfigError(path, f"{where}: year must be a year, e.g. 2026")
    days: dict[str, dt.date] = {}
    for name in ("opens", *STEPS):
        day = found.get(name)
        if not isinstance(day, dt.date):
            raise ConfigError(path, f"{where}: {name} must be a date, yyyy-mm-dd")
        days[name] = day
    for one, other in (
        ("opens", "cities"),
        ("cities", "collated"),
        ("collated", "report"),
        ("meeting", "leaders"),
    ):
        if days[other] < days[one]:
            raise ConfigError(path, f"{where}: {other} must not come before {one}")
    steps: dict[Step, dt.date] = {step: days[step] for step in STEPS}
    return Cycle(year, days["opens"], steps, as_text(found["note"]) if found.get("note") else {})


def current(cycles: Sequence[Cycle], day: dt.date) -> Cycle | None:
    """The cycle under way: the last that has opened, else the first to come."""
    opened = [one for one in cycles if one.opens <= day]
    return opened[-1] if opened else cycles[0] if cycles else None


def noted(found: Year, step: str, text: str, by: Author, at: str) -> Year:
    """A step is done; ``text`` says where its result is. Raises Refused, and Changed if somebody noted it already."""
    if step not in NOTED:
        raise refuse("step", "choose")
    if not 0 < len(text.strip()) <= LONGEST_TITLE:
        raise refuse("note", "words", most=LONGEST_TITLE)
    if found.done(step) is not None:
        raise Changed
    return msgspec.structs.replace(found, notes=(*found.notes, Note(at, by, step, text.strip())))


_RULES = {
    "late_after_days": "a whole number of days",
    "behind_by": "a share from 0 to 1",
    "path_tolerance": "a share from 0 to 1",
}


def rules_of(place: Place) -> Rules:
    """``plans:`` of network.yaml. Raises ConfigError for what is no rule."""
    path = place.folder / "network.yaml"
    found = place.facts.get("plans") or {}
    if not isinstance(found, Mapping):
        raise ConfigError(path, f"plans: must be a mapping of {', '.join(_RULES)}")
    checked_keys(path, "plans", found, sorted(_RULES))
    for name, value in found.items():
        whole = name == "late_after_days"
        fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not fits or not 0 <= value <= (3650 if whole else 1):
            raise ConfigError(path, f"plans: {name} must be {_RULES[name]}")
    return Rules(**found)
