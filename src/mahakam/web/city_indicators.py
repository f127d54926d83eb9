"""The indicators of the network's cities side by side: those of this node, and those whose nodes sent copies here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request

from mahakam.config import PlaceKind
from mahakam.indicators.definition import definitions_of
from mahakam.indicators.elsewhere import newest_elsewhere, series_elsewhere
from mahakam.indicators.series import Comparison, Series, all_series, comparison, series
from mahakam.indicators.value import Value
from mahakam.web import indicator_views as views
from mahakam.web.language import _, time, unit, words
from mahakam.web.origins import Origin, origin_cell, origins
from mahakam.web.site import site_of
from mahakam.web.tables import Column


@dataclass(frozen=True, slots=True)
class Found:
    """A series with the node that it came from; ``origin`` None: this node computed it."""

    series: Series
    origin: Origin | None
    here: bool
    """Whether the place is configured on this node."""

    @property
    def measure(self) -> str:
        """What it is compared as."""
        return self.series.definition.measure

    @property
    def city_page(self) -> str:
        return city_address(self.series.place.id, here=self.here)


def city_address(place: str, *, here: bool) -> str:
    """The page of a city on this node: its own, or that of what its node sent."""
    return f"/cities/{place}" if here else f"/network/cities/{quote(place, safe='')}"


def measure_address(measure: str) -> str:
    return f"/network/indicators/{quote(measure, safe='')}"


def newest(request: Request) -> list[Found]:
    """The newest value of every indicator of the network's cities, by city and name.

    Those of places elsewhere are read anew only when a node has said something since, or a day has begun.
    """
    site = site_of(request)
    here = [
        one
        for place in site.places.values()
        if place.kind == "city"
        for one in all_series(site.broker, place, above=False)
    ]
    return _found(request, [*here, *(one for one in _newest_elsewhere(request) if one.place.kind == "city")])


def places_elsewhere(request: Request) -> dict[str, Found]:
    """Place → one series of it, for every city or province that is not on this node."""
    return {one.series.place.id: one for one in _found(request, _newest_elsewhere(request))}


def _newest_elsewhere(request: Request) -> list[Series]:
    nodes = origins(request)
    if not nodes:
        return []
    state, today = request.app.state, dt.datetime.now(dt.UTC).date()
    mark = (today, nodes.mark)
    kept: tuple[object, list[Series]] = getattr(state, "newest_elsewhere", (None, []))
    if kept[0] != mark:
        kept = mark, newest_elsewhere(site_of(request).broker, today)
        state.newest_elsewhere = kept
    return kept[1]


def found_of_place(request: Request, place: str) -> list[Found]:
    """Every series that has a value of a place elsewhere, by name."""
    return _found(request, series_elsewhere(site_of(request).broker, place=place) if origins(request) else ())


def found_of_measure(request: Request, measure: str) -> list[Found]:
    """One measure of every city that has a value of it, by city. ``measure``: an indicator's id, or what it is
    compared as.
    """
    return _found(request, series_of_measure(request, measure, "city"))


def series_of_measure(request: Request, measure: str, kind: PlaceKind) -> list[Series]:
    """One measure of every place of a kind, those without a value too."""
    broker = site_of(request).broker
    listed = [
        one
        for place in broker.places.values()
        if place.kind == kind
        for id, definition in definitions_of(place, broker.places, []).items()
        if measure in (id, definition.compare) and (one := series(broker, place, id))
    ]
    if origins(request):
        listed += [one for one in series_elsewhere(broker, measure=measure) if one.place.kind == kind]
    return listed


def _found(request: Request, listed: Iterable[Series]) -> list[Found]:
    """Those that have a value, by place and name. Of a place elsewhere only what a node sent: whose word it is must be
    known.
    """
    places, nodes = site_of(request).places, origins(request)
    found = []
    for one in listed:
        if one.latest:
            origin = nodes.of_place(one.place.id, one.latest.id)
            if origin or one.place.id in places:
                found.append(Found(one, origin, one.place.id in places))
    return sorted(found, key=lambda one: (words(one.series.place.name), words(one.series.definition.name)))


def compared(found: Sequence[Found]) -> Comparison:
    """Those of one measure side by side, as far as they are measured alike. ``found`` is not empty."""
    return comparison(found[0].measure, [one.series for one in found])


def value_cell(one: Found) -> Markup:
    """The newest value with its unit, and the way to where it comes from."""
    latest = one.series.latest
    assert latest is not None
    return Markup('<b class="nowrap">{}</b> <a class="small" href="{}">{}</a>').format(
        views.with_unit(latest, one.series.definition.decimals), views.trace_address(latest), _("Where from?")
    )


def confidence_cell(one: Found) -> Markup | str:
    if not one.series.confidence:
        return ""
    word, kind = views.CONFIDENCE[one.series.confidence]
    return Markup('<span class="chip {}">{}</span>').format(kind, _(word))


def columns_of_value() -> list[Column]:
    """Value, period, confidence, what went in, and from which node: what may never be missing beside a number."""
    return [
        Column("value", _("Value"), get=lambda f: _latest(f).value, html=value_cell),
        Column("unit", get=lambda f: f.series.definition.unit, html=lambda f: unit(f.series.definition.unit),
               hidden=True),
        Column("period", _("Period"), get=lambda f: _latest(f).label,
               html=lambda f: views.when(_latest(f)) or _("all there is")),
        Column("confidence", _("Confidence"), get=lambda f: f.series.confidence, html=confidence_cell),
        Column("source", _("Source"), get=lambda f: "; ".join(_latest(f).sources),
               html=lambda f: views.source_line(_latest(f))),
        Column("computed", _("Computed"), get=lambda f: _latest(f).computed,
               html=lambda f: time(_latest(f).computed) if _latest(f).computed else ""),
        Column("node", _("From which node"), get=lambda f: f.origin.name if f.origin else "",
               html=lambda f: origin_cell(f.origin)),
        Column("node_address", get=lambda f: f.origin.address if f.origin else "", hidden=True),
        Column("node_off_since", get=lambda f: f.origin.off_since if f.origin else "", hidden=True),
        Column("id", get=lambda f: _latest(f).id, hidden=True),
    ]  # fmt: skip


def _latest(one: Found) -> Value:
    assert one.series.latest is not None
    return one.series.latest
