"""Requests that are a person's own matter (an aid, a letter, an appointment): what of them is public, and what is not.

Public are the number, the kind, the village and the course; the words, answers, photos and the exact place are kept
beside the request and shown to those who work on it and to the resident.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mahakam.config import Place
from mahakam.services import area
from mahakam.services.area import Point
from mahakam.services.catalogue import Service
from mahakam.services.form import Answers, check
from mahakam.services.request import Draft
from mahakam.services.villages import Village
from mahakam.store.protocol import EntityStore, Transaction

KIND, PHOTO = "request-matter", "photo-matter"
_GRID = 2
"""Decimals of a degree, about 1.1 km, to which a place is rounded where no village is known."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What is not public; ``photos`` are names of kept photos."""

    words: str
    point: Point
    address: str = ""
    photos: tuple[str, ...] = ()
    answers: Answers = field(default_factory=dict)


def divided(draft: Draft, service: Service, place: Place, village: Village | None) -> tuple[Draft, Matter]:
    """A draft without fault as the public may see it, and what is kept from them."""
    assert draft.point is not None
    matter = Matter(
        draft.description,
        draft.point,
        draft.address,
        draft.photos,
        check(service.questions, draft.answers)[0],
    )
    name = next(iter(service.name.values()))
    point = village.point if village else _rounded(draft.point, place)
    public = replace(draft, description=name, point=point, address="", photos=(), answers={}, media="")
    return public, matter


def put(transaction: Transaction, number: str, place: str, matter: Matter) -> None:
    """Keep the private part of a request of a place."""
    value: dict[str, Any] = {
        "words": matter.words,
        "point": list(matter.point),
        "address": matter.address,
        "photos": list(matter.photos),
        "answers": {code: list(a) if isinstance(a, tuple) else a for code, a in matter.answers.items()},
    }
    transaction.save_record(KIND, number, value)
    for name in matter.photos:
        transaction.save_record(PHOTO, name, {"place": place})


def matter_of(store: EntityStore, number: str) -> Matter | None:
    """The private part of a request; None if it has none."""
    kept = store.record(KIND, number)
    if kept is None:
        return None
    return Matter(
        words=kept["words"],
        point=(kept["point"][0], kept["point"][1]),
        address=kept["address"],
        photos=tuple(kept["photos"]),
        answers={code: tuple(a) if isinstance(a, list) else a for code, a in kept["answers"].items()},
    )


def drop_photos(transaction: Transaction, number: str) -> None:
    """Take the photos off the private part of a request; their files are the caller's."""
    kept = transaction.record(KIND, number)
    if kept:
        transaction.save_record(KIND, number, kept | {"photos": []})


def forget(store: EntityStore, number: str) -> None:
    """Forget the private part of a request; the files of its photos are the caller's."""
    store.write(lambda transaction: transaction.save_record(KIND, number, None))


def place_of_photo(store: EntityStore, name: str) -> str | None:
    """The place whose agencies alone may see a photo; None for a public one."""
    kept = store.record(PHOTO, name)
    return str(kept["place"]) if kept else None


def personal_codes(services: Mapping[str, Service]) -> frozenset[str]:
    """The services whose requests are a person's own matter."""
    return frozenset(code for code, service in services.items() if service.personal)


def village_at(villages: Iterable[Village], name: str) -> Village | None:
    """The village of a name such as "Bugis, Samarinda Kota"."""
    first = name.split(",")[0]
    return next((village for village in villages if village.name == first), None)


def _rounded(point: Point, place: Place) -> Point:
    rounded = round(point[0], _GRID), round(point[1], _GRID)
    return rounded if area.contains(place, rounded) else area.inside(place, rounded)
