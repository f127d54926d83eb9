"""Signing in and out; in the demo, one click a role."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.access import accounts, second_step, sessions, throttle
from mahakam.access.identify import demo_principal, is_local
from mahakam.access.policy import EVERYWHERE, PEOPLE, Principal
from mahakam.web import gate, node_words
from mahakam.web.demo_offices import demo_offices, take_up
from mahakam.web.language import N_, _, n_
from mahakam.web.middleware import CONTENT_SECURITY_POLICY
from mahakam.web.network_office import offices_of
from mahakam.web.render import render
from mahakam.web.site import Site, site_of

ROLE_NAMES = {
    "resident": N_("Resident"),
    "officer": N_("Agency officer"),
    "head": N_("Head of an agency"),
    "steward": N_("Data steward"),
    "supervisor": N_("Data supervisor"),
    "admin": N_("Administrator"),
}
ROLE_WORK = {
    "resident": N_("Reports problems and follows them. No account is needed for that."),
    "officer": N_("Answers residents' reports and hands in the agency's files."),
    "head": N_("Works as an officer does, and decides for the agency."),
    "steward": N_("Puts held rows right and sends them through again."),
    "supervisor": N_("Examines priority data again, as the statistics office does."),
    "admin": N_("Everything, everywhere on this node."),
}


def routes(site: Site) -> list[BaseRoute]:
    site.page_context.append(_account)
    return [
        Route("/signin", show, methods=["GET"]),
        Route("/signin", sign_in, methods=["POST"]),
        Route("/signin/demo", sign_in_demo, methods=["POST"]),
        Route("/signout", sign_out, methods=["POST"]),
        Route("/signout", lambda _request: RedirectResponse("/signin", 303), methods=["GET"]),
    ]


def show(request: Request) -> Response:
    return page(request, next=request.query_params.get("next", ""))


async def sign_in(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_sign_in, request, form)


async def sign_in_demo(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_sign_in_demo, request, form)


async def sign_out(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_sign_out, request, form)


def _sign_in(request: Request, form: FormData) -> Response:
    store = site_of(request).store
    name, password, target = (gate.text(form, field) for field in ("name", "password", "next"))
    name = accounts.normal_name(name)[:200]
    if not gate.is_ours(request, form):
        return page(
            request, 403, name, target, _("The page had lain open for too long. Please sign in again.")
        )
    address = request.client.host if request.client else ""
    wait = throttle.seconds_to_wait(store, name, address)
    if wait:
        return too_many(request, wait, name, target)
    account = accounts.verify(store, name, password)
    if account is None:
        throttle.count_failure(store, name, address)
        # The name of an account alone: what else is typed there may be a password.
        of = name if accounts.account(store, name) else "?"
        store.write(
            lambda transaction: transaction.audit("sign-in.refused", f"account/{of}", {"address": address})
        )
        return page(request, 401, name, target, _("Name or password is not right."))
    throttle.forget_failures(store, name, address)
    return second_step_or(request, account, target)


def _sign_in_demo(request: Request, form: FormData) -> Response:
    gate.require_ours(request, form)
    role = gate.text(form, "role")
    principal = None
    if _demo_here(request):
        principal = demo_principal(role) if role in PEOPLE else take_up(request, role)
    if principal is None:
        return page(
            request, 403, error=_("The demo's roles can only be taken on the machine that it runs on.")
        )
    value = sessions.begin_demo_session(site_of(request).store, principal)
    return signed_in(request, value, gate.text(form, "next"))


def _sign_out(request: Request, form: FormData) -> Response:
    gate.require_ours(request, form)
    from mahakam.web.pages import provider

    store, cookie = site_of(request).store, request.headers.get("cookie", "")
    elsewhere = provider.sign_out_target(request)
    sessions.end_session(store, cookie)
    answer = RedirectResponse(elsewhere or "/signin", 303)
    answer.headers.append("Set-Cookie", sessions.session_cookie(store, "", secure=is_secure(request)))
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def second_step_or(
    request: Request, account: accounts.Account, target: str, sign_out: str = "", sid: str = ""
) -> Response:
    """After the password, or what a provider said: the code is asked for, or set up where it must be, else the
    session begins. ``sign_out``, ``sid``: where the session ends at the provider, too, and which it is there.
    """
    from mahakam.web.pages import account as own

    store = site_of(request).store
    if second_step.second_step(store, account.name):
        return own.ask_code(request, account, own_path(target))
    if second_step.required(site_of(request).settings, account.roles):
        return own.set_up(request, account, own_path(target), must=True)
    return signed_in(request, begun(request, account, sign_out, sid), target)


def begun(request: Request, account: accounts.Account, sign_out: str = "", sid: str = "") -> str:
    """The cookie's value of a new session of this browser."""
    agent = request.headers.get("user-agent", "")
    return sessions.begin_session(site_of(request).store, account, sign_out, agent, sid)


