"""What the mails about the clock say: to who works on a request before a target, up the agency after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from mahakam.config import LANGUAGES, Place
from mahakam.services import outbox
from mahakam.services.outbox import Letter
from mahakam.services.request import Request
from mahakam.services.routing import routing_of
from mahakam.store.protocol import Transaction
from mahakam.web.language import _, reading, time, words
from mahakam.web.request_words import STAGE_NAMES


class ClockLetters:
    """Owes the letters; ``base`` is the address of the node's pages, without a slash at the end."""

    def __init__(self, places: Mapping[str, Place], base: str) -> None:
        self._places = places
        self._base = base

    def __call__(self, transaction: Transaction, request: Request, to: Sequence[str], above: str) -> None:
        """Officers are written to in the node's first language, with the times of the city's clock."""
        place = self._places[request.place]
        with reading(LANGUAGES[0], str(ZoneInfo(place.timezone))):
            stage = _(STAGE_NAMES.get(request.due_stage, request.due_stage))
            values = {"number": request.number, "stage": stage, "time": time(request.due)}
            if above:
                subject = _("Late: report %(number)s", **values)
                said = _("Report %(number)s is late: %(stage)s was due by %(time)s.", **values)
                said += " " + _(
                    "It is in the queue of %(agency)s now, too.", agency=self._agency(place, above)
                )
            else:
                subject = _("Due soon: report %(number)s", **values)
                said = _("Report %(number)s is due soon: %(stage)s by %(time)s.", **values)
            parts = [said, request.address, f"{self._base}/queue/{request.number}"]
        text = "\n\n".join(part for part in parts if part) + "\n"
        for address in to:
            outbox.owe(transaction, Letter(address, subject, text, LANGUAGES[0]))

    def _agency(self, place: Place, code: str) -> str:
        routing = routing_of(place, self._places)
        agency = routing.agencies.get(code) if routing else None
        return words(agency.name) if agency else code
