"""The survey on a tablet at the counter: one question a page, big buttons, no way out, back to the start by itself.

It works without scripts and without an account: the link is all that the tablet has, and it opens nothing to read.
Its forms need no token beside the link's secret, and a post from another site is refused for every page.
"""

from __future__ import annotations

import datetime as dt
import secrets
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place, scope_of
from mahakam.services import kiosk, satisfaction
from mahakam.services.catalogue import catalogue
from mahakam.services.kiosk import Kiosk
from mahakam.web import gate
from mahakam.web.language import DEFAULT, _, n_, words
from mahakam.web.render import render
from mahakam.web.site import Site, site_of

IDLE, THANKS, START = 60, 8, 900
"""Seconds after which a question that nobody answers, the thanks, and the first page go back to the first page."""


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/kiosks", manage, methods=["GET"]),
        Route("/kiosks", gate.posted(_change), methods=["POST"]),
        Route("/kiosk/{secret}", start, methods=["GET"]),
        Route("/kiosk/{secret}", gate.posted(_next), methods=["POST"]),
        Route("/kiosk/{secret}/thanks", thanks, methods=["GET"]),
    ]


def start(request: Request) -> Response:
    one, place = _kiosk(request)
    return _shown(request, one, place, "start", START)


def thanks(request: Request) -> Response:
    one, place = _kiosk(request)
    return _shown(request, one, place, "thanks", THANKS)


def _next(request: Request, form: FormData) -> Response:
    """The answers so far come with the form; the first element without one is asked next."""
    one, place = _kiosk(request)
    known = satisfaction.survey()
    allowed = [str(value) for value in known.answers]
    given = {
        element.code: gate.text(form, element.code)
        for element in known.elements
        if gate.text(form, element.code) in allowed
    }
    back = gate.text(form, "back")
    given.pop(back, None)
    left = [element for element in known.elements if element.code not in given]
    once = gate.text(form, "once")[:40] or secrets.token_urlsafe(12)
    if left:
        return _shown(request, one, place, "question", IDLE, element=left[0], given=given, once=once)
    site = site_of(request)
    date = dt.datetime.now(ZoneInfo(place.timezone)).date().isoformat()
    answers = {code: int(value) for code, value in given.items()}
    try:
        kiosk.answer(site.broker, one, scope_of(place, site.places), once, answers, date)
    except kiosk.TooMany as error:
        minutes = n_("wait %(n)s minute", "wait %(n)s minutes", -(-error.seconds // 60))
        said = _("This tablet has taken many answers: %(minutes)s.", minutes=minutes)
        return _shown(request, one, place, "busy", IDLE, 429, said=said)
    return RedirectResponse(f"/kiosk/{request.path_params['secret']}/thanks", 303)


def _shown(
    request: Request, one: Kiosk, place: Place, part: str, reset: int, status: int = 200, **more: object
) -> Response:
    here = f"/kiosk/{request.path_params['secret']}"
    service = catalogue(place, site_of(request).places).get(one.service)
    known = satisfaction.survey()
    made = render(
        request,
        "kiosk.html",
        status,
        title=_("How was it?"),
        place=place,
        part=part,
        here=here,
        service=words(service.name) if service else "",
        survey=known,
        count=len(known.elements),
        **{"element": None, "given": {}, "once": "", "said": ""} | more,
    )
    made.headers["Cache-Control"] = "no-store"
    # The next person begins anew, in the node's language; it needs no script.
    made.headers["Refresh"] = f"{reset};url={here}?lang={DEFAULT}"
    return made


def _kiosk(request: Request) -> tuple[Kiosk, Place]:
    site = site_of(request)
    one = kiosk.find(site.store, request.path_params["secret"][:80])
    if one is None or one.place not in site.places:
        raise HTTPException(404, _("This link of a tablet is not known; perhaps it was ended."))
    return one, site.places[one.place]


def manage(request: Request) -> Response:
    """The tablets of the cities in which the visitor works."""
    return _managed(request)


def _change(request: Request, form: FormData) -> Response:
    site = site_of(request)
    place = site.place(gate.text(form, "city"))
    principal = gate.require(request, "request.work", place)
    gate.require_ours(request, form)
    if ended := gate.text(form, "end")[:32]:
        if ended in {one.id for one in kiosk.kiosks(site.store, place.id)}:
            kiosk.end(site.store, ended)
        return RedirectResponse("/kiosks", 303)
    service = catalogue(place, site.places).get(gate.text(form, "service"))
    name = gate.text(form, "name").strip()
    if service is None or not name:
        return _managed(request, _("Say which counter it is, and choose the service."), name, 422)
    secret = kiosk.make(site.store, place.id, service.code, service.agency, name, principal.name)
    base = site.settings.base.rstrip("/")
    return _managed(request, link=f"{base}/kiosk/{secret}")


def _managed(
    request: Request, error: str = "", name: str = "", status: int = 200, link: str = ""
) -> Response:
    gate.require(request, "request.work")
    site = site_of(request)
    cities = [place for place in gate.chosen(request, "request.work") if place.kind == "city"]
    rows = [
        (
            city,
            list(catalogue(city, site.places).values()),
            kiosk.kiosks(site.store, city.id),
        )
        for city in cities
    ]
    made = render(
        request,
        "kiosks.html",
        status,
        title=_("Tablets at counters"),
        section="services",
        rows=rows,
        error=error,
        name=name,
        link=link,
        token=gate.token(request),
        longest=kiosk.LONGEST_NAME,
        when=[
            [dt.datetime.fromtimestamp(one.at, dt.UTC) for one in kiosk.kiosks(site.store, city.id)]
            for city in cities
        ],
    )
    made.headers["Cache-Control"] = "no-store"
    return made
