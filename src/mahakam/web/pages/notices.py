"""The notice board: what cities and partners offer and ask for; one notice, what came of it, its form, its steps."""

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
from mahakam.network import notice as steps
from mahakam.network.notice import Notice, Text
from mahakam.network.notices import add_notice, change_notice, notice, notices
from mahakam.network.plan import FOCUS_AREAS
from mahakam.network.recommendation import Author
from mahakam.web import cooperation_words, gate, plan_words
from mahakam.web.cooperation_desk import (
    ACT,
    CooperationDesk,
    acting_desk,
    address,
    cooperation_desk,
    may_ask_side,
    party_of,
)
from mahakam.web.cooperation_desk import PATH as COOPERATION
from mahakam.web.faults import Errors, changed, now, number, said
from mahakam.web.language import N_, _, in_timezone
from mahakam.web.network_office import author, author_of, network_name, require
from mahakam.web.render import render
from mahakam.web.step_letters import tell_of_notice
from mahakam.web.tables import Column, Table, table_routes
from mahakam.web.word_fields import LANGUAGE_NAMES, names_of, words_in

if TYPE_CHECKING:
    from mahakam.web.site import Site

PATH = cooperation_words.NOTICES
KINDS = {"offer": (N_("offers"), "ok"), "ask": (N_("asks for"), "river")}
STATES = {
    "waiting": (N_("with the Secretariat"), "warn"),
    "open": (N_("on the board"), "ok"),
    "returned": (N_("given back"), "warn"),
    "over": (N_("its day is over"), ""),
    "closed": (N_("taken down"), ""),
}
EVENTS = {
    "posted": N_("Written"),
    "changed": N_("Changed"),
    "put_up": N_("Put up by the Secretariat"),
    "returned": N_("Given back"),
    "closed": N_("Taken down"),
}
_FIELDS = ("for", "kind", "title", "whom", "area", "until", "seen", *names_of("what", "conditions"))
Step = Callable[[Notice], Notice]


def routes(_site: Site) -> list[BaseRoute]:
    one = PATH + "/{key}"
    return [
        Route(PATH + "/new", new, methods=["GET"]),
        Route(PATH + "/new", gate.posted(_new), methods=["POST"]),
        *table_routes(PATH, listed, notices_table),
        Route(one + "/edit", edit, methods=["GET"]),
        Route(one + "/edit", gate.posted(_edit), methods=["POST"]),
        Route(one + "/step", gate.posted(_step), methods=["POST"]),
        Route(one, show, methods=["GET"]),
    ]


# The board.


def own(found: CooperationDesk, one: Notice) -> Author | None:
    """Who the visitor is to change it: somebody who speaks for the side that posted it."""
    return next((author_of(each) for each in found.acting if party_of(each) == one.party), None)


def _sees(found: CooperationDesk, one: Notice) -> bool:
    return one.public is not None or _inside(found, one)


def _inside(found: CooperationDesk, one: Notice) -> bool:
    """Who reads what is not up yet, and why it was given back: those of its side and the Secretariat."""
    return own(found, one) is not None or found.desk.may("network.manage")


def _read(found: CooperationDesk, one: Notice) -> Text:
    """What the visitor reads: the newest version, or the one that is up."""
    return one.text if _inside(found, one) or one.public is None else one.public


def _state(found: CooperationDesk, one: Notice) -> str:
    """As the visitor may know it; ``over`` if its day is."""
    if one.state == "closed" or (_inside(found, one) and one.state in ("waiting", "returned")):
        return one.state
    return "open" if one.stands(found.desk.day) else "over"


def _asked(request: Request) -> dict[str, str]:
    query = request.query_params
    return {key: query.get(key, "")[:150].strip() for key in ("kind", "area", "past", "q")}


def _wanted(request: Request) -> list[Notice]:
    found, asked = cooperation_desk(request), _asked(request)
    searched = asked["q"].casefold().split()

    def fits(one: Notice) -> bool:
        text = _read(found, one)
        said = " ".join([one.key, text.title, text.whom, found.party_name(one.party), *text.what.values()])
        return (
            asked["kind"] in ("", text.kind)
            and asked["area"] in ("", text.area)
            and (bool(asked["past"]) or _state(found, one) in ("open", "waiting", "returned"))
            and all(word in said.casefold() for word in searched)
        )

    return [one for one in notices(found.site.store) if _sees(found, one) and fits(one)]


