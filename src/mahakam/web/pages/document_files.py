"""Documents of a request through the pages: sent by the resident with the key, looked at and judged by officers."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.services.asked_documents import MOST_DOCUMENTS, MOST_MEGABYTES
from mahakam.services.document_acts import judge, send
from mahakam.services.document_check import ENDINGS, MEDIA
from mahakam.services.dossier import documents_of, file_of
from mahakam.services.needs import service_of
from mahakam.services.numbers import normal_number
from mahakam.services.owner import owns
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.request import entity_id
from mahakam.web import disclosed, gate
from mahakam.web.language import _
from mahakam.web.pages.mine import by_resident
from mahakam.web.pages.queue_one import acted
from mahakam.web.request_desk import desk_of
from mahakam.web.site import site_of

_LARGEST = (MOST_MEGABYTES * 2 + 1) * 2**20
"""Bytes of one form: two of the largest documents, or more small ones."""


def routes(_site: object) -> list[BaseRoute]:
    return [
        Route("/requests/{number}/documents", take, methods=["POST"]),
        Route("/requests/{number}/documents/{code}", show, methods=["GET"]),
        Route("/queue/{number}/documents/{code}", gate.posted(_judge), methods=["POST"]),
    ]


async def take(request: Request) -> Response:
    form = await gate.read_form(request, _LARGEST, files=MOST_DOCUMENTS)
    files = {}
    for name in list(form):
        upload = gate.upload(form, name)
        if upload is not None and name.startswith("document-"):
            files[name.removeprefix("document-")] = await upload.read()
    return await run_in_threadpool(_take, request, form, files)


def show(request: Request) -> Response:
    """One document, for whoever has the key and those who work on the request; for all others there is none."""
    site = site_of(request)
    number = normal_number(request.path_params["number"])
    found = desk_of(site).request(number) if number else None
    place = site.places.get(found.place) if found else None
    if found is None or place is None:
        raise HTTPException(404)
    key = request.query_params.get("key", "")[:80]
    mine = bool(key) and owns(site.store, found.number, key)
    if not mine and not gate.may(request, "request.work", place):
        raise HTTPException(404)
    sent = documents_of(site.store, found.number).get(request.path_params["code"])
    path = file_of(site.settings.data, sent) if sent else None
    if sent is None or path is None:
        raise HTTPException(404)
    if not mine:
        disclosed.disclosed(request, entity_id(found.number), [f"documents.{sent.code}"])
    name = f"{found.number}-{sent.code}.{ENDINGS[sent.kind]}"
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(path, media_type=MEDIA[sent.kind], headers=headers, filename=name)


def _take(request: Request, form: FormData, files: dict[str, bytes]) -> Response:
    def work(found: ServiceRequest, seen: int) -> None:
        site = site_of(request)
        service = service_of(site.places, found)
        send(desk_of(site), site.settings.data, (found, seen), service.documents if service else (), files)

    said = (
        _("The page had lain open for a long time. Please choose the files once more."),
        _("The agency was faster: read what is new, then choose the files once more."),
    )
    return by_resident(request, form, work, said, field="documents", anchor="documents")


def _judge(request: Request, form: FormData) -> Response:
    code, reason = request.path_params["code"], gate.text(form, "reason")

    def work(found: ServiceRequest, _place: Place, seen: int, author: str) -> None:
        accept = gate.text(form, "do") == "accept"
        judge(desk_of(site_of(request)), (found, seen), code, accept, reason, author)

    return acted(request, form, "documents", {f"reason-{code}": reason}, work)
