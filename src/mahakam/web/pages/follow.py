"""Following a request without an account: by mail, once the address is confirmed, and in public comments."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.access import throttle
from mahakam.broker.clock import now
from mahakam.config import Place, scope_of
from mahakam.services import comments, consent, followers
from mahakam.services.numbers import normal_number
from mahakam.services.owner import owns
from mahakam.services.purposes import UPDATES, purposes_of
from mahakam.services.request import Refused, contact_faults
from mahakam.services.request import Request as ServiceRequest
from mahakam.web import following, gate
from mahakam.web.language import _, n_
from mahakam.web.pages.requests import page, request_for
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import sentences
from mahakam.web.site import Site, site_of

COMMENTS = 20
"""That one address on the net may write in the same time as it may ask for mails."""


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/requests/{number}/follow", gate.posted(_follow), methods=["POST"]),
        Route("/requests/{number}/follow/{token}", show, methods=["GET"]),
        Route("/requests/{number}/follow/{token}", gate.posted(_decide), methods=["POST"]),
        Route("/requests/{number}/comments", gate.posted(_comment), methods=["POST"]),
        Route("/requests/{number}/comments/{name}/hide", gate.posted(_hide), methods=["POST"]),
    ]


def show(request: Request) -> Response:
    """Asks before anything happens: programs that look into mails open every address in them."""
    found, follower = _follower(request)
    made = render(
        request,
        "follow.html",
        title=_("Mail about report %(number)s", number=found.number),
        place=site_of(request).places.get(found.place),
        section="services",
        found=found,
        follower=follower,
        token=gate.token(request),
        done="",
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def _follow(request: Request, form: FormData) -> Response:
    """The answer is the same whether the address is new, known or already follows."""
    found, _place = _found(request)
    email = gate.text(form, "email").strip()
    if not site_of(request).settings.smtp:
        raise HTTPException(404, _("This node sends no mail"))
    if not gate.is_ours(request, form):
        return _again(request, found, "follow", email, gate.stale(), 403)
    faults = contact_faults(email) if email else []
    if faults or not email:
        said = _("This is not an e-mail address. Write it as name@example.org.")
        return _again(request, found, "follow", email, said, 422)
    if seconds := following.ask(request, found, email):
        return _again(request, found, "follow", email, _wait(seconds), 429)
    return RedirectResponse(f"/requests/{found.number}?asked=1#follow", 303)


def _decide(request: Request, form: FormData) -> Response:
    """``do=follow`` or ``do=stop`` of our own page, or the mail program's one click (RFC 8058)."""
    found, follower = _follower(request)
    one_click = gate.text(form, "List-Unsubscribe") == "One-Click"
    if not one_click:
        gate.require_ours(request, form)
    store = site_of(request).store
    site, of = site_of(request), "" if follower.owner else follower.token
    if one_click or gate.text(form, "do") == "stop":
        how = "mail" if one_click else "page"
        followers.stop(
            store,
            found.number,
            follower.token,
            lambda transaction, _one: consent.end(transaction, found.number, UPDATES, now(), how, of),
        )
        done = _("No more mail comes about this report. Your address is forgotten.")
    else:
        purpose = purposes_of(site.places.get(found.place), site.places)[UPDATES]
        who = consent.hash_of(store, follower.email.casefold())
        followers.confirm(
            store,
            found.number,
            follower.token,
            lambda transaction, one: consent.give(
                transaction, found.number, purpose, now(), "mail", one.language, of, who
            ),
        )
        done = _("You get a mail whenever there is news.")
    return render(
        request,
        "follow.html",
        title=_("Mail about report %(number)s", number=found.number),
        place=site_of(request).places.get(found.place),
        section="services",
        found=found,
        done=done,
    )


def _comment(request: Request, form: FormData) -> Response:
    found, place = _found(request)
    text, key = gate.text(form, "comment"), gate.text(form, "key")[:80]
    if not gate.is_ours(request, form):
        return _again(request, found, "comment", text, gate.stale(), 403, key)
    site = site_of(request)
    address = request.client.host if request.client else ""
    if not site.settings.open and (
        seconds := throttle.take(site.store, "comment", address, COMMENTS, following.WINDOW)
    ):
        return _again(request, found, "comment", text, _wait(seconds), 429, key)
    by: comments.By = "public"
    if gate.may(request, "request.work", place):
        by = "agency"
    elif key and owns(site.store, found.number, key):
        by = "resident"
    try:
        comments.add(site.broker, found.number, scope_of(place, site.places), by, text)
    except Refused as refused:
        said = sentences(refused.faults, site.places)["comment"]
        return _again(request, found, "comment", text, said, 422, key)
    own = f"?key={key}" if by == "resident" else ""
    return RedirectResponse(f"/requests/{found.number}{own}#comments", 303)


def _hide(request: Request, form: FormData) -> Response:
    found, place = _found(request)
    principal = gate.require(request, "request.work", place)
    gate.require_ours(request, form)
    if not comments.hide(site_of(request).broker, found.number, request.path_params["name"], principal.name):
        raise HTTPException(404, _("There is no such comment"))
    return RedirectResponse(f"/requests/{found.number}#comments", 303)


def _found(request: Request) -> tuple[ServiceRequest, Place]:
    site = site_of(request)
    number = normal_number(request.path_params["number"])
    found = desk_of(site).request(number) if number else None
    if found is None or found.place not in site.places:
        raise HTTPException(404, _("There is no report with this number"))
    return found, site.places[found.place]


def _follower(request: Request) -> tuple[ServiceRequest, followers.Follower]:
    found, _place = _found(request)
    follower = followers.find(site_of(request).store, found.number, request.path_params["token"])
    if follower is None:
        raise HTTPException(404, _("Nobody follows this report with this address; perhaps it was taken away"))
    return found, follower


def _again(
    request: Request, found: ServiceRequest, field: str, typed: str, said: str, status: int, key: str = ""
) -> Response:
    """The request's page with what was typed and what is wrong with it."""
    found = request_for(request, found.number, key) or found
    return page(request, found, key, {"text": "", field: typed[:4000]}, {field: said}, status)


def _wait(seconds: int) -> str:
    minutes = n_("wait %(n)s minute", "wait %(n)s minutes", -(-seconds // 60))
    return _(
        "Much came from your network. Your text is still here: %(minutes)s, then send it.", minutes=minutes
    )
