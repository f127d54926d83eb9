"""Questions between cities: the list, one question with its languages side by side, and what is written there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.faults import Changed, Fault, Refused
from mahakam.network import question as steps
from mahakam.network.question import TONGUES, Question, Said, Translation
from mahakam.network.questions import add_question, change_question, question, questions
from mahakam.network.recommendation import Author
from mahakam.web import gate
from mahakam.web import question_words as say
from mahakam.web.faults import Errors, changed, now, number, said
from mahakam.web.language import _, in_timezone, reader
from mahakam.web.network_office import author, desk, network_name, require, spoken
from mahakam.web.question_words import PATH
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.step_letters import tell_of_question
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

DISCUSS = "network.discuss"
_NEW = ("language", "title", "text", "links")
_TYPED = ("answer-language", "answer-text", "number", "to", "to-title", "to-text", "reason")
Step = Callable[[Question], Question]


def routes(_site: Site) -> list[BaseRoute]:
    one = PATH + "/{key}"
    return [
        Route(PATH + "/new", new, methods=["GET"]),
        Route(PATH + "/new", gate.posted(_new), methods=["POST"]),
        *table_routes(PATH, listed, questions_table),
        Route(one + "/answer", gate.posted(_answer), methods=["POST"]),
        Route(one + "/translate", gate.posted(_translate), methods=["POST"]),
        Route(one + "/step", gate.posted(_step), methods=["POST"]),
        Route(one, show, methods=["GET"]),
    ]


# The list.


def _asked(request: Request) -> dict[str, str]:
    query = request.query_params
    return {key: query.get(key, "")[:150].strip() for key in ("state", "lacking", "q")}


def _wanted(request: Request) -> list[Question]:
    asked = _asked(request)
    searched = asked["q"].casefold().split()

    def fits(one: Question) -> bool:
        texts = [one.key, *one.said.titles().values()]
        for each in (one.said, *one.answers):
            texts += [each.text, *(other.text for other in each.translations)]
        texts += [name for link in one.links for name in link.name.values()]
        words = " ".join(texts).casefold()
        return (
            not one.withdrawn
            and asked["state"] in ("", one.state)
            and (not asked["lacking"] or steps.lacking(one, asked["lacking"]))
            and all(word in words for word in searched)
        )

    return [one for one in questions(site_of(request).store) if fits(one)]


def listed(request: Request) -> Response:
    found = desk(request)
    answer = render(
        request,
        "question-list.html",
        title=_("Questions and answers"),
        section="network",
        network=network_name(found),
        asked=_asked(request),
        any=bool(questions(site_of(request).store)),
        may=found.may(DISCUSS),
        states=[(key, _(word)) for key, (word, _kind) in say.STATES.items() if key != "withdrawn"],
        tongues=[(code, say.tongue(code)) for code in TONGUES],
        table=questions_table(request),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def questions_table(request: Request) -> Table:
    found = desk(request)
    columns = [
        Column("title", _("Question"), get=lambda one: say.title_for(one.said), link=lambda one: f"{PATH}/{one.key}"),
        Column("by", _("Who asks"), get=lambda one: found.seat_name(one.by.role, one.by.seat) or one.by.name),
        Column("state", _("State"), get=lambda one: one.state, html=chip),
        Column("answers", _("Answers"), "number", get=lambda one: len(one.answers)),
        Column("languages", _("Can be read in"), get=lambda one: list(one.languages()), html=say.readable),
        Column("about", _("About"), get=lambda one: [spoken(link.name) for link in one.links]),
        Column("asked", _("Day"), "date", get=lambda one: one.said.at[:10]),
        Column("number", get=lambda one: one.key, hidden=True),
        Column("language", get=lambda one: one.said.language, hidden=True),
        Column("links", get=lambda one: [say.link_address(link) for link in one.links], hidden=True),
    ]  # fmt: skip
    return Table(
        request, _("Questions and answers"), columns, _wanted(request), path=PATH, anchor="questions",
        nothing=_("No question matches."),
    )  # fmt: skip


def chip(one: Question) -> Markup:
    word, kind = say.STATES[one.state]
    return Markup('<span class="chip {}">{}</span>').format(kind, _(word))


# One question.


def _one(request: Request) -> Question:
    """Raises HTTPException 404. One that was withdrawn is there for the Secretariat and its asker."""
    found = desk(request)
    one = question(site_of(request).store, request.path_params["key"])
    if one is None or (one.withdrawn and not (found.may("network.manage") or _is_asker(request, one))):
        raise HTTPException(404, _("There is no such question."))
    return one


def _is_asker(request: Request, one: Question) -> bool:
    return _asker(request, one) is not None


def _asker(request: Request, one: Question) -> Author | None:
    """Who the visitor is as the asker: in the office that asked, or by the same account."""
    found = desk(request)
    if not found.may(DISCUSS):
        return None
    offices = [Author(each.account, each.name, each.role, each.seat) for each in found.standing.offices]
    return next((by for by in (*offices, author(request, DISCUSS)) if one.asked_by(by)), None)


def show(request: Request) -> Response:
    return _page(request)


def _page(
    request: Request, typed: dict[str, str] | None = None, errors: dict[str, str] | None = None, status: int = 200
) -> Response:  # fmt: skip
    one, found = _one(request), desk(request)
    in_timezone(found.records.register.place.timezone)
    may = found.may(DISCUSS) and not one.withdrawn
    accepted = [(at, text) for at, text in enumerate(one.answers, 1) if at == one.accepted]
    others = [(at, text) for at, text in enumerate(one.answers, 1) if at != one.accepted]
    answer = render(
        request,
        "question.html",
        status,
        title=say.title_for(one.said),
        section="network",
        token=gate.token(request),
        here=f"{PATH}/{one.key}",
        one=one,
        desk=found,
        chip=chip(one),
        tongue=say.tongue,
        tongues=[(code, say.tongue(code)) for code in TONGUES],
        mine=reader().language,
        answers=[*accepted, *others],
        links=say.links_shown(request, one.links),
        may=may,
        asker=_is_asker(request, one) and not one.withdrawn,
        may_withdraw=not one.withdrawn and (found.may("network.manage") or _is_asker(request, one)),
        typed=dict.fromkeys(_TYPED, "") | {"answer-language": reader().language} | (typed or {}),
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _answer(request: Request, form: FormData) -> Response:
    require(request, DISCUSS)
    text = Said(
        gate.text(form, "answer-language"), "", _words(form, "answer-text"), now(), author(request, DISCUSS)
    )
    return _taken(request, form, lambda one: steps.answer(one, text), "answers")


def _translate(request: Request, form: FormData) -> Response:
    require(request, DISCUSS)
    at = number(gate.text(form, "number"))
    new = Translation(
        gate.text(form, "to"),
        " ".join(gate.text(form, "to-title").split()),
        _words(form, "to-text"),
        now(),
        author(request, DISCUSS),
    )
    seen = number(gate.text(form, "seen"))
    return _taken(request, form, lambda one: steps.translate(one, at, new, seen), f"said-{max(at, 0)}")


def _step(request: Request, form: FormData) -> Response:
    """``do``: accept an answer (``number``; 0 takes it back), or withdraw."""
    one = _one(request)
    do, at, reason = gate.text(form, "do"), number(gate.text(form, "number")), gate.text(form, "reason")
    by = _asker(request, one)
    if by is None:
        require(request, "network.manage")
        if do == "accept":
            raise HTTPException(403, _("Whoever asked says which answer helped."))
        by = author(request, "network.manage")
    if do == "accept":
        return _taken(request, form, lambda there: steps.accept(there, at, by, now()), "answers")
    if do == "withdraw":
        return _taken(request, form, lambda there: steps.withdraw(there, reason, by, now()), "next")
    raise HTTPException(400, _("Choose what to do."))


def _taken(request: Request, form: FormData, step: Step, anchor: str) -> Response:
    """Take a step from its form; what was typed stays if it is refused."""
    one = _one(request)
    typed = {name: gate.text(form, name)[:20_000] for name in _TYPED if name in form}
    if not gate.is_ours(request, form):
        return _page(request, typed, {anchor: gate.stale()}, 403)
    try:
        change_question(site_of(request).store, one.key, step, tell_of_question(request, PATH))
    except Refused as refused:
        return _page(request, typed, said(refused.faults), 422)
    except Changed:
        return _page(request, typed, {anchor: changed()}, 409)
    return RedirectResponse(f"{PATH}/{one.key}#{anchor}", 303)


# Asking.


def new(request: Request) -> Response:
    """``?about=`` solution:place/name or indicator:place/name."""
    require(request, DISCUSS)
    kind, _colon, ref = request.query_params.get("about", "")[:300].partition(":")
    link = say.link_of(request, kind, ref)
    return _form(request, {"language": reader().language, "links": say.link_address(link) if link else ""})


def _new(request: Request, form: FormData) -> Response:
    require(request, DISCUSS)
    typed = {name: _words(form, name) for name in _NEW}
    if not gate.is_ours(request, form):
        return _form(request, typed, {"form": gate.stale()}, 403)
    links, faults = say.links_in(request, typed["links"][:20_000], "links")
    text = Said(
        typed["language"], " ".join(typed["title"].split()), typed["text"], now(), author(request, DISCUSS)
    )
    try:
        if faults:
            raise Refused([*faults, *_refusals(text)])
        made = add_question(site_of(request).store, text, links)
    except Refused as refused:
        return _form(request, typed, said(refused.faults), 422)
    return RedirectResponse(f"{PATH}/{made.key}", 303)


def _refusals(text: Said) -> tuple[Fault, ...]:
    """What else is wrong with it, so that all is said at once."""
    try:
        steps.ask("", text, ())
    except Refused as refused:
        return refused.faults
    return ()


def _form(
    request: Request, typed: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    answer = render(
        request,
        "question-form.html",
        status,
        title=_("Ask the other cities"),
        section="network",
        token=gate.token(request),
        tongues=[(code, say.tongue(code)) for code in TONGUES],
        typed=dict.fromkeys(_NEW, "") | typed,
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _words(form: FormData, name: str) -> str:
    return gate.text(form, name).replace("\r\n", "\n").strip()
