"""Where requests are taken in, looked up and answered; every change goes through the broker."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from mahakam.access.secrets import signing_secret
from mahakam.broker.broker import Broker
from mahakam.broker.sight import Sight, masked
from mahakam.broker.writes import Modify, Write
from mahakam.config import LANGUAGES, Place, place_of, scope_of
from mahakam.ngsild import patch
from mahakam.ngsild.core import NULL
from mahakam.ngsild.entity import Document, scopes_of
from mahakam.ngsild.problem import not_found
from mahakam.ngsild.selection import And, Compare, Comparison, Condition, Geo, Scopes, Selection, Types
from mahakam.ngsild.selection import Path as AttributePath
from mahakam.services import area, booking, consent, dated, followers, personal, private
from mahakam.services.catalogue import Service, catalogue
from mahakam.services.clock import Mark, Promise, marks, next_due, promise_of
from mahakam.services.duplicates import Likely, farthest, likely, reach_of
from mahakam.services.form import check
from mahakam.services.moves import own, resident_way, start_of, state_of, taken, way_to, workflow_of
from mahakam.services.needs import unmet
from mahakam.services.numbers import number_given, number_in
from mahakam.services.photo import confirm_photo, has_photo
from mahakam.services.purposes import CONTACT, PHOTOS, UPDATES, Purpose, purposes_of
from mahakam.services.queue import has_lists
from mahakam.services.request import (
    LONGEST_ADDRESS,
    MOST_PHOTOS,
    MOST_WORK_PHOTOS,
    TYPE,
    Draft,
    Fault,
    Private,
    Refused,
    Request,
    Step,
    WorkPhoto,
    clean,
    contact_faults,
    course_attributes,
    entity_id,
    from_document,
    to_document,
    utc_text,
    words_faults,
    work_photo_values,
)
from mahakam.services.routing import TRIAGE, route, routing_of, team_name
from mahakam.services.states import OPEN
from mahakam.services.villages import VILLAGES, areas_of, village_of
from mahakam.services.workflow import OFFICER, Transition, Who, Workflow, WorkflowState
from mahakam.store.protocol import EntityStore, Transaction


class Changed(Exception):
    """Somebody else changed the request in between; ``request`` is how it stands now."""

    def __init__(self, request: Request) -> None:
        super().__init__(f"{request.number} was changed by somebody else in the meantime")
        self.request = request


@dataclass(frozen=True, slots=True)
class Sent:
    """``new`` is False for a form that was sent twice: the number is that of the first."""

    number: str
    new: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests: of a place (its scope) and those below, of services, in some states; "", (): all.

    ``since`` and ``until`` bound when it was requested, ``changed_since`` and ``changed_until`` its last news
    (ISO 8601 UTC, to the second); ``late_at``: what the city owed before that moment and has not done; ``team``: an
    agency's or team's only.
    """

    scope: str = ""
    services: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    changed_since: str = ""
    changed_until: str = ""
    late_at: str = ""
    team: str = ""

    def selection(self) -> Selection:
        parts: list[Condition] = []
        if self.services:
            parts.append(Compare(AttributePath("serviceCode"), "==", self.services))
        if self.team:
            pattern = f"^{re.escape(self.team)}(/|$)"
            parts.append(Compare(AttributePath("routedTo"), "~=", (pattern,)))
        bounds: tuple[tuple[str, Comparison, str], ...] = (
            ("requestedDatetime", ">=", self.since),
            ("requestedDatetime", "<=", self.until),
            ("updatedDatetime", ">=", self.changed_since),
            ("updatedDatetime", "<=", self.changed_until),
            ("dueDatetime", "<", self.late_at),
        )
        parts += [Compare(AttributePath(name), operator, (at,)) for name, operator, at in bounds if at]
        if self.states:
            parts.append(Compare(AttributePath("status"), "==", self.states))
        return Selection(
            types=_TYPES,
            condition=And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None,
            scopes=Scopes(((f"{self.scope}/#",),)) if self.scope else None,
        )


