"""The door of pages where people write: who asks, whether they may, and forms read within limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mahakam.access import Principal, allow, allow_somewhere
from mahakam.access.forms import form_token, is_own_form
from mahakam.access.identify import session_key
from mahakam.config import Place, scope_of
from mahakam.form_data import FormError, Limits, TooLarge, read_form_data
from mahakam.web.language import _
from mahakam.web.site import Site, site_of
from mahakam.web.site import visitor as visitor

TOKEN_FIELD = "form"  # noqa: S105 - the name of the field, not a secret
MOST_FIELDS = 200
_OF_AGENCIES = ("request.work", "request.decide")
"""Actions that an agency's own key has for that agency's requests alone."""


def may(request: Request, action: str, place: Place | None = None, teams: Iterable[str] = ()) -> bool:
    """Whether the visitor may do the action in a place (None: in any place at all).

    An agency's own key works on what is routed to that agency: ``teams`` say to whom, and without them it may not.
    """
    principal = visitor(request)
    if place is None:
        return allow_somewhere(principal, action)
    scope = scope_of(place, site_of(request).places)
    if not allow(principal, action, scope):
        return False
    if principal is None or action not in _OF_AGENCIES or not bound(principal):
        return True
    own = principal.agencies_in(scope.split("/"))
    return any(team.partition("/")[0] in own for team in teams)


def bound(principal: Principal) -> bool:
    """Whether this is a key of agencies, which has no part in what others do."""
    return principal.kind == "key" and bool(principal.agencies)


def may_everywhere(request: Request, action: str) -> bool:
    """Whether the visitor may do the action on the node as a whole."""
    return allow(visitor(request), action)


def require(
    request: Request, action: str, place: Place | None = None, teams: Iterable[str] = ()
) -> Principal:
    """The visitor, if they may (:func:`may`); a stranger is led to the sign-in page and back.

    Raises HTTPException 303 (to /signin), 401 (a file was asked for) or 403.
    """
    principal = visitor(request)
    if principal is not None and may(request, action, place, teams):
        return principal
    raise turned_away(request)


def turned_away(request: Request, signed_in: str = "", home: str = "/") -> HTTPException:
    """What a visitor is answered who may not: 403 and why for who is signed in (``signed_in``, or that they may not do
    this here), 401 for a stranger who asked for a file, else 303 to the sign-in page and from there back, or to
    ``home`` where a form was sent.
    """
    principal = visitor(request)
    if principal is not None:
        why = signed_in or _("You are signed in as %(name)s, who may not do this here.", name=principal.name)
        return HTTPException(403, why)
    if request.url.path.endswith((".csv", ".json")):
        return HTTPException(
            401,
            _("This table is for people in office: sign in, or send a key."),
            {"WWW-Authenticate": "Bearer"},
        )
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = back if request.method == "GET" else home
    return HTTPException(303, headers={"Location": f"/signin?next={quote(target, safe='')}"})


def token(request: Request) -> str:
    """The token for a form on the page that is being made."""
    store = site_of(request).store
    return form_token(store, session_key(request.headers, store))


def is_ours(request: Request, form: FormData) -> bool:
    """Whether the form was filled in on our own page, in this session, within a day."""
    store = site_of(request).store
    return is_own_form(store, request.headers, text(form, TOKEN_FIELD), session_key(request.headers, store))


def stale() -> str:
    """What a form that is not ours, or had lain open for too long, is answered where what was typed is kept."""
    return _("The page had lain open for a long time. Your text is still here: please send it once more.")


def require_ours(request: Request, form: FormData) -> None:
    """Raises HTTPException 403 for a form that is not ours."""
    if not is_ours(request, form):
        raise HTTPException(
            403, _("The form had lain open for too long. Go back, load the page again, send it again.")
        )


def posted(
    work: Callable[[Request, FormData], Response], largest: int = 256 * 1024, files: int = 0
) -> Callable[[Request], Awaitable[Response]]:
    """A handler that reads a form and leaves the work with it to a thread. ``files``: how many may come with it."""

    async def handler(request: Request) -> Response:
        return await run_in_threadpool(work, request, await read_form(request, largest, files))

    return handler


async def read_form(
    request: Request, largest: int = 256 * 1024, files: int = 0, fields: int = MOST_FIELDS
) -> FormData:
    """The form of a POST, of at most ``largest`` bytes and ``fields`` fields in all.

    Raises HTTPException 413 for more and 400 for what is no form.
    """
    too_large = HTTPException(
        413, _("That is too large: at most %(size)s MB can be sent here.", size=round(largest / 2**20, 1))
    )
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > largest:
        raise too_large
    try:
        return await read_form_data(request, Limits(largest, files, fields))
    except TooLarge as error:
        raise too_large from error
    except FormError as error:
        raise HTTPException(400, _("The form cannot be read: %(reason)s.", reason=error)) from error


def text(form: FormData, name: str) -> str:
    """A text field, "" if it is missing or a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def upload(form: FormData, name: str) -> UploadFile | None:
    """A file field, if a file was chosen."""
    value = form.get(name)
    return value if isinstance(value, UploadFile) and value.filename else None


def chosen(request: Request, action: str) -> list[Place]:
    """The places in which the visitor may do an action, by name."""
    site: Site = site_of(request)
    return sorted((place for place in site.places.values() if may(request, action, place)), key=_by_name)


def one_of(value: str, options: Iterable[str], default: str = "") -> str:
    """A choice from a query or a form, only if it is one."""
    return value if value in options else default


def _by_name(place: Place) -> Any:
    return next(iter(place.name.values())).casefold()
