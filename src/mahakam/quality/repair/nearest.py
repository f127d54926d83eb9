"""The one value of a list that another was meant to be, where just one is near."""

from __future__ import annotations

from collections.abc import Collection

from mahakam.quality.plain import plain

_NEAR = 78
_CLEAR = 4
"""How much nearer (of 100) the nearest must be than the next, for one to be proposed."""


class Nearest:
    """Finds the one value of a list that another was meant to be."""

    def __init__(self, values: Collection[str]) -> None:
        self._by_key: dict[str, str] = {}
        self._double: set[str] = set()
        for value in sorted(values):
            key = plain(value)
            if key in self._by_key:
                self._double.add(key)
            self._by_key.setdefault(key, value)
        self._keys = list(self._by_key)

    def of(self, text: str) -> tuple[str, int] | None:
        """(the value, letters that differ), or None if none or more than one is near."""
        key = plain(text)
        if not key or key in self._double:
            return None
        if key in self._by_key:
            return self._by_key[key], 0
        from rapidfuzz import fuzz, process  # not before it is needed: most files need no spelling

        near = process.extract(key, self._keys, scorer=fuzz.ratio, score_cutoff=_NEAR, limit=2)
        if not near or near[0][0] in self._double:
            return None
        if len(near) == 2 and near[0][1] - near[1][1] < _CLEAR:
            return None
        return self._by_key[near[0][0]], letters_between(key, near[0][0])


def letters_between(a: str, b: str) -> int:
    """The number of letters to change, add or leave out to make one text the other."""
    from rapidfuzz.distance import Levenshtein

    return int(Levenshtein.distance(a, b))
