"""Entries of the catalogue found by words (slips of the pen forgiven), place, theme, agency and licence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from mahakam.feeds.catalogue.entry import Entry
from mahakam.feeds.catalogue.licences import known
from mahakam.likeness import Weighted, ranked, words_in

FACETS: Mapping[str, Callable[[Entry], str]] = {
    "place": lambda one: one.place.id,
    "theme": lambda one: one.feed.theme,
    "agency": lambda one: one.producer,
    "licence": lambda one: licence_name(one.feed.licence),
}
"""What entries are filtered by, and counted by."""


def search(found: Iterable[Entry], query: str = "", wanted: Mapping[str, str] | None = None) -> list[Entry]:
    """The entries with every wanted facet whose title, columns, place, agency or description hold the words."""
    chosen = [
        one for one in found if all(FACETS[name](one) == value for name, value in (wanted or {}).items())
    ]
    return ranked(chosen, query, lambda one: _fields(*_texts(one)))


def counted(found: Iterable[Entry], facet: str) -> dict[str, int]:
    """How many entries have each value of a facet, the most frequent first."""
    values = Counter(FACETS[facet](one) for one in found)
    return {value: n for value, n in sorted(values.items(), key=lambda item: (-item[1], item[0])) if value}


def licence_name(stated: str) -> str:
    """The known licence's id, else the words as stated."""
    found = known(stated)
    return found.id if found else stated


def _texts(one: Entry) -> tuple[str, str, str]:
    columns = (text for column in one.columns for text in (column.name, column.title))
    return (
        " ".join((*one.feed.title.values(), one.feed.name)),
        " ".join((*one.place.name.values(), one.feed.theme, one.contract.entity, one.producer)),
        " ".join((*one.description.values(), *columns)),
    )


@lru_cache(4096)
def _fields(title: str, about: str, rest: str) -> Weighted:
    weighted = ((3.0, title), (2.0, about), (1.0, rest))
    return tuple((weight, tuple(dict.fromkeys(words_in(text)))) for weight, text in weighted)
