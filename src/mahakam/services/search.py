"""Search of services that forgives slips of the pen, cut words, missing accents, and asks in any language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz.distance import OSA

from mahakam.services.catalogue import Service, life_events

_SLIPS = {4: 1, 7: 2}
"""Letters of a word from which so many slips (a letter wrong, missing, too many, or two swapped) are forgiven."""
_Field = tuple[float, tuple[str, ...]]


def search(services: Iterable[Service], query: str) -> list[Service]:
    """The services that the query may mean, the likeliest first; all, as they come, for an empty query.

    All words of the query must be found: in the name, other names, the event of life, the group, the description
    or the agency.
    """
    wanted = _words(query)[:12]
    services = list(services)
    if not wanted:
        return services
    scored = [(_score(service, wanted), index) for index, service in enumerate(services)]
    best = sorted((-score, index) for score, index in scored if score > 0)
    return [services[index] for _, index in best]


def _score(service: Service, wanted: list[str]) -> float:
    fields = _fields(service.code, *_texts(service))
    total = 0.0
    for word in wanted:
        best = max(
            (weight * max((_likeness(word, one) for one in words), default=0.0) for weight, words in fields)
        )
        if not best:
            return 0.0
        total += best
    return total


def _texts(service: Service) -> tuple[str, str, str, str]:
    events = (name for code in service.events for name in life_events()[code].values())
    return (
        " ".join(service.name.values()),
        " ".join(service.keywords),
        " ".join((*service.group.values(), *events)),
        " ".join((*service.description.values(), service.agency)),
    )


@lru_cache(4096)
def _fields(_code: str, name: str, others: str, group: str, rest: str) -> tuple[_Field, ...]:
    """Weight and words of each field; split once, not at every key that is pressed."""
    weighted = ((3.0, name), (2.0, others), (1.5, group), (1.0, rest))
    return tuple((weight, tuple(dict.fromkeys(_words(text)))) for weight, text in weighted)


def _likeness(word: str, other: str) -> float:
    if other == word:
        return 1.0
    if other.startswith(word):
        return 0.9
    if len(word) >= 4 and word in other:
        return 0.7
    forgiven = max((slips for letters, slips in _SLIPS.items() if len(word) >= letters), default=0)
    if not forgiven or len(other) < 4:
        return 0.0
    # The word may be cut short as well as mistyped: "lampp" is the beginning of "lampu jalan".
    slips = min(
        OSA.distance(word, other, score_cutoff=forgiven),
        OSA.distance(word, other[: len(word)], score_cutoff=forgiven) + 0.5,
    )
    return 0.6 * (1 - slips / len(word)) if slips <= forgiven else 0.0


def _words(text: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text[:4000]) if not unicodedata.combining(c))
    return re.findall(r"\w+", plain.casefold())
