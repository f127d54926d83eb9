"""The register of failures to protect personal data, and the clock of Law 27/2022 art. 46.

Within 3 × 24 hours of the moment at which it was known, the persons concerned and the authority have a written notice
of which data, when and how, and what is done about it. The hours run through nights and days off: three full days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from mahakam.store.protocol import EntityStore, Transaction

KIND = "breach"
ALLOWED = dt.timedelta(hours=72)
WARNINGS = (dt.timedelta(hours=24), dt.timedelta(hours=6), dt.timedelta(0))
"""How long before the end of the clock somebody is warned; the last: it has run out."""
PERSONS, AUTHORITY = ADDRESSEES = ("persons", "authority")
OUTCOMES = ("breach", "unfounded")
"""``unfounded``: it turned out that no personal data were concerned."""
SHORTEST, LONGEST, MOST_PERSONS = 10, 8000, 1_000_000_000
_SKEW = dt.timedelta(minutes=5)
"""By how much another machine's clock may be ahead."""
WORDS = ("happened", "data", "concerned", "handling")
"""Texts that a notice needs: what happened, when and how; which data; whose; what was and is done."""
State = Literal["running", "soon", "over", "met", "late", "closed"]


class BreachError(ValueError):
    """What is wrong with an entry: ``field`` → ``rule`` (short, long, future, moment, number, unknown, owed, closed,
    notified, none)."""

    def __init__(self, **faults: str) -> None:
        super().__init__(", ".join(f"{field}: {rule}" for field, rule in faults.items()))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that went out: when (ISO 8601 UTC), by whom, how (letter, mail, portal …)."""

    at: str
    by: str
    how: str


@dataclass(frozen=True, slots=True)
class Breach:
    """``found``: when it was known (ISO 8601 UTC), from which the clock runs; ``persons``: how many, None: not known.

    ``specific``: health, children, money and the like (art. 4 (2)) are among the data. ``told``: the warnings given.
    """

    id: str
    place: str
    found: str
    happened: str
    data: str
    concerned: str
    handling: str
    by: str
    at: str
    persons: int | None = None
    specific: bool = False
    notices: Mapping[str, Notice] | None = None
    closed: str = ""
    closed_by: str = ""
    outcome: str = ""
    lessons: str = ""
    told: int = 0

    @property
    def due(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.found) + ALLOWED

    @property
    def sent(self) -> Mapping[str, Notice]:
        return self.notices or {}

    @property
    def owed(self) -> tuple[str, ...]:
        """Who has had no notice yet."""
        return () if self.closed else tuple(one for one in ADDRESSEES if one not in self.sent)

    def left(self, now: dt.datetime) -> dt.timedelta:
        """Until the clock runs out; below zero: since then."""
        return self.due - now

    def late(self, addressee: str) -> bool:
        """Whether a notice went out after the clock had run out; the very moment is in time."""
        notice = self.sent.get(addressee)
        return notice is not None and dt.datetime.fromisoformat(notice.at) > self.due

    def state(self, now: dt.datetime) -> State:
        if self.closed:
            return "closed"
        if not self.owed:
            return "late" if any(map(self.late, ADDRESSEES)) else "met"
        left = self.left(now)
        return "over" if left < dt.timedelta(0) else "soon" if left <= WARNINGS[0] else "running"

    def warnings(self, now: dt.datetime) -> int:
        """How many of :data:`WARNINGS` have come, while a notice is owed; the last when the clock has run out."""
        if not self.owed:
            return 0
        left = self.left(now)
        return sum(left < before if not before else left <= before for before in WARNINGS)


_EMPTY = Breach("", "", "", "", "", "", "", "", "")


def moment(value: str, now: dt.datetime) -> str:
    """A moment with its zone as ISO 8601 UTC. Raises BreachError for none, and for one that has not come."""
    try:
        found = dt.datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError(value)
        found = found.astimezone(dt.UTC)
        _ = found + ALLOWED
    except (ValueError, OverflowError):
        raise BreachError(found="moment") from None
    if found > now + _SKEW:
        raise BreachError(found="future")
    return found.isoformat(timespec="seconds").replace("+00:00", "Z")


def record(
    store: EntityStore,
    place: str,
    found: str,
    words: Mapping[str, str],
    by: str,
    *,
    persons: int | None = None,
    specific: bool = False,
    now: dt.datetime | None = None,
) -> Breach:
    """Enter a breach; its number is the year's next. Raises BreachError with everything that is wrong."""
    at = now or dt.datetime.now(dt.UTC)
    faults = _faults(words, persons)
    try:
        found = moment(found, at)
    except BreachError as error:
        faults |= error.faults
    if faults:
        raise BreachError(**faults)
    year = str(at.year)

    def work(transaction: Transaction) -> Breach:
        count = sum(id.startswith(f"{year}-") for id in transaction.records(KIND))
        id = f"{year}-{count + 1:03d}"
        made = replace(
            _EMPTY, id=id, place=place, found=found, by=by, at=_text(at), **_known(words, persons, specific)
        )
        _save(transaction, made)
        return made

    return store.write(work)


