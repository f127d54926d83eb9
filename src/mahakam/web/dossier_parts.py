"""A candidate city's dossier, assembled from what the node knows: nothing of it is typed."""

from __future__ import annotations

from starlette.requests import Request

from mahakam.config import LANGUAGES, Place
from mahakam.indicators.series import all_series
from mahakam.network.candidacy import Line, Part
from mahakam.network.plans import Seat
from mahakam.services.catalogue import catalogue
from mahakam.web import indicator_views as views
from mahakam.web.datasets import datasets
from mahakam.web.language import _, date, number, percent, reading, words
from mahakam.web.plan_desk import PATH as PLANS
from mahakam.web.plan_desk import CityRow, plan_desk
from mahakam.web.plan_words import STATES
from mahakam.web.site import site_of
from mahakam.web.solution_desk import solutions_in

GOOD_SCORE = 0.9
"""From here on a dataset's score speaks for the city, as the bars of the pages have it."""


def dossier(request: Request, seat: Seat) -> dict[str, tuple[Part, ...]]:
    """Readiness, plan, indicators with confidence, data quality and what the city offers, in each language."""
    place = site_of(request).places[seat.place]
    row = plan_desk(request).row(seat.code)
    found = {}
    for language in LANGUAGES:
        with reading(language, place.timezone):
            found[language] = _parts(request, place, row)
    return found


def _parts(request: Request, place: Place, row: CityRow) -> tuple[Part, ...]:
    site, seat = site_of(request), row.seat
    cards = views.cards(all_series(site.broker, place), place)
    known = datasets(site.store, place)
    scored = [one for one in known if one.score is not None]
    services = catalogue(place, site.places)
    solutions = [one for one in solutions_in(request, place) if one.origin is None]
    officer = next(
        (
            one
            for one in plan_desk(request).desk.offices
            if (one.role, one.seat) == ("city_officer", seat.code) and one.held(plan_desk(request).desk.day)
        ),
        None,
    )
    good = sum(1 for one in scored if one.score is not None and one.score >= GOOD_SCORE)
    ready = (
        Line(_("Chief Smart City Officer in office"), officer.name if officer else _("nobody"), "/network/people",
             officer is not None),
        Line(_("Action plan"), _("written") if row.written else _("not yet"), f"{PLANS}/{seat.code}", row.written),
        Line(_("Indicators with a value"), number(len(cards)), f"/indicators/{place.id}", bool(cards)),
        Line(_("Datasets that were checked"), number(len(scored)), f"/quality/{place.id}", bool(scored)),
        Line(_("of them with a score of 90% or more"), number(good), f"/quality/{place.id}",
             bool(scored) and 2 * good > len(scored)),
        Line(_("Public services on the node"), number(len(services)), f"/services/{place.id}", bool(services)),
        Line(_("Solutions described"), number(len(solutions)), f"/network/solutions?city={place.id}", bool(solutions)),
    )  # fmt: skip
    plan = tuple(
        Line(
            words(one.project.title),
            f"{_(STATES[one.state][0])}, {_('%(n)s of %(all)s', n=one.reached, all=one.milestones)}",
            f"{PLANS}/{seat.code}",
        )
        for one in row.standing.projects
    )  # fmt: skip
    indicators = tuple(
        Line(
            f"{one.name}, {one.when}" if one.when else one.name,
            " · ".join(
                part
                for part in (
                    f"{one.value} {one.unit}".strip(),
                    f"{_('Confidence')}: {one.confidence}" if one.confidence else "",
                    one.source,
                )
                if part
            ),
            one.trace,
        )
        for one in cards
    )
    quality = tuple(
        Line(
            words(one.title),
            f"{percent(one.score)}, {date(one.updated[:10], 'medium')}"
            if one.score is not None
            else _("not yet"),
            f"/quality/{place.id}/{one.name}",
        )
        for one in known
    )
    offers = tuple(
        Line(words(one.name), _("since %(day)s", day=date(one.since, "medium")), one.address)
        for one in solutions
    )
    return (
        Part(_("Readiness"), ready),
        Part(_("Action plan"), plan),
        Part(_("Indicators"), indicators),
        Part(_("What the data is worth"), quality),
        Part(_("What it offers others"), offers),
    )
