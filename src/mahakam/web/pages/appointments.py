"""Appointments and payments of a request through the pages, and the appointments of a day for the officers."""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mahakam.config import Place
from mahakam.services.appointment_acts import book_slot, calendar_file
from mahakam.services.booking import appointment_of, cancelled_of, numbers_at
from mahakam.services.catalogue import catalogue
from mahakam.services.needs import service_of
from mahakam.services.payments import record
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.workflow import RESIDENT
from mahakam.web import gate
from mahakam.web.language import _, in_timezone, words
from mahakam.web.pages.mine import by_resident, mine
from mahakam.web.pages.queue_one import acted
from mahakam.web.render import render
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import service_name, state_words
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes
from mahakam.web.workbench import asked, hands


def routes(_site: Site) -> list[BaseRoute]:
    return [
        Route("/requests/{number}/appointment", gate.posted(_book), methods=["POST"]),
        Route("/requests/{number}/appointment.ics", as_calendar, methods=["GET"]),
        *table_routes("/queue/appointments", show_day, day_table),
        Route("/queue/{number}/appointment", gate.posted(_book_for), methods=["POST"]),
        Route("/queue/{number}/payments", gate.posted(_pay), methods=["POST"]),
    ]


def as_calendar(request: Request) -> Response:
    """The appointment for the resident's own calendar; one that was cancelled is taken out of it."""
    found, _place, key = mine(request, request.query_params.get("key", ""))
    site = site_of(request)
    booked = appointment_of(site.store, found.number) or cancelled_of(site.store, found.number)
    if booked is None:
        raise HTTPException(404, _("There is no appointment."))
    service = service_of(site.places, found)
    where = words(service.office.address) if service and service.office else ""
    link = f"{site.settings.base}/requests/{found.number}?key={quote(key)}"
    headers = {
        "Content-Disposition": f'attachment; filename="{found.number}.ics"',
        "Cache-Control": "no-store",
    }
    made = calendar_file(found, booked, service_name(site, found), where, link)
    return Response(made, media_type="text/calendar; charset=utf-8", headers=headers)


def show_day(request: Request) -> Response:
    """``/queue/appointments?city=samarinda&day=2026-11-27``: who comes when."""
    wanted = asked(request)
    table = day_table(request)
    made = render(
        request,
        "queue-appointments.html",
        title=_("Appointments"),
        place=wanted.place,
        section="services",
        asked=wanted,
        day=_day(request, wanted.place),
        table=table,
    )
    made.headers["Cache-Control"] = "no-store"
    return made


def day_table(request: Request) -> Table:
    """The appointments of a day in the places of the officer, in their order."""
    site, wanted = site_of(request), asked(request)
    places = [wanted.place] if wanted.place else list(wanted.cities)
    if wanted.place:
        in_timezone(wanted.place.timezone)
    rows = sorted(
        (row for place in places for row in _of_day(site, place, _day(request, place))),
        key=lambda row: (row[0], row[1].number),
    )
    return Table(
        request,
        _("Appointments"),
        [
            Column("start", _("Time"), "time", get=lambda row: row[0]),
            Column(
                "number",
                _("Number"),
                get=lambda row: row[1].number,
                html=lambda row: Markup('<a href="/queue/{0}">{0}</a>').format(row[1].number),
            ),
            Column("service", _("About"), get=lambda row: service_name(site, row[1])),
            Column("city", get=lambda row: row[1].place, hidden=True),
            Column("status_name", _("Status"), get=lambda row: state_words(site.places, row[1])),
        ],
        rows,
        "/queue/appointments",
        sort="start",
        nothing=_("Nobody has an appointment on this day."),
    )


def _of_day(site: Site, place: Place, day: str) -> list[tuple[str, ServiceRequest]]:
    zone, desk = ZoneInfo(place.timezone), desk_of(site)
    found = []
    for code, service in catalogue(place, site.places).items():
        if service.appointments is None:
            continue
        for start, numbers in numbers_at(site.store, place.id, code).items():
            if dt.datetime.fromisoformat(start).astimezone(zone).date().isoformat() == day:
                known = (desk.request(number) for number in numbers)
                found += [(start, one) for one in known if one is not None]
    return found


def _day(request: Request, place: Place | None) -> str:
    """The day that was asked for, today in its place if none was."""
    try:
        return dt.date.fromisoformat(request.query_params.get("day", "")).isoformat()
    except ValueError:
        zone = ZoneInfo(place.timezone) if place else dt.UTC
        return dt.datetime.now(zone).date().isoformat()


def _book(request: Request, form: FormData) -> Response:
    def work(found: ServiceRequest, seen: int) -> None:
        slot, site = gate.text(form, "slot")[:40], site_of(request)
        book_slot(desk_of(site), site.places, (found, seen), slot, "resident", RESIDENT)

    said = (
        _("The page had lain open for a long time. Please choose the time once more."),
        _("Something changed meanwhile: look at the appointment, then choose once more."),
    )
    return by_resident(request, form, work, said, field="slot", anchor="appointment")


def _book_for(request: Request, form: FormData) -> Response:
    def work(found: ServiceRequest, place: Place, seen: int, author: str) -> None:
        slot, site = gate.text(form, "slot")[:40], site_of(request)
        book_slot(desk_of(site), site.places, (found, seen), slot, author, hands(request, place))

    return acted(request, form, "appointment", {}, work)


def _pay(request: Request, form: FormData) -> Response:
    typed = {name: gate.text(form, name)[:200] for name in ("amount", "reference", "date")}

    def work(found: ServiceRequest, _place: Place, seen: int, author: str) -> None:
        site = site_of(request)
        record(desk_of(site), site.places, (found, seen), typed, author)

    return acted(request, form, "payments", typed, work)
