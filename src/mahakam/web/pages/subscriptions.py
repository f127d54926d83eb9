"""Who is told of which changes, and the notifications that could not be delivered: seen, and sent again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.broker.clock import now
from mahakam.broker.endpoint import shown_uri
from mahakam.broker.subscriptions import Subscriptions
from mahakam.ngsild.subscription import Subscription
from mahakam.store.model import Owed
from mahakam.web import gate
from mahakam.web.language import _, n_
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes

PAGE, DEAD = "/subscriptions", "/subscriptions/dead"
SEE, REPLAY = "notification.read", "notification.replay"
_MANY = 1000


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes(DEAD, show_dead, dead_table),
        Route(DEAD + "/replay", replay, methods=["POST"]),
        *table_routes(PAGE, show, subscriptions_table),
    ]


def show(request: Request) -> Response:
    gate.require(request, SEE)
    count = _subscriptions(request).store.count_dead()
    return _render(
        request, "subscriptions.html", _("Subscriptions"), subscriptions_table(request), count=count
    )


def show_dead(request: Request) -> Response:
    gate.require(request, SEE)
    table = dead_table(request)
    count = _subscriptions(request).store.count_dead(_only(request))
    more = {"count": count, "only": _only(request), "may_replay": gate.may(request, REPLAY)}
    return _render(request, "subscriptions-dead.html", _("Undelivered notifications"), table, **more)


def subscriptions_table(request: Request) -> Table:
    """Every subscription of the default tenant, with its counters."""
    gate.require(request, SEE)
    known = _subscriptions(request)
    statuses = known.statuses()
    states = {"active": _("active"), "paused": _("paused"), "expired": _("expired")}
    at = now()

    def counter(name: str) -> Any:
        return lambda one: statuses.get(one.id, {}).get(name)

    def dead(one: Subscription) -> int:
        return known.store.count_dead(one.id)

    columns = [
        Column("id", _("Subscription"), get=lambda one: one.members.get("subscriptionName") or one.id),
        Column("endpoint", _("Receiver"), get=lambda one: shown_uri(one.endpoint.uri)),
        Column("status", _("State"), get=lambda one: states[one.status(at)]),
        Column("sent", _("Sent"), "number", get=counter("timesSent")),
        Column("failed", _("Failed"), "number", get=counter("timesFailed")),
        Column("dead", _("Undelivered"), "number", get=dead, link=lambda one: f"{DEAD}?only={one.id}"),
        Column("last", _("Last success"), "time", get=counter("lastSuccess")),
        Column("error", _("Last error"), get=counter("lastError")),
    ]
    return Table(
        request, _("Subscriptions"), columns, known.all(), PAGE, nothing=_("There is no subscription.")
    )


def dead_table(request: Request) -> Table:
    """Notifications that were given up on, the oldest first; what they say stays in the store."""
    gate.require(request, SEE)
    token = gate.token(request)

    def button(one: Owed) -> Markup:
        return Markup(
            '<form method="post" action="{}/replay"><input type="hidden" name="form" value="{}">'
            '<button class="btn quiet slim" name="number" value="{}">{}</button></form>'
        ).format(DEAD, token, one.number, _("Send again"))

    columns = [
        Column("number", _("Number"), "number", get=lambda one: one.number, sortable=False),
        Column("made", _("Made"), "time", get=lambda one: _iso(one.made), sortable=False),
        Column("subscription", _("Subscription"), get=lambda one: one.subscription, sortable=False),
        Column("entity", _("Entity"), get=lambda one: one.entity, sortable=False),
        Column("tries", _("Tries"), "number", get=lambda one: one.tries, sortable=False),
        Column("error", _("Why"), get=lambda one: one.error, sortable=False),
    ]
    if gate.may(request, REPLAY):
        columns.append(Column("again", _("Send again"), get=lambda _one: None, html=button, sortable=False))
    source = DeadLetters(_subscriptions(request), _only(request))
    nothing = _("Every notification was delivered, or is on its way.")
    return Table(request, _("Undelivered notifications"), columns, source, DEAD, nothing=nothing)


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters of one subscription, or of all, as a table's rows."""

    known: Subscriptions
    only: str = ""

    def count(self) -> int:
        return self.known.store.count_dead(self.only)

    def window(self, limit: int, offset: int) -> Sequence[Owed]:
        return self.known.dead_letters(self.only, limit, offset)

    def scan(self) -> Iterator[Owed]:
        offset = 0
        while found := self.known.dead_letters(self.only, _MANY, offset):
            yield from found
            offset += len(found)


async def replay(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_replay, request, form)


def _replay(request: Request, form: FormData) -> Response:
    """Send one dead letter again, or all of a subscription (or of all)."""
    gate.require(request, REPLAY)
    gate.require_ours(request, form)
    known, only, number = _subscriptions(request), gate.text(form, "only"), gate.text(form, "number")
    if number.isdecimal() and len(number) < 19:
        count = known.replay([int(number)])
    else:
        count = known.replay([one.number for one in DeadLetters(known, only).scan()])
    back = f"{DEAD}?only={only}&" if only else f"{DEAD}?"
    return RedirectResponse(f"{back}said={count}", 303)


def _render(request: Request, template: str, title: str, table: Table, **more: Any) -> Response:
    said = request.query_params.get("said", "")
    words = ""
    if said.isdecimal() and len(said) < 10:
        words = n_("%(n)s notification is sent again.", "%(n)s notifications are sent again.", int(said))
    answer = render(
        request,
        template,
        title=title,
        section="data",
        table=table,
        token=gate.token(request),
        said=words,
        **more,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _subscriptions(request: Request) -> Subscriptions:
    found: Subscriptions = site_of(request).node.broker.subscriptions
    return found


def _only(request: Request) -> str:
    return request.query_params.get("only", "")[:2048]


def _iso(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
