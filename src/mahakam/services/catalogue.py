"""What residents can ask for: the services of a place's folder and of the places above."""

from __future__ import annotations

import difflib
import functools
import logging
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mahakam.config import ConfigError, Place, Text, as_text, chain, read_yaml
from mahakam.services.asked_documents import AskedDocument, read_documents
from mahakam.services.clock import read_targets
from mahakam.services.form import Question, read_form
from mahakam.services.kept_days import KeptDays, kept_days, read_retention
from mahakam.services.payment_record import Fee, read_fee
from mahakam.services.product import Product, read_product
from mahakam.services.slots import Appointments, read_appointments
from mahakam.services.standard import Office, Standard, read_office, read_standard, standard_of
from mahakam.services.workflow import Workflow
from mahakam.services.workflow_file import DEFAULT, read_workflow, workflow_files

_log = logging.getLogger(__name__)

_FIELDS = {
    "name": "what residents call it",
    "group": "the heading it stands under",
    "description": "one or two plain sentences",
    "agency": "who answers",
    "keywords": "a list of other words for it",
    "icon": "the name of a picture",
    "form": "its questions, as JSON Schema",
    "targets": "working days for each stage",
    "standard": "the components of its service standard (Law 25/2009 art. 21)",
    "office": "where and when it is given besides this site",
    "events": "the events of life in which it is needed",
    "reach": "metres that two reports of one problem may lie apart",
    "workflow": "the states that a request goes through: report (if not said), or the name of another one",
    "documents": "the documents that a resident sends",
    "retention": "the days that documents and contact are kept after a request was settled",
    "appointments": "its slots: minutes, capacity, days ahead, hours of notice",
    "fee": "what it costs: currency and amount",
    "product": "the signed letter that it hands out, and who approves it",
    "personal": "true for a person's own matter: words, photos and exact place are not public",
    "example": "true where the city has not set it itself yet",
}
_ADD = {
    "documents": "documents: with what a resident sends",
    "payment": "fee: {currency: …, amount: …}",
    "appointment": "appointments: {minutes: …, capacity: …}",
    "book": "appointments: {minutes: …, capacity: …}",
}
_EVENTS = Path(__file__).with_name("events.yaml")
_FARTHEST = 2000.0
_SECONDS, _MOST_RECENT = 1.0, 500
_recent: dict[tuple[tuple[str, str], ...], tuple[float, dict[str, Service]]] = {}
"""One report asks for the catalogue several times, and looking at its files takes longer than all the rest."""
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Service:
    """``code`` is the file's name: the ``service_code`` of Open311. ``place`` is where it is configured.

    ``reach``: metres that two reports of one problem may lie apart, 0 for the usual. ``flow`` is what its place has
    under the name ``workflow``, and ``retention`` completed by that of its place: only a catalogue knows.
    """

    code: str
    place: str
    name: Text
    group: Text
    description: Text
    agency: str
    keywords: tuple[str, ...] = ()
    icon: str = ""
    questions: tuple[Question, ...] = ()
    targets: Mapping[str, float] = field(default_factory=dict)
    standard: Standard = field(default_factory=dict)
    office: Office | None = None
    events: tuple[str, ...] = ()
    reach: float = 0.0
    product: Product | None = None
    personal: bool = False
    example: bool = False
    workflow: str = DEFAULT
    flow: Workflow | None = None
    documents: tuple[AskedDocument, ...] = ()
    retention: KeptDays = field(default_factory=KeptDays)
    appointments: Appointments | None = None
    fee: Fee | None = None


def catalogue(place: Place, places: Mapping[str, Place]) -> dict[str, Service]:
    """The services of a place by code: its parents', then its own, which replace a parent's of the same name.

    A change of a file is seen within a second. Raises ConfigError for a file that cannot be used.
    """
    owners = chain(places, place)
    key = tuple((owner.id, str(owner.folder)) for owner in owners)
    at, kept = _recent.get(key, (0.0, {}))
    if at and time.monotonic() - at < _SECONDS:
        return dict(kept)
    found: dict[str, Service] = {}
    flows = workflow_files(place, places)
    for owner in reversed(owners):
        for code, path in owner.files("services").items():
            changed = path.stat().st_mtime_ns if path.exists() else 0  # reading one that is gone says so
            service = _as_of(code, owner.id, path, changed)
            found[code] = replace(
                service, flow=flow_of(service, path, flows), retention=kept_days(service.retention, owners)
            )
    if len(_recent) > _MOST_RECENT:
        _recent.clear()
    _recent[key] = (time.monotonic(), found)
    return dict(found)


def cities_with_services(places: Mapping[str, Place]) -> Iterator[Place]:
    """The cities that take requests; one whose services cannot be read is left out, which the log says."""
    for place in places.values():
        try:
            if place.kind == "city" and catalogue(place, places):
                yield place
        except ConfigError as error:
            _log.error("%s takes no requests: %s", place.id, error)


