"""A breach in words: state and clock, what is wrong with an entry, the texts of the notices that the law wants."""

from __future__ import annotations

import datetime as dt

from mahakam.config import Place
from mahakam.services.breach import AUTHORITY, PERSONS, Breach, BreachError
from mahakam.web.language import N_, _, n_, number, time, words

STATES = {
    "running": N_("the clock runs"),
    "soon": N_("the clock runs out soon"),
    "over": N_("the clock has run out"),
    "met": N_("both were notified in time"),
    "late": N_("both were notified, late"),
    "closed": N_("closed"),
}
STATE_KINDS = {"running": "", "soon": "warn", "over": "bad", "met": "ok", "late": "warn", "closed": ""}
ADDRESSEES = {PERSONS: N_("The persons concerned"), AUTHORITY: N_("The authority")}
OUTCOMES = {"breach": N_("It was a breach"), "unfounded": N_("No personal data were concerned")}
_RULES = {
    "short": N_("Say it in at least ten letters."),
    "long": N_("That is too long: at most 8,000 letters."),
    "future": N_("This moment has not come yet."),
    "moment": N_("This is no day and time after it was found, as 2026-11-27T08:30+08:00."),
    "number": N_("A whole number from 0, or nothing if it is not known."),
    "unknown": N_("This cannot be chosen."),
    "owed": N_(
        "It is closed after the persons and the authority were notified, or as unfounded with the reason."
    ),
    "closed": N_("It is closed, and stays as it is."),
    "notified": N_("This notice was noted already."),
    "none": N_("There is no such entry."),
}


def fault_words(error: BreachError) -> dict[str, str]:
    """Field → what would be right."""
    return {field: _(_RULES[rule]) for field, rule in error.faults.items()}


def clock_words(one: Breach, now: dt.datetime) -> str:
    """How much is left, or since when it has run out; "" when nothing is owed."""
    if not one.owed:
        return ""
    left = one.left(now)
    minutes = int(abs(left).total_seconds() // 60)
    hours, rest = divmod(minutes, 60)
    span = " ".join(
        (n_("%(n)s hour", "%(n)s hours", hours), n_("%(n)s minute", "%(n)s minutes", rest))
        if hours
        else (n_("%(n)s minute", "%(n)s minutes", rest),)
    )
    return _("%(span)s left", span=span) if left >= dt.timedelta(0) else _("out for %(span)s", span=span)


def notice_text(one: Breach, addressee: str, place: Place | None) -> str:
    """The written notice of art. 46 (2): which data, when and how, what is done about it; in the reader's language."""
    who = words(place.name) if place else _("this node")
    persons = _("not known yet") if one.persons is None else number(one.persons)
    opening = (
        _(
            "Personal data about you, for which %(who)s answers, were not protected as they should have been.",
            who=who,
        )
        if addressee == PERSONS
        else _("%(who)s notifies a failure to protect personal data (Law 27/2022, article 46).", who=who)
    )
    parts = [
        _("Notice %(id)s", id=one.id),
        opening,
        _("Found: %(at)s", at=time(one.found)),
        _("What happened, when and how:") + f"\n{one.happened}",
        _("Which data:") + f"\n{one.data}",
        _("Whose data:") + f"\n{one.concerned}",
    ]
    if addressee == AUTHORITY:
        parts.append(_("How many persons: %(n)s", n=persons))
        parts.append(
            _("Specific personal data (article 4 (2)): %(yes)s", yes=_("yes") if one.specific else _("no"))
        )
    parts.append(_("What was done and is being done:") + f"\n{one.handling}")
    if addressee == PERSONS:
        parts.append(
            _(
                "Watch out for messages that use these data, change passwords that may be concerned, and ask us: "
                "you may have your data corrected or deleted."
            )
        )
    return "\n\n".join(map(str, parts)) + "\n"
