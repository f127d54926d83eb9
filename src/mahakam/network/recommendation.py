"""A recommendation to leaders: what it says, version by version, and the steps from draft to done.

Pure: each step takes a recommendation and gives the next one, or raises Refused or Changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, TypeVar

import msgspec

from mahakam.faults import Changed, Fault, Refused, refuse

State = Literal["draft", "comment", "decision", "adopted", "sent", "done", "withdrawn"]
Work = Literal["open", "under_way", "done"]
PUBLIC: frozenset[State] = frozenset({"adopted", "sent", "done"})
"""States in which everybody may read it; before, people in office."""
AMENDABLE: frozenset[State] = frozenset({"draft", "comment", "decision"})
LONGEST_TITLE, LONGEST_TEXT, MOST_PARTS, MOST_COMMENTS = 200, 4000, 20, 500
LANGUAGES = ("en", "id")
"""The languages in which it is written. English must be there; what is missing falls back to it."""

Words = dict[str, str]


class Author(msgspec.Struct, frozen=True):
    """Who wrote, and in which office then: its role and seat ("" for an administrator)."""

    account: str
    name: str
    role: str
    seat: str


class Evidence(msgspec.Struct, frozen=True):
    """What a claim rests on: an entity of this node (``ref`` its id, ``name`` and ``value`` as they were when it
    was cited) or a document (``ref`` its https address)."""

    ref: str
    name: str
    value: str = ""
    cited: str = ""

    @property
    def document(self) -> bool:
        return self.ref.startswith(("https://", "http://"))


class Claim(msgspec.Struct, frozen=True):
    text: Words
    evidence: tuple[Evidence, ...] = ()


class Action(msgspec.Struct, frozen=True):
    """What is to be done, by whom, until when (an ISO date)."""

    text: Words
    who: str
    due: str


class Text(msgspec.Struct, frozen=True):
    """What a recommendation says."""

    title: Words
    why: Words
    claims: tuple[Claim, ...] = ()
    actions: tuple[Action, ...] = ()


class Version(msgspec.Struct, frozen=True):
    """``reason``: why it was amended."""

    text: Text
    at: str
    by: Author
    reason: str = ""


class Comment(msgspec.Struct, frozen=True):
    at: str
    by: Author
    version: int
    text: str


class Position(msgspec.Struct, frozen=True):
    """A country's word on one version in one round; an objection has its reason. Later ones do not erase it."""

    at: str
    by: Author
    country: str
    round: int
    version: int
    consents: bool
    reason: str = ""


class Progress(msgspec.Struct, frozen=True):
    """What became of an action; ``evidence`` as for a claim."""

    at: str
    by: Author
    action: int
    state: Work
    text: str
    evidence: tuple[Evidence, ...] = ()


