"""An indicator: its series, what it means, and the same measure elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from mahakam.indicators.path import Step, way_of
from mahakam.indicators.projecting import projections
from mahakam.indicators.projection import Projection
from mahakam.indicators.series import Comparison, Series, all_series, comparison, series
from mahakam.indicators.value import Value
from mahakam.web import indicator_views as views
from mahakam.web import question_words
from mahakam.web.city_indicators import measure_address, series_of_measure
from mahakam.web.language import _, in_timezone, measured, period, unit, words
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

FRAMEWORKS = {"iso37120": "ISO 37120", "sdg": "SDG", "ascn": "ASCN"}


def routes(_site: Site) -> list[BaseRoute]:
    return [
        *table_routes("/indicators/{place}/{name}/comparison", None, comparison_table),
        *table_routes("/indicators/{place}/{name}/path", None, path_table),
        *table_routes("/indicators/{place}/{name}", indicator, values_table),
        *table_routes("/indicators/{place}", place_indicators, latest_table),
    ]


def place_indicators(request: Request) -> Response:
    site = site_of(request)
    place = site.place(request.path_params["place"])
    in_timezone(place.timezone)
    return render(
        request,
        "indicators.html",
        title=_("Indicators of %(place)s", place=words(place.name)),
        place=place,
        table=latest_table(request),
    )


def latest_table(request: Request) -> Table:
    """Each indicator of the place with its latest value."""
    site = site_of(request)
    place = site.place(request.path_params["place"])
    found = all_series(site.broker, place)

    def value(one: Series) -> Any:
        return one.latest.value if one.latest else None

    def value_cell(one: Series) -> Markup | str:
        if not one.latest:
            return Markup('<span class="mute">{}</span>').format(_("no data yet"))
        text = views.with_unit(one.latest, one.definition.decimals)
        return Markup('<b>{}</b> <a class="small" href="{}">{}</a>').format(
            text, views.trace_address(one.latest), _("Where from?")
        )

    def confidence(one: Series) -> Markup | str:
        if not one.confidence:
            return ""
        word, kind = views.CONFIDENCE[one.confidence]
        return Markup('<span class="chip {}">{}</span>').format(kind, _(word))

    columns = [
        Column("name", _("Indicator"), get=lambda s: words(s.definition.name), link=_address),
        Column(
            "theme",
            _("Theme"),
            get=lambda s: s.definition.theme,
            html=lambda s: views.theme_name(s.definition.theme),
        ),
        Column("value", _("Value"), get=value, html=value_cell),
        Column("unit", get=lambda s: s.definition.unit, hidden=True),
        Column(
            "period",
            _("Period"),
            get=lambda s: s.latest.label if s.latest else "",
            html=lambda s: views.when(s.latest) if s.latest else "",
        ),
        Column("confidence", _("Confidence"), get=lambda s: s.confidence, html=confidence),
        Column("place", _("Place"), get=lambda s: words(s.place.name)),
        Column("id", get=lambda s: s.definition.id, hidden=True),
        Column("inputs", get=lambda s: s.latest.inputs if s.latest else 0, hidden=True),
    ]
    nothing = _("No indicator is set up for this place yet.")
    return Table(request, _("Indicators"), columns, found, path=f"/indicators/{place.id}", nothing=nothing)


def _address(one: Series) -> str:
    return f"/indicators/{one.place.id}/{one.definition.id}"


def _series(request: Request) -> Series:
    site = site_of(request)
    place = site.place(request.path_params["place"])
    name = request.path_params["name"]
    found = series(site.broker, place, name)
    if found is None:
        raise HTTPException(404, _("%(place)s has no indicator %(name)s", place=words(place.name), name=name))
    return found


def indicator(request: Request) -> Response:
    found = _series(request)
    in_timezone(found.place.timezone)
    definition = found.definition
    card = views.card(found, found.place)
    target = found.target
    comparison = _comparison(request, found)
    projection = _projection(request, found)
    way = way_of(found, projection)
    return render(
        request,
        "indicator.html",
        questions=question_words.about(request, "indicator", f"{found.place.id}/{definition.id}"),
        title=words(definition.name),
        place=found.place,
        series=found,
        definition=definition,
        card=card,
        chart=views.large_chart(found, projection),
        projected=views.projection_words(projection) if projection else [],
        way=way,
        verdict=views.VERDICTS.get(way.verdict) if way else None,
        way_table=path_table(request) if way or (projection and projection.points) else None,
        table=values_table(request),
        target=target,
        doubts=[_(views.DOUBTS[doubt]) for doubt in found.doubts],
        target_value=measured(target.value, definition.unit, definition.decimals) if target else "",
        breaks=[(period(label), words(reason)) for label, reason in definition.breaks.items()],
        frameworks=[f"{FRAMEWORKS.get(name, name)} {text}" for name, text in definition.frameworks],
        comparison=comparison,
        comparison_table=comparison_table(request) if comparison else None,
        notes=[
            (words(one.place.name), words(one.definition.note))
            for one in comparison.series
            if one.definition.note
        ]
        if comparison
        else [],
    )


def _projection(request: Request, found: Series) -> Projection | None:
    return projections(site_of(request).broker, found.place, found.definition.id).get(found.definition.id)


def path_table(request: Request) -> Table:
    """Year by year: what the way to the target asks for, what was measured, what is projected, and the gap."""
    found = _series(request)
    projection = _projection(request, found)
    way = way_of(found, projection)
    decimals = found.definition.decimals
    finer = None if decimals is None else decimals + 1  # 9.3 asked for and 9 measured are not alike
    rows: list[Step] = list(way.steps) if way else _without_target(projection)

    def projected(step: Step) -> Markup | str:
        return views.interval(step.projected, decimals) if step.projected else ""

    def measured_cell(step: Step) -> Markup | str:
        if not step.measured:
            return ""
        return Markup('<a href="{}">{}</a>').format(
            views.trace_address(step.measured), views.shown(step.measured, decimals)
        )

    columns = [
        Column("year", _("Year"), get=lambda s: s.year, html=lambda s: f"{s.year}"),
        Column("asked", _("Asked for"), "number", get=lambda s: s.asked if way else None, decimals=finer,
               hidden=not way),
        Column("measured", _("Measured"), get=lambda s: s.measured.value if s.measured else None, html=measured_cell),
        Column("projection", _("Projection"), get=lambda s: s.projected.value if s.projected else None, html=projected),
        Column("projection_low", get=lambda s: s.projected.low if s.projected else None, hidden=True),
        Column("projection_high", get=lambda s: s.projected.high if s.projected else None, hidden=True),
        Column("gap", _("Gap"), "number", get=lambda s: s.gap, decimals=finer, hidden=not way),
        Column("kind", get=lambda s: "measured" if s.measured else "projection" if s.projected else "", hidden=True),
        Column("target", get=lambda s: s.target, hidden=True),
        Column("unit", get=lambda _step: found.definition.unit, hidden=True),
    ]  # fmt: skip
    path = f"/indicators/{found.place.id}/{found.definition.id}/path"
    return Table(
        request, _("The way to the target"), columns, rows, path=path, key="w-", anchor="way", per_page=12
    )


def _without_target(projection: Projection | None) -> list[Step]:
    """The projected years of an indicator that nobody has set a target for."""
    if projection is None:
        return []
    years = dict.fromkeys(one.period.year for one in projection.points)
    return [Step(year, 0.0, False, None, point, None) for year in years if (point := projection.at(year))]


def values_table(request: Request) -> Table:
    """The values of the indicator, the newest first."""
    found = _series(request)
    decimals = found.definition.decimals

    def value_cell(value: Value) -> Markup | str:
        if value.value is None:
            return Markup('<span class="mute">{}</span>').format(views.why_not(value))
        return Markup("<b>{}</b>").format(views.shown(value, decimals))

    def confidence(value: Value) -> Markup | str:
        if not value.confidence:
            return ""
        word, kind = views.CONFIDENCE[value.confidence]
        return Markup('<span class="chip {}">{}</span>').format(kind, _(word))

    suffix = f" ({unit(found.definition.unit)})" if unit(found.definition.unit) else ""
    columns = [
        Column(
            "period", _("Period"), get=lambda v: v.label, html=lambda v: views.when(v) or _("all there is")
        ),
        Column("value", _("Value") + suffix, get=lambda v: v.value, html=value_cell),
        Column("confidence", _("Confidence"), get=lambda v: v.confidence, html=confidence),
        Column("completeness", _("Completeness"), "share", get=lambda v: v.completeness),
        Column("inputs", _("Rows"), "number", get=lambda v: v.inputs),
        Column(
            "counted", _("Counted"), "number", get=lambda v: v.counted, hidden=not found.definition.counted
        ),
        Column("trace", _("Where from?"), get=lambda v: v.id, html=_trace, sortable=False),
        Column("unit", get=lambda v: v.unit, hidden=True),
        Column("state", get=lambda v: v.state, hidden=True),
        Column("reason", get=lambda v: v.reason, hidden=True),
        Column("flagged", get=lambda v: v.flagged, hidden=True),
        Column("formula", get=lambda v: v.formula, hidden=True),
        Column("sources", get=lambda v: list(v.sources), hidden=True),
        Column("computed", get=lambda v: v.computed, hidden=True),
    ]
    path = f"/indicators/{found.place.id}/{found.definition.id}"
    return Table(
        request,
        words(found.definition.name),
        columns,
        found.values[::-1],
        path=path,
        per_page=24,
        anchor="values",
    )


def _trace(value: Value) -> Markup:
    if not value.inputs:
        return Markup("")
    return Markup('<a href="{}">{} <span class="visually-hidden">{}</span></a>').format(
        views.trace_address(value), _("See the rows"), views.when(value)
    )


def _comparison(request: Request, found: Series) -> Comparison | None:
    """The same measure in the other places of this node, if it may be compared; looked up once a request."""
    if not hasattr(request.state, "comparison"):
        request.state.comparison = _compared(request, found)
    kept: Comparison | None = request.state.comparison
    return kept


def _compared(request: Request, found: Series) -> Comparison | None:
    key = found.definition.measure
    alike = [
        one for one in series_of_measure(request, key, found.place.kind) if one.definition.measure == key
    ]
    if len(alike) < 2:
        return None
    group = comparison(key, alike)
    return group if len([one for one in group.series if one.latest]) > 1 else None


def comparison_table(request: Request) -> Table:
    """The newest value of the measure in each place, and the one of the newest period that all have."""
    found = _series(request)
    group = _comparison(request, found)
    if group is None:
        raise HTTPException(404, _("Nothing comparable is measured elsewhere on this node."))

    def in_common(one: Series) -> Value | None:
        return next((v for v in one.available if v.label == group.common), None)

    def there(one: Series) -> str:
        return _address(one) if one.place.id in site_of(request).places else measure_address(group.id)

    decimals = found.definition.decimals
    columns = [
        Column("place", _("Place"), get=lambda s: words(s.place.name), link=there),
        Column(
            "value",
            _("Latest value"),
            "number",
            get=lambda s: s.latest.value if s.latest else None,
            decimals=decimals,
        ),
        Column(
            "period",
            _("Period"),
            get=lambda s: s.latest.label if s.latest else "",
            html=lambda s: views.when(s.latest) if s.latest else "",
        ),
    ]
    if group.common and group.common != "all":
        columns.append(
            Column(
                "common",
                period(group.common),
                "number",
                get=lambda s: value.value if (value := in_common(s)) else None,
                decimals=decimals,
            )
        )
    columns.append(
        Column("unit", _("Unit"), get=lambda s: s.definition.unit, html=lambda s: unit(s.definition.unit))
    )
    path = f"/indicators/{found.place.id}/{found.definition.id}/comparison"
    sort = {"lower": "value", "higher": "-value"}.get(found.definition.better, "place")
    return Table(
        request,
        _("The same measure elsewhere"),
        columns,
        [one for one in group.series if one.latest],
        path=path,
        key="c-",
        sort=sort,
        anchor="comparison",
    )
