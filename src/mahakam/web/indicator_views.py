"""Indicators as pages show them: the card, the sentence, the chart, the rows of the table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mahakam.config import Place
from mahakam.indicators.projection import Point, Projection
from mahakam.indicators.series import Series
from mahakam.indicators.value import Value
from mahakam.web import charts
from mahakam.web.language import N_, _, date, measured, n_, number, percent, period, unit, words

THEMES = {
    "transport": N_("Transport"),
    "housing": N_("Housing"),
    "environment": N_("Environment"),
    "safety": N_("Peace and order"),
    "services": N_("Public services"),
}
CONFIDENCE = {"good": (N_("good"), "ok"), "fair": (N_("fair"), "warn"), "poor": (N_("low"), "bad")}
DOUBTS = {
    "completenessUnknown": N_("Nobody has said how many rows a full period has."),
    "incomplete": N_("The period is not complete."),
    "flagged": N_("Many of its rows carry a warning."),
    "old": N_("The newest value is old."),
}
MODELS = {
    "level": N_("a level"),
    "level with damped trend": N_("a level with a damped trend"),
    "level and season": N_("a level and a season"),
    "level with damped trend and season": N_("a level with a damped trend and a season"),
    "last value": N_("the last value"),
}
VERDICTS = {
    "likely": (N_("likely to be met"), "ok"),
    "open": (N_("may or may not be met"), "warn"),
    "unlikely": (N_("unlikely to be met"), "bad"),
}
_NO_VALUE = {
    "noInputs": N_("Nothing was reported for this period."),
    "completeness": N_("Too little data to say: %(share)s of the period, where %(needed)s is needed."),
    "noResult": N_("The rows that there are give no result."),
}


def theme_name(theme: str | None) -> str:
    return _(THEMES[theme]) if theme in THEMES else (theme or "").capitalize()


def when(value: Value) -> str:
    """2025, November 2025; "" for a value about all there is."""
    return "" if value.label == "all" else period(value.label)


def shown(value: Value, decimals: int | None) -> str:
    """The number alone, in the reader's format."""
    return number(value.value, decimals)


def with_unit(value: Value, decimals: int | None) -> str:
    return measured(value.value, value.unit, decimals)


def why_not(value: Value) -> str:
    """Why there is no value, in a sentence."""
    message = _NO_VALUE.get(value.reason, "")
    if value.reason == "completeness":
        return _(message, share=percent(value.completeness), needed=percent(value.needed))
    return _(message) if message else ""


def sentence(series: Series) -> str:
    """One plain sentence about how the number moves."""
    trend, decimals = series.trend, series.definition.decimals
    if trend is None:
        return ""
    if trend.broken and trend.of < 3:
        return words(trend.broken)
    if trend.latest.label == "all" or trend.of < 2:
        return words(series.definition.description or "")
    span = n_("%(n)s year", "%(n)s years", trend.of) if series.definition.per == "year" else (
        n_("%(n)s month", "%(n)s months", trend.of)
    )  # fmt: skip
    if trend.best and trend.worst and trend.best.value == trend.worst.value:
        return _("The same in all %(span)s.", span=span)
    if trend.best and trend.best.id == trend.latest.id:
        return _("The best of %(span)s.", span=span)
    if trend.worst and trend.worst.id == trend.latest.id:
        return _("The worst of %(span)s.", span=span)
    if trend.best:
        value, best = shown(trend.best, decimals), when(trend.best)
        return _("%(value)s in %(when)s was the best of %(span)s.", value=value, when=best, span=span)
    return _(
        "Between %(low)s in %(low_when)s and %(high)s in %(high_when)s.",
        low=shown(trend.lowest, decimals),
        low_when=when(trend.lowest),
        high=shown(trend.highest, decimals),
        high_when=when(trend.highest),
    )


@dataclass(frozen=True, slots=True)
class Card:
    """An indicator's card. ``place`` is whose number it is: it may be that of the province."""

    series: Series
    name: str
    value: str
    unit: str
    when: str
    chart: Markup
    sentence: str
    source: str
    confidence: str
    kind: str
    href: str
    trace: str
    elsewhere: str
    stale: bool


def card(series: Series, page_of: Place) -> Card | None:
    """The card of an indicator; None while there is no value."""
    latest = series.latest
    if latest is None:
        return None
    word, kind = CONFIDENCE.get(series.confidence or "", ("", ""))
    definition = series.definition
    return Card(
        series=series,
        name=words(definition.name),
        value=shown(latest, definition.decimals),
        unit=unit(latest.unit),
        when=when(latest),
        chart=small_chart(series),
        sentence=sentence(series),
        source=source_line(latest),
        confidence=_(word) if word else "",
        kind=kind,
        href=f"/indicators/{series.place.id}/{definition.id}",
        trace=trace_address(latest),
        elsewhere=words(series.place.name) if series.place.id != page_of.id else "",
        stale=series.stale,
    )


def trace_address(value: Value) -> str:
    return f"/trace/value/{value.place}/{value.indicator}/{value.label}"


def source_line(value: Value) -> str:
    """How many rows, and up to when."""
    rows = n_("%(n)s row", "%(n)s rows", value.inputs)
    return _("%(rows)s, to %(date)s", rows=rows, date=date(value.last[:10], "medium")) if value.last else rows


def cards(found: Iterable[Series], page_of: Place) -> list[Card]:
    return [one for one in (card(series, page_of) for series in found) if one]


