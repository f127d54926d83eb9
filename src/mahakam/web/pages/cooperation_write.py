"""Writing cooperation: ask, answer, talk, propose and sign a letter of intent, plan tasks, report, conclude."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.faults import Changed, Fault, Refused
from mahakam.network import cooperation as steps
from mahakam.network.cooperation import SIDES, Agreement, Cooperation, Side
from mahakam.network.cooperations import ask_for, change_cooperation
from mahakam.network.evidence import evidence_of
from mahakam.network.recommendation import LANGUAGES, Author, Evidence
from mahakam.web import cooperation_words as say
from mahakam.web import gate
from mahakam.web.cooperation_desk import (
    PATH,
    CooperationDesk,
    acting_desk,
    address,
    author_for,
    cooperation_desk,
    found_one,
    party_of,
    seat_of,
)
from mahakam.web.faults import Errors, changed, now, number, said
from mahakam.web.language import _
from mahakam.web.network_office import author_of, hosts
from mahakam.web.pages.cooperations import TYPED, page
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.word_fields import LANGUAGE_NAMES, words_in

if TYPE_CHECKING:
    from mahakam.web.site import Site

Step = Callable[[Cooperation, Author], Cooperation]
_NEW = ("for", "with", "about", "title", *(f"why-{code}" for code in LANGUAGES))
_PARTS = ("purpose", "asker_does", "asked_does")
_LETTER = ("begins", "ends", "seen", *(f"{name}-{code}" for name in _PARTS for code in LANGUAGES))


def routes(_site: Site) -> list[BaseRoute]:
    one = PATH + "/{key}"
    return [
        Route(PATH + "/new", new, methods=["GET"]),
        Route(PATH + "/new", gate.posted(_new), methods=["POST"]),
        Route(one + "/agreement", agreement, methods=["GET"]),
        Route(one + "/agreement", gate.posted(_agreement), methods=["POST"]),
        Route(one + "/step", gate.posted(_step), methods=["POST"]),
        Route(one + "/message", gate.posted(_message), methods=["POST"]),
        Route(one + "/task", gate.posted(_task), methods=["POST"]),
        Route(one + "/report", gate.posted(_report), methods=["POST"]),
        Route(one + "/result", gate.posted(_result), methods=["POST"]),
    ]


# Asking.


def new(request: Request) -> Response:
    """``?with=`` a side or the id of a city's place, ``?about=`` what it starts from."""
    found = acting_desk(request)
    query = request.query_params
    wished = query.get("with", "")[:200]
    if wished and ":" not in wished:
        wished = f"city:{seat_of(found, wished)}"
    about = query.get("about", "")[:400]
    there = say.about_of(request, about) if about else None
    typed = {"with": wished, "about": about if there else ""}
    if there is not None:
        typed["title"] = say.about_name(there)[: steps.LONGEST_TITLE]
    return _form(request, found, typed)


def _new(request: Request, form: FormData) -> Response:
    found = acting_desk(request)
    typed = {name: gate.text(form, name).replace("\r\n", "\n") for name in _NEW}
    if not gate.is_ours(request, form):
        return _form(request, found, typed, {"form": gate.stale()}, 403)
    own = {address(one): one for one in found.acting}
    office = own.get(typed["for"]) or (found.acting[0] if len(own) == 1 else None)
    asked, about = found.parties.get(typed["with"]), say.about_of(request, typed["about"][:400])
    faults = [Fault("for", "choose", {})] if office is None else []
    faults += [Fault("with", "choose", {})] if asked is None else []
    faults += [Fault("about", "gone", {})] if about is None else []
    try:
        if faults or office is None or asked is None or about is None:
            raise Refused(faults)
        by = author_of(office)
        asker = party_of(office)
        made = ask_for(
            found.site.store,
            asker,
            asked,
            typed["title"],
            words_in(typed, "why"),
            about,
            by,
            now(),
            found.tell(),
        )
    except Refused as refused:
        return _form(request, found, typed, said(refused.faults), 422)
    return RedirectResponse(f"{PATH}/{made.key}", 303)


