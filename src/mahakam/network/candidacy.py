"""A city that wants to join: its dossier as it was submitted, the Secretariat's findings, the countries' consensus.

Pure: each step takes a candidacy and gives the next one, or raises Refused or Changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Literal

import msgspec

from mahakam.faults import Changed, Fault, Refused, refuse
from mahakam.network.recommendation import (
    LONGEST_TEXT,
    Author,
    Course,
    Position,
    Words,
    consensus,
    noted,
    position,
    require,
    standing,
)

State = Literal["open", "submitted", "returned", "reviewed", "decision", "admitted"]
MOST_DOSSIERS = 30


class Line(msgspec.Struct, frozen=True):
    """``href`` is where it is opened on the node, "" for nowhere; ``good``: whether it speaks for the city, None for
    what is no question of that."""

    name: str
    value: str
    href: str = ""
    good: bool | None = None


class Part(msgspec.Struct, frozen=True):
    title: str
    lines: tuple[Line, ...]


class Dossier(msgspec.Struct, frozen=True):
    """What the node knew of the city on the day of submission, in each language; ``why`` is the city's own word."""

    at: str
    by: Author
    why: Words
    parts: dict[str, tuple[Part, ...]]


class Finding(msgspec.Struct, frozen=True):
    """The Secretariat's on one dossier."""

    at: str
    by: Author
    dossier: int
    text: str


class Candidacy(Course, frozen=True, kw_only=True):
    """``key`` is the city's code; ``since`` the day from which it is a member if the countries consent. ``round``
    counts the times it was put to them."""

    key: str
    state: State = "open"
    dossiers: tuple[Dossier, ...] = ()
    findings: tuple[Finding, ...] = ()
    positions: tuple[Position, ...] = ()
    round: int = 0
    since: str = ""

    @property
    def version(self) -> int:
        return len(self.dossiers)

    def standing_positions(self) -> dict[str, Position]:
        """The last word of each country in the round under way (or the last one)."""
        return standing(self.positions, self.round)


def submit(found: Candidacy, dossier: Dossier) -> Candidacy:
    """Another dossier, which is reviewed anew; what was found of the one before is kept."""
    require(found.state in ("open", "returned"))
    faults = [] if dossier.why.get("en") else [Fault("why-en", "english", {})]
    faults += [
        Fault(f"why-{language}", "long", {"most": LONGEST_TEXT})
        for language, text in dossier.why.items()
        if len(text) > LONGEST_TEXT
    ]
    if found.version >= MOST_DOSSIERS:
        faults.append(Fault("form", "many", {"most": MOST_DOSSIERS}))
    if faults:
        raise Refused(faults)
    sent = msgspec.structs.replace(found, dossiers=(*found.dossiers, dossier), state="submitted")
    return noted(sent, "submitted", dossier.by, dossier.at)


def review(found: Candidacy, text: str, ready: bool, seen: int, by: Author, at: str) -> Candidacy:
    """The Secretariat's findings on the dossier that it saw: ready for the countries, or back to the city."""
    require(found.state == "submitted")
    if seen != found.version:
        raise Changed
    return _with_finding(found, text, "reviewed" if ready else "returned", by, at)


def put(found: Candidacy, since: str, by: Author, at: str) -> Candidacy:
    """Before the countries, with the day from which it would be a member: a new round. One that is blocked may be put
    again."""
    require(found.state in ("reviewed", "decision"))
    try:
        dt.date.fromisoformat(since)
    except ValueError:
        raise refuse("since", "date") from None
    asked = msgspec.structs.replace(found, state="decision", since=since, round=found.round + 1)
    return noted(asked, "put", by, at, since)


def decide(
    found: Candidacy,
    country: str,
    consents: bool,
    reason: str,
    seen: tuple[int, int],
    countries: Collection[str],
    by: Author,
    at: str,
) -> Candidacy:
    """As for a recommendation: with the consent of every one of ``countries`` it is admitted; an objection blocks and
    is kept. ``seen``: the dossier and round that the country read."""
    require(found.state == "decision")
    if seen != (found.version, found.round):
        raise Changed
    said = position(country, consents, reason, seen, countries, by, at)
    decided = msgspec.structs.replace(found, positions=(*found.positions, said))
    decided = noted(decided, "consented" if consents else "objected", by, at, reason.strip())
    if not consensus(decided.standing_positions(), countries):
        return decided
    return noted(msgspec.structs.replace(decided, state="admitted"), "admitted", by, at, found.since)


def give_back(found: Candidacy, text: str, by: Author, at: str) -> Candidacy:
    """Out of the countries' hands, to be mended by the city; what they said is kept."""
    require(found.state in ("reviewed", "decision"))
    return _with_finding(found, text, "returned", by, at)


def _with_finding(
    found: Candidacy, text: str, state: Literal["reviewed", "returned"], by: Author, at: str
) -> Candidacy:
    """One finding more, and what follows from it."""
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise refuse("findings", "words", most=LONGEST_TEXT)
    new = Finding(at, by, found.version, text.strip())
    read = msgspec.structs.replace(found, findings=(*found.findings, new), state=state)
    return noted(read, state, by, at)
