"""Where an agency begins with a file: which dataset is it a newer one of, or what to do with a new kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.web.datasets import datasets
from mahakam.web.indicator_views import THEMES, theme_name
from mahakam.web.language import _, in_timezone
from mahakam.web.render import render
from mahakam.web.site import site_of

if TYPE_CHECKING:
    from mahakam.web.site import Site


def routes(_site: Site) -> list[BaseRoute]:
    return [Route("/upload", choose)]


def choose(request: Request) -> Response:
    """The datasets of a place, those of the asked theme first; taking a file in is the next page's."""
    site = site_of(request)
    query = request.query_params
    places = [place for place in site.places.values() if place.files("feeds")]
    place = site.place(query["place"]) if query.get("place") else None
    theme = query.get("theme", "") if query.get("theme") in THEMES else ""
    if place:
        in_timezone(place.timezone)
    found = datasets(site.store, place) if place else []
    return render(
        request,
        "add.html",
        title=_("Add a spreadsheet"),
        place=place,
        section="data",
        places=places,
        theme=theme_name(theme) if theme else "",
        alike=[one for one in found if one.theme == theme] if theme else found,
        others=[one for one in found if one.theme != theme] if theme else [],
    )
