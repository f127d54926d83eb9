"""One's own account: the password, the second step of the sign-in (set up, asked for, renewed, given up), sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.access import accounts, passwords, second_step, sessions, throttle
from mahakam.access.accounts import Account
from mahakam.access.identify import session_key
from mahakam.web import gate
from mahakam.web.browsers import browser_words
from mahakam.web.codes import picture
from mahakam.web.language import N_, _, n_, words
from mahakam.web.pages.signin import ROLE_NAMES, begun, own_path, signed_in
from mahakam.web.render import render
from mahakam.web.site import Site, site_of

PAGE = "/account"
_SHOWN = 16
"""Letters of a session's key on the page: enough to name it."""
_ENDINGS = ("end", "end-others")


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route(PAGE, show, methods=["GET"]),
        Route(PAGE, gate.posted(_change), methods=["POST"]),
        Route("/signin/code", lambda _request: RedirectResponse("/signin", 303), methods=["GET"]),
        Route("/signin/code", gate.posted(_code), methods=["POST"]),
        Route("/signin/second-step", lambda _request: RedirectResponse("/signin", 303), methods=["GET"]),
        Route("/signin/second-step", gate.posted(_confirm), methods=["POST"]),
    ]


def show(request: Request) -> Response:
    return _page(request, _own(request))


def _own(request: Request) -> Account:
    """The account that is signed in. The demo's roles and an open node have none: 404."""
    principal = gate.visitor(request)
    if principal is None:
        raise HTTPException(303, headers={"Location": f"/signin?next={PAGE}"})
    found = accounts.account(site_of(request).store, principal.name) if principal.kind == "person" else None
    if found is None:
        raise HTTPException(404, _("There is no account of this name here; the demo's roles have none."))
    return found


def _page(request: Request, own: Account, error: str = "", status: int = 200) -> Response:
    site = site_of(request)
    return _unstored(
        render(
            request,
            "account.html",
            status,
            title=_("Your account"),
            own=own,
            role_names=ROLE_NAMES,
            step=second_step.second_step(site.store, own.name),
            must=second_step.required(site.settings, own.roles),
            provider=words(site.node.provider.provider.name) if site.node.provider else "",
            error=error,
            token=gate.token(request),
            shortest=passwords.SHORTEST,
            sessions=_sessions(request, own),
        )
    )


def _change(request: Request, form: FormData) -> Response:
    """Another password, the second step, an end of sessions: each time the password is asked for again."""
    own, site = _own(request), site_of(request)
    if not gate.is_ours(request, form):
        return _page(request, own, gate.stale(), 403)
    client = request.client.host if request.client else ""
    wait = throttle.seconds_to_wait(site.store, own.name, client)
    if wait:
        return _page(request, own, _minutes(wait), 429)
    act = gate.text(form, "act")
    if not own.password and act not in _ENDINGS:  # who comes by a provider has none to show
        return _page(request, own, status=400)
    if own.password and accounts.verify(site.store, own.name, gate.text(form, "password")) is None:
        throttle.count_failure(site.store, own.name, client)
        return _page(request, own, _("The password is not right."), 401)
    throttle.forget_failures(site.store, own.name, client)
    match act:
        case "password":
            return _new_password(request, own, gate.text(form, "new"))
        case "end" | "end-others":
            return _end(request, own, set(form.getlist("session")) if act == "end" else None)
        case "set-up":
            return set_up(request, own, PAGE)
        case "codes":
            codes = second_step.renew_codes(site.store, own.name)
            return _codes(request, codes, PAGE) if codes else _page(request, own)
        case "give-up":
            if second_step.required(site.settings, own.roles):
                return _page(request, own, _("Your role needs the second step."), 403)
            second_step.remove(site.store, own.name)
            return _again(request, own.name, PAGE)
    return _page(request, own, status=400)


_FAULTS: Mapping[passwords.Fault, str] = {
    "short": N_(
        "The new password is too short: it has at least %(n)s characters. A sentence is easy to remember."
    ),
    "long": N_("The new password is too long: it has at most %(n)s characters."),
    "words": N_("The new password is made of words that everybody here knows. Choose another."),
    "known": N_("The new password is known from a breach, and would be tried first. Choose another."),
}


def _new_password(request: Request, own: Account, password: str) -> Response:
    """The account's other sessions end; this browser gets a new one."""
    site = site_of(request)
    words = passwords.words_of(site.places)
    if fault := passwords.fault_of(password, own.name, words):
        most = passwords.LONGEST if fault == "long" else passwords.SHORTEST
        return _page(request, own, _(_FAULTS[fault], n=most), 422)
    accounts.set_password(site.store, own.name, password, words)
    return _again(request, own.name, PAGE)


