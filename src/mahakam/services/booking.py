"""Appointments of requests: which slots are free, and the one that a request has; none takes more than its capacity."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, replace
from typing import Any

from mahakam.services.calendar import Calendar
from mahakam.services.request import Fault, Refused, Request, utc_text
from mahakam.services.slots import Appointments, offered
from mahakam.store.protocol import EntityStore, Transaction

KIND, CANCELLED = "request-appointment", "request-appointment-cancelled"
_SLOTS = "appointment-slots"


@dataclass(frozen=True, slots=True)
class Booked:
    """``start`` and ``end`` are ISO 8601 UTC; ``changes`` counts how often it was moved; ``reminded``: nobody is to
    be reminded of it any more, which a move undoes."""

    start: str
    end: str
    changes: int = 0
    reminded: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An appointment that was given back: ``step`` is the place of the step that did it in the request's course."""

    start: str
    end: str
    changes: int
    step: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that may be booked: when it begins, in the city's time, and for how many people more."""

    start: dt.datetime
    free: int


def appointment_of(store: EntityStore | Transaction, number: str) -> Booked | None:
    """The appointment of a request; None if it has none."""
    kept = store.record(KIND, number)
    return Booked(**kept) if kept else None


def cancelled_of(store: EntityStore | Transaction, number: str) -> Cancelled | None:
    """The appointment of a request that was cancelled, if none was booked since."""
    kept = store.record(CANCELLED, number)
    return Cancelled(**kept) if kept else None


def free_slots(
    store: EntityStore, request: Request, appointments: Appointments, calendar: Calendar, now: dt.datetime
) -> list[Slot]:
    """The slots that may be booked now and have room, the soonest first."""
    taken = store.records(_kind(request))
    found = []
    for start in offered(appointments, calendar, now):
        free = appointments.capacity - len(taken.get(utc_text(start), {}).get("taken", ()))
        if free > 0:
            found.append(Slot(start, free))
    return found


def book(
    transaction: Transaction,
    request: Request,
    appointments: Appointments,
    calendar: Calendar,
    start: str,
    now: dt.datetime,
) -> None:
    """Give a request the slot that begins then (ISO 8601 UTC); the one that it had is free again.

    Counting and taking are one transaction, so that two at once never get the last place. Raises Refused for what
    is no slot (any more) or is full.
    """
    at = {utc_text(one): one for one in offered(appointments, calendar, now)}.get(start)
    if at is None:
        raise Refused([Fault("slot", "gone", {})])
    before = appointment_of(transaction, request.number)
    if before is not None and before.start == start:
        raise Refused([Fault("slot", "same", {})])
    kind = _kind(request)
    taken = list((transaction.record(kind, start) or {}).get("taken", ()))
    if len(taken) >= appointments.capacity:
        raise Refused([Fault("slot", "full", {})])
    if before is not None:
        _give_back(transaction, request, before)
    _forget_old(transaction, kind, now)
    transaction.save_record(kind, start, {"taken": [*taken, request.number]})
    end = utc_text(at + dt.timedelta(minutes=appointments.minutes))
    # A calendar takes a change only if its number is higher, also of one that was cancelled in between.
    last = before or cancelled_of(transaction, request.number)
    changes = last.changes + 1 if last else 0
    transaction.save_record(CANCELLED, request.number, None)
    # Who books later than the reminder would come has just read when it is.
    reminded = at - dt.timedelta(hours=appointments.remind) <= now
    booked = Booked(start, end, changes, reminded)
    transaction.save_record(KIND, request.number, asdict(booked))


def to_remind(
    store: EntityStore, place: str, service: str, appointments: Appointments, now: dt.datetime
) -> list[str]:
    """The numbers of the requests whose appointment begins within the time of a reminder, but has not begun."""
    until = utc_text(now + dt.timedelta(hours=appointments.remind))
    slots = numbers_at(store, place, service) if appointments.remind else {}
    return [
        number
        for start, numbers in sorted(slots.items())
        if utc_text(now) < start <= until
        for number in numbers
    ]


def set_reminded(transaction: Transaction, number: str, seen: Booked) -> bool:
    """Nobody else reminds of this appointment; False if that was done, or it is another one now, or none."""
    if seen.reminded or appointment_of(transaction, number) != seen:
        return False
    transaction.save_record(KIND, number, asdict(replace(seen, reminded=True)))
    return True


def release(transaction: Transaction, request: Request, now: dt.datetime) -> None:
    """Give back the slot of a request that was settled before it began; one that is over stays with it."""
    booked = appointment_of(transaction, request.number)
    if booked is not None and booked.start > utc_text(now):
        _give_back(transaction, request, booked)
        transaction.save_record(KIND, request.number, None)
        gone = Cancelled(booked.start, booked.end, booked.changes + 1, len(request.steps))
        transaction.save_record(CANCELLED, request.number, asdict(gone))


def _give_back(transaction: Transaction, request: Request, booked: Booked) -> None:
    kind = _kind(request)
    kept: dict[str, Any] = transaction.record(kind, booked.start) or {}
    left = [number for number in kept.get("taken", ()) if number != request.number]
    transaction.save_record(kind, booked.start, {"taken": left} if left else None)


def numbers_at(store: EntityStore, place: str, service: str) -> dict[str, list[str]]:
    """The slots of a service in a place that were booked, since yesterday: start (ISO 8601 UTC) → numbers."""
    return {start: list(kept["taken"]) for start, kept in store.records(_slots(place, service)).items()}


def _forget_old(transaction: Transaction, kind: str, now: dt.datetime) -> None:
    """Nobody counts the places of a slot that is over: each request keeps its own."""
    before = utc_text(now - dt.timedelta(days=2))
    for start in transaction.records(kind):
        if start < before:
            transaction.save_record(kind, start, None)


def _kind(request: Request) -> str:
    return _slots(request.place, request.service)


def _slots(place: str, service: str) -> str:
    return f"{_SLOTS} {place} {service}"
