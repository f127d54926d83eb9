"""A resident's request: as it is asked for, as an entity, and as pages show it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from mahakam.config import Text
from mahakam.ngsild.core import NULL
from mahakam.services.area import Point
from mahakam.services.form import Answers
from mahakam.services.states import OPEN, STATES, State

TYPE = "ServiceRequest"
Act = Literal[
    "",
    "routed",
    "transferred",
    "shared",
    "split",
    "part",
    "merged",
    "absorbed",
    "follows",
    "escalated",
    "approved",
    "issued",
    "revoked",
    "sent",
    "accepted",
    "returned",
    "paid",
    "removed",
    "forgotten",
]
ACTS: tuple[Act, ...] = get_args(Act)[1:]
"""``routed`` by the city's rules; ``transferred`` and ``shared`` by an officer; ``split`` into others, each of
which is a ``part``; ``merged`` into
another one, which has ``absorbed`` it and whose news it ``follows``; ``escalated`` up the agency; a letter
``approved`` by an officer, ``issued`` with the last approval, ``revoked``; documents ``sent`` by the
resident, ``accepted`` or ``returned`` by an officer (``to``: their codes);
``paid``: a payment was recorded; documents ``removed`` (``to``: their codes), kept as long as the city keeps
them; the contact of who sent it ``forgotten`` after that time."""
SHORTEST_WORDS, LONGEST_WORDS = 3, 4000
LONGEST_ADDRESS = 200
MOST_PHOTOS = 5
MOST_WORK_PHOTOS = 20
_EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\".]+(\.[^@\s<>\".]+)+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a resident fills in. ``photos`` are names from ``keep_photo``, at most :data:`MOST_PHOTOS`; ``media`` is
    a photo kept elsewhere (URL); ``address`` is public, in the resident's words;
    ``language`` (ISO 639-1) is that of mails to the contact; ``how`` it was given: form, open311, exchange.

    ``answers``: the answers to the service's questions as they were given. ``contact`` and ``person`` (name, phone)
    stay private.
    """

    place: str
    service: str
    description: str
    point: Point | None
    photos: tuple[str, ...] = ()
    contact: str = ""
    idempotency: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    person: Mapping[str, str] = field(default_factory=dict)
    media: str = ""
    address: str = ""
    language: str = ""
    how: str = "form"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a draft: the field, a word for the rule, and what the rule's sentence needs."""

    field: str
    rule: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        more = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{self.field}: {self.rule}" + (f" ({more})" if more else "")


class Refused(ValueError):
    """A draft that cannot be taken, with everything that is wrong with it at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a request's public course. ``at`` is ISO 8601 UTC; ``agency`` "" is the resident.

    ``act`` is "" for words to the resident and a new state; else what was done with the request (:data:`ACTS`), ``to``
    whom or which it went (teams, or numbers of requests), and ``reason`` why, in several languages where
    a rule of the city decided it. ``workflow_state`` is the state of the service's own workflow, "" where ``state``,
    which everybody knows, says as much.
    """

    state: State
    at: str
    agency: str = ""
    text: str = ""
    act: Act = ""
    to: tuple[str, ...] = ()
    reason: Text = field(default_factory=dict)
    workflow_state: str = ""


@dataclass(frozen=True, slots=True)
class WorkPhoto:
    """``name`` of a kept photo, ``when``: ``before`` or ``after`` the work, ``at``: ISO 8601 UTC."""

    name: str
    when: str
    at: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request as everybody may see it. ``place`` is a place's id, ``photos`` are the names of its photos.

    ``work_photos`` were taken at work (before, after), public like the others.
    ``media`` is the address of a photo that is kept elsewhere, or "". ``expected``: when the city promised to have
    it settled; ``due`` and ``due_stage``: what it owes next and when ("" once it is settled). ``routed``: the teams
    (``agency/team``) that work on it, the one that leads first, () where the city has no rules for that;
    ``merged_into``: the number of the request that it continues as; ``workflow_state`` as in :class:`Step`.
    ``point`` is None where the entity has none, or none for this reader; ``hidden``: the attributes of the entity that
    this reader may not see, and which are empty here (``state``: ask :attr:`known_state`). ``revision``: how many
    steps there are, the hidden ones too.
    """

    number: str
    place: str
    service: str
    service_name: str
    description: str
    state: State
    requested: str
    updated: str
    agency: str
    point: Point | None
    address: str
    photos: tuple[str, ...]
    steps: tuple[Step, ...]
    answers: Answers = field(default_factory=dict)
    media: str = ""
    expected: str = ""
    due: str = ""
    due_stage: str = ""
    routed: tuple[str, ...] = ()
    merged_into: str = ""
    work_photos: tuple[WorkPhoto, ...] = ()
    workflow_state: str = ""
    hidden: frozenset[str] = frozenset()
    unseen: int = 0
    """Steps of a course that is hidden from this reader."""

    @property
    def revision(self) -> int:
        return len(self.steps) + self.unseen

    @property
    def known_state(self) -> State | Literal[""]:
        """The state, "" for a reader from whom it is hidden."""
        return "" if "status" in self.hidden else self.state

    @property
    def photo(self) -> str:
        """The first photo's name, or ""."""
        return self.photos[0] if self.photos else ""

    @property
    def open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Note:
    """An officer's note that only the agency sees. ``act`` is "" for words, else what was done: ``assigned`` (to
    ``text``), ``warned`` (of a target that is near or over)."""

    at: str
    author: str
    text: str
    act: str = ""


