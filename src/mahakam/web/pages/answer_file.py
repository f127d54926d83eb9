"""The answer to a settled request as a letter: for the resident with the key, and for those who work on it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.services.request import Request as ServiceRequest
from mahakam.web.answer_paper import answer_paper
from mahakam.web.documents import PDF
from mahakam.web.language import _, in_timezone, reader
from mahakam.web.pages.mine import mine
from mahakam.web.pages.queue_one import found_for_work
from mahakam.web.site import Site, site_of


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/requests/{number}/answer.pdf", for_resident),
        Route("/queue/{number}/answer.pdf", for_officer),
    ]


def for_resident(request: Request) -> Response:
    """``/requests/NUMBER/answer.pdf?key=…``, in the reader's language or that of ``?lang=``."""
    found, place, _key = mine(request, request.query_params.get("key", ""))
    return _file(request, found, place)


def for_officer(request: Request) -> Response:
    """The same to print for a resident who cannot; ``?lang=`` is the language that they read."""
    found, place = found_for_work(request, request.path_params["number"])
    in_timezone(place.timezone)
    return _file(request, found, place)


def _file(request: Request, found: ServiceRequest, place: Place) -> Response:
    if found.open:
        raise HTTPException(404, _("This request has not been answered yet"))
    made = answer_paper(site_of(request), place, found)
    name = f"{found.number}-{reader().language}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
    return Response(made, media_type=PDF, headers=headers)
