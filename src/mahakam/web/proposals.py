"""Repairs of what a feed holds: the proposals of quality/repair, in the columns of the feed's file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mahakam.quality.repair.proposals import LISTED, Proposer, Wrong
from mahakam.store.model import Held

if TYPE_CHECKING:
    from mahakam.feeds.definition import Feed
    from mahakam.feeds.definition import Field as FeedField
    from mahakam.quality.contract import Contract
    from mahakam.quality.references import References


@dataclass(frozen=True, slots=True)
class Proposal:
    """In ``column``, ``old`` should read ``new``; ``rows`` held rows say ``old``. ``kind``, ``sure`` and ``letters``
    as in quality/repair."""

    rule: str
    field: str
    column: str
    old: str
    new: str
    rows: int
    letters: int
    kind: str
    sure: bool


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
    """(rule, field) → its repair, of values that stand in one column as they are; the most frequent first."""
    columns = {field.name: field for field in feed.fields}
    counted: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for row in held:
        for reason in row.reasons:
            key = (str(reason.get("rule")), str(reason.get("field")))
            field = columns.get(key[1])
            if field is None or not _correctable(field):
                continue
            value = (row.raw | row.fixed).get(str(field.column))
            if value:
                counted.setdefault(key, Counter())[value, str(reason.get("expected") or "")] += 1
    proposer = Proposer(contract, references)
    found = {}
    for (rule, name), values in counted.items():
        column = str(columns[name].column)
        wrong = [Wrong(old, rows, expected) for (old, expected), rows in values.most_common()]
        proposed = tuple(
            Proposal(rule, name, column, one.old, one.new, one.rows, one.letters, one.kind, one.sure)
            for one in proposer.propose(rule, name, wrong)
            if one.new
        )
        cured = {one.old for one in proposed}
        others = tuple(Spelling(column, one.value, one.rows) for one in wrong if one.value not in cured)
        if proposed or rule in LISTED:
            found[rule, name] = Repair(proposed, others)
    return found


def _correctable(field: FeedField) -> bool:
    """Whether a value of the contract can stand in the field's column: nothing turns it into another form. A date is
    left as it is where it is read already; a number with marks of its own would be read again."""
    return field.column is not None and not (field.pattern or field.number)
