"""News of requests as Atom (RFC 4287): of one request, and of a city, a service or the surroundings of a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.services.numbers import normal_number
from mahakam.services.request import Request as ServiceRequest
from mahakam.web import gate
from mahakam.web.language import _, reader, words
from mahakam.web.pages.report import point_of
from mahakam.web.pages.requests import asked_place, wanted
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import place_name, service_name, state_words, step_words
from mahakam.web.site import Site, site_of

_ATOM = "http://www.w3.org/2005/Atom"
_XML = "http://www.w3.org/XML/1998/namespace"
MOST = 50
"""Entries of a feed."""
_FARTHEST = 20_000.0
ElementTree.register_namespace("", _ATOM)


@dataclass(frozen=True, slots=True)
class Entry:
    """``id`` never changes; ``at`` is ISO 8601 UTC."""

    id: str
    title: str
    at: str
    link: str
    text: str
    author: str


def routes(_site: Site) -> list[BaseRoute]:
    return [Route("/requests.atom", some), Route("/requests/{number}.atom", one)]


def one(request: Request) -> Response:
    """An entry for each step of the request."""
    site = site_of(request)
    number = normal_number(request.path_params["number"])
    found = desk_of(site).request(number) if number else None
    if found is None:
        raise HTTPException(404, _("There is no report with this number"))
    link = f"{site.settings.base}/requests/{found.number}"
    entries = [
        Entry(
            f"{link}#step-{index}",
            step_words(site.places, found, step),
            step.at,
            link,
            step.text or words(step.reason),
            step.agency,
        )
        for index, step in enumerate(found.steps)
    ]
    title = f"{service_name(site, found)} · {found.number}"
    return _atom(request, title, link, f"{link}.atom", found.updated, entries[::-1])


def some(request: Request) -> Response:
    """The newest requests of a ``city``, ``service``, ``status``, or within ``metres`` of ``lat``, ``lon``."""
    site, query = site_of(request), request.query_params
    place = asked_place(request)
    asked = wanted(request)
    point = point_of(query.get("lon", ""), query.get("lat", ""))
    desk = desk_of(site)
    found: Sequence[ServiceRequest]
    if point is None:
        found = desk.newest(asked, MOST)
    else:
        found = desk.around(asked, point, _metres(query.get("metres", "")), MOST)
    title = _("Reports in %(city)s", city=words(place.name)) if place else _("Reports")
    link = f"{site.settings.base}/requests" + (f"?{request.url.query}" if request.url.query else "")
    own = f"{site.settings.base}/requests.atom" + (f"?{request.url.query}" if request.url.query else "")
    entries = [_entry(site, each) for each in found]
    latest = max((each.updated for each in found), default="1970-01-01T00:00:00Z")
    return _atom(request, title, link, own, latest, entries)


def _entry(site: Site, found: ServiceRequest) -> Entry:
    link = f"{site.settings.base}/requests/{found.number}"
    where = ", ".join(part for part in (found.address, place_name(site, found)) if part)
    title = f"{service_name(site, found)}: {state_words(site.places, found)}"
    said = next((step.text for step in reversed(found.steps) if step.text and not step.act), "")
    text = "\n\n".join(part for part in (found.description, where, said) if part)
    return Entry(link, title, found.updated, link, text, found.agency)


def _metres(text: str) -> float:
    return min(float(text), _FARTHEST) if text.isdecimal() and len(text) < 6 else 1000.0


def _atom(
    request: Request, title: str, link: str, own: str, updated: str, entries: Sequence[Entry]
) -> Response:
    feed = ElementTree.Element(f"{{{_ATOM}}}feed", {f"{{{_XML}}}lang": reader().language})
    _add(feed, "id", own)
    _add(feed, "title", title)
    _add(feed, "updated", updated)
    _add(feed, "link", href=own, rel="self", type="application/atom+xml")
    _add(feed, "link", href=link, rel="alternate", type="text/html")
    for entry in entries:
        made = _add(feed, "entry")
        _add(made, "id", entry.id)
        _add(made, "title", entry.title)
        _add(made, "updated", entry.at)
        _add(made, "link", href=entry.link)
        _add(_add(made, "author"), "name", entry.author or "Mahakam")
        _add(made, "content", entry.text, type="text")
    body = ElementTree.tostring(feed, "utf-8", xml_declaration=True)
    headers = {"Cache-Control": "max-age=300", "Vary": "Accept-Language"}
    if gate.visitor(
        request
    ):  # who may see more than everybody: not for a cache that others are answered from
        headers["Cache-Control"] = "private, max-age=300"
    return Response(body, media_type="application/atom+xml", headers=headers)


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: Any) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = text or None
    return element
