"""How like two texts are for a search that forgives slips of the pen, cut words and missing accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rapidfuzz.distance import OSA

Weighted = Sequence[tuple[float, Sequence[str]]]
"""What a thing is found by: weight, and the words of that weight."""
T = TypeVar("T")

_SLIPS = {4: 1, 7: 2}
"""Letters of a word from which so many slips (a letter wrong, missing, too many, or two swapped) are forgiven."""
_MOST_WORDS = 12


def words_in(text: str) -> list[str]:
    """The words of a text, without accents and capitals."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text[:4000]) if not unicodedata.combining(c))
    return re.findall(r"\w+", plain.casefold())


def ranked(things: Iterable[T], query: str, found_by: Callable[[T], Weighted]) -> list[T]:
    """The things that a query may mean, the likeliest first; all, as they come, for an empty query.

    Every word of the query must be found, in whatever the thing is found by.
    """
    wanted = words_in(query)[:_MOST_WORDS]
    things = list(things)
    if not wanted:
        return things
    scored = [(_score(found_by(thing), wanted), index) for index, thing in enumerate(things)]
    best = sorted((-score, index) for score, index in scored if score > 0)
    return [things[index] for _, index in best]


def without(query: Sequence[str], name: str) -> list[str] | None:
    """The words of a query without those that are a name, slips forgiven; None where the name is not among them."""
    wanted = words_in(name)
    for at in range(len(query) - len(wanted) + 1) if wanted else ():
        if all(_means(typed, word) for typed, word in zip(query[at:], wanted, strict=False)):
            return [*query[:at], *query[at + len(wanted) :]]
    return None


def _means(typed: str, word: str) -> bool:
    forgiven = _forgiven(typed)
    return typed == word or bool(forgiven and OSA.distance(typed, word, score_cutoff=forgiven) <= forgiven)


def _forgiven(word: str) -> int:
    return max((slips for letters, slips in _SLIPS.items() if len(word) >= letters), default=0)


def _score(fields: Weighted, wanted: Sequence[str]) -> float:
    total = 0.0
    for word in wanted:
        best = max(
            (weight * max((_likeness(word, one) for one in words), default=0.0) for weight, words in fields)
        )
        if not best:
            return 0.0
        total += best
    return total


def _likeness(word: str, other: str) -> float:
    if other == word:
        return 1.0
    if other.startswith(word):
        return 0.9
    if len(word) >= 4 and word in other:
        return 0.7
    forgiven = _forgiven(word)
    if not forgiven or len(other) < 4:
        return 0.0
    # The word may be cut short as well as mistyped: "lampp" is the beginning of "lampu jalan".
    slips = min(
        OSA.distance(word, other, score_cutoff=forgiven),
        OSA.distance(word, other[: len(word)], score_cutoff=forgiven) + 0.5,
    )
    return 0.6 * (1 - slips / len(word)) if slips <= forgiven else 0.0
