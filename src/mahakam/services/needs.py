"""What a transition of a workflow needs besides words, and whether it is there."""

from __future__ import annotations

from collections.abc import Mapping

from mahakam.config import Place
from mahakam.services.booking import appointment_of
from mahakam.services.catalogue import Service, catalogue
from mahakam.services.dossier import documents_of, lacking
from mahakam.services.payment_record import payments_of
from mahakam.services.request import Fault, Request
from mahakam.services.workflow import Transition
from mahakam.store.protocol import EntityStore, Transaction


def service_of(places: Mapping[str, Place], request: Request) -> Service | None:
    """The service of a request; None where it is no longer offered."""
    place = places.get(request.place)
    return catalogue(place, places).get(request.service) if place else None


def unmet(
    places: Mapping[str, Place], store: EntityStore | Transaction, request: Request, way: Transition
) -> list[Fault]:
    """What is not there yet. Documents that a resident's way needs have been sent; those of others, accepted."""
    service = service_of(places, request)
    found = list[Fault]()
    if service is None:
        return found
    if "documents" in way.needs:
        sent = documents_of(store, request.number)
        accepted = "resident" not in way.by
        missing = lacking(service.documents, sent, accepted)
        if missing:
            rule = "unaccepted" if accepted else "lacking"
            found.append(Fault("needs", rule, {"documents": [one.name for one in missing]}))
    if "payment" in way.needs and not payments_of(store, request.number):
        found.append(Fault("needs", "payment", {}))
    if "appointment" in way.needs and appointment_of(store, request.number) is None:
        found.append(Fault("needs", "appointment", {}))
    return found
