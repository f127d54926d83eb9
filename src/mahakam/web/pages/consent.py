"""What whoever sent a report agreed to, by the report's key: when, to which words, and taking it back."""

from __future__ import annotations

from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.broker.clock import now
from mahakam.services import consent
from mahakam.services.purposes import CONSENT, PURPOSES
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.withdrawal import withdraw
from mahakam.web import gate
from mahakam.web.consent_words import BASES, HOW, NAMES
from mahakam.web.language import _
from mahakam.web.pages.mine import mine
from mahakam.web.render import render
from mahakam.web.site import Site, site_of


def routes(_site: Site) -> list[BaseRoute]:
    page = "/requests/{number}/consent"
    return [
        Route(page, show, methods=["GET"]),
        Route(page, gate.posted(_withdraw), methods=["POST"]),
    ]


def show(request: Request) -> Response:
    found, _place, key = mine(request, request.query_params.get("key", ""))
    return _page(request, found, key)


def _page(request: Request, found: ServiceRequest, key: str, said: str = "", status: int = 200) -> Response:
    """Also what others agreed to beside the same report is there, but not here: followers have their own address."""
    made = render(
        request,
        "consent.html",
        status,
        title=_("What you agreed to"),
        section="services",
        place=site_of(request).places.get(found.place),
        found=found,
        key=key,
        token=gate.token(request),
        given=[one for one in consent.given(site_of(request).store, found.number) if not one.of],
        names=NAMES,
        bases=BASES,
        how=HOW,
        consent=CONSENT,
        done=request.query_params.get("done", "") in PURPOSES,
        said=said,
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def _withdraw(request: Request, form: FormData) -> Response:
    found, _place, key = mine(request, gate.text(form, "key"))
    if not gate.is_ours(request, form):
        return _page(
            request, found, key, _("The page had lain open for a long time. Please send it once more."), 403
        )
    purpose = gate.text(form, "purpose")
    if purpose not in PURPOSES:
        raise HTTPException(422, _("There is no such purpose."))
    site = site_of(request)
    try:
        withdraw(site.broker, site.settings.data, found.number, purpose, "page", now())
    except consent.NotByConsent:
        text = _(
            "This is not done by your consent, so it cannot be taken back. You may object to the agency."
        )
        return _page(request, found, key, text, 409)
    return RedirectResponse(f"/requests/{found.number}/consent?key={quote(key)}&done={purpose}", 303)
