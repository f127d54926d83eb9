"""What was reported: the public list, and each request's own page with its course."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place, scope_of
from mahakam.services import comments, issued, push
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import Desk, Wanted, revision_of
from mahakam.services.moves import ways
from mahakam.services.numbers import normal_number
from mahakam.services.owner import owns
from mahakam.services.personal import matter_of
from mahakam.services.photo import photo_file
from mahakam.services.purposes import purposes_of
from mahakam.services.request import LONGEST_WORDS, entity_id
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.satisfaction import rated
from mahakam.services.states import OPEN, STATES
from mahakam.services.workflow import RESIDENT
from mahakam.web import disclosed, gate
from mahakam.web.alike import alike_to
from mahakam.web.appointment_shown import appointment_shown
from mahakam.web.documents_shown import documents_shown, payments_shown
from mahakam.web.language import _, in_timezone, reader, words
from mahakam.web.outlines import map_of
from mahakam.web.questions import answered, said
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import (
    STAGE_NAMES,
    STATE_KINDS,
    STATE_NAMES,
    Sentences,
    columns,
    place_name,
    service_name,
    state_words,
    step_title,
)
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes


def routes(_site: Site) -> list[BaseRoute]:
    return [*table_routes("/requests", show, requests_table), Route("/requests/{number}", one)]


@dataclass(frozen=True)
class RequestRows:
    """The wanted requests as the rows of a table, the newest first."""

    desk: Desk
    wanted: Wanted

    def count(self) -> int:
        return self.desk.count(self.wanted)

    def window(self, limit: int, offset: int) -> Sequence[ServiceRequest]:
        return self.desk.newest(self.wanted, limit, offset)

    def scan(self) -> Iterator[ServiceRequest]:
        return self.desk.scan(self.wanted)


def show(request: Request) -> Response:
    """The public list; a number typed into its search leads straight to the request."""
    site = site_of(request)
    number = request.query_params.get("number", "")
    if number:
        known = normal_number(number)
        if known and desk_of(site).request(known):
            return RedirectResponse(f"/requests/{known}", 303)
    place = asked_place(request)
    if place:
        in_timezone(place.timezone)
    return render(
        request,
        "requests.html",
        title=_("Reports in %(city)s", city=words(place.name)) if place else _("Reports"),
        place=place,
        section="services",
        table=requests_table(request),
        cities=[city for city in site.places.values() if city.kind == "city"],
        services=list(catalogue(place, site.places).values()) if place else [],
        states=STATE_NAMES,
        chosen=_chosen(request),
        number=number[:40],
        open_count=desk_of(site).count(Wanted(scope_of(place, site.places) if place else "", states=OPEN)),
    )


def requests_table(request: Request) -> Table:
    site = site_of(request)
    return Table(
        request,
        _("Reports"),
        [*columns(site), *_answer_columns(request)],
        RequestRows(desk_of(site), wanted(request)),
        "/requests",
        nothing=_("Nothing was reported here yet."),
    )


def _answer_columns(request: Request) -> list[Column]:
    """The answers to the questions of the service that is asked for, named by the codes of its form."""
    place, chosen = asked_place(request), _chosen(request)["service"]
    service = catalogue(place, site_of(request).places).get(chosen) if place and chosen else None

    def answer(code: str) -> Callable[[ServiceRequest], Any]:
        def get(found: ServiceRequest) -> Any:
            given = found.answers.get(code)
            return ", ".join(given) if isinstance(given, tuple) else given

        return get

    questions = service.questions if service else ()
    return [
        Column(f"answer_{one.code}", words(one.title), get=answer(one.code), hidden=True) for one in questions
    ]


def one(request: Request) -> Response:
    """``/requests/SMD-2026-000123``: what was reported, where, and what became of it."""
    number = normal_number(request.path_params["number"])
    key = request.query_params.get("key", "")[:80]
    found = request_for(request, number, key) if number else None
    if found is None:
        raise HTTPException(404, _("There is no report with this number"))
    if number != request.path_params["number"]:
        return RedirectResponse(f"/requests/{number}", 301)
    return page(request, found, key)


def request_for(request: Request, number: str, key: str) -> ServiceRequest | None:
    """A request as the visitor sees it; with its own key, which whoever sent it has: all of it."""
    site = site_of(request)
    desk = desk_of(site)
    return desk.whole(number) if key and owns(site.store, number, key[:80]) else desk.request(number)


def page(
    request: Request,
    found: ServiceRequest,
    key: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """A request's page; with its key also what the resident may do with it."""
    site = site_of(request)
    place = site.places.get(found.place)
    if place:
        in_timezone(place.timezone)
    mine = bool(key) and owns(site.store, found.number, key)
    may_work = place is not None and gate.may(request, "request.work", place)
    matter = matter_of(site.store, found.number) if mine or may_work else None
    if not mine:
        disclosed.of_request(request, found.number, None, matter)
    made = render(
        request,
        "requests-one.html",
        status,
        title=service_name(site, found),
        description=found.description[:160],
        place=place,
        section="services",
        found=found,
        entity=entity_id(found.number),
        city=place_name(site, found),
        drawing=drawing(place, [found]) if place and found.point else "",
        state_name=state_words(site.places, found),
        state_kinds=STATE_KINDS,
        step_title=step_title,
        answers=answered(site, found),
        photos=[name for name in found.photos if photo_file(site.settings.data, name)],
        marks=desk_of(site).marks(found),
        stage_names=STAGE_NAMES,
        now=dt.datetime.now(dt.UTC),
        sent=request.query_params.get("sent") == "1",
        may_work=may_work,
        matter=matter,
        matter_answers=said(site, found, matter.answers) if matter else [],
        mine=mine,
        documents=documents_shown(site, found) if mine else [],
        appointment=appointment_shown(site, found, RESIDENT) if mine else None,
        payments=payments_shown(site, found) if mine or may_work else None,
        has_letter=(mine or may_work) and issued.pdf_of(site.store, found.number) is not None,
        acts=ways(desk_of(site).workflow(found), found, RESIDENT) if mine else (),
        may_rate=mine and not found.open and not rated(site.broker, found.number),
        rated=request.query_params.get("rated") == "1",
        key=key,
        token=gate.token(request),
        revision=revision_of(found),
        typed=defaultdict(str, typed or {}),
        comments=comments.of(site.broker, found.number),
        can_mail=bool(site.settings.smtp),
        purposes=purposes_of(place, site.places),
        # Addresses of a request that was settled long ago are no longer kept: nobody is asked for another one.
        over=not found.open and any(step.act == "forgotten" for step in found.steps),
        push_key=push.public_key(site.store),
        asked=request.query_params.get("asked") == "1",
        same=request.query_params.get("same") == "1",
        alike=[
            (one.request, one.metres, service_name(site, one.request))
            for one in (alike_to(site, found) if mine and request.query_params.get("alike") == "1" else ())
        ],
        feed=f"/requests/{found.number}.atom?lang={reader().language}",
        errors=Sentences(errors or {}),
        longest=LONGEST_WORDS,
    )
    if mine or typed or matter:
        made.headers["Cache-Control"] = "no-store"
    return made


def wanted(request: Request) -> Wanted:
    """Its filters: ``city``, ``service``, ``status`` (a state, ``open``, or several with commas)."""
    site, chosen = site_of(request), _chosen(request)
    place = asked_place(request)
    states = tuple(state for state in chosen["status"].split(",") if state in STATES)
    if chosen["status"] == "open":
        states = OPEN
    return Wanted(
        scope_of(place, site.places) if place else "",
        (chosen["service"],) if chosen["service"] else (),
        states,
    )


def asked_place(request: Request) -> Place | None:
    asked = request.query_params.get("city") or request.query_params.get("place", "")
    return site_of(request).place(asked) if asked else None


def drawing(
    place: Place, requests: Sequence[ServiceRequest], link: str = "", width: int = 480, height: int = 360
) -> object:
    """A small map of the place with its requests, drawn by the server: there without scripts, too."""
    picture = map_of(place, _("Map of %(place)s", place=words(place.name)), width, height)
    if picture is None:
        return ""
    for request in requests:
        if request.point is None:
            continue
        href = link + request.number if link else ""
        picture.dot(request.point, f"pin {request.state}", 4 if link else 7, request.number, href)
    return picture.svg("map-picture")


def _chosen(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "")[:80] for name in ("city", "service", "status")}
