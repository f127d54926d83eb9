"""From a request to an action and back, in CKAN's form: ``help``, ``success``, and ``result`` or ``error``."""

from __future__ import annotations

import logging
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mahakam.api.catalogue.routes import OPEN, disclose, open_to, parts_of, root, sight_of
from mahakam.api.ckan.actions import ACTIONS, Action
from mahakam.api.ckan.asked import Asked
from mahakam.api.ckan.errors import ActionError, Invalid, NotAuthorized
from mahakam.feeds.sources.model import SourceError
from mahakam.store.errors import StoreUnavailable

LONGEST = 1_000_000
"""Bytes of a request's body."""
_log = logging.getLogger(__name__)


async def act(request: Request) -> Response:
    """One action, as whoever asks sees the node."""
    name = request.path_params["name"]
    action = ACTIONS.get(name)
    if action is None:
        return JSONResponse(f"Bad request - Action name not known: {name[:80]}", 400, OPEN)
    said: dict[str, Any] = {"help": f"{root(request)}/api/3/action/help_show?name={name}"}
    try:
        given = await _parameters(request)
        found = await run_in_threadpool(_done, request, action, given)
    except ActionError as error:
        return JSONResponse(said | {"success": False, "error": error.error}, error.status, OPEN)
    except (StoreUnavailable, SourceError) as error:
        _log.error("%s: %s", name, error)
        failed = {"__type": "Internal Server Error", "message": "the data cannot be read now; try again"}
        return JSONResponse(said | {"success": False, "error": failed}, 503, OPEN)
    return JSONResponse(said | {"success": True, "result": found}, headers=open_to(request))


def _done(request: Request, action: Action, given: dict[str, Any]) -> Any:
    """Raises ActionError, StoreUnavailable, SourceError."""
    try:
        sight = sight_of(request)
    except HTTPException as error:  # a key that is not known
        raise NotAuthorized(error.detail) from error
    return action(parts_of(request), Asked(given, root(request), sight, lambda one: disclose(request, one)))


async def about(_request: Request) -> Response:
    """The version of the API."""
    return JSONResponse({"version": 3}, headers=OPEN)


async def _parameters(request: Request) -> dict[str, Any]:
    query = request.query_params
    several = {name: query.getlist(name) for name in query}
    given: dict[str, Any] = {name: one[0] if len(one) == 1 else one for name, one in several.items()}
    if request.method != "POST":
        return given
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            raise ActionError("Bad Request", message=f"the body is longer than {LONGEST:,} bytes")
    if not body.strip():
        return given
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        from urllib.parse import parse_qsl

        text = body.decode("utf-8", "replace")
        if not text.lstrip().startswith("{"):  # some clients send JSON and call it a form
            return given | dict(parse_qsl(text, keep_blank_values=True))
    import orjson

    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ActionError("Bad Request", message=f"the body is not JSON: {error}") from error
    if not isinstance(sent, dict):
        raise Invalid(body="Must be a JSON object")
    return given | sent
