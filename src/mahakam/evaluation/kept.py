"""Assessments that were answered on the pages: kept as dated data, with what the cities that were asked found."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import msgspec

from mahakam.config import ConfigError, Place
from mahakam.evaluation.files import MOST_PIECES, Answer, Assessment, Framework, Peer, assessments_of
from mahakam.faults import Changed, Fault, Refused, refuse
from mahakam.network.recommendation import LONGEST_TEXT, Author
from mahakam.store.protocol import EntityStore, Transaction
from mahakam.store.records import change_record

KIND = "evaluation-assessment"
LONGEST_AGENCY, MOST_ASKED, MOST_VERSIONS = 120, 10, 50


class Version(msgspec.Struct, frozen=True):
    """What was answered; a later version of the same day replaces it, and it stays readable in the store."""

    at: str
    by: Author
    answers: dict[str, Answer]


class Asked(msgspec.Struct, frozen=True):
    """A city (``seat`` its code) that was asked to look: its officer may read and review from then on."""

    at: str
    by: Author
    seat: str
    name: str


class Verdict(msgspec.Struct, frozen=True):
    level: int
    reason: str = ""


class Review(msgspec.Struct, frozen=True):
    at: str
    by: Author
    city: str
    verdicts: dict[str, Verdict]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """``key`` is its name on the pages, ``day`` an ISO date; ``agency`` "" for the place as a whole."""

    place: str
    key: str
    framework: str
    agency: str
    day: str
    versions: tuple[Version, ...]
    asked: tuple[Asked, ...] = ()
    reviews: tuple[Review, ...] = ()

    @property
    def answers(self) -> Mapping[str, Answer]:
        return self.versions[-1].answers

    def assessment(self, place: Place) -> Assessment:
        peers = tuple(
            Peer(
                one.city,
                dt.datetime.fromisoformat(one.at).astimezone(ZoneInfo(place.timezone)).date(),
                {key: verdict.level for key, verdict in one.verdicts.items()},
                {key: verdict.reason for key, verdict in one.verdicts.items() if verdict.reason},
            )
            for one in self.reviews
        )
        return Assessment(
            self.key, place.folder, self.framework, self.agency, dt.date.fromisoformat(self.day),
            self.versions[-1].by.name, self.answers, peers,
        )  # fmt: skip


def all_assessments(
    store: EntityStore, place: Place, problems: list[ConfigError] | None = None
) -> list[Assessment]:
    """Those of the files and those of the pages, the oldest of each agency first. Raises and fills as
    :func:`assessments_of`."""
    found = assessments_of(place, problems)
    named = {one.id for one in found}
    found += [one.assessment(place) for one in kept_of(store, place.id) if one.key not in named]
    return sorted(found, key=lambda one: (one.framework, one.agency, one.day, one.id))


def every_kept(store: EntityStore) -> list[Kept]:
    return [msgspec.convert(one, Kept) for one in store.records(KIND).values()]


def kept_of(store: EntityStore, place: str) -> list[Kept]:
    return [one for one in every_kept(store) if one.place == place]


def kept(store: EntityStore, place: str, name: str) -> Kept | None:
    found = store.record(KIND, f"{place}/{name}")
    return msgspec.convert(found, Kept) if found else None


def name_of(framework: str, agency: str, day: str) -> str:
    """readiness-bpbd-samarinda-2026-11-27."""
    said = re.sub(r"[^a-z0-9]+", "-", agency.casefold()).strip("-")[:40].strip("-")
    return "-".join(part for part in (framework, said, day) if part)


def todays(found: list[Kept], framework: str, agency: str, day: str) -> Kept | None:
    """The one that another answer on the same day goes on with: nobody has reviewed it yet."""
    return next(
        (one for one in reversed(found)
         if (one.framework, one.agency, one.day) == (framework, agency, day) and not one.reviews), None
    )  # fmt: skip


def assess(
    store: EntityStore,
    place: Place,
    framework: Framework,
    agency: str,
    answers: dict[str, Answer],
    there: Mapping[str, int],
    seen: int,
    by: Author,
    at: str,
    day: str,
) -> Kept:
    """Keep what was answered today. ``there`` counts the pieces of each question that the node has; ``seen`` is the
    version that was open (0: none). Raises Refused, and Changed if somebody answered meanwhile."""
    agency = " ".join(agency.split())
    faults = answer_faults(framework, answers, there)
    if len(agency) > LONGEST_AGENCY or not (agency.isprintable() or not agency):
        faults.append(Fault("agency", "long", {"most": LONGEST_AGENCY}))
    if faults:
        raise Refused(faults)
    taken = set(place.files("assessments"))

    def work(transaction: Transaction) -> Kept:
        found = [msgspec.convert(one, Kept) for one in transaction.records(KIND).values()]
        found = sorted((one for one in found if one.place == place.id), key=lambda one: one.versions[0].at)
        open_one = todays(found, framework.id, agency, day)
        if seen != (len(open_one.versions) if open_one else 0):
            raise Changed
        new = Version(at, by, answers)
        if open_one is not None:
            if open_one.answers == answers:
                raise refuse("form", "same")
            if len(open_one.versions) >= MOST_VERSIONS:
                raise refuse("form", "many", most=MOST_VERSIONS)
            made = msgspec.structs.replace(open_one, versions=(*open_one.versions, new))
        else:
            key = _free(name_of(framework.id, agency, day), taken | {one.key for one in found})
            made = Kept(
                place=place.id, key=key, framework=framework.id, agency=agency, day=day, versions=(new,)
            )
        _save(transaction, made)
        return made

    return store.write(work)


def answer_faults(
    framework: Framework, answers: Mapping[str, Answer], there: Mapping[str, int]
) -> list[Fault]:
    """A level needs its pieces of evidence, each of them there. Faults stand at ``level-N``, ``evidence-N`` and
    ``note-N``, N being the question's place in the framework."""
    faults = [] if answers else [Fault("form", "answers", {})]
    needs = {one.level: one.needs for one in framework.levels}
    for number, question in enumerate(framework.questions):
        answer = answers.get(question.key)
        if answer is None:
            continue
        if answer.level not in needs:
            faults.append(Fault(f"level-{number}", "choose", {}))
            continue
        if len(answer.pieces) > MOST_PIECES:
            faults.append(Fault(f"evidence-{number}", "many", {"most": MOST_PIECES}))
        elif there.get(question.key, 0) < needs[answer.level]:
            values = {
                "needs": needs[answer.level],
                "there": there.get(question.key, 0),
                "level": answer.level,
            }
            faults.append(Fault(f"evidence-{number}", "level_needs", values))
        if any(len(text) > LONGEST_TEXT for text in (answer.note or {}).values()):
            faults.append(Fault(f"note-{number}", "long", {"most": LONGEST_TEXT}))
    return faults


