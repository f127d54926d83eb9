"""A series carried on to its target year, with an interval and what the method was worth on years that are known.

The model is exponential smoothing in state space (statsmodels): a level, or a level with a damped trend, whichever
the series itself speaks for (AICc); a season of twelve where periods are months. Missing periods stay missing. The
library is imported where a projection is computed, never where one is read.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from urllib.parse import quote

from mahakam.config import Text
from mahakam.indicators.definition import Definition
from mahakam.indicators.period import Period, span
from mahakam.indicators.value import Value
from mahakam.store.protocol import Document

TYPE = "IndicatorProjection"
METHOD = 1
"""Number of the way in which it is projected; a change of it makes every projection be computed anew."""
FEWEST = {"year": 8, "month": 36}
"""Comparable periods below which there is no projection: with fewer, an interval is a guess about a guess."""
MOST_MISSING = 0.25
FEWEST_TO_LEARN = {"year": 6, "month": 30}
MOST_ORIGINS, MOST_AHEAD = 5, 5
"""Starts from which known periods are projected again, the newest ones, and the periods ahead that are judged."""

State = Literal["available", "tooFew", "tooManyMissing", "noVariation"]


@dataclass(frozen=True, slots=True)
class Point:
    """One period ahead: the middle of what is expected, and the interval around it."""

    period: Period
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Trial:
    """The method on periods that are known: projected from what came before each, then looked up.

    ``inside`` of the ``tested`` values lay in their interval; ``error`` is the mean distance from the middle and
    ``naive`` that of simply repeating the last value, both in the unit of the indicator.
    """

    tested: int
    inside: int
    error: float
    naive: float


@dataclass(frozen=True)
class Projection:
    """What the series says about the years to come. ``points`` are empty unless ``state`` is ``available``.

    ``used`` values went in, from ``first`` to ``last``; ``needed`` would have been enough. ``wanted`` is the last
    period that was asked for: beyond as many periods ahead as were observed nothing is said, so ``points`` may end
    before it. ``level`` is the share of outcomes that the interval is meant to hold.
    """

    place: str
    indicator: str
    state: State
    used: int
    needed: int
    first: str = ""
    last: str = ""
    wanted: str = ""
    level: float = 0.8
    model: str = ""
    points: tuple[Point, ...] = ()
    trial: Trial | None = None
    definition: str = ""
    inputs: str = ""
    computed: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        return f"urn:ngsi-ld:{TYPE}:{quote(self.place, safe='')}:{quote(self.indicator, safe='')}"

    @property
    def short(self) -> bool:
        """Whether it ends before the period that was asked for."""
        return bool(self.points) and self.points[-1].period < Period.parse(self.wanted)

    def at(self, year: int) -> Point | None:
        """The point of a year: the year itself, or its December."""
        return next(
            (one for one in self.points if one.period.year == year and one.period.month in (0, 12)), None
        )


def wanted(definition: Definition) -> bool:
    """Whether an indicator asks for a projection: it has a target to be measured by, or says so itself."""
    return definition.per != "none" and definition.projection is not None and (
        bool(definition.target) or definition.projection.to is not None
    )  # fmt: skip


def comparable(definition: Definition, values: Sequence[Value], today: date) -> list[Value]:
    """The values that one model may learn from: of periods that are over, counted as the newest ones are."""
    over = [one for one in values if one.value is not None and one.period.last and one.period.last < today]
    for label in definition.breaks:
        later = [one for one in over if one.period >= Period.parse(label)]
        over = later or over
    return over


def fingerprint(definition: Definition, values: Sequence[Value], today: date) -> str:
    """What a projection is made from, as twelve hex digits: equal ones give equal projections."""
    asked = definition.projection
    parts = (
        METHOD,
        definition.hash,
        [asked.to, asked.level, asked.lowest, asked.highest] if asked else None,
        sorted(definition.target),
        list(definition.breaks),
        [(one.label, one.value) for one in comparable(definition, values, today)],
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def project(definition: Definition, place: str, values: Sequence[Value], today: date) -> Projection:
    """The projection of one series; a state that says why, where there is none."""
    asked = definition.projection
    assert asked
    known = comparable(definition, values, today)
    per, fewest = definition.per, FEWEST[definition.per]
    to = asked.to or max(definition.target)
    facts: dict[str, Any] = {
        "place": place,
        "indicator": definition.id,
        "used": len(known),
        "needed": fewest,
        "first": known[0].label if known else "",
        "last": known[-1].label if known else "",
        "wanted": f"{to}-12" if per == "month" else f"{to}",
        "level": asked.level,
        "definition": definition.hash,
        "inputs": fingerprint(definition, values, today),
    }
    if len(known) < fewest:
        return Projection(state="tooFew", **facts)
    found = {one.period: one.value for one in known}
    periods = list(span(found))
    series = [float("nan") if (value := found.get(one)) is None else value for one in periods]
    if 1 - len(known) / len(series) > MOST_MISSING:
        return Projection(state="tooManyMissing", **facts)
    if len(set(found.values())) == 1:
        return Projection(state="noVariation", **facts)
    ahead: list[Period] = []
    at = periods[-1].next()
    while at <= Period.parse(facts["wanted"]) and len(ahead) < len(known):
        ahead.append(at)
        at = at.next()
    season = 12 if per == "month" else 0
    bounds = _bounds(definition, series)
    model, rows = _carried_on(series, len(ahead), season, asked.level, bounds)
    points = tuple(Point(period, *row) for period, row in zip(ahead, rows, strict=True))
    trial = _tried(series, season, asked.level, bounds, FEWEST_TO_LEARN[per])
    return Projection(state="available", model=model, points=points, trial=trial, **facts)


def _bounds(definition: Definition, series: Sequence[float]) -> tuple[float, float]:
    """What the number cannot leave: said by the definition, else zero where nothing was below it, and 100 %."""
    asked = definition.projection
    assert asked
    known = [one for one in series if not math.isnan(one)]
    lowest = asked.lowest if asked.lowest is not None else (0.0 if min(known) >= 0 else -math.inf)
    percent = definition.unit in ("%", "P1") and max(known) <= 100
    highest = asked.highest if asked.highest is not None else (100.0 if percent else math.inf)
    return lowest, highest


def _carried_on(
    series: Sequence[float], ahead: int, season: int, level: float, bounds: tuple[float, float]
) -> tuple[str, list[tuple[float, float, float]]]:
    """The model's name and (middle, low, high) of each period ahead."""
    import numpy as np
    from statsmodels.tsa.statespace.exponential_smoothing import ExponentialSmoothing

    data = np.asarray(series, dtype=float)
    # The optimiser works on numbers near one: a series of millions would stop it early.
    scale = float(np.nanstd(data)) or 1.0
    middle = float(np.nanmean(data))
    scaled = (data - middle) / scale
    best: Any = None
    with warnings.catch_warnings():
        # A fit that did not converge shows in its AICc; a warning on somebody's terminal helps nobody.
        warnings.simplefilter("ignore")
        for trend in (False, True):
            try:
                fitted = ExponentialSmoothing(
                    scaled,
                    trend=trend,
                    damped_trend=trend,
                    seasonal=season or None,
                    initialization_method="concentrated",
                ).fit(disp=False, cov_type="none")
            except (ValueError, np.linalg.LinAlgError):
                continue
            if math.isfinite(fitted.aicc) and (best is None or fitted.aicc < best[1].aicc):
                best = trend, fitted
        if best is None:
            return "last value", [_clipped((data[~np.isnan(data)][-1],) * 3, bounds)] * ahead
        if not ahead:
            return "", []
        forecast = best[1].get_forecast(ahead)
        interval = np.asarray(forecast.conf_int(alpha=1 - level))
        means = np.asarray(forecast.predicted_mean)
    name = "level with damped trend" if best[0] else "level"
    name += " and season" if season else ""
    rows = [
        _clipped((one * scale + middle for one in (mean, low, high)), bounds)
        for mean, (low, high) in zip(means, interval, strict=True)
    ]
    return name, rows


