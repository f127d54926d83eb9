"""A list of data from a file (``plans/YEAR.yaml`` of a place, or one that a steward has), or from the year before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from mahakam.config import ConfigError, as_text, read_yaml
from mahakam.faults import Refused
from mahakam.feeds import standard
from mahakam.feeds.year.desk import add, change, items
from mahakam.feeds.year.item import Access, Author, Frequency, Item, Plan, enlist, propose
from mahakam.store.protocol import EntityStore

_KEYS = ("title", "producer", "feed", "frequency", "first", "access", "priority", "statistics")


def plans_of(path: Path, year: int) -> list[Plan]:
    """The datasets that a file names under ``data``. Raises ConfigError naming file, entry and key."""
    given = read_yaml(path)
    if unknown := [str(key) for key in given if key != "data"]:
        raise ConfigError(path, f"{unknown[0]}: unknown key; a list of data has one key, data")
    listed = given.get("data")
    if not isinstance(listed, list) or not listed:
        raise ConfigError(
            path, "data: must be a list of datasets, each with title, producer, frequency and first"
        )
    found = []
    for number, one in enumerate(listed, 1):
        plan = _plan(path, f"data {number}", one)
        try:
            propose("", "", year, plan, Author("", ""), "")
        except Refused as refused:
            fault = refused.faults[0]
            more = f" (the list is of {year})" if fault.code == "year" else ""
            raise ConfigError(
                path, f"data {number}: {fault.field} is not right: {fault.code}{more}"
            ) from None
        found.append(plan)
    return found


def _plan(path: Path, where: str, given: Any) -> Plan:
    if not isinstance(given, Mapping):
        raise ConfigError(path, f"{where}: must be a mapping (key: value), not {given!r}")
    for key in given:
        if key not in _KEYS:
            raise ConfigError(path, f"{where}.{key}: unknown key (known: {', '.join(_KEYS)})")
    if given.get("title") in (None, "") or given.get("first") is None:
        raise ConfigError(path, f"{where}: needs a title and the day of its first release")
    if given.get("statistics") and (said := standard.problem(given["statistics"])):
        raise ConfigError(path, f"{where}.statistics: {said}")
    return Plan(
        title=dict(as_text(given["title"])),
        producer=str(given.get("producer", "")),
        feed=str(given.get("feed", "")),
        frequency=cast(
            "Frequency", str(given.get("frequency", ""))
        ),  # propose judges it, and what access it has
        first=str(given["first"]),
        access=cast("Access", str(given.get("access", "open"))),
        priority=str(given.get("priority", "")),
        statistics=standard.read(given.get("statistics") or {}),
    )


def carried(before: Iterable[Item], year: int) -> list[Plan]:
    """What was listed the year before, each on the same day of this one."""
    return [
        msgspec.structs.replace(one.plan, first=_moved(one.plan.first, year))
        for one in before
        if one.state == "listed"
    ]


def take(
    store: EntityStore,
    place: str,
    year: int,
    plans: Iterable[Plan],
    by: Author,
    at: str,
    *,
    listed: bool = False,
) -> list[Item]:
    """Propose each that the year's list does not have yet (same name and producer), and list them if asked to."""
    made = []
    for plan in new_ones(plans, items(store, place, year)):
        one = add(store, place, year, plan, by, at)
        if listed:
            one = change(store, place, year, one.key, lambda found: enlist(found, found.revision, by, at))
        made.append(one)
    return made


def new_ones(plans: Iterable[Plan], there: Iterable[Item]) -> list[Plan]:
    """The plans that a list does not have yet, each once: the same name of the same producer is the same."""
    known = {_same(one.plan) for one in there}
    found = []
    for plan in plans:
        if _same(plan) not in known:
            known.add(_same(plan))
            found.append(plan)
    return found


def _same(plan: Plan) -> tuple[frozenset[str], str]:
    return frozenset(text.casefold() for text in plan.title.values()), plan.producer.casefold()


def _moved(day: str, year: int) -> str:
    before = dt.date.fromisoformat(day)
    return dt.date(year, before.month, min(before.day, 28) if before.month == 2 else before.day).isoformat()
