"""The network's cities by their indicators: all of them, one measure across cities, one city with a node of its own.

What a city's own node sent is shown with the node that it came from, and stays, marked, while that is off-line.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from mahakam.indicators.series import Comparison, Series
from mahakam.indicators.value import Value
from mahakam.network.plans import plan
from mahakam.network.records import plain
from mahakam.web import indicator_views as views
from mahakam.web.city_indicators import (
    Found,
    city_address,
    columns_of_value,
    compared,
    found_of_measure,
    found_of_place,
    measure_address,
    newest,
)
from mahakam.web.language import _, period, unit, words
from mahakam.web.pages.network import register
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

PATH = "/network/indicators"


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes(f"{PATH}/{{measure}}", one_measure, measure_table),
        *table_routes(PATH, all_measures, indicators_table),
        *table_routes("/network/cities/{place}", city, city_table),
    ]


# Every indicator of every city.


def _asked(request: Request) -> tuple[str, str]:
    query = request.query_params
    return query.get("theme", ""), query.get("q", "").strip()[:100]


def _all(request: Request) -> list[Found]:
    if not hasattr(request.state, "found"):
        request.state.found = newest(request)
    found: list[Found] = request.state.found
    return found


def all_measures(request: Request) -> Response:
    theme, text = _asked(request)
    found = _all(request)
    return render(
        request,
        "network-indicators.html",
        title=_("Indicators of the cities"),
        section="network",
        place=None,
        empty=not found,
        cities=len({one.series.place.id for one in found}),
        off_line=_off_line(found),
        themes=[(key, _(name)) for key, name in views.THEMES.items()],
        theme=theme,
        text=text,
        table=indicators_table(request),
    )


def _off_line(found: list[Found]) -> list[Found]:
    """One series of each node that does not answer."""
    return list({one.origin.name: one for one in found if one.origin and one.origin.off_since}.values())


def indicators_table(request: Request) -> Table:
    theme, text = _asked(request)

    def belongs(one: Found) -> bool:
        said = f"{words(one.series.definition.name)} {words(one.series.place.name)}".casefold()
        return theme in ("", one.series.definition.theme) and text.casefold() in said

    columns = [
        Column("city", _("City"), get=lambda f: words(f.series.place.name), link=lambda f: f.city_page),
        Column("indicator", _("Indicator"), get=lambda f: words(f.series.definition.name),
               link=lambda f: measure_address(f.measure)),
        *columns_of_value(),
        Column("theme", get=lambda f: f.series.definition.theme, hidden=True),
        Column("measure", get=lambda f: f.measure, hidden=True),
    ]  # fmt: skip
    rows = [one for one in _all(request) if belongs(one)]
    return Table(request, _("Indicators of the cities"), columns, rows, path=PATH, sort="city")


# One measure across cities.


@dataclasses.dataclass(frozen=True)
class _Measure:
    """The cities' series of one measure: all of them, how they compare, and those that are defined alike."""

    found: list[Found]
    group: Comparison
    alike: list[Found]


def _measure(request: Request) -> _Measure:
    if not hasattr(request.state, "measure"):
        found = found_of_measure(request, request.path_params["measure"])
        if not found:
            raise HTTPException(404, _("No city of this network has a value of that name."))
        group = compared(found)
        apart = {id(one) for one, _keys in group.apart}
        alike = [one for one in found if id(one.series) not in apart]
        request.state.measure = _Measure(found, group, alike)
    measure: _Measure = request.state.measure
    return measure


def one_measure(request: Request) -> Response:
    measure = _measure(request)
    group = measure.group
    definition = next(one.series.definition for one in measure.found if one.series in group.series)
    return render(
        request,
        "network-measure.html",
        title=words(definition.name),
        section="network",
        place=None,
        definition=definition,
        group=group,
        cards=[_card(one) for one in measure.alike if len(one.series.available) > 1],
        off_line=_off_line(measure.found),
        notes=[
            (words(one.place.name), words(one.definition.note)) for one in group.series if one.definition.note
        ],
        apart=[(words(one.place.name), ", ".join(keys)) for one, keys in group.apart],
        table=measure_table(request),
    )


def _card(one: Found) -> views.Card:
    """The card of a city's series; it leads to the city's own page of it where that is on this node."""
    series = one.series
    made = views.card(series, series.place)
    assert made is not None
    href = f"/indicators/{series.place.id}/{series.definition.id}" if one.here else one.city_page
    return dataclasses.replace(made, name=words(series.place.name), href=href)


def measure_table(request: Request) -> Table:
    """The newest value of the measure in each city, and that of the newest period which all of them have."""
    measure = _measure(request)
    group, rows = measure.group, measure.alike
    decimals = rows[0].series.definition.decimals

    def in_common(series: Series) -> Value | None:
        return next((value for value in series.available if value.label == group.common), None)

    columns = [
        Column("city", _("City"), get=lambda f: words(f.series.place.name), link=lambda f: f.city_page),
        *columns_of_value(),
    ]
    if group.common and group.common != "all":
        columns.insert(
            1,
            Column("common", f"{period(group.common)} ({unit(rows[0].series.definition.unit)})", "number",
                   get=lambda f: v.value if (v := in_common(f.series)) else None, decimals=decimals),
        )  # fmt: skip
    first = "common" if group.common and group.common != "all" else "value"
    sort = {"lower": first, "higher": f"-{first}"}.get(rows[0].series.definition.better, "city")
    path = measure_address(request.path_params["measure"])
    return Table(request, words(rows[0].series.definition.name), columns, rows, path=path, sort=sort)


# One city with a node of its own.


def _city(request: Request) -> list[Found]:
    if not hasattr(request.state, "city"):
        request.state.city = found_of_place(request, request.path_params["place"])
    found: list[Found] = request.state.city
    if not found:
        raise HTTPException(404, _("No node has sent anything of a place with this name."))
    return found


def city(request: Request) -> Response:
    id = request.path_params["place"]
    if id in site_of(request).places:
        return RedirectResponse(city_address(id, here=True))
    found = _city(request)
    place = found[0].series.place
    named = {plain(id), *map(plain, place.name.values())}
    member = next((row for row in register(request).cities if plain(str(row["city"])) in named), None)
    return render(
        request,
        "network-city.html",
        title=words(place.name),
        section="network",
        place=None,
        city=place,
        member=member,
        origin=next((one.origin for one in found if one.origin), None),
        plan=_plan(site_of(request), str(member["code"])) if member else "",
        cards=[_own_card(one) for one in found],
        table=city_table(request),
    )


def _plan(site: Site, code: str) -> str:
    """Where the city's action plan is read, "" if it has none."""
    return f"/network/plans/{code}" if plan(site.store, code).changes else ""


def _own_card(one: Found) -> views.Card:
    made = views.card(one.series, one.series.place)
    assert made is not None
    return dataclasses.replace(made, href=measure_address(one.measure))


def city_table(request: Request) -> Table:
    found = _city(request)
    columns = [
        Column("indicator", _("Indicator"), get=lambda f: words(f.series.definition.name),
               link=lambda f: measure_address(f.measure)),
        *columns_of_value(),
    ]  # fmt: skip
    place = found[0].series.place
    return Table(
        request,
        _("Indicators of %(place)s", place=words(place.name)),
        columns,
        found,
        path=city_address(place.id, here=False),
        sort="indicator",
    )
