"""Writing recommendations: draft, amend, comment, put, consent or object, send, report progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.faults import Changed, Refused
from mahakam.network import recommendation as steps
from mahakam.network.desk import add_recommendation, change_recommendation, meetings
from mahakam.network.evidence import evidence_of
from mahakam.network.recommendation import LANGUAGES, Recommendation, Text
from mahakam.web import gate, recommendation_form
from mahakam.web.faults import Errors, changed, now, number, said
from mahakam.web.language import _, date
from mahakam.web.languages import own_names
from mahakam.web.network_office import author, desk, hosts, representative, require
from mahakam.web.pages.recommendations import PATH, WORK, found_one, may_amend, page
from mahakam.web.render import render
from mahakam.web.site import site_of

if TYPE_CHECKING:
    from mahakam.web.site import Site

Step = Callable[[Recommendation], Recommendation]


def routes(_site: Site) -> list[BaseRoute]:
    one = PATH + "/{key}"
    return [
        Route(PATH + "/new", new, methods=["GET"]),
        Route(PATH + "/new", new_posted, methods=["POST"]),
        Route(one + "/edit", edit, methods=["GET"]),
        Route(one + "/edit", edit_posted, methods=["POST"]),
        Route(one + "/comment", gate.posted(_comment), methods=["POST"]),
        Route(one + "/step", gate.posted(_step), methods=["POST"]),
        Route(one + "/position", gate.posted(_position), methods=["POST"]),
        Route(one + "/progress", gate.posted(_progress), methods=["POST"]),
    ]


def new(request: Request) -> Response:
    require(request, "recommendation.draft")
    return _form(request, None, {"meeting": request.query_params.get("meeting", "")})


async def new_posted(request: Request) -> Response:
    form = await gate.read_form(request, recommendation_form.LARGEST)
    return await run_in_threadpool(_new, request, form)


async def edit_posted(request: Request) -> Response:
    form = await gate.read_form(request, recommendation_form.LARGEST)
    return await run_in_threadpool(_edit, request, form)


def _new(request: Request, form: FormData) -> Response:
    found = require(request, "recommendation.draft")
    typed = recommendation_form.typed_of(form)
    if not gate.is_ours(request, form):
        return _form(request, None, typed, {"form": gate.stale()}, 403)
    if gate.text(form, "more"):
        return _form(request, None, typed, more=gate.text(form, "more"))
    typed = recommendation_form.closed_up(typed)
    text, faults = recommendation_form.text_of(request, found, typed)
    by = author(request, "recommendation.draft")
    try:
        if faults:
            raise Refused(faults)
        made = add_recommendation(site_of(request).store, text, _meeting(request, typed), by, now())
    except Refused as refused:
        return _form(request, None, typed, said(refused.faults), 422)
    return RedirectResponse(f"{PATH}/{made.key}", 303)


def edit(request: Request) -> Response:
    one = _amendable(request)
    return _form(request, one, recommendation_form.filled(one.text) | {"seen": str(one.revision)})


def _edit(request: Request, form: FormData) -> Response:
    one = _amendable(request)
    typed = recommendation_form.typed_of(form)
    if not gate.is_ours(request, form):
        return _form(request, one, typed, {"form": gate.stale()}, 403)
    if gate.text(form, "more"):
        return _form(request, one, typed, more=gate.text(form, "more"))
    typed = recommendation_form.closed_up(typed)
    before = [piece for claim in one.text.claims for piece in claim.evidence]
    text, faults = recommendation_form.text_of(request, desk(request), typed, before)
    action = "network.manage" if desk(request).may("network.manage") else "recommendation.draft"
    by, seen = author(request, action), number(typed["seen"])
    try:
        if faults:
            raise Refused(faults)
        change_recommendation(
            site_of(request).store,
            one.key,
            lambda found: steps.amend(found, text, typed["reason"], seen, by, now()),
        )
    except Refused as refused:
        return _form(request, one, typed, said(refused.faults), 422)
    except Changed:
        latest = found_one(request)
        typed["seen"] = str(latest.revision)
        return _form(request, latest, typed, {"form": changed()}, 409)
    return RedirectResponse(f"{PATH}/{one.key}#changes", 303)


def _amendable(request: Request) -> Recommendation:
    one = found_one(request)
    found = require(request, "recommendation.draft")
    if not may_amend(found, one):
        raise HTTPException(
            403, _("Only who drafted it or the Secretariat may amend it, before it is adopted.")
        )
    return one


def _form(
    request: Request,
    one: Recommendation | None,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
    more: str = "",
) -> Response:
    empty = recommendation_form.filled(Text({}, {})) | {"meeting": "", "reason": "", "seen": ""}
    typed = empty | typed
    answer = render(
        request,
        "recommendation-form.html",
        status,
        title=_("Amend %(number)s", number=one.key) if one else _("Draft a recommendation"),
        section="network",
        token=gate.token(request),
        one=one,
        typed=typed,
        errors=Errors(errors or {}),
        claims=recommendation_form.rows(typed, "claim", more == "claim"),
        actions=recommendation_form.rows(typed, "action", more == "action"),
        language_names=own_names(LANGUAGES),
        meetings=[
            (meeting.key, f"{meeting.text.title}, {date(meeting.text.begins)}")
            for meeting in meetings(site_of(request).store)
        ],
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _meeting(request: Request, typed: dict[str, str]) -> str:
    return gate.one_of(typed["meeting"], (one.key for one in meetings(site_of(request).store)))


# The steps.


def _taken(request: Request, form: FormData, step: Step, fields: tuple[str, ...], anchor: str) -> Response:
    """Take a step from its form; what was typed stays if it is refused."""
    one = found_one(request)
    typed = {name: gate.text(form, name)[:20_000] for name in fields}
    if not gate.is_ours(request, form):
        return page(request, one, typed, {anchor: gate.stale()}, 403)
    try:
        change_recommendation(site_of(request).store, one.key, step)
    except Refused as refused:
        return page(request, one, typed, said(refused.faults), 422)
    except Changed:
        return page(request, found_one(request), typed, {anchor: changed()}, 409)
    return RedirectResponse(f"{PATH}/{one.key}#{anchor}", 303)


def _comment(request: Request, form: FormData) -> Response:
    require(request, "network.discuss")
    by = author(request, "network.discuss")
    text = gate.text(form, "comment")
    return _taken(request, form, lambda one: steps.comment(one, text, by, now()), ("comment",), "comments")


def _step(request: Request, form: FormData) -> Response:
    """Open, put, withdraw or send: ``do`` says which."""
    found, do = desk(request), gate.text(form, "do")
    one = found_one(request)
    if do in ("open", "withdraw"):
        if not may_amend(found, one):
            require(request, "network.manage")
        by = author(request, "network.manage" if found.may("network.manage") else "recommendation.draft")
    else:
        require(request, "network.manage")
        by = author(request, "network.manage")
    seen, reason, to = number(gate.text(form, "seen")), gate.text(form, "withdraw"), gate.text(form, "to")
    step: Step
    match do:
        case "open":
            step = lambda one: steps.open_for_comment(one, by, now())  # noqa: E731
        case "put":
            step = lambda one: steps.put_to_decision(one, seen, by, now())  # noqa: E731
        case "withdraw":
            step = lambda one: steps.withdraw(one, reason, by, now())  # noqa: E731
        case "send":
            step = lambda one: steps.send(one, to, by, now())  # noqa: E731
        case _:
            raise HTTPException(400, _("Choose what to do."))
    return _taken(request, form, step, ("withdraw", "to"), "next")


def _position(request: Request, form: FormData) -> Response:
    country = gate.text(form, "country")
    found, by = representative(request, "recommendation.decide", country)
    seen = (number(gate.text(form, "version")), number(gate.text(form, "round")))
    consents, reason = gate.text(form, "position") == "consent", gate.text(form, "reason")
    return _taken(
        request,
        form,
        lambda one: steps.decide(one, country, consents, reason, seen, tuple(found.countries), by, now()),
        ("reason",),
        "decision",
    )


def _progress(request: Request, form: FormData) -> Response:
    found = require(request, "recommendation.follow")
    by = author(request, "recommendation.follow")
    state = gate.one_of(gate.text(form, "state"), WORK, "under_way")
    evidence, faults = evidence_of(
        site_of(request).broker,
        found.records.register,
        gate.text(form, "evidence"),
        hosts(request),
        "evidence",
        found.day.isoformat(),
    )

    def step(one: Recommendation) -> Recommendation:
        if faults:
            raise Refused(faults)
        at = number(gate.text(form, "action"))
        return steps.report(one, at, state, gate.text(form, "progress"), evidence, by, now())  # type: ignore[arg-type]

    return _taken(request, form, step, ("progress", "evidence", "state", "action"), "follow-up")
