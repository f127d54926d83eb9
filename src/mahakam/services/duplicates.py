"""Whether two reports are about the same problem: how far apart they lie, of what kind they are, in which words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz

from mahakam.services.area import Point, distance
from mahakam.services.catalogue import Service
from mahakam.services.request import Request

REACH = 40.0
"""Metres that two reports of one problem may lie apart where the service does not say (``reach:``)."""
_UNRELATED = 0.6
"""Share of like words that two texts about different things have at most, as a rule."""


@dataclass(frozen=True, slots=True)
class Likely:
    """An open request that may be the same problem. ``closeness``: 0 here and in the same words, 1 just so."""

    request: Request
    metres: float
    closeness: float


def reach_of(service: Service | None) -> float:
    return service.reach if service and service.reach else REACH


def farthest(service: Service | None) -> float:
    """Metres within which to look: the same words reach twice as far."""
    return 2 * reach_of(service)


def likely(
    candidates: Iterable[Request], service: str, reach: float, point: Point, words: str, limit: int = 3
) -> list[Likely]:
    """Of some open requests those that may be the same as a new report, the likeliest first."""
    found = []
    for request in candidates:
        if request.point is None:
            continue
        metres = distance(point, request.point)
        allowed = reach * reaches(service == request.service, alike(words, request.description))
        if allowed and metres <= allowed:
            found.append(Likely(request, metres, metres / allowed))
    return sorted(found, key=lambda one: one.closeness)[:limit]


def reaches(same_service: bool, words: float) -> float:
    """How many times its reach one may lie from the other: once for the same service, once for the same words."""
    return float(same_service) + max(0.0, words - _UNRELATED) / (1 - _UNRELATED)


def alike(one: str, other: str) -> float:
    """From 0 to 1: how much two texts say the same words, in any order; 0 where one of them says nothing."""
    first, second = _plain(one), _plain(other)
    return fuzz.token_set_ratio(first, second) / 100 if first and second else 0.0


def _plain(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", text[:2000]) if not unicodedata.combining(c))
    return " ".join(word for word in re.findall(r"\w+", bare.casefold()) if len(word) > 3 or word.isdigit())
