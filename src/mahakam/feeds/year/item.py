"""A dataset of a year's list of data (daftar data): what its producer plans, and the steps of each of its releases.

Pure: each step takes an item and gives the next one, or raises Refused or Changed. A producer proposes and submits;
the walidata lists, examines and publishes; priority data is examined again by the Pembina Data, whose findings go
to the walidata, and from there to the producer (Perpres 39/2019, planning, examination, dissemination).
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from mahakam.faults import Changed, Fault, Refused, refuse
from mahakam.feeds.standard import LONGEST, MOST, Statistics

Listed = Literal["proposed", "listed", "withdrawn"]
State = Literal[
    "due", "submitted", "returned", "supervision", "referred", "approved", "published", "recalled"
]
"""``supervision``: with the Pembina Data; ``referred``: back with the walidata, with the Pembina's findings."""
Frequency = Literal["continuous", "monthly", "quarterly", "halfyearly", "yearly", "irregular"]
Access = Literal["open", "limited", "closed"]
FREQUENCIES: tuple[Frequency, ...] = (
    "continuous",
    "monthly",
    "quarterly",
    "halfyearly",
    "yearly",
    "irregular",
)
ACCESS: tuple[Access, ...] = ("open", "limited", "closed")
LONGEST_NAME, LONGEST_WORDS, MOST_FINDINGS = 200, 4000, 50
FIRST_YEAR, LAST_YEAR = 2019, 2100


class Author(msgspec.Struct, frozen=True):
    """Who did it, and as whom: ``officer`` (producer), ``steward`` (walidata), ``supervisor`` (Pembina Data)."""

    account: str
    role: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a producer plans. ``feed`` is the feed of the place that brings it ("": none yet); ``first`` the ISO date
    of the year's first release; ``priority`` why it is priority data ("": it is not)."""

    title: dict[str, str]
    producer: str
    feed: str = ""
    frequency: Frequency
    first: str
    access: Access = "open"
    priority: str = ""
    statistics: Statistics = Statistics()


class Facts(msgspec.Struct, frozen=True):
    """What the node knew of the feed when it was submitted; ``findings`` are (rule, field, rows, is a warning)."""

    run: int
    rows: int
    score: float | None
    held: int
    warnings: int
    modified: str
    findings: tuple[tuple[str, str, int, bool], ...] = ()


class Submission(msgspec.Struct, frozen=True):
    """``link``: where the data is, if no feed of the node brings it."""

    at: str
    by: Author
    text: str
    link: str = ""
    facts: Facts | None = None


