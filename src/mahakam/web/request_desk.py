"""Requests as pages look them up: as the visitor sees them, and as everybody does, for news and public figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mahakam.config import Place, scope_of
from mahakam.services.desk import Desk
from mahakam.services.request import TYPE, Request
from mahakam.web.site import Node, Site


def desk_of(site: Site) -> Desk:
    """The requests as whoever asks sees them."""
    return Desk(site.node.broker, site.places, site.settings.data, site.sight)


def public_requests(node: Node) -> Callable[[str], Request | None]:
    """Looks a request up by its number as a stranger does: by the contracts and the policy as they are now."""

    def find(number: str) -> Request | None:
        rights = node.rights
        sight = rights.open if rights.open.names else None
        return Desk(node.broker, node.places, node.settings.data, sight).request(number)

    return find


def countable(site: Site, place: Place, request: Request) -> Request:
    """A request of a place for figures that everybody sees: without words, agency or point that not everybody reads.

    State, service and dates are counted, whoever may read them one by one: small counts are left out of figures.
    """
    sight = site.node.rights.open
    if not sight.names:
        return request
    closed = sight.hidden(
        {"type": TYPE, "scope": scope_of(site.places.get(request.place, place), site.places)}
    )
    return replace(
        request,
        description="" if "description" in closed else request.description,
        agency="" if "agencyResponsible" in closed else request.agency,
        point=None if "location" in closed else request.point,
    )
