"""An appointment in mails to the resident: when and where it is, its iCalendar file, and the reminder before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from urllib.parse import quote
from zoneinfo import ZoneInfo

from mahakam.config import Place
from mahakam.services import followers, outbox
from mahakam.services.appointment_acts import calendar_file, method_of
from mahakam.services.booking import Booked, Cancelled, appointment_of, cancelled_of
from mahakam.services.catalogue import Service, full_standard
from mahakam.services.followers import Follower
from mahakam.services.moves import state_of, workflow_of
from mahakam.services.needs import service_of
from mahakam.services.outbox import Attachment, Letter
from mahakam.services.owner import key_of
from mahakam.services.request import Request, Step
from mahakam.store.protocol import EntityStore, Transaction
from mahakam.web.language import _, date, reader, reading, words


def span(booked: Booked | Cancelled) -> str:
    """Monday, 30 November 2026, 09:00–09:30 (WITA): in the reader's language and the time zone of the place."""
    zone = ZoneInfo(reader().timezone)
    start, end = (dt.datetime.fromisoformat(one).astimezone(zone) for one in (booked.start, booked.end))
    name = start.tzname() or ""
    name = f"UTC{name}" if name[:1] in "+-" else name
    return f"{date(start, 'EEEE')}, {date(start)}, {start:%H:%M}–{end:%H:%M} ({name})"


class AppointmentLetters:
    """``base`` is the address of the node's pages, without a slash at the end."""

    def __init__(self, store: EntityStore, places: Mapping[str, Place], base: str) -> None:
        self._store = store
        self._places = places
        self._base = base

    def booked_by(self, transaction: Transaction, request: Request, steps: Sequence[Step]) -> Booked | None:
        """The appointment that these steps booked or moved, if it still stands."""
        workflow = workflow_of(self._places, request)
        booked = {way.target for way in workflow.transitions if "book" in way.does}
        if not any(state_of(workflow, step).code in booked for step in steps):
            return None
        return appointment_of(transaction, request.number)

    def cancelled_by(self, transaction: Transaction, request: Request, told: int) -> Cancelled | None:
        """The appointment that a step after the first ``told`` ones gave back."""
        found = cancelled_of(transaction, request.number)
        return found if found and told <= found.step < len(request.steps) else None

    def said(self, request: Request, booked: Booked | Cancelled) -> str:
        """When and where, as a paragraph."""
        if isinstance(booked, Cancelled):
            return _("Your appointment is cancelled: %(when)s", when=span(booked))
        where = self._where(request)
        return _("Your appointment: %(when)s", when=span(booked)) + (f"\n{where}" if where else "")

    def file(self, request: Request, booked: Booked | Cancelled) -> Attachment:
        """The appointment for the resident's own calendar."""
        title = self._title(request)
        made = calendar_file(request, booked, title, self._where(request), self._page(request))
        return Attachment(f"{request.number}.ics", "calendar", made.decode(), {"method": method_of(booked)})

    def __call__(self, transaction: Transaction, request: Request, service: Service, booked: Booked) -> int:
        """Remind the resident, if they left an address."""
        _told, people = followers.told(transaction, request.number)
        owners = [one for one in people if one.owner]
        for one in owners:
            outbox.owe(transaction, self._reminder(request, service, booked, one))
        return len(owners)

    def _reminder(self, request: Request, service: Service, booked: Booked, to: Follower) -> Letter:
        place = self._places[request.place]
        with reading(to.language, place.timezone):
            needed = full_standard(service, place, self._places).get("requirements", ())
            have = "\n".join(f"- {words(one)}" for one in needed)
            parts = [
                f"{self._title(request)} · {request.number}",
                self.said(request, booked),
                _("What you need:") + f"\n{have}" if have else "",
                _("You cannot come? Move or cancel it here, so that somebody else can have the time:")
                + f"\n{self._page(request)}",
            ]
            subject = _("Reminder: your appointment on %(when)s", when=span(booked))
            file = self.file(request, booked)
        text = "\n\n".join(part for part in parts if part) + "\n"
        return Letter(to.email, subject, text, to.language, attachments=(file,))

    def _title(self, request: Request) -> str:
        service = service_of(self._places, request)
        return words(service.name) if service else request.service_name

    def _where(self, request: Request) -> str:
        service = service_of(self._places, request)
        return words(service.office.address) if service and service.office else ""

    def _page(self, request: Request) -> str:
        return f"{self._base}/requests/{request.number}?key={quote(key_of(self._store, request.number))}"