def small_chart(series: Series) -> Markup:
    """The chart of a card; nothing for a single value."""
    data = bars(series, most_ticks=6, link=False)
    if len(data) < 2:
        return Markup("")
    return charts.bars(data[-72:], alternative(series), height=92 if any(bar.tick for bar in data) else 72)


def large_chart(series: Series, projection: Projection | None = None) -> Markup:
    """The chart of the indicator's page, with an axis, the target, and the projection as open bars."""
    data = [*bars(series, most_ticks=10, link=True), *_projected(series, projection)]
    if len(data) < 2:
        return Markup("")
    target = series.target
    level = charts.Line(target.value, _("Target %(year)s", year=target.year)) if target else None
    values = [one for bar in data for one in (bar.value, bar.low, bar.high) if one is not None]
    steps = [number(step) for step in charts.scale(values, level.value if level else None)[2]]
    said = alternative(series)
    if projection and projection.points:
        said += " " + _("Open bars are a projection; the line in each is its interval.")
    return charts.bars(data, said, height=300, axis=True, level=level, steps=steps)


def _projected(series: Series, projection: Projection | None) -> list[charts.Bar]:
    points = projection.points if projection else ()
    words_below = charts.ticks([one.period.label for one in points], 6)
    return [
        charts.Bar(
            title=f"{period(one.period.label)}: {interval(one, series.definition.decimals)}",
            value=one.value,
            tick=tick,
            low=one.low,
            high=one.high,
        )
        for one, tick in zip(points, words_below, strict=True)
    ]


def interval(point: Point, decimals: int | None) -> str:
    """A projected number, said to be one, with its interval."""
    return _(
        "%(value)s (%(low)s to %(high)s), projection",
        value=number(point.value, decimals),
        low=number(point.low, decimals),
        high=number(point.high, decimals),
    )


def projection_words(projection: Projection) -> list[str]:
    """What a reader must know of a projection, or why there is none: a sentence each."""
    if projection.state == "tooFew":
        if projection.needed == 36:
            return [
                _(
                    "Too few months to project: %(used)s that may be compared, where %(needed)s are needed.",
                    used=number(projection.used),
                    needed=number(projection.needed),
                )
            ]
        return [
            _(
                "Too few years to project: %(used)s that may be compared, where %(needed)s are needed.",
                used=number(projection.used),
                needed=number(projection.needed),
            )
        ]
    if projection.state == "tooManyMissing":
        return [_("Not projected: more than a quarter of the periods are missing.")]
    if projection.state == "noVariation":
        return [_("Not projected: every value is the same, so nothing tells how wide an interval must be.")]
    found = [
        _(
            "A projection, not a measurement: %(first)s to %(last)s carried on by exponential smoothing (%(model)s).",
            first=period(projection.first),
            last=period(projection.last),
            model=_(MODELS.get(projection.model, projection.model)),
        )
    ]
    trial = projection.trial
    if trial:
        said = _(
            "Tried on known periods: %(inside)s of %(tested)s lay inside the interval, which is meant for %(level)s.",
            inside=number(trial.inside),
            tested=number(trial.tested),
            level=percent(projection.level),
        )
        if trial.inside / trial.tested < projection.level - 0.1:
            said += " " + _("Take it as narrower than the truth.")
        found.append(said)
        if trial.naive <= trial.error:
            found.append(_("It was no better than repeating the last value."))
    if projection.short:
        found.append(
            _(
                "It ends in %(last)s, short of %(wanted)s: no farther ahead than there are periods behind it.",
                last=period(projection.points[-1].period.label),
                wanted=period(projection.wanted),
            )
        )
    return found


def bars(series: Series, most_ticks: int, link: bool) -> list[charts.Bar]:
    latest = series.latest
    decimals = series.definition.decimals
    values = [value for value in series.values if value.label != "all"]
    words_below = charts.ticks([value.label for value in values], most_ticks)
    comparable = _comparable_from(series)
    data = []
    for value, tick in zip(values, words_below, strict=True):
        text = with_unit(value, decimals) if value.value is not None else _("no data")
        data.append(
            charts.Bar(
                title=f"{when(value)}: {text}",
                value=value.value,
                tick=tick,
                muted=value.label < comparable,
                latest=latest is not None and value.id == latest.id,
                broken=value.value is not None and bool(series.broken_at(value)),
                href=trace_address(value) if link and value.value is not None else "",
            )
        )
    return data


def _comparable_from(series: Series) -> str:
    """The label of the first period counted as the latest is."""
    latest = series.latest
    starts = [label for label in series.definition.breaks if latest and label <= latest.label]
    return max(starts, default="")


def alternative(series: Series) -> str:
    """The chart in words: its name and, if they are few, all its numbers."""
    name = words(series.definition.name)
    values = series.available
    if len(values) <= 12:
        pairs = "; ".join(f"{when(v)}: {shown(v, series.definition.decimals)}" for v in values)
        return f"{name}. {pairs}"
    return _(
        "%(name)s, %(first)s to %(last)s. The numbers are in the table.",
        name=name,
        first=when(values[0]),
        last=when(values[-1]),
    )


def rows(found: Iterable[Series]) -> list[dict[str, Any]]:
    """One row a value, for tables and downloads."""
    return [
        {**value.row(), "name": words(one.definition.name), "theme": one.definition.theme}
        for one in found
        for value in one.values
    ]
