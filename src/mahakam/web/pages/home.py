"""The start page: what this is, the places of this node, and three things to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.web.language import _, words
from mahakam.web.outlines import thumbnail
from mahakam.web.pictures import small_picture
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site


def routes(_site: Site) -> list[BaseRoute]:
    return [Route("/", home), *table_routes("/cities", cities, places_table)]


def home(request: Request) -> Response:
    site = site_of(request)
    groups = grouped(site)
    if not groups and any(place.kind == "network" for place in site.places.values()):
        return RedirectResponse("/network")  # a hub: its cities have nodes of their own
    first = next((place for _above, below in groups for place in below if place.kind == "city"), None)
    return render(
        request,
        "home.html",
        title="Mahakam",
        groups=groups,
        first=first,
        thumbnail=thumbnail,
        small_picture=lambda place: small_picture(site, place),
    )


def cities(request: Request) -> Response:
    return home(request)


def grouped(site: Site) -> list[tuple[Place | None, list[Place]]]:
    """(place above or None, the cities below it) in reading order; a province without cities stands alone."""
    below: dict[str | None, list[Place]] = {}
    for place in site.places.values():
        if place.kind == "city":
            parent = place.parent if place.parent in site.places else None
            below.setdefault(parent, []).append(place)
    groups: list[tuple[Place | None, list[Place]]] = []
    for place in site.places.values():
        if place.kind != "city" and place.id in below:
            groups.append((place, sorted(below[place.id], key=lambda p: words(p.name))))
    if None in below:
        groups.append((None, sorted(below[None], key=lambda p: words(p.name))))
    order = {"city": 0, "province": 0, "network": 1, "": 2}
    groups.sort(key=lambda group: order[group[0].kind if group[0] else ""])
    return groups


def places_table(request: Request) -> Table:
    site = site_of(request)
    columns = [
        Column("id", _("Name in addresses"), get=lambda p: p.id),
        Column("name", _("Name"), get=lambda p: words(p.name), link=lambda p: f"/cities/{p.id}"),
        Column("kind", _("Kind"), get=lambda p: p.kind),
        Column("parent", _("Belongs to"), get=lambda p: p.parent),
        Column("country", _("Country"), get=lambda p: p.facts.get("country")),
        Column("code", _("Code"), get=lambda p: p.facts.get("code")),
        Column("membership", _("Membership"), get=lambda p: p.facts.get("membership")),
    ]
    return Table(request, _("Places"), columns, list(site.places.values()), path="/cities")
