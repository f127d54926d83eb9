"""What the pages of the workbench share: which requests an officer asked for, and the words of teams."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from starlette.requests import Request

from mahakam.access import Principal
from mahakam.config import Place, scope_of
from mahakam.services import private
from mahakam.services.desk import LISTED, Desk, Wanted
from mahakam.services.queue import Queue, Waiting
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.request import utc_text
from mahakam.services.routing import TRIAGE, routing_of, team_name
from mahakam.services.states import OPEN, STATES
from mahakam.services.workflow import HEAD, OFFICER, Who
from mahakam.web import gate
from mahakam.web.language import words
from mahakam.web.site import Site, site_of

FILTERS = ("city", "status", "service", "team", "mine")
"""The query parameters that say which requests are shown."""


@dataclass(frozen=True)
class Asked:
    """The filters of a page. ``place`` is None where an officer of several cities has chosen none; ``status``:
    ``open``, ``late``, ``all`` or a state."""

    place: Place | None
    cities: Sequence[Place]
    status: str = "open"
    service: str = ""
    team: str = ""
    mine: str = ""

    @property
    def query(self) -> str:
        """The filters as a query, ``?city=samarinda&status=late``; "" for none."""
        given = {
            "city": self.place.id if self.place and len(self.cities) > 1 else "",
            "status": self.status if self.status != "open" else "",
            "service": self.service,
            "team": self.team,
            "mine": "1" if self.mine else "",
        }
        text = urlencode({name: value for name, value in given.items() if value})
        return f"?{text}" if text else ""


def asked(request: Request) -> Asked:
    """The filters of the address, for somebody who may work in that city. Raises as the gate does."""
    principal = gate.require(request, "request.work")
    site, query = site_of(request), request.query_params
    place: Place | None
    if gate.bound(principal):
        place, team = _of_agency(site, principal, query.get("city", ""), query.get("team", "")[:81])
        cities = [place]
    else:
        cities = [place for place in gate.chosen(request, "request.work") if place.kind == "city"]
        place = cities[0] if len(cities) == 1 else None
        place = site.place(query["city"]) if query.get("city") else place
        team = query.get("team", "")[:81] if place else ""
    if place:
        gate.require(request, "request.work", place, (team,))
    return Asked(
        place,
        cities,
        gate.one_of(query.get("status", ""), ("open", "late", "all", *STATES), "open"),
        query.get("service", "")[:80] if place else "",
        team,
        principal.name if query.get("mine") else "",
    )


def _of_agency(site: Site, principal: Principal, city: str, team: str) -> tuple[Place, str]:
    """Of an agency's own key: the city, and the agency there. Raises HTTPException 403, 404."""
    first = principal.agencies[0].partition("/")[0]
    place = site.place(city or first)
    own = principal.agencies_in(scope_of(place, site.places).split("/"))
    return place, team or next(iter(own), "")


@dataclass
class QueueRows:
    """The requests that were asked for, city by city; open ones with the most urgent first."""

    site: Site
    desk: Desk
    asked: Asked
    _queue: Queue = field(init=False)
    _sizes: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._queue = Queue(self.site.broker)

    def count(self) -> int:
        if self.asked.mine:
            return len(self._mine())
        return sum(self._size(at) for at in range(len(self._parts)))

    def window(self, limit: int, offset: int) -> Sequence[ServiceRequest]:
        if self.asked.mine:
            return self._mine()[offset : offset + limit]
        found: list[ServiceRequest] = []
        for at, part in enumerate(self._parts):
            size = self._size(at)
            if offset < size:
                found += self._read(part, limit - len(found), offset)
            offset = max(offset - size, 0)
            if len(found) >= limit:
                break
        return found

    def scan(self) -> Iterator[ServiceRequest]:
        if self.asked.mine:
            yield from self._mine()
            return
        for part in self._parts:
            if isinstance(part, Wanted):
                yield from self.desk.scan(part)
            else:
                yield from map(self.desk.of, self._queue.scan(part))

    @property
    def _parts(self) -> list[Waiting | Wanted]:
        asked, site = self.asked, self.site
        now = utc_text(dt.datetime.now(dt.UTC)) if asked.status == "late" else ""
        places = [asked.place] if asked.place else asked.cities
        scopes = [scope_of(place, site.places) for place in places]
        is_open = asked.status in ("open", "late", *OPEN)
        if is_open and not site.broker.hides(LISTED):
            state = asked.status if asked.status in OPEN else ""
            return [Waiting(scope, state, asked.service, asked.team, now) for scope in scopes]
        services = (asked.service,) if asked.service else ()
        states = (asked.status,) if asked.status in STATES else OPEN if is_open else ()
        return [Wanted(scope, services, states, late_at=now, team=asked.team) for scope in scopes]

    def _size(self, at: int) -> int:
        if at not in self._sizes:
            part = self._parts[at]
            self._sizes[at] = self.desk.count(part) if isinstance(part, Wanted) else self._queue.count(part)
        return self._sizes[at]

    def _read(self, part: Waiting | Wanted, limit: int, offset: int) -> list[ServiceRequest]:
        if isinstance(part, Wanted):
            return self.desk.newest(part, limit, offset)
        return [self.desk.of(document) for document in self._queue.documents(part, limit, offset)]

    def _mine(self) -> list[ServiceRequest]:
        found = map(self.desk.request, private.assigned_to(self.site.store, self.asked.mine))
        states = OPEN if self.asked.status in ("open", "late") else STATES
        rows = [one for one in found if one is not None and one.state in states]
        return sorted(rows, key=lambda one: (one.due or "~", one.number))


def hands(request: Request, place: Place) -> frozenset[Who]:
    """What the visitor may do with requests of a place, as workflows name it."""
    return HEAD if gate.may(request, "request.decide", place) else OFFICER


def teams_of(site: Site, place: Place) -> list[tuple[str, str]]:
    """Code and name of every agency and team of a place, and of triage; none where the city has no rules."""
    routing = routing_of(place, site.places)
    if routing is None:
        return []
    return [(code, words(team_name(routing, code))) for code in (TRIAGE, *routing.teams())]