class Event(msgspec.Struct, frozen=True):
    at: str
    by: Author
    what: str
    text: str = ""


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What goes from step to step, each of which is an event."""

    events: tuple[Event, ...] = ()

    def happened(self, what: str) -> str:
        """When something last happened, "" for never."""
        return next((one.at for one in reversed(self.events) if one.what == what), "")


AnyCourse = TypeVar("AnyCourse", bound=Course)


class Recommendation(Course, frozen=True, kw_only=True):
    """``meeting`` is the one that it is for. ``round`` counts the times it was put to the countries."""

    key: str
    state: State
    meeting: str
    versions: tuple[Version, ...]
    comments: tuple[Comment, ...] = ()
    positions: tuple[Position, ...] = ()
    progress: tuple[Progress, ...] = ()
    round: int = 0

    @property
    def text(self) -> Text:
        return self.versions[-1].text

    @property
    def version(self) -> int:
        return len(self.versions)

    @property
    def revision(self) -> int:
        """Grows with everything that changes what a decision or an amendment is about."""
        return len(self.events)

    def standing_positions(self) -> dict[str, Position]:
        """The last word of each country in the round under way (or the last one)."""
        return standing(self.positions, self.round)

    @property
    def objections(self) -> tuple[Position, ...]:
        """Those that block now."""
        return tuple(one for one in self.standing_positions().values() if not one.consents)

    def missing(self, countries: Collection[str]) -> list[str]:
        """Countries that have not spoken in this round."""
        return sorted(set(countries) - set(self.standing_positions()))

    def work(self) -> list[tuple[Action, Progress | None]]:
        """Each action with the last that was reported of it."""
        last = {one.action: one for one in self.progress}
        return [(action, last.get(number)) for number, action in enumerate(self.text.actions)]


def draft(key: str, text: Text, meeting: str, by: Author, at: str) -> Recommendation:
    """A draft may lack everything but its title."""
    _check(text)
    return Recommendation(
        key=key,
        state="draft",
        meeting=meeting,
        versions=(Version(text, at, by),),
        events=(Event(at, by, "drafted"),),
    )


def amend(found: Recommendation, text: Text, reason: str, seen: int, by: Author, at: str) -> Recommendation:
    """Another version. Once others have read it, it says why; one that is before the countries goes back to comment."""
    require(found.state in AMENDABLE)
    if seen != found.revision:
        raise Changed
    faults = _faults(text, whole=found.state != "draft")
    if found.state != "draft" and not reason.strip():
        faults.append(Fault("reason", "reason", {}))
    if len(reason) > LONGEST_TEXT:
        faults.append(Fault("reason", "long", {"most": LONGEST_TEXT}))
    if text == found.text:
        faults.append(Fault("form", "same", {}))
    if faults:
        raise Refused(faults)
    changed = msgspec.structs.replace(
        found,
        versions=(*found.versions, Version(text, at, by, reason.strip())),
        state="draft" if found.state == "draft" else "comment",
    )
    return noted(changed, "amended", by, at, reason.strip())


def open_for_comment(found: Recommendation, by: Author, at: str) -> Recommendation:
    """Shown to all in office; from here on every claim has its evidence."""
    require(found.state == "draft")
    _check(found.text, whole=True)
    return noted(msgspec.structs.replace(found, state="comment"), "opened", by, at)


def comment(found: Recommendation, text: str, by: Author, at: str) -> Recommendation:
    require(found.state in ("comment", "decision"))
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise refuse("comment", "words", most=LONGEST_TEXT)
    if len(found.comments) >= MOST_COMMENTS:
        raise refuse("comment", "many", most=MOST_COMMENTS)
    new = Comment(at, by, found.version, text.strip())
    return msgspec.structs.replace(found, comments=(*found.comments, new))


def put_to_decision(found: Recommendation, seen: int, by: Author, at: str) -> Recommendation:
    """Ask the countries, about the version as it is: a new round, in which none has spoken yet."""
    require(found.state == "comment")
    if seen != found.revision:
        raise Changed
    _check(found.text, whole=True)
    asked = msgspec.structs.replace(found, state="decision", round=found.round + 1)
    return noted(asked, "put", by, at)


def decide(
    found: Recommendation,
    country: str,
    consents: bool,
    reason: str,
    seen: tuple[int, int],
    countries: Collection[str],
    by: Author,
    at: str,
) -> Recommendation:
    """A country consents or objects to the version of the round that it saw (``seen``: both).

    With the consent of every one of ``countries`` it is adopted. Any objection blocks, until the country itself
    consents or the text is amended and put again.
    """
    require(found.state == "decision")
    if seen != (found.version, found.round):
        raise Changed
    said = position(country, consents, reason, seen, countries, by, at)
    decided = msgspec.structs.replace(found, positions=(*found.positions, said))
    decided = noted(decided, "consented" if consents else "objected", by, at, reason.strip())
    if not consensus(decided.standing_positions(), countries):
        return decided
    return noted(msgspec.structs.replace(decided, state="adopted"), "adopted", by, at)


def standing(positions: Iterable[Position], round: int) -> dict[str, Position]:
    """The last word of each country in a round."""
    return {one.country: one for one in positions if one.round == round}


def position(
    country: str,
    consents: bool,
    reason: str,
    seen: tuple[int, int],
    countries: Collection[str],
    by: Author,
    at: str,
) -> Position:
    """A country's word on the version and round that it saw; an objection says why. Raises Refused."""
    if country not in countries:
        raise refuse("country", "choose")
    if not consents and not reason.strip():
        raise refuse("reason", "objection")
    if len(reason) > LONGEST_TEXT:
        raise refuse("reason", "long", most=LONGEST_TEXT)
    version, round = seen
    return Position(at, by, country, round, version, consents, reason.strip())


def consensus(standing: Mapping[str, Position], countries: Collection[str]) -> bool:
    """Whether every country consents: silence is no consent, one objection blocks."""
    return all(code in standing and standing[code].consents for code in countries) and all(
        one.consents for one in standing.values()
    )


def withdraw(found: Recommendation, reason: str, by: Author, at: str) -> Recommendation:
    """It is not pursued any more; it is kept, with the reason."""
    require(found.state in AMENDABLE)
    if not reason.strip() or len(reason) > LONGEST_TEXT:
        raise refuse("withdraw", "reason")
    return noted(msgspec.structs.replace(found, state="withdrawn"), "withdrawn", by, at, reason.strip())


