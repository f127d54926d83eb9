"""The city's page of what it shares: join a hub by invitation, choose type by type and field by field, end it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.nodes import pushing, sharing, telling
from mahakam.nodes.asked import asked
from mahakam.nodes.faults import NodeError
from mahakam.nodes.naming import name_of
from mahakam.nodes.shares import OFFERED, Shares, parse_shares
from mahakam.nodes.sharing import Offer, Sharing
from mahakam.solutions.published import publish
from mahakam.web import gate
from mahakam.web.language import _, words
from mahakam.web.node_words import CLASSES, DECIDE, STATES, require, said, when
from mahakam.web.render import render
from mahakam.web.site import Site, site_of

PATH = "/sharing"
_LARGEST, _FIELDS = 2**20, 20_000
"""A node has as many types, with as many fields, as its feeds make."""
_ASKED = 20


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route(PATH, show, methods=["GET"]),
        Route(PATH + "/look", _posted(_look), methods=["POST"]),
        Route(PATH + "/join", _posted(_join), methods=["POST"]),
        Route(PATH + "/change", _posted(_change), methods=["POST"]),
        Route(PATH + "/rotate", _posted(_rotate), methods=["POST"]),
        Route(PATH + "/revoke", _posted(_revoke), methods=["POST"]),
    ]


def show(request: Request) -> Response:
    require(request, DECIDE)
    return _page(request)


def _posted(work: Callable[[Request, FormData], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def handler(request: Request) -> Response:
        form = await gate.read_form(request, _LARGEST, fields=_FIELDS)
        return await run_in_threadpool(work, request, form)

    return handler


def _look(request: Request, form: FormData) -> Response:
    """Who invites, and what could be shared."""
    require(request, DECIDE)
    gate.require_ours(request, form)
    text = gate.text(form, "invitation").strip()
    private = site_of(request).settings.private_addresses
    try:
        found = sharing.look(text, private_addresses=private)
        publish(site_of(request).broker, site_of(request).places, site_of(request).settings.base)
        return _page(request, invited=found, invitation=text)
    except NodeError as error:
        return _page(request, invitation=text, error=said(error), status=422)


def _join(request: Request, form: FormData) -> Response:
    principal = require(request, DECIDE)
    gate.require_ours(request, form)
    site = site_of(request)
    text = gate.text(form, "invitation").strip()
    typed = _typed(form)
    try:
        name = name_of(site.node)
        made = sharing.join(
            site.broker,
            site.node.rights,
            text,
            _shares(typed),
            address=site.settings.base,
            title=words(name),
            reasons=typed["reasons"],
            by=principal.name,
        )
    except NodeError as error:
        try:
            found = sharing.look(text, private_addresses=site.settings.private_addresses)
        except NodeError:
            found = None
        return _page(request, typed, invited=found, invitation=text, error=said(error), status=422)
    return RedirectResponse(f"{PATH}#hub-{made.id}", 303)


def _change(request: Request, form: FormData) -> Response:
    require(request, DECIDE)
    gate.require_ours(request, form)
    site = site_of(request)
    id, typed = gate.text(form, "hub")[:300], _typed(form)
    try:
        sharing.change(site.broker, site.node.rights, id, _shares(typed), reasons=typed["reasons"])
        telling.tell(site.broker, id)
    except NodeError as error:
        return _page(request, typed, hub=id, error=said(error), status=422)
    return RedirectResponse(f"{PATH}#hub-{id}", 303)


def _rotate(request: Request, form: FormData) -> Response:
    return _done(request, form, sharing.rotate)


def _revoke(request: Request, form: FormData) -> Response:
    return _done(request, form, sharing.revoke)


def _done(request: Request, form: FormData, step: Callable[[Any, str], Sharing]) -> Response:
    require(request, DECIDE)
    gate.require_ours(request, form)
    broker, id = site_of(request).broker, gate.text(form, "hub")[:300]
    try:
        step(broker, id)
        telling.tell(broker, id)
    except NodeError as error:
        return _page(request, error=said(error), status=422)
    return RedirectResponse(f"{PATH}#hub-{id}", 303)


def _typed(form: FormData) -> dict[str, Any]:
    """What was chosen: ``types``, ``fields`` (type → names), ``push``, ``reasons``."""
    fields: dict[str, list[str]] = {}
    for value in form.getlist("field"):
        type, _space, name = str(value).partition(" ")
        fields.setdefault(type, []).append(name)
    reasons = {
        key.removeprefix("why "): str(value) for key, value in form.multi_items() if key.startswith("why ")
    }
    return {
        "types": [str(one) for one in form.getlist("type")],
        "fields": fields,
        "push": [str(one) for one in form.getlist("push")],
        "reasons": reasons,
    }


def _shares(typed: Mapping[str, Any]) -> Shares:
    """Raises NodeError."""
    chosen = {type: typed["fields"].get(type, []) for type in typed["types"]}
    return parse_shares(
        {type: names for type, names in chosen.items() if names},
        [type for type in typed["push"] if chosen.get(type)],
    )


def _as_typed(one: Sharing) -> dict[str, Any]:
    """What is shared now, as the form would say it."""
    found = one.shares
    return {
        "types": sorted(found.attributes),
        "fields": {type: sorted(names) for type, names in found.attributes.items()},
        "push": sorted(found.push),
        "reasons": dict(one.record.get("reasons", {})),
    }


def _first_choice(offered: list[Offer]) -> dict[str, Any]:
    """What is chosen before anybody has: what is public of all, shared of those that are offered first."""
    return {
        "types": [one.type for one in offered if one.first],
        "fields": {one.type: [each.name for each in one.fields if not each.kind] for one in offered},
        "push": [one.type for one in offered if one.type in OFFERED],
        "reasons": {},
    }


def _facts(site: Site, one: Sharing) -> dict[str, Any]:
    """How it stands with a hub."""
    store, known = site.store, sharing.contact(site.store, one.id)
    status = site.broker.subscriptions.status(pushing.subscription_id(one.id))
    standing = known.get("standing") or {}
    return {
        "one": one,
        "name": words(one.name),
        "state": STATES[one.state],
        "since": when(one.record.get("joined")),
        "ended": when(one.record.get("ended")),
        "by_hub": one.record.get("ended_by") == "hub",
        "answered": when(known.get("answered")),
        "error": known.get("error", ""),
        "failing": when(known.get("failing_since")),
        "sent": status.get("timesSent", 0) - status.get("timesFailed", 0),
        "sent_at": status.get("lastSuccess", ""),
        "owed": len(store.owed(pushing.subscription_id(one.id), 1000)),
        "walking": pushing.waiting(store, one.id),
        "copies": standing.get("copies"),
        "refused": standing.get("refused", []),
        "asked": [{**each, "at": when(each["last"])} for each in asked(store, one.id)[:_ASKED]],
        "typed": _as_typed(one) if one.state == "joined" else None,
    }


def _page(
    request: Request,
    typed: Mapping[str, Any] | None = None,
    *,
    invited: Mapping[str, Any] | None = None,
    invitation: str = "",
    hub: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    site = site_of(request)
    found = sharing.sharings(site.store)
    offered = sharing.offers(site.broker, site.node.rights, [one.shares for one in found])
    answer = render(
        request,
        "sharing.html",
        status,
        title=_("What this node shares"),
        hubs=[_facts(site, one) for one in found],
        offered=offered,
        invited=invited,
        inviter=words(invited["hub"]["name"]) if invited else "",
        invited_until=when(invited["expires"]) if invited else "",
        invitation=invitation,
        typed=typed or _first_choice(offered),
        typed_hub=hub,
        classes={kind: _(word) for kind, word in CLASSES.items()},
        error=error,
        token=gate.token(request),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