def listed(request: Request) -> Response:
    found = cooperation_desk(request)
    in_timezone(found.desk.records.register.place.timezone)
    manages = found.desk.may("network.manage")
    answer = render(
        request,
        "notices.html",
        title=_("Notice board"),
        section="network",
        network=network_name(found.desk),
        asked=_asked(request),
        any=any(_sees(found, one) for one in notices(found.site.store)),
        acting=found.acting,
        waiting=[one for one in notices(found.site.store) if one.state == "waiting"] if manages else [],
        kinds=[(key, _(word)) for key, (word, _kind) in KINDS.items()],
        areas=[(key, plan_words.area(key)) for key in FOCUS_AREAS],
        table=notices_table(request),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def notices_table(request: Request) -> Table:
    found = cooperation_desk(request)
    columns = [
        Column("title", _("Title"), get=lambda one: _read(found, one).title, link=lambda one: f"{PATH}/{one.key}"),
        Column("who", _("Who"), get=lambda one: found.party_name(one.party)),
        Column("kind", _("Offers or asks"), get=lambda one: _read(found, one).kind,
               html=lambda one: _chip(KINDS[_read(found, one).kind])),
        Column("whom", _("For whom"), get=lambda one: _read(found, one).whom),
        Column("area", _("Focus area"), get=lambda one: _read(found, one).area,
               html=lambda one: plan_words.area(_read(found, one).area) or _("any")),
        Column("until", _("Until when"), "date", get=lambda one: _read(found, one).until),
        Column("state", _("State"), get=lambda one: _state(found, one),
               html=lambda one: _chip(STATES[_state(found, one)])),
        Column("number", get=lambda one: one.key, hidden=True),
        Column("what", get=lambda one: _read(found, one).what, hidden=True),
        Column("conditions", get=lambda one: _read(found, one).conditions, hidden=True),
        Column("stands", get=lambda one: one.stands(found.desk.day), hidden=True),
    ]  # fmt: skip
    return Table(
        request, _("Notice board"), columns, _wanted(request), path=PATH, anchor="notices",
        nothing=_("No notice matches."),
    )  # fmt: skip


def _chip(found: tuple[str, str]) -> Markup:
    word, kind = found
    return Markup('<span class="chip {}">{}</span>').format(kind, _(word))


# One notice.


def _one(request: Request) -> Notice:
    """Raises HTTPException 404 for one that there is not, or that is not up yet (a stranger signs in)."""
    found = cooperation_desk(request)
    one = notice(found.site.store, request.path_params["key"])
    if one is not None and _sees(found, one):
        return one
    if gate.visitor(request) is None:
        require(request, "network.discuss")
    raise HTTPException(404, _("There is no such notice, or it is not on the board yet."))


def show(request: Request) -> Response:
    return _page(request)


def _page(
    request: Request, typed: dict[str, str] | None = None, errors: dict[str, str] | None = None, status: int = 200
) -> Response:  # fmt: skip
    one, found = _one(request), cooperation_desk(request)
    in_timezone(found.desk.records.register.place.timezone)
    mine, manages = own(found, one) is not None, found.desk.may("network.manage")
    text, stands = _read(found, one), one.stands(found.desk.day)
    answer = render(
        request,
        "notice.html",
        status,
        title=text.title,
        section="network",
        token=gate.token(request),
        here=f"{PATH}/{one.key}",
        one=one,
        text=text,
        desk=found.desk,
        who=found.party_name(one.party),
        kind=_(KINDS[text.kind][0]),
        chip=_chip(STATES[_state(found, one)]),
        area=plan_words.area(text.area),
        pending=one.public is not None and one.version != one.shown and (mine or manages),
        mine=mine,
        manages=manages,
        may_answer=stands and may_ask_side(request, one.party),
        side=address(one.party),
        came=[(each, cooperation_words.chip(each)) for each in found.all
              if (each.about.kind, each.about.ref) == ("notice", one.key)],
        cooperation=COOPERATION,
        course=[event for event in one.events if mine or manages or event.what in ("put_up", "closed")],
        events=EVENTS,
        typed={"reason": ""} | (typed or {}),
        errors=Errors(errors or {}),
    )  # fmt: skip
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _step(request: Request, form: FormData) -> Response:
    """``do``: put up or give back (the Secretariat), close (it, or whoever posted it)."""
    one, found = _one(request), cooperation_desk(request)
    do, reason, seen = gate.text(form, "do"), gate.text(form, "reason"), number(gate.text(form, "version"))
    by = own(found, one)
    if do != "close" or by is None:
        require(request, "network.manage")
        by = author(request, "network.manage")
    step: Step
    match do:
        case "put_up":
            step = lambda there: steps.put_up(there, seen, by, now())  # noqa: E731
        case "return":
            step = lambda there: steps.give_back(there, reason, seen, by, now())  # noqa: E731
        case "close":
            step = lambda there: steps.close(there, reason, by, now())  # noqa: E731
        case _:
            raise HTTPException(400, _("Choose what to do."))
    typed = {"reason": reason[:20_000]}
    if not gate.is_ours(request, form):
        return _page(request, typed, {"next": gate.stale()}, 403)
    try:
        change_notice(found.site.store, one.key, step, tell_of_notice(request, PATH))
    except Refused as refused:
        return _page(request, typed, said(refused.faults), 422)
    except Changed:
        return _page(request, typed, {"next": changed()}, 409)
    return RedirectResponse(f"{PATH}/{one.key}", 303)


# Writing one.


def new(request: Request) -> Response:
    acting_desk(request)
    return _form(request, None, {"kind": gate.one_of(request.query_params.get("kind", ""), KINDS, "offer")})


def _new(request: Request, form: FormData) -> Response:
    found = acting_desk(request)
    typed = _typed(form)
    if not gate.is_ours(request, form):
        return _form(request, None, typed, {"form": gate.stale()}, 403)
    sides = {address(one): one for one in found.acting}
    office = sides.get(typed["for"]) or (found.acting[0] if len(sides) == 1 else None)
    try:
        if office is None:
            raise Refused([Fault("for", "choose", {})])
        made = add_notice(
            found.site.store,
            party_of(office),
            _text(typed),
            author_of(office),
            now(),
            found.desk.day,
            tell_of_notice(request, PATH),
        )
    except Refused as refused:
        return _form(request, None, typed, said(refused.faults), 422)
    return RedirectResponse(f"{PATH}/{made.key}", 303)


def edit(request: Request) -> Response:
    one, _by = _mine(request)
    text = one.text
    typed = {
        "kind": text.kind,
        "title": text.title,
        "whom": text.whom,
        "area": text.area,
        "until": text.until,
    }
    for code, _name in LANGUAGE_NAMES:
        typed |= {
            f"what-{code}": text.what.get(code, ""),
            f"conditions-{code}": text.conditions.get(code, ""),
        }
    return _form(request, one, typed | {"seen": str(one.version)})


def _edit(request: Request, form: FormData) -> Response:
    one, by = _mine(request)
    found, typed = cooperation_desk(request), _typed(form)
    if not gate.is_ours(request, form):
        return _form(request, one, typed, {"form": gate.stale()}, 403)
    seen, text = number(typed["seen"]), _text(typed)
    try:
        change_notice(
            found.site.store, one.key,
            lambda there: steps.amend(there, text, seen, by, now(), found.desk.day),
            tell_of_notice(request, PATH),
        )  # fmt: skip
    except Refused as refused:
        return _form(request, one, typed, said(refused.faults), 422)
    except Changed:
        latest, _by = _mine(request)
        return _form(request, latest, typed | {"seen": str(latest.version)}, {"form": changed()}, 409)
    return RedirectResponse(f"{PATH}/{one.key}", 303)


def _mine(request: Request) -> tuple[Notice, Author]:
    """Raises HTTPException 403 for somebody who does not speak for the side that posted it, 409 for one taken down."""
    one = _one(request)
    by = own(cooperation_desk(request), one)
    if by is None:
        require(request, ACT)
        raise HTTPException(403, _("Whoever posted it changes it."))
    if one.state == "closed":
        raise HTTPException(409, _("It was taken down; write a new one."))
    return one, by


def _form(
    request: Request,
    one: Notice | None,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    found = cooperation_desk(request)
    sides = [(address(each), found.desk.seat_name(each.role, each.seat)) for each in found.acting]
    answer = render(
        request,
        "notice-form.html",
        status,
        title=_("Change the notice") if one else _("Offer or ask"),
        section="network",
        token=gate.token(request),
        here=f"{PATH}/{one.key}/edit" if one else f"{PATH}/new",
        one=one,
        sides=sides,
        kinds=[("offer", _("We offer something")), ("ask", _("We ask for something"))],
        areas=[(key, plan_words.area(key)) for key in FOCUS_AREAS],
        language_names=LANGUAGE_NAMES,
        typed=dict.fromkeys(_FIELDS, "") | typed,
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _typed(form: FormData) -> dict[str, str]:
    return {name: gate.text(form, name).replace("\r\n", "\n").strip() for name in _FIELDS}


def _text(typed: dict[str, str]) -> Text:
    return Text(
        kind=typed["kind"],  # type: ignore[arg-type]
        title=" ".join(typed["title"].split()),
        what=words_in(typed, "what"),
        whom=" ".join(typed["whom"].split()),
        area=typed["area"],
        until=typed["until"],
        conditions=words_in(typed, "conditions"),
    )
