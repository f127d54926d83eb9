"""What every page request passes: the reader's language, security headers, and the guard against forged
forms."""

from __future__ import annotations

import logging
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mahakam.access.sessions import HOST, keep_alive, set_cookie
from mahakam.store.errors import StoreError
from mahakam.web import language
from mahakam.web.language import Reader
from mahakam.web.languages import languages

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "object-src 'none'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_SAFE = {"GET", "HEAD", "OPTIONS"}
_LOG = logging.getLogger(__name__)


class PageMiddleware:
    """Pure ASGI, so that the context variable of the reader is set in the task that runs the page."""

    def __init__(self, app: ASGIApp, timezone: str = "UTC") -> None:
        self.app = app
        self.timezone = timezone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["method"] not in _SAFE and _from_elsewhere(headers):
            await _refuse(send)
            return
        asked = _asked_language(scope)
        chosen = language.negotiate(asked, _cookie(headers), headers.get("accept-language"))
        language.set_reader(Reader(chosen, self.timezone))

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    out.setdefault(name, value)
                if _is_somebodys(scope) and out.get("cache-control", "no-cache") == "no-cache":
                    out["Cache-Control"] = "private, no-store"
                if out.get("content-type", "").startswith("text/html"):
                    out.setdefault("Cache-Control", "no-cache")
                    out.append("Vary", "Accept-Language, Cookie")
                    out.setdefault("Content-Language", chosen)
                if asked:
                    secure = scope.get("scheme") == "https"
                    out.append("Set-Cookie", set_cookie(language.COOKIE, asked, 365 * 86400, secure=secure))
            await send(message)

        await self.app(scope, receive, finish)
        if _is_somebodys(scope):
            store = scope["app"].state.site.store
            try:
                await run_in_threadpool(keep_alive, store, headers.get("cookie", ""))
            except StoreError as error:
                # The page was answered: a store that takes no write is no fault of it.
                _LOG.warning("a session's use was not noted: %s", error)


def _asked_language(scope: Scope) -> str | None:
    wish = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [""])[-1]
    return wish if wish in languages() else None


def _cookie(headers: Headers) -> str | None:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    morsel = cookies.get(HOST + language.COOKIE) or cookies.get(language.COOKIE)
    return morsel.value if morsel else None


def _is_somebodys(scope: Scope) -> bool:
    """Whether the page was made for somebody who is signed in: the next at this browser must not find it."""
    principal = scope.get("state", {}).get("principal")
    return principal is not None and principal.kind == "person"


def _from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that another site's page sent this form (clients that are no browser say
    nothing)."""
    site = headers.get("sec-fetch-site")
    if site:
        return site in ("cross-site", "same-site")
    origin = headers.get("origin")
    return bool(origin) and urlsplit(str(origin)).netloc != headers.get("host", "")


async def _refuse(send: Send) -> None:
    body = b"This form was sent from another site and was not accepted. Open the page here and send it again."
    start = {"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
