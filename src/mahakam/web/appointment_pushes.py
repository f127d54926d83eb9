"""The reminder of an appointment on the resident's own devices, beside the mail or in its place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from urllib.parse import quote

from mahakam.config import Place
from mahakam.services import push
from mahakam.services.booking import Booked
from mahakam.services.catalogue import Service
from mahakam.services.owner import key_of
from mahakam.services.request import Request
from mahakam.store.protocol import EntityStore, Transaction
from mahakam.web.appointment_letters import span
from mahakam.web.language import _, reading, words


class AppointmentPushes:
    """Owes a message to each browser in which the resident asked for news of the request."""

    def __init__(self, store: EntityStore, places: Mapping[str, Place]) -> None:
        self._store = store
        self._places = places

    def __call__(self, transaction: Transaction, request: Request, service: Service, booked: Booked) -> int:
        _told, browsers = push.told(transaction.record(push.KIND, request.number))
        zone = self._places[request.place].timezone
        said = {}
        for browser in browsers:
            if not browser.owner:
                continue
            with reading(browser.language, zone):
                where = words(service.office.address) if service.office else ""
                said[browser] = {
                    "title": _("Reminder: your appointment on %(when)s", when=span(booked)),
                    "body": "\n".join(part for part in (words(service.name), where) if part),
                    "page": f"/requests/{request.number}?key={quote(key_of(self._store, request.number))}",
                    "tag": f"{request.number}-appointment",
                }
        return push.remind(transaction, request.number, dt.datetime.fromisoformat(booked.start), said)