@dataclass(frozen=True, slots=True)
class Private:
    """What is not public about a request; ``person``: who the resident said they are (first_name, phone …).

    ``assignee``: the account that works on it; ``done``: the points of the checklist that are ticked, by number.
    """

    contact: str = ""
    notes: tuple[Note, ...] = ()
    person: Mapping[str, str] = field(default_factory=dict)
    assignee: str = ""
    done: frozenset[int] = frozenset()


def utc_text(moment: dt.datetime) -> str:
    """A moment as requests keep it: ISO 8601 UTC to the second, so that two of them compare as texts."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_now() -> str:
    """This moment, as requests keep it."""
    return utc_text(dt.datetime.now(dt.UTC))


def clean(text: str) -> str:
    """A person's words without control and direction-changing characters, line ends as ``\\n``."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def words_faults(field: str, text: str, shortest: int = SHORTEST_WORDS) -> list[Fault]:
    """Whether a text is long and short enough."""
    if not text and shortest:
        return [Fault(field, "missing", {})]
    if len(text) < shortest:
        return [Fault(field, "short", {"least": shortest})]
    if len(text) > LONGEST_WORDS:
        return [Fault(field, "long", {"most": LONGEST_WORDS, "length": len(text)})]
    return []


def contact_faults(contact: str) -> list[Fault]:
    """Whether the contact is "" or an e-mail address."""
    good = not contact or (len(contact) <= 254 and _EMAIL.fullmatch(contact))
    return [] if good else [Fault("contact", "email", {"value": contact[:80]})]


def entity_id(number: str) -> str:
    return f"urn:ngsi-ld:{TYPE}:{number}"


def photo_path(name: str) -> str:
    """Where a kept photo is read."""
    return f"/photos/{name}.jpg"


def to_document(request: Request, scope: str) -> dict[str, Any]:
    """The request as a normalized NGSI-LD entity in the place with this scope."""
    properties: dict[str, Any] = {
        "serviceRequestId": request.number,
        "serviceCode": request.service,
        "serviceName": request.service_name,
        "description": request.description,
        "requestedDatetime": request.requested,
        "agencyResponsible": request.agency,
        "address": request.address,
        "mediaUrl": photo_path(request.photo) if request.photo else request.media,
        "photos": [photo_path(name) for name in request.photos],
        "answers": {code: list(a) if isinstance(a, tuple) else a for code, a in request.answers.items()},
        "routedTo": list(request.routed),
        "mergedInto": request.merged_into,
    } | _course(request.state, request.steps, request.expected, request.due, request.due_stage)
    return {
        "id": entity_id(request.number),
        "type": TYPE,
        "scope": [scope],
        **{name: {"type": "Property", "value": value} for name, value in properties.items() if value},
        **({"location": _geometry(request.point)} if request.point else {}),
    }


def settled_at(state: State, steps: Sequence[Step]) -> str:
    """When the city had answered a request for the last time (ISO 8601 UTC); "" while it is open."""
    if state in OPEN:
        return ""
    since = max((at for at, step in enumerate(steps) if step.state in OPEN), default=-1)
    return next((step.at for step in steps[since + 1 :]), "")


def course_attributes(
    state: State, steps: Sequence[Step], expected: str = "", due: str = "", due_stage: str = ""
) -> dict[str, Any]:
    """The attributes that a step changes, as an NGSI-LD fragment to merge; what is "" is removed."""
    course = _course(state, steps, expected, due, due_stage)
    return {name: {"type": "Property", "value": value} if value else NULL for name, value in course.items()}