class Release(msgspec.Struct, frozen=True):
    """One release that was worked on. ``findings``: what is to be mended, of the last examination; ``due`` and
    ``since``: ISO dates, the latter of its present state."""

    period: str
    due: str
    state: State
    since: str
    submissions: tuple[Submission, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def last(self) -> Submission | None:
        return self.submissions[-1] if self.submissions else None


class Event(msgspec.Struct, frozen=True):
    """``period``: of which release, "" for the item itself."""

    at: str
    by: Author
    what: str
    period: str = ""
    text: str = ""
    findings: tuple[str, ...] = ()


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """``releases`` are those that somebody has worked on; the calendar computes the others."""

    key: str
    place: str
    year: int
    state: Listed
    plan: Plan
    releases: tuple[Release, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def revision(self) -> int:
        """Grows with every step."""
        return len(self.events)

    def release(self, period: str) -> Release | None:
        return next((one for one in self.releases if one.period == period), None)


def submission_before(found: Item, period: str) -> Submission | None:
    """What was handed over last for the release before one, None for nothing."""
    earlier = [one.last for one in found.releases if one.period < period and one.last]
    return earlier[-1] if earlier else None


def propose(key: str, place: str, year: int, plan: Plan, by: Author, at: str) -> Item:
    """A producer (or a steward for it) names a dataset for the year."""
    _check(plan, year)
    made = Item(key=key, place=place, year=year, state="proposed", plan=plan)
    return _noted(made, Event(at, by, "proposed"))


def amend(found: Item, plan: Plan, reason: str, seen: int, by: Author, at: str) -> Item:
    """Another plan; one that is on the list says why it changes."""
    _require(found.state != "withdrawn")
    if seen != found.revision:
        raise Changed
    faults = _faults(plan, found.year)
    if plan == found.plan:
        faults.append(Fault("form", "same", {}))
    if found.state == "listed" and not reason.strip():
        faults.append(Fault("reason", "reason", {}))
    if len(reason) > LONGEST_WORDS:
        faults.append(Fault("reason", "long", {"most": LONGEST_WORDS}))
    if faults:
        raise Refused(faults)
    return _noted(msgspec.structs.replace(found, plan=plan), Event(at, by, "amended", text=reason.strip()))


def enlist(found: Item, seen: int, by: Author, at: str) -> Item:
    """The walidata takes it into the list of data: from here on its dates count."""
    _require(found.state == "proposed")
    if seen != found.revision:
        raise Changed
    return _noted(msgspec.structs.replace(found, state="listed"), Event(at, by, "listed"))


def withdraw(found: Item, reason: str, by: Author, at: str) -> Item:
    """It is not made this year; it is kept, with the reason."""
    _require(found.state != "withdrawn")
    text = _words(reason, "withdraw")
    return _noted(msgspec.structs.replace(found, state="withdrawn"), Event(at, by, "withdrawn", text=text))


def submit(
    found: Item, period: str, due: str, text: str, link: str, facts: Facts | None, by: Author, at: str
) -> Item:
    """The producer hands a release over; ``facts`` of its feed, or a ``link`` to where the data is."""
    before = found.release(period)
    _require(found.state == "listed" and (before is None or before.state in ("due", "returned", "recalled")))
    faults = []
    if facts is None and not link:
        faults.append(Fault("link", "material", {}))
    if link and (not link.startswith("https://") or len(link) > LONGEST or not link.isprintable()):
        faults.append(Fault("link", "link", {}))
    if len(text) > LONGEST_WORDS:
        faults.append(Fault("words", "long", {"most": LONGEST_WORDS}))
    if before and before.findings and not text.strip():
        faults.append(Fault("words", "mended", {}))
    if faults:
        raise Refused(faults)
    made = Submission(at, by, text.strip(), link, facts)
    earlier = before.submissions if before else ()
    release = Release(period, before.due if before else due, "submitted", at[:10], (*earlier, made))
    return _moved(found, release, Event(at, by, "submitted", period, text.strip()))


def approve(found: Item, period: str, whole: bool, text: str, seen: int, by: Author, at: str) -> Item:
    """The walidata finds it in order; what is not ``whole`` needs words why. Priority data goes on to the Pembina."""
    release = _of(found, period, ("submitted", "referred"), seen)
    _other_hand(release, by)
    if len(text) > LONGEST_WORDS:
        raise refuse("words", "long", most=LONGEST_WORDS)
    if not text.strip() and (not whole or release.state == "referred"):
        raise refuse("words", "despite")
    state: State = "supervision" if found.plan.priority else "approved"
    moved = msgspec.structs.replace(release, state=state, since=at[:10], findings=())
    return _moved(found, moved, Event(at, by, "approved", period, text.strip()))


def send_back(
    found: Item, period: str, findings: tuple[str, ...], text: str, seen: int, by: Author, at: str
) -> Item:
    """Returned to the producer with what is to be mended."""
    release = _of(found, period, ("submitted", "referred"), seen)
    _other_hand(release, by)
    _check_findings(findings, text)
    moved = msgspec.structs.replace(release, state="returned", since=at[:10], findings=findings)
    return _moved(found, moved, Event(at, by, "returned", period, text.strip(), findings))


def confirm(found: Item, period: str, text: str, seen: int, by: Author, at: str) -> Item:
    """The Pembina Data finds priority data in order."""
    release = _of(found, period, ("supervision",), seen)
    _other_hand(release, by)
    if len(text) > LONGEST_WORDS:
        raise refuse("words", "long", most=LONGEST_WORDS)
    moved = msgspec.structs.replace(release, state="approved", since=at[:10])
    return _moved(found, moved, Event(at, by, "confirmed", period, text.strip()))


def refer(
    found: Item, period: str, findings: tuple[str, ...], text: str, seen: int, by: Author, at: str
) -> Item:
    """The Pembina Data's findings go to the walidata, who returns it to the producer or answers."""
    release = _of(found, period, ("supervision",), seen)
    _other_hand(release, by)
    _check_findings(findings, text)
    moved = msgspec.structs.replace(release, state="referred", since=at[:10], findings=findings)
    return _moved(found, moved, Event(at, by, "referred", period, text.strip(), findings))


def publish(found: Item, period: str, seen: int, by: Author, at: str) -> Item:
    """The walidata publishes what was approved."""
    release = _of(found, period, ("approved",), seen)
    moved = msgspec.structs.replace(release, state="published", since=at[:10])
    return _moved(found, moved, Event(at, by, "published", period))


def recall(found: Item, period: str, reason: str, seen: int, by: Author, at: str) -> Item:
    """A published release turned out wrong: it is not vouched for any more, and may be submitted again."""
    release = _of(found, period, ("published",), seen)
    text = _words(reason, "words")
    moved = msgspec.structs.replace(release, state="recalled", since=at[:10], findings=(text,))
    return _moved(found, moved, Event(at, by, "recalled", period, text))


def _of(found: Item, period: str, states: tuple[State, ...], seen: int) -> Release:
    """The release, if it is in one of the states and nobody took a step meanwhile."""
    release = found.release(period)
    if found.state != "listed" or release is None or release.state not in states or seen != found.revision:
        raise Changed
    return release


def _other_hand(release: Release, by: Author) -> None:
    """Who handed it over does not examine it; on a node without sign-in nobody has a name."""
    if release.last and by.account and release.last.by.account == by.account:
        raise refuse("words", "own")


def _moved(found: Item, release: Release, event: Event) -> Item:
    others = [one for one in found.releases if one.period != release.period]
    ordered = tuple(sorted((*others, release), key=lambda one: one.due))
    return _noted(msgspec.structs.replace(found, releases=ordered), event)


def _noted(found: Item, event: Event) -> Item:
    return msgspec.structs.replace(found, events=(*found.events, event))


def _require(allowed: bool) -> None:
    """The step fits the state; if not, somebody else was quicker."""
    if not allowed:
        raise Changed


def _words(text: str, field: str) -> str:
    if not text.strip():
        raise refuse(field, "reason")
    if len(text) > LONGEST_WORDS:
        raise refuse(field, "long", most=LONGEST_WORDS)
    return text.strip()


def _check_findings(findings: tuple[str, ...], text: str) -> None:
    if not findings:
        raise refuse("findings", "findings")
    if len(findings) > MOST_FINDINGS or any(len(one) > LONGEST for one in findings):
        raise refuse("findings", "many", most=MOST_FINDINGS)
    if len(text) > LONGEST_WORDS:
        raise refuse("words", "long", most=LONGEST_WORDS)


def _check(plan: Plan, year: int) -> None:
    if faults := _faults(plan, year):
        raise Refused(faults)


def _faults(plan: Plan, year: int) -> list[Fault]:
    faults = []
    if not any(plan.title.values()):
        faults.append(Fault("title-id", "words", {"most": LONGEST_NAME}))
    for language, text in plan.title.items():
        if len(text) > LONGEST_NAME:
            faults.append(Fault(f"title-{language}", "long", {"most": LONGEST_NAME}))
    if not plan.producer.strip() or len(plan.producer) > LONGEST_NAME:
        faults.append(Fault("producer", "words", {"most": LONGEST_NAME}))
    if plan.frequency not in FREQUENCIES:
        faults.append(Fault("frequency", "choose", {}))
    if plan.access not in ACCESS:
        faults.append(Fault("access", "choose", {}))
    if len(plan.priority) > LONGEST_WORDS:
        faults.append(Fault("priority", "long", {"most": LONGEST_WORDS}))
    try:
        if dt.date.fromisoformat(plan.first).year != year:
            faults.append(Fault("first", "year", {"year": year}))
    except ValueError:
        faults.append(Fault("first", "date", {}))
    return faults + _statistics_faults(plan.statistics)


def _statistics_faults(found: Statistics) -> list[Fault]:
    long = [
        Fault(f"{part}-{field}", "long", {"most": LONGEST})
        for part, words in (("standard", found.standard), ("activity", found.activity))
        for field, text in words.items()
        if len(text) > LONGEST
    ]
    for part, several in (("variables", found.variables), ("indicators", found.indicators)):
        if len(several) > MOST:
            long.append(Fault("form", "many", {"most": MOST}))
        names = [one.get("name", "") for one in several]
        for number, one in enumerate(several):
            if not one.get("name") or names.count(one["name"]) > 1:
                long.append(Fault(f"{part}-{number}-name", "named", {}))
            long += [
                Fault(f"{part}-{number}-{field}", "long", {"most": LONGEST})
                for field, text in one.items()
                if len(text) > LONGEST
            ]
    return long
