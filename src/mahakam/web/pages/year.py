"""The steward's year: the lists of data, the release calendar, and who is late."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.feeds.alerts.watch import open_alerts
from mahakam.feeds.catalogue.entry import Entry
from mahakam.feeds.schedule import following, period_of
from mahakam.feeds.year import desk
from mahakam.feeds.year.calendar import Due, agencies
from mahakam.feeds.year.item import Item, Plan
from mahakam.feeds.year.release_file import calendar_file
from mahakam.feeds.year.taking import carried, new_ones, take
from mahakam.web import documents, gate
from mahakam.web.alerting import alert_words
from mahakam.web.documents import Section
from mahakam.web.faults import now
from mahakam.web.language import _, date, n_, number, reader, words
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes
from mahakam.web.year_desk import PATH, Year, year_asked
from mahakam.web.year_words import ACCESS, FREQUENCIES, HOLDERS, RHYTHMS, item_chip, late_words, state_chip

if TYPE_CHECKING:
    from mahakam.web.site import Site

_MONTHS = range(1, 13)


def routes(_site: Site) -> list[BaseRoute]:
    one = PATH + "/{place}/{year}"
    return [
        *table_routes(PATH, overview, overview_table),
        *table_routes(one + "/calendar", release_calendar, calendar_table),
        *table_routes(one + "/late", late, late_table),
        *table_routes(one + "/agencies", None, agencies_table),
        Route(one + "/calendar.ics", as_icalendar, methods=["GET"]),
        Route(one + "/carry", gate.posted(_carry), methods=["POST"]),
        Route(one + ".xlsx", as_xlsx, methods=["GET"]),
        Route(one + ".pdf", as_pdf, methods=["GET"]),
        *table_routes(one, listed, list_table),
    ]


# All places.


def overview(request: Request) -> Response:
    site = site_of(request)
    this = Year(request, next(iter(site.places.values())), 0).day.year if site.places else 0
    begin = [
        (place, year)
        for place in site.places.values()
        if place.kind != "network" and gate.may(request, "plan.propose", place)
        for year in (this, this + 1)
    ]
    return render(
        request,
        "year-overview.html",
        title=_("The steward's year"),
        section="data",
        table=overview_table(request),
        any=bool(desk.years(site.store)),
        begin=begin,
    )


def overview_table(request: Request) -> Table:
    site = site_of(request)
    found = [
        Year(request, site.places[place], year)
        for place, year in desk.years(site.store)
        if place in site.places
    ]
    columns = [
        Column("place", _("Place"), get=lambda y: words(y.place.name), link=lambda y: y.path),
        Column("year", _("Year"), "code", get=lambda y: str(y.year)),
        Column("listed", _("On the list"), "number", get=lambda y: _count(y.items, "listed")),
        Column("due", _("Due so far"), "number", get=lambda y: sum(one.due <= y.day for one in y.calendar)),
        Column(
            "published",
            _("Published"),
            "number",
            get=lambda y: sum(o.state == "published" for o in y.calendar),
        ),
    ]
    columns.append(
        Column(
            "icalendar",
            _("For your calendar"),
            get=lambda _: "iCalendar",
            link=lambda y: f"{y.path}/calendar.ics",
            phone=False,
        )
    )
    if any(year.inside for year in found):
        columns.append(Column("late", _("Late"), "number", get=_late))
    return Table(request, _("Lists of data"), columns, found, path=PATH, anchor="lists")


def _late(found: Year) -> int | None:
    """How many releases are late, for those who work on the list."""
    return sum(bool(one.late(found.day)) for one in found.calendar) if found.inside else None


def _count(found: list[Item], state: str) -> int:
    return sum(one.state == state for one in found)


# The list of a year.


def listed(request: Request) -> Response:
    found = year_asked(request)
    return _page(
        found,
        "list",
        _title(found),
        _("What the agencies plan to make this year, when each release comes, and how far it is."),
        list_table(request),
        token=gate.token(request),
        before=len(_left(found)) if found.may("plan.examine") else 0,
    )


def list_table(request: Request) -> Table:
    found = year_asked(request)
    nearest: dict[str, str] = {}
    for due in found.calendar:
        if due.state != "published":
            nearest.setdefault(due.item.key, due.due.isoformat())
    columns = [
        Column("number", _("Number"), "code", get=lambda one: one.key, link=found.address),
        Column("title", _("Dataset"), get=found.name, link=found.address),
        Column("producer", _("Data producer"), get=lambda one: one.plan.producer),
        Column("frequency", _("Rhythm"), get=lambda one: _(FREQUENCIES[one.plan.frequency]), phone=False),
        Column("access", _("Access"), get=lambda one: _(ACCESS[one.plan.access]), phone=False),
        Column("priority", _("Priority"), get=lambda one: _("yes") if one.plan.priority else ""),
        Column("state", _("State"), get=lambda one: one.state, html=item_chip),
        Column("next", _("Next release"), "date", get=lambda one: nearest.get(one.key, "")),
        Column("feed", get=lambda one: one.plan.feed, hidden=True),
        Column("why_priority", get=lambda one: one.plan.priority, hidden=True),
    ]
    return Table(
        request,
        _("List of data"),
        columns,
        found.items,
        path=found.path,
        anchor="list",
        per_page=100,
        nothing=_("Nothing is planned for this year yet."),
    )


def _left(found: Year) -> list[Plan]:
    """What stood on the list of the year before and is not on this one."""
    store = found.site.store
    plans = carried(desk.items(store, found.place.id, found.year - 1), found.year)
    return new_ones(plans, desk.items(store, found.place.id, found.year))


def _carry(request: Request, form: FormData) -> Response:
    """Propose what stood on the list of the year before."""
    found = year_asked(request)
    by = found.author("plan.examine")
    gate.require_ours(request, form)
    take(found.site.store, found.place.id, found.year, _left(found), by, now())
    return RedirectResponse(found.path + "#list", 303)


def as_xlsx(request: Request) -> Response:
    """The year as a workbook: list, calendar, and who is late for those who work on the list."""
    found = year_asked(request)
    return documents.xlsx(_title(found), _sections(found))


def as_pdf(request: Request) -> Response:
    """The list and its calendar on paper, as they are set by the forum of a place."""
    found = year_asked(request)
    footer = f"{found.site.settings.base}{found.path} · {date(found.day.isoformat())}"
    return documents.pdf(_title(found), words(found.place.name), _sections(found), footer)


def _title(found: Year) -> str:
    return _("List of data of %(place)s, %(year)s", place=words(found.place.name), year=found.year)


def _sections(found: Year) -> list[Section]:
    tables = [list_table(found.request), calendar_table(found.request)]
    if found.inside:
        tables += [agencies_table(found.request), late_table(found.request)]
    return [Section(table.caption, (), table) for table in tables]


# The calendar.


def release_calendar(request: Request) -> Response:
    found = year_asked(request)
    return _page(
        found,
        "calendar",
        _("Release calendar of %(place)s, %(year)s", place=words(found.place.name), year=found.year),
        _("Every release with its day; what has a rhythm comes again by itself."),
        calendar_table(request),
        flows=_flows(found),
        months=[(month, date(f"{found.year}-{month:02d}-01", "LLLL")) for month in _MONTHS],
        month=_month(request),
        this_month=found.day.month if found.day.year == found.year else 0,
    )


def as_icalendar(request: Request) -> Response:
    """The calendar for an own calendar, which looks again each day; of one ``producer`` if it is asked for."""
    found = year_asked(request)
    producer = request.query_params.get("producer", "")
    base = found.site.settings.base
    made = calendar_file(
        [
            one
            for one in found.calendar
            if one.item.state == "listed" and producer in ("", one.item.plan.producer)
        ],
        _("Release calendar of %(place)s, %(year)s", place=words(found.place.name), year=found.year),
        reader().language,
        lambda one: f"{found.name(one.item)}, {one.period}",
        lambda one: base + found.address(one.item, one.period),
    )
    name = f"releases-{found.place.id}-{found.year}.ics"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(made, media_type="text/calendar; charset=utf-8", headers=headers)


def calendar_table(request: Request) -> Table:
    found = year_asked(request)
    month = _month(request)
    return _releases(
        found,
        [one for one in found.calendar if month in (0, one.due.month)],
        f"{found.path}/calendar",
        _("Release calendar"),
        _("Nothing is due."),
    )


def _flows(found: Year) -> Table | None:
    """Feeds that bring data by a schedule of their own, with what the list of data says of them; None if none does."""
    listed = {one.plan.feed: one for one in found.items if one.plan.feed}
    rows = []
    for name in found.place.files("feeds"):
        one, known = found.known(name)
        due = following(one.feed, dt.datetime.now(dt.UTC)) if one else None
        if one and known and due:
            rows.append(_Flow(one, known.checked, due.isoformat(), listed.get(name)))
    columns = [
        Column(
            "title",
            _("Dataset"),
            get=lambda row: words(row.entry.feed.title),
            link=lambda row: row.entry.path,
        ),
        Column("owner", _("Data producer"), get=lambda row: row.entry.producer, phone=False),
        Column("rhythm", _("Rhythm"), get=lambda row: row.rhythm),
        Column("next", _("Next due"), "time", get=lambda row: row.due),
        Column("run", _("Last run"), "time", get=lambda row: row.run),
        Column(
            "number",
            _("On the list"),
            get=lambda row: row.item.key if row.item else _("no"),
            link=lambda row: found.address(row.item) if row.item else None,
        ),
    ]
    if not rows:
        return None
    return Table(
        found.request, _("What comes by itself"), columns, rows, anchor="flows", key="f-", downloadable=False
    )


@dataclass(frozen=True)
class _Flow:
    entry: Entry
    run: str
    due: str
    item: Item | None

    @property
    def rhythm(self) -> str:
        frequency = period_of(self.entry.feed)
        return _(RHYTHMS[frequency]) if frequency in RHYTHMS else self.entry.feed.schedule


def _month(request: Request) -> int:
    asked = request.query_params.get("month", "")
    return int(asked) if asked.isdecimal() and len(asked) <= 2 and int(asked) in _MONTHS else 0


def _releases(found: Year, rows: list[Due], path: str, title: str, nothing: str) -> Table:
    columns = [
        Column("due", _("Due"), "date", get=lambda one: one.due.isoformat()),
        Column(
            "title",
            _("Dataset"),
            get=lambda o: found.name(o.item),
            link=lambda o: found.address(o.item, o.period),
        ),
        Column("period", _("Release"), "code", get=lambda one: one.period),
        Column("producer", _("Data producer"), get=lambda one: one.item.plan.producer),
        Column("state", _("State"), get=found.state, html=lambda one: state_chip(found.state(one))),
        Column("number", get=lambda one: one.item.key, hidden=True),
        Column("priority", get=lambda one: one.item.plan.priority, hidden=True),
    ]
    if found.inside:
        columns += [
            Column(
                "with",
                _("Lies with"),
                get=lambda one: _(HOLDERS[one.holder]) if one.holder else "",
                phone=False,
            ),
            Column("late", _("Days late"), "number", get=lambda one: one.late(found.day) or None),
            Column("until", get=lambda one: one.until.isoformat(), hidden=True),
        ]
    return Table(
        found.request,
        title,
        columns,
        rows,
        path=path,
        anchor="releases",
        per_page=100,
        nothing=nothing,
    )


# Who is late.


def late(request: Request) -> Response:
    found = _for_people_of_the_list(request)
    feeds = [
        (alert_words(one, found.place), f"/quality/{one.place}/{one.feed}", one.since)
        for one in open_alerts(found.site.store, found.place.id)
        if one.kind == "late"
    ]
    return _page(
        found,
        "late",
        _("Who is late in %(place)s, %(year)s", place=words(found.place.name), year=found.year),
        _("What lies with somebody past their day, the latest first."),
        late_table(request),
        agencies=agencies_table(request),
        feeds=feeds,
    )


def late_table(request: Request) -> Table:
    found = _for_people_of_the_list(request)
    rows = sorted(
        (one for one in found.calendar if one.late(found.day)), key=lambda one: -one.late(found.day)
    )
    return _releases(found, rows, f"{found.path}/late", _("Late releases"), _("Nothing is late."))


def agencies_table(request: Request) -> Table:
    found = _for_people_of_the_list(request)
    columns = [
        Column("name", _("Data producer"), get=lambda one: one.name),
        Column("planned", _("Datasets"), "number", get=lambda one: one.planned),
        Column("due", _("Due so far"), "number", get=lambda one: one.due),
        Column("punctual", _("On time"), "number", get=lambda one: one.punctual),
        Column("published", _("Published"), "number", get=lambda one: one.published),
        Column("late", _("Late now"), "number", get=lambda one: one.late),
        Column("days", _("Days late in all"), "number", get=lambda one: one.days),
    ]
    return Table(
        request,
        _("How each agency keeps the calendar"),
        columns,
        agencies(found.calendar, found.day),
        path=f"{found.path}/agencies",
        anchor="agencies",
        key="a-",
        nothing=_("Nothing is planned for this year yet."),
    )


def _for_people_of_the_list(request: Request) -> Year:
    """Who is late is for those who work on the list. Raises HTTPException as the gate does."""
    found = year_asked(request)
    if not found.inside:
        gate.require(request, "plan.propose", found.place)
        raise HTTPException(403)
    return found


def _page(found: Year, tab: str, title: str, lede: str, table: Table, **more: Any) -> Response:
    dues = found.calendar
    come = [one for one in dues if one.due <= found.day]
    totals = [
        (number(_count(found.items, "listed")), n_("dataset", "datasets", _count(found.items, "listed"))),
        (
            number(sum(bool(one.plan.priority) for one in found.items if one.state == "listed")),
            _("priority data"),
        ),
        (f"{number(len(come))} / {number(len(dues))}", _("releases due so far")),
        (number(sum(one.state == "published" for one in dues)), _("published")),
    ]
    answer = render(
        found.request,
        "year.html",
        place=found.place,
        section="data",
        title=title,
        lede=lede,
        tab=tab,
        desk=found,
        table=table,
        totals=totals,
        waiting=_waiting(found),
        may_propose=found.may("plan.propose"),
        crumbs=found.crumbs(),
        **more,
    )
    if found.inside:
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _waiting(found: Year) -> list[tuple[str, str, str]]:
    """What waits for the visitor: what it is, where, and how late."""
    steward, supervisor, producer = (found.may(a) for a in ("plan.examine", "plan.supervise", "plan.propose"))
    waiting = []
    if steward:
        waiting += [(_("%(name)s: put it on the list, or not", name=found.name(one)), found.address(one), "")
                    for one in found.items if one.state == "proposed"]  # fmt: skip
    what = {
        "submitted": (steward, _("examine")),
        "referred": (steward, _("see the Pembina's findings")),
        "approved": (steward, _("publish")),
        "supervision": (supervisor, _("examine as Pembina Data")),
        "returned": (producer and not steward, _("mend and submit again")),
    }
    for one in found.calendar:
        mine, words_ = what.get(one.state, (False, ""))
        if mine:
            text = f"{found.name(one.item)}, {one.period}: {words_}"
            waiting.append((text, found.address(one.item, one.period), late_words(one.late(found.day))))
    return waiting
