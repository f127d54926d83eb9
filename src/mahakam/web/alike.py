"""What is likely the same as a report that was sent already: asked when nobody could be asked before it went."""

from __future__ import annotations

from collections.abc import Sequence

from mahakam.services.duplicates import Likely
from mahakam.services.request import Request as ServiceRequest
from mahakam.web.request_desk import desk_of
from mahakam.web.site import Site


def alike_to(site: Site, sent: ServiceRequest) -> Sequence[Likely]:
    """Other open requests that may be the same as an open one, the likeliest first."""
    place = site.places.get(sent.place)
    if place is None or sent.point is None or not sent.open:
        return ()
    return desk_of(site).near(place, sent.service, sent.point, sent.description, sent.number)
