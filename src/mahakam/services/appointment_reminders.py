"""Who has an appointment soon is reminded once: so many hours before as the service's file says."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mahakam.config import ConfigError, Place
from mahakam.services.booking import Booked, appointment_of, set_reminded, to_remind
from mahakam.services.catalogue import Service, catalogue
from mahakam.services.desk import Desk
from mahakam.services.request import Request
from mahakam.store.protocol import EntityStore, Transaction

_log = logging.getLogger(__name__)


class Reminding(Protocol):
    """Tells the resident, in the transaction that notes that they were reminded."""

    def __call__(self, transaction: Transaction, request: Request, service: Service, booked: Booked) -> int:
        """How many messages are owed: none where the resident left no address."""


@dataclass(frozen=True)
class AppointmentReminders:
    """One round of them at a time is run by the process that leads.

    What was missed while the node was down is made up for until the appointment begins.
    """

    desk: Desk
    store: EntityStore
    places: Mapping[str, Place]
    remind: Sequence[Reminding]

    def run(self, now: dt.datetime | None = None) -> int:
        """Remind everybody who is to be reminded by now; how many messages that makes."""
        at, owed = now or dt.datetime.now(dt.UTC), 0
        for place in self.places.values():
            if place.kind != "city":
                continue
            try:
                services = catalogue(place, self.places)
            except ConfigError as error:
                _log.error("nobody in %s is reminded of an appointment: %s", place.id, error)
                continue
            for code, service in services.items():
                if service.appointments:
                    numbers = to_remind(self.store, place.id, code, service.appointments, at)
                    owed += sum(self._one(number, service) for number in numbers)
        return owed

    def _one(self, number: str, service: Service) -> int:
        booked = appointment_of(self.store, number)
        if booked is None or booked.reminded:
            return 0
        request = self.desk.request(number)
        if request is None or not request.open:
            return 0

        def work(transaction: Transaction) -> int:
            if not set_reminded(transaction, number, booked):
                return 0
            return sum(one(transaction, request, service, booked) for one in self.remind)

        return self.store.write(work)