def send(found: Recommendation, to: str, by: Author, at: str) -> Recommendation:
    """It went to the leaders: ``to`` says to whom and how."""
    require(found.state in ("adopted", "sent", "done"))
    if not to.strip() or len(to) > LONGEST_TITLE:
        raise refuse("to", "words", most=LONGEST_TITLE)
    state: State = "sent" if found.state == "adopted" else found.state
    return noted(msgspec.structs.replace(found, state=state), "sent", by, at, to.strip())


def report(
    found: Recommendation,
    action: int,
    state: Work,
    text: str,
    evidence: tuple[Evidence, ...],
    by: Author,
    at: str,
) -> Recommendation:
    """What became of an action; done needs evidence. With the last one done, the recommendation is."""
    require(found.state in PUBLIC)
    if not 0 <= action < len(found.text.actions):
        raise refuse("action", "choose")
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise refuse("progress", "words", most=LONGEST_TEXT)
    if state == "done" and not evidence:
        raise refuse("evidence", "evidence")
    new = Progress(at, by, action, state, text.strip(), evidence)
    followed = msgspec.structs.replace(found, progress=(*found.progress, new))
    followed = noted(followed, "followed", by, at, text.strip())
    finished = all(last is not None and last.state == "done" for _, last in followed.work())
    if finished == (followed.state == "done"):
        return followed
    if finished:
        return noted(msgspec.structs.replace(followed, state="done"), "done", by, at)
    return msgspec.structs.replace(followed, state="sent" if followed.happened("sent") else "adopted")


def late(found: Recommendation, day: dt.date) -> int:
    """How many actions are past their day and not done."""
    return sum(
        action.due < day.isoformat() and (last is None or last.state != "done")
        for action, last in found.work()
    )


def require(allowed: bool) -> None:
    """The step fits the state (and who takes it); if not, somebody else was quicker. Raises Changed."""
    if not allowed:
        raise Changed


def noted(found: AnyCourse, what: str, by: Author, at: str, text: str = "") -> AnyCourse:
    """The same with one event more."""
    return msgspec.structs.replace(found, events=(*found.events, Event(at, by, what, text)))


def _check(text: Text, *, whole: bool = False) -> None:
    faults = _faults(text, whole=whole)
    if faults:
        raise Refused(faults)


def _faults(text: Text, *, whole: bool) -> list[Fault]:
    """``whole``: as it must be for others to judge it; else as far as a draft has come."""
    faults = _lengths(text)
    if not text.title.get("en"):
        faults.append(Fault("title-en", "english", {}))
    for number, action in enumerate(text.actions):
        if action.due:
            try:
                dt.date.fromisoformat(action.due)
            except ValueError:
                faults.append(Fault(f"action-{number}-due", "date", {}))
    if whole:
        faults += _gaps(text)
    return faults


def _gaps(text: Text) -> list[Fault]:
    """What others need to judge it and is not there yet."""
    faults = [] if text.why.get("en") else [Fault("why-en", "english", {})]
    if not text.claims:
        faults.append(Fault("claims", "claims", {}))
    if not text.actions:
        faults.append(Fault("actions", "actions", {}))
    for number, claim in enumerate(text.claims):
        if not claim.text.get("en"):
            faults.append(Fault(f"claim-{number}-en", "english", {}))
        if not claim.evidence:
            faults.append(Fault(f"claim-{number}-evidence", "evidence", {}))
    for number, action in enumerate(text.actions):
        if not action.text.get("en"):
            faults.append(Fault(f"action-{number}-en", "english", {}))
        if not action.who:
            faults.append(Fault(f"action-{number}-who", "who", {}))
        if not action.due:
            faults.append(Fault(f"action-{number}-due", "date", {}))
    return faults


def _lengths(text: Text) -> list[Fault]:
    parts = [("title", text.title, LONGEST_TITLE), ("why", text.why, LONGEST_TEXT)]
    parts += [(f"claim-{at}", claim.text, LONGEST_TEXT) for at, claim in enumerate(text.claims)]
    parts += [(f"action-{at}", action.text, LONGEST_TEXT) for at, action in enumerate(text.actions)]
    faults = [
        Fault(f"{name}-{language}", "long", {"most": most})
        for name, words, most in parts
        for language, word in words.items()
        if len(word) > most
    ]
    faults += [
        Fault(f"action-{at}-who", "long", {"most": LONGEST_TITLE})
        for at, action in enumerate(text.actions)
        if len(action.who) > LONGEST_TITLE
    ]
    if max(len(text.claims), len(text.actions)) > MOST_PARTS:
        faults.append(Fault("form", "many", {"most": MOST_PARTS}))
    return faults
