"""Search of services that forgives slips of the pen, cut words, missing accents, and asks in any language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from mahakam.likeness import Weighted, ranked, without, words_in
from mahakam.services.catalogue import Service, life_events


def search(services: Iterable[Service], query: str) -> list[Service]:
    """The services that the query may mean, the likeliest first; all, as they come, for an empty query.

    All words of the query must be found: in the name, other names, the event of life, the group, the description
    or the agency.
    """
    return ranked(services, query, lambda service: _fields(service.code, *_texts(service)))


def place_in(query: str, names: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """The place that a query names beside what it looks for (``names``: place → what it and its parts are called), and
    the rest of the query; "" and the whole query if it names none."""
    words = words_in(query)
    for place, called in names.items():
        for name in sorted(called, key=len, reverse=True):
            if (rest := without(words, name)) is not None:
                return place, " ".join(rest)
    return "", query


def _texts(service: Service) -> tuple[str, str, str, str]:
    events = (name for code in service.events for name in life_events()[code].values())
    return (
        " ".join(service.name.values()),
        " ".join(service.keywords),
        " ".join((*service.group.values(), *events)),
        " ".join((*service.description.values(), service.agency)),
    )


@lru_cache(4096)
def _fields(_code: str, name: str, others: str, group: str, rest: str) -> Weighted:
    """Weight and words of each field; split once, not at every key that is pressed."""
    weighted = ((3.0, name), (2.0, others), (1.5, group), (1.0, rest))
    return tuple((weight, tuple(dict.fromkeys(words_in(text)))) for weight, text in weighted)
