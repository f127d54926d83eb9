"""The number that a resident gets for a request: short, human, never given twice."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from mahakam.config import ConfigError, Place
from mahakam.store.protocol import EntityStore, Transaction

COUNTER, GIVEN = "request-counter", "request-given"
PATTERN = re.compile(r"[A-Z][A-Z0-9]{1,7}-\d{4}-\d{6,9}")
"""``SMD-2026-000123``: prefix of the place, year in the place's time zone, count within the year."""


def prefix_of(place: Place) -> str:
    """``request_prefix`` of the place, else its id's first three letters. ConfigError if bad."""
    given = str(
        place.facts.get("request_prefix") or re.sub(r"[^a-z]", "", place.id.lower())[:3].upper() or "REQ"
    )
    if not re.fullmatch(r"[A-Z][A-Z0-9]{1,7}", given):
        raise ConfigError(
            place.folder, f"request_prefix {given!r} must be 2 to 8 capital letters or digits, e.g. SMD"
        )
    return given


def give_number(
    store: EntityStore, place: Place, now: dt.datetime, idempotency: str = ""
) -> tuple[str, bool]:
    """The next number of the place, and whether it is new, in a transaction of its own (:func:`number_in`)."""
    return store.write(lambda transaction: number_in(transaction, place, now, idempotency))


def number_in(
    transaction: Transaction,
    place: Place,
    now: dt.datetime,
    idempotency: str = "",
    taken: Callable[[str], bool] = lambda _number: False,
) -> tuple[str, bool]:
    """The next number of the place, and whether it is new.

    Counting and giving are one transaction, so two workers never give the same. With an ``idempotency`` key,
    asking again gives the same number: a form sent twice makes one request. The count goes by prefix, so
    places that share one do not collide, and passes over what is ``taken`` (an entity that somebody stored under it).
    """
    series = f"{prefix_of(place)}-{now.astimezone(ZoneInfo(place.timezone)).year}"
    key = _key(place, idempotency)
    given = transaction.record(GIVEN, key) if key else None
    if given:
        return str(given["number"]), False
    count = int((transaction.record(COUNTER, series) or {"count": 0})["count"]) + 1
    while taken(number := f"{series}-{count:06d}"):
        count += 1
    transaction.save_record(COUNTER, series, {"count": count})
    if key:
        if count % 100 == 0:
            _sweep(transaction, now)
        transaction.save_record(GIVEN, key, {"number": number, "at": now.isoformat()})
    return number, True


def number_given(store: EntityStore, place: Place, idempotency: str) -> str | None:
    """The number that was given for the key; None if none was."""
    given = store.record(GIVEN, _key(place, idempotency)) if idempotency else None
    return str(given["number"]) if given else None


def _key(place: Place, idempotency: str) -> str:
    return hashlib.sha256(f"{place.id}\n{idempotency}".encode()).hexdigest() if idempotency else ""


def _sweep(transaction: Transaction, now: dt.datetime) -> None:
    """A form that was sent days ago is not sent again."""
    before = (now - dt.timedelta(days=2)).isoformat()
    for key, given in transaction.records(GIVEN).items():
        if str(given["at"]) < before:
            transaction.save_record(GIVEN, key, None)


def normal_number(text: str) -> str | None:
    """The number that somebody typed (small letters, blanks around), or None if it is none."""
    number = text.strip().upper()
    return number if PATTERN.fullmatch(number) else None
