"""What the pages of solutions work with, for one request: every solution of the node, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mahakam.config import ConfigError, Place
from mahakam.solutions.definition import Solution, all_solutions
from mahakam.solutions.evidence import Evidence, Measures, evidence
from mahakam.web.language import _
from mahakam.web.site import Site, site_of

PATH = "/network/solutions"


@dataclass(frozen=True, slots=True)
class SolutionRow:
    """A solution, its city and its evidence."""

    solution: Solution
    place: Place
    found: Evidence

    @property
    def address(self) -> str:
        return f"{PATH}/{self.solution.key}"


@dataclass(frozen=True)
class SolutionDesk:
    """Read once a request."""

    site: Site

    @cached_property
    def _read(self) -> tuple[dict[str, Solution], list[ConfigError]]:
        problems: list[ConfigError] = []
        return all_solutions(self.site.places, problems), problems

    @property
    def solutions(self) -> dict[str, Solution]:
        return self._read[0]

    @property
    def problems(self) -> list[ConfigError]:
        """Files that cannot be used."""
        return self._read[1]

    @cached_property
    def measures(self) -> Measures:
        return Measures(self.site.broker)

    @cached_property
    def rows(self) -> tuple[SolutionRow, ...]:
        """Every solution, by the day on which it began, the newest first."""
        found = sorted(self.solutions.values(), key=lambda one: (one.started, one.key), reverse=True)
        return tuple(self.of(one) for one in found)

    def of(self, solution: Solution) -> SolutionRow:
        place = self.site.places[solution.place]
        return SolutionRow(
            solution, place, evidence(self.measures, place, solution.indicator, solution.started)
        )

    def row(self, place: str, name: str) -> SolutionRow:
        """Raises HTTPException 404 for a solution that there is not."""
        found = self.solutions.get(f"{place}/{name}")
        if found is None:
            raise HTTPException(
                404, _("This node has no solution %(name)s.", name=repr(f"{place}/{name}"[:120]))
            )
        return self.of(found)


def solution_desk(request: Request) -> SolutionDesk:
    if not hasattr(request.state, "solution_desk"):
        request.state.solution_desk = SolutionDesk(site_of(request))
    found: SolutionDesk = request.state.solution_desk
    return found
