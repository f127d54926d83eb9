"""A question between cities: asked in one language, put into others by people, answered, one answer accepted.

Pure: each step takes a question and gives the next one, or raises Refused or Changed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

from mahakam.faults import Changed, Fault, Refused
from mahakam.network.recommendation import LONGEST_TEXT, LONGEST_TITLE, Author, Course, Words, noted, require
from mahakam.network.writing import reasoned, titled

TONGUES = ("en", "id", "ms", "fil", "vi", "th", "km", "lo", "my", "zh", "ta", "pt", "tet")
"""Languages in which it may be asked: those of the network's countries, and English, in which they meet (ISO 639)."""
LinkKind = Literal["solution", "indicator"]
MOST_ANSWERS, MOST_TRANSLATIONS, MOST_LINKS = 100, 60, 10


class Link(msgspec.Struct, frozen=True):
    """``ref`` is ``place/name`` of a solution or an indicator of this node; ``name`` as it stood that day."""

    kind: LinkKind
    ref: str
    name: Words


class Translation(msgspec.Struct, frozen=True):
    """By a person. A later one of the same language takes its place, and both are kept."""

    language: str
    title: str
    text: str
    at: str
    by: Author


class Said(msgspec.Struct, frozen=True):
    """``title`` is "" for an answer."""

    language: str
    title: str
    text: str
    at: str
    by: Author
    translations: tuple[Translation, ...] = ()

    def standing(self) -> dict[str, Translation]:
        """The translations that hold, by language."""
        return {one.language: one for one in self.translations}

    def titles(self) -> Words:
        return {self.language: self.title} | {one.language: one.title for one in self.standing().values()}


class Question(Course, frozen=True, kw_only=True):
    """``accepted`` is the number of an answer, from 1; 0 for none."""

    key: str
    said: Said
    links: tuple[Link, ...] = ()
    answers: tuple[Said, ...] = ()
    accepted: int = 0
    withdrawn: bool = False

    @property
    def by(self) -> Author:
        return self.said.by

    @property
    def state(self) -> Literal["open", "answered", "accepted", "withdrawn"]:
        if self.withdrawn:
            return "withdrawn"
        return "accepted" if self.accepted else "answered" if self.answers else "open"

    def languages(self) -> tuple[str, ...]:
        """In which the question can be read, its own first."""
        return tuple(self.said.titles())

    def asked_by(self, by: Author) -> bool:
        """Whether somebody may speak as the asker: the same account, or a successor in the same office."""
        same_office = bool(by.role) and (by.role, by.seat) == (self.by.role, self.by.seat)
        return same_office or by.account == self.by.account


def ask(key: str, said: Said, links: tuple[Link, ...]) -> Question:
    """Raises Refused."""
    faults = _faults(said, "") + titled("title", said.title, LONGEST_TITLE)
    if len(links) > MOST_LINKS:
        faults.append(Fault("links", "many", {"most": MOST_LINKS}))
    if faults:
        raise Refused(faults)
    return noted(Question(key=key, said=said, links=links), "asked", said.by, said.at)


def answer(found: Question, said: Said) -> Question:
    require(not found.withdrawn)
    faults = _faults(said, "answer-")
    if len(found.answers) >= MOST_ANSWERS:
        faults.append(Fault("answer-text", "many", {"most": MOST_ANSWERS}))
    if faults:
        raise Refused(faults)
    return noted(msgspec.structs.replace(found, answers=(*found.answers, said)), "answered", said.by, said.at)


def translate(found: Question, number: int, new: Translation, seen: int) -> Question:
    """Put the question (``number`` 0) or an answer (from 1) into another language, beside the original. ``seen``: how
    many translations of it there were when this one was begun. Raises Refused; Changed if another came meanwhile."""
    require(not found.withdrawn and 0 <= number <= len(found.answers))
    said = found.said if number == 0 else found.answers[number - 1]
    if seen != len(said.translations):
        raise Changed
    faults = [] if new.language in TONGUES else [Fault("to", "choose", {})]
    if new.language == said.language:
        faults.append(Fault("to", "original", {}))
    if number == 0:
        faults += titled("to-title", new.title, LONGEST_TITLE)
    faults += titled("to-text", new.text, LONGEST_TEXT)
    if len(said.translations) >= MOST_TRANSLATIONS:
        faults.append(Fault("to-text", "many", {"most": MOST_TRANSLATIONS}))
    if faults:
        raise Refused(faults)
    said = msgspec.structs.replace(said, translations=(*said.translations, new))
    if number == 0:
        changed = msgspec.structs.replace(found, said=said)
    else:
        answers = (*found.answers[: number - 1], said, *found.answers[number:])
        changed = msgspec.structs.replace(found, answers=answers)
    return noted(changed, "translated", new.by, new.at, new.language)


def accept(found: Question, number: int, by: Author, at: str) -> Question:
    """The asker says which answer helped; 0 takes it back."""
    require(not found.withdrawn and found.asked_by(by) and 0 <= number <= len(found.answers))
    if number == found.accepted:
        raise Changed
    return noted(
        msgspec.structs.replace(found, accepted=number), "accepted" if number else "reopened", by, at
    )


def withdraw(found: Question, reason: str, by: Author, at: str) -> Question:
    """Off the list, by the asker or the Secretariat (the caller knows); kept, with the reason."""
    require(not found.withdrawn)
    return noted(msgspec.structs.replace(found, withdrawn=True), "withdrawn", by, at, reasoned(reason))


def lacking(found: Question, language: str, among: Collection[str] = TONGUES) -> bool:
    """Whether the question cannot be read in a language yet."""
    return language in among and language not in found.languages()


def _faults(said: Said, prefix: str) -> list[Fault]:
    faults = [] if said.language in TONGUES else [Fault(f"{prefix}language", "choose", {})]
    return faults + titled(f"{prefix}text", said.text, LONGEST_TEXT)
