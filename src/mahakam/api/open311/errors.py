"""Refusals in the words of GeoReport v2: ``errors`` of ``code`` and ``description``, in the format asked for."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mahakam.api.open311.formats import answer
from mahakam.store.errors import StoreUnavailable

log = logging.getLogger(__name__)


class Refusal(Exception):
    """Why a request is not served: one description or several, each said to the client."""

    def __init__(self, status: int, *descriptions: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__("; ".join(descriptions))
        self.status = status
        self.descriptions: Sequence[str] = descriptions
        self.headers = headers


def handlers() -> Mapping[Any, Any]:
    """For Starlette: whatever goes wrong is said in GeoReport's own form."""
    return {Refusal: _refused, HTTPException: _http, StoreUnavailable: _unreachable, Exception: _failed}


def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return _errors(request, refusal.status, refusal.descriptions, refusal.headers)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {
        404: "there is no such resource; /open311/discovery.json says what there is",
        405: f"{request.method} is not served here",
    }
    return _errors(request, error.status_code, [words.get(error.status_code, error.detail)], error.headers)


def _unreachable(request: Request, error: Exception) -> Response:
    log.error("%s %s: %s", request.method, request.url.path, error)
    words = "the database does not answer; nothing was lost, try again in a moment"
    return _errors(request, 503, [words], {"retry-after": "2"})


def _failed(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _errors(request, 500, ["internal error; the node's log says more"], None)


def _errors(
    request: Request, status: int, descriptions: Sequence[str], headers: Mapping[str, str] | None
) -> Response:
    suffix = request.url.path.rpartition(".")[2]
    rows = [{"code": str(status), "description": text} for text in descriptions]
    return answer("json" if suffix == "json" else "xml", "errors", "error", rows, status, headers)
