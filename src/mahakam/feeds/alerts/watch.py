"""Looks at every feed, and tells each trouble once when it begins and once when it has ended.

An alert is an NGSI-LD entity (Smart Data Models, ``Alert``), so that any subscription (a webhook, MQTT) is told of it;
letters are owed in the same transaction, so that neither is lost nor sent twice by a process that is killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from mahakam.broker.clock import text_of
from mahakam.broker.writes import Create, Modify
from mahakam.config import ConfigError, Place, scope_of
from mahakam.feeds.alerts.trouble import KINDS, Kind, Trouble, troubles
from mahakam.feeds.alerts.wanted import Wanted, wanted
from mahakam.feeds.known import feed_of, public
from mahakam.feeds.parts import Parts
from mahakam.feeds.turn import last_turn
from mahakam.ngsild import patch
from mahakam.ngsild.draft import Draft
from mahakam.ngsild.problem import Problem
from mahakam.store.protocol import EntityStore, Transaction

KIND = "feed-alert"
TYPE = "Alert"
AUTHOR = "alerts"
_SEVERITY = {"failed": "high", "late": "medium", "quality": "medium"}


@dataclass(frozen=True, slots=True)
class Alert:
    """A trouble of a feed. ``told``, ``ended``: when it was told of, and when it was seen to be over; ISO 8601 UTC,
    "" for not yet.
    """

    place: str
    feed: str
    kind: Kind
    since: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""
    ended: str = ""

    @property
    def key(self) -> str:
        return f"{self.place}/{self.feed}/{self.kind}"

    @property
    def id(self) -> str:
        """Of its entity: another time it is another one."""
        return f"urn:ngsi-ld:{TYPE}:{self.place}:{self.feed}:{self.kind}:{self.told}"


Describe = Callable[[Alert], Mapping[str, str]]
"""An alert in words, by language."""
Tell = Callable[[Transaction, Alert, Wanted], None]
"""Owe what people are to be sent of an alert that begins or has ended."""


def open_alerts(store: EntityStore, place: str = "") -> list[Alert]:
    """What is wrong now, the newest first."""
    found = [_alert(key, raw) for key, raw in store.records(KIND).items()]
    return sorted((one for one in found if place in ("", one.place)), key=lambda one: one.since, reverse=True)


class Alerts:
    """Watches the feeds of a node."""

    def __init__(self, parts: Parts, describe: Describe, tell: Tell) -> None:
        self._parts = parts
        self._describe = describe
        self._tell = tell

    def look(self, now: datetime | None = None) -> list[Alert]:
        """The alerts that have begun or ended since the last look, each told."""
        at = now or datetime.now(UTC)
        known = {alert.key: alert for alert in open_alerts(self._parts.store)}
        changed: list[Alert] = []
        for place, name in self._feeds():
            own = {kind: known.pop(f"{place.id}/{name}/{kind}", None) for kind in KINDS}
            found, asked = self._found(place, name, own["quality"], at)
            for kind, alert in own.items():
                trouble = found.get(kind)
                if trouble and alert is None:
                    begun = Alert(place.id, name, kind, trouble.since, trouble.facts, text_of(at))
                    changed += self._begin(begun, asked)
                elif alert and trouble is None:
                    changed += self._end(alert, at, asked)
        for alert in known.values():  # of feeds that are no more
            changed += self._end(alert, at, Wanted())
        return changed

    def _feeds(self) -> Iterator[tuple[Place, str]]:
        for place in self._parts.places.values():
            for name in place.files("feeds"):
                yield place, name

    def _found(
        self, place: Place, name: str, quality: Alert | None, at: datetime
    ) -> tuple[dict[Kind, Trouble], Wanted]:
        store = self._parts.store
        runs = store.runs(place.id, name, limit=20)
        asked = Wanted()
        try:
            asked = wanted(place, self._parts.places, {}, place.folder)
            feed = feed_of(place, name)
            asked = wanted(place, self._parts.places, feed.alerts, feed.path, feed.owner)
        except ConfigError as error:
            since = runs[0].started if runs else text_of(at)
            return {"failed": Trouble("failed", since, {"message": public(place, str(error))})}, asked
        before = quality.facts.get("before") if quality else None
        found = troubles(
            feed,
            runs,
            store.count_held(place.id, name),
            asked,
            at,
            before,
            last_turn(self._parts.data, place.id, name),
        )
        return {trouble.kind: trouble for trouble in found}, asked

    def _begin(self, alert: Alert, asked: Wanted) -> list[Alert]:
        place = self._parts.places[alert.place]
        document = {
            "id": alert.id,
            "type": TYPE,
            "scope": scope_of(place, self._parts.places),
            "category": _property("dataQuality" if alert.kind == "quality" else "feed"),
            "subCategory": _property(alert.kind),
            "severity": _property(_SEVERITY[alert.kind]),
            "status": _property("open"),
            "dateIssued": _property({"@type": "DateTime", "@value": alert.since}),
            "alertSource": _property(f"{alert.place}/{alert.feed}"),
            "description": {"type": "LanguageProperty", "languageMap": dict(self._describe(alert))},
            "data": _property(dict(alert.facts)),
        }

        def also(transaction: Transaction) -> None:
            if transaction.record(KIND, alert.key) is not None:
                raise _told_already(alert)
            raw = {"since": alert.since, "facts": dict(alert.facts), "told": alert.told}
            transaction.save_record(KIND, alert.key, raw)
            self._tell(transaction, alert, asked)

        return self._together(alert, Create(Draft.of(document)), also)

    def _end(self, alert: Alert, at: datetime, asked: Wanted) -> list[Alert]:
        ended = replace(alert, ended=text_of(at))
        fragment = {
            "status": _property("closed"),
            "validTo": _property({"@type": "DateTime", "@value": ended.ended}),
        }

        def also(transaction: Transaction) -> None:
            if transaction.record(KIND, alert.key) is None:
                raise _told_already(alert)
            transaction.save_record(KIND, alert.key, None)
            self._tell(transaction, ended, asked)

        change = partial(_merged, fragment)
        return self._together(ended, Modify(alert.id, change), also)

    def _together(
        self, alert: Alert, write: Create | Modify, also: Callable[[Transaction], None]
    ) -> list[Alert]:
        try:
            self._parts.broker.together([write], AUTHOR, also)
        except Problem as problem:
            if problem.kind == "ResourceNotFound":  # somebody has deleted the entity
                self._parts.store.write(also)
                return [alert]
            if problem.kind != "AlreadyExists":
                raise
            return []  # another process was first
        return [alert]


def _told_already(alert: Alert) -> Problem:
    return Problem("AlreadyExists", "Told already", alert.key)


def _merged(fragment: Mapping[str, Any], document: dict[str, Any], at: str) -> patch.Change:
    return patch.merge(document, dict(fragment), at)


def _alert(key: str, raw: Mapping[str, Any]) -> Alert:
    place, feed, kind = key.split("/")
    return Alert(place, feed, kind, raw["since"], raw["facts"], raw["told"])  # type: ignore[arg-type]


def _property(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}
