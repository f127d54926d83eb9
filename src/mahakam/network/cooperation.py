"""Two sides that work together: request, talk, agreement, work plan, result; each step kept with who and when.

Pure: each step takes a cooperation and gives the next one, or raises Refused or Changed.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from mahakam.faults import Changed, Fault, Refused, refuse
from mahakam.network.recommendation import Author, Course, Evidence, Words, noted, require
from mahakam.network.writing import day_faults, reasoned, titled, too_long, written

Side = Literal["asker", "asked"]
Who = Literal["asker", "asked", "both"]
PartyRole = Literal["city_officer", "partner"]
State = Literal["asked", "talk", "agreed", "result", "done", "declined", "withdrawn", "ended"]
Work = Literal["open", "under_way", "done", "dropped"]
AboutKind = Literal["", "solution", "match", "notice"]

SIDES: tuple[Side, Side] = ("asker", "asked")
PARTIES: tuple[PartyRole, PartyRole] = ("city_officer", "partner")
"""Offices that may be a side: a city is spoken for by its Chief Smart City Officer, an organisation by its partner."""
OPEN: frozenset[State] = frozenset({"asked", "talk", "agreed", "result"})
LONGEST_TITLE = 200
MOST_MESSAGES, MOST_VERSIONS, MOST_TASKS, MOST_REPORTS, MOST_ASKED = 500, 50, 40, 100, 20
ANSWER_DAYS = 14
"""Days after which a request that nobody answered counts as late."""


class Party(msgspec.Struct, frozen=True):
    """``seat`` is a city's code or an organisation's name."""

    role: PartyRole
    seat: str

    def is_of(self, by: Author) -> bool:
        return (self.role, self.seat) == (by.role, by.seat)


class About(msgspec.Struct, frozen=True):
    """What it started from. ``ref``: ``place/name`` of a solution; ``city/indicator/city/indicator`` of a match, the
    weak one first; the number of a notice. ``name`` as it stood that day."""

    kind: AboutKind = ""
    ref: str = ""
    name: Words = {}


class Message(msgspec.Struct, frozen=True):
    at: str
    by: Author
    text: Words


class Agreement(msgspec.Struct, frozen=True):
    """A letter of intent: what for, what each side does, from when to when (ISO dates)."""

    purpose: Words
    asker_does: Words
    asked_does: Words
    begins: str
    ends: str


class Version(msgspec.Struct, frozen=True):
    text: Agreement
    at: str
    by: Author


class Signature(msgspec.Struct, frozen=True):
    """A side's word for one version of the agreement; for another version it counts no more."""

    at: str
    by: Author
    side: Side
    version: int


class Report(msgspec.Struct, frozen=True):
    """What became of a task. ``due`` is its new day if it was moved, else ""."""

    at: str
    by: Author
    state: Work
    text: Words
    evidence: tuple[Evidence, ...] = ()
    due: str = ""


class Task(msgspec.Struct, frozen=True):
    """``due`` as it was first agreed."""

    text: Words
    who: Who
    due: str
    at: str
    by: Author
    reports: tuple[Report, ...] = ()

    @property
    def state(self) -> Work:
        return self.reports[-1].state if self.reports else "open"

    @property
    def until(self) -> str:
        """The day that holds now."""
        return next((one.due for one in reversed(self.reports) if one.due), self.due)

    def late(self, day: dt.date) -> bool:
        return self.state in ("open", "under_way") and self.until < day.isoformat()


class Result(msgspec.Struct, frozen=True):
    at: str
    by: Author
    side: Side
    text: Words
    evidence: tuple[Evidence, ...]


