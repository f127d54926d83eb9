"""The officers' queue: what waits for an answer, and the page on which a request is worked on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place, scope_of
from mahakam.ngsild.problem import Problem
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import Changed, Desk, Wanted, revision_of
from mahakam.services.numbers import normal_number
from mahakam.services.request import LONGEST_WORDS, Refused, utc_text
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.states import OPEN, STATES
from mahakam.web import gate
from mahakam.web.language import _, in_timezone, moment, words
from mahakam.web.pages.report import desk_of
from mahakam.web.pages.requests import drawing
from mahakam.web.questions import answered
from mahakam.web.render import render
from mahakam.web.request_words import (
    STAGE_NAMES,
    STATE_KINDS,
    STATE_NAMES,
    Sentences,
    columns,
    due_words,
    place_name,
    sentences,
    service_name,
    waits,
)
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes

_ON_MAP = 500


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/queue", show, queue_table),
        Route("/queue/{number}", one, methods=["GET"]),
        Route("/queue/{number}", answer, methods=["POST"]),
        Route("/queue/{number}/notes", note, methods=["POST"]),
    ]


@dataclass(frozen=True)
class QueueRows:
    """The wanted requests of several places, the longest waiting first within each."""

    desk: Desk
    wanted: Sequence[Wanted]

    def count(self) -> int:
        return sum(self.desk.count(one) for one in self.wanted)

    def window(self, limit: int, offset: int) -> Sequence[ServiceRequest]:
        found: list[ServiceRequest] = []
        for one in self.wanted:
            size = self.desk.count(one)
            if offset < size:
                found += self.desk.oldest(one, limit - len(found), offset)
            offset = max(offset - size, 0)
            if len(found) >= limit:
                break
        return found

    def scan(self) -> Iterator[ServiceRequest]:
        for one in self.wanted:
            yield from self.desk.scan(one)


def show(request: Request) -> Response:
    gate.require(request, "request.work")
    site = site_of(request)
    cities = _cities(request)
    place = _asked(request)
    if place:
        in_timezone(place.timezone)
    status = _status(request)
    on_map = QueueRows(desk_of(site), _wanted(request)).window(_ON_MAP, 0) if place else []
    return render(
        request,
        "queue.html",
        title=_("Queue of %(city)s", city=words(place.name)) if place else _("Queue"),
        place=place,
        section="services",
        table=queue_table(request),
        cities=cities,
        services=list(catalogue(place, site.places).values()) if place else [],
        states=STATE_NAMES,
        shown=status,
        service=request.query_params.get("service", "")[:80],
        counts=[(state, _count(request, (state,))) for state in OPEN],
        late=sum(desk_of(site).count(one) for one in _late(request)),
        drawing=drawing(place, on_map, "/queue/") if place and on_map else "",
    )


def queue_table(request: Request) -> Table:
    gate.require(request, "request.work")
    site = site_of(request)
    waiting = Column("waiting_days", _("Waiting"), "number", get=lambda r: waiting_days(r), html=_waiting)
    due = Column("due", _("Due"), "time", get=lambda r: r.due if r.open else None, html=due_words)
    left_out = {"updated", "requested"} | ({"place"} if _asked(request) else set())
    shown = [
        replace(column, hidden=column.hidden or column.name in left_out)
        for column in columns(site, "/queue/")
    ]
    return Table(
        request,
        _("Queue"),
        [*shown[:3], due, waiting, *shown[3:]],
        QueueRows(desk_of(site), _wanted(request)),
        "/queue",
        nothing=_("Nothing waits here. Well done."),
    )


def one(request: Request) -> Response:
    found, place = _found(request, request.path_params["number"])
    return _page(request, found, place)


async def answer(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_answer, request, form)


async def note(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_note, request, form)


def waiting_days(request: ServiceRequest) -> int | None:
    """Whole days since the report, while somebody waits."""
    since = moment(request.requested)
    if not request.open or not isinstance(since, dt.datetime):
        return None
    return (dt.datetime.now(dt.UTC) - since).days


def _answer(request: Request, form: FormData) -> Response:
    found, place = _found(request, request.path_params["number"])
    principal = gate.require(request, "request.work", place)
    text, state = gate.text(form, "text"), gate.text(form, "state")
    typed = {"text": text, "state": state}
    if not gate.is_ours(request, form):
        said = _("The page had lain open for a long time. Your text is still here: please send it once more.")
        return _page(request, found, place, typed, {"form": said}, 403)
    revision = gate.text(form, "revision")
    seen = int(revision) if revision.isdecimal() and len(revision) < 9 else -1
    try:
        desk_of(site_of(request)).step(found.number, seen, state, text, "", principal.name)
    except Changed as changed:
        said = _(
            "Somebody changed this request while you were writing. Read below what is new, then send again."
        )
        return _page(request, changed.request, place, typed, {"form": said}, 409, since=seen)
    except Refused as refused:
        return _page(request, found, place, typed, sentences(refused.faults, site_of(request).places), 422)
    except Problem as problem:
        return _page(request, found, place, typed, {"form": f"{problem.title}. {problem.detail}"}, 422)
    return RedirectResponse(f"/queue/{found.number}?done=1", 303)


def _note(request: Request, form: FormData) -> Response:
    found, place = _found(request, request.path_params["number"])
    principal = gate.require(request, "request.work", place)
    typed = {"note": gate.text(form, "note")}
    if not gate.is_ours(request, form):
        said = _("The page had lain open for a long time. Your text is still here: please send it once more.")
        return _page(request, found, place, typed, {"form": said}, 403)
    try:
        desk_of(site_of(request)).note(found.number, typed["note"], principal.name)
    except Refused as refused:
        return _page(request, found, place, typed, sentences(refused.faults, site_of(request).places), 422)
    return RedirectResponse(f"/queue/{found.number}#notes", 303)


def _page(
    request: Request,
    found: ServiceRequest,
    place: Place,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
    since: int = 0,
) -> Response:
    site = site_of(request)
    in_timezone(place.timezone)
    made = render(
        request,
        "queue-one.html",
        status,
        title=service_name(site, found),
        place=place,
        section="services",
        found=found,
        answers=answered(site_of(request), found),
        city=place_name(site, found),
        kept=desk_of(site).private(found.number),
        typed={"text": "", "note": "", "state": ""} | (typed or {}),
        errors=Sentences(errors or {}),
        token=gate.token(request),
        revision=revision_of(found),
        since=since,
        due=due_words(found),
        marks=desk_of(site).marks(found),
        stage_names=STAGE_NAMES,
        now=dt.datetime.now(dt.UTC),
        choices=[found.state, *found.next_states],
        state_names=STATE_NAMES,
        state_kinds=STATE_KINDS,
        drawing=drawing(place, [found]),
        waited=waits(days) if (days := waiting_days(found)) else "",
        longest=LONGEST_WORDS,
        done=request.query_params.get("done") == "1",
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def _found(request: Request, number: str) -> tuple[ServiceRequest, Place]:
    """The request, for somebody who may work on it."""
    gate.require(request, "request.work")
    site = site_of(request)
    known = normal_number(number)
    found = desk_of(site).request(known) if known else None
    if found is None or found.place not in site.places:
        raise HTTPException(404, _("There is no report with this number"))
    place = site.places[found.place]
    gate.require(request, "request.work", place)
    return found, place


def _wanted(request: Request) -> list[Wanted]:
    status = _status(request)
    if status == "late":
        return _late(request)
    states = OPEN if status == "open" else (status,) if status in STATES else ()
    return _wanted_in(request, states)


def _late(request: Request) -> list[Wanted]:
    """What is open and was due before now."""
    now = utc_text(dt.datetime.now(dt.UTC))
    return [replace(one, late_at=now) for one in _wanted_in(request, OPEN)]


def _wanted_in(request: Request, states: tuple[str, ...]) -> list[Wanted]:
    site, place = site_of(request), _asked(request)
    service = request.query_params.get("service", "")[:80] if place else ""
    return [
        Wanted(scope_of(city, site.places), (service,) if service else (), states)
        for city in ([place] if place else _cities(request))
    ]


def _count(request: Request, states: tuple[str, ...]) -> int:
    return QueueRows(desk_of(site_of(request)), _wanted_in(request, states)).count()


def _status(request: Request) -> str:
    return gate.one_of(request.query_params.get("status", "open"), ("open", "late", "all", *STATES), "open")


def _asked(request: Request) -> Place | None:
    """The city of the address, if the visitor may work there; with only one such city, that one."""
    cities = _cities(request)
    asked = request.query_params.get("city", "")
    if asked:
        place = site_of(request).place(asked)
        gate.require(request, "request.work", place)
        return place
    return cities[0] if len(cities) == 1 else None


def _cities(request: Request) -> list[Place]:
    return [place for place in gate.chosen(request, "request.work") if place.kind == "city"]


def _waiting(request: ServiceRequest) -> Any:
    days = waiting_days(request)
    if days is None:
        return ""
    return waits(days) if days else _("today")
