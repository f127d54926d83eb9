"""Whether a letter is genuine and holds: opened by its QR code, or by uploading the PDF. Nothing private is shown."""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.access import throttle
from mahakam.services import issued
from mahakam.services.catalogue import catalogue
from mahakam.services.issued import Issued
from mahakam.services.numbers import normal_number
from mahakam.services.owner import owns
from mahakam.services.request import entity_id
from mahakam.web import disclosed, gate
from mahakam.web.documents import PDF
from mahakam.web.language import _, words
from mahakam.web.letter import Letters
from mahakam.web.pages.queue_one import found_for_work
from mahakam.web.render import render
from mahakam.web.site import Site, site_of

LOOKS, WINDOW = 300, 3600
"""Letters that one address on the net may verify, in so many seconds."""


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/verify", show, methods=["GET"]),
        Route("/verify", check, methods=["POST"]),
        Route("/verify/key.pem", key),
        Route("/verify/{number}.json", data),
        Route("/verify/{number}", show, methods=["GET"]),
        Route("/verify/{number}", check, methods=["POST"]),
        Route("/requests/{number}/letter.pdf", letter_file),
        Route("/queue/{number}/letter-draft.pdf", draft),
    ]


def show(request: Request) -> Response:
    """``/verify/NUMBER?s=CODE`` as the QR code has it; ``/verify`` asks for the file."""
    if "number" not in request.path_params:
        return _page(request, None, "")
    letter = _asked(request)
    return _page(request, letter, _status(request, letter) if letter else "altered")


async def check(request: Request) -> Response:
    form = await gate.read_form(request, issued.LARGEST + 64 * 1024, files=1)
    upload = gate.upload(form, "file")
    raw = await upload.read() if upload else b""
    return await run_in_threadpool(_check, request, form, raw)


def _check(request: Request, form: FormData, raw: bytes) -> Response:
    expected = _asked(request) if "number" in request.path_params else None
    if not gate.is_ours(request, form):
        return _page(request, expected, "", error=_("The form had lain open for too long."), status=403)
    if not raw.startswith(b"%PDF-"):
        said = _("This file is no PDF. Choose the letter's PDF as you got it.")
        return _page(request, expected, "", error=said, status=422)
    _limit(request)
    found = issued.with_file(site_of(request).store, raw)
    if found is None or (expected and found.number != expected.number):
        return _page(request, expected, "altered", uploaded=True)
    return _page(request, found, _status(request, found), uploaded=True)


def data(request: Request) -> Response:
    """The same as data, with the hash and signature of the PDF."""
    letter = _asked(request)
    if letter is None:
        body: dict[str, str] = {"status": "altered"}
        return JSONResponse(body, 404, {"Cache-Control": "no-store"})
    body = {
        "status": _status(request, letter),
        "number": letter.number,
        "service": letter.service,
        "place": letter.place,
        "issued": letter.issued,
        "validUntil": letter.until,
        "revokedAt": letter.revoked,
        "sha256": letter.sha256,
        "signature": letter.signature,
        "publicKey": issued.public_pem(site_of(request).store),
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def key(request: Request) -> Response:
    return Response(issued.public_pem(site_of(request).store), media_type="application/x-pem-file")


def letter_file(request: Request) -> Response:
    """The PDF, for the resident (with the request's key) and those who work on it."""
    site = site_of(request)
    number = normal_number(request.path_params["number"]) or ""
    given = request.query_params.get("key", "")[:80]
    if not (given and number and owns(site.store, number, given)):
        found_for_work(request, number)
        disclosed.disclosed(request, entity_id(number), ["letter"])
    kept = issued.pdf_of(site.store, number)
    if kept is None:
        raise HTTPException(404, _("No letter was issued on this request"))
    return _file(kept[1], kept[0].number)


def draft(request: Request) -> Response:
    found, place = found_for_work(request, request.path_params["number"])
    letters = Letters(site_of(request), place, found)
    if letters.product is None:
        raise HTTPException(404, _("No letter was issued on this request"))
    disclosed.disclosed(request, entity_id(found.number), ["letter"])
    return _file(letters.draft(), f"{found.number}-draft")


def _file(made: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"}
    return Response(made, media_type=PDF, headers=headers)


def _asked(request: Request) -> Issued | None:
    """The letter of the address, if its code is right."""
    _limit(request)
    number, code = request.path_params["number"][:40], request.query_params.get("s", "")[:120]
    return issued.with_code(site_of(request).store, number, code)


def _limit(request: Request) -> None:
    site = site_of(request)
    address = request.client.host if request.client else ""
    if not site.settings.open and throttle.take(site.store, "verify", address, LOOKS, WINDOW):
        raise HTTPException(429, _("Much came from your network. Please try again later."))


def _status(request: Request, letter: Issued) -> str:
    place = site_of(request).places.get(letter.place)
    return letter.status(dt.datetime.now(ZoneInfo(place.timezone) if place else dt.UTC).date())


def _page(
    request: Request,
    letter: Issued | None,
    verdict: str,
    *,
    uploaded: bool = False,
    error: str = "",
    status: int = 200,
) -> Response:
    site = site_of(request)
    place = site.places.get(letter.place) if letter else None
    service = catalogue(place, site.places).get(letter.service) if place and letter else None
    product = service.product if service else None
    code = quote(request.query_params.get("s", "")[:120])
    made = render(
        request,
        "verify.html",
        status,
        title=_("Verify a letter"),
        section="services",
        letter=letter,
        verdict=verdict,
        uploaded=uploaded,
        error=error,
        kind=words(product.title) if product else letter.service if letter else "",
        city=words(place.name) if place else letter.place if letter else "",
        action=f"{request.url.path}?s={code}" if code else "/verify",
        data=f"/verify/{letter.number}.json?s={code}" if letter and code else "",
        token=gate.token(request),
    )
    made.headers["Cache-Control"] = "no-store"
    made.headers["X-Robots-Tag"] = "noindex"
    return made
