"""Refusals as pages: not found, not allowed, something broke."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from mahakam.config import ConfigError
from mahakam.ngsild.problem import Problem
from mahakam.store.errors import StoreUnavailable
from mahakam.web import gate
from mahakam.web.language import _
from mahakam.web.middleware import HEADERS
from mahakam.web.render import render

if TYPE_CHECKING:
    from mahakam.web.site import Site

_log = logging.getLogger(__name__)


def routes(_site: Site) -> list[BaseRoute]:
    return []


def handlers() -> dict[Any, Callable[[Request, Any], Response]]:
    return {HTTPException: _refused, Problem: _problem, ConfigError: _configuration,
            StoreUnavailable: _unreachable, 500: _broken}  # fmt: skip


def _answer(request: Request, status: int, title: str, text: str, detail: str = "") -> Response:
    if request.url.path.endswith((".json", ".geojson", ".csv")):
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail or text}
        return JSONResponse(body, status, media_type="application/problem+json")
    return render(request, "error.html", status, title=title, text=text, detail=detail)


def _refused(request: Request, error: HTTPException) -> Response:
    detail = "" if error.detail == _PHRASES.get(error.status_code) else error.detail
    if error.status_code == 404:
        text = _("The address may have a slip in it, or what stood here has moved.")
        answer = _answer(request, 404, _("This page is not here"), text, detail)
    elif error.status_code == 403 and gate.visitor(request) is not None:
        text = _("Another role or office may. Ask your administrator, or sign in as somebody who holds it.")
        answer = _answer(request, 403, _("You may not do this here"), text, detail)
    elif error.status_code in (401, 403):
        text = _("This part is for people of the city's agencies. Sign in to see it.")
        answer = _answer(request, error.status_code, _("Sign in first"), text, detail)
    elif error.status_code == 405:
        answer = _answer(
            request, 405, _("That cannot be done here"), _("Go back and use the page's own buttons.")
        )
    else:
        answer = _answer(request, error.status_code, _("That did not work"), error.detail)
    answer.headers.update(error.headers or {})
    return answer


_PHRASES = {404: "Not Found", 401: "Unauthorized", 403: "Forbidden"}


def _problem(request: Request, error: Problem) -> Response:
    return _answer(request, error.status, error.title, error.detail)


def _configuration(request: Request, error: ConfigError) -> Response:
    _log.error("%s", error)
    text = _("A configuration file of this place cannot be used; its steward has to mend it.")
    return _answer(
        request, 500, _("This place is set up wrongly"), text, f"{error.path.name}: {error.problem}"
    )


def _unreachable(request: Request, error: StoreUnavailable) -> Response:
    """Plain text: a page would ask the store who is signed in."""
    _log.error("%s %s: %s", request.method, request.url.path, error)
    text = _("The city's records cannot be reached just now. Nothing was lost; try again in a moment.")
    return PlainTextResponse(text, 503, {"retry-after": "2", **HEADERS})


def _broken(request: Request, error: Exception) -> Response:
    if isinstance(error, StoreUnavailable):
        return _unreachable(request, error)
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    text = _("The fault is ours, not yours. Nothing was lost; try again in a moment.")
    answer = _answer(request, 500, _("Something broke"), text)
    answer.headers.update(HEADERS)  # this answer is made outside of the middleware that sets them
    return answer
