"""Answering an evaluation on the pages: the self-assessment of a place or an agency, the request for a review, and what
the other city found."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import ConfigError, Place
from mahakam.evaluation import kept as steps
from mahakam.evaluation.files import Framework, framework_of
from mahakam.evaluation.kept import Kept, Verdict
from mahakam.evaluation.standing import Standing, cited
from mahakam.faults import Changed, Refused
from mahakam.feeds.known import datasets
from mahakam.indicators.series import all_series
from mahakam.network.offices import Office
from mahakam.web import gate
from mahakam.web.assessment_desk import (
    WRITE,
    address,
    agencies,
    one_to_read,
    reviewer,
    standings,
)
from mahakam.web.assessment_form import answers_of, typed_in, typed_of
from mahakam.web.faults import Errors, changed, in_file, now, number, said
from mahakam.web.language import _, words
from mahakam.web.network_office import author_of, desk, require_in
from mahakam.web.pages.evaluation import page
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.step_letters import tell_of_review

if TYPE_CHECKING:
    from mahakam.web.site import Site


def routes(_site: Site) -> list[BaseRoute]:
    one = "/evaluation/{place}/{name}"
    return [
        Route("/evaluation/{place}/new", new, methods=["GET"]),
        Route("/evaluation/{place}/new", gate.posted(_new), methods=["POST"]),
        Route(one + "/ask", gate.posted(_ask), methods=["POST"]),
        Route(one + "/review", review, methods=["GET"]),
        Route(one + "/review", gate.posted(_review), methods=["POST"]),
    ]


# The city's own answer.


def new(request: Request) -> Response:
    """``?framework=`` and ``?agency=`` ("" for the place as a whole); begins with what was answered last time."""
    place = site_of(request).place(request.path_params["place"])
    require_in(request, WRITE, place)
    query = request.query_params
    framework = _framework(request, place, query.get("framework", ""))
    agency = " ".join(query.get("agency", "").split())[: steps.LONGEST_AGENCY]
    before = [
        one.assessment
        for one in standings(request, place)
        if (one.framework.id, one.assessment.agency) == (framework.id, agency)
    ]
    typed = typed_of(framework, before[-1].answers if before else {}, place)
    today = steps.todays(steps.kept_of(site_of(request).store, place.id), framework.id, agency, _day(place))
    return _form(
        request,
        place,
        framework,
        typed | {"agency": agency, "seen": str(len(today.versions) if today else 0)},
    )


def _new(request: Request, form: FormData) -> Response:
    site = site_of(request)
    place = site.place(request.path_params["place"])
    by = require_in(request, WRITE, place)
    framework = _framework(request, place, gate.text(form, "framework"))
    typed = typed_in(form, framework)
    typed |= {"agency": " ".join(gate.text(form, "agency").split()), "seen": gate.text(form, "seen")}
    if not gate.is_ours(request, form):
        return _form(request, place, framework, typed, {"form": gate.stale()}, 403)
    answers, there, faults = answers_of(request, place, framework, typed)
    try:
        if faults:
            raise Refused([*faults, *steps.answer_faults(framework, answers, there)])
        made = steps.assess(
            site.store,
            place,
            framework,
            typed["agency"],
            answers,
            there,
            number(typed["seen"]),
            by,
            now(),
            _day(place),
        )
    except Refused as refused:
        return _form(request, place, framework, typed, said(refused.faults), 422)
    except Changed:
        today = steps.todays(steps.kept_of(site.store, place.id), framework.id, typed["agency"], _day(place))
        seen = str(len(today.versions) if today else 0)
        return _form(request, place, framework, typed | {"seen": seen}, {"form": changed()}, 409)
    return RedirectResponse(address(place, made.key), 303)


def _form(
    request: Request,
    place: Place,
    framework: Framework,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    site = site_of(request)
    answer = render(
        request,
        "evaluation-form.html",
        status,
        title=words(framework.name),
        place=place,
        framework=framework,
        typed=typed,
        errors=Errors(errors or {}),
        token=gate.token(request),
        agencies=agencies(request, place),
        own=cited(site.broker, place, framework),
        known=[
            (words(one.title), f"/catalogue/{place.id}/{one.name}")
            for one in datasets(site.store, place)
            if one.run
        ]
        + [
            (words(one.definition.name), f"/indicators/{place.id}/{one.definition.id}")
            for one in all_series(site.broker, place, above=False)
            if one.latest is not None
        ],
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _framework(request: Request, place: Place, name: str) -> Framework:
    """Raises HTTPException 404 for one that does not hold for the place, 422 for one whose file is wrong."""
    try:
        known = (
            framework_of(place, site_of(request).places, name) if name.replace("-", "").isalnum() else None
        )
    except ConfigError as error:
        raise HTTPException(422, in_file(error)) from error
    if known is None:
        raise HTTPException(
            404, _("%(place)s has no framework %(name)s", place=words(place.name), name=repr(name[:80]))
        )
    return known


def _day(place: Place) -> str:
    return dt.datetime.now(ZoneInfo(place.timezone)).date().isoformat()


# Another city looks.


def _ask(request: Request, form: FormData) -> Response:
    place, _found, one = one_to_read(request)
    by = require_in(request, WRITE, place)
    if one is None:
        raise HTTPException(409, _("It stands in a file: what a peer found is written there."))
    seat = gate.text(form, "peer")
    if not gate.is_ours(request, form):
        return page(request, {"peer": seat}, {"peer": gate.stale()}, 403)
    cities = {each.code: each.name for each in desk(request).seats if each.place != place.id}
    if seat not in cities:
        return page(request, {"peer": seat}, {"peer": _("Choose one from the list.")}, 422)
    try:
        steps.change_kept(
            site_of(request).store, place.id, one.key,
            lambda there: steps.ask_review(there, seat, cities[seat], by, now()),
            tell_of_review(request, f"{address(place, one.key)}/review"),
        )  # fmt: skip
    except Refused as refused:
        return page(request, {"peer": seat}, said(refused.faults), 422)
    return RedirectResponse(f"{address(place, one.key)}#peers", 303)


def review(request: Request) -> Response:
    return _review_form(request, {})


def _review_form(
    request: Request, typed: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    place, found, one, _office = _reviewing(request)
    blank = {
        name: "" for at in range(len(found.framework.questions)) for name in (f"verdict-{at}", f"reason-{at}")
    }
    answer = render(
        request,
        "evaluation-review.html",
        status,
        title=_("Review: %(name)s", name=words(found.framework.name)),
        place=place,
        found=found,
        kept=one,
        here=address(place, one.key),
        lines=list(enumerate(found.lines)),
        typed=blank | {"seen": str(len(one.versions))} | typed,
        errors=Errors(errors or {}),
        token=gate.token(request),
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _review(request: Request, form: FormData) -> Response:
    place, found, one, office = _reviewing(request)
    questions = found.framework.questions
    typed = {
        name: gate.text(form, name).replace("\r\n", "\n").strip()
        for at in range(len(questions))
        for name in (f"verdict-{at}", f"reason-{at}")
    } | {"seen": gate.text(form, "seen")}
    if not gate.is_ours(request, form):
        return _review_form(request, typed, {"form": gate.stale()}, 403)
    verdicts = {
        question.key: Verdict(number(typed[f"verdict-{at}"]), typed[f"reason-{at}"])
        for at, question in enumerate(questions)
        if typed[f"verdict-{at}"]
    }
    by, city = author_of(office), desk(request).seat_name(office.role, office.seat)
    try:
        steps.change_kept(
            site_of(request).store, place.id, one.key,
            lambda there: steps.review(
                there, found.framework, verdicts, number(typed["seen"]), by, city, now()
            ),
            tell_of_review(request, address(place, one.key)),
        )  # fmt: skip
    except Refused as refused:
        return _review_form(request, typed, said(refused.faults), 422)
    except Changed:
        del request.state.assessments
        return _review_form(
            request, {key: text for key, text in typed.items() if key != "seen"}, {"form": changed()}, 409
        )
    return RedirectResponse(f"{address(place, one.key)}#peers", 303)


def _reviewing(request: Request) -> tuple[Place, Standing, Kept, Office]:
    """Raises HTTPException 403 unless the visitor is the officer of a city that was asked to look."""
    place, found, one = one_to_read(request)
    office = reviewer(request, one)
    if one is None or office is None:
        raise HTTPException(403, _("The officer of a city that was asked to look reviews it."))
    return place, found, one, office
