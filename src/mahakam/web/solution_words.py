"""What pages say of a solution's evidence: a chip, a sentence, and why there is none."""

from __future__ import annotations

from markupsafe import Markup

from mahakam.solutions.definition import Cost
from mahakam.solutions.effect import Change
from mahakam.solutions.evidence import Evidence
from mahakam.web.language import N_, _, measured, n_, number, period, words

VERDICTS = {
    "better": (N_("improved"), "ok"),
    "worse": (N_("got worse"), "bad"),
    "unclear": (N_("no clear change"), "warn"),
    "few": (N_("too few values"), "warn"),
    "moved": (N_("changed"), "river"),
    "alone": (N_("not compared"), "warn"),
    "none": (N_("not measurable yet"), ""),
}
SIDES = {
    "before": N_("before"),
    "during": N_("it began in it"),
    "after": N_("after"),
    "apart": N_("not comparable"),
}
WHY_NOT = {
    "gone": N_("The city no longer has the indicator that it was meant to move."),
    "empty": N_("The indicator has no value yet."),
    "timeless": N_(
        "The indicator has one value for all there is and none by year or month, so there is no before and no after."
    ),
    "broken": N_(
        "The indicator is counted in another way since it began, so the values before and after cannot be compared."
    ),
    "not_before": N_("There is no value of the time before it began."),
    "not_after": N_("There is no value of the time after it began yet."),
    "seasons": N_("No month of the year has a value both before and after it began."),
}
LEFT_OUT = {
    "apart": N_("measures it in another way"),
    "short": N_("has no value before or none after"),
    "adopted": N_("has the solution too"),
}
NOTES = {
    "during": N_("The period in which it began is left out: it is neither before nor after."),
    "apart": N_("Periods that were counted in another way are left out."),
    "poor": N_("Some of the values are of low confidence."),
}  # fmt: skip


SHORT = {
    "unmeasured": N_("meant to move no number"),
    "gone": N_("indicator gone"),
    "empty": N_("no value yet"),
    "timeless": N_("one value, no years"),
    "broken": N_("counted anew since"),
    "not_before": N_("no value before"),
    "not_after": N_("no value after"),
    "seasons": N_("no common months"),
}


def chip(found: Evidence) -> Markup:
    """The verdict; where there is none, why, in two or three words."""
    word, kind = VERDICTS[found.verdict]
    if found.reason:
        word = SHORT[found.reason]
    return Markup('<span class="chip {}">{}</span>').format(kind, _(word))


def figure(found: Evidence, value: float) -> str:
    definition = found.definition
    assert definition is not None, "a figure is of an indicator"
    return measured(value, definition.unit, definition.decimals if definition.decimals else 1)


def signed(found: Evidence, value: float) -> str:
    """A change, with its sign."""
    return ("+" if value > 0 else "") + figure(found, value).replace("-", "−", 1)


def interval(found: Evidence, change: Change) -> str:
    """What is said of how sure one may be."""
    if change.low is None or change.high is None:
        return _("too few values for an interval, or none that vary")
    return _(
        "95 %% interval: %(low)s to %(high)s", low=signed(found, change.low), high=signed(found, change.high)
    )


def points(change: Change) -> str:
    """How many values went in."""
    said = _(
        "%(before)s values before, %(after)s after",
        before=number(change.before_n),
        after=number(change.after_n),
    )
    if change.months:
        said += "; " + n_(
            "%(n)s month of the year against itself",
            "%(n)s months of the year, each against itself",
            change.months,
        )
    return said


def sentence(found: Evidence, unmeasured: object = None) -> str:
    """What came of it, in one sentence or two."""
    if found.verdict == "none":
        return words(unmeasured) if found.reason == "unmeasured" else _(WHY_NOT[found.reason])
    own = found.own
    assert own is not None
    assert found.definition is not None
    values = {
        "name": words(found.definition.name),
        "before": figure(found, own.before),
        "after": figure(found, own.after),
    }
    said = _("%(name)s: %(before)s on average before, %(after)s after.", **values)
    if found.effect is None:
        return (
            said
            + " "
            + _("No other city of this node can be compared with it, so this says what changed and not why.")
        )
    cities = ", ".join(words(one.place.name) for one in found.others)
    change = signed(found, found.effect.difference)
    return (
        said + " " + _("Beside %(cities)s that is a difference of %(change)s.", cities=cities, change=change)
    )


def judged(found: Evidence) -> str:
    """What the interval lets one say."""
    return {
        "better": _("The interval leaves zero out, and the change is for the better."),
        "worse": _("The interval leaves zero out, and the change is for the worse."),
        "moved": _("The interval leaves zero out. Neither direction of this indicator is the better one."),
        "unclear": _("The interval holds zero: the values do not show whether it had an effect."),
        "few": _("With so few values nobody can say whether it is more than chance."),
    }.get(found.verdict, "")


def notes(found: Evidence) -> list[str]:
    """What a reader must know of the figures."""
    said = [_(NOTES[one]) for one in found.notes if not (one == "apart" and found.reason == "timeless")]
    if found.definition is not None:
        for label in found.breaks:
            said.append(f"{period(label)}: {words(found.definition.breaks[label])}")
    if found.drifting is not None:
        said.append(
            _(
                "Before it began the gap to the other cities already moved by %(change)s a year, so what came after "
                "need not be its doing.",
                change=signed(found, found.drifting),
            )
        )
    if found.definition is not None and found.definition.note:
        said.append(words(found.definition.note))
    return said


def cost_words(cost: Cost) -> str:
    note = words(cost.note) if cost.note else ""
    if cost.amount is None:
        return _("Not known.") + (" " + note if note else "")
    return f"{cost.currency} {number(cost.amount)}" + (f". {note}" if note else "")
