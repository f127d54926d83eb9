"""What a claim rests on: an address that somebody pasted, found in the store and kept as it was that day."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit

from mahakam.broker.broker import Broker
from mahakam.config import Text
from mahakam.faults import Fault
from mahakam.network.recommendation import Evidence
from mahakam.network.register import Register
from mahakam.store.protocol import Document

INDICATOR_VALUE = "KeyPerformanceIndicator"
"""The Smart Data Models' type of an indicator's value."""
MOST, LONGEST = 10, 600
_ENTITY, _VALUE = "/trace/entity/", "/trace/value/"


def evidence_of(
    broker: Broker, register: Register, text: str, hosts: Iterable[str], field: str, day: str
) -> tuple[tuple[Evidence, ...], list[Fault]]:
    """One piece a line: an indicator value's, a project's or a city's page on this node (or its id), or a document's
    https address with its title before it. ``hosts`` are names of this node."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST:
        return (), [Fault(field, "many", {"most": MOST})]
    found, faults = [], []
    for line in lines:
        title, _, address = line.rpartition(" ")
        id = _id(address, set(hosts))
        if len(line) > LONGEST:
            faults.append(Fault(field, "long", {"most": LONGEST}))
        elif id:
            one = cited(broker, register, id, day)
            if one is None:
                faults.append(Fault(field, "unknown", {"what": address[:120]}))
            else:
                found.append(one)
        elif address.startswith(("https://", "http://")) and urlsplit(address).hostname:
            found.append(Evidence(address, title.strip() or urlsplit(address).hostname or address, "", day))
        else:
            faults.append(Fault(field, "address", {"what": line[:120]}))
    return tuple(found), faults


def cited(broker: Broker, register: Register, id: str, day: str) -> Evidence | None:
    """An entity as it is now; None for one that there is not, or that is nothing to cite."""
    document = broker.store.document(id)
    if document is None:
        return None
    types = document["type"] if isinstance(document["type"], list) else [document["type"]]
    if INDICATOR_VALUE in types:
        value, unit = _plain(document, "kpiValue"), _plain(document, "unit")
        if value is None:
            return None
        where = " · ".join(str(_plain(document, name) or "") for name in ("place", "period"))
        return Evidence(id, f"{_name(document, 'name')} · {where}", f"{value:.10g} {unit or ''}".strip(), day)
    for kind in (register.project, register.city, register.country):
        if kind.type in types:
            status = kind.attributes.get("status")
            return Evidence(
                id,
                _name(document, kind.attributes["name"]),
                str(_plain(document, status) or "") if status else "",
                day,
            )
    return None


def _id(address: str, hosts: set[str]) -> str:
    """The entity's id in an address of this node, "" for anything else."""
    if address.startswith("urn:"):
        return address
    parts = urlsplit(address)
    if parts.netloc and parts.netloc.lower() not in hosts:
        return ""
    if parts.path.startswith(_ENTITY):
        return unquote(parts.path[len(_ENTITY) :])
    pieces = parts.path[len(_VALUE) :].split("/") if parts.path.startswith(_VALUE) else []
    if len(pieces) == 3:
        place, indicator, label = (unquote(piece) for piece in pieces)
        return f"urn:ngsi-ld:{INDICATOR_VALUE}:{quote(place, safe='')}:{quote(indicator, safe='')}:{label}"
    return ""


def _name(document: Document, attribute: str) -> str:
    found = document.get(attribute)
    if isinstance(found, dict) and "languageMap" in found:
        names: Text = found["languageMap"]
        return names.get("en") or next(iter(names.values()), document["id"])
    return str(_plain(document, attribute) or document["id"])


def _plain(document: Document, attribute: str) -> str | float | None:
    found = document.get(attribute)
    if isinstance(found, list):
        found = found[0] if found else None
    value = found.get("value", found.get("object")) if isinstance(found, dict) else None
    return value if isinstance(value, str | int | float) else None
