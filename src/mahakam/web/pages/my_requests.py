"""``/my-requests``: what a signed-in person sent and keeps in their list, each with the way to answer and rate it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.services.kept_by import kept_by
from mahakam.services.owner import key_of
from mahakam.services.personal import matter_of
from mahakam.services.request import Request as ServiceRequest
from mahakam.web import gate
from mahakam.web.language import _
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import columns
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table

_COLUMNS = ("number", "service_name", "place", "status_name", "requested", "updated")
_SHOWN = 80
"""Letters of what was written, by which one knows it again."""


def routes(_site: Site) -> list[BaseRoute]:
    return [Route("/my-requests", show, methods=["GET"])]


def show(request: Request) -> Response:
    site, person = site_of(request), gate.require(request, "request.create")
    desk = desk_of(site)
    kept = kept_by(site.store, person.name) if person.kind == "person" else ()
    found = [one for number in kept if (one := desk.whole(number))]

    def linked(one: ServiceRequest) -> Markup:
        key = quote(key_of(site.store, one.number))
        return Markup('<a href="/requests/{0}?key={1}">{0}</a>').format(one.number, key)

    def written(one: ServiceRequest) -> str:
        matter = matter_of(site.store, one.number)
        text = matter.words if matter else one.description
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

    number, *others = [one for one in columns(site) if one.name in _COLUMNS]
    table = Table(
        request,
        _("My reports"),
        [replace(number, html=linked), Column("words", _("What you wrote"), get=written), *others],
        sorted(found, key=lambda one: one.requested, reverse=True),
        "/my-requests",
        nothing=_("No report is in your list yet. Those that you send while you are signed in come here."),
        downloadable=False,
    )
    made = render(request, "my-requests.html", title=_("My reports"), section="services", table=table)
    made.headers["Cache-Control"] = "no-store"
    return made