def amend(
    store: EntityStore,
    id: str,
    words: Mapping[str, str],
    *,
    persons: int | None = None,
    specific: bool = False,
) -> Breach:
    """Change what is known; the moment from which the clock runs stays. Raises BreachError."""
    checked(words, persons)
    return _change(store, id, lambda before: replace(before, **_known(words, persons, specific)))


def notify(
    store: EntityStore, id: str, addressee: str, by: str, how: str, at: str, now: dt.datetime | None = None
) -> Breach:
    """Note that a notice went out, late or not. Raises BreachError."""
    if addressee not in ADDRESSEES:
        raise BreachError(addressee="unknown")
    if not how.strip():
        raise BreachError(how="short")
    when = moment(at, now or dt.datetime.now(dt.UTC))

    def change(before: Breach) -> Breach:
        if addressee in before.sent:
            raise BreachError(addressee="notified")
        if dt.datetime.fromisoformat(when) < dt.datetime.fromisoformat(before.found):
            raise BreachError(found="moment")
        return replace(before, notices={**before.sent, addressee: Notice(when, by, how.strip()[:200])})

    return _change(store, id, change)


def close(
    store: EntityStore,
    id: str,
    by: str,
    lessons: str,
    outcome: str = "breach",
    now: dt.datetime | None = None,
) -> Breach:
    """Close it with what was learnt. A breach whose notices are owed stays open; what was none is closed with the
    reason. Raises BreachError."""
    if outcome not in OUTCOMES:
        raise BreachError(outcome="unknown")
    if fault := _fault(lessons):
        raise BreachError(lessons=fault)
    at = _text(now or dt.datetime.now(dt.UTC))

    def change(before: Breach) -> Breach:
        if before.owed and outcome == "breach":
            raise BreachError(outcome="owed")
        return replace(before, closed=at, closed_by=by, lessons=lessons.strip(), outcome=outcome)

    return _change(store, id, change)


def told(transaction: Transaction, id: str, warnings: int) -> bool:
    """Note that so many warnings were given; False if they were already."""
    kept = transaction.record(KIND, id)
    if kept is None or int(kept.get("told", 0)) >= warnings:
        return False
    transaction.save_record(KIND, id, kept | {"told": warnings})
    return True


def breach(store: EntityStore, id: str) -> Breach | None:
    kept = store.record(KIND, id)
    return _of(kept) if kept else None


def breaches(store: EntityStore) -> list[Breach]:
    """All of them, the newest first."""
    return sorted(map(_of, store.records(KIND).values()), key=lambda one: (one.found, one.id), reverse=True)


def checked(words: Mapping[str, str], persons: int | None) -> None:
    """Raises BreachError with everything that is wrong with what is known."""
    if faults := _faults(words, persons):
        raise BreachError(**faults)


def _change(store: EntityStore, id: str, change: Any) -> Breach:
    def work(transaction: Transaction) -> Breach:
        kept = transaction.record(KIND, id)
        if kept is None:
            raise BreachError(id="none")
        before = _of(kept)
        if before.closed:
            raise BreachError(id="closed")
        after: Breach = change(before)
        _save(transaction, after)
        return after

    return store.write(work)


def _known(words: Mapping[str, str], persons: int | None, specific: bool) -> dict[str, Any]:
    return {name: words[name].strip() for name in WORDS} | {"persons": persons, "specific": specific}


def _faults(words: Mapping[str, str], persons: int | None) -> dict[str, str]:
    faults = {name: fault for name in WORDS if (fault := _fault(words.get(name, "")))}
    if persons is not None and not 0 <= persons <= MOST_PERSONS:
        faults["persons"] = "number"
    return faults


def _fault(text: str) -> str:
    text = text.strip()
    return "short" if len(text) < SHORTEST else "long" if len(text) > LONGEST else ""


def _save(transaction: Transaction, one: Breach) -> None:
    transaction.save_record(KIND, one.id, asdict(one))


def _of(kept: Mapping[str, Any]) -> Breach:
    notices = {name: Notice(**one) for name, one in (kept.get("notices") or {}).items()}
    return Breach(**{**kept, "notices": notices})


def _text(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
