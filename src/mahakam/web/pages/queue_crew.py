"""The list for a field crew: the stops in the order of the way, on a map and on paper."""

from __future__ import annotations

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.services.numbers import normal_number
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.tour import MOST_STOPS, length, tour
from mahakam.services.workbench import workbench_of
from mahakam.web import gate, shapes
from mahakam.web.language import _, in_timezone
from mahakam.web.outlines import boundary
from mahakam.web.questions import answered
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import due_words, service_name, state_words
from mahakam.web.site import Site, site_of
from mahakam.web.workbench import Asked, QueueRows, asked

_EDGE = 0.002
"""Degrees around the stops."""


def routes(_site: Site) -> list[BaseRoute]:
    return [Route("/queue/crew", show, methods=["GET"])]


def show(request: Request) -> Response:
    """The chosen requests (``pick``), else the most urgent of the queue, the most urgent first on the way."""
    wanted = asked(request)
    site = site_of(request)
    stops = stops_of(request, wanted)
    points = [one.point for one in stops if one.point]
    place = wanted.place or (site.places.get(stops[0].place) if stops else None)
    if place:
        in_timezone(place.timezone)
        gate.require(request, "request.work", place)
    made = render(
        request,
        "queue-crew.html",
        title=_("List for the crew"),
        place=place,
        section="services",
        asked=wanted,
        stops=stops,
        kilometres=length(points, range(len(points))) / 1000,
        names=[service_name(site, one) for one in stops],
        answers=[answered(site, one) for one in stops],
        checklists=[
            workbench_of(place, site.places).checklist(one.service) if place else () for one in stops
        ],
        due=[due_words(one) for one in stops],
        state_words=state_words,
        drawing=_map(place, stops) if place else "",
        now=dt.datetime.now(dt.UTC),
        picked="&".join(f"pick={one.number}" for one in stops),
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def stops_of(request: Request, wanted: Asked) -> list[ServiceRequest]:
    """The requests that were picked, else those of the filters, in the order of the way."""
    site = site_of(request)
    found = _picked(request) or list(QueueRows(site, desk_of(site), wanted).window(MOST_STOPS, 0))
    found.sort(key=lambda one: (one.due or "~", one.number))
    placed = [(one, one.point) for one in found if one.point]
    way = [placed[at][0] for at in tour([point for _one, point in placed])]
    return way + [one for one in found if not one.point]


def _picked(request: Request) -> list[ServiceRequest]:
    """The chosen requests that the visitor may work on."""
    site, desk = site_of(request), desk_of(site_of(request))
    chosen = []
    for value in request.query_params.getlist("pick")[:MOST_STOPS]:
        number = normal_number(value.partition(":")[0])
        found = desk.request(number) if number else None
        place = site.places.get(found.place) if found else None
        if found and place and gate.may(request, "request.work", place):
            chosen.append(found)
    return chosen


def _map(place: Place, stops: list[ServiceRequest]) -> object:
    """The way from stop to stop, numbered, over the outlines of the place."""
    points = [(number, one.point) for number, one in enumerate(stops, 1) if one.point]
    if not points:
        return ""
    lons, lats = [point[0] for _number, point in points], [point[1] for _number, point in points]
    box = (min(lons) - _EDGE, min(lats) - _EDGE, max(lons) + _EDGE, max(lats) + _EDGE)
    picture = shapes.Drawing(_("The way from stop to stop"), shapes.frame(box, 640, 420, 18))
    for feature in boundary(place):
        picture.draw(feature.get("geometry"), "area", str((feature.get("properties") or {}).get("name", "")))
    way = {"type": "LineString", "coordinates": [list(point) for _number, point in points]}
    picture.draw(way, "way", tolerance=0)
    for number, point in points:
        picture.numbered(point, number)
    return picture.svg("map-picture crew-map")
