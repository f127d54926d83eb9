"""Where the lists of data are kept: each step is one transaction over what is there now.

A place's list of a year is one kind of records, so that a page reads that list and no other; what was published last
of each feed is kept beside it, one record a dataset, for the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from mahakam.feeds.standard import Statistics
from mahakam.feeds.year.item import Access, Author, Frequency, Item, Plan, propose
from mahakam.store.protocol import EntityStore, Transaction

KIND, YEARS, RELEASED = "data-plan", "data-plan-years", "data-released"
MOST_ITEMS = 2000
"""Datasets of a place's list in a year."""


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the catalogue of a dataset that was examined: its last published release and what was declared."""

    item: str
    year: int
    period: str
    published: str
    approved: str
    priority: str
    access: Access
    frequency: Frequency
    statistics: Statistics


class TooMany(ValueError):
    """The list of the year is full."""


def years(store: EntityStore, place: str = "") -> list[tuple[str, int]]:
    """(place, year) of every list there is, the latest year first."""
    found = [(name, int(year)) for name, _, year in (key.rpartition("/") for key in store.records(YEARS))]
    return sorted((one for one in found if place in ("", one[0])), key=lambda one: (-one[1], one[0]))


def items(store: EntityStore, place: str, year: int) -> list[Item]:
    """A place's list of a year, in the order in which it was written."""
    found = store.records(_kind(place, year))
    return [msgspec.convert(found[key], Item) for key in sorted(found)]


def item(store: EntityStore, place: str, year: int, key: str) -> Item | None:
    kept = store.record(_kind(place, year), key)
    return msgspec.convert(kept, Item) if kept else None


def released(store: EntityStore, place: str, feed: str) -> Released | None:
    """What was published last of a feed; None if nothing was."""
    kept = store.record(RELEASED, f"{place}/{feed}")
    return msgspec.convert(kept, Released) if kept else None


def add(store: EntityStore, place: str, year: int, plan: Plan, by: Author, at: str) -> Item:
    """Put a dataset on the list under the year's next number: D-2027-001. Raises Refused or TooMany."""

    def work(transaction: Transaction) -> Item:
        kept = transaction.record(YEARS, f"{place}/{year}") or {"count": 0}
        number = int(kept["count"]) + 1
        if number > MOST_ITEMS:
            raise TooMany(f"the list of {place} for {year} has {MOST_ITEMS} datasets")
        made = propose(f"D-{year}-{number:03d}", place, year, plan, by, at)
        transaction.save_record(YEARS, f"{place}/{year}", {"count": number})
        _save(transaction, made)
        return made

    return store.write(work)


def change(store: EntityStore, place: str, year: int, key: str, step: Callable[[Item], Item]) -> Item:
    """Take a step; what was published goes to the catalogue in the same transaction.

    Raises KeyError for a dataset that is not on the list, and what the step raises: then nothing is changed.
    """

    def work(transaction: Transaction) -> Item:
        kept = transaction.record(_kind(place, year), key)
        if kept is None:
            raise KeyError(key)
        before = msgspec.convert(kept, Item)
        after = step(before)
        _save(transaction, after)
        for feed in {before.plan.feed, after.plan.feed} - {""}:
            _tell_catalogue(transaction, after, feed)
        return after

    return store.write(work)


def _tell_catalogue(transaction: Transaction, after: Item, feed: str) -> None:
    """Keep what the catalogue says of a feed up with its item; a later year's word stands over an earlier one's."""
    name = f"{after.place}/{feed}"
    kept = transaction.record(RELEASED, name)
    before = msgspec.convert(kept, Released) if kept else None
    if before and (before.year > after.year or (before.year == after.year and before.item > after.key)):
        return
    now = _last_published(after) if after.plan.feed == feed else None
    if now is not None:
        transaction.save_record(RELEASED, name, msgspec.to_builtins(now))
    elif before and (before.year, before.item) == (after.year, after.key):
        transaction.save_record(RELEASED, name, None)


def _last_published(found: Item) -> Released | None:
    out = [one for one in found.releases if one.state == "published"]
    if not out:
        return None
    last = out[-1]
    said = {event.what: event.at for event in found.events if event.period == last.period}
    return Released(
        item=found.key,
        year=found.year,
        period=last.period,
        published=said["published"],
        approved=said.get("confirmed") or said["approved"],
        priority=found.plan.priority,
        access=found.plan.access,
        frequency=found.plan.frequency,
        statistics=found.plan.statistics,
    )


def _kind(place: str, year: int) -> str:
    return f"{KIND} {place} {year}"


def _save(transaction: Transaction, made: Item) -> None:
    transaction.save_record(_kind(made.place, made.year), made.key, msgspec.to_builtins(made))
