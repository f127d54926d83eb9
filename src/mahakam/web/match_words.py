"""Why a city is weak in something, why another is named, and how like they are, in words."""

from __future__ import annotations

from markupsafe import Markup

from mahakam.indicators.value import Value
from mahakam.solutions.likeness import Likeness, Part
from mahakam.solutions.matching import Match, Suggestion, Weak
from mahakam.web import indicator_views as views
from mahakam.web.language import N_, _, measured, n_, number, percent
from mahakam.web.origins import sent_by

CONDITIONS = {
    "population": N_("population"),
    "density": N_("people per km²"),
    "latitude": N_("distance from the equator"),
    "coast": N_("on the coast"),
    "river": N_("on a river"),
    "country": N_("country"),
}


def figure(value: Value, decimals: int | None) -> str:
    """A value with its unit and period."""
    when = views.when(value)
    text = views.with_unit(value, decimals)
    return f"{text} ({when})" if when else text


def traced(value: Value, decimals: int | None) -> Markup:
    """A value that opens to its trace."""
    return Markup('<a href="{}">{}</a>').format(views.trace_address(value), figure(value, decimals))


def moved(match: Match) -> Markup:
    """How the city stands, each figure with its trace."""
    decimals = match.series.definition.decimals
    latest = traced(match.latest, decimals)
    said = []
    if match.first is not None:
        first = traced(match.first, decimals)
        improved = Markup(_("It improved from %(first)s to %(latest)s."))  # noqa: S704 - a message of ours
        said.append(improved % {"first": first, "latest": latest})
    if match.ahead:
        better = Markup(_("It stands better: %(value)s."))  # noqa: S704 - a message of ours
        said.append(better % {"value": latest})
    return Markup(" ").join(said)


def sent_words(match: Match) -> str:
    """Which node sent the newest value, and when that computed it."""
    return sent_by(match.node, match.latest.computed)


def weak_words(weak: Weak) -> list[str]:
    """Every reason why it is weak."""
    said, decimals = [], weak.series.definition.decimals
    if weak.compared and 2 * weak.ahead > weak.compared:
        said.append(
            n_("%(ahead)s of %(n)s other city does better.", "%(ahead)s of %(n)s other cities do better.",
               weak.compared, ahead=number(weak.ahead))
        )  # fmt: skip
    if weak.missed is not None:
        aim = measured(weak.missed.value, weak.series.definition.unit, decimals)
        said.append(_("The target of %(year)s (%(value)s) is not met.", year=weak.missed.year, value=aim))
    if weak.worsened is not None:
        said.append(_("It got worse since %(value)s.", value=figure(weak.worsened, decimals)))
    return said


def why(suggestion: Suggestion, match: Match) -> list[str]:
    """Why a city is named."""
    decimals, said = suggestion.weak.series.definition.decimals, []
    if match.first is not None:
        said.append(
            _("It improved from %(first)s to %(latest)s.", first=figure(match.first, decimals),
              latest=figure(match.latest, decimals))
        )  # fmt: skip
    if match.ahead:
        said.append(_("It stands better: %(value)s.", value=figure(match.latest, decimals)))
    said.append(alike(match.likeness))
    if match.solutions:
        said.append(_("It did something meant to move this."))
    elif match.others:
        said.append(_("It did something of the same theme."))
    else:
        said.append(_("It has described no solution; ask what it did."))
    return said


def alike(likeness: Likeness) -> str:
    if likeness.share is None:
        return _("Nothing is known of both by which they could be held alike.")
    return _("Its conditions are %(share)s alike.", share=percent(likeness.share))


def part_words(part: Part) -> str:
    """population: 881,225 and 757,418, 86 % alike (weight 3)."""
    return _(
        "%(name)s: %(mine)s and %(theirs)s, %(share)s alike (weight %(weight)s)",
        name=_(CONDITIONS[part.name]), mine=_condition(part, part.mine), theirs=_condition(part, part.theirs),
        share=percent(part.share), weight=number(part.weight),
    )  # fmt: skip


def unknown_words(likeness: Likeness) -> str:
    names = ", ".join(_(CONDITIONS[name]) for name in likeness.unknown)
    return _("Not stated by both: %(names)s", names=names) if names else ""


def _condition(part: Part, value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return f"{number(abs(value), 1)}°" if part.name == "latitude" else number(value, 0)
    return str(value)
