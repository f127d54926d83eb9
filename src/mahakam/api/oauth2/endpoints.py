"""The token, revocation and metadata endpoints: forms in, JSON out, errors as RFC 6749, 5.2 has them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mahakam.access import throttle, tokens
from mahakam.access.identify import acts_for
from mahakam.access.keys import SCOPE_NAMES, principal_of_key
from mahakam.store.protocol import EntityStore

METADATA, TOKEN, REVOKE = "/.well-known/oauth-authorization-server", "/oauth2/token", "/oauth2/revoke"
MOST = 16 * 1024
TURNS, WINDOW = 120, 15 * 60
"""Tokens that a client may ask for in so many seconds; each holds a quarter of an hour."""
_METHODS = ["client_secret_basic", "client_secret_post"]
_UNSTORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Refused(Exception):
    """An error of RFC 6749, 5.2: its code, what is wrong, and the status."""

    def __init__(self, error: str, description: str, status: int = 400, wait: int = 0) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
        self.wait = wait


def metadata(request: Request) -> Response:
    """RFC 8414, 3."""
    base = request.app.state.node.settings.base
    return JSONResponse(
        {
            "issuer": base,
            "token_endpoint": base + TOKEN,
            "revocation_endpoint": base + REVOKE,
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": list(SCOPE_NAMES),
            "token_endpoint_auth_methods_supported": _METHODS,
            "revocation_endpoint_auth_methods_supported": _METHODS,
            "service_documentation": f"{base}/developers",
        }
    )


async def token(request: Request) -> Response:
    return await _answered(request, _token)


async def revoke(request: Request) -> Response:
    return await _answered(request, _revoke)


def _token(store: EntityStore, form: dict[str, str], client: str, secret: str) -> dict[str, Any]:
    grant = form.get("grant_type")
    if not grant:
        raise Refused("invalid_request", "grant_type is missing; client_credentials was expected")
    if grant != "client_credentials":
        raise Refused("unsupported_grant_type", "client_credentials was expected")
    tokens.client_name(store, client, secret)
    if wait := throttle.take(store, "oauth2-token", client, TURNS, WINDOW):
        raise Refused(
            "slow_down", f"too many tokens; keep one for as long as it holds. Wait {wait} s", 429, wait
        )
    try:
        made = tokens.issue(store, client, secret, form.get("scope", ""))
    except tokens.WrongScope as error:
        raise Refused("invalid_scope", str(error)) from error
    return {
        "access_token": made.secret, "token_type": "Bearer", "expires_in": made.expires_in,
        "scope": " ".join(made.scopes),
    }  # fmt: skip


def _revoke(store: EntityStore, form: dict[str, str], client: str, secret: str) -> dict[str, Any]:
    if not form.get("token"):
        raise Refused("invalid_request", "token is missing")
    tokens.revoke(store, client, secret, form["token"])
    return {}


_Work = Callable[[EntityStore, dict[str, str], str, str], dict[str, Any]]


async def _answered(request: Request, work: _Work) -> Response:
    try:
        form = await _form(request)
        said = await run_in_threadpool(_authenticated, request, form, work)
    except Refused as refused:
        headers = dict(_UNSTORED)
        if refused.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="mahakam"'
        if refused.wait:
            headers["Retry-After"] = str(refused.wait)
        body = {"error": refused.error, "error_description": refused.description}
        return JSONResponse(body, refused.status, headers)
    return JSONResponse(said, 200, _UNSTORED)


def _authenticated(request: Request, form: dict[str, str], work: _Work) -> dict[str, Any]:
    store = request.app.state.node.store.tenant()
    client, secret = _client(request, form)
    address = request.client.host if request.client else ""
    if wait := throttle.seconds_to_wait(store, f"client {client}", address):
        raise Refused("slow_down", f"too many attempts; wait {wait} s", 429, wait)
    acts_for(principal_of_key(store, secret), request.headers)
    try:
        return work(store, form, client, secret)
    except tokens.NoSuchClient:
        throttle.count_failure(store, f"client {client}", address)
        raise Refused(
            "invalid_client", "client_id is a key's id (mahakam key list), client_secret the key itself", 401
        ) from None


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """By HTTP Basic (each part form-encoded, RFC 6749, 2.3.1) or in the form; not both."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        if "client_secret" in form:
            raise Refused(
                "invalid_request", "the client shows its secret in the header or in the form, not both"
            )
        try:
            name, _, secret = base64.b64decode(given.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Refused("invalid_client", "the Authorization header is no Basic credentials", 401) from None
        return unquote_plus(name)[:200], unquote_plus(secret)
    if scheme:
        raise Refused("invalid_client", "Authorization: Basic was expected", 401)
    return form.get("client_id", "")[:200], form.get("client_secret", "")


async def _form(request: Request) -> dict[str, str]:
    """Parameters are not given twice (RFC 6749, 3.2)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused("invalid_request", "application/x-www-form-urlencoded was expected")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST:
            raise Refused("invalid_request", f"at most {MOST:,} bytes", 413)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise Refused("invalid_request", "the form cannot be read") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise Refused("invalid_request", "a parameter is given twice")
    return form
