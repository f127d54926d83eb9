"""Meetings of the network: agenda, documents, delegations, notes, what is recommended and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.faults import Changed, Fault, Refused
from mahakam.network import meeting as steps
from mahakam.network.desk import add_meeting, change_meeting, meeting, meetings
from mahakam.network.meeting import Meeting, Text
from mahakam.network.recommendation import PUBLIC
from mahakam.web import gate
from mahakam.web.faults import Errors, changed, now, number, said
from mahakam.web.language import _
from mahakam.web.network_office import author, desk, network_name, require
from mahakam.web.pages.recommendations import recommendations_table, visible
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

PATH = "/network/meetings"
_FIELDS = ("title", "venue", "begins", "ends", "chair", "agenda", "documents")


def routes(_site: Site) -> list[BaseRoute]:
    one = PATH + "/{key}"
    return [
        Route(PATH + "/new", new, methods=["GET"]),
        Route(PATH + "/new", gate.posted(_plan), methods=["POST"]),
        *table_routes(PATH, listed, meetings_table),
        Route(one + "/edit", edit, methods=["GET"]),
        Route(one + "/edit", gate.posted(_edit), methods=["POST"]),
        Route(one + "/delegation", gate.posted(_delegate), methods=["POST"]),
        Route(one + "/notes", gate.posted(_note), methods=["POST"]),
        Route(one, show, methods=["GET"]),
    ]


def listed(request: Request) -> Response:
    found = desk(request)
    return render(
        request,
        "meetings.html",
        title=_("Meetings"),
        section="network",
        network=network_name(found),
        any=bool(meetings(site_of(request).store)),
        may_manage=found.may("network.manage"),
        table=meetings_table(request),
    )


def meetings_table(request: Request) -> Table:
    found = desk(request)
    columns = [
        Column("begins", _("From"), "date", get=lambda one: one.text.begins),
        Column("ends", _("Until"), "date", get=lambda one: one.text.ends),
        Column("title", _("Meeting"), get=lambda one: one.text.title, link=lambda one: f"{PATH}/{one.key}"),
        Column("venue", _("Venue"), get=lambda one: one.text.venue),
        Column("chair", _("Chair"), get=lambda one: found.countries.get(one.text.chair, one.text.chair)),
    ]
    return Table(request, _("Meetings"), columns, meetings(site_of(request).store), path=PATH)


def show(request: Request) -> Response:
    return _page(request, _found(request))


def _found(request: Request) -> Meeting:
    desk(request)
    one = meeting(site_of(request).store, request.path_params["key"])
    if one is None:
        raise HTTPException(404, _("There is no such meeting."))
    return one


def _page(
    request: Request,
    one: Meeting,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    found = desk(request)
    readable = visible(request)
    earlier = [
        other
        for other in readable
        if other.meeting != one.key and other.state in PUBLIC and other.happened("adopted")[:10] <= one.text.ends
        and (other.state != "done" or other.happened("done")[:10] >= one.text.begins)
    ]  # fmt: skip
    here = [other for other in readable if other.meeting == one.key]
    own = found.countries if found.may("network.manage") else found.standing.countries
    answer = render(
        request,
        "meeting.html",
        status,
        title=one.text.title,
        section="network",
        token=gate.token(request),
        one=one,
        desk=found,
        inside=found.may("network.discuss"),
        may_manage=found.may("network.manage"),
        may_draft=found.may("recommendation.draft"),
        tabled=recommendations_table(request, here, "tabled-table") if here else None,
        follow_up=recommendations_table(request, earlier, "earlier-table") if earlier else None,
        own=[(code, found.countries.get(code, code)) for code in own],
        typed={"notes": one.notes, "country": "", "delegation": ""} | (typed or {}),
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


# The Secretariat plans; every change keeps what stood there.


def new(request: Request) -> Response:
    require(request, "network.manage")
    return _form(request, None, {})


def edit(request: Request) -> Response:
    require(request, "network.manage")
    one = _found(request)
    text = one.text
    return _form(
        request,
        one,
        {
            **{name: str(getattr(text, name)) for name in ("title", "venue", "begins", "ends", "chair")},
            "agenda": "\n".join(f"{item.time} {item.title}".strip() for item in text.agenda),
            "documents": "\n".join(f"{paper.title} {paper.address}" for paper in text.documents),
            "seen": str(one.revision),
        },
    )


def _plan(request: Request, form: FormData) -> Response:
    require(request, "network.manage")
    typed = {name: gate.text(form, name).replace("\r\n", "\n") for name in (*_FIELDS, "seen")}
    if not gate.is_ours(request, form):
        return _form(request, None, typed, {"form": gate.stale()}, 403)
    try:
        made = add_meeting(
            site_of(request).store,
            steps.planned(_text(request, typed), author(request, "network.manage"), now()),
        )
    except Refused as refused:
        return _form(request, None, typed, said(refused.faults), 422)
    return RedirectResponse(f"{PATH}/{made.key}", 303)


def _edit(request: Request, form: FormData) -> Response:
    require(request, "network.manage")
    one = _found(request)
    typed = {name: gate.text(form, name).replace("\r\n", "\n") for name in (*_FIELDS, "seen")}
    if not gate.is_ours(request, form):
        return _form(request, one, typed, {"form": gate.stale()}, 403)
    by, seen = author(request, "network.manage"), number(typed["seen"])
    try:
        text = _text(request, typed)
        change_meeting(
            site_of(request).store, one.key, lambda there: steps.edited(there, text, seen, by, now())
        )
    except Refused as refused:
        return _form(request, one, typed, said(refused.faults), 422)
    except Changed:
        latest = _found(request)
        return _form(request, latest, typed | {"seen": str(latest.revision)}, {"form": changed()}, 409)
    return RedirectResponse(f"{PATH}/{one.key}", 303)


def _text(request: Request, typed: dict[str, str]) -> Text:
    """Raises Refused with every fault of the two lists."""
    faults: list[Fault] = []
    lists: list[tuple[object, ...]] = []
    for name, reading in (("agenda", steps.agenda_of), ("documents", steps.documents_of)):
        try:
            lists.append(reading(typed[name]))
        except Refused as refused:
            faults += refused.faults
    if faults:
        raise Refused(faults)
    chair = gate.one_of(typed["chair"], desk(request).countries)
    plain = {name: typed[name].strip() for name in ("title", "venue", "begins", "ends")}
    return Text(**plain, chair=chair, agenda=lists[0], documents=lists[1])  # type: ignore[arg-type]


def _form(
    request: Request,
    one: Meeting | None,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    answer = render(
        request,
        "meeting-form.html",
        status,
        title=_("Change the meeting") if one else _("Plan a meeting"),
        section="network",
        token=gate.token(request),
        one=one,
        countries=list(desk(request).countries.items()),
        typed=dict.fromkeys((*_FIELDS, "seen"), "") | typed,
        errors=Errors(errors or {}),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _delegate(request: Request, form: FormData) -> Response:
    country = gate.text(form, "country")
    found = require(request, "meeting.delegate", country)
    if country not in found.countries:
        raise HTTPException(400, _("Choose one from the list."))
    by, names = author(request, "meeting.delegate"), gate.text(form, "delegation")
    typed = {"country": country, "delegation": names}
    return _taken(
        request, form, lambda one: steps.delegated(one, country, names, by, now()), typed, "delegations"
    )


def _note(request: Request, form: FormData) -> Response:
    require(request, "network.manage")
    by, notes = author(request, "network.manage"), gate.text(form, "notes").replace("\r\n", "\n")
    seen = number(gate.text(form, "seen"))
    return _taken(
        request, form, lambda one: steps.noted(one, notes, seen, by, now()), {"notes": notes}, "notes"
    )


def _taken(
    request: Request, form: FormData, step: Callable[[Meeting], Meeting], typed: dict[str, str], anchor: str
) -> Response:
    one = _found(request)
    if not gate.is_ours(request, form):
        return _page(request, one, typed, {anchor: gate.stale()}, 403)
    try:
        change_meeting(site_of(request).store, one.key, step)
    except Refused as refused:
        return _page(request, one, typed, said(refused.faults), 422)
    except Changed:
        return _page(request, _found(request), typed, {anchor: changed()}, 409)
    return RedirectResponse(f"{PATH}/{one.key}#{anchor}", 303)
