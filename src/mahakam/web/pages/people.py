"""People of the network: offices with their terms, appointments, invitations, hand-over."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.access import accounts, passwords, sessions
from mahakam.access.policy import OFFICES
from mahakam.config import LANGUAGES
from mahakam.faults import Changed, Refused
from mahakam.network.offices import INVITED_DAYS, Office, accept, appoint, end, invited, write_to
from mahakam.web import gate
from mahakam.web.faults import Errors, said
from mahakam.web.language import _
from mahakam.web.languages import own_names
from mahakam.web.network_office import ROLES, Desk, desk, network_name, require
from mahakam.web.pages.signin import begun, is_secure
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

PATH = "/network/people"
_FIELDS = ("role", "country", "city", "organisation", "name", "title", "since", "until")


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route(PATH, gate.posted(_appoint), methods=["POST"]),
        Route(PATH + "/{key}/mail", gate.posted(_mail), methods=["POST"]),
        Route(PATH + "/{key}/end", gate.posted(_end), methods=["POST"]),
        Route("/network/join/{secret}", join, methods=["GET"]),
        Route("/network/join/{secret}", gate.posted(_join), methods=["POST"]),
        *table_routes(PATH, show, people_table),
    ]


def show(request: Request) -> Response:
    return _page(request)


def people_table(request: Request) -> Table:
    """Every term there was and is; those of today first."""
    found = desk(request)
    columns = [
        Column("role", _("Office"), html=lambda one: _(ROLES[one.role])),
        Column("seat", _("For"), html=lambda one: found.seat_name(one.role, one.seat)),
        Column("name", _("Name"), html=_name),
        Column("since", _("From"), "date"),
        Column("until", _("Until"), "date"),
        Column(
            "state", _("State"), get=lambda one: _state(one, found.day), html=lambda one: _chip(one, found)
        ),
        Column("title", hidden=True),
    ]
    if found.may("network.manage"):
        columns.append(
            Column("end", _("Change"), get=lambda _: "", html=lambda one: _acts(request, one, found))
        )
    rows = sorted(
        found.offices, key=lambda one: ("now", "invited", "later", "over").index(_state(one, found.day))
    )
    return Table(
        request,
        _("Offices and their terms"),
        columns,
        rows,
        path=PATH,
        nothing=_("Nobody has been appointed yet."),
    )


def _name(one: Office) -> Markup:
    title = Markup('<br><span class="small mute">{}</span>').format(one.title) if one.title else Markup("")
    return Markup("{}").format(one.name) + title


def _state(one: Office, day: dt.date) -> str:
    if one.until and one.until <= day.isoformat():
        return "over"
    if not one.account:
        return "invited"
    return "now" if one.held(day) else "later"


def _chip(one: Office, found: Desk) -> Markup:
    words = {
        "now": (_("in office"), "ok"),
        "invited": (_("invited"), "warn"),
        "later": (_("later"), "river"),
        "over": (_("over"), ""),
    }
    word, kind = words[_state(one, found.day)]
    return Markup('<span class="chip {}">{}</span>').format(kind, word)


def _acts(request: Request, one: Office, found: Desk) -> Markup:
    if _state(one, found.day) == "over":
        return Markup("")
    over = Markup("{}?hand-over={}#appoint").format(PATH, one.key)
    return Markup(
        '<form method="post" action="{}/{}/end" class="row-acts"><input type="hidden" name="form" value="{}">'
        '<a href="{}">{}<span class="visually-hidden"> {}</span></a>'
        '<button class="link">{}<span class="visually-hidden"> {}</span></button></form>'
    ).format(PATH, one.key, gate.token(request), over, _("Hand over"), one.name, _("End the term"), one.name)


def _page(
    request: Request,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
    link: tuple[Office, str] | None = None,
) -> Response:
    found = desk(request)
    leaving = _leaving(found, (typed or {}).get("replaces") or request.query_params.get("hand-over", ""))
    answer = render(
        request,
        "people.html",
        status,
        title=_("People of the network"),
        section="network",
        token=gate.token(request),
        network=network_name(found),
        table=people_table(request),
        may_appoint=found.may("network.manage") or leaving is not None,
        own=found.standing.offices,
        desk=found,
        leaving=leaving,
        roles=[(role, _(ROLES[role])) for role in OFFICES],
        countries=sorted(found.countries.items(), key=lambda one: one[1]),
        cities=[(one.code, f"{one.name}, {one.country}") for one in found.seats],
        vacant=_vacant(found),
        language_names=own_names(LANGUAGES),
        typed=dict.fromkeys((*_FIELDS, "mail-of", "mail", "language"), "")
        | {"since": found.day.isoformat()}
        | (typed or {}),
        errors=Errors(errors or {}),
        link=link,
        invited_days=INVITED_DAYS,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _vacant(found: Desk) -> list[str]:
    """Countries that nobody speaks for: no recommendation can be adopted while there is one."""
    held = {one.seat for one in found.offices if one.role == "representative" and one.held(found.day)}
    return [name for code, name in found.countries.items() if code not in held]


def _leaving(found: Desk, key: str) -> Office | None:
    """The term that is handed over: the visitor's own, or any for who may appoint."""
    one = next((one for one in found.offices if key and one.key == key), None)
    if one is None or (one.until and one.until <= found.day.isoformat()):
        return None
    return one if one in found.standing.offices or found.may("network.manage") else None


