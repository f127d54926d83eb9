"""Booking and moving an appointment, as the workflow of the service allows it; its iCalendar file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Set

from mahakam.config import Place
from mahakam.services.booking import Booked, Cancelled, book
from mahakam.services.clock import promise_of
from mahakam.services.desk import Desk
from mahakam.services.moves import bookings
from mahakam.services.needs import service_of
from mahakam.services.request import Fault, Refused, Request, Step
from mahakam.services.workflow import RESIDENT, Who
from mahakam.store.protocol import Transaction

MOST_MOVES = 20
"""Times that a resident may move an appointment; an officer may always."""


def book_slot(
    desk: Desk,
    places: Mapping[str, Place],
    seen: tuple[Request, int],
    start: str,
    author: str,
    who: Set[Who],
    now: dt.datetime | None = None,
) -> Request:
    """Book the slot that begins then (ISO 8601 UTC) for a request as it was ``seen``, or move its appointment there.

    Raises Refused if there is no such slot, it is full, or nothing can be booked now; Changed if somebody was faster.
    """
    request, revision = seen
    at = now or dt.datetime.now(dt.UTC)
    service = service_of(places, request)
    appointments = service.appointments if service else None
    if appointments is None:
        raise Refused([Fault("slot", "none", {})])
    calendar = promise_of(places[request.place], places).calendar

    def decide(before: Request, _words: str) -> Step:
        offered = bookings(desk.workflow(before), before, who)
        if not offered:
            raise Refused([Fault("slot", "none", {})])
        if (
            who == RESIDENT
            and sum(step.workflow_state == before.workflow_state for step in before.steps) > MOST_MOVES
        ):
            raise Refused([Fault("slot", "often", {})])
        agency = "" if who == RESIDENT else before.agency
        return desk.take(before, offered[0], agency, "")

    def also(transaction: Transaction) -> None:
        book(transaction, request, appointments, calendar, start, at)

    return desk.advance(request.number, revision, "", decide, author, also=also)


def calendar_file(request: Request, booked: Booked | Cancelled, title: str, where: str, page: str) -> bytes:
    """The appointment as iCalendar (RFC 5545): one event that a calendar replaces when it was moved, and takes out when
    it was cancelled (RFC 5546, 3.2.5)."""
    from icalendar import Calendar, Event

    event = Event()
    event.add("uid", f"{request.number}@mahakam")
    event.add("dtstamp", dt.datetime.fromisoformat(request.updated))
    event.add("dtstart", dt.datetime.fromisoformat(booked.start))
    event.add("dtend", dt.datetime.fromisoformat(booked.end))
    event.add("sequence", booked.changes)
    event.add("summary", f"{title} ({request.number})")
    event.add("status", "CANCELLED" if isinstance(booked, Cancelled) else "CONFIRMED")
    if where:
        event.add("location", where)
    if page:
        event.add("url", page)
    made = Calendar()
    made.add("prodid", "-//Mahakam//Appointments//EN")
    made.add("version", "2.0")
    made.add("method", method_of(booked))
    made.add_component(event)
    content: bytes = made.to_ical()
    return content


def method_of(booked: Booked | Cancelled) -> str:
    """What a calendar is to do with it (RFC 5546)."""
    return "CANCEL" if isinstance(booked, Cancelled) else "PUBLISH"
