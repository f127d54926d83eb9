"""Following a request with this browser: its push subscription is given, or taken back."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.access import throttle
from mahakam.broker.clock import now
from mahakam.services import consent, push
from mahakam.services.numbers import normal_number
from mahakam.services.owner import owns
from mahakam.services.purposes import PUSH, purposes_of
from mahakam.services.push import Browser, PushError
from mahakam.store.protocol import Transaction
from mahakam.web import gate
from mahakam.web.language import _, reader
from mahakam.web.request_desk import desk_of
from mahakam.web.site import Site, site_of

ASKS, WINDOW = 30, 3600
"""Subscriptions that one address on the net may make, in so many seconds."""


def routes(_site: Site) -> list[BaseRoute]:
    page = "/requests/{number}/push"
    return [
        Route(page, gate.posted(_subscribe), methods=["POST"]),
        Route(page + "/stop", gate.posted(_stop), methods=["POST"]),
    ]


def _subscribe(request: Request, form: FormData) -> Response:
    """``endpoint``, ``p256dh``, ``auth`` as the browser's PushSubscription has them; ``key`` if it is one's own."""
    site = site_of(request)
    number = normal_number(request.path_params["number"])
    found = desk_of(site).request(number) if number else None
    if found is None:
        return _refused(404, _("There is no report with this number"))
    if not gate.is_ours(request, form):
        return _refused(403, _("The form had lain open for too long."))
    address = request.client.host if request.client else ""
    if not site.settings.open and throttle.take(site.store, "push", address, ASKS, WINDOW):
        return _refused(429, _("Much came from your network. Please try again later."))
    key = gate.text(form, "key")[:80]
    browser = Browser(
        gate.text(form, "endpoint"),
        gate.text(form, "p256dh"),
        gate.text(form, "auth"),
        reader().language,
        owner=bool(key) and owns(site.store, found.number, key),
    )
    purpose = purposes_of(site.places.get(found.place), site.places)[PUSH]
    of = "" if browser.owner else push.name_of(browser.endpoint)
    try:
        taken = push.subscribe(
            site.store,
            found.number,
            browser,
            len((desk_of(site).whole(found.number) or found).steps),
            lambda transaction: consent.give(
                transaction, found.number, purpose, now(), "device", browser.language, of
            ),
            private_addresses=site.settings.private_addresses,
        )
    except PushError as error:
        return _refused(422, str(error))
    return Response(status_code=201) if taken else _refused(409, _("Too many follow this report this way."))


def _stop(request: Request, form: FormData) -> Response:
    if not gate.is_ours(request, form):
        return _refused(403, _("The form had lain open for too long."))
    if number := normal_number(request.path_params["number"]):
        endpoint = gate.text(form, "endpoint")

        def also(transaction: Transaction) -> None:
            consent.end(transaction, number, PUSH, now(), "device", push.name_of(endpoint))
            if not any(one.owner for one in push.told(transaction.record(push.KIND, number))[1]):
                consent.end(transaction, number, PUSH, now(), "device")

        push.unsubscribe(site_of(request).store, number, endpoint, also)
    return Response(status_code=204)


def _refused(status: int, said: str) -> Response:
    return JSONResponse({"detail": said}, status, {"Cache-Control": "no-store"})
