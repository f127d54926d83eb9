"""A service in the words of schema.org (GovernmentService), which search engines and other cities' directories read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mahakam.config import Place, Text
from mahakam.services.catalogue import Service
from mahakam.services.standard import Office, Standard

Say = Callable[[Text], str]
"""The words of a text in the reader's language."""


def government_service(
    service: Service, standard: Standard, place: Place, base: str, language: str, say: Say
) -> dict[str, Any]:
    """The service as JSON-LD; ``base`` is the address of the site without a slash at its end."""
    page = f"{base}/services/{place.id}/{service.code}"
    area = {"@type": "City" if place.kind == "city" else "AdministrativeArea", "name": say(place.name)}

    def points(component: str) -> str:
        return "; ".join(map(say, standard.get(component, ())))

    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "GovernmentService",
        "@id": page,
        "url": page,
        "identifier": service.code,
        "name": say(service.name),
        "description": say(service.description),
        "serviceType": say(service.group),
        "keywords": ", ".join(service.keywords),
        "inLanguage": language,
        "provider": {"@type": "GovernmentOrganization", "name": service.agency} if service.agency else None,
        "areaServed": area,
        "jurisdiction": area,
        "serviceOutput": {"@type": "Thing", "name": points("product")} if "product" in standard else None,
        "termsOfService": points("requirements"),
        "offers": {"@type": "Offer", "description": points("cost")} if "cost" in standard else None,
        "availableChannel": _channels(service, place, base, say),
    }
    return {name: value for name, value in found.items() if value}


def _channels(service: Service, place: Place, base: str, say: Say) -> list[dict[str, Any]]:
    channel: dict[str, Any] = {"@type": "ServiceChannel"}
    if "finish" in service.targets:
        channel["processingTime"] = f"P{service.targets['finish']:g}D"
    channels = []
    if place.kind == "city":
        channels.append(channel | {"serviceUrl": f"{base}/report?city={place.id}&service={service.code}"})
    if service.office:
        channels.append(channel | _office(service.office, say))
    return channels


def _office(office: Office, say: Say) -> dict[str, Any]:
    where: dict[str, Any] = {"@type": "Place", "address": say(office.address)}
    if office.hours:
        where["openingHours"] = list(office.hours)
    if office.point:
        where["geo"] = {"@type": "GeoCoordinates", "longitude": office.point[0], "latitude": office.point[1]}
    found: dict[str, Any] = {"serviceLocation": where}
    if office.phone or office.email:
        contact = {"@type": "ContactPoint", "telephone": office.phone, "email": office.email}
        found["servicePhone"] = {name: value for name, value in contact.items() if value}
    if office.url:
        found["serviceUrl"] = office.url
    return found
