"""Members, candidates and offices by date: who was what from when to when, and who says so; the Secretariat records."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.faults import Refused
from mahakam.network.terms import TERM_KINDS, Term, record
from mahakam.web import gate
from mahakam.web.faults import Errors, now, said
from mahakam.web.language import N_, _, date
from mahakam.web.network_office import Desk, author, desk, require
from mahakam.web.pages.network import day_asked
from mahakam.web.pages.trace import entity_address
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

PATH = "/network/members"
KINDS = {
    "member": N_("Member city"),
    "candidate": N_("Candidate city"),
    "representative": N_("National Representative"),
    "city_officer": N_("Chief Smart City Officer"),
}
_FIELDS = ("kind", "seat", "name", "country", "since", "until", "source")


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route(PATH, gate.posted(_record), methods=["POST"]),
        *table_routes(PATH, show, terms_table),
    ]


def show(request: Request) -> Response:
    return _page(request)


def _day(request: Request) -> dt.date:
    return day_asked(request) or desk(request).day


def _all(found: Desk) -> list[Term]:
    """Every term there was: of the data, the Secretariat's, and of the offices that were appointed on this node."""
    appointed = [
        Term(
            kind="representative" if one.role == "representative" else "city_officer",
            seat=one.seat,
            name=one.name,
            country=one.seat if one.role == "representative" else _country(found, one.seat),
            since=one.since,
            until=one.until,
            source=_("appointed on this node"),
        )
        for one in found.offices
        if one.role in ("representative", "city_officer") and one.account
    ]
    live = [
        Term(
            kind="candidate",
            seat=one.code,
            name=one.name,
            country=one.country_code,
            since="",
            source="city.yaml",
        )
        for one in found.seats
        if one.membership == "candidate"
        and not any((term.kind, term.seat) == ("candidate", one.code) for term in found.records.terms)
    ]
    return [*found.records.terms, *live, *appointed]


def _country(found: Desk, seat: str) -> str:
    return next((one.country_code for one in found.seats if one.code == seat), "")


def terms_table(request: Request) -> Table:
    """The terms that hold on the day asked for; with ``?all=1`` every one there was and is."""
    found, day = desk(request), _day(request)
    kind = gate.one_of(request.query_params.get("kind", ""), KINDS)
    every = request.query_params.get("all", "") == "1"
    rows = [one for one in _all(found) if kind in ("", one.kind) and (every or one.holds(day))]
    columns = [
        Column("name", _("Name")),
        Column("kind", _("As"), get=lambda one: one.kind, html=lambda one: _(KINDS[one.kind])),
        Column("seat", _("Code"), "code"),
        Column("country", _("Country"), get=lambda one: found.countries.get(one.country, one.country)),
        Column("since", _("From"), html=lambda one: _when(one.since)),
        Column("until", _("Until"), html=lambda one: _when(one.until)),
        Column("source", _("Source"), html=_source),
        Column("by", _("Recorded by"), get=lambda one: found.author_words(one.by) if one.by else ""),
        Column("as_of", get=lambda _one: "" if every else day.isoformat(), hidden=True),
    ]
    nothing = _("Nobody on that day.")
    return Table(request, _("Members and offices by date"), columns, rows, path=PATH, nothing=nothing)


def _source(one: Term) -> Markup:
    """An address is a link; the node's own entity is opened here."""
    href = entity_address(one.source) if one.source.startswith("urn:") else one.source
    if not href.startswith(("https://", "http://", "/")):
        return Markup('<span class="anywhere">{}</span>').format(one.source)
    return Markup('<a class="anywhere" href="{}">{}</a>').format(href, one.source)


def _when(text: str) -> Markup | str:
    return Markup('<span class="nowrap">{}</span>').format(date(text, "medium")) if len(text) == 10 else text


def _page(
    request: Request,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    found, day = desk(request), _day(request)
    kind = gate.one_of(request.query_params.get("kind", ""), KINDS)
    answer = render(
        request,
        "members.html",
        status,
        title=_("Members and offices by date"),
        section="network",
        token=gate.token(request),
        day=day,
        day_asked=day_asked(request),
        every=request.query_params.get("all", "") == "1",
        kind=kind,
        kinds=[(key, _(word)) for key, word in KINDS.items()],
        members=sum(one.holds(day) for one in found.records.terms if one.kind == "member"),
        table=terms_table(request),
        may_record=found.may("network.manage"),
        countries=sorted(found.countries.items(), key=lambda one: one[1]),
        typed=dict.fromkeys(_FIELDS, "") | {"since": found.day.isoformat(), "kind": "member"} | (typed or {}),
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _record(request: Request, form: FormData) -> Response:
    """A term, or another end and source of one that begins on the same day."""
    found = require(request, "network.manage")
    typed = {name: gate.text(form, name)[:300].strip() for name in _FIELDS}
    if not gate.is_ours(request, form):
        return _page(request, typed, {"form": gate.stale()}, 403)
    seats = found.countries if typed["kind"] == "representative" else {one.code for one in found.seats}
    by = author(request, "network.manage")
    kind = gate.one_of(typed["kind"], TERM_KINDS)
    try:
        term = Term(**typed | {"kind": kind}, by=by, at=now())  # type: ignore[arg-type]
        record(site_of(request).store, term, seats, found.countries)
    except Refused as refused:
        return _page(request, typed, said(refused.faults), 422)
    return RedirectResponse(f"{PATH}?all=1", 303)
