"""The node for its administrator: what waits, which feeds need a hand, what was slow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

import mahakam
from mahakam.config import ConfigError
from mahakam.feeds.known import feed_of, public
from mahakam.operations.metered import SlowRequest, slow
from mahakam.operations.probes import WATCH
from mahakam.operations.state import FeedState, Queue, feeds_of, queues_of, state_of
from mahakam.web import gate
from mahakam.web.language import N_, _, words
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes

PAGE, QUEUES, SLOW = "/node", "/node/queues", "/node/slow"
QUEUE_NAMES = {
    "notifications": N_("Notifications to applications"),
    "mail": N_("Mail"),
    "push": N_("Messages to browsers"),
}
_DEAD_PAGES = {"notifications": "/subscriptions/dead"}
STATES = {
    "": N_("never run"), "running": N_("running now"), "clean": N_("clean"), "held": N_("some rows held"),
    "unchanged": N_("nothing new"), "failed": N_("failed"), "interrupted": N_("interrupted"),
}  # fmt: skip


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes(QUEUES, show, queues_table),
        *table_routes(SLOW, show, slow_table),
        *table_routes(PAGE, show, feeds_table),
    ]


def show(request: Request) -> Response:
    _require(request)
    state = state_of(site_of(request).node)
    needing = sum(one.failing or one.overdue > 0 for one in state.feeds)
    answer = render(
        request,
        "node.html",
        title=_("This node"),
        section="data",
        state=state,
        version=mahakam.__version__,
        megabytes=round(state.bytes / 1e6, 1),
        needing=needing,
        queues=_queues(request, state.queues),
        feeds=_feeds(request, state.feeds),
        slow=slow_table(request),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _require(request: Request) -> None:
    """Raises HTTPException as ``gate.require``; it is about all places, so a role in one is not enough."""
    gate.require(request, WATCH)
    if not gate.may_everywhere(request, WATCH):
        raise gate.turned_away(request)


def feeds_table(request: Request) -> Table:
    """Every feed, those that need a hand first."""
    _require(request)
    return _feeds(request, feeds_of(site_of(request).node, dt.datetime.now(dt.UTC)))


def queues_table(request: Request) -> Table:
    """What waits to be sent, and what was given up."""
    _require(request)
    return _queues(request, queues_of(site_of(request).node))


def slow_table(request: Request) -> Table:
    """The last slow requests of the process that answers, the newest first."""
    _require(request)
    columns = [
        Column("at", _("When"), "time", get=_at),
        Column("path", _("Address"), "code", get=lambda one: f"{one.method} {one.path}"),
        Column("seconds", _("Seconds"), "number", decimals=1),
        Column("status", _("Answer"), "number"),
        Column("id", _("Request"), "code", phone=False),
    ]
    rows = list(reversed(slow))
    nothing = _("No request took half a second or more.")
    return Table(
        request, _("Slow requests"), columns, rows, SLOW, nothing=nothing, key="slow-", anchor="slow-table"
    )


def _queues(request: Request, queues: Mapping[str, Queue]) -> Table:
    columns = [
        Column("queue", _("What"), get=lambda row: _(QUEUE_NAMES[row[0]])),
        Column("waiting", _("On its way"), "number", get=lambda row: row[1].waiting),
        Column("dead", _("Given up"), "number", get=lambda row: row[1].dead,
               link=lambda row: _DEAD_PAGES.get(row[0]) if row[1].dead else None),
    ]  # fmt: skip
    return Table(
        request, _("Queues"), columns, list(queues.items()), QUEUES, key="queue-", anchor="queue-table"
    )


def _feeds(request: Request, feeds: list[FeedState] | tuple[FeedState, ...]) -> Table:
    site = site_of(request)

    def title(one: FeedState) -> str:
        try:
            return words(feed_of(site.places[one.place], one.feed).title)
        except ConfigError:
            return one.feed

    def problem(one: FeedState) -> str:
        return public(site.places[one.place], one.problem, site.settings.data)

    columns = [
        Column("place", _("Place"), get=lambda one: words(site.places[one.place].name)),
        Column("feed", _("Dataset"), get=title, link=lambda one: f"/catalogue/{one.place}/{one.feed}"),
        Column("state", _("Last run"), get=lambda one: _(STATES[one.state]), html=_chip),
        Column("ended", _("When"), "time", get=lambda one: one.ended or None),
        Column("held", _("Held rows"), "number", link=partial(_held, request)),
        Column("overdue", _("Hours overdue"), "number", get=lambda one: round(one.overdue / 3600) or None),
        Column("problem", _("Why"), get=problem),
    ]
    rows = sorted(feeds, key=lambda one: (not one.failing, one.overdue <= 0, not one.held, one.name))
    nothing = _("No place has a feed.")
    return Table(request, _("Feeds"), columns, rows, PAGE, nothing=nothing)


def _chip(one: FeedState) -> Markup:
    kind = "bad" if one.failing else "warn" if one.overdue or one.held else "ok"
    return Markup('<span class="chip {}">{}</span>').format(kind, _(STATES[one.state]))


def _held(request: Request, one: FeedState) -> str | None:
    may = one.held and gate.may(request, "quarantine.read")
    return f"/quarantine/{one.place}/{one.feed}" if may else None


def _at(one: SlowRequest) -> str:
    return dt.datetime.fromtimestamp(one.at, dt.UTC).isoformat(timespec="seconds")