def ask_review(found: Kept, seat: str, name: str, by: Author, at: str) -> Kept:
    """Ask a city to look; asking it twice changes nothing."""
    if any(one.seat == seat for one in found.asked):
        raise refuse("peer", "asked_already")
    if len(found.asked) >= MOST_ASKED:
        raise refuse("peer", "many", most=MOST_ASKED)
    return msgspec.structs.replace(found, asked=(*found.asked, Asked(at, by, seat, name)))


def review(
    found: Kept, framework: Framework, verdicts: dict[str, Verdict], seen: int, by: Author, city: str, at: str
) -> Kept:
    """What a city found: each level accepted, or disputed with its reason. It may look again; both stay. Raises Refused
    and Changed. ``seen`` is the version that it read."""
    if seen != len(found.versions):
        raise Changed
    if by.role != "city_officer" or all(one.seat != by.seat for one in found.asked):
        raise Changed
    levels = {one.level for one in framework.levels}
    faults = [] if verdicts else [Fault("form", "answers", {})]
    for number, question in enumerate(framework.questions):
        verdict, answer = verdicts.get(question.key), found.answers.get(question.key)
        if verdict is None:
            continue
        if answer is None or verdict.level not in levels:
            faults.append(Fault(f"verdict-{number}", "choose", {}))
        elif verdict.level != answer.level and not verdict.reason:
            faults.append(Fault(f"reason-{number}", "reason", {}))
        if len(verdict.reason) > LONGEST_TEXT:
            faults.append(Fault(f"reason-{number}", "long", {"most": LONGEST_TEXT}))
    if len(found.reviews) >= MOST_VERSIONS:
        faults.append(Fault("form", "many", {"most": MOST_VERSIONS}))
    if faults:
        raise Refused(faults)
    return msgspec.structs.replace(found, reviews=(*found.reviews, Review(at, by, city, verdicts)))


def change_kept(
    store: EntityStore,
    place: str,
    name: str,
    step: Callable[[Kept], Kept],
    tell: Callable[[Transaction, Kept], None] | None = None,
) -> Kept:
    """Take a step; ``tell`` owes the letters about it, in its transaction. Raises KeyError for one that there is not,
    and what the step raises: then nothing is changed."""
    return change_record(store, KIND, f"{place}/{name}", Kept, step, tell)


def _free(name: str, taken: set[str]) -> str:
    number, key = 1, name
    while key in taken:
        number += 1
        key = f"{name}-{number}"
    return key


def _save(transaction: Transaction, one: Kept) -> None:
    transaction.save_record(KIND, f"{one.place}/{one.key}", msgspec.to_builtins(one))