class Cooperation(Course, frozen=True, kw_only=True):
    key: str
    state: State
    asker: Party
    asked: Party
    title: str
    why: Words
    about: About = About()
    messages: tuple[Message, ...] = ()
    versions: tuple[Version, ...] = ()
    signatures: tuple[Signature, ...] = ()
    tasks: tuple[Task, ...] = ()
    results: tuple[Result, ...] = ()

    @property
    def version(self) -> int:
        return len(self.versions)

    @property
    def agreement(self) -> Agreement | None:
        return self.versions[-1].text if self.versions else None

    @property
    def public(self) -> bool:
        """Whether both sides signed it once: then everybody may read what was agreed and what came of it."""
        return bool(self.happened("agreed"))

    @property
    def moved(self) -> str:
        """When the last thing happened."""
        return self.events[-1].at

    def party(self, side: Side) -> Party:
        return self.asker if side == "asker" else self.asked

    def side_of(self, by: Author) -> Side | None:
        return next((side for side in SIDES if self.party(side).is_of(by)), None)

    def signed(self) -> dict[Side, Signature]:
        """Who signed the agreement as it is now."""
        return {one.side: one for one in self.signatures if one.version == self.version}

    def late_tasks(self, day: dt.date) -> int:
        """Tasks past their day; none once the work is over."""
        return sum(one.late(day) for one in self.tasks) if self.state in ("agreed", "result") else 0

    def late(self, day: dt.date) -> bool:
        """A task is past its day, the agreement's end is past without a result, or a request waits too long."""
        if self.state == "asked":
            return (day - dt.timedelta(days=ANSWER_DAYS)).isoformat() > self.events[0].at[:10]
        if self.state == "agreed" and self.agreement is not None and self.agreement.ends < day.isoformat():
            return True
        return self.late_tasks(day) > 0

    def waits_for(self) -> frozenset[Side]:
        """Whose turn it is."""
        match self.state:
            case "asked":
                return frozenset({"asked"})
            case "talk":
                return frozenset(SIDES) - set(self.signed()) if self.versions else frozenset(SIDES)
            case "result":
                return frozenset(SIDES) - {self.results[-1].side}
            case "agreed":
                return frozenset(SIDES)
            case _:
                return frozenset()


def ask(
    key: str, asker: Party, asked: Party, title: str, why: Words, about: About, by: Author, at: str
) -> Cooperation:
    """Raises Refused."""
    faults = written("why", why)
    faults += titled("title", title, LONGEST_TITLE)
    if asker == asked:
        faults.append(Fault("with", "self", {}))
    if faults:
        raise Refused(faults)
    require(asker.is_of(by))
    made = Cooperation(
        key=key, state="asked", asker=asker, asked=asked, title=title.strip(), why=why, about=about
    )
    return noted(made, "asked", by, at)


def accept(found: Cooperation, by: Author, at: str) -> Cooperation:
    """The side that was asked is ready to talk."""
    require(found.state == "asked" and found.asked.is_of(by))
    return noted(msgspec.structs.replace(found, state="talk"), "accepted", by, at)


def decline(found: Cooperation, reason: str, by: Author, at: str) -> Cooperation:
    require(found.state == "asked" and found.asked.is_of(by))
    return noted(msgspec.structs.replace(found, state="declined"), "declined", by, at, reasoned(reason))


def withdraw(found: Cooperation, reason: str, by: Author, at: str) -> Cooperation:
    """The asker takes the request back before it was answered."""
    require(found.state == "asked" and found.asker.is_of(by))
    return noted(msgspec.structs.replace(found, state="withdrawn"), "withdrawn", by, at, reasoned(reason))


def say(found: Cooperation, text: Words, by: Author, at: str) -> Cooperation:
    """A message of the talk, in one language or side by side; the talk goes on while the work does."""
    require(found.state in OPEN and found.side_of(by) is not None)
    faults = written("message", text)
    if len(found.messages) >= MOST_MESSAGES:
        faults.append(Fault("message", "many", {"most": MOST_MESSAGES}))
    if faults:
        raise Refused(faults)
    said = msgspec.structs.replace(found, messages=(*found.messages, Message(at, by, text)))
    return noted(said, "wrote", by, at)


def propose(found: Cooperation, text: Agreement, seen: int, by: Author, at: str) -> Cooperation:
    """Another version of the letter of intent; whoever signed the one before signs anew. ``seen``: the version that
    it was made from."""
    require(found.state == "talk" and found.side_of(by) is not None)
    if seen != found.version:
        raise Changed
    faults = _agreement_faults(text)
    if text == found.agreement:
        faults.append(Fault("form", "same", {}))
    if found.version >= MOST_VERSIONS:
        faults.append(Fault("form", "many", {"most": MOST_VERSIONS}))
    if faults:
        raise Refused(faults)
    proposed = msgspec.structs.replace(found, versions=(*found.versions, Version(text, at, by)))
    return noted(proposed, "proposed", by, at)


