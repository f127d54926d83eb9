"""The queue for an agency's own application: with an API key of the scope ``work``, as JSON."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.access import Principal
from mahakam.ngsild.problem import Problem
from mahakam.services.desk import Changed, revision_of
from mahakam.services.handover import Handover
from mahakam.services.moves import state_of, ways
from mahakam.services.numbers import normal_number
from mahakam.services.request import Refused, entity_id
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.workflow import OFFICER
from mahakam.web import disclosed, gate
from mahakam.web.request_desk import desk_of
from mahakam.web.site import Site, site_of

_LARGEST = 64 * 1024


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/queue/{number}.json", show, methods=["GET"]),
        Route("/queue/{number}.json", act, methods=["POST"]),
    ]


def show(request: Request) -> Response:
    """The request with its revision, contact and notes, for who may work on it."""
    found, _principal = _found(request)
    return _problem(404, "there is no request with this number") if found is None else _answer(request, found)


async def act(request: Request) -> Response:
    """``{"revision", "state", "text"}`` answers; ``{"revision", "transfer": TEAM, "text"}`` passes it on;
    ``{"note"}`` adds a note. 409 with the request as it is now if ``revision`` is not the last one."""
    body = (
        await request.body()
        if int(request.headers.get("content-length") or _LARGEST + 1) <= _LARGEST
        else b""
    )
    try:
        asked = orjson.loads(body)
        if not isinstance(asked, dict):
            raise ValueError("not an object")
    except ValueError:
        return _problem(400, f"send a JSON object of at most {_LARGEST // 1024} kB")
    return await run_in_threadpool(_act, request, asked)


def _act(request: Request, asked: dict[str, Any]) -> Response:
    found, principal = _found(request)
    if found is None:
        return _problem(404, "there is no request with this number")
    if principal.kind != "key":
        return _problem(
            403, "applications answer with an API key of the scope work; people answer on the page"
        )
    desk, site = desk_of(site_of(request)), site_of(request)
    revision, text = asked.get("revision"), str(asked.get("text") or "")
    try:
        if "note" in asked:
            desk.note(found.number, str(asked["note"]), principal.name)
        elif not isinstance(revision, int) or isinstance(revision, bool):
            return _problem(400, "revision is the number that GET gave")
        elif "transfer" in asked:
            hands = Handover(desk, site.broker, site.places)
            hands.transfer(found.number, revision, str(asked["transfer"]), text, principal.name)
        else:
            desk.step(found.number, revision, str(asked.get("state") or ""), text, "", principal.name)
    except Changed as changed:
        return _answer(request, changed.request, 409)
    except Refused as refused:
        return _problem(422, str(refused))
    except Problem as problem:
        return _problem(422, f"{problem.title}: {problem.detail}")
    now = desk.request(found.number)
    assert now is not None
    place = site.places[now.place]
    whole = desk.whole(now.number) or now
    if not gate.may(
        request, "request.work", place, whole.routed
    ):  # it was passed on, and is theirs no longer
        return JSONResponse(
            {"number": now.number, "routedTo": list(now.routed)}, 200, {"Cache-Control": "no-store"}
        )
    return _answer(request, now)


def _found(request: Request) -> tuple[ServiceRequest | None, Principal]:
    """The request if it is in a place where the caller may work, and, for an agency's own key, with that agency;
    raises as the gate does."""
    principal = gate.require(request, "request.work")
    site = site_of(request)
    number = normal_number(request.path_params["number"])
    found = desk_of(site).request(number) if number else None
    place = site.places.get(found.place) if found else None
    if found is None or place is None:
        return None, principal
    whole = desk_of(site).whole(found.number) or found
    return found, gate.require(request, "request.work", place, whole.routed)


def _answer(request: Request, found: ServiceRequest, status: int = 200) -> Response:
    desk = desk_of(site_of(request))
    kept, workflow = desk.private(found.number), desk.workflow(found)
    here = state_of(workflow, found)
    disclosed.disclosed(request, entity_id(found.number), ["contact"] if kept.contact else [])
    row = {
        "number": found.number,
        "revision": revision_of(found),
        "place": found.place,
        "service": found.service,
        "description": found.description,
        "state": found.known_state,
        "workflowState": here.code,
        "next": [way.target for way in ways(workflow, found, OFFICER)],
        "routedTo": list(found.routed),
        "mergedInto": found.merged_into,
        "due": found.due,
        "location": {"type": "Point", "coordinates": list(found.point)} if found.point else None,
        "contact": kept.contact,
        "assignee": kept.assignee,
        "notes": [
            {"at": note.at, "author": note.author, "text": note.text, "act": note.act} for note in kept.notes
        ],
    }
    return JSONResponse(row, status, {"Cache-Control": "no-store"})


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"status": status, "detail": detail}, status, media_type="application/problem+json")
