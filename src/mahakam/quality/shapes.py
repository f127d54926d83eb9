"""What most texts of a column look like: a number with a unit, a code of letters and digits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mahakam.quality.units import SAME

MOST = 0.9
"""The share of values that must be alike before the others are called deviations."""
ENOUGH = 20
"""Values below which nothing may deviate: in so few, one in ten is no exception but a part."""
_NUMBER = r"[+-]?[0-9][0-9.,]*"
_CURRENCY = r"(?:Rp\.?|IDR|USD|SGD|MYR|RM|US\$|S\$|[$€£¥])\s?"
_AFFIXED = re.compile(
    rf"(?P<before>(?:{_CURRENCY})?)(?P<number>{_NUMBER})(?P<after>\s?[^\d+]{{0,16}})", re.IGNORECASE
)
_LONGEST = 60
_SECOND = 5

Counted = Sequence[tuple[str, int]]
"""Distinct values with their numbers."""


@dataclass(frozen=True, slots=True)
class Affixes:
    """Numbers that units stand beside. ``share``: of all values; ``forms``: (before, after) with their numbers;
    ``uniform``: the one form that nearly all have, ("", "") for none; None if there are several."""

    share: float
    forms: Counter[tuple[str, str]]
    uniform: tuple[str, str] | None


def affixes(counted: Counted) -> Affixes | None:
    """The units of a column of numbers, None if it is no such column or they are too many to be units."""
    total = sum(number for _, number in counted)
    forms: Counter[tuple[str, str]] = Counter()
    for value, number in counted:
        if found := _AFFIXED.fullmatch(value.strip()):
            forms[found["before"], found["after"]] += number
    share = sum(forms.values()) / total if total else 0.0
    named = {(_bare(before), _bare(after)) for before, after in forms} - {("", "")}
    if total < ENOUGH or share < MOST or not named or len(forms) > 12 or not _one_unit(named):
        return None
    common, number = forms.most_common(1)[0]
    return Affixes(share, forms, common if number >= MOST * total else None)


def _one_unit(named: set[tuple[str, str]]) -> bool:
    """Whether the texts beside numbers can all be one unit, spelt in several ways (``oz``, ``ounce``): districts and
    substances have numbers beside them too."""
    before, after = ({side for side in sides if side} for sides in zip(*named, strict=True))
    known = [_spellings(text) for text in sorted(after)]
    alike = len({text[0] for text in after}) <= 1 or bool(frozenset.intersection(*known))
    return len({text[0] for text in before}) <= 1 and alike


def _spellings(unit: str) -> frozenset[str]:
    """The other spellings of a unit, without case and marks."""
    return frozenset(_bare(one) for group in SAME if unit in map(_bare, group) for one in group)


def affix_pattern(form: tuple[str, str]) -> str:
    """The pattern of a number between these texts."""
    return f"^{re.escape(form[0])}{_NUMBER}{re.escape(form[1])}$"


def dominant_pattern(counted: Counted) -> str:
    """The pattern that most values follow and not all do: first with the lengths of all parts, then without those
    of letters; empty if there is none, or if it says next to nothing."""
    total = sum(number for _, number in counted)
    if total < ENOUGH or any(len(value) > _LONGEST for value, _ in counted[:50]):
        return ""
    for exact in (True, False):
        masks: Counter[str] = Counter()
        for value, number in counted:
            masks[_mask(value, exact)] += number
        (mask, number), *others = masks.most_common(2)
        if number < MOST * total or not _says_something(mask) or (exact and _is_amount(mask)):
            continue
        if others and others[0][1] >= _SECOND and _repeated(counted, others[0][0], exact):
            continue
        return f"^{mask}$"
    return ""


_PARTS = re.compile(r"([0-9]+)|([A-Z]+)|([a-z]+)|(\s+)|(.)", re.DOTALL)


def _mask(value: str, exact: bool) -> str:
    out = []
    for found in _PARTS.finditer(value):
        digits, upper, lower, blank, other = found.groups()
        if digits:
            out.append(f"[0-9]{{{len(digits)}}}" if exact else "[0-9]+")
        elif upper or lower:
            letters = upper or lower
            out.append(("[A-Z]" if upper else "[a-z]") + (f"{{{len(letters)}}}" if exact else "+"))
        else:
            out.append(" " if blank == " " else re.escape(blank or other))
    return "".join(out)


def _is_amount(mask: str) -> bool:
    """A number of any size, rather than a code: its length says nothing."""
    return not re.sub(r"\[0-9\]\{\d+\}|\\?[.,+-]| ", "", mask) and bool(re.search(r"[.,]", mask))


def _repeated(counted: Counted, mask: str, exact: bool) -> bool:
    """Whether the values of a second form occur again and again: then they are codes of another kind, no slips."""
    some = [number for value, number in counted if _mask(value, exact) == mask]
    return len(some) * 2 <= sum(some)


def _says_something(mask: str) -> bool:
    """A word of letters alone is no code, unless it is short and always of one length."""
    if "[0-9]" in mask:
        return True
    return bool(re.fullmatch(r"\[[A-Z]-[A-Z]\]\{[1-5]\}", mask))


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold()) or ("%" if "%" in text else "")
