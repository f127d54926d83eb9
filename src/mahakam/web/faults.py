"""What is wrong with a form, in the reader's language, and the few words that forms with steps share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from mahakam.config import ConfigError
from mahakam.faults import Fault
from mahakam.web.language import N_, _
from mahakam.web.plan_faults import PLAN_FAULTS

_FAULTS = {
    "choose": N_("Choose one from the list."),
    "words": N_("Write something here, %(most)s characters at most."),
    "long": N_("This is too long: %(most)s characters at most."),
    "many": N_("These are too many: %(most)s at most."),
    "date": N_("Give a day, as 2026-12-31."),
    "when": N_("Give a day, as 2026-12-31, or a year."),
    "within": N_("Give a day from today on, at most %(most)s days ahead."),
    "order": N_("The end comes after the beginning."),
    "english": N_("The English text is missing; it is what every country reads."),
    "reason": N_("Say why; the others will read it."),
    "objection": N_("An objection needs its reason, so that the text can be mended."),
    "same": N_("Nothing was changed."),
    "claims": N_("Write at least one claim."),
    "actions": N_("Write at least one thing to do."),
    "who": N_("Say who is to do it."),
    "evidence": N_("Give the evidence: an indicator value, a project or a document."),
    "unknown": N_("%(what)s is no indicator value, project or city of this node."),
    "address": N_(
        "%(what)s is no address: copy a page's address from this node, or one that begins with https://"
    ),
    "language": N_("Write it in one of the languages at least."),
    "self": N_("Choose another side than your own."),
    "waiting": N_("%(most)s requests of yours wait for an answer; withdraw one before you make another."),
    "gone": N_("What this is about is no longer there: take the link off, or start again from its page."),
    "mail": N_("Give an address as name@example.org, or leave it empty."),
    "year": N_("Give a day in %(year)s."),
    "named": N_("Give it a name that no other has."),
    "material": N_("The node has no data of it yet: run its feed, or give the address where the data is."),
    "link": N_("Give an address that begins with https://"),
    "mended": N_("Say what was done about the findings."),
    "despite": N_("Say why it is approved although a point is not in order, or was found wanting."),
    "own": N_("You handed this release over yourself; somebody else examines it."),
    "findings": N_("Write what is to be mended, one finding a line."),
    "invitation": N_("This invitation was used already, or is too old. Ask for another."),
    "answers": N_("Answer at least one question."),
    "level_needs": N_(
        "Level %(level)s needs %(needs)s pieces of evidence, of which the node finds %(there)s; "
        "give them or choose a lower level."
    ),
    "piece": N_(
        "%(what)s is no evidence: copy the address of a dataset or an indicator of this city, or one that begins with https://"
    ),
    "nothing_there": N_("%(what)s: the node has no data of it yet."),
    "original": N_("It was written in this language; choose another."),
    "no_link": N_("%(what)s is no solution or indicator of this node: copy the address of its page."),
    "asked_already": N_("This city was asked already."),
    **PLAN_FAULTS,
}


class Errors(dict[str, str]):
    """Field → what is wrong with it; "" for a field with which nothing is, so that templates may ask for any."""

    def __missing__(self, field: str) -> str:
        return ""


def now() -> str:
    """This moment as it is kept: UTC, ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def said(faults: Iterable[Fault]) -> dict[str, str]:
    """Field → what is wrong with it and what would be right."""
    found: dict[str, str] = {}
    for fault in faults:
        found.setdefault(fault.field, fault_words(fault))
    return found


def fault_words(fault: Fault) -> str:
    return _(_FAULTS[fault.code], **fault.values)


def in_file(problem: ConfigError) -> str:
    """What is wrong with a file, named within its place's folder."""
    return f"{problem.path.parent.name}/{problem.path.name}: {problem.problem}"


def changed() -> str:
    """Somebody else was quicker."""
    return _(
        "Somebody else changed this meanwhile. It stands here as it is now; what you wrote is kept below."
    )


def number(text: str) -> int:
    """A whole number of a hidden field, -1 for what is none."""
    return int(text) if text.isdecimal() and len(text) < 10 else -1
