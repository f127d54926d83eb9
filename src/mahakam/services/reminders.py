"""What is due soon or late is told, once: to the team before a target, up the agency after it.

Every telling is a record written in the transaction of what it does, so that neither a restart nor a second worker
repeats it, and what was due while the node was down is made up for.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mahakam.broker.broker import Broker
from mahakam.config import ConfigError, Place, scope_of
from mahakam.ngsild.problem import Problem
from mahakam.services import private
from mahakam.services.calendar import Calendar
from mahakam.services.clock import promise_of
from mahakam.services.desk import Changed, Desk, revision_of
from mahakam.services.queue import Queue, Waiting
from mahakam.services.request import Request, Step, contact_faults, utc_text
from mahakam.services.routing import Routing, routing_of
from mahakam.store.protocol import Transaction

_TOLD = "request-told"
_MOST = 1_000_000
_WARNING = 0
_AUTHOR = "clock"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What one round did: teams warned, agencies told."""

    warned: int = 0
    escalated: int = 0


class Teller(Protocol):
    """Tells people outside of the workbench, in the transaction of what it tells of."""

    def __call__(self, transaction: Transaction, request: Request, to: Sequence[str], above: str) -> None:
        """``to``: e-mail addresses; ``above``: the agency that it was escalated to, "" for a warning before."""


@dataclass(frozen=True)
class Reminders:
    """One round of them at a time is run by the process that leads."""

    desk: Desk
    broker: Broker
    places: Mapping[str, Place]
    tell: Teller | None = None

    def run(self, now: dt.datetime | None = None) -> Told:
        """Tell everything that is to be told by now, in every city that has a routing."""
        at, warned, escalated = now or dt.datetime.now(dt.UTC), 0, 0
        for place in self.places.values():
            if place.kind != "city":
                continue
            try:
                routing = routing_of(place, self.places)
                told = self._city(place, routing, at) if routing else Told()
            except (ConfigError, OverflowError) as error:
                _log.error("what is late in %s is not told: %s", place.id, error)
                continue
            warned, escalated = warned + told.warned, escalated + told.escalated
        return Told(warned, escalated)

    def _city(self, place: Place, routing: Routing, now: dt.datetime) -> Told:
        scope = scope_of(place, self.places)
        calendar = promise_of(place, self.places).calendar
        kind = f"{_TOLD} {scope}"
        told = set(self.broker.store.record_keys(kind, _MOST))
        until = (calendar.due(now, routing.warn) if routing.warn else now) + dt.timedelta(seconds=1)
        near = Queue(self.broker).due(Waiting(scope, late_at=utc_text(until)), _MOST)
        warned = escalated = 0
        for due, id in near:
            moment = dt.datetime.fromisoformat(due)
            for level, at in self._levels(calendar, routing, moment):
                key = f"{id} {due} {level}"
                if at <= now and key not in told:
                    if level == _WARNING:
                        warned += self._warn(id, routing, kind, key, now < moment)
                    else:
                        escalated += self._escalate(id, due, routing, level, kind, key)
        self._forget(kind, told, {f"{id} {due}" for due, id in near})
        return Told(warned, escalated)

    @staticmethod
    def _levels(calendar: Calendar, routing: Routing, due: dt.datetime) -> Iterator[tuple[int, dt.datetime]]:
        """When the team is warned (level 0), then each agency above."""
        if routing.warn:
            yield _WARNING, calendar.before(due, routing.warn)
        for level, days in enumerate(routing.escalate, 1):
            yield level, calendar.due(due, days) if days else due

    def _warn(self, id: str, routing: Routing, kind: str, key: str, early: bool) -> bool:
        """Note it for the team; what was missed while the node was down is not warned of after the target."""
        document = self.broker.get(id)
        if document is None:
            return False
        request = self.desk.of(document)

        def work(transaction: Transaction) -> bool:
            if transaction.record(kind, key) is not None:
                return False
            transaction.save_record(kind, key, {})
            if early:
                kept = transaction.record(private.KIND, request.number) or {}
                noted = private.noted(kept, _AUTHOR, request.due_stage, "warned")
                transaction.save_record(private.KIND, request.number, noted)
                if self.tell:
                    self.tell(transaction, request, _addresses(routing, request, kept), "")
            return early

        return self.broker.transact(work)

    def _escalate(self, id: str, due: str, routing: Routing, level: int, kind: str, key: str) -> bool:
        """Tell the agency so many levels above: it has the request in its queue from now on, and everybody sees it."""
        document = self.broker.get(id)
        request = self.desk.of(document) if document else None
        if request is None or request.due != due:
            return False
        above = routing.above(request.routed[0], level) if request.routed else None

        def decide(before: Request, _words: str) -> Step:
            assert above is not None
            return Step(before.state, "", before.agency, "", "escalated", (above.code,))

        def note(transaction: Transaction) -> None:
            transaction.save_record(kind, key, {})

        def escalated(transaction: Transaction) -> None:
            note(transaction)
            if self.tell and above is not None:
                kept = transaction.record(private.KIND, request.number) or {}
                to = [above.contact, *_addresses(routing, request, kept)]
                self.tell(transaction, request, list(dict.fromkeys(filter(None, to))), above.code)

        if above is None or (request.steps[-1].act == "escalated" and above.code in request.steps[-1].to):
            self.broker.transact(note)  # there is nobody (else) above
            return False
        routed = list(dict.fromkeys([*request.routed, above.code]))
        try:
            self.desk.advance(
                request.number,
                revision_of(request),
                "",
                decide,
                _AUTHOR,
                {"routedTo": routed},
                also=escalated,
            )
        except (Changed, Problem) as error:
            _log.info("%s: %s; looked at again in the next round", request.number, error)
            return False
        return True

    def _forget(self, kind: str, told: set[str], near: set[str]) -> None:
        """Drop the records of what is no longer near its target."""
        over = [key for key in told if key.rpartition(" ")[0] not in near]

        def work(transaction: Transaction) -> None:
            for key in over:
                transaction.save_record(kind, key, None)

        if over:
            self.broker.transact(work)


def _addresses(routing: Routing, request: Request, kept: Mapping[str, Any]) -> list[str]:
    """The e-mail of the officer who works on it, where the account is named by one, and of the teams."""
    officer = str(kept.get("assignee", ""))
    to = [officer if "@" in officer else "", *(routing.contact(team) for team in request.routed)]
    return [one for one in dict.fromkeys(to) if one and not contact_faults(one)]