def _clipped(values: Any, bounds: tuple[float, float]) -> tuple[float, float, float]:
    """Within the bounds, and to six digits: more would be the optimiser's noise."""
    mean, low, high = (float(f"{min(max(one, bounds[0]), bounds[1]):.6g}") for one in values)
    return mean, low, high


def _tried(
    series: Sequence[float], season: int, level: float, bounds: tuple[float, float], fewest: int
) -> Trial | None:
    """Known periods projected from the ones before; None where too few are known for that."""
    tested = inside = 0
    error = naive = 0.0
    for origin in range(max(fewest, len(series) - MOST_ORIGINS), len(series)):
        before, after = series[:origin], series[origin : origin + MOST_AHEAD]
        known = [one for one in before if not math.isnan(one)]
        if len(known) < fewest or len(set(known)) == 1:
            continue
        _model, rows = _carried_on(before, len(after), season, level, bounds)
        for actual, (mean, low, high) in zip(after, rows, strict=True):
            if math.isnan(actual):
                continue
            tested += 1
            inside += low <= actual <= high
            error += abs(actual - mean)
            naive += abs(actual - known[-1])
    if not tested:
        return None
    return Trial(tested, inside, float(f"{error / tested:.6g}"), float(f"{naive / tested:.6g}"))


def entity_of(projection: Projection, name: Text, unit: str, scope: str, now: str) -> Document:
    """The projection as a normalized entity. It says of itself that it is one: ``calculationMethod``."""
    entity: Document = {
        "id": projection.id,
        "type": TYPE,
        "scope": scope,
        "name": {"type": "LanguageProperty", "languageMap": dict(name)},
        "updatedAt": _property({"@type": "DateTime", "@value": now}),
    }
    facts: dict[str, Any] = {
        "place": projection.place,
        "indicator": projection.indicator,
        "calculationMethod": "projection",
        "state": projection.state,
        "unit": unit,
        "used": projection.used,
        "needed": projection.needed,
        "inputsFrom": projection.first,
        "inputsTo": projection.last,
        "wanted": projection.wanted,
        "intervalLevel": projection.level,
        "model": projection.model,
        "points": [
            {"period": one.period.label, "value": one.value, "low": one.low, "high": one.high}
            for one in projection.points
        ],
        "definitionHash": projection.definition,
        "inputsHash": projection.inputs,
    }
    if projection.trial:
        facts["trial"] = {
            "tested": projection.trial.tested,
            "inside": projection.trial.inside,
            "error": projection.trial.error,
            "naive": projection.trial.naive,
        }
    entity.update((key, _property(found)) for key, found in facts.items() if found not in ("", []))
    return entity


def projection_of(document: Document) -> Projection:
    """Read a stored projection back. Raises KeyError or ValueError for what :func:`entity_of` did not write."""

    def get(name: str, default: Any = "") -> Any:
        found = document.get(name)
        return default if found is None else found["value"]

    points = get("points", [])
    trial = get("trial", None)
    computed = get("updatedAt")
    return Projection(
        place=document["place"]["value"],
        indicator=document["indicator"]["value"],
        state=document["state"]["value"],
        used=get("used", 0),
        needed=get("needed", 0),
        first=get("inputsFrom"),
        last=get("inputsTo"),
        wanted=get("wanted"),
        level=get("intervalLevel", 0.8),
        model=get("model"),
        points=tuple(
            Point(Period.parse(one["period"]), one["value"], one["low"], one["high"])
            for one in (points if isinstance(points, list) else [points])
        ),
        trial=Trial(**trial) if trial else None,
        definition=get("definitionHash"),
        inputs=get("inputsHash"),
        computed=computed["@value"] if isinstance(computed, dict) else str(computed),
    )


def _property(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}
