"""Repairs of the values that a rule finds: read otherwise, or the value that is meant, if the rules then hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from mahakam.quality.checker import Checker
from mahakam.quality.contract import Contract, Field
from mahakam.quality.odcs import ContractError
from mahakam.quality.plain import plain
from mahakam.quality.references import References, UnknownTarget
from mahakam.quality.repair.nearest import Nearest, letters_between
from mahakam.quality.repair.readings import Reading, readings
from mahakam.quality.rule import Across, Compared, OneOf, Refers, Rule

LISTED = ("enum", "foreignKey")
"""Rules that name the values they take."""
_MOST_VALUES = 50_000
_USUAL = ", as in "
_EXCLUSIVE = ({"decimalComma", "thousands"}, {"dayFirst", "monthFirst"})
"""Readings of one text of which a column has one."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """``old`` should read ``new``; ``rows`` rows say ``old``. ``kind`` names the defect (repair/words.py).

    ``sure``: the rules hold with ``new`` and nothing else was as likely; otherwise a person must choose.
    ``letters``: how many differ, for the kind ``nearest``.
    """

    kind: str
    rule: str
    field: str
    old: str
    new: str
    rows: int
    sure: bool = True
    letters: int = 0

    def as_dict(self) -> dict[str, Any]:
        """One entry of a report's ``repairs``."""
        return {
            "kind": self.kind,
            "field": self.field,
            "old": self.old,
            "new": self.new,
            "rows": self.rows,
            "sure": self.sure,
        }


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that a rule finds, what the finding says would be right, and in how many rows."""

    value: str
    rows: int
    expected: str = ""


class Proposer:
    """Proposes for the values of one contract. Values are text as in files."""

    def __init__(self, contract: Contract, references: References) -> None:
        self.contract = contract
        self.references = references
        self._checkers: dict[str, Checker | None] = {}
        self._nearest: dict[tuple[str, str], Nearest] = {}

    def propose(self, rule: str, field: str, wrong: Sequence[Wrong]) -> list[Proposal]:
        """The repairs of what one rule finds in one field, in the order given; a value without one is left out."""
        known = self.contract.fields.get(field)
        if known is None:
            return []
        if rule == "marker":
            return [Proposal("marker", rule, field, one.value, "", one.rows) for one in wrong]
        read = {one.value: self._readings(rule, known, one) for one in wrong if one.value}
        favoured = _favoured(wrong, read)
        found = []
        for one in wrong:
            options = [option for option in read.get(one.value, ()) if option[0] not in favoured.against]
            if not options:
                continue
            kind, new = options[0]
            sure = kind not in favoured.unsure and kind not in ("scale", "sign")
            letters = letters_between(plain(one.value), plain(new)) if kind == "nearest" else 0
            found.append(Proposal(kind, rule, field, one.value, new, one.rows, sure, letters))
        return found

    def _readings(self, rule: str, field: Field, wrong: Wrong) -> list[Reading]:
        if rule in ("spelling", "determined"):
            return self._usual(rule, wrong)
        if rule in LISTED:
            near = self._near(rule, field.name).of(wrong.value)
            if near is not None and near[0] != wrong.value:
                return [("nearest" if near[1] else "case", near[0])]
        some = [*readings(wrong.value, field.kind), *self._amounts(rule, field, wrong.value)]
        seen: dict[str, Reading] = {}
        for kind, new in some:
            if new != wrong.value and new not in seen and self.passes(field.name, new):
                seen[new] = (kind, new)
        return list(seen.values())

    def _usual(self, rule: str, wrong: Wrong) -> list[Reading]:
        """The value that the finding itself names as the usual one."""
        usual = wrong.expected if rule == "spelling" else wrong.expected.rpartition(_USUAL)[0]
        if not usual or usual == wrong.value:
            return []
        return [("case" if plain(usual) == plain(wrong.value) else "usual", usual)]

    def _amounts(self, rule: str, field: Field, text: str) -> Iterable[Reading]:
        """A number out of its range with the other sign, or with the decimal mark put back."""
        if rule not in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "outlier"):
            return
        if field.kind.logical not in ("integer", "number") or not field.kind.plain_number:
            return
        yield "sign", text[1:] if text.startswith("-") else f"-{text.removeprefix('+')}"
        bounds = [r for r in self.contract.rules if r.field == field.name and isinstance(r.check, Compared)]
        if len(bounds) >= 2 and field.kind.logical == "number":
            digits = text.lstrip("+-")
            scaled = (
                [f"{float(text) / 10**places:.12g}" for places in range(1, 9)] if _is_number(digits) else []
            )
            fitting = [one for one in scaled if self.passes(field.name, one)]
            if len(fitting) == 1:
                yield "scale", fitting[0]

    def _near(self, rule: str, field: str) -> Nearest:
        if (rule, field) not in self._nearest:
            self._nearest[rule, field] = Nearest(allowed(self.contract, self.references, field, rule))
        return self._nearest[rule, field]

    def passes(self, field: str, text: str) -> bool:
        """Whether a text would pass every rule on the field alone."""
        if field not in self._checkers:
            self._checkers[field] = _alone(self.contract, self.references, field)
        checker = self._checkers[field]
        return checker is not None and not checker.check({field: text}, lexical=True)


@dataclass
class _Favoured:
    against: set[str]
    unsure: set[str]


def _favoured(wrong: Sequence[Wrong], read: dict[str, list[Reading]]) -> _Favoured:
    """Of two readings that exclude each other, the one that fits more of the column's values; unsure if both fit
    all of them. A comma before three digits is the mark of thousands if it is so in every value."""
    against: set[str] = set()
    unsure: set[str] = set()
    for pair in _EXCLUSIVE:
        fits: Counter[str] = Counter()
        for one in wrong:
            kinds = {kind for kind, _ in read.get(one.value, ())} & pair
            fits.update(dict.fromkeys(kinds, one.rows))
        if len(fits) < 2:
            continue
        first, second = sorted(pair)
        if fits[first] == fits[second]:
            against.add(second if second == "monthFirst" else first)
            unsure |= pair
        else:
            against.add(min(pair, key=lambda kind: fits[kind]))
    return _Favoured(against, unsure)


def _alone(contract: Contract, references: References, field: str) -> Checker | None:
    rules = [
        rule for rule in contract.row_rules if rule.reads == (field,) and not isinstance(rule.check, Across)
    ]
    numbered = tuple(replace(rule, number=number) for number, rule in enumerate(rules))
    fields = MappingProxyType({field: contract.fields[field]})
    try:
        return Checker(replace(contract, fields=fields, rules=numbered), references)
    except ContractError:
        return None


def allowed(contract: Contract, references: References, field: str, rule: str) -> frozenset[str]:
    """The values that a field may have by its list or its code list; none if there are too many to compare."""
    values: frozenset[str] = frozenset()
    for one in contract.rules:
        if one.field == field and one.name == rule:
            values |= _values(one, references)
    return values if len(values) <= _MOST_VALUES else frozenset()


def _values(rule: Rule, references: References) -> frozenset[str]:
    if isinstance(rule.check, OneOf):
        return frozenset(map(str, rule.check.values))
    try:
        return references.values(rule.check.target) if isinstance(rule.check, Refers) else frozenset()
    except UnknownTarget:
        return frozenset()


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
