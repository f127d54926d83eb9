"""What a city could learn where: its weakest indicators, like cities that did better, and what these did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mahakam.config import Place
from mahakam.indicators.series import Aim, Series
from mahakam.indicators.value import Value
from mahakam.solutions.definition import Solution
from mahakam.solutions.evidence import Evidence, Measures, evidence
from mahakam.solutions.likeness import Likeness, conditions_of, likeness


@dataclass(frozen=True, slots=True)
class Weak:
    """An indicator in which a city is weak, and why: ``ahead`` of the ``compared`` other cities do better, ``missed``
    is a target that is not met, ``worsened`` the value from which it got worse."""

    series: Series
    ahead: int
    compared: int
    missed: Aim | None
    worsened: Value | None

    @property
    def reasons(self) -> int:
        return (
            (self.compared > 0 and 2 * self.ahead > self.compared) + bool(self.missed) + bool(self.worsened)
        )


@dataclass(frozen=True, slots=True)
class Done:
    """A solution of a city, and its evidence."""

    solution: Solution
    found: Evidence


@dataclass(frozen=True, slots=True)
class Match:
    """A city to ask: how like it is; whether it stands better (``ahead``) and improved, from which value to which.

    ``solutions`` meant to move this very measure; ``others`` are of the indicator's theme. ``node``: the node that sent
    its values, "" for this one.
    """

    place: Place
    likeness: Likeness
    series: Series
    ahead: bool
    first: Value | None
    latest: Value
    solutions: tuple[Done, ...]
    others: tuple[Done, ...]
    node: str = ""

    @property
    def improved(self) -> bool:
        return self.first is not None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A weak indicator with the cities to ask, the likest first; ``without``: cities that measure it too, and neither
    stand better nor improved."""

    weak: Weak
    matches: tuple[Match, ...]
    without: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A solution of a like city with indicators that the city does not have."""

    place: Place
    likeness: Likeness
    done: Done
    names: tuple[str, ...]


def weaknesses(measures: Measures, place: Place) -> list[Weak]:
    """The indicators of a city that are weak for a reason, the most and plainest reasons first. Those of which neither
    direction is better are not judged."""
    found = []
    for one in measures.of(place):
        if one.latest is None or one.definition.better == "neutral":
            continue
        others = [other for other in _alike(measures, one) if other.latest]
        ahead = sum(_better(one, other.latest, one.latest) for other in others if other.latest)
        trend = one.trend
        target = one.target
        weak = Weak(
            one,
            ahead,
            len(others),
            target if target is not None and target.met is False else None,
            trend.previous if trend is not None and trend.judgement == "worse" else None,
        )
        if weak.reasons:
            found.append(weak)
    return sorted(
        found, key=lambda one: (-one.reasons, -one.ahead / max(one.compared, 1), one.series.definition.id)
    )


def suggestions(
    measures: Measures,
    place: Place,
    solutions: Mapping[str, Solution],
    weights: Mapping[str, float],
    most: int = 5,
) -> list[Suggestion]:
    """For the weakest indicators of a city the cities to ask. Raises ConfigError for conditions that cannot be used."""
    mine = conditions_of(place)
    found = []
    for weak in weaknesses(measures, place)[:most]:
        matches, without = [], []
        for other in _alike(measures, weak.series):
            match = _match(
                measures, weak.series, other, likeness(mine, conditions_of(other.place), weights), solutions
            )
            if match is None:
                without.append(other.place)
            else:
                matches.append(match)
        matches.sort(key=lambda one: (-(one.likeness.share or 0), one.place.id))
        found.append(Suggestion(weak, tuple(matches), tuple(without)))
    return found


def unmeasured(
    measures: Measures, place: Place, solutions: Mapping[str, Solution], weights: Mapping[str, float]
) -> list[Unmeasured]:
    """Solutions of other cities with indicators that the city does not have, the likest city's first."""
    mine, places = conditions_of(place), measures.broker.places
    have = {one.definition.measure for one in measures.of(place)}
    found = []
    for solution in solutions.values():
        other = places.get(solution.place)
        if other is None:  # brought from another node: nothing is known of its city here
            continue
        if other.id == place.id or other.kind != place.kind:
            continue
        series = [measures.series(other, name) for name in solution.components.indicators]
        names = tuple(
            one.definition.id for one in series if one is not None and one.definition.measure not in have
        )
        if names:
            alike = likeness(mine, conditions_of(other), weights)
            found.append(Unmeasured(other, alike, _done(measures, solution, other), names))
    return sorted(found, key=lambda one: (-(one.likeness.share or 0), one.done.solution.key))


def _alike(measures: Measures, one: Series) -> Sequence[Series]:
    """The same measure in the other cities; none where this city measures it in another way."""
    group = measures.alike(one).series
    if all(other.place.id != one.place.id for other in group):
        return ()
    return [other for other in group if other.place.id != one.place.id]


def _match(
    measures: Measures, weak: Series, other: Series, alike: Likeness, solutions: Mapping[str, Solution]
) -> Match | None:
    latest = other.latest
    if latest is None or weak.latest is None:
        return None
    since = max((label for label in other.definition.breaks if label <= latest.label), default="")
    first = next(value for value in other.available if value.label >= since or value is latest)
    improved = first is not latest and _better(weak, latest, first)
    ahead = _better(weak, latest, weak.latest)
    if not (improved or ahead):
        return None
    own = [one for one in solutions.values() if one.place == other.place.id]
    meant = [one for one in own if one.indicator == other.definition.id]
    theme = [one for one in own if one not in meant and one.theme and one.theme == weak.definition.theme]
    return Match(
        other.place,
        alike,
        other,
        ahead,
        first if improved else None,
        latest,
        tuple(_done(measures, one, other.place) for one in meant),
        tuple(_done(measures, one, other.place) for one in theme),
        measures.sender(latest.id),
    )


def _done(measures: Measures, solution: Solution, place: Place) -> Done:
    return Done(solution, evidence(measures, place, solution.indicator, solution.started))


def _better(by: Series, one: Value | None, other: Value | None) -> bool:
    """Whether one value is better than another, as the indicator has it."""
    if one is None or other is None or one.value is None or other.value is None:
        return False
    return one.value < other.value if by.definition.better == "lower" else one.value > other.value
