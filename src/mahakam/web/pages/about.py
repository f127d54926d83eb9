"""What this is, and how a developer uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.web.language import _
from mahakam.web.render import render
from mahakam.web.site import site_of

if TYPE_CHECKING:
    from mahakam.web.site import Site


def routes(_site: Site) -> list[BaseRoute]:
    return [Route("/about", about), Route("/developers", developers)]


def about(request: Request) -> Response:
    return render(request, "about.html", title=_("What this is"))


def developers(request: Request) -> Response:
    site = site_of(request)
    types = sorted(site.store.types().items(), key=lambda item: -item[1])
    first = types[0][0] if types else "AdministrativeArea"
    city = next((place for place in site.places.values() if place.kind == "city"), None)
    tables = ["/quality.csv", "/network/projects.json"]
    if city:
        tables.insert(0, f"/cities/{city.id}.csv")
    return render(
        request,
        "developers.html",
        title=_("For developers"),
        base=str(request.base_url).rstrip("/"),
        types=types,
        examples=[f"/ngsi-ld/v1/entities?type={quote(first)}&limit=2", "/ngsi-ld/v1/types"],
        tables=tables,
    )
