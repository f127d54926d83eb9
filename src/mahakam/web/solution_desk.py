"""What the pages of solutions work with, for one request: every solution of the node, and what came of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mahakam.config import ConfigError, Place, Text
from mahakam.indicators.series import Series
from mahakam.solutions.adoption import Adoption, adoptions, began_in
from mahakam.solutions.bundle import Origin, origin_of, reachable
from mahakam.solutions.definition import Solution, all_solutions, solutions_of
from mahakam.solutions.evidence import Evidence, Measures, evidence
from mahakam.web.language import _
from mahakam.web.network_office import may_in
from mahakam.web.origins import origins
from mahakam.web.site import Site, site_of

PATH = "/network/solutions"


@dataclass(frozen=True)
class SolutionRow:
    """A solution, its city and its evidence."""

    solution: Solution
    place: Place
    found: Evidence

    @property
    def address(self) -> str:
        return f"{PATH}/{self.solution.key}"

    @cached_property
    def origin(self) -> Origin | None:
        """The node that it was brought from; None for a solution of this one."""
        return origin_of(self.place)


@dataclass(frozen=True, slots=True)
class AdoptionRow:
    """A city that took a solution over: when, its evidence there from that day on, and what its indicators say."""

    adoption: Adoption
    day: dt.date
    row: SolutionRow
    series: tuple[Series, ...]

    @property
    def address(self) -> str:
        return f"{PATH}/{self.adoption.solution}/adopted/{self.adoption.place}"

    @property
    def values(self) -> tuple[Series, ...]:
        return tuple(one for one in self.series if one.latest is not None)


@dataclass(frozen=True)
class SolutionDesk:
    """Read once a request."""

    site: Site
    sender: Callable[[str], str]
    """An entity's id → the title of the node that sent it; "" for this node's own."""

    @cached_property
    def places(self) -> dict[str, Place]:
        """The node's, and the cities of other nodes whose solutions were brought here."""
        return reachable(self.site.settings.data, self.site.places)

    @cached_property
    def _read(self) -> tuple[dict[str, Solution], list[ConfigError]]:
        problems: list[ConfigError] = []
        return all_solutions(self.places, problems), problems

    @property
    def solutions(self) -> dict[str, Solution]:
        return self._read[0]

    @property
    def problems(self) -> list[ConfigError]:
        """Files that cannot be used."""
        return self._read[1]

    @cached_property
    def measures(self) -> Measures:
        return Measures(self.site.broker, self.sender)

    @cached_property
    def rows(self) -> tuple[SolutionRow, ...]:
        """Every solution, by the day on which it began, the newest first."""
        found = sorted(self.solutions.values(), key=lambda one: (one.started, one.key), reverse=True)
        return tuple(self.of(one) for one in found)

    @cached_property
    def adopted(self) -> list[Adoption]:
        """Every adoption by a place that there is."""
        return [one for one in adoptions(self.site.store) if one.place in self.site.places]

    def of(self, solution: Solution) -> SolutionRow:
        return self._since(solution, self.places[solution.place], solution.started)

    def adopters(self, solution: Solution) -> list[AdoptionRow]:
        """The cities that took a solution over, each with what came of it there."""
        return [self.taken(one, solution) for one in self.adopted if one.solution == solution.key]

    def taken(self, adoption: Adoption, solution: Solution) -> AdoptionRow:
        place = self.site.places[adoption.place]
        day = adoption.day(place.timezone)
        return AdoptionRow(adoption, day, self._since(solution, place, day), self._series(solution, place))

    def _series(self, solution: Solution, place: Place) -> tuple[Series, ...]:
        """The series of its indicators in a city; those without a value too."""
        found = (self.measures.series(place, name) for name in solution.components.indicators)
        return tuple(one for one in found if one is not None)

    def _since(self, solution: Solution, place: Place, day: dt.date) -> SolutionRow:
        others = began_in(solution, self.adopted, self.site.places)
        others = {id: day for id, day in others.items() if id != place.id and id in self.site.places}
        found = evidence(self.measures, place, solution.indicator, day, others)
        return SolutionRow(solution, place, found)

    def row(self, place: str, name: str) -> SolutionRow:
        """Raises HTTPException 404 for a solution that there is not."""
        found = self.solutions.get(f"{place}/{name}")
        if found is None:
            raise HTTPException(
                404, _("This node has no solution %(name)s.", name=repr(f"{place}/{name}"[:120]))
            )
        return self.of(found)


def may_adopt(request: Request, place: Place) -> bool:
    """Whether the visitor may take a solution over for a city: by a role of the account, or by an office."""
    return may_in(request, "solution.adopt", place)


def solution_desk(request: Request) -> SolutionDesk:
    if not hasattr(request.state, "solution_desk"):
        request.state.solution_desk = SolutionDesk(site_of(request), origins(request).title_of)
    found: SolutionDesk = request.state.solution_desk
    return found


@dataclass(frozen=True, slots=True)
class InCity:
    """A solution on the page of a city. ``origin``: the name of the city that it was adopted from, None for its own."""

    name: Text
    address: str
    since: dt.date
    origin: Text | None = None
    newer: str = ""
    """A version of it that nobody of the city has decided about."""


def solutions_in(request: Request, place: Place) -> list[InCity]:
    """What a city did and what it took over, the newest first; nothing is computed."""
    site, problems = site_of(request), list[ConfigError]()
    places = solution_desk(request).places
    if place.kind != "city":
        return []
    own = [
        InCity(one.name, f"{PATH}/{one.key}", one.started)
        for one in solutions_of(place, site.places, problems).values()
    ]
    for one in adoptions(site.store):
        origin = places.get(one.solution.partition("/")[0])
        if one.place != place.id or origin is None:
            continue
        solution = solutions_of(origin, places, problems).get(one.solution.partition("/")[2])
        if solution is not None:
            address = f"{PATH}/{one.solution}/adopted/{place.id}"
            waits = solution.version != one.version and one.declined(solution.version) is None
            newer = solution.version if waits else ""
            own.append(InCity(solution.name, address, one.day(place.timezone), origin.name, newer))
    return sorted(own, key=lambda one: one.since, reverse=True)