def _appoint(request: Request, form: FormData) -> Response:
    typed = {name: gate.text(form, name)[:2000] for name in (*_FIELDS, "replaces")}
    leaving = _leaving(desk(request), typed["replaces"])
    found = desk(request) if leaving else require(request, "network.manage")
    if not gate.is_ours(request, form):
        return _page(request, typed, {"form": gate.stale()}, 403)
    role = leaving.role if leaving else typed["role"]
    field = {"representative": "country", "city_officer": "city"}.get(role, "organisation")
    seats = {"country": found.countries, "city": [one.code for one in found.seats]}.get(field, ())
    visitor = gate.visitor(request)
    try:
        link = appoint(
            site_of(request).store,
            role=role,
            seat=leaving.seat if leaving else typed[field],
            name=typed["name"],
            title=typed["title"],
            since=typed["since"],
            until=typed["until"],
            replaces=leaving.key if leaving else "",
            by=visitor.name if visitor else "",
            seats=() if leaving else seats,
            day=found.day,
        )
    except Refused as refused:
        errors = said(refused.faults)
        return _page(request, typed, errors | ({field: errors["seat"]} if "seat" in errors else {}), 422)
    del request.state.network_desk
    return _page(request, link=(link[0], f"{site_of(request).settings.base}/network/join/{link[1]}"))


def _end(request: Request, form: FormData) -> Response:
    found = require(request, "network.manage")
    gate.require_ours(request, form)
    try:
        end(site_of(request).store, request.path_params["key"], found.day)
    except Changed:
        return _page(request, errors={"form": _("That term is over already.")}, status=409)
    return RedirectResponse(PATH, 303)


def _mail(request: Request, form: FormData) -> Response:
    """Where the holder of an office wants letters about it."""
    found, key = desk(request), request.path_params["key"]
    if not any(one.key == key for one in found.standing.offices):
        raise HTTPException(403, _("Only who holds an office says where its letters go."))
    typed = {
        "mail-of": key,
        "mail": gate.text(form, "mail")[:300],
        "language": gate.text(form, "language")[:5],
    }
    if not gate.is_ours(request, form):
        return _page(request, typed, {"form": gate.stale()}, 403)
    try:
        write_to(site_of(request).store, key, typed["mail"], typed["language"], LANGUAGES)
    except Refused as refused:
        return _page(request, typed, said(refused.faults), 422)
    except Changed:
        return _page(request, typed, {"form": _("That term is over already.")}, 409)
    return RedirectResponse(f"{PATH}#own", 303)


def join(request: Request) -> Response:
    return _join_page(request)


def _join(request: Request, form: FormData) -> Response:
    """Take the office up: with the account that is signed in, or with one that is made here."""
    secret, found, store = request.path_params["secret"], desk(request), site_of(request).store
    name, password = gate.text(form, "name")[:200], gate.text(form, "password")
    if not gate.is_ours(request, form):
        return _join_page(request, name, {"form": gate.stale()}, 403)
    if invited(store, secret, found.day) is None:
        return _join_page(request, status=404)
    visitor = gate.visitor(request)
    cookie = ""
    try:
        if visitor is None or visitor.kind != "person":
            place = found.records.register.place.id
            words = passwords.words_of(site_of(request).places)
            made = accounts.add_account(store, name, password, ["resident"], [place], words=words)
            account, cookie = made.name, begun(request, made)
        else:
            account = visitor.name
        accept(store, secret, account, found.day)
    except accounts.AccountError as error:
        return _join_page(request, name, {"form": str(error)}, 422)
    except Refused as refused:
        return _join_page(request, name, said(refused.faults), 409)
    answer = RedirectResponse("/network/recommendations", 303)
    if cookie:
        header = sessions.session_cookie(store, cookie, secure=is_secure(request))
        answer.headers.append("Set-Cookie", header)
    return answer


def _join_page(
    request: Request, name: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    found = desk(request)
    office = invited(site_of(request).store, request.path_params["secret"], found.day)
    if office is None and not errors:
        raise HTTPException(404, _("This invitation was used already, or is too old. Ask for another."))
    answer = render(
        request,
        "people-join.html",
        status,
        title=_("Take up your office"),
        section="network",
        token=gate.token(request),
        network=network_name(found),
        office=office,
        office_words=_(ROLES[office.role]) if office else "",
        seat=found.seat_name(office.role, office.seat) if office else "",
        name=name,
        shortest=passwords.SHORTEST,
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
