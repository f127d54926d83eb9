"""A newer version of a solution that a city adopted: the differences are shown, then it is taken over or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import ConfigError
from mahakam.faults import Changed, Refused
from mahakam.feeds.parts import Parts
from mahakam.solutions.adoption import Refusal, problems_of
from mahakam.solutions.renewal import Renewal, decline, renewal, take_over
from mahakam.web import adoption_words, gate
from mahakam.web.faults import Errors, changed, in_file, now, said
from mahakam.web.language import N_, _, in_timezone, words
from mahakam.web.pages.solution_adopt import adopted
from mahakam.web.pages.solutions import ONE
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.solution_desk import AdoptionRow, may_adopt, solution_desk

if TYPE_CHECKING:
    from mahakam.web.site import Site

STATES = {
    "same": (N_("stays as it is"), ""),
    "new": (N_("is written"), "ok"),
    "replaced": (N_("is replaced"), "river"),
    "own": (N_("the city's own work"), "warn"),
}


def routes(_site: Site) -> list[BaseRoute]:
    here = ONE + "/adopted/{city}/newer"
    return [Route(here, show, methods=["GET"]), Route(here, gate.posted(_decide), methods=["POST"])]


def _found(request: Request, given: dict[str, str]) -> tuple[AdoptionRow, Renewal]:
    """Raises HTTPException 303, 401 or 403 for whoever may not adopt for the city, 404 where there is nothing newer."""
    row = adopted(request)
    place = row.row.place
    if not may_adopt(request, place):
        gate.require(request, "solution.adopt", place)
    try:
        found = renewal(row.adoption, row.row.solution, solution_desk(request).places, given)
    except ConfigError as problem:
        raise HTTPException(409, in_file(problem)) from problem
    if found.version == row.adoption.version:
        raise HTTPException(404, _("There is no newer version than the one that the city has."))
    return row, found


def _given(request: Request, form: FormData | None = None) -> dict[str, str]:
    """What the newer version asks for, as it was typed."""
    solution = adopted(request).row.solution
    return {
        one.text: gate.text(form, f"set-{at}")[:100] if form else "" for at, one in enumerate(solution.adapt)
    }


def show(request: Request) -> Response:
    return _page(request, _given(request))


def _page(
    request: Request,
    given: dict[str, str],
    status: int = 200,
    errors: dict[str, str] | None = None,
    taken: frozenset[str] = frozenset(),
    reason: str = "",
) -> Response:
    row, found = _found(request, given)
    place = row.row.place
    in_timezone(place.timezone)
    answer = render(
        request,
        "solution-newer.html",
        status,
        title=_("A newer version: %(name)s", name=words(row.row.solution.name)),
        section="network",
        row=row,
        city=place,
        found=found,
        states=STATES,
        say=adoption_words,
        asked=[
            (at, one)
            for at, one in enumerate(row.row.solution.adapt)
            if one in found.preview.lacking or given.get(one.text)
        ],
        given=given,
        taken=taken,
        problems=() if found.preview.lacking else problems_of(found.preview, site_of(request).places),
        declined=row.adoption.declined(found.version),
        token=gate.token(request),
        typed={"reason": reason},
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _decide(request: Request, form: FormData) -> Response:
    """``do``: take it over (``take-N`` of the city's own files too), or not, with the reason."""
    given = _given(request, form)
    row, found = _found(request, given)
    taken = frozenset(one.name for at, one in enumerate(found.changes) if gate.text(form, f"take-{at}"))
    reason, visitor = gate.text(form, "reason")[:20_000], gate.visitor(request)
    by = visitor.name if visitor else ""
    if not gate.is_ours(request, form):
        return _page(request, given, 403, {"form": gate.stale()}, taken, reason)
    try:
        if gate.text(form, "do") == "decline":
            decline(site_of(request).store, found, reason, by=by, at=now())
        elif gate.text(form, "seen") != found.mark and any(given.values()):
            return _page(request, given, 200, {"form": adoption_words.look_again()}, taken, reason)
        else:
            parts = Parts.of(site_of(request).node)
            take_over(parts, found, taken, by=by, at=now(), seen=gate.text(form, "seen"))
    except Refused as refused:
        return _page(request, given, 422, said(refused.faults), taken, reason)
    except Refusal as refusal:
        return _page(request, given, 422, {"form": adoption_words.refused(refusal)}, taken, reason)
    except Changed:
        return _page(request, given, 409, {"form": changed()}, taken, reason)
    except ConfigError as problem:
        return _page(request, given, 422, {"form": in_file(problem)}, taken, reason)
    return RedirectResponse(row.address, 303)
