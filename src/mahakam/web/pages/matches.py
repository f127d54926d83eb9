"""Where a city could learn: its weakest indicators, like cities that did better, what these did, and why they are
named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from mahakam.config import ConfigError, Place
from mahakam.indicators.value import Value
from mahakam.solutions.likeness import DEFAULTS, HEAVIEST, weights_of
from mahakam.solutions.matching import Done, Match, Suggestion, Unmeasured, suggestions, unmeasured
from mahakam.web import match_words
from mahakam.web import solution_words as say
from mahakam.web.city_indicators import city_address, measure_address, places_elsewhere
from mahakam.web.cooperation_desk import PATH as COOPERATION
from mahakam.web.cooperation_desk import may_ask_for
from mahakam.web.cooperation_words import about_address
from mahakam.web.language import _, in_timezone, words
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.solution_desk import PATH as SOLUTIONS
from mahakam.web.solution_desk import may_adopt, solution_desk
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

PATH = "/network/matches"


@dataclass(frozen=True, slots=True)
class Found:
    """What is suggested to one city."""

    place: Place
    weights: dict[str, float]
    suggestions: list[Suggestion]
    unmeasured: list[Unmeasured]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table: a weak indicator, a city to ask, and a solution of it, if it has one."""

    suggestion: Suggestion
    match: Match
    done: Done | None


def routes(_site: Site) -> list[BaseRoute]:
    return [*table_routes(PATH, show, matches_table)]


def _cities(request: Request) -> list[Place]:
    """Those of this node, and those whose own nodes sent their indicators."""
    found = [
        place for place in (*site_of(request).places.values(), *_elsewhere(request)) if place.kind == "city"
    ]
    return sorted(found, key=lambda place: words(place.name))


def _elsewhere(request: Request) -> list[Place]:
    return [one.series.place for one in places_elsewhere(request).values()]


def _place(request: Request, asked: str) -> Place:
    """Raises HTTPException 404 for one that there is not."""
    there = next((one for one in _elsewhere(request) if one.id == asked), None)
    return there or site_of(request).place(asked)


def _address_of(request: Request, place: Place) -> str:
    return city_address(place.id, here=place.id in site_of(request).places)


def _found(request: Request) -> Found | None:
    """None where no city was chosen. Raises HTTPException 404 for one that there is not."""
    if not hasattr(request.state, "matches"):
        asked = request.query_params.get("city", "")
        request.state.matches = _look(request, _place(request, asked)) if asked else None
    found: Found | None = request.state.matches
    return found


def _look(request: Request, place: Place) -> Found:
    site, desk = site_of(request), solution_desk(request)
    if place.kind != "city":
        raise HTTPException(404, _("%(place)s is no city.", place=words(place.name)))
    try:
        weights = _weights(request, weights_of(site.places))
        return Found(
            place,
            weights,
            suggestions(desk.measures, place, desk.solutions, weights),
            unmeasured(desk.measures, place, desk.solutions, weights),
        )
    except ConfigError as problem:
        raise HTTPException(409, str(problem)) from problem


def _weights(request: Request, known: dict[str, float]) -> dict[str, float]:
    """The node's weights, or what the reader asks for; what is no weight is left as it was."""
    for name in DEFAULTS:
        try:
            asked = float(request.query_params.get(f"w-{name}", ""))
        except ValueError:
            continue
        if 0 <= asked <= HEAVIEST:
            known[name] = asked
    return known


def show(request: Request) -> Response:
    found = _found(request)
    if found is not None:
        in_timezone(found.place.timezone)
    return render(
        request,
        "matches.html",
        title=_("Whom to ask: %(city)s", city=words(found.place.name)) if found else _("Whom to ask"),
        section="network",
        cities=_cities(request),
        found=found,
        city=found.place if found else None,
        say=say,
        match=match_words,
        solutions=SOLUTIONS,
        heaviest=HEAVIEST,
        may=found is not None and may_adopt(request, found.place),
        may_ask=found is not None and may_ask_for(request, found.place.id),
        cooperation=COOPERATION,
        about_address=about_address,
        address_of=lambda place: _address_of(request, place),
        measure_page=lambda series: (
            f"/indicators/{series.place.id}/{series.definition.id}"
            if series.place.id in site_of(request).places
            else measure_address(series.definition.measure)
        ),
        table=matches_table(request) if found and found.suggestions else None,
    )


def matches_table(request: Request) -> Table:
    """A row a weak indicator, city to ask and solution."""
    found = _found(request)
    rows = [
        Line(suggestion, one, done)
        for suggestion in (found.suggestions if found else [])
        for one in suggestion.matches
        for done in ((*one.solutions, *one.others) or (None,))
    ]
    columns = [
        Column("indicator", _("Weak in"), get=lambda line: words(line.suggestion.weak.series.definition.name)),
        Column("city", _("Ask"), get=lambda line: words(line.match.place.name),
               link=lambda line: _address_of(request, line.match.place)),
        Column("likeness", _("Alike"), "share", get=lambda line: line.match.likeness.share),
        Column("from", _("From"), "number", get=lambda line: line.match.first.value if line.match.first else None,
               html=lambda line: _figure(line, line.match.first)),
        Column("to", _("To"), "number", get=lambda line: line.match.latest.value,
               html=lambda line: _figure(line, line.match.latest)),
        Column("solution", _("Solution"), get=_solution, html=_solution_link),
        Column("evidence", _("Evidence"), get=lambda line: line.done.found.verdict if line.done else "",
               html=lambda line: say.chip(line.done.found) if line.done else ""),
        Column("why", get=lambda line: " ".join(match_words.why(line.suggestion, line.match)), hidden=True),
        Column("place", get=lambda line: line.match.place.id, hidden=True),
        Column("node", get=lambda line: line.match.node, hidden=True),
        Column("computed", get=lambda line: line.match.latest.computed, hidden=True),
        Column("indicator_id", get=lambda line: line.suggestion.weak.series.definition.id, hidden=True),
    ]  # fmt: skip
    return Table(request, _("Whom to ask"), columns, rows, path=PATH, anchor="matches")


def _figure(line: Line, value: Value | None) -> Markup | str:
    return match_words.traced(value, line.match.series.definition.decimals) if value is not None else ""


def _solution(line: Line) -> str:
    return words(line.done.solution.name) if line.done else ""


def _solution_link(line: Line) -> Markup | str:
    if line.done is None:
        return Markup('<span class="mute small">{}</span>').format(_("none described"))
    return Markup('<a href="{}/{}">{}</a>').format(SOLUTIONS, line.done.solution.key, _solution(line))
