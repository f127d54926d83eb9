"""The crew's phone: today's jobs taken along, and what was done there, sent when there is a connection."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.ngsild.problem import Problem
from mahakam.services.desk import Changed, revision_of
from mahakam.services.fieldwork import LEADS_TO, Act, ActKind, Fieldwork
from mahakam.services.moves import ways
from mahakam.services.numbers import normal_number
from mahakam.services.photo import LARGEST_BYTES, PhotoError, keep_photo
from mahakam.services.request import LONGEST_WORDS, Fault, Refused
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.workbench import workbench_of
from mahakam.services.workflow import OFFICER
from mahakam.web import gate
from mahakam.web.foreign import text_of
from mahakam.web.language import _, in_timezone, time, words
from mahakam.web.pages.queue_crew import stops_of
from mahakam.web.questions import answered
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import (
    STATE_KINDS,
    due_words,
    sentences,
    service_name,
    state_words,
    step_title,
)
from mahakam.web.site import Site, site_of
from mahakam.web.workbench import asked

_LARGEST = LARGEST_BYTES + 256 * 1024
_KINDS: dict[str, ActKind] = {
    "start": "start",
    "finish": "finish",
    "note": "note",
    "tick": "tick",
    "photo": "photo",
}
_LONGEST_KEY = 64


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/field", show, methods=["GET"]),
        Route("/field.json", jobs, methods=["GET"]),
        Route("/field/kept", kept, methods=["GET"]),
        Route("/field/{number}", act, methods=["POST"]),
    ]


def show(request: Request) -> Response:
    """The jobs in the order of the way; the script takes them along."""
    stops = _stops(request)
    query = f"?{request.url.query}" if request.url.query else ""
    return _page(
        request, [(one, service_name(site_of(request), one)) for one in stops], f"/field.json{query}"
    )


def kept(request: Request) -> Response:
    """The same page with what the phone holds; it says nothing by itself, so everybody may have it."""
    return _page(request, [], "")


def jobs(request: Request) -> Response:
    """What the phone takes along: nothing about who reported it."""
    person = gate.require(request, "request.work").name
    rows = [_job(request, one) for one in _stops(request)]
    return JSONResponse({"person": person, "jobs": rows}, headers={"Cache-Control": "no-store"})


async def act(request: Request) -> Response:
    """One act of the crew, which may be sent again. 200 with the request's revision; 409 if others were faster,
    422 if it cannot be done, 403 if it is another one's: with ``errors`` in words."""
    form = await gate.read_form(request, _LARGEST, files=1)
    upload = gate.upload(form, "photo")
    raw = await upload.read() if upload else b""
    return await run_in_threadpool(_act, request, form, raw)


def _act(request: Request, form: FormData, raw: bytes) -> Response:
    principal = gate.require(request, "request.work")
    site = site_of(request)
    desk = desk_of(site)
    known = normal_number(request.path_params["number"])
    found = desk.request(known) if known else None
    if found is None or found.place not in site.places:
        return _refused(404, {"form": _("There is no report with this number")})
    gate.require(request, "request.work", site.places[found.place])
    if not gate.is_ours(request, form):
        return _refused(403, {"form": _("The form had lain open for too long.")})
    if gate.text(form, "person") != principal.name:
        other = _(
            "%(name)s did this. Sign in with that name, then it is sent.", name=gate.text(form, "person")[:80]
        )
        return _refused(403, {"person": other})
    key = gate.text(form, "key")
    kind = _KINDS.get(gate.text(form, "kind"))
    if kind is None or not key.isascii() or not 8 <= len(key) <= _LONGEST_KEY:
        return _refused(422, {"form": _("This is no act of a crew.")})
    work = Fieldwork(desk, site.broker)
    if (done := work.taken(key, principal.name)) is not None:
        return _done(request, found, done)
    try:
        asked_for = _read(request, form, key, kind, raw, found)
        return _done(request, found, work.take(found.number, asked_for, principal.name))
    except Changed as changed:
        return _changed(request, form, changed.request)
    except PhotoError as error:
        return _faults(site, [Fault("photo", error.reason, {})])
    except Refused as refused:
        return _faults(site, refused.faults)
    except Problem as problem:
        return _refused(422, {"form": f"{problem.title}. {problem.detail}"})


