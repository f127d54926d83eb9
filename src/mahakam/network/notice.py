"""A notice on the network's board: what a city or a partner offers or asks for, put up by the Secretariat.

Pure: each step takes a notice and gives the next one, or raises Refused or Changed.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from mahakam.faults import Changed, Fault, Refused
from mahakam.network.cooperation import Party
from mahakam.network.plan import FOCUS_AREAS
from mahakam.network.recommendation import LONGEST_TITLE, Author, Course, Words, noted, require
from mahakam.network.writing import day_faults, reasoned, titled, too_long, written

Kind = Literal["offer", "ask"]
State = Literal["waiting", "open", "returned", "closed"]
KINDS: tuple[Kind, Kind] = ("offer", "ask")
LONGEST_DAYS, MOST_OPEN, MOST_VERSIONS = 731, 20, 50


class Text(msgspec.Struct, frozen=True):
    """``area`` is a focus area, "" for any; ``until`` the last day on which it is answered (ISO). ``conditions`` may be
    left out."""

    kind: Kind
    title: str
    what: Words
    whom: str
    area: str
    until: str
    conditions: Words


class Version(msgspec.Struct, frozen=True):
    text: Text
    at: str
    by: Author


class Notice(Course, frozen=True, kw_only=True):
    key: str
    party: Party
    state: State
    versions: tuple[Version, ...]
    shown: int = 0
    """The version that the Secretariat put up last, 0 for none: what is changed afterwards is not shown yet."""

    @property
    def text(self) -> Text:
        return self.versions[-1].text

    @property
    def version(self) -> int:
        return len(self.versions)

    @property
    def public(self) -> Text | None:
        """What everybody reads; a closed notice stays readable."""
        return self.versions[self.shown - 1].text if self.shown else None

    def stands(self, day: dt.date) -> bool:
        """Whether it can be answered on a day."""
        return self.public is not None and self.state != "closed" and self.public.until >= day.isoformat()


def post(key: str, party: Party, text: Text, by: Author, at: str, day: dt.date) -> Notice:
    """Raises Refused."""
    _check(text, day)
    require(party.is_of(by))
    made = Notice(key=key, party=party, state="waiting", versions=(Version(text, at, by),))
    return noted(made, "posted", by, at)


def amend(found: Notice, text: Text, seen: int, by: Author, at: str, day: dt.date) -> Notice:
    """Another version, which the Secretariat reads before it takes the place of the one that is up."""
    require(found.state != "closed" and found.party.is_of(by))
    if seen != found.version:
        raise Changed
    _check(text, day)
    faults = [Fault("form", "same", {})] if text == found.text else []
    if found.version >= MOST_VERSIONS:
        faults.append(Fault("form", "many", {"most": MOST_VERSIONS}))
    if faults:
        raise Refused(faults)
    changed = msgspec.structs.replace(
        found, versions=(*found.versions, Version(text, at, by)), state="waiting"
    )
    return noted(changed, "changed", by, at)


def put_up(found: Notice, seen: int, by: Author, at: str) -> Notice:
    """The Secretariat puts the version up that it read."""
    require(found.state == "waiting")
    if seen != found.version:
        raise Changed
    return noted(msgspec.structs.replace(found, state="open", shown=found.version), "put_up", by, at)


def give_back(found: Notice, reason: str, seen: int, by: Author, at: str) -> Notice:
    """The Secretariat says what is to be mended; the version that is up stays up."""
    require(found.state == "waiting")
    if seen != found.version:
        raise Changed
    return noted(msgspec.structs.replace(found, state="returned"), "returned", by, at, reasoned(reason))


def close(found: Notice, reason: str, by: Author, at: str) -> Notice:
    """Taken down by whoever posted it, or by the Secretariat; who may is for the caller to know."""
    require(found.state != "closed")
    return noted(msgspec.structs.replace(found, state="closed"), "closed", by, at, reasoned(reason))


def _check(text: Text, day: dt.date) -> None:
    faults = [] if text.kind in KINDS else [Fault("kind", "choose", {})]
    faults += titled("title", text.title, LONGEST_TITLE)
    faults += titled("whom", text.whom, LONGEST_TITLE)
    faults += written("what", text.what) + too_long("conditions", text.conditions)
    if text.area and text.area not in FOCUS_AREAS:
        faults.append(Fault("area", "choose", {}))
    wrong = day_faults("until", text.until)
    if not wrong and not day <= dt.date.fromisoformat(text.until) <= day + dt.timedelta(days=LONGEST_DAYS):
        wrong = [Fault("until", "within", {"most": LONGEST_DAYS})]
    if faults + wrong:
        raise Refused(faults + wrong)