def _form(
    request: Request,
    found: CooperationDesk,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    typed = dict.fromkeys(_NEW, "") | typed
    about = say.about_of(request, typed["about"][:400]) if typed["about"] else None
    own = {address(one) for one in found.acting}
    if not typed["for"] and len(own) == 1:
        typed["for"] = next(iter(own))
    sides = [
        (key, found.party_name(party) + (f" ({_('nobody in office')})" if found.empty(party) else ""))
        for key, party in found.parties.items()
        if key not in own or len(own) > 1
    ]
    answer = render(
        request,
        "cooperation-form.html",
        status,
        title=_("Ask for cooperation"),
        section="network",
        token=gate.token(request),
        typed=typed,
        errors=Errors(errors or {}),
        about=say.about_links(request, about) if about else [],
        own=[(address(one), found.desk.seat_name(one.role, one.seat)) for one in found.acting],
        sides=sorted(sides, key=lambda one: one[1].casefold()),
        language_names=LANGUAGE_NAMES,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


# The letter of intent.


def agreement(request: Request) -> Response:
    one = _talked(request)
    text = one.agreement
    typed = {"seen": str(one.version)}
    if text is not None:
        typed |= {"begins": text.begins, "ends": text.ends}
        typed |= {
            f"{name}-{code}": getattr(text, name).get(code, "") for name in _PARTS for code in LANGUAGES
        }
    return _letter_form(request, one, typed)


def _agreement(request: Request, form: FormData) -> Response:
    one = _talked(request)
    typed = {name: gate.text(form, name).replace("\r\n", "\n") for name in _LETTER}
    if not gate.is_ours(request, form):
        return _letter_form(request, one, typed, {"form": gate.stale()}, 403)
    text = Agreement(
        **{name: words_in(typed, name) for name in _PARTS},
        begins=typed["begins"].strip(),
        ends=typed["ends"].strip(),
    )
    found = cooperation_desk(request)
    by, seen = _author(found, one, SIDES), number(typed["seen"])
    try:
        change_cooperation(
            found.site.store, one.key, lambda there: steps.propose(there, text, seen, by, now()), found.tell()
        )
    except Refused as refused:
        return _letter_form(request, one, typed, said(refused.faults), 422)
    except Changed:
        latest = _talked(request)
        return _letter_form(request, latest, typed | {"seen": str(latest.version)}, {"form": changed()}, 409)
    return RedirectResponse(f"{PATH}/{one.key}#agreement", 303)


def _talked(request: Request) -> Cooperation:
    """Raises HTTPException 403 unless the visitor is a side of one that is in talk."""
    one = found_one(request)
    if not cooperation_desk(request).sides(one):
        acting_desk(request)
        raise HTTPException(403, _("Only its two sides write here."))
    if one.state != "talk":
        raise HTTPException(409, _("The letter of intent can be changed while the two sides are in talk."))
    return one


def _letter_form(
    request: Request,
    one: Cooperation,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    found = cooperation_desk(request)
    answer = render(
        request,
        "cooperation-letter.html",
        status,
        title=_("Letter of intent"),
        section="network",
        token=gate.token(request),
        here=f"{PATH}/{one.key}",
        one=one,
        signed=bool(one.signed()),
        letter=[
            ("purpose", _("What for")),
            ("asker_does", _("What %(who)s does", who=found.party_name(one.asker))),
            ("asked_does", _("What %(who)s does", who=found.party_name(one.asked))),
        ],
        typed=dict.fromkeys(_LETTER, "") | typed,
        errors=Errors(errors or {}),
        language_names=LANGUAGE_NAMES,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


# The steps.


def _step(request: Request, form: FormData) -> Response:
    """Answer, withdraw, sign, confirm, give back, end: ``do`` says which."""
    one, found = found_one(request), cooperation_desk(request)
    reason, version = gate.text(form, "reason"), number(gate.text(form, "version"))
    do = gate.text(form, "do")
    wanted: Iterable[Side] = SIDES
    step: Step
    match do:
        case "accept":
            wanted = ("asked",)
            step = lambda one, by: steps.accept(one, by, now())  # noqa: E731
        case "decline":
            wanted = ("asked",)
            step = lambda one, by: steps.decline(one, reason, by, now())  # noqa: E731
        case "withdraw":
            wanted = ("asker",)
            step = lambda one, by: steps.withdraw(one, reason, by, now())  # noqa: E731
        case "sign":
            wanted = sorted(SIDES, key=lambda side: side in one.signed())
            step = lambda one, by: steps.sign(one, version, by, now())  # noqa: E731
        case "confirm":
            wanted = _others(one)
            step = lambda one, by: steps.confirm(one, by, now())  # noqa: E731
        case "return":
            wanted = _others(one)
            step = lambda one, by: steps.return_result(one, reason, by, now())  # noqa: E731
        case "end":
            step = lambda one, by: steps.end(one, reason, by, now())  # noqa: E731
        case _:
            raise HTTPException(400, _("Choose what to do."))
    anchor = "agreement" if do == "sign" else "result" if do in ("confirm", "return") else "next"
    return _taken(request, form, step, _author(found, one, wanted), ("reason",), anchor)


def _others(one: Cooperation) -> tuple[Side, ...]:
    """The side that did not write the result."""
    return tuple(side for side in SIDES if not one.results or side != one.results[-1].side)


def _message(request: Request, form: FormData) -> Response:
    text = words_in(form, "message")
    return _by_any(request, form, lambda one, by: steps.say(one, text, by, now()), ("message",), "talk")


def _task(request: Request, form: FormData) -> Response:
    text, who, due = words_in(form, "task"), gate.text(form, "who"), gate.text(form, "due").strip()
    step: Step = lambda one, by: steps.plan(one, text, who, due, by, now())  # noqa: E731
    return _by_any(request, form, step, ("task", "who", "due"), "plan")


def _report(request: Request, form: FormData) -> Response:
    at, due, text = (
        number(gate.text(form, "number")),
        gate.text(form, "moved").strip(),
        words_in(form, "report"),
    )
    state = gate.one_of(gate.text(form, "state"), say.WORK, "under_way")
    evidence, faults = _evidence(request, form, "report-evidence")

    def step(one: Cooperation, by: Author) -> Cooperation:
        if faults:
            raise Refused(faults)
        return steps.report(one, at, state, text, evidence, due, by, now())  # type: ignore[arg-type]

    return _by_any(request, form, step, ("report", "number", "state", "moved", "report-evidence"), "plan")


def _result(request: Request, form: FormData) -> Response:
    text = words_in(form, "result")
    evidence, faults = _evidence(request, form, "result-evidence")

    def step(one: Cooperation, by: Author) -> Cooperation:
        if faults:
            raise Refused(faults)
        return steps.conclude(one, text, evidence, by, now())

    return _by_any(request, form, step, ("result", "result-evidence"), "result")


def _by_any(request: Request, form: FormData, step: Step, fields: tuple[str, ...], anchor: str) -> Response:
    """A step that either side may take."""
    one, found = found_one(request), cooperation_desk(request)
    return _taken(request, form, step, _author(found, one, SIDES), fields, anchor)


def _taken(
    request: Request, form: FormData, step: Step, by: Author, fields: tuple[str, ...], anchor: str
) -> Response:
    """Take a step from its form; what was typed stays if it is refused."""
    one, found = found_one(request), cooperation_desk(request)
    names = [name for name in TYPED if name in fields or name.rpartition("-")[0] in fields]
    typed = {name: gate.text(form, name).replace("\r\n", "\n")[:20_000] for name in names}
    if not gate.is_ours(request, form):
        return page(request, one, typed, {anchor: gate.stale()}, 403)
    try:
        change_cooperation(found.site.store, one.key, lambda there: step(there, by), found.tell())
    except Refused as refused:
        return page(request, one, typed, said(refused.faults), 422)
    except Changed:
        return page(request, found_one(request), typed, {anchor: changed()}, 409)
    return RedirectResponse(f"{PATH}/{one.key}#{anchor}", 303)


def _author(found: CooperationDesk, one: Cooperation, wanted: Iterable[Side]) -> Author:
    """Raises HTTPException 403 for somebody who speaks for none of the sides."""
    by = author_for(found.sides(one), wanted)
    if by is None:
        raise HTTPException(403, _("This is for the other side to do, or you are none of the two."))
    return by


def _evidence(request: Request, form: FormData, field: str) -> tuple[tuple[Evidence, ...], list[Fault]]:
    found = cooperation_desk(request)
    return evidence_of(
        site_of(request).broker,
        found.desk.records.register,
        gate.text(form, field),
        hosts(request),
        field,
        found.desk.day.isoformat(),
    )
