"""The documents and payments of a request as its pages show them: what is asked for beside what came."""

from __future__ import annotations

from dataclasses import dataclass

from mahakam.services.asked_documents import AskedDocument
from mahakam.services.dossier import SentDocument, documents_of, removed_of
from mahakam.services.needs import service_of
from mahakam.services.payment_record import Fee, Payment, payments_of
from mahakam.services.request import Request
from mahakam.web.language import N_
from mahakam.web.site import Site

STATES = {
    "": (N_("not sent yet"), ""),
    "sent": (N_("sent, not looked at yet"), "flow"),
    "accepted": (N_("accepted"), "ok"),
    "returned": (N_("returned"), "bad"),
    "removed": (N_("deleted, kept long enough"), ""),
}
"""State of a document → word and class of its chip."""


@dataclass(frozen=True, slots=True)
class DocumentShown:
    """``sent`` is None for what is not there; ``removed`` says when it was deleted, "" if it was not."""

    asked: AskedDocument
    sent: SentDocument | None
    removed: str = ""

    @property
    def word(self) -> str:
        return STATES[self._state][0]

    @property
    def kind(self) -> str:
        return STATES[self._state][1]

    @property
    def _state(self) -> str:
        return self.sent.state if self.sent else "removed" if self.removed else ""

    @property
    def accepts(self) -> str:
        """What a file field offers; what comes is looked at by its content."""
        media = {"pdf": "application/pdf", "photo": "image/jpeg,image/png,image/webp"}
        return ",".join(media[kind] for kind in self.asked.kinds)


@dataclass(frozen=True, slots=True)
class PaymentsShown:
    """What a service costs, and what was recorded."""

    fee: Fee
    recorded: list[Payment]


def payments_shown(site: Site, found: Request) -> PaymentsShown | None:
    """None where the service costs nothing."""
    service = service_of(site.places, found)
    if service is None or service.fee is None:
        return None
    return PaymentsShown(service.fee, payments_of(site.store, found.number))


def documents_shown(site: Site, found: Request) -> list[DocumentShown]:
    """Each document that the service asks for; none where it asks for none."""
    service = service_of(site.places, found)
    asked = service.documents if service else ()
    sent = documents_of(site.store, found.number) if asked else {}
    removed = removed_of(site.store, found.number) if asked else {}
    return [DocumentShown(one, sent.get(one.code), removed.get(one.code, "")) for one in asked]