def _end(request: Request, own: Account, chosen: set[str | UploadFile] | None) -> Response:
    """End these sessions of the account, or (None) all, but never this one: to sign out is for that."""
    store = site_of(request).store
    here = session_key(request.headers, store)
    ending = [
        one.key
        for one in sessions.open_sessions(store, own.name)
        if one.key != here and (chosen is None or one.key[:_SHOWN] in chosen)
    ]
    sessions.end_sessions(store, own.name, ending)
    return RedirectResponse(f"{PAGE}#sessions", 303)


def _sessions(request: Request, own: Account) -> list[dict[str, object]]:
    store = site_of(request).store
    here = session_key(request.headers, store)
    return [
        {
            "id": one.key[:_SHOWN],
            "here": one.key == here,
            "browser": browser_words(one.agent),
            "began": dt.datetime.fromtimestamp(one.began, dt.UTC),
            "seen": dt.datetime.fromtimestamp(one.seen, dt.UTC),
        }
        for one in sessions.open_sessions(store, own.name)
    ]


def set_up(
    request: Request, own: Account, target: str, *, must: bool = False, error: str = "", status: int = 200
) -> Response:
    """The QR code for the telephone, and the field for the first code of it."""
    site = site_of(request)
    secret = (second_step.offered(site.store, own.name) if error else "") or second_step.offer(
        site.store, own.name
    )
    node = words(next(iter(site.places.values())).name) if len(site.places) == 1 else "Mahakam"
    return _unstored(
        render(
            request,
            "second-step.html",
            status,
            title=_("Set up the second step"),
            picture=picture(second_step.address(secret, own.name, node)),
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            address=second_step.address(secret, own.name, node),
            step=second_step.passed_password(site.store, own, "set up"),
            next=target,
            must=must,
            error=error,
            token=gate.token(request),
        )
    )


def _confirm(request: Request, form: FormData) -> Response:
    store, target = site_of(request).store, own_path(gate.text(form, "next"))
    own = second_step.who_passed(store, gate.text(form, "step"), "set up")
    if own is None or not gate.is_ours(request, form):
        return _start_again(target)
    tried, codes = second_step.confirm(store, own.name, gate.text(form, "code")[:40])
    if not tried.right:
        must = second_step.second_step(store, own.name) is None and gate.visitor(request) is None
        said = _minutes(tried.wait) if tried.wait else _("This is not the code that the telephone shows now.")
        return set_up(request, own, target, must=must, error=said, status=429 if tried.wait else 401)
    return _codes(request, codes, target, _again(request, own.name, target))


def ask_code(request: Request, own: Account, target: str, error: str = "", status: int = 200) -> Response:
    """The page between the password and the session."""
    return _unstored(
        render(
            request,
            "signin-code.html",
            status,
            title=_("Second step"),
            step=second_step.passed_password(site_of(request).store, own, "code"),
            next=target,
            error=error,
            token=gate.token(request),
        )
    )


def _code(request: Request, form: FormData) -> Response:
    store, target = site_of(request).store, own_path(gate.text(form, "next"))
    own = second_step.who_passed(store, gate.text(form, "step"), "code")
    if own is None or not gate.is_ours(request, form):
        return _start_again(target)
    tried = second_step.try_code(store, own.name, gate.text(form, "code")[:40])
    if tried.right:
        return signed_in(request, begun(request, own), target)
    if tried.wait:
        answer = ask_code(request, own, target, _minutes(tried.wait), 429)
        answer.headers["Retry-After"] = str(tried.wait)
        return answer
    address = request.client.host if request.client else ""
    refused = {"address": address, "step": 2}
    store.write(lambda transaction: transaction.audit("sign-in.refused", f"account/{own.name}", refused))
    return ask_code(request, own, target, _("The code is not right, or was used already."), 401)


def _codes(request: Request, codes: list[str], target: str, signed: Response | None = None) -> Response:
    """The recovery codes, this once; ``signed``: an answer whose cookie goes with it."""
    answer = _unstored(
        render(
            request, "recovery-codes.html", title=_("Recovery codes"), codes=codes, next=target or "/signin"
        )
    )
    if signed is not None:
        answer.headers.append("Set-Cookie", signed.headers["set-cookie"])
    return answer


def _again(request: Request, name: str, target: str) -> Response:
    """A new session for an account whose sessions have just ended."""
    store = site_of(request).store
    own = accounts.account(store, name)
    if own is None:
        return RedirectResponse("/signin", 303)
    return signed_in(request, begun(request, own), target)


def _start_again(target: str) -> Response:
    """The password was too long ago."""
    return RedirectResponse(f"/signin?{urlencode({'next': target})}" if target else "/signin", 303)


def _minutes(wait: int) -> str:
    return n_(
        "Too many attempts. Wait %(n)s minute.", "Too many attempts. Wait %(n)s minutes.", -(-wait // 60)
    )


def _unstored(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
