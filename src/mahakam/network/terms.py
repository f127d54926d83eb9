"""Membership and offices as dated data: who was a member, a candidate or in office from when to when, and who says so.

Terms come in through feeds (entities of the register's kind ``term``) and are recorded by the Secretariat; of two that
begin together for one seat the Secretariat's counts.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from mahakam.faults import Fault, Refused
from mahakam.network.recommendation import Author
from mahakam.store.protocol import EntityStore, Transaction

KIND = "network-term"
LONGEST = 200
TermKind = Literal["member", "candidate", "representative", "city_officer"]
TERM_KINDS: tuple[TermKind, ...] = ("member", "candidate", "representative", "city_officer")
_WHEN = re.compile(r"\d{4}(-\d{2}-\d{2})?")


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """``seat`` is a city's code, or a country's for a representative. ``since`` and ``until`` are ISO dates or years: a
    year counts from its first day; on ``until`` it is over, "" is open. ``by`` is None for what a feed brought."""

    kind: TermKind
    seat: str
    name: str
    country: str
    since: str
    until: str = ""
    source: str = ""
    by: Author | None = None
    at: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.seat}/{self.since}"

    def holds(self, day: dt.date) -> bool:
        return held(self.since, self.until, day)


def held(since: str, until: str, day: dt.date) -> bool:
    """Whether a day is in a term; without a beginning it is."""
    today = day.isoformat()
    return since <= today and (not until or today < until)


def recorded(store: EntityStore | Transaction) -> list[Term]:
    """What the Secretariat recorded."""
    return [msgspec.convert(kept, Term) for kept in store.records(KIND).values()]


def joined(fed: Iterable[Term], own: Iterable[Term]) -> tuple[Term, ...]:
    """Both together, by kind, seat and beginning."""
    found = {one.key: one for one in (*fed, *own)}
    return tuple(sorted(found.values(), key=lambda one: (TERM_KINDS.index(one.kind), one.seat, one.since)))


def record(store: EntityStore, term: Term, seats: Iterable[str], countries: Iterable[str]) -> Term:
    """Keep a term. ``seats`` are the codes there are for its kind; a city that the node does not know yet may come too,
    with its name and country. Raises Refused."""
    faults = []
    if term.kind not in TERM_KINDS:
        faults.append(Fault("kind", "choose", {}))
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*|[A-Z]{2}", term.seat) or (
        term.kind in ("representative", "city_officer") and term.seat not in set(seats)
    ):
        faults.append(Fault("seat", "choose", {}))
    if term.country not in set(countries):
        faults.append(Fault("country", "choose", {}))
    for name, text in (("name", term.name), ("source", term.source)):
        if not 0 < len(text) <= LONGEST or not text.isprintable():
            faults.append(Fault(name, "words", {"most": LONGEST}))
    faults += [Fault(name, "when", {}) for name, text in (("since", term.since), ("until", term.until))
               if not _is_when(text) and (name == "since" or text)]  # fmt: skip
    if not faults and term.until and term.until <= term.since:
        faults.append(Fault("until", "order", {}))
    if faults:
        raise Refused(faults)
    store.write(lambda transaction: transaction.save_record(KIND, term.key, msgspec.to_builtins(term)))
    return term


def _is_when(text: str) -> bool:
    if not _WHEN.fullmatch(text):
        return False
    try:
        dt.date.fromisoformat(text if len(text) == 10 else f"{text}-01-01")
    except ValueError:
        return False
    return True
