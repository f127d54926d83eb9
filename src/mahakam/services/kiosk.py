"""Tablets at counters that ask for satisfaction: each has a secret link, which can give answers and do nothing else."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from mahakam.access import throttle
from mahakam.broker.broker import Broker
from mahakam.ngsild.problem import Problem
from mahakam.services import satisfaction
from mahakam.store.protocol import EntityStore

KIND = "kiosk"
MOST_ANSWERS, WINDOW = 60, 3600
"""Answers that one tablet may give in so many seconds: more than a counter serves people."""
LONGEST_NAME = 80


class TooMany(Exception):
    """The tablet gave more answers than a counter serves people; ``seconds`` until the next is taken."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Kiosk:
    """``id`` is the digest of the link's secret, which is nowhere kept; ``name``: which counter it stands at."""

    id: str
    place: str
    service: str
    agency: str
    name: str
    author: str
    at: float


def make(store: EntityStore, place: str, service: str, agency: str, name: str, author: str) -> str:
    """Set a tablet up; the secret of its link, to be shown once."""
    secret = secrets.token_urlsafe(18)
    kept = {
        "place": place,
        "service": service,
        "agency": agency,
        "name": name.strip()[:LONGEST_NAME],
        "author": author,
        "at": time.time(),
    }
    store.write(lambda transaction: transaction.save_record(KIND, _id(secret), kept))
    return secret


def find(store: EntityStore, secret: str) -> Kiosk | None:
    id = _id(secret)
    kept = store.record(KIND, id)
    return Kiosk(id, **kept) if kept else None


def kiosks(store: EntityStore, place: str) -> list[Kiosk]:
    """The tablets of a place, the newest first."""
    found = [Kiosk(id, **kept) for id, kept in store.records(KIND).items() if kept["place"] == place]
    return sorted(found, key=lambda one: -one.at)


def end(store: EntityStore, id: str) -> None:
    """Its link opens nothing any more; what it gave stays."""
    store.write(lambda transaction: transaction.save_record(KIND, id, None))


def answer(broker: Broker, kiosk: Kiosk, scope: str, once: str, given: Mapping[str, int], date: str) -> None:
    """Keep what somebody answered; the same ``once`` again (a button pressed twice) changes nothing.

    Raises TooMany, and KeyError or ValueError as :func:`satisfaction.keep` does.
    """
    if wait := throttle.take(broker.store, "kiosk", kiosk.id, MOST_ANSWERS, WINDOW):
        raise TooMany(wait)
    key = hashlib.sha256(f"{kiosk.id} {once}".encode()).hexdigest()[:24]
    try:
        satisfaction.keep(broker, key, scope, kiosk.service, kiosk.agency, given, date)
    except Problem as problem:
        if problem.kind != "AlreadyExists":
            raise


def _id(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:32]
