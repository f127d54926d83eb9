"""The hub's page of its nodes: who has joined, what each shares and how it answers; invitations; what was refused."""

from __future__ import annotations

from functools import partial
from typing import Any

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.nodes import copies, hub, invitation
from mahakam.nodes.faults import NodeError
from mahakam.nodes.member import Member, contact, members
from mahakam.web import gate
from mahakam.web.language import _, n_, number, words
from mahakam.web.node_words import INVITE, STATES, iso, require, said, when
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes

PATH = "/network/nodes"
SHOWN = 50
"""Refused entities that the page shows of each node."""


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes(PATH, show, nodes_table),
        Route(PATH, gate.posted(_invite), methods=["POST"]),
        Route(PATH + "/take-back", gate.posted(_take_back), methods=["POST"]),
        Route(PATH + "/end", gate.posted(_end), methods=["POST"]),
        Route(invitation.PATH, explain, methods=["GET"]),
    ]


def show(request: Request) -> Response:
    require(request, INVITE)
    return _page(request)


def explain(request: Request) -> Response:
    """What the address of an invitation says to a browser; the code is behind its #, and stays there."""
    return render(
        request, "node-invitation.html", title=_("An invitation for a city's node"), section="network"
    )


def nodes_table(request: Request) -> Table:
    """Every node that joined, those that ended too."""
    require(request, INVITE)
    store = site_of(request).store
    known = {one.name: contact(store, one.name) for one in members(store)}

    def of(name: str) -> Any:
        return lambda one: known[one.name].get(name, "")

    columns = [
        Column("name", _("Node"), get=lambda one: one.title or one.name, html=_name),
        Column("state", _("State"), get=lambda one: one.state, html=partial(_state, known=known)),
        Column("shares", _("Shares"), get=_types, html=_shares, sortable=False),
        Column("copies", _("Copies"), "number", get=lambda one: copies.count(store, one.name)),
        Column("held", _("Refused"), "number", get=lambda one: len(copies.held(store, one.name))),
        Column("heard", _("Last heard"), "time", get=lambda one: _heard(known[one.name])),
        Column("answered", _("Last answer"), "time", get=lambda one: iso(known[one.name].get("answered"))),
        Column("off_since", hidden=True, get=lambda one: iso(known[one.name].get("off_since"))),
        Column("error", hidden=True, get=of("error")),
        Column("address", hidden=True),
        Column("end", _("Change"), get=lambda _one: "", html=partial(_end_button, request), sortable=False),
    ]
    rows = sorted(members(store), key=lambda one: (not one.active, one.name))
    nothing = _("No node has joined yet. Invite the first one below.")
    return Table(request, _("Nodes"), columns, rows, PATH, nothing=nothing)


def _name(one: Member) -> Markup:
    called = f"{one.name} · {one.address}" if one.title else one.address
    return Markup('{}<br><span class="small mute">{}</span>').format(one.title or one.name, called)


def _state(one: Member, known: dict[str, Any]) -> Markup:
    off = known[one.name].get("off_since") if one.active else None
    word, kind = (_("off-line"), "warn") if off else (_(STATES[one.state][0]), STATES[one.state][1])
    chip = Markup('<span class="chip {}">{}</span>').format(kind, word)
    if not off:
        return chip
    since = _("since %(when)s", when=when(off))
    return chip + Markup('<br><span class="small mute">{} · {}</span>').format(
        since, known[one.name].get("error", "")
    )


def _types(one: Member) -> str:
    return ", ".join(sorted(one.shares.attributes))


def _shares(one: Member) -> Markup:
    """Types with the number of fields; which fields opens below it."""
    if not one.active:
        return Markup("–")
    items = Markup("").join(
        Markup("<li><b>{}</b>{}: {}</li>").format(
            type, f" ({_('copies')})" if type in one.shares.push else "", ", ".join(sorted(names))
        )
        for type, names in sorted(one.shares.attributes.items())
    )
    count = n_("%(n)s type", "%(n)s types", len(one.shares.attributes))
    return Markup('<details><summary>{}</summary><ul class="plain-list small">{}</ul></details>').format(
        count, items
    )


def _heard(known: Any) -> str:
    return iso(max(known.get("heard", 0.0), known.get("answered", 0.0)))


def _end_button(request: Request, one: Member) -> Markup:
    if not one.active:
        return Markup("")
    return Markup(
        '<details><summary>{}<span class="visually-hidden"> {}</span></summary><form method="post" action="{}/end">'
        '<input type="hidden" name="form" value="{}"><p class="small">{}</p>'
        '<button class="btn quiet slim" name="node" value="{}">{}</button></form></details>'
    ).format(
        _("End"), one.name, PATH, gate.token(request),
        _("Its registrations and copies are deleted here at once. The node is told."), one.name,
        _("End the membership"),
    )  # fmt: skip


def _invite(request: Request, form: FormData) -> Response:
    principal = require(request, INVITE)
    gate.require_ours(request, form)
    site = site_of(request)
    typed = {name: gate.text(form, name).strip() for name in ("name", "place", "days")}
    place = typed["place"]
    try:
        if place and place not in site.places:
            raise NodeError(_("Choose one from the list."))
        days = int(typed["days"]) if typed["days"].isdecimal() and len(typed["days"]) < 4 else 0
        text, made = invitation.invite(
            site.store,
            typed["name"],
            site.settings.base,
            place=place,
            days=days,
            by=principal.name,
            nats=gate.text(form, "nats").strip()[:500] if site.settings.nats else "",
        )
    except NodeError as error:
        return _page(request, typed, said(error), status=422)
    return _page(request, made=(text, made))


def _take_back(request: Request, form: FormData) -> Response:
    require(request, INVITE)
    gate.require_ours(request, form)
    try:
        invitation.take_back(site_of(request).store, gate.text(form, "id")[:80])
    except NodeError as error:
        return _page(request, error=said(error), status=422)
    return RedirectResponse(PATH + "#invitations", 303)


def _end(request: Request, form: FormData) -> Response:
    require(request, INVITE)
    gate.require_ours(request, form)
    try:
        hub.end(site_of(request).broker, gate.text(form, "node")[:80], "hub")
    except NodeError as error:
        return _page(request, error=said(error), status=422)
    return RedirectResponse(PATH, 303)


def _page(
    request: Request,
    typed: dict[str, str] | None = None,
    error: str = "",
    status: int = 200,
    made: tuple[str, invitation.Invitation] | None = None,
) -> Response:
    site = site_of(request)
    store = site.store
    refused = [
        (one, found[:SHOWN], len(found)) for one in members(store) if (found := copies.held(store, one.name))
    ]
    answer = render(
        request,
        "nodes.html",
        status,
        over_nats=bool(site.settings.nats),
        title=_("Nodes of cities"),
        section="network",
        table=nodes_table(request),
        invitations=[(one, when(one.expires)) for one in invitation.invitations(store) if one.open],
        refused=refused,
        places=sorted((place.id, words(place.name)) for place in site.places.values()),
        typed={"name": "", "place": "", "days": str(invitation.DAYS)} | (typed or {}),
        error=error,
        made=made,
        until=when(made[1].expires) if made else "",
        most_days=number(invitation.MOST_DAYS),
        token=gate.token(request),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
