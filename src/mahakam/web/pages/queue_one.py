"""The page on which an officer works on a request: answer, pass on, assign, note, tick, show photos of the work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Set
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.access import allow
from mahakam.access.accounts import accounts
from mahakam.config import LANGUAGES, Place, scope_of
from mahakam.ngsild.problem import Problem
from mahakam.services import private
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import Changed, revision_of
from mahakam.services.handover import Handover, Part
from mahakam.services.moves import statuses, ways
from mahakam.services.numbers import normal_number
from mahakam.services.personal import matter_of
from mahakam.services.photo import LARGEST_BYTES, PhotoError, keep_photo
from mahakam.services.request import LONGEST_WORDS, Fault, Refused
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.routing import routing_of, team_name
from mahakam.services.workbench import Workbench, filled, workbench_of
from mahakam.services.workflow import Who
from mahakam.web import disclosed, gate
from mahakam.web.appointment_shown import appointment_shown
from mahakam.web.documents_shown import documents_shown, payments_shown
from mahakam.web.language import _, in_timezone, words
from mahakam.web.languages import languages
from mahakam.web.letter import Letters
from mahakam.web.pages.mine import seen_in
from mahakam.web.pages.queue import waiting_days
from mahakam.web.pages.requests import drawing
from mahakam.web.questions import answered, said
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import (
    STAGE_NAMES,
    STATE_KINDS,
    Sentences,
    choice_words,
    due_words,
    place_name,
    sentences,
    service_name,
    state_words,
    step_title,
    waits,
)
from mahakam.web.site import Site, site_of
from mahakam.web.workbench import QueueRows, asked, hands, teams_of

_TYPED = (
    "text",
    "revoke",
    "note",
    "state",
    "pass-do",
    "pass-to",
    "pass-reason",
    "pass-into",
    "pass-part",
    "pass-words",
)
_LOOK = 100
"""Reports of the queue in which the next and the previous one are looked for."""
PHOTOS = ("before", "after")
_LARGEST = LARGEST_BYTES + 256 * 1024


def routes(_site: Site) -> list[BaseRoute]:
    page = "/queue/{number}"
    return [
        Route(page, one, methods=["GET"]),
        Route(page, gate.posted(_answer), methods=["POST"]),
        Route(page + "/notes", gate.posted(_note), methods=["POST"]),
        Route(page + "/assign", gate.posted(_assign), methods=["POST"]),
        Route(page + "/pass", gate.posted(_hand_over), methods=["POST"]),
        Route(page + "/approve", gate.posted(_approve), methods=["POST"]),
        Route(page + "/revoke", gate.posted(_revoke), methods=["POST"]),
        Route(page + "/checklist", gate.posted(_tick), methods=["POST"]),
        Route(page + "/photos", add_photo, methods=["POST"]),
    ]


def one(request: Request) -> Response:
    found, place = found_for_work(request, request.path_params["number"])
    return _page(request, found, place)


async def add_photo(request: Request) -> Response:
    form = await gate.read_form(request, _LARGEST, files=1)
    upload = gate.upload(form, "photo")
    raw = await upload.read() if upload else b""
    return await run_in_threadpool(_add_photo, request, form, raw)


def _answer(request: Request, form: FormData) -> Response:
    found, place = found_for_work(request, request.path_params["number"])
    principal = gate.require(request, "request.work", place)
    text, state = gate.text(form, "text"), gate.text(form, "state")
    typed = {"text": text, "state": state}
    if not gate.is_ours(request, form):
        return _page(request, found, place, typed, {"form": gate.stale()}, 403)
    seen = seen_in(form)
    site = site_of(request)
    # Looked up before the answer takes the request out of the queue.
    following = _neighbours(request, found)[1] if gate.text(form, "then") == "next" else ""
    try:
        desk_of(site_of(request)).step(
            found.number, seen, state, text, "", principal.name, hands(request, place)
        )
    except Changed as changed:
        return _page(request, changed.request, place, typed, {"form": _changed()}, 409, since=seen)
    except Refused as refused:
        return _page(request, found, place, typed, _at_the_form(sentences(refused.faults, site.places)), 422)
    except Problem as problem:
        return _page(request, found, place, typed, {"form": f"{problem.title}. {problem.detail}"}, 422)
    query = asked(request).query
    if gate.text(form, "then") == "next":
        return RedirectResponse(f"/queue/{following}{query}" if following else f"/queue{query}", 303)
    return RedirectResponse(f"/queue/{found.number}{_with_done(query)}", 303)


def _note(request: Request, form: FormData) -> Response:
    found, place = found_for_work(request, request.path_params["number"])
    principal = gate.require(request, "request.work", place)
    typed = {"note": gate.text(form, "note")}
    if not gate.is_ours(request, form):
        return _page(request, found, place, typed, {"form": gate.stale()}, 403)
    try:
        desk_of(site_of(request)).note(found.number, typed["note"], principal.name)
    except Refused as refused:
        return _page(request, found, place, typed, sentences(refused.faults, site_of(request).places), 422)
    return RedirectResponse(f"/queue/{found.number}{asked(request).query}#notes", 303)


def _assign(request: Request, form: FormData) -> Response:
    found, place = found_for_work(request, request.path_params["number"])
    principal = gate.require(request, "request.work", place)
    gate.require_ours(request, form)
    site = site_of(request)
    person = gate.text(form, "person")[:80]
    if person and person not in people(site, place):
        said = _("There is no officer of this city with that name.")
        return _page(request, found, place, errors={"person": said}, status=422)
    if not private.assign(site.store, found.number, gate.text(form, "seen")[:80], person, principal.name):
        said = _("Somebody else has assigned it meanwhile; it stands below as it is now.")
        return _page(request, found, place, errors={"person": said}, status=409)
    return RedirectResponse(f"/queue/{found.number}{asked(request).query}#assigned", 303)


def _hand_over(request: Request, form: FormData) -> Response:
    """Pass it on, share it, split it or merge it: ``do`` says which."""
    found, place = found_for_work(request, request.path_params["number"])
    author = gate.require(request, "request.work", place).name
    names = ("do", "to", "reason", "into", "part", "words")
    typed = {f"pass-{name}": gate.text(form, name) for name in names}
    if not gate.is_ours(request, form):
        return _page(request, found, place, typed, {"pass": gate.stale()}, 403)
    site, seen = site_of(request), seen_in(form)
    hands = Handover(desk_of(site), site.broker, site.places)
    number, to, reason = found.number, gate.text(form, "to")[:81], gate.text(form, "reason")
    try:
        match gate.text(form, "do"):
            case "transfer":
                hands.transfer(number, seen, to, reason, author)
            case "share":
                hands.share(number, seen, [to] if to else [], reason, author)
            case "split":
                part = Part(gate.text(form, "part")[:80], gate.text(form, "words"))
                hands.split(number, seen, [part], reason, author)
            case "merge":
                into = normal_number(gate.text(form, "into"))
                if into is None or desk_of(site).request(into) is None:
                    raise Refused([Fault("into", "other", {})])
                hands.merge(number, seen, into, reason, author)
            case _:
                return _page(request, found, place, typed, {"pass": _("Choose what to do.")}, 422)
    except Changed as changed:
        return _page(request, changed.request, place, typed, {"pass": _changed()}, 409, since=seen)
    except Refused as refused:
        said = " ".join(sentences(refused.faults, site.places).values())
        return _page(request, found, place, typed, {"pass": said}, 422)
    except Problem as problem:
        return _page(request, found, place, typed, {"pass": f"{problem.title}. {problem.detail}"}, 422)
    return RedirectResponse(f"/queue/{number}{asked(request).query}#course", 303)


def _approve(request: Request, form: FormData) -> Response:
    def work(found: ServiceRequest, place: Place, seen: int, author: str) -> None:
        Letters(site_of(request), place, found).approve(seen, author, hands(request, place))

    return acted(request, form, "letter", {}, work)


def _revoke(request: Request, form: FormData) -> Response:
    reason = gate.text(form, "revoke")

    def work(found: ServiceRequest, place: Place, seen: int, author: str) -> None:
        Letters(site_of(request), place, found).revoke(seen, reason, author)

    return acted(request, form, "letter", {"revoke": reason}, work)


def acted(
    request: Request,
    form: FormData,
    part: str,
    typed: dict[str, str],
    work: Callable[[ServiceRequest, Place, int, str], object],
) -> Response:
    """Do a part's work (given request, place, the revision that was seen and who asks), then show the page again at
    that part; what hinders it is said there, beside what was typed."""
    found, place = found_for_work(request, request.path_params["number"])
    author = gate.require(request, "request.work", place).name
    site, seen = site_of(request), seen_in(form)
    if not gate.is_ours(request, form):
        return _page(request, found, place, typed, {part: gate.stale()}, 403)
    try:
        work(found, place, seen, author)
    except Changed as changed:
        return _page(request, changed.request, place, typed, {part: _changed()}, 409, since=seen)
    except Refused as refused:
        said = " ".join(sentences(refused.faults, site.places).values())
        return _page(request, found, place, typed, {part: said}, 422)
    except Problem as problem:
        return _page(request, found, place, typed, {part: f"{problem.title}. {problem.detail}"}, 422)
    return RedirectResponse(f"/queue/{found.number}{asked(request).query}#{part}", 303)


def _tick(request: Request, form: FormData) -> Response:
    """Only what this form changes: ``was`` are the points that were ticked when it was shown."""
    found, place = found_for_work(request, request.path_params["number"])
    gate.require_ours(request, form)
    site = site_of(request)
    points = range(len(workbench_of(place, site.places).checklist(found.service)))
    was, now = set(form.getlist("was")), set(form.getlist("point"))
    changed = {point: str(point) in now for point in points if (str(point) in now) != (str(point) in was)}
    private.tick(site.store, found.number, changed)
    return RedirectResponse(f"/queue/{found.number}{asked(request).query}#checklist", 303)


def _add_photo(request: Request, form: FormData, raw: bytes) -> Response:
    found, place = found_for_work(request, request.path_params["number"])
    principal = gate.require(request, "request.work", place)
    if not gate.is_ours(request, form):
        return _page(request, found, place, errors={"work-photo": gate.stale()}, status=403)
    when = gate.one_of(gate.text(form, "when"), PHOTOS, "after")
    try:
        if not raw:
            raise Refused([Fault("photo", "missing", {})])
        name = keep_photo(site_of(request).settings.data, raw).name
        desk_of(site_of(request)).add_work_photo(found.number, name, when, principal.name)
    except PhotoError as error:
        refused = Refused([Fault("photo", error.reason, {})])
    except Refused as error:
        refused = error
    else:
        return RedirectResponse(f"/queue/{found.number}{asked(request).query}#work-photos", 303)
    said = " ".join(sentences(refused.faults, site_of(request).places).values())
    return _page(request, found, place, errors={"work-photo": said}, status=422)


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
    kept, wanted = desk_of(site).private(found.number), asked(request)
    bench = workbench_of(place, site.places)
    matter = matter_of(site.store, found.number)
    disclosed.of_request(request, found.number, kept, matter)
    previous, following = _neighbours(request, found)
    made = render(
        request,
        "queue-one.html",
        status,
        title=service_name(site, found),
        place=place,
        section="services",
        found=found,
        answers=answered(site_of(request), found),
        may_work=True,
        matter=matter,
        matter_answers=said(site, found, matter.answers) if matter else [],
        city=place_name(site, found),
        kept=kept,
        asked=wanted,
        previous=previous,
        following=following,
        teams=teams_of(site, place),
        team_words=[words(team_name(routing_of(place, site.places), team)) for team in found.routed],
        people=people(site, place),
        services=list(catalogue(place, site.places).values()),
        checklist=bench.checklist(found.service),
        documents=documents_shown(site, found),
        appointment=appointment_shown(site, found, hands(request, place)),
        payments=payments_shown(site, found),
        today=dt.datetime.now(ZoneInfo(place.timezone)).date().isoformat(),
        letter=Letters(site, place, found).state(
            principal.name if (principal := gate.visitor(request)) else "", hands(request, place)
        ),
        templates=_templates(site, found, bench, hands(request, place)),
        step_title=step_title,
        typed=dict.fromkeys(_TYPED, "") | (typed or {}),
        errors=Sentences(errors or {}),
        token=gate.token(request),
        revision=revision_of(found),
        since=since,
        due=due_words(found),
        marks=desk_of(site).marks(found),
        stage_names=STAGE_NAMES,
        now=dt.datetime.now(dt.UTC),
        choices=choice_words(site.places, found, hands(request, place)),
        state_name=state_words(site.places, found),
        state_kinds=STATE_KINDS,
        drawing=drawing(place, [found]),
        waited=waits(days) if (days := waiting_days(found)) else "",
        longest=LONGEST_WORDS,
        done=request.query_params.get("done") == "1",
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def people(site: Site, place: Place) -> list[str]:
    """The accounts that may work on the requests of a place."""
    scope = scope_of(place, site.places)
    return [one.name for one in accounts(site.store) if allow(one.principal(), "request.work", scope)]


def _templates(
    site: Site, found: ServiceRequest, bench: Workbench, who: Set[Who]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Language → name and words of each template in it."""
    values = {
        "number": found.number,
        "service": service_name(site, found),
        "address": found.address,
        "agency": found.agency,
    }
    workflow = desk_of(site).workflow(found)
    offered = bench.templates_for(found, statuses(workflow, found, ways(workflow, found, who)))
    return [
        (
            languages()[language].name,
            [(words(one.name), filled(one.text, language, values)) for one in offered],
        )
        for language in LANGUAGES
        if offered
    ]


def _neighbours(request: Request, found: ServiceRequest) -> tuple[str, str]:
    """The numbers before and after a request in the queue that it was opened from, "" at its ends."""
    site = site_of(request)
    window = QueueRows(site, desk_of(site), asked(request)).window(_LOOK, 0)
    numbers = [one.number for one in window]
    if found.number not in numbers:
        return "", next((number for number in numbers if number != found.number), "")
    at = numbers.index(found.number)
    return numbers[at - 1] if at else "", numbers[at + 1] if at + 1 < len(numbers) else ""


def _at_the_form(said: Sentences) -> Sentences:
    """What a way needs has no field of its own: it is said above the form."""
    if said["needs"]:
        said["form"] = said["needs"]
    return said


def _with_done(query: str) -> str:
    return f"{query}&done=1" if query else "?done=1"


def _changed() -> str:
    return _("Somebody changed this request while you were writing. Read below what is new, then send again.")


def found_for_work(request: Request, number: str) -> tuple[ServiceRequest, Place]:
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
