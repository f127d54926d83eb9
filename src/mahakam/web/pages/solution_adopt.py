"""Taking a solution over: what would be written is shown first, then it is done by one click; and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import ConfigError, Place, scope_of
from mahakam.faults import Changed
from mahakam.feeds.parts import Parts
from mahakam.solutions.adoption import Refusal, adopt, adoption, check, first_run, problems_of, remaining
from mahakam.solutions.left import left
from mahakam.solutions.preview import Preview, cities_for, preview
from mahakam.web import adoption_words, gate
from mahakam.web import solution_words as say
from mahakam.web.faults import changed, now
from mahakam.web.language import _, in_timezone, words
from mahakam.web.pages.solutions import ONE
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.solution_desk import AdoptionRow, SolutionRow, may_adopt, solution_desk

if TYPE_CHECKING:
    from mahakam.web.site import Site


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route(ONE + "/adopt", show, methods=["GET"]),
        Route(ONE + "/adopt", gate.posted(_adopt), methods=["POST"]),
        Route(ONE + "/adopted/{city}", show_adopted, methods=["GET"]),
        Route(ONE + "/adopted/{city}/run", gate.posted(_run), methods=["POST"]),
    ]


def _row(request: Request) -> SolutionRow:
    return solution_desk(request).row(request.path_params["place"], request.path_params["name"])


def choices(request: Request, row: SolutionRow) -> list[Place]:
    """The cities for which the visitor may take it over."""
    return [one for one in cities_for(row.solution, site_of(request).places) if may_adopt(request, one)]


def _city(request: Request, row: SolutionRow, id: str) -> Place:
    """The city that takes it over, if the visitor may. Raises as the gate does, and HTTPException 404."""
    place = site_of(request).place(id)
    if place not in cities_for(row.solution, site_of(request).places):
        raise HTTPException(404, _("%(place)s cannot take this solution over.", place=words(place.name)))
    if not may_adopt(request, place):
        gate.require(request, "solution.adopt", place)
    return place


def show(request: Request) -> Response:
    row = _row(request)
    into = request.query_params.get("into", "")
    if not into:
        found = choices(request, row)
        if len(found) != 1:
            if not found:
                gate.require(request, "solution.adopt", row.place)
            return _choose(request, row, found)
        into = found[0].id
    given = {
        one.text: request.query_params.get(f"set-{at}", "")[:100] for at, one in enumerate(row.solution.adapt)
    }
    return _page(request, row, _city(request, row, into), given)


def _choose(request: Request, row: SolutionRow, cities: list[Place]) -> Response:
    return render(
        request, "solution-choose.html", title=_("Adopt: %(name)s", name=words(row.solution.name)), section="network",
        row=row, cities=cities,
    )  # fmt: skip


def _page(
    request: Request,
    row: SolutionRow,
    place: Place,
    given: dict[str, str],
    status: int = 200,
    error: str = "",
    kept: frozenset[str] = frozenset(),
) -> Response:
    site = site_of(request)
    try:
        found = preview(row.solution, place, solution_desk(request).places, given)
    except ConfigError as problem:
        raise HTTPException(409, str(problem)) from problem
    answer = render(
        request,
        "solution-adopt.html",
        status,
        title=_("Adopt: %(name)s", name=words(row.solution.name)),
        section="network",
        row=row,
        city=place,
        preview=found,
        token=gate.token(request),
        error=error,
        problems=() if found.lacking else problems_of(found, site.places),
        asked=[
            (at, one)
            for at, one in enumerate(row.solution.adapt)
            if one in found.lacking or given.get(one.text)
        ],
        given=given,
        kept=kept,
        left=left(found, site.places),
        say=adoption_words,
        done=adoption(site.store, place.id, row.solution.key),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _adopt(request: Request, form: FormData) -> Response:
    row, site = _row(request), site_of(request)
    place = _city(request, row, gate.text(form, "into"))
    given = {one.text: gate.text(form, f"set-{at}")[:100] for at, one in enumerate(row.solution.adapt)}
    try:
        found = preview(row.solution, place, solution_desk(request).places, given)
    except ConfigError as problem:
        raise HTTPException(409, str(problem)) from problem
    keep = frozenset(one.name for at, one in enumerate(found.pieces) if gate.text(form, f"keep-{at}"))
    if not gate.is_ours(request, form):
        return _page(request, row, place, given, 403, gate.stale(), keep)
    visitor = gate.visitor(request)
    try:
        check(found, site.places, keep)
        if gate.text(form, "seen") != found.mark and _typed(found, given):
            # What was typed makes other files than those that were shown: they are shown before they are written.
            return _page(request, row, place, given, 200, adoption_words.look_again(), keep)
        adopt(
            Parts.of(site.node), found, keep=keep, by=visitor.name if visitor else "", at=now(),
            seen=gate.text(form, "seen") or "-",
        )  # fmt: skip
    except Refusal as refusal:
        return _page(request, row, place, given, 422, adoption_words.refused(refusal), keep)
    except Changed:
        return _page(request, row, place, given, 409, changed(), keep)
    except ConfigError as problem:
        return _page(request, row, place, given, 422, str(problem), keep)
    return RedirectResponse(f"{row.address}/adopted/{place.id}", 303)


def _typed(found: Preview, given: dict[str, str]) -> bool:
    return any(given.get(text) for text in found.values)


def adopted(request: Request) -> AdoptionRow:
    """Raises HTTPException 404 for a city that did not take it over."""
    row, site = _row(request), site_of(request)
    place = site.place(request.path_params["city"])
    found = adoption(site.store, place.id, row.solution.key)
    if found is None:
        raise HTTPException(
            404,
            _("%(place)s has not adopted %(name)s.", place=words(place.name), name=words(row.solution.name)),
        )
    return solution_desk(request).taken(found, row.solution)


def show_adopted(request: Request) -> Response:
    return _adopted_page(request)


def _adopted_page(
    request: Request, said: list[str] | None = None, status: int = 200, error: str = ""
) -> Response:
    found, site = adopted(request), site_of(request)
    row, place = found.row, found.row.place
    in_timezone(place.timezone)
    now_there = preview(row.solution, place, solution_desk(request).places, found.adoption.values)
    answer = render(
        request,
        "solution-adopted.html",
        status,
        title=_("%(name)s in %(city)s", name=words(row.solution.name), city=words(place.name)),
        section="network",
        row=_row(request),
        city=place,
        found=found,
        evidence=row.found,
        pieces=now_there.pieces,
        left=remaining(Parts.of(site.node), now_there),
        say=say,
        adopting=adoption_words,
        may=may_adopt(request, place),
        token=gate.token(request),
        said=said,
        error=error,
        scope=scope_of(place, site.places),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _run(request: Request, form: FormData) -> Response:
    """Once what was left is done: the feeds are run and the indicators computed again."""
    found = adopted(request)
    place = _city(request, _row(request), found.adoption.place)
    if not gate.is_ours(request, form):
        return _adopted_page(request, status=403, error=gate.stale())
    visitor = gate.visitor(request)
    parts = Parts.of(site_of(request).node)
    said = first_run(parts, found.row.solution, place, visitor.name if visitor else "", found.adoption.values)
    if said:
        return _adopted_page(request, said)
    return RedirectResponse(found.address, 303)
