"""Late releases: whoever a release lies with past its day is told, and told again each week until it moves on.

What was told is kept in the same transaction that owes the letters, so that none is lost and none sent twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from mahakam.config import ConfigError, Place
from mahakam.feeds.alerts.wanted import Wanted, wanted
from mahakam.feeds.year.calendar import Due, allowed_of, year_of
from mahakam.feeds.year.desk import items, years
from mahakam.store.protocol import EntityStore, Transaction

KIND = "release-told"
AGAIN = dt.timedelta(days=7)
"""After so many days of the same lateness it is told again."""
Tell = Callable[[Transaction, Place, str, Sequence[Due], dt.date, Wanted], None]
"""Owe a letter to an address about the late releases of a place that concern it, on a day."""


class Reminding:
    """Tells of the late releases of all places. ``tell`` owes the letters."""

    def __init__(self, store: EntityStore, places: Mapping[str, Place], tell: Tell) -> None:
        self._store = store
        self._places = places
        self._tell = tell

    def look(self, now: dt.datetime | None = None) -> int:
        """Tell what is new or a week old; how many releases were told of."""
        at = now or dt.datetime.now(dt.UTC)
        told = 0
        for name in dict.fromkeys(place for place, _ in years(self._store)):
            if name in self._places:
                told += self._of_place(self._places[name], at)
        return told

    def _of_place(self, place: Place, at: dt.datetime) -> int:
        day = at.astimezone(ZoneInfo(place.timezone)).date()
        try:
            late = {_key(place, one): one for one in self._calendar(place) if one.late(day)}
            asked = {key: self._wanted(place, one) for key, one in late.items()}
        except ConfigError:  # said where the configuration is looked at; other places are told all the same
            return 0
        concerned = {key: one for key, one in late.items() if asked[key].mail}
        known = self._store.records(KIND)
        gone = [key for key in known if key.startswith(f"{place.id}/") and key not in late]
        if not gone and not any(_is_news(one, known.get(key), day) for key, one in concerned.items()):
            return 0

        def work(transaction: Transaction) -> int:
            fresh = {
                key: one
                for key, one in concerned.items()
                if _is_news(one, transaction.record(KIND, key), day)
            }
            for key, one in fresh.items():
                transaction.save_record(KIND, key, _said(one, day))
            for address in dict.fromkeys(mail for key in fresh for mail in asked[key].mail):
                own = [key for key in fresh if address in asked[key].mail]
                self._tell(transaction, place, address, [fresh[key] for key in own], day, asked[own[0]])
            for key in gone:
                transaction.save_record(KIND, key, None)
            return len(fresh)

        return self._store.write(work)

    def _calendar(self, place: Place) -> Iterator[Due]:
        allowed = allowed_of(place)
        for _, year in years(self._store, place.id):
            yield from year_of(items(self._store, place.id, year), allowed)

    def _wanted(self, place: Place, due: Due) -> Wanted:
        """The producer's own addresses are told of what lies with it; the place's of all."""
        owner = due.item.plan.producer if due.holder == "producer" else ""
        return wanted(place, self._places, {}, place.folder, owner)


def _key(place: Place, due: Due) -> str:
    return f"{place.id}/{due.item.key}/{due.period}"


def _said(due: Due, day: dt.date) -> dict[str, Any]:
    return {"state": due.state, "until": due.until.isoformat(), "day": day.isoformat()}


def _is_news(due: Due, kept: Mapping[str, Any] | None, day: dt.date) -> bool:
    if kept is None or (kept["state"], kept["until"]) != (due.state, due.until.isoformat()):
        return True
    return day - dt.date.fromisoformat(kept["day"]) >= AGAIN