def _read(
    request: Request, form: FormData, key: str, kind: ActKind, raw: bytes, found: ServiceRequest
) -> Act:
    """The act that a form tells of. Raises PhotoError or Refused for a photo that is none."""
    site = site_of(request)
    points = len(workbench_of(site.places[found.place], site.places).checklist(found.service))
    ticks = {
        point: gate.text(form, f"tick-{point}") == "1" for point in range(points) if form.get(f"tick-{point}")
    }
    photo = ""
    if kind == "photo":
        if not raw:
            raise Refused([Fault("photo", "missing", {})])
        photo = keep_photo(site.settings.data, raw).name
    revision = gate.text(form, "revision")
    return Act(
        key,
        kind,
        int(revision) if revision.isdecimal() and len(revision) < 9 else -1,
        gate.text(form, "text"),
        ticks,
        photo,
        gate.one_of(gate.text(form, "when"), ("before", "after"), "after"),
    )


def _stops(request: Request) -> list[ServiceRequest]:
    """Of whom nothing else was asked: the own ones."""
    wanted = asked(request)
    if not request.query_params.keys() - {"lang"}:
        wanted = replace(wanted, mine=gate.require(request, "request.work").name)
    return stops_of(request, wanted)


def _job(request: Request, found: ServiceRequest) -> dict[str, Any]:
    site = site_of(request)
    place = site.places[found.place]
    in_timezone(place.timezone)
    private = desk_of(site).private(found.number)
    workflow = desk_of(site).workflow(found)
    open_to = {workflow.states[way.target].status for way in ways(workflow, found, OFFICER)}
    return {
        "number": found.number,
        "revision": revision_of(found),
        "title": service_name(site, found),
        "state": found.state,
        "stateWords": state_words(site.places, found),
        "stateKind": STATE_KINDS[found.state],
        "due": text_of(due) if isinstance(due := due_words(found), Markup) else due,
        "address": found.address,
        "point": list(found.point) if found.point else None,
        "description": found.description,
        "answers": answered(site, found),
        "photos": [f"/photos/{name}.jpg" for name in found.photos],
        "workPhotos": [one.when for one in found.work_photos],
        "checklist": [words(point) for point in workbench_of(place, site.places).checklist(found.service)],
        "done": sorted(private.done),
        "canStart": LEADS_TO["start"] in open_to,
        "canFinish": LEADS_TO["finish"] in open_to,
    }


def _page(request: Request, stops: list[tuple[ServiceRequest, str]], source: str) -> Response:
    made = render(
        request,
        "field.html",
        title=_("Jobs of today"),
        section="services",
        stops=stops,
        source=source,
        state_words=state_words,
        longest=LONGEST_WORDS,
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def _changed(request: Request, form: FormData, now: ServiceRequest) -> Response:
    site = site_of(request)
    in_timezone(site.places[now.place].timezone)
    seen = gate.text(form, "revision")
    since = now.steps[int(seen) if seen.isdecimal() and len(seen) < 9 else 0 :]
    new = [
        " · ".join(part for part in (step_title(site.places, now, step), time(step.at), step.text) if part)
        for step in since
    ]
    said = _("Somebody changed this request meanwhile.")
    return JSONResponse(
        {"errors": {"form": said}, "new": new, "job": _job(request, now)}, 409, {"Cache-Control": "no-store"}
    )


def _faults(site: Site, faults: Any) -> Response:
    return _refused(422, dict(sentences(faults, site.places)))


def _done(request: Request, before: ServiceRequest, revision: int) -> Response:
    """``revision`` is that of after the act, whatever came since; the job is as it stands now."""
    now = desk_of(site_of(request)).request(before.number) or before
    row = {"revision": revision, "job": _job(request, now)}
    return JSONResponse(row, headers={"Cache-Control": "no-store"})


def _refused(status: int, errors: dict[str, str]) -> Response:
    return JSONResponse({"errors": errors}, status, {"Cache-Control": "no-store"})