def signed_in(request: Request, value: str, target: str) -> Response:
    store = site_of(request).store
    sessions.end_session(store, request.headers.get("cookie", ""))
    answer = RedirectResponse(own_path(target) or "/signin", 303)
    answer.headers.append("Set-Cookie", sessions.session_cookie(store, value, secure=is_secure(request)))
    return answer


def too_many(request: Request, wait: int, name: str = "", target: str = "") -> Response:
    """The page that says for how long; ``wait`` in seconds."""
    minutes = n_(
        "Too many attempts. Wait %(n)s minute.", "Too many attempts. Wait %(n)s minutes.", -(-wait // 60)
    )
    answer = page(request, 429, name, target, minutes)
    answer.headers["Retry-After"] = str(wait)
    return answer


def page(request: Request, status: int = 200, name: str = "", next: str = "", error: str = "") -> Response:
    from mahakam.web.pages import provider

    site = site_of(request)
    answer = render(
        request,
        "signin.html",
        status,
        title=_("Sign in") if gate.visitor(request) is None else _("Signed in"),
        token=gate.token(request),
        name=name,
        next=own_path(next),
        error=error,
        demo_roles=PEOPLE if _demo_here(request) else (),
        demo_offices=demo_offices(request) if _demo_here(request) and not gate.visitor(request) else (),
        role_names=ROLE_NAMES,
        role_work=ROLE_WORK,
        no_account=not site.settings.open
        and site.node.provider is None
        and not site.settings.demo
        and not site.store.records(accounts.KIND),
        provider=site.node.provider and site.node.provider.provider,
        open_node=site.settings.open,
        may_work=gate.may(request, "request.work"),
        may_correct=gate.may(request, "quarantine.read"),
        may_replay=gate.may(request, "notification.replay"),
        has_account=_has_account(request),
        may_breach=gate.may(request, "breach.manage"),
        may_answer=gate.may(request, "person.answer"),
        may_audit=gate.may(request, "audit.read"),
        may_watch=gate.may_everywhere(request, "node.watch"),
        offices=offices_of(request),
        may_share=node_words.may(request, node_words.DECIDE),
        where=_where(site, gate.visitor(request)),
    )
    answer.headers["Cache-Control"] = "no-store"
    elsewhere = urlsplit(provider.sign_out_target(request))
    if elsewhere.netloc:  # a browser holds a redirect that follows a form to form-action
        origin = f"{elsewhere.scheme}://{elsewhere.netloc}"
        answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
            "form-action 'self'", f"form-action 'self' {origin}"
        )
    return answer


def _account(request: Request) -> dict[str, object]:
    """What every page knows: who is signed in, and the way out."""
    from mahakam.web.pages import provider

    visitor = gate.visitor(request)
    # Where the way out goes on to a provider, the sign-in page alone has the policy that lets a form lead there.
    here = visitor is not None and visitor.kind == "person" and not provider.sign_out_target(request)
    return {"visitor": visitor, "out_token": gate.token(request) if here else ""}


def _has_account(request: Request) -> bool:
    principal = gate.visitor(request)
    return principal is not None and principal.kind == "person" and _known(request, principal.name)


def _known(request: Request, name: str) -> bool:
    return accounts.account(site_of(request).store, name) is not None


def _where(site: Site, principal: Principal | None) -> list[object]:
    if principal is None or EVERYWHERE in principal.places:
        return []
    return [site.places[id].name if id in site.places else id for id in principal.places]


def _demo_here(request: Request) -> bool:
    settings = site_of(request).settings
    client = request.client.host if request.client else None
    return settings.demo and not settings.open and is_local(client, request.headers)


def own_path(target: str) -> str:
    """A path of this node to go on to, "" for anything that leads away."""
    parts = urlsplit(target)
    own = (
        target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and not parts.netloc
        and not parts.scheme
    )
    return target if own and target.isprintable() and "\\" not in target else ""


def is_secure(request: Request) -> bool:
    """Whether the browser came by https, perhaps through a proxy."""
    return request.url.scheme == "https"
