"""Requests passed on: transferred with a reason, shared with other agencies, split into several, merged into one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mahakam.broker.broker import Broker
from mahakam.broker.writes import Create, Modify, Write
from mahakam.config import Place, scope_of
from mahakam.ngsild import patch
from mahakam.ngsild.draft import Draft as EntityDraft
from mahakam.ngsild.entity import Document
from mahakam.ngsild.problem import not_found
from mahakam.services import consent, followers, private
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import Changed, Desk, absorbed, revision_of
from mahakam.services.numbers import give_number
from mahakam.services.request import (
    Fault,
    Refused,
    Request,
    Step,
    clean,
    entity_id,
    to_document,
    words_faults,
)
from mahakam.services.routing import TRIAGE, Routing, routing_of, team_name
from mahakam.services.states import OPEN

MOST_PARTS = 10


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a request that becomes one of its own: what it is about, in its own words ("": the first one's)."""

    service: str
    description: str = ""


@dataclass(frozen=True)
class Handover:
    """Passes requests on. The reasons are public, as is everything in a request's course."""

    desk: Desk
    broker: Broker
    places: Mapping[str, Place]

    def transfer(self, number: str, revision: int, to: str, reason: str, author: str) -> Request:
        """Give a request to another team, which leads from now on; others that share it keep it.

        Raises Refused (no such team, no reason, settled already), Changed, Problem.
        """
        routing = self._routing(number)

        def decide(before: Request, words: str) -> Step:
            found = _team_faults(routing, to) + words_faults("reason", words)
            if to in before.routed[:1]:
                found.append(Fault("to", "same", {"to": to}))
            self._refuse(before, found)
            name = next(iter(team_name(routing, to).values())) if to != TRIAGE else before.agency
            return Step(before.state, "", name, words, "transferred", (to,))

        before = self._request(number)
        routed = [to, *(team for team in before.routed[1:] if team != to)]
        return self.desk.advance(number, revision, reason, decide, author, {"routedTo": routed})

    def share(self, number: str, revision: int, to: Sequence[str], reason: str, author: str) -> Request:
        """Let other teams work on a request as well; who leads stays. Raises as :meth:`transfer` does."""
        routing = self._routing(number)

        def decide(before: Request, words: str) -> Step:
            found = [fault for team in to or [""] for fault in _team_faults(routing, team)]
            found += words_faults("reason", words)
            found += [Fault("to", "same", {"to": team}) for team in to if team in before.routed]
            self._refuse(before, found)
            return Step(before.state, "", before.agency, words, "shared", tuple(to))

        before = self._request(number)
        routed = list(dict.fromkeys([*(before.routed or (TRIAGE,)), *to]))
        return self.desk.advance(number, revision, reason, decide, author, {"routedTo": routed})

    def split(
        self, number: str, revision: int, parts: Sequence[Part], reason: str, author: str
    ) -> tuple[Request, list[str]]:
        """Make requests of their own out of parts of one, routed by the city's rules; the first one stays as it is.

        They have its place, photos, contact and date, so that the clock of the resident does not start anew.
        Asked again with the same revision it makes them once. Returns the first one and the numbers of the parts.
        Raises Refused, Changed, Problem.
        """
        before = self._request(number)
        if revision_of(before) != revision:
            raise Changed(before)
        reason = clean(reason)
        faults = self._part_faults(before, parts) + words_faults("reason", reason)
        self._refuse(before, faults)
        place = self.places[before.place]
        kept = self.desk.private(number)
        made: list[tuple[str, Write]] = []
        for at, part in enumerate(parts):
            key = f"split {number} {revision} {at} {part.service}"
            now = dt.datetime.now(dt.UTC)
            child, _new = give_number(self.broker.store, place, now, key)
            if kept.contact or kept.person:
                private.set_contact(self.broker.store, child, kept.contact, kept.person)
            followers.take_along(self.broker.store, number, child, 0)
            consent.take_along(self.broker.store, number, child)
            new = self.desk.part_of(before, child, part.service, clean(part.description), now, reason)
            document = to_document(new, scope_of(place, self.places))
            made.append((child, Create(EntityDraft.of(document))))
        numbers = [child for child, _ in made]

        def decide(seen: Request, words: str) -> Step:
            return Step(seen.state, "", seen.agency, words, "split", tuple(numbers))

        others = [write for _, write in made]
        return self.desk.advance(number, revision, reason, decide, author, others=others), numbers

    def merge(
        self, number: str, revision: int, into: str, reason: str, author: str
    ) -> tuple[Request, Request]:
        """Let a request continue as another one of the same place: it is closed, its course and its followers stay,
        and all news of the other one come into its course. Returns both.

        Raises Refused, Changed (of the one that ends), Problem.
        """
        target = self._request(into)

        def decide(before: Request, words: str) -> Step:
            found = words_faults("reason", words, 0)
            if before.number == target.number or before.place != target.place:
                found.append(Fault("into", "other", {"into": into}))
            if target.merged_into or target.state not in OPEN:
                found.append(Fault("into", "settled", {"into": into}))
            self._refuse(before, found)
            return Step("closed", "", before.agency, words, "merged", (target.number,))

        ended = self._request(number)
        numbers = (ended.number, *absorbed(ended))

        def absorb(document: Document, at: str) -> patch.Change:
            seen = self.desk.whole_of(document)
            if seen.merged_into or seen.state not in OPEN:
                raise Refused([Fault("into", "settled", {"into": into})])
            step = Step(seen.state, at, seen.agency, "", "absorbed", numbers)
            return self.desk.added(document, seen, step, {})

        def follow_on(document: Document, at: str) -> patch.Change:
            return patch.merge(document, {"mergedInto": {"type": "Property", "value": target.number}}, at)

        others: list[Write] = [Modify(entity_id(target.number), absorb, ruled=True)]
        others += [Modify(entity_id(one), follow_on, ruled=True) for one in absorbed(ended)]
        more = {"mergedInto": target.number}
        merged = self.desk.advance(number, revision, reason, decide, author, more, others)
        return merged, self._request(into)

    # How

    def _request(self, number: str) -> Request:
        found = self.desk.whole(number)
        if found is None:
            raise not_found(entity_id(number))
        return found

    def _routing(self, number: str) -> Routing | None:
        place = self.places.get(self._request(number).place)
        return routing_of(place, self.places) if place else None

    def _part_faults(self, before: Request, parts: Sequence[Part]) -> list[Fault]:
        offered = catalogue(self.places[before.place], self.places)
        if not 1 <= len(parts) <= MOST_PARTS:
            return [Fault("parts", "many", {"most": MOST_PARTS, "count": len(parts)})]
        unknown = [part.service for part in parts if part.service not in offered]
        found = [Fault("parts", "unknown", {"service": unknown[0][:80]})] if unknown else []
        return found + [
            fault
            for part in parts
            if part.description
            for fault in words_faults("parts", clean(part.description))
        ]

    @staticmethod
    def _refuse(before: Request, faults: Sequence[Fault]) -> None:
        if before.merged_into or before.state not in OPEN:
            faults = [Fault("form", "settled", {"state": before.state}), *faults]
        if faults:
            raise Refused(faults)


def _team_faults(routing: Routing | None, team: str) -> list[Fault]:
    known = [TRIAGE, *routing.teams()] if routing else []
    return [] if team in known else [Fault("to", "unknown", {"to": team[:80]})]
