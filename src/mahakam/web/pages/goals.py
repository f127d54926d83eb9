"""The goals of a place to 2030 and 2045: the gap a year, and what the levers that it names would change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from mahakam.config import ConfigError, Place
from mahakam.indicators.goal import Goal, Outlook, goals_of, what_if
from mahakam.indicators.path import Way, way_of
from mahakam.indicators.projecting import projections
from mahakam.indicators.projection import Projection
from mahakam.indicators.series import Series, series
from mahakam.web import indicator_views as views
from mahakam.web.language import _, number, unit, words
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

FARTHEST = 30
"""Years ahead that are shown where no target says how far."""


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/goals/{place}/{name}", goal_page, outlook_table),
        *table_routes("/goals/{place}", goals_page, goals_table),
    ]


@dataclass(frozen=True, slots=True)
class Aimed:
    """An indicator of a goal, with all that its row is made from."""

    goal: Goal
    series: Series
    projection: Projection | None
    way: Way | None


@dataclass(frozen=True, slots=True)
class Row:
    """A year of an indicator, with the levers pulled."""

    aimed: Aimed
    outlook: Outlook


def goals_page(request: Request) -> Response:
    place, goals = _goals(request)
    return render(
        request,
        "goals.html",
        title=_("Goals of %(place)s", place=words(place.name)),
        place=place,
        goals=list(goals.values()),
        table=goals_table(request),
    )


def goals_table(request: Request) -> Table:
    """Each indicator of each goal: where it stands, the next target, and what each year must bring."""
    place, goals = _goals(request)
    rows = [one for goal in goals.values() for one in _aimed(request, place, goal)]

    def latest(one: Aimed) -> Markup | str:
        value = one.series.latest
        if not value:
            return Markup('<span class="mute">{}</span>').format(_("no data yet"))
        text = views.with_unit(value, one.series.definition.decimals)
        return Markup('<a href="{}">{}</a>, {}').format(views.trace_address(value), text, views.when(value))

    def aim(one: Aimed) -> str:
        target = one.series.target
        decimals = one.series.definition.decimals
        return f"{number(target.value, decimals)} ({target.year})" if target else ""

    def projected(one: Aimed) -> str:
        target = one.series.target
        point = one.projection.at(target.year) if one.projection and target else None
        if point:
            return views.interval(point, one.series.definition.decimals)
        return (
            views.projection_words(one.projection)[0] if one.projection and not one.projection.points else ""
        )

    columns = [
        Column("goal", _("Goal"), get=lambda r: words(r.goal.name), link=lambda r: f"/goals/{place.id}/{r.goal.id}"),
        Column("indicator", _("Indicator"), get=lambda r: words(r.series.definition.name), link=_indicator),
        Column("latest", _("Now"), get=lambda r: r.series.latest.value if r.series.latest else None, html=latest),
        Column("target", _("Target"), get=lambda r: r.series.target.value if r.series.target else None, html=aim),
        Column("a_year", _("Needed each year"), "number", get=lambda r: r.way.a_year if r.way else None, decimals=1),
        Column("projection", _("Projection"), get=projected, sortable=False),
        Column("unit", get=lambda r: r.series.definition.unit, hidden=True),
    ]  # fmt: skip
    nothing = _("This place has set no goals yet.")
    return Table(request, _("Goals"), columns, rows, path=f"/goals/{place.id}", nothing=nothing)


def goal_page(request: Request) -> Response:
    place, goal = _goal(request)
    amounts, wrong = _amounts(request, goal)
    rows = _aimed(request, place, goal)
    return render(
        request,
        "goal.html",
        status=400 if wrong else 200,
        title=words(goal.name),
        place=place,
        goal=goal,
        amounts=amounts,
        typed=request.query_params,
        wrong=wrong,
        aimed=rows,
        notes=[(one, views.projection_words(one.projection)) for one in rows if one.projection],
        verdicts=views.VERDICTS,
        table=outlook_table(request),
    )


def outlook_table(request: Request) -> Table:
    """The years to the last target, with and without the levers that the query pulls."""
    place, goal = _goal(request)
    amounts, _wrong = _amounts(request, goal)
    rows = []
    for one in _aimed(request, place, goal):
        latest = one.series.latest
        if latest is None or not latest.period.year:
            continue
        ends = one.way.steps[-1].year if one.way else latest.period.year + 5
        until = min(ends, latest.period.year + FARTHEST)
        found = what_if(goal, one.series.definition, latest, one.way, one.projection, amounts, until)
        rows += [Row(one, each) for each in found]

    def decimals(row: Row) -> int | None:
        return row.aimed.series.definition.decimals

    def finer(row: Row) -> int | None:
        return None if (known := decimals(row)) is None else known + 1

    def base(row: Row) -> Markup | str:
        if row.outlook.held:
            latest = row.aimed.series.latest
            assert latest
            held = _(
                "%(value)s, held from %(when)s",
                value=views.shown(latest, decimals(row)),
                when=views.when(latest),
            )
            return Markup('<a href="{}">{}</a>').format(views.trace_address(latest), held)
        return views.interval(row.outlook.base, decimals(row))

    def pulled(row: Row) -> Markup | str:
        text = number(row.outlook.value, decimals(row))
        if not row.outlook.parts:
            return text
        low, high = number(row.outlook.low, decimals(row)), number(row.outlook.high, decimals(row))
        return Markup("<b>{}</b>").format(
            _("%(value)s (%(low)s to %(high)s)", value=text, low=low, high=high)
        )

    columns = [
        Column("indicator", _("Indicator"), get=lambda r: words(r.aimed.series.definition.name)),
        Column("year", _("Year"), get=lambda r: r.outlook.year, html=lambda r: f"{r.outlook.year}"),
        Column("base", _("Without levers"), get=lambda r: r.outlook.base.value, html=base),
        Column("basis", get=lambda r: "last value held" if r.outlook.held else "projection", hidden=True),
        Column("value", _("With levers"), get=lambda r: r.outlook.value, html=pulled),
        Column("low", get=lambda r: r.outlook.low, hidden=True),
        Column("high", get=lambda r: r.outlook.high, hidden=True),
        Column("asked", _("Asked for"), get=lambda r: r.outlook.asked,
               html=lambda r: "" if r.outlook.asked is None else number(r.outlook.asked, finer(r))),
        Column("gap", _("Gap"), get=lambda r: r.outlook.gap,
               html=lambda r: "" if r.outlook.gap is None else number(r.outlook.gap, finer(r))),
        Column("unit", _("Unit"), get=lambda r: r.aimed.series.definition.unit,
               html=lambda r: unit(r.aimed.series.definition.unit), phone=False),
        Column("levers", get=lambda r: "; ".join(
            f"{p.lever.key} {p.amount:g}: {p.change:+.6g}" for p in r.outlook.parts), hidden=True),
    ]  # fmt: skip
    return Table(
        request,
        words(goal.name),
        columns,
        rows,
        path=f"/goals/{place.id}/{goal.id}",
        per_page=12,
        anchor="years",
    )


def _goals(request: Request) -> tuple[Place, dict[str, Goal]]:
    place = site_of(request).place(request.path_params["place"])
    problems: list[ConfigError] = []
    return place, goals_of(place, problems)


def _goal(request: Request) -> tuple[Place, Goal]:
    place, goals = _goals(request)
    name = request.path_params["name"]
    if name not in goals:
        raise HTTPException(404, _("%(place)s has no goal %(name)s", place=words(place.name), name=name))
    return place, goals[name]


def _aimed(request: Request, place: Place, goal: Goal) -> list[Aimed]:
    """The goal's indicators that the place has; one that it lacks is left out of the rows."""
    broker = site_of(request).broker
    carried = projections(broker, place)
    found = []
    for name in goal.indicators:
        one = series(broker, place, name)
        if one:
            projection = carried.get(name)
            found.append(Aimed(goal, one, projection, way_of(one, projection)))
    return found


def _amounts(request: Request, goal: Goal) -> tuple[dict[str, float], dict[str, str]]:
    """How far each lever is pulled, and what is wrong with what was typed."""
    amounts: dict[str, float] = {}
    wrong: dict[str, str] = {}
    for lever in goal.levers:
        typed = request.query_params.get(lever.key, "").strip()
        if not typed:
            continue
        try:
            amount = float(typed.replace(",", "."))
        except ValueError:
            amount = math.nan
        if not lever.least <= amount <= lever.most:
            least, most = number(lever.least), number(lever.most)
            wrong[lever.key] = _("Write a number from %(least)s to %(most)s.", least=least, most=most)
        else:
            amounts[lever.key] = amount
    return amounts, wrong


def _indicator(one: Aimed) -> str:
    return f"/indicators/{one.series.place.id}/{one.series.definition.id}"
