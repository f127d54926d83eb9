"""Action plans in the reader's words: how something stands and why, focus areas, support, steps of a year."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from mahakam.network.measured import Measured
from mahakam.network.plan import Update
from mahakam.network.plan_status import OutcomeStanding, OutcomeState, ProjectStanding, Reason, State
from mahakam.web.language import N_, _, date, number, percent, period, unit, words
from mahakam.web.origins import sent_by

STATES: dict[State, tuple[str, str]] = {
    "done": (N_("done"), "ok"),
    "on_track": (N_("on track"), "river"),
    "at_risk": (N_("at risk"), "warn"),
    "late": (N_("late"), "bad"),
    "not_judged": (N_("not judged"), ""),
}
OUTCOMES: dict[OutcomeState, tuple[str, str]] = {
    "met": (N_("target met"), "ok"),
    "on_path": (N_("on its path"), "river"),
    "behind": (N_("behind its path"), "warn"),
    "missed": (N_("target missed"), "bad"),
    "not_measured": (N_("not measured here"), ""),
}
UPDATES: dict[str, tuple[str, str]] = {
    "": (N_("not sent"), ""),
    "missing": (N_("missing"), "bad"),
    "sent": (N_("with the Secretariat"), "river"),
    "returned": (N_("given back"), "warn"),
    "collated": (N_("taken in"), "ok"),
}
STEPS = {
    "cities": N_("Cities update their plans"),
    "collated": N_("The Secretariat collates"),
    "report": N_("Consolidated report"),
    "meeting": N_("Annual meeting"),
    "leaders": N_("To the leaders"),
}
SUPPORT = {
    "advisory": N_("advice"),
    "technical": N_("technical help"),
    "financial": N_("money"),
    "partners": N_("partners"),
}
AREAS = {
    "Civic & Social": N_("Civic & Social"),
    "Health & Well-Being": N_("Health & Well-Being"),
    "Safety & Security": N_("Safety & Security"),
    "Quality Environment": N_("Quality Environment"),
    "Built Infrastructure": N_("Built Infrastructure"),
    "Industry & Innovation": N_("Industry & Innovation"),
}
SUB_AREAS = {
    "Public & Municipal Services": N_("Public & Municipal Services"),
    "Governance": N_("Governance"),
    "Tourism": N_("Tourism"),
    "Culture & Heritage": N_("Culture & Heritage"),
    "Healthcare": N_("Healthcare"),
    "Housing & Home": N_("Housing & Home"),
    "Education": N_("Education"),
    "Resource Security": N_("Resource Security"),
    "Public Safety": N_("Public Safety"),
    "Cybersecurity": N_("Cybersecurity"),
    "Clean Environment": N_("Clean Environment"),
    "Resources Access & Management": N_("Resources Access & Management"),
    "Urban Resilience": N_("Urban Resilience"),
    "Mobility & Transportation": N_("Mobility & Transportation"),
    "Utilities": N_("Utilities"),
    "Building & Construction": N_("Building & Construction"),
    "Business & Entrepreneurship": N_("Business & Entrepreneurship"),
    "Trade & Commerce": N_("Trade & Commerce"),
    "Research": N_("Research"),
    "Technology Incubation": N_("Technology Incubation"),
}
PARTS = {
    "file": N_("The plan, from a file"),
    "progress": N_("Progress was reported"),
    "update": N_("A step of the year's update"),
}
"""What a change of the history was."""


def chip(found: tuple[str, str]) -> Markup:
    word, kind = found
    return Markup('<span class="chip {}">{}</span>').format(kind, _(word))


def area(name: str) -> str:
    return _(AREAS[name]) if name in AREAS else name


def sub_area(name: str) -> str:
    return _(SUB_AREAS[name]) if name in SUB_AREAS else name


def support(kinds: Iterable[str]) -> str:
    return ", ".join(_(SUPPORT[one]) if one in SUPPORT else one for one in kinds)


def money(amount: float | None, currency: str) -> str:
    return "" if amount is None else f"{number(amount)} {currency}".strip()


def reason(one: Reason, project: ProjectStanding) -> str:
    """A sentence for each rule that put a project where it stands."""
    given, currency = one.values, project.project.currency
    names = {each.outcome.indicator or each.outcome.name: outcome_name(each) for each in project.outcomes}
    match one.code:
        case "overdue":
            return _(
                "%(key)s was to be reached by %(due)s, %(days)s days ago.",
                key=given["key"],
                due=date(given["due"], "medium"),
                days=number(given["days"]),
            )
        case "past_end":
            return _("Its last day was %(ends)s.", ends=date(given["ends"], "medium"))
        case "behind":
            return _(
                "%(time)s of its time is over, %(reached)s of its milestones are reached.",
                time=percent(float(given["time"])),
                reached=percent(float(given["reached"])),
            )
        case "outcome_missed":
            return _(
                "%(name)s missed its target of %(year)s.", name=names[str(given["name"])], year=given["year"]
            )
        case "outcome_behind":
            return _("%(name)s is behind its path.", name=names[str(given["name"])])
        case "over_budget":
            return _(
                "%(spent)s were spent, of a budget of %(budget)s.",
                spent=money(float(given["spent"]), currency),
                budget=money(float(given["budget"]), currency),
            )
        case _:
            return _("It has no milestones to be judged by.")


def outcome_name(one: OutcomeStanding) -> str:
    """The indicator's own name where the node measures it."""
    found = one.latest or one.measured_baseline
    return words(found.name) if found else one.outcome.name or one.outcome.indicator


def figure(value: float | None) -> str:
    """A measured value as it is read: of 1 and more one decimal is enough."""
    return number(round(value, 1) if value is not None and abs(value) >= 1 else value)


def measured_in(one: Measured) -> str:
    """2025, November 2025; a value of all that there is stands for today."""
    return _("latest") if one.label == "all" else period(one.label)


def outcome_unit(one: OutcomeStanding) -> str:
    found = one.latest or one.measured_baseline
    return unit(found.unit if found else one.outcome.unit)


def outcome_sentence(one: OutcomeStanding) -> str:
    """Where the value stands, against where its path would have it."""
    if one.latest is None:
        return _("No value of it after %(year)s is on this node.", year=one.outcome.baseline_year)
    said = _(
        "Measured: %(value)s (%(period)s). The path would have %(expected)s.",
        value=figure(one.latest.value),
        period=measured_in(one.latest),
        expected=figure(one.expected),
    )
    if one.latest.node:
        said += " " + sent_by(one.latest.node, one.latest.computed)
    if one.baseline_differs and one.measured_baseline is not None:
        said += " " + _(
            "The plan states a baseline of %(stated)s, this node measured %(measured)s.",
            stated=number(one.outcome.baseline),
            measured=figure(one.measured_baseline.value),
        )
    return said


def update_state(last: Update | None, *, late: bool) -> str:
    """Key of UPDATES for the last step of a year's update."""
    if last is not None:
        return last.state
    return "missing" if late else ""