_TYPES = Types(((TYPE,),))
LISTED = frozenset({"serviceCode", "status", "requestedDatetime", "dueDatetime", "routedTo", "mergedInto"})
"""The attributes by which requests stand in the node's lists (``services.queue``, ``services.dated``)."""
_NEAR, _SPARE, _TRIES, _WIDER = 5000, 20, 3, 16
T = TypeVar("T")


class Desk:
    """The requests of a node, looked up as somebody sees them (``sight``; None: the node itself, which sees all).

    What is done with a request is done with all of it, whatever is seen.
    """

    def __init__(
        self, broker: Broker, places: Mapping[str, Place], data: Path, sight: Sight | None = None
    ) -> None:
        self._broker = broker
        self._seen = broker if sight is None else broker.seen(sight)
        self._places = places
        self._data = data

    @property
    def broker(self) -> Broker:
        """The one way to the requests."""
        return self._broker

    @property
    def store(self) -> EntityStore:
        """Where what belongs to requests is kept."""
        return self._broker.store

    # Taking in

    def faults(self, draft: Draft) -> list[Fault]:
        """Everything that is wrong with a draft, in the order of the form's fields."""
        place = self._places.get(draft.place)
        if place is None:
            return [Fault("place", "unknown", {"place": draft.place})]
        found = self._service_faults(place, draft.service)
        found += self._point_faults(place, draft.point)
        found += words_faults("description", clean(draft.description))
        found += self._photo_faults(draft.photos)
        if len(draft.address) > LONGEST_ADDRESS:
            found.append(Fault("address", "long", {"most": LONGEST_ADDRESS, "length": len(draft.address)}))
        return found + self._answer_faults(place, draft) + contact_faults(draft.contact.strip())

    def send(
        self,
        draft: Draft,
        now: dt.datetime | None = None,
        settled: Step | None = None,
        *,
        checked: bool = False,
    ) -> Sent:
        """Take a request in: photo; number, contact and entity in one transaction.

        The same ``idempotency`` key again gives the first one's number and changes nothing. ``settled``: the answer
        that it has got already, elsewhere. ``checked``: :meth:`faults` has just found none. Raises Refused with every
        fault, or Problem if the place's own contract refuses it.
        """
        found = [] if checked else self.faults(draft)
        if found:
            raise Refused(found)
        place = self._places[draft.place]
        assert draft.point is not None
        at = now or dt.datetime.now(dt.UTC)
        store, key = self._broker.store, draft.idempotency
        given = number_given(store, place, key)
        if given is not None and self._broker.get(entity_id(given)) is not None:
            return Sent(given, False)
        draft, matter = self._divided(place, draft)
        first, scope = self._first(place, draft, "", at), scope_of(place, self._places)
        first = self._answered(first, settled) if settled else first
        contact = draft.contact.strip()
        secret = signing_secret(store) if contact else ""
        for name in matter.photos if matter else draft.photos:
            confirm_photo(self._data, name)
        language, agreed = draft.language or LANGUAGES[0], self._agreed(place, draft, matter)
        who = consent.hash_of(store, contact.casefold()) if agreed else ""
        number = ""

        def make(transaction: Transaction) -> Document | None:
            nonlocal number

            def stored(number: str) -> bool:
                return transaction.get(entity_id(number)) is not None

            number, new = number_in(transaction, place, at, key, stored)
            if not new and stored(number):  # the same form, sent twice at the same time
                return None
            if contact or draft.person:
                private.put_contact(transaction, number, contact, draft.person)
            if contact:
                followers.put(transaction, secret, number, contact, language, owner=True)
            if matter:
                personal.put(transaction, number, place.id, matter)
            for purpose in agreed:
                consent.give(transaction, number, purpose, utc_text(at), draft.how, language, who=who)
            return to_document(replace(first, number=number), scope)

        new = self._broker.create_as(make)
        return Sent(number, new)

    def _agreed(self, place: Place, draft: Draft, matter: personal.Matter | None) -> list[Purpose]:
        """What whoever sends this agrees to, by what they gave and need not give."""
        codes = [CONTACT, UPDATES] if draft.contact.strip() else []
        codes += [PHOTOS] if draft.photos or (matter and matter.photos) else []
        known = purposes_of(place, self._places) if codes else {}
        return [known[code] for code in codes]

    def near(
        self, place: Place, service: str, point: area.Point, words: str = "", besides: str = ""
    ) -> list[Likely]:
        """Open requests that may be the same problem as a new one with these words, the likeliest first.

        ``besides``: the number of one that is none of them, for what was sent already.
        """
        offered = catalogue(place, self._places).get(service)
        own = personal.personal_codes(catalogue(place, self._places))
        if service in own:
            return []
        selection = _near(Wanted(scope_of(place, self._places), states=OPEN), point, farthest(offered))
        found = map(self.of, self._seen.query(selection, 200))
        public = [request for request in found if request.service not in own and request.number != besides]
        return likely(public, service, reach_of(offered), point, words)

    # Looking up

    def request(self, number: str) -> Request | None:
        """The request with a number; None if there is none."""
        document = self._seen.get(entity_id(number))
        return self.of(document) if document else None

    def whole(self, number: str) -> Request | None:
        """The same with what the reader may not see: for what is decided or done, never to be shown."""
        document = self._broker.get(entity_id(number))
        return self.whole_of(document) if document else None

    def of(self, document: Mapping[str, Any]) -> Request:
        """The request that an entity stands for."""
        place = place_of(scopes_of(document), self._places)
        hidden = self._seen.sight.hidden(document) if self._seen.sight else frozenset[str]()
        request = from_document(document, place.id if place else "", hidden)
        if "timeline" not in hidden or request.steps:
            return request
        # Whoever may not read the course may go on with it: a form needs to know how far it is.
        whole = self._broker.get(str(document["id"]))
        return replace(request, unseen=len(from_document(whole, "").steps)) if whole else request

    def whole_of(self, document: Mapping[str, Any]) -> Request:
        """The same of an entity from which nothing was taken."""
        return replace(self.of(document), hidden=frozenset())

    def count(self, wanted: Wanted) -> int:
        lists = self._dated(wanted)
        if lists:
            return dated.count(self.store, lists, wanted.since, wanted.until)
        return self._seen.count(wanted.selection())

    def newest(self, wanted: Wanted, limit: int, offset: int = 0) -> list[Request]:
        """Some requests, the newest first."""
        found = self._newest(self._seen.query, self._seen.get, wanted, limit, offset, scopes_of)
        return list(map(self.of, found))

    def newest_bodies(
        self, wanted: Wanted, limit: int, offset: int, scopes: Callable[[bytes], Sequence[str]]
    ) -> list[bytes]:
        """The same as the entities are kept: JSON, of which ``scopes`` knows the scopes."""
        return self._newest(self._seen.bodies, self._seen.body, wanted, limit, offset, scopes)

    def _newest(
        self,
        read: Callable[[Selection, int, int, int], list[T]],
        get: Callable[[str], T | None],
        wanted: Wanted,
        limit: int,
        offset: int,
        scopes: Callable[[T], Sequence[str]],
    ) -> list[T]:
        """The store reads in the order of creation: a page near its end is looked for from there, in every place's
        requests, which costs the same however much is kept; one that is far from it, or of some requests only, is read
        from the lists by date, or, where there are none for what is asked, counted from the beginning."""
        everywhere, need = replace(wanted, scope="").selection(), offset + limit
        some = wanted.services or wanted.states or wanted.since or wanted.until
        lists = self._dated(wanted) if some or need > _NEAR else ()
        if lists:
            ids = dated.newest(self.store, lists, limit, offset, wanted.since, wanted.until)
            return [one for one in map(get, ids) if one is not None]
        last, window = self._broker.store.last(), need + _SPARE
        for _try in range(_TRIES if need <= _NEAR else 0):
            start = max(last - window + 1, 1)
            rows = read(everywhere, window + _SPARE, 0, start)
            found = [one for one in rows if not wanted.scope or _lies_in(scopes(one), wanted.scope)]
            if start == 1 or len(found) >= need:
                return found[::-1][offset:need]
            # As far as it takes if they lie as thinly further back.
            window = min(window * need * 5 // (4 * len(found) + 1), window * _WIDER) + _SPARE
        selection, total = wanted.selection(), self.count(wanted)
        size = max(min(limit, total - offset), 0)
        return read(selection, size, max(total - need, 0), 0)[::-1] if size else []

    def _dated(self, wanted: Wanted) -> Sequence[str]:
        """The lists by date in which the wanted requests stand; none if no list tells them apart."""
        if wanted.changed_since or wanted.changed_until or wanted.late_at or wanted.team:
            return ()
        if self._seen.hides(LISTED):
            return ()
        below = f"{wanted.scope}/"
        scopes = [scope_of(place, self._places) for place in self._places.values()]
        scopes = [scope for scope in scopes if scope == wanted.scope or scope.startswith(below)]
        return dated.kinds_of(scopes, wanted.states, wanted.services) if has_lists(self.store) else ()

    def oldest(self, wanted: Wanted, limit: int, offset: int = 0) -> list[Request]:
        """Some requests, the longest waiting first."""
        return [self.of(document) for document in self._seen.query(wanted.selection(), limit, offset)]

    def around(self, wanted: Wanted, point: area.Point, metres: float, limit: int) -> list[Request]:
        """The newest requests within some metres of a point."""
        selection = _near(wanted, point, metres)
        total = self._seen.count(selection)
        found = self._seen.query(selection, limit, max(total - limit, 0))
        return [self.of(document) for document in reversed(found)]

    def scan(self, wanted: Wanted) -> Iterator[Request]:
        """Every request, the oldest first, without holding them all."""
        return (self.of(document) for document in self._seen.scan(wanted.selection()))

    def private(self, number: str) -> Private:
        """Contact and notes: for those who work on the request only."""
        return private.read(self._broker.store, number)

    # Answering

    def workflow(self, request: Request) -> Workflow:
        """The workflow that a request goes through."""
        return workflow_of(self._places, request)

    def step(
        self,
        number: str,
        revision: int,
        state: str,
        text: str,
        agency: str,
        author: str,
        who: Set[Who] = OFFICER,
    ) -> Request:
        """Bring a request to a state of its workflow (or one with that status), with a public text; ``revision`` is
        :func:`revision_of` what was seen, ``who`` what the author may do.

        The same state again adds a public text without changing it. Raises Changed if somebody was faster
        (nothing is written), Refused for a way that does not exist or a text that is missing, Problem for no
        such request.
        """

        def decide(before: Request, words: str) -> Step:
            workflow = self.workflow(before)
            by = agency or before.agency
            if state not in (before.state, state_of(workflow, before).code):
                return self.take(before, way_to(workflow, before, state, who), by, words)
            if found := words_faults("text", words):
                raise Refused(found)
            return Step(before.state, "", by, words)

        return self.advance(number, revision, text, decide, author)

    def take(self, before: Request, way: Transition, agency: str, words: str) -> Step:
        """The step of a way that is taken. Raises Refused if something is missing that it needs."""
        if found := unmet(self._places, self._broker.store, before, way):
            raise Refused(found)
        return taken(self.workflow(before), way, agency, words)

    def by_resident(self, number: str, revision: int, act: str, text: str) -> Request:
        """What the resident does with their own request: ``act`` is the code of a transition, as ``answer``,
        ``withdraw``, ``confirm`` or ``reopen`` of a report. Raises as :meth:`step` does."""

        def decide(before: Request, words: str) -> Step:
            return self.take(before, resident_way(self.workflow(before), before, act), "", words)

        return self.advance(number, revision, text, decide, "resident")

    def advance(
        self,
        number: str,
        revision: int,
        text: str,
        decide: Callable[[Request, str], Step],
        author: str,
        more: Mapping[str, Any] | None = None,
        others: Sequence[Write] = (),
        also: Callable[[Transaction], object] = lambda _transaction: None,
        *,
        quiet: bool = False,
    ) -> Request:
        """Add a step, whose time is put in; ``decide`` makes it from the request as it stands, or refuses.

        In the same transaction: attributes that change with it (``more``: name → value, None goes), ``others``,
        ``also``, and the same news in what was merged into the request, whose followers wait for it (not if it is
        ``quiet``: no news to them).
        Raises Changed as :meth:`step` does; nothing is written then.
        """
        text = clean(text)
        made: list[Step] = []

        def change(document: Document, at: str) -> patch.Change:
            before = self.whole_of(document)
            if revision_of(before) != revision:
                sight = self._seen.sight
                raise Changed(self.of(masked(document, sight)) if sight else before)
            made[:] = [replace(decide(before, text), at=at)]
            return self.added(document, before, made[0], more or {})

        def follow(document: Document, at: str) -> patch.Change:
            before = self.whole_of(document)
            news = replace(made[0], state=before.state, at=at, act="follows", to=(number, made[0].state))
            return self.added(document, before, news, {})

        before = self.whole(number)
        if before is None:
            raise not_found(entity_id(number))
        writes: list[Write] = [Modify(entity_id(number), change, ruled=True)]
        writes += [Modify(entity_id(one), follow, ruled=True) for one in absorbed(before) if not quiet]

        def settled(transaction: Transaction) -> None:
            also(transaction)
            if made[0].state in ("closed", "rejected"):
                booking.release(transaction, before, dt.datetime.now(dt.UTC))

        self._broker.together([*writes, *others], author, settled)
        done = self.request(number)
        assert done is not None
        return done

    def added(self, document: Document, before: Request, step: Step, more: Mapping[str, Any]) -> patch.Change:
        """A request's document with one step more, and attributes (name → value, None goes) that change with it."""
        stays = step.state == before.state and not step.workflow_state
        code = before.workflow_state if stays else step.workflow_state
        step = replace(step, workflow_state="" if code == step.state else code)
        steps = (*before.steps, step)
        changed = course_attributes(step.state, steps, *self._due(before, steps))
        if step.agency and step.agency != before.agency:
            changed["agencyResponsible"] = {"type": "Property", "value": step.agency}
        changed |= {
            name: NULL if value is None else {"type": "Property", "value": value}
            for name, value in more.items()
        }
        return patch.merge(document, changed, step.at)

    def add_work_photo(
        self,
        number: str,
        name: str,
        when: str,
        author: str,
        also: Callable[[Transaction], object] = lambda _transaction: None,
    ) -> None:
        """Add a photo of the work, ``before`` or ``after``, whose name came from ``keep_photo``; it is public.

        ``also`` is done in the same transaction. Raises Refused if there are too many or the photo is gone, Problem
        for no such request.
        """
        if not has_photo(self._data, name):
            raise Refused([Fault("photo", "gone", {})])

        def change(document: Document, at: str) -> patch.Change:
            before = self.whole_of(document).work_photos
            if len(before) >= MOST_WORK_PHOTOS:
                raise Refused([Fault("photo", "many", {"most": MOST_WORK_PHOTOS, "count": len(before) + 1})])
            photos = work_photo_values([*before, WorkPhoto(name, when, at)])
            return patch.merge(document, {"workPhotos": {"type": "Property", "value": photos}}, at)

        confirm_photo(self._data, name)
        self._broker.together([Modify(entity_id(number), change, ruled=True)], author, also)

    def note(self, number: str, text: str, author: str) -> None:
        """Add a note that only the agency sees. Raises Refused for an empty or endless one."""
        text = clean(text)
        found = words_faults("note", text, 1)
        if found:
            raise Refused(found)
        private.add_note(self._broker.store, number, author, text)

    # How

    def _first(self, place: Place, draft: Draft, number: str, now: dt.datetime) -> Request:
        assert draft.point is not None
        at = utc_text(now)
        service = catalogue(place, self._places).get(draft.service)
        start = start_of(self._places, place, draft.service)
        name = next(iter(service.name.values())) if service else draft.service
        point = (round(draft.point[0], 6), round(draft.point[1], 6))
        areas = areas_of(self._broker, scope_of(place, self._places), point)
        routed = self._routed(place, draft.service, start, point, now, areas)
        steps = (Step(start.status, at, workflow_state=own(start)), *((routed,) if routed else ()))
        request = Request(
            number=number,
            place=place.id,
            service=draft.service,
            service_name=name,
            description=clean(draft.description),
            state=start.status,
            requested=at,
            updated=at,
            agency=routed.agency if routed else service.agency if service else "",
            point=point,
            address=_address(clean(draft.address), village_of(areas)),
            photos=draft.photos,
            steps=steps,
            answers=check(service.questions, draft.answers)[0] if service else {},
            media=draft.media,
            routed=routed.to if routed else (),
            workflow_state=own(start),
        )
        expected, due, stage = self._due(request, request.steps)
        return replace(request, expected=expected, due=due, due_stage=stage)

    def _answered(self, first: Request, answer: Step) -> Request:
        """A request with the answer that it had when it was taken in."""
        state = self.workflow(first).at("", answer.state)
        agency = answer.agency or first.agency
        step = replace(answer, at=max(answer.at, first.requested), agency=agency, workflow_state=own(state))
        steps = (*first.steps, step)
        expected, due, stage = self._due(first, steps)
        return replace(
            first,
            state=state.status,
            workflow_state=own(state),
            steps=steps,
            updated=step.at,
            agency=agency,
            expected=expected,
            due=due,
            due_stage=stage,
        )

    def _divided(self, place: Place, draft: Draft) -> tuple[Draft, personal.Matter | None]:
        """What of a draft is public, and what is kept from the public (None: nothing)."""
        service = catalogue(place, self._places)[draft.service]
        if not service.personal or draft.point is None:
            return draft, None
        scope = scope_of(place, self._places)
        village = personal.village_at(
            VILLAGES.of(self._broker, scope), village_of(areas_of(self._broker, scope, draft.point))
        )
        return personal.divided(draft, service, place, village)

    def part_of(
        self, first: Request, number: str, code: str, words: str, now: dt.datetime, reason: str
    ) -> Request:
        """A request of its own about a part of another one: routed anew, with the other's date and photos."""
        place = self._places[first.place]
        service = catalogue(place, self._places)[code]
        at = utc_text(now)
        scope, point = scope_of(place, self._places), first.point
        start = start_of(self._places, place, code)
        routed = (
            self._routed(place, code, start, point, now, areas_of(self._broker, scope, point))
            if point
            else None
        )
        begun = Step(start.status, first.requested, workflow_state=own(start))
        steps = (
            begun,
            replace(begun, at=at, agency=first.agency, text=reason, act="part", to=(first.number,)),
            *((routed,) if routed else ()),
        )
        part = replace(
            first,
            number=number,
            service=code,
            service_name=next(iter(service.name.values())),
            description=words or first.description,
            state=start.status,
            workflow_state=own(start),
            updated=at,
            agency=routed.agency if routed else service.agency,
            steps=steps,
            answers={},
            routed=routed.to if routed else (),
        )
        expected, due, stage = self._due(part, steps)
        return replace(part, expected=expected, due=due, due_stage=stage)

    def _routed(
        self,
        place: Place,
        service: str,
        start: WorkflowState,
        point: area.Point,
        now: dt.datetime,
        areas: Mapping[str, str],
    ) -> Step | None:
        """The step in which the city's rules say who works on it; None if it has none."""
        routing = routing_of(place, self._places)
        if routing is None:
            return None
        found = route(routing, self._broker, place, service, point, now, areas)
        lead = {} if found.to[0] == TRIAGE else team_name(routing, found.to[0])
        agency = next(iter(lead.values()), "")
        return Step(start.status, utc_text(now), agency, "", "routed", found.to, found.reason, own(start))

    def marks(self, request: Request) -> list[Mark]:
        """The stages that the city promised for a request: when each is due and when it was reached."""
        place = self._places.get(request.place)
        return marks(self._promise(place, request.service), request.steps) if place else []

    def _promise(self, place: Place, code: str) -> Promise:
        service = catalogue(place, self._places).get(code)
        return promise_of(place, self._places, service.targets if service else {})

    def _due(self, request: Request, steps: Sequence[Step]) -> tuple[str, str, str]:
        """When it shall be settled, when the next stage is due, and which that is; "" where there is none."""
        found = self.marks(replace(request, steps=tuple(steps)))
        if not found:
            return "", "", ""
        following = next_due(found) if steps[-1].state != "waiting" else None
        expected = utc_text(found[-1].due)
        return (expected, utc_text(following.due), following.stage) if following else (expected, "", "")

    def _service_faults(self, place: Place, code: str) -> list[Fault]:
        if not code:
            return [Fault("service", "missing", {})]
        offered: Mapping[str, Service] = catalogue(place, self._places)
        return [] if code in offered else [Fault("service", "unknown", {"service": code[:80]})]

    def _answer_faults(self, place: Place, draft: Draft) -> list[Fault]:
        service = catalogue(place, self._places).get(draft.service)
        if service is None:
            return []
        _answers, wrong = check(service.questions, draft.answers)
        return [Fault(f"answer-{one.code}", one.rule, one.values) for one in wrong]

    def _photo_faults(self, photos: Sequence[str]) -> list[Fault]:
        if len(photos) > MOST_PHOTOS:
            return [Fault("photo", "many", {"most": MOST_PHOTOS, "count": len(photos)})]
        gone = any(not has_photo(self._data, name) for name in photos)
        return [Fault("photo", "gone", {})] if gone else []

    def _point_faults(self, place: Place, point: area.Point | None) -> list[Fault]:
        if point is None:
            return [Fault("location", "missing", {})]
        if not (-180 <= point[0] <= 180 and -90 <= point[1] <= 90):
            return [Fault("location", "range", {})]
        if area.contains(place, point):
            return []
        swapped = abs(point[0]) <= 90 and area.contains(place, (point[1], point[0]))
        if swapped:
            return [Fault("location", "swapped", {"place": place.id})]
        near = area.nearest_place(self._places, point)
        more = {"nearest": near.place.id, "km": round(near.metres / 1000, 1)} if near else {}
        return [Fault("location", "outside", {"place": place.id} | more)]


def _lies_in(scopes: Sequence[str], scope: str) -> bool:
    """Whether one of the scopes is this one or below it."""
    return any(one == scope or one.startswith(f"{scope}/") for one in scopes)


def absorbed(request: Request) -> tuple[str, ...]:
    """The numbers of the requests that were merged into this one."""
    return tuple(number for step in request.steps if step.act == "absorbed" for number in step.to)


def revision_of(request: Request) -> int:
    """Counts the public changes of a request: what a form must not have missed."""
    return request.revision


def _near(wanted: Wanted, point: area.Point, metres: float) -> Selection:
    """What is wanted within some metres of a point."""
    circle = Geo("near", {"type": "Point", "coordinates": list(point)}, max_distance=metres)
    return replace(wanted.selection(), geo=circle)


def _address(typed: str, village: str) -> str:
    """The resident's words and the village that the point lies in, each named once."""
    known = village and village.split(",")[0].casefold() in typed.casefold()
    return typed if known else ", ".join(part for part in (typed, village) if part)