def sign(found: Cooperation, version: int, by: Author, at: str) -> Cooperation:
    """A side signs off the version that it saw; with the other side's word too it is agreed."""
    side = found.side_of(by)
    require(found.state == "talk" and side is not None and side not in found.signed())
    if not found.versions or version != found.version:
        raise Changed
    assert side is not None
    mark = Signature(at, by, side, version)
    signed = noted(msgspec.structs.replace(found, signatures=(*found.signatures, mark)), "signed", by, at)
    if len(signed.signed()) < len(SIDES):
        return signed
    return noted(msgspec.structs.replace(signed, state="agreed"), "agreed", by, at)


def plan(found: Cooperation, text: Words, who: str, due: str, by: Author, at: str) -> Cooperation:
    """A task of the work plan."""
    require(found.state == "agreed" and found.side_of(by) is not None)
    faults = written("task", text)
    if who not in (*SIDES, "both"):
        faults.append(Fault("who", "choose", {}))
    faults += day_faults("due", due)
    if len(found.tasks) >= MOST_TASKS:
        faults.append(Fault("task", "many", {"most": MOST_TASKS}))
    if faults:
        raise Refused(faults)
    new = Task(text, who, due, at, by)  # type: ignore[arg-type]
    return noted(msgspec.structs.replace(found, tasks=(*found.tasks, new)), "planned", by, at)


def report(
    found: Cooperation,
    number: int,
    state: Work,
    text: Words,
    evidence: tuple[Evidence, ...],
    due: str,
    by: Author,
    at: str,
) -> Cooperation:
    """What became of a task; ``due`` moves its day ("" leaves it), which says why in ``text``."""
    require(found.state == "agreed" and found.side_of(by) is not None)
    if not 0 <= number < len(found.tasks):
        raise refuse("number", "choose")
    task = found.tasks[number]
    faults = written("report", text)
    if due:
        faults += day_faults("moved", due)
    if len(task.reports) >= MOST_REPORTS:
        faults.append(Fault("report", "many", {"most": MOST_REPORTS}))
    if faults:
        raise Refused(faults)
    new = Report(at, by, state, text, evidence, "" if due == task.until else due)
    tasks = list(found.tasks)
    tasks[number] = msgspec.structs.replace(task, reports=(*task.reports, new))
    return noted(msgspec.structs.replace(found, tasks=tuple(tasks)), "reported", by, at)


def conclude(
    found: Cooperation, text: Words, evidence: tuple[Evidence, ...], by: Author, at: str
) -> Cooperation:
    """What came of it all, with its evidence; the other side confirms it."""
    side = found.side_of(by)
    require(found.state == "agreed" and side is not None)
    faults = written("result", text)
    if not evidence:
        faults.append(Fault("result-evidence", "evidence", {}))
    if faults:
        raise Refused(faults)
    assert side is not None
    results = (*found.results, Result(at, by, side, text, evidence))
    return noted(msgspec.structs.replace(found, results=results, state="result"), "concluded", by, at)


def confirm(found: Cooperation, by: Author, at: str) -> Cooperation:
    """The side that did not write the result says that it is so."""
    require(_other_wrote(found, by))
    return noted(msgspec.structs.replace(found, state="done"), "done", by, at)


def return_result(found: Cooperation, reason: str, by: Author, at: str) -> Cooperation:
    """The side that did not write the result says what is wrong with it; the work goes on."""
    require(_other_wrote(found, by))
    return noted(msgspec.structs.replace(found, state="agreed"), "returned", by, at, reasoned(reason))


def end(found: Cooperation, reason: str, by: Author, at: str) -> Cooperation:
    """A side does not go on; all is kept, with the reason."""
    require(found.state in ("talk", "agreed") and found.side_of(by) is not None)
    return noted(msgspec.structs.replace(found, state="ended"), "ended", by, at, reasoned(reason))


def _other_wrote(found: Cooperation, by: Author) -> bool:
    side = found.side_of(by)
    return found.state == "result" and side is not None and side != found.results[-1].side


def _agreement_faults(text: Agreement) -> list[Fault]:
    faults = []
    for name, words in (
        ("purpose", text.purpose),
        ("asker_does", text.asker_does),
        ("asked_does", text.asked_does),
    ):
        if not words.get("en"):
            faults.append(Fault(f"{name}-en", "english", {}))
        faults += too_long(name, words)
    days = day_faults("begins", text.begins) + day_faults("ends", text.ends)
    if not days and text.ends < text.begins:
        days = [Fault("ends", "order", {})]
    return faults + days
