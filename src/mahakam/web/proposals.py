"""What a held value probably meant: the nearest value that its rule would take, where just one is near."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mahakam.store.model import Held

if TYPE_CHECKING:
    from mahakam.feeds.definition import Feed
    from mahakam.feeds.definition import Field as FeedField
    from mahakam.quality.contract import Contract
    from mahakam.quality.references import References

_LISTED = ("enum", "foreignKey")
"""Rules that name the values they take."""
_NEAR = 0.78
_CLEAR = 0.04
"""How much nearer (difflib ratio) the nearest must be than the next, for one to be proposed."""
_MOST_VALUES = 50_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """In ``column``, ``old`` should read ``new``; ``rows`` held rows say ``old``; ``letters`` differ (0:
    only case, blanks or punctuation)."""

    rule: str
    field: str
    column: str
    old: str
    new: str
    rows: int
    letters: int


@dataclass(frozen=True, slots=True)
class Spelling:
    """A held value without a proposal."""

    column: str
    old: str
    rows: int


@dataclass(frozen=True, slots=True)
class Repair:
    """All that is held by one rule on one field: what can be proposed, and what a person must look at."""

    proposals: tuple[Proposal, ...]
    others: tuple[Spelling, ...]

    @property
    def rows(self) -> int:
        return sum(proposal.rows for proposal in self.proposals)


def repairs(
    feed: Feed, contract: Contract, references: References, held: Iterable[Held]
) -> dict[tuple[str, str], Repair]:
    """(rule, field) → its repair, for the rules that name the values they take; the most frequent first."""
    columns = {field.name: field for field in feed.fields}
    counted: dict[tuple[str, str], Counter[str]] = {}
    for row in held:
        for reason in row.reasons:
            key = (str(reason.get("rule")), str(reason.get("field")))
            field = columns.get(key[1])
            if key[0] not in _LISTED or field is None or not _correctable(field):
                continue
            value = (row.raw | row.fixed).get(str(field.column))
            if value:
                counted.setdefault(key, Counter())[value] += 1
    found = {}
    for (rule, name), values in counted.items():
        near = Nearest(allowed(contract, references, name, rule))
        proposed, others = [], []
        for old, rows in values.most_common():
            column = str(columns[name].column)
            new = near.of(old)
            if new is None or new[0] == old:
                others.append(Spelling(column, old, rows))
            else:
                proposed.append(Proposal(rule, name, column, old, new[0], rows, new[1]))
        found[rule, name] = Repair(tuple(proposed), tuple(others))
    return found


def allowed(contract: Contract, references: References, field: str, rule: str) -> frozenset[str]:
    """The values that a field may have by its list or its code list; none if there are too many to
    compare."""
    from mahakam.quality.references import UnknownTarget
    from mahakam.quality.rule import Refers

    if rule == "enum":
        known = contract.fields.get(field)
        return frozenset(str(value) for value in (known.values if known else ()))
    values: frozenset[str] = frozenset()
    for one in contract.rules:
        if one.field == field and isinstance(one.check, Refers):
            try:
                values |= references.values(one.check.target)
            except UnknownTarget:
                continue
    return values if len(values) <= _MOST_VALUES else frozenset()


class Nearest:
    """Finds the one value of a list that another was meant to be."""

    def __init__(self, values: Collection[str]) -> None:
        self._by_key: dict[str, str] = {}
        self._double: set[str] = set()
        for value in sorted(values):
            key = _key(value)
            if key in self._by_key:
                self._double.add(key)
            self._by_key.setdefault(key, value)
        self._keys = list(self._by_key)

    def of(self, text: str) -> tuple[str, int] | None:
        """(the value, letters that differ), or None if none or more than one is near."""
        key = _key(text)
        if not key or key in self._double:
            return None
        if key in self._by_key:
            return self._by_key[key], 0
        near = difflib.get_close_matches(key, self._keys, 2, _NEAR)
        if not near or near[0] in self._double:
            return None
        if len(near) == 2 and _ratio(key, near[0]) - _ratio(key, near[1]) < _CLEAR:
            return None
        return self._by_key[near[0]], letters_between(key, near[0])


def letters_between(a: str, b: str) -> int:
    """The number of letters to change, add or leave out to make one text the other (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def _correctable(field: FeedField) -> bool:
    """Whether a value of the contract can stand in the field's column: nothing turns it into another form."""
    return field.column is not None and not (field.pattern or field.number or field.date)


def _key(text: str) -> str:
    """Letters and digits only: blanks and punctuation are where spellings differ most and mean least."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "", plain.casefold())


def _ratio(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, b, a).ratio()
