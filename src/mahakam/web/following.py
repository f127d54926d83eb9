"""Asking an address whether it wants the news of a request: from the request's page, or in place of the same report."""

from __future__ import annotations

from starlette.requests import Request

from mahakam.access import throttle
from mahakam.services import followers
from mahakam.services.request import Request as ServiceRequest
from mahakam.web.language import reader
from mahakam.web.letters import Letters
from mahakam.web.request_desk import desk_of
from mahakam.web.site import site_of

ASKS, WINDOW = 10, 3600
"""Mails that one address on the net may have sent in so many seconds."""


def ask(request: Request, found: ServiceRequest, email: str) -> int:
    """Owe a letter in which the address confirms that it wants the news; none where it follows already. 0, or the
    seconds to wait where too many were asked for."""
    site = site_of(request)
    address = request.client.host if request.client else ""
    wait = 0 if site.settings.open else throttle.take(site.store, "follow", address, ASKS, WINDOW)
    if wait:
        return wait
    desk = desk_of(site)
    whole = desk.whole(found.number) or found
    follower = followers.add(site.store, found.number, email, reader().language, told=len(whole.steps))
    if follower and not follower.confirmed:
        Letters(site.store, desk, site.places, site.settings.base).ask(found, follower)
    return 0
