"""The appointment of a request as its pages show it: when it is, and the times that can be chosen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from dataclasses import dataclass
from itertools import groupby

from mahakam.services.booking import Booked, Cancelled, Slot, appointment_of, cancelled_of, free_slots
from mahakam.services.clock import promise_of
from mahakam.services.moves import bookings, workflow_of
from mahakam.services.needs import service_of
from mahakam.services.request import Request, utc_text
from mahakam.services.workflow import Who
from mahakam.web.language import date, words
from mahakam.web.site import Site


@dataclass(frozen=True, slots=True)
class AppointmentShown:
    """``days``: the words of a day → its slots, value and words of each; empty where nothing can be booked now."""

    booked: Booked | None
    cancelled: Cancelled | None
    may_book: bool
    days: list[tuple[str, list[tuple[str, str]]]]
    where: str


def appointment_shown(site: Site, found: Request, who: Set[Who]) -> AppointmentShown | None:
    """None where the service has no appointments."""
    service, place = service_of(site.places, found), site.places.get(found.place)
    if service is None or place is None or service.appointments is None:
        return None
    may_book = bool(bookings(workflow_of(site.places, found), found, who))
    slots = list[Slot]()
    if may_book:
        calendar = promise_of(place, site.places).calendar
        slots = free_slots(site.store, found, service.appointments, calendar, dt.datetime.now(dt.UTC))
    return AppointmentShown(
        appointment_of(site.store, found.number),
        cancelled_of(site.store, found.number),
        may_book,
        [
            (
                date(day.isoformat(), "EEEE, d MMMM"),
                [(utc_text(one.start), f"{one.start:%H:%M}") for one in of_day],
            )
            for day, of_day in groupby(slots, lambda one: one.start.date())
        ],
        words(service.office.address) if service.office else "",
    )
