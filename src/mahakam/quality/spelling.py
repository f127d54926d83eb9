"""Rare values that were probably meant to be a frequent one: letters slipped, case, blanks or marks differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA, Levenshtein

from mahakam.quality.plain import plain

MOST_VALUES = 20_000
"""Distinct values that are compared at most, the most frequent first: beyond that a column is free text."""
_FREQUENT = 3
_TIMES = 5
"""How many times more often the right spelling must occur than the wrong one."""
_MOST_RIGHT = 2_000


def misspelt(counted: Iterable[tuple[str, int]]) -> dict[str, str]:
    """Of the distinct values of a column with their numbers: rare value → the frequent one that it is a slip of.

    Two values that differ in digits only, in a short word or in too many letters are two values.
    """
    values = sorted(counted, key=lambda item: (-item[1], item[0]))[:MOST_VALUES]
    found = _variants(values)
    right = [(value, number) for value, number in values if number >= _FREQUENT and value not in found]
    right = right[:_MOST_RIGHT]
    names = [value for value, _ in right]
    numbers = dict(right)
    for value, number in values:
        if number * _TIMES > (right[0][1] if right else 0) or value in found:
            continue
        allowed = letters_allowed(value)
        if not allowed:
            continue
        near = process.extract(value, names, scorer=OSA.distance, score_cutoff=allowed, limit=3)
        for name, _, _ in near:
            if name != value and numbers[name] >= _TIMES * number and is_slip(value, name):
                found[value] = name
                break
    return found


def letters_allowed(text: str) -> int:
    """How many letters of a text may be wrong for it to be still the same word: none in a short one."""
    length = len(text)
    return 0 if length < 4 else 1 if length < 9 else 2 if length < 20 else 3


def is_slip(wrong: str, right: str) -> bool:
    """Whether two near texts are two spellings of one thing, rather than two things that are named alike."""
    for edit in Levenshtein.editops(wrong, right):
        old = wrong[edit.src_pos] if edit.tag != "insert" and edit.src_pos < len(wrong) else ""
        new = right[edit.dest_pos] if edit.tag != "delete" and edit.dest_pos < len(right) else ""
        if (not old or old.isdigit()) and (not new or new.isdigit()):
            return False
    ours, theirs = wrong.split(), right.split()
    if len(ours) != len(theirs):
        return True
    return all(a == b or OSA.distance(a, b) <= letters_allowed(b) for a, b in zip(ours, theirs, strict=True))


def _variants(values: Sequence[tuple[str, int]]) -> dict[str, str]:
    """Values that differ from a more frequent one in case, blanks, marks or accents only."""
    first: dict[str, tuple[str, int]] = {}
    found: dict[str, str] = {}
    for value, number in values:
        key = plain(value)
        if not key or key.isdigit():
            continue
        if key in first and first[key][1] >= 2 * number and first[key][1] >= _FREQUENT:
            found[value] = first[key][0]
        first.setdefault(key, (value, number))
    return found
