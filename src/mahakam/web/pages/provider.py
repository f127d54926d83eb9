"""Signing in through an OpenID provider: the way there, and the way back."""

from __future__ import annotations

import logging
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.access import sessions, throttle
from mahakam.access.accounts import account
from mahakam.access.forms import from_our_page
from mahakam.access.provider import flow, linking, logout
from mahakam.access.provider.asking import Asking
from mahakam.access.provider.refused import Refused, Why
from mahakam.web import gate
from mahakam.web.language import _, reader, words
from mahakam.web.pages import signin
from mahakam.web.site import Site, site_of

BACK = "/signin/callback"
SIGNED_OUT = "/signin/signed-out"
"""Where the provider says that somebody signed out there: ``backchannel_logout_uri``."""
SAYINGS = 3000
"""How often it may say so in :data:`WINDOW` seconds."""
TURNS, WINDOW = 60, 15 * 60
"""Sign-ins that an address may begin in so many seconds: an office may stand behind one address."""
_STATUS: dict[Why, int] = {
    "away": 502, "provider": 502, "turn": 400, "denied": 401, "code": 401, "token": 401, "claims": 403,
    "role": 403, "taken": 403,
}  # fmt: skip
_NOT_KEPT = {"Cache-Control": "no-store"}
_LOG = logging.getLogger(__name__)


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/signin/provider", there, methods=["GET"]),
        Route(BACK, back, methods=["GET"]),
        Route(SIGNED_OUT, signed_out, methods=["POST"]),
    ]


def there(request: Request) -> Response:
    site = site_of(request)
    asking: Asking | None = site.node.provider
    if asking is None:
        return RedirectResponse("/signin", 303)
    target = signin.own_path(request.query_params.get("next", ""))
    if not from_our_page(request.headers):  # another site must not sign anybody in without their wish
        return RedirectResponse("/signin" + (f"?{urlencode({'next': target})}" if target else ""), 303)
    address = request.client.host if request.client else ""
    wait = throttle.take(site.store, "provider", address, TURNS, WINDOW)
    if wait:
        return signin.too_many(request, wait, target=target)
    try:
        begun = flow.begin(site.store, asking, redirect_uri(site), target, reader().language)
    except Refused as refused:
        return _refuse(request, asking, refused, target)
    answer = RedirectResponse(begun.url, 303, {"Cache-Control": "no-store"})
    answer.headers.append("Set-Cookie", _cookie(request, begun.cookie))
    return answer


def back(request: Request) -> Response:
    site = site_of(request)
    asking: Asking | None = site.node.provider
    if asking is None:
        return RedirectResponse("/signin", 303)
    target = ""
    try:
        said = flow.finish(site.store, asking, redirect_uri(site), request.query_params, _shown(request))
        target = said.target
        own = linking.account_of(site.store, asking.provider, said.claims)
    except Refused as refused:
        answer = _refuse(request, asking, refused, target)
    else:
        if asking.provider.has_second_step(said.claims):
            cookie = signin.begun(request, own, said.end_session, said.sid)
            answer = signin.signed_in(request, cookie, target)
        else:
            answer = signin.second_step_or(request, own, target, said.end_session, said.sid)
    answer.headers.append("Set-Cookie", _cookie(request, ""))
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


async def signed_out(request: Request) -> Response:
    """200 where the sessions have ended, 400 with the reason for a token that does not hold (Back-Channel Logout 1.0,
    2.8)."""
    form = await gate.read_form(request, largest=2 * logout.LONGEST, fields=10)
    return await run_in_threadpool(_signed_out, request, gate.text(form, "logout_token"))


def _signed_out(request: Request, token: str) -> Response:
    site = site_of(request)
    asking: Asking | None = site.node.provider
    if asking is None:
        return JSONResponse({"error": "invalid_request"}, 404, _NOT_KEPT)
    address = request.client.host if request.client else ""
    if wait := throttle.take(site.store, "signed-out", address, SAYINGS, WINDOW):
        return JSONResponse({"error": "invalid_request"}, 429, _NOT_KEPT | {"Retry-After": str(wait)})
    try:
        count = logout.sign_out(site.store, asking, token)
    except Refused as refused:
        _LOG.warning("sign-out by %s refused: %s", asking.provider.issuer, refused)
        row = {"error": "invalid_request", "error_description": refused.detail[:300]}
        return JSONResponse(row, 502 if refused.why == "away" else 400, _NOT_KEPT)
    detail = {"issuer": asking.provider.issuer, "sessions": count}
    site.store.write(lambda transaction: transaction.audit("sign-out.provider", "provider", detail))
    return Response(status_code=200, headers=_NOT_KEPT)


def redirect_uri(site: Site) -> str:
    """Where the provider sends the browser: what must be registered there."""
    return site.settings.base + BACK


def sign_out_target(request: Request) -> str:
    """Where the browser goes to sign out at the provider, too; "" where that is not to be had."""
    site = site_of(request)
    asking: Asking | None = site.node.provider
    principal = gate.visitor(request)
    if asking is None or principal is None:
        return ""
    end = sessions.sign_out_of(site.store, request.headers.get("cookie", ""))
    if not end:  # after a second step: who has no password came through the provider
        own = account(site.store, principal.name)
        end = asking.end_session if own is not None and not own.password else ""
    return flow.sign_out_url(end, asking.provider.client, f"{site.settings.base}/signin") if end else ""


def _refuse(request: Request, asking: Asking, refused: Refused, target: str) -> Response:
    store, name = site_of(request).store, words(asking.provider.name)
    _LOG.warning("sign-in by %s refused: %s", asking.provider.issuer, refused)
    address = request.client.host if request.client else ""
    if refused.why != "turn":  # anybody can call that address: it would fill the trail
        detail = {"why": refused.why, "detail": refused.detail[:300], "address": address}
        store.write(lambda transaction: transaction.audit("sign-in.refused", "provider", detail))
    return signin.page(request, _STATUS[refused.why], next=target, error=_said(refused.why, name))


def _said(why: Why, name: str) -> str:
    match why:
        case "away":
            return _(
                "%(name)s cannot be reached now. Try again in some minutes, or sign in with a password of this node.",
                name=name,
            )
        case "provider":
            return _(
                "What %(name)s answers does not hold. Tell an administrator: the log says what.", name=name
            )
        case "turn":
            return _(
                "This sign-in was not begun in this browser, or too long ago, or is used already. Begin again."
            )
        case "denied":
            return _("%(name)s did not sign you in. Begin again if that was not what you wanted.", name=name)
        case "role":
            return _(
                "%(name)s knows you, but you have no role on this node yet. Ask an administrator for one.",
                name=name,
            )
        case "claims":
            return _(
                "%(name)s did not say by which name this node knows you. Ask an administrator: the log says more.",
                name=name,
            )
        case "taken":
            return _(
                "The name that %(name)s gives you is another account's here. Ask an administrator.", name=name
            )
    return _("What %(name)s said of you does not hold, so nobody was signed in. Begin again.", name=name)


def _cookie_name(request: Request) -> str:
    return sessions.cookie_name(site_of(request).store) + "-turn"


def _cookie(request: Request, value: str) -> str:
    lasts = flow.LASTS if value else 0
    return sessions.set_cookie(_cookie_name(request), value, lasts, secure=signin.is_secure(request))


def _shown(request: Request) -> str:
    try:
        cookies = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    morsel = cookies.get((sessions.HOST if signin.is_secure(request) else "") + _cookie_name(request))
    return morsel.value if morsel else ""
