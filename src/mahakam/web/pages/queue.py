"""The officers' queue: what waits for an answer, as a list and on the map, by filters that can be kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import scope_of
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import LISTED, revision_of
from mahakam.services.numbers import normal_number
from mahakam.services.queue import Queue, Waiting
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.request import utc_text
from mahakam.services.states import OPEN
from mahakam.store.protocol import Transaction
from mahakam.web import gate
from mahakam.web.language import _, in_timezone, moment, words
from mahakam.web.pages.requests import drawing
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import STATE_NAMES, columns, due_words, waits
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes
from mahakam.web.workbench import Asked, QueueRows, asked, teams_of

KEPT = "queue-filters"
_MOST_FILTERS, _LONGEST_NAME = 30, 60
_PER_PAGE = 50
_SNIPPET = 100
"""Letters of a report's words that the list shows."""


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/queue", show, queue_table),
        Route("/queue/count", count, methods=["GET"]),
        Route("/queue/filters", keep_filter, methods=["POST"]),
    ]


def show(request: Request) -> Response:
    """The queue; a number typed into its search leads straight to the request."""
    wanted = asked(request)
    site, place = site_of(request), wanted.place
    number = request.query_params.get("number", "").strip()[:40]
    if number and (known := _workable(request, number)):
        return RedirectResponse(f"/queue/{known}{wanted.query}", 303)
    if place:
        in_timezone(place.timezone)
    table = queue_table(request)
    made = render(
        request,
        "queue.html",
        title=_("Queue of %(city)s", city=words(place.name)) if place else _("Queue"),
        place=place,
        section="services",
        table=table,
        asked=wanted,
        services=list(catalogue(place, site.places).values()) if place else [],
        teams=teams_of(site, place) if place else [],
        states=STATE_NAMES,
        typed_number=number,
        bulk_states=[state for state in STATE_NAMES if state not in ("received", "closed", "reopened")],
        counts=_counts(site, wanted),
        filters=_filters(site, gate.require(request, "request.work").name),
        drawing=drawing(place, list(table.rows), "/queue/") if place else "",
        token=gate.token(request),
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def queue_table(request: Request) -> Table:
    wanted = asked(request)
    site = site_of(request)
    waiting = Column("waiting_days", _("Waiting"), "number", get=lambda r: waiting_days(r), html=_waiting)
    due = Column("due", _("Due"), "time", get=lambda r: r.due if r.open else None, html=due_words)
    left_out = {"updated", "requested"} | ({"place"} if wanted.place else set())
    shown = [
        replace(
            column,
            hidden=column.hidden or column.name in left_out,
            html=_with_words(column) if column.name == "service_name" else column.html,
        )
        for column in columns(site, "/queue/")
    ]
    team = Column("team", get=lambda r: r.routed[0] if r.routed else "", hidden=True)
    picks = [] if request.url.path.endswith((".csv", ".json")) else [_pick()]
    return Table(
        request,
        _("Queue"),
        [shown[0], *picks, *shown[1:3], due, waiting, *shown[3:], team],
        QueueRows(site, desk_of(site), wanted),
        "/queue",
        per_page=_PER_PAGE,
        nothing=_("Nothing waits here. Well done."),
    )


def count(request: Request) -> Response:
    """How many requests the filters show now: for a page that lies open."""
    wanted = asked(request)
    site = site_of(request)
    found = {
        "count": QueueRows(site, desk_of(site), wanted).count(),
        "late": dict(_counts(site, wanted))["late"],
    }
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


async def keep_filter(request: Request) -> Response:
    form = await gate.read_form(request)
    return await run_in_threadpool(_keep_filter, request, form)


def waiting_days(request: ServiceRequest) -> int | None:
    """Whole days since the report, while somebody waits."""
    since = moment(request.requested)
    if not request.open or not isinstance(since, dt.datetime):
        return None
    return (dt.datetime.now(dt.UTC) - since).days


def _keep_filter(request: Request, form: FormData) -> Response:
    """Keep the filters of the page under a name, or forget those of a name."""
    name = gate.require(request, "request.work").name
    gate.require_ours(request, form)
    wanted, title = asked(request), gate.text(form, "name").strip()[:_LONGEST_NAME]
    forget = gate.text(form, "forget")
    query = wanted.query

    def work(transaction: Transaction) -> None:
        kept = (transaction.record(KEPT, name) or {}).get("filters", [])
        kept = [one for one in kept if one["name"] not in (title, forget)]
        if title:
            kept.append({"name": title, "query": query})
        transaction.save_record(KEPT, name, {"filters": kept[-_MOST_FILTERS:]})

    site_of(request).store.write(work)
    return RedirectResponse(f"/queue{query}", 303)


def _filters(site: Site, name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (site.store.record(KEPT, name) or {}).get("filters", [])
    return found


def _counts(site: Site, wanted: Asked) -> list[tuple[str, int]]:
    """How many are in each open state, and late, in the places shown."""
    if site.broker.hides(LISTED):
        return []
    queue = Queue(site.broker)
    now = utc_text(dt.datetime.now(dt.UTC))
    places = [wanted.place] if wanted.place else wanted.cities
    scopes = [scope_of(place, site.places) for place in places]
    found = [(str(state), sum(queue.count(Waiting(scope, state)) for scope in scopes)) for state in OPEN]
    return [*found, ("late", sum(queue.count(Waiting(scope, late_at=now)) for scope in scopes))]


def _workable(request: Request, typed: str) -> str:
    """The number of a request that the visitor may work on, "" if that is none."""
    site, number = site_of(request), normal_number(typed)
    found = desk_of(site).request(number) if number else None
    place = site.places.get(found.place) if found else None
    return found.number if found and place and gate.may(request, "request.work", place) else ""


def _with_words(column: Column) -> Callable[[ServiceRequest], Markup]:
    """What it is about, and how the resident says it."""

    def both(row: ServiceRequest) -> Markup:
        said = " ".join(row.description.split())
        said = said if len(said) <= _SNIPPET else said[:_SNIPPET].rsplit(" ", 1)[0] + " …"
        words = (
            Markup('<br><span class="small mute">{}</span>').format(said) if said != row.service_name else ""
        )
        return Markup("{}{}").format(column.value(row), words)

    return both


def _pick() -> Column:
    """Its row's box; with the revision that is seen, so that nothing is done to what has changed since."""

    def box(row: ServiceRequest) -> Markup:
        if not row.open:
            return Markup("")
        label = _("Choose %(number)s", number=row.number)
        return Markup(
            '<input type="checkbox" form="bulk" name="pick" value="{}:{}" aria-label="{}" data-pick>'
        ).format(row.number, revision_of(row), label)

    return Column("pick", _("Choose"), get=lambda _row: "", html=box, sortable=False)


def _waiting(request: ServiceRequest) -> Any:
    days = waiting_days(request)
    if days is None:
        return ""
    return waits(days) if days else _("today")
