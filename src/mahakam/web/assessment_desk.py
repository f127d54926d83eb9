"""What the pages of assessments work with: who may read, answer and review, how each stands, what waits for whom."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mahakam.config import ConfigError, Place
from mahakam.evaluation.files import Framework, framework_of
from mahakam.evaluation.kept import Kept, all_assessments, every_kept, kept
from mahakam.evaluation.standing import Standing, standing
from mahakam.feeds.known import datasets
from mahakam.network.offices import Office
from mahakam.network.register import register_of
from mahakam.services.catalogue import catalogue
from mahakam.web import gate
from mahakam.web.language import _, words
from mahakam.web.network_office import desk, may_in
from mahakam.web.site import site_of

READ, WRITE, REVIEW = "evaluation.read", "evaluation.write", "evaluation.review"


@dataclass(frozen=True)
class Series:
    """The assessments of one agency by one framework, the oldest first."""

    place: Place
    found: tuple[Standing, ...]

    @property
    def last(self) -> Standing:
        return self.found[-1]

    @property
    def agency(self) -> str:
        return self.last.assessment.agency or words(self.place.name)

    @property
    def change(self) -> float | None:
        """How much more (or less) evidence carries than the time before."""
        if len(self.found) < 2:
            return None
        return round(self.last.carried - self.found[-2].carried, 4)

    @property
    def address(self) -> str:
        return address(self.place, self.last.assessment.id)


def address(place: Place, name: str) -> str:
    return f"/evaluation/{place.id}/{name}"


def standings(request: Request, place: Place) -> list[Standing]:
    """Every assessment of a place as it stands now; one that cannot be used hides no other."""
    if not hasattr(request.state, "assessments"):
        request.state.assessments = {}
    states: dict[str, list[Standing]] = request.state.assessments
    if place.id not in states:
        site, problems = site_of(request), list[ConfigError]()
        frameworks: dict[str, Framework | None] = {}
        found = []
        for one in all_assessments(site.store, place, problems):
            if one.framework not in frameworks:
                try:
                    frameworks[one.framework] = framework_of(place, site.places, one.framework)
                except ConfigError:
                    frameworks[one.framework] = None
            framework = frameworks[one.framework]
            if framework is not None:
                found.append(standing(site.broker, place, framework, one))
        states[place.id] = found
    return states[place.id]


def series_of(place: Place, found: list[Standing]) -> list[Series]:
    """Agency by agency."""
    groups: dict[tuple[str, str], list[Standing]] = {}
    for one in found:
        groups.setdefault((one.framework.id, one.assessment.agency), []).append(one)
    return [Series(place, tuple(group)) for group in groups.values()]


def agencies(request: Request, place: Place) -> list[str]:
    """What may be meant by an agency of a place: who answers for a service, whose data it is, who assessed itself."""
    known = {one.owner for one in datasets(site_of(request).store, place)} | serving(request, place)
    known |= {one.assessment.agency for one in standings(request, place)}
    return sorted(known - {""}, key=str.casefold)


def serving(request: Request, place: Place) -> set[str]:
    """The agencies that answer for a service. (Whose data it is may be somebody who is no agency of the city.)"""
    with suppress(ConfigError):  # the page of services says what is wrong with its file
        return {one.agency for one in catalogue(place, site_of(request).places).values()} - {""}
    return set()


def officers(request: Request) -> tuple[Office, ...]:
    """The visitor's offices that may review another city."""
    if gate.visitor(request) is None or register_of(site_of(request).places) is None:
        return ()
    return tuple(one for one in desk(request).standing.offices if one.role == "city_officer")


def reviewer(request: Request, one: Kept | None) -> Office | None:
    """The office in which the visitor reviews an assessment that their city was asked to look at."""
    asked = {each.seat for each in one.asked} if one else set()
    return next((office for office in officers(request) if office.seat in asked), None)


def waiting(request: Request) -> list[tuple[Place, Kept]]:
    """What the visitor's cities were asked to look at and have not."""
    places, found = site_of(request).places, []
    for one in every_kept(site_of(request).store) if officers(request) else ():
        office = reviewer(request, one)
        if office and one.place in places and all(each.by.seat != office.seat for each in one.reviews):
            found.append((places[one.place], one))
    return found


def place_to_read(request: Request) -> Place:
    """The place of the address. Raises HTTPException 303, 401, 403 or 404."""
    place = site_of(request).place(request.path_params["place"])
    if not may_in(request, READ, place):
        gate.require(request, READ, place)
    return place


def one_to_read(request: Request) -> tuple[Place, Standing, Kept | None]:
    """The assessment of the address, for those of the city and for a city that was asked to look at it."""
    site = site_of(request)
    place, name = site.place(request.path_params["place"]), request.path_params["name"]
    one = kept(site.store, place.id, name)
    if reviewer(request, one) is None:
        place_to_read(request)
    found = next((each for each in standings(request, place) if each.assessment.id == name), None)
    if found is None:
        raise HTTPException(
            404, _("%(place)s has no assessment %(name)s", place=words(place.name), name=name[:80])
        )
    return place, found, one
