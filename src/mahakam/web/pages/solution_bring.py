"""Solutions between nodes: one's files for others to take along, and another node's brought here to be adopted."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import ConfigError
from mahakam.nodes.faults import NodeError
from mahakam.nodes.fetching import fetch
from mahakam.solutions.bundle import LARGEST, BundleError, archive_of, bring, packed
from mahakam.web import gate
from mahakam.web.faults import Errors, in_file
from mahakam.web.language import _
from mahakam.web.pages.solutions import ONE
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.solution_desk import PATH, may_adopt, solution_desk

if TYPE_CHECKING:
    from mahakam.web.site import Site

BRING = PATH + "/bring"


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route(BRING, show, methods=["GET"]),
        Route(BRING, gate.posted(_bring, LARGEST + 65_536, files=1), methods=["POST"]),
        Route(ONE + ".zip", as_bundle, methods=["GET"]),
    ]


def as_bundle(request: Request) -> Response:
    """A solution's files, for everybody where the city offers them, else for those who may adopt. Raises HTTPException
    404 for one that was itself brought here: its own node has it."""
    site = site_of(request)
    row = solution_desk(request).row(request.path_params["place"], request.path_params["name"])
    if row.origin is not None:
        raise HTTPException(404, _("This solution is of another node: %(node)s", node=row.origin.node))
    if not row.solution.offered and not may_bring(request):
        gate.require(request, "solution.adopt", row.place)
    day = dt.datetime.now(ZoneInfo(row.place.timezone)).date().isoformat()
    try:
        content = packed(row.solution, site.places, site.settings.base, day)
    except ConfigError as error:
        raise HTTPException(409, in_file(error)) from error
    name = f"{row.place.id}-{row.solution.id}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return Response(content, media_type="application/zip", headers=headers)


def may_bring(request: Request) -> bool:
    """Whether the visitor may adopt for a city of this node."""
    return any(one.kind == "city" and may_adopt(request, one) for one in site_of(request).places.values())


def _require(request: Request) -> None:
    if not may_bring(request):
        gate.require(request, "solution.adopt")


def show(request: Request) -> Response:
    _require(request)
    return _page(request, {"from": request.query_params.get("from", "")[:500]})


def _page(
    request: Request, typed: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    answer = render(
        request,
        "solution-bring.html",
        status,
        title=_("Bring a solution from another node"),
        section="network",
        token=gate.token(request),
        typed=typed,
        errors=Errors(errors or {}),
        brought=[row for row in solution_desk(request).rows if row.origin is not None],
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _bring(request: Request, form: FormData) -> Response:
    _require(request)
    site = site_of(request)
    typed = {"from": gate.text(form, "from").strip()[:500]}
    if not gate.is_ours(request, form):
        return _page(request, typed, {"form": gate.stale()}, 403)
    sent = form.get("file")
    try:
        if isinstance(sent, UploadFile) and sent.filename:
            content, field = sent.file.read(LARGEST + 1), "file"
        elif typed["from"]:
            private = site.settings.private_addresses
            content, field = fetch(archive_of(typed["from"]), LARGEST, private_addresses=private), "from"
        else:
            return _page(
                request, typed, {"from": _("Give the address of the solution's page, or its file.")}, 422
            )
    except NodeError as error:
        said = _("It could not be fetched: %(why)s. Is it offered there (offered: true)?", why=str(error))
        return _page(request, typed, {"from": said}, 422)
    try:
        found = bring(site.settings.data, content, site.places)
    except BundleError as error:
        return _page(request, typed, {field: str(error)}, 422)
    visitor = gate.visitor(request)
    site.store.write(
        lambda transaction: transaction.audit(
            "solution.bring",
            f"solution/{found.key}",
            {"version": found.version, "from": typed["from"], "by": visitor.name if visitor else ""},
        )
    )
    return RedirectResponse(f"{PATH}/{found.key}", 303)
