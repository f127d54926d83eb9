"""What is held in a feed, as cards with their cure: by rule and field, with repairs to propose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mahakam.config import ConfigError, Place
from mahakam.feeds.definition import Feed
from mahakam.feeds.parts import Parts
from mahakam.quality import wording
from mahakam.store.model import Held
from mahakam.store.protocol import EntityStore
from mahakam.web.datasets import feed_of, rule_words
from mahakam.web.language import reader
from mahakam.web.proposals import Proposal, Repair, repairs

if TYPE_CHECKING:
    from mahakam.web.site import Site

COMPARED = 20_000
"""Held rows that are compared with the lists at most; a feed with more has another fault than spelling."""
_MOST_COUNTED = 500
_counted: dict[
    tuple[EntityStore, str, str], tuple[tuple[tuple[int, int], ...], list[tuple[str, str, int]]]
] = {}


@dataclass(frozen=True, slots=True)
class Card:
    """One finding: its rule, its field, the rows it holds, the author's words, and its cure.

    ``warning``: the rule alone would not hold a row; it stands on rows that another rule holds.
    """

    rule: str
    field: str
    rows: int
    message: str
    repair: Repair | None
    warning: bool = False

    @property
    def title(self) -> str:
        return rule_words(self.rule, self.field)

    @property
    def advice(self) -> str:
        return wording.advice(self.rule, reader().language)


@dataclass(frozen=True)
class Findings:
    """The cards of a feed, and what its rows' cells are called and could become."""

    cards: tuple[Card, ...]
    feed: Feed | None

    def columns(self, field: str) -> tuple[str, ...]:
        """The columns of the file that a field is made of."""
        if self.feed is None:
            return ()
        return next((one.columns for one in self.feed.fields if one.name == field), ())

    def column(self, field: str) -> str:
        return ", ".join(self.columns(field))

    def raw(self, row: Held, reason: Mapping[str, Any]) -> str:
        """What stands in the file where a finding points; else the value that the finding names."""
        columns = self.columns(str(reason.get("field") or ""))
        if columns:
            return " ".join(str(row.raw.get(column) or "") for column in columns).strip()
        value = reason.get("value")
        return "" if value is None else str(value)

    def proposed(self, row: Held, reason: Mapping[str, Any]) -> str:
        """What a value should read: as a steward fixed it, else as proposed; "" if neither."""
        for column in self.columns(str(reason.get("field") or "")):
            if row.fixed.get(column):
                return str(row.fixed[column])
            found = self.proposal(column, row.raw.get(column) or "")
            if found:
                return found.new
        return ""

    def proposal(self, column: str, old: str) -> Proposal | None:
        return self._by_value.get((column, old))

    @property
    def _by_value(self) -> dict[tuple[str, str], Proposal]:
        return {
            (proposal.column, proposal.old): proposal
            for card in self.cards
            for proposal in (card.repair.proposals if card.repair else ())
        }


def findings_of(site: Site, place: Place, name: str) -> Findings:
    """What is held in a feed now; without proposals if its contract cannot be used."""
    feed = feed_of(place, name)
    rules = rules_held(site.store, place.id, name)
    try:
        parts = Parts.of(site.node)
        book = parts.book()
        contract = book.contract(place.id, feed.contract)
        found = repairs(feed, contract, book.references(place.id), _held(site, place.id, name))
        rules_of = {(rule.name, rule.field): rule for rule in contract.rules}
    except ConfigError:
        found, rules_of = {}, {}
    cards = []
    for rule, field, rows in rules:
        known = rules_of.get((rule, field))
        warning = known is not None and known.severity == "warning"
        message = known.message if known else ""
        cards.append(Card(rule, field, rows, message, found.get((rule, field)), warning))
    cards.sort(key=lambda card: card.warning)
    return Findings(tuple(cards), feed)


def rules_held(store: EntityStore, place: str, feed: str) -> list[tuple[str, str, int]]:
    """(rule, field, rows) of what is held, counted again only when a run or a person has let rows in or out: it takes
    most of a second for 100,000 rows."""
    key, mark = (store, place, feed), tuple(store.held_runs(place, feed))
    kept = _counted.get(key)
    if kept is None or kept[0] != mark:
        if len(_counted) > _MOST_COUNTED:
            _counted.clear()
        kept = _counted[key] = (mark, store.held_rules(place, feed))
    return kept[1]


def _held(site: Site, place: str, feed: str) -> Iterator[Held]:
    offset = 0
    while offset < COMPARED and (rows := site.store.held(place, feed, limit=1000, offset=offset)):
        yield from rows
        offset += len(rows)
