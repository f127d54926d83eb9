"""Small counts that are not shown, and those by which they could be worked out (k-anonymity of published tables)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
FEWEST = 5
"""The smallest count of persons that is shown, unless the setting ``fewest`` says another."""


def hidden_counts(counts: Mapping[K, int], fewest: int) -> frozenset[K]:
    """Which of some counts, whose sum is published too, are not shown.

    Those from 1 to below ``fewest``. Then the smallest of the others, until the hidden ones are at least two, together
    at least ``fewest``, and more than one each: else the sum without those shown would give them back. A count of 0
    says nothing of anybody, and is shown.
    """
    ordered = sorted((n, str(name), name) for name, n in counts.items() if n > 0)
    hidden = [name for n, _, name in ordered if n < fewest]
    if not hidden:
        return frozenset()
    for _n, _, name in ordered[len(hidden) :]:
        total = sum(counts[one] for one in hidden)
        if len(hidden) > 1 and total >= fewest and total > len(hidden):
            break
        hidden.append(name)
    return frozenset(hidden)