def _geometry(point: Point) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": list(point)}}


def from_document(document: Mapping[str, Any], place: str, hidden: frozenset[str] = frozenset()) -> Request:
    """The request of an entity that :func:`to_document` (or an agency's own system) wrote, without what is
    ``hidden`` of it."""
    value = {
        name: attribute.get("value") for name, attribute in document.items() if isinstance(attribute, Mapping)
    }
    state = value.get("status")
    steps = value.get("timeline")
    media = str(value.get("mediaUrl") or "")
    kept = media.startswith("/photos/")
    photos = value.get("photos")
    paths = photos if isinstance(photos, list) else [photos or media] if photos or kept else []
    answers = value.get("answers")
    requested = str(value.get("requestedDatetime") or document.get("createdAt") or "")
    coordinates = (value.get("location") or {}).get("coordinates")
    return Request(
        number=str(value.get("serviceRequestId") or str(document["id"]).rpartition(":")[2]),
        place=place,
        service=str(value.get("serviceCode") or ""),
        service_name=str(value.get("serviceName") or value.get("serviceCode") or ""),
        description=str(value.get("description") or ""),
        state=state if state in STATES else "received",
        requested=requested,
        updated=str(value.get("updatedDatetime") or requested),
        agency=str(value.get("agencyResponsible") or ""),
        point=(float(coordinates[0]), float(coordinates[1])) if coordinates else None,
        address=str(value.get("address") or ""),
        photos=tuple(str(path).removeprefix("/photos/").removesuffix(".jpg") for path in paths),
        steps=tuple(
            _step(step) for step in steps or [] if isinstance(step, Mapping) and step.get("status") in STATES
        ),
        answers=(
            {code: tuple(a) if isinstance(a, list) else a for code, a in answers.items()}
            if isinstance(answers, Mapping)
            else {}
        ),
        media="" if kept else media,
        expected=str(value.get("expectedDatetime") or ""),
        due=str(value.get("dueDatetime") or ""),
        due_stage=str(value.get("dueStage") or ""),
        routed=_texts(value.get("routedTo")),
        merged_into=str(value.get("mergedInto") or ""),
        work_photos=tuple(map(_work_photo, value.get("workPhotos") or ())),
        workflow_state=str(value.get("workflowState") or ""),
        hidden=hidden,
    )


def _step(raw: Mapping[str, Any]) -> Step:
    act, reason = raw.get("act", ""), raw.get("reason")
    return Step(
        raw["status"],
        str(raw.get("at", "")),
        str(raw.get("agency", "")),
        str(raw.get("text", "")),
        act if act in ACTS else "",
        _texts(raw.get("to")),
        reason if isinstance(reason, Mapping) else {},
        str(raw.get("workflowState") or ""),
    )


def work_photo_values(photos: Sequence[WorkPhoto]) -> list[dict[str, str]]:
    """Photos of the work as the entity keeps them."""
    return [{"photo": photo_path(one.name), "when": one.when, "at": one.at} for one in photos]


def _work_photo(raw: Mapping[str, Any]) -> WorkPhoto:
    name = str(raw.get("photo", "")).removeprefix("/photos/").removesuffix(".jpg")
    return WorkPhoto(name, str(raw.get("when", "")), str(raw.get("at", "")))


def _texts(value: object) -> tuple[str, ...]:
    """A list of texts, of which NGSI-LD keeps one alone as itself."""
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),) if value else ()


def _course(state: State, steps: Sequence[Step], expected: str, due: str, due_stage: str) -> dict[str, Any]:
    said = [step for step in steps if step.text and step.act in ("", "follows")]
    optional = ("agency", "text", "act", "to", "reason")
    timeline = [
        {"status": step.state, "at": step.at}
        | {
            name: list(value) if name == "to" else value
            for name in optional
            if (value := getattr(step, name))
        }
        | ({"workflowState": step.workflow_state} if step.workflow_state else {})
        for step in steps
    ]
    return {
        "status": state,
        "workflowState": steps[-1].workflow_state if steps else "",
        "statusNotes": said[-1].text if said else "",
        "updatedDatetime": steps[-1].at if steps else "",
        "timeline": timeline,
        "expectedDatetime": expected,
        "dueDatetime": due,
        "dueStage": due_stage,
        "settledDatetime": settled_at(state, steps),
        "reopened": any(step.state == "reopened" for step in steps),
    }