def flow_of(service: Service, path: Path, files: Mapping[str, Path]) -> Workflow:
    """The workflow of a service, of those that its place has. Raises ConfigError if there is none of that name, or the
    service lacks what it needs."""
    if service.workflow not in files:
        near = difflib.get_close_matches(service.workflow, files, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(files)}"
        raise ConfigError(path, f"no workflow {service.workflow!r} in workflows/; {hint}")
    offered = {
        "documents": bool(service.documents),
        "payment": service.fee is not None,
        "appointment": service.appointments is not None,
        "book": service.appointments is not None,
    }
    flow = read_workflow(files[service.workflow])
    for way in flow.transitions:
        if lacking := [need for need in (*way.needs, *way.does) if not offered.get(need, True)]:
            said = f"the workflow {service.workflow} needs {lacking[0]} (transition {way.code})"
            raise ConfigError(path, f"{said}: add {_ADD[lacking[0]]}")
    return flow


@functools.lru_cache(4096)
def _as_of(code: str, place: str, path: Path, _changed: int) -> Service:
    """A service is read again only when its file changed."""
    return read_service(code, place, path)


def read_service(code: str, place: str, path: Path) -> Service:
    """One ``services/NAME.yaml``. Raises ConfigError naming the field that is missing, unknown or wrong."""
    if not _CODE.fullmatch(code):
        raise ConfigError(
            path, "a service's file is named with small letters, digits and -, e.g. street-light.yaml"
        )
    raw = read_yaml(path)
    unknown = sorted(set(raw) - set(_FIELDS))
    if unknown:
        known = ", ".join(f"{name} ({what})" for name, what in _FIELDS.items())
        near = difflib.get_close_matches(unknown[0], _FIELDS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; a service has {known}"
        raise ConfigError(path, f"unknown field {unknown[0]!r}{hint}")
    if not raw.get("name"):
        raise ConfigError(path, "needs a name, e.g. name: {en: Pothole, id: Jalan berlubang}")
    keywords = raw.get("keywords") or []
    if not isinstance(keywords, list):
        raise ConfigError(path, f"keywords is a list, e.g. keywords: [jalan, lubang], not {keywords!r}")
    questions = read_form(path, raw.get("form"))
    office = read_office(path, raw.get("office"))
    return Service(
        code=code,
        place=place,
        name=_text(path, "name", raw["name"]),
        group=_text(path, "group", raw.get("group") or ""),
        description=_text(path, "description", raw.get("description") or ""),
        agency=str(raw.get("agency") or ""),
        keywords=tuple(str(word) for word in keywords),
        icon=str(raw.get("icon") or ""),
        questions=questions,
        product=read_product(path, raw.get("product"), [one.code for one in questions]),
        targets=read_targets(path, raw.get("targets")),
        standard=read_standard(path, raw.get("standard")),
        office=office,
        events=_events(path, raw.get("events")),
        reach=_reach(path, raw.get("reach")),
        personal=_flag(path, "personal", raw.get("personal")),
        example=_flag(path, "example", raw.get("example")),
        appointments=read_appointments(path, raw.get("appointments"), office),
        fee=read_fee(path, raw.get("fee")),
        documents=read_documents(path, raw.get("documents")),
        retention=read_retention(path, raw.get("retention")),
        workflow=str(raw.get("workflow") or DEFAULT),
    )


def follows(service: Service) -> bool:
    """Whether more than the answer comes after a request: documents to send, a fee, an appointment."""
    return bool(service.documents or service.fee or service.appointments)


def full_standard(service: Service, place: Place, places: Mapping[str, Place]) -> Standard:
    """The standard of a service in a place: its own, completed by ``standard:`` of the place and of those above."""
    above = ((each.folder, each.facts.get("standard")) for each in chain(places, place))
    return standard_of(service.standard, above)


@functools.cache
def life_events() -> Mapping[str, Text]:
    """The events of life that services are found by: code → name."""
    return {code: as_text(name) for code, name in read_yaml(_EVENTS).items()}


def _text(path: Path, field: str, value: object) -> Text:
    if isinstance(value, (list, bool)) or (isinstance(value, Mapping) and not value):
        raise ConfigError(path, f"{field} is a text or {{en: …, id: …}}, not {value!r}")
    return as_text(value)


def _events(path: Path, raw: object) -> tuple[str, ...]:
    codes = raw or []
    if not isinstance(codes, list) or (unknown := [code for code in codes if code not in life_events()]):
        wrong = repr(unknown[0]) if isinstance(codes, list) else repr(raw)
        raise ConfigError(path, f"events lists some of {', '.join(life_events())}, not {wrong}")
    return tuple(codes)


def _flag(path: Path, name: str, raw: object) -> bool:
    if raw not in (None, True, False):
        raise ConfigError(path, f"{name} is true or false, not {raw!r}")
    return raw is True


def _reach(path: Path, raw: object) -> float:
    if raw is None:
        return 0.0
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 < raw <= _FARTHEST:
        raise ConfigError(path, f"reach is a number of metres from 1 to {_FARTHEST:.0f}, not {raw!r}")
    return float(raw)
