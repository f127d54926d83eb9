"""What came of a solution: its indicator before and after, beside the cities that measure the same, or why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mahakam.broker.broker import Broker
from mahakam.config import Place
from mahakam.indicators.definition import Definition, definitions_of
from mahakam.indicators.elsewhere import series_elsewhere
from mahakam.indicators.series import Comparison, Series, all_series, comparison, series
from mahakam.indicators.value import Value
from mahakam.solutions.effect import Change, Side, change, comparable, drift, gaps, sides

Verdict = Literal["better", "worse", "unclear", "few", "moved", "alone", "none"]
"""``better``, ``worse``: beside the other cities; the interval leaves zero out. ``unclear``: it holds zero. ``few``:
compared, with too few values for an interval. ``moved``: compared and sure, of an indicator without a better direction.
``alone``: before and after of the city alone, which says what changed and not why. ``none``: ``reason`` says why."""
Reason = Literal[
    "", "unmeasured", "gone", "empty", "timeless", "broken", "not_before", "not_after", "seasons"
]


@dataclass(frozen=True, slots=True)
class Row:
    """One period: where it lies, the city's value, and those of the cities compared (None: it has none)."""

    label: str
    side: Side
    value: Value
    others: tuple[Value | None, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """``own`` is the city's change, ``effect`` the difference in differences, ``others`` the cities of it.

    ``left_out``: cities that measure the same but are not compared, and why: ``apart`` (defined otherwise), ``short``
    (no value on a side), ``adopted`` (it has the solution too). ``drifting`` as :func:`drift`. ``notes``: ``during``
    (the period of the beginning is left out), ``apart`` (periods beyond a break are), ``poor`` (values of low
    confidence are in it).
    """

    began: dt.date
    verdict: Verdict
    reason: Reason = ""
    series: Series | None = None
    own: Change | None = None
    effect: Change | None = None
    others: tuple[Series, ...] = ()
    left_out: tuple[tuple[Series, str], ...] = ()
    rows: tuple[Row, ...] = ()
    drifting: float | None = None
    notes: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    """Labels of the breaks that keep periods apart."""

    @property
    def definition(self) -> Definition | None:
        return self.series.definition if self.series else None


@dataclass
class Measures:
    """The series of a node, and of the cities whose own nodes sent theirs, read once a request.

    ``sender``: an entity's id → the title of the node that sent it; "" for this node's own.
    """

    broker: Broker
    sender: Callable[[str], str] = lambda _id: ""
    _alike: dict[str, Comparison] = field(default_factory=dict)

    def series(self, place: Place, indicator: str) -> Series | None:
        if place.id in self.broker.places:
            return series(self.broker, place, indicator)
        return next((one for one in self.of(place) if one.definition.id == indicator), None)

    def of(self, place: Place) -> list[Series]:
        """Every indicator of a place."""
        if place.id in self.broker.places:
            return all_series(self.broker, place, above=False)
        return self._sent(series_elsewhere(self.broker, place=place.id))

    def alike(self, one: Series) -> Comparison:
        """The same measure in the places of the same kind, the place itself among them."""
        key, kind = one.definition.measure, one.place.kind
        if f"{kind} {key}" not in self._alike:
            places = self.broker.places
            group = [
                found
                for place in places.values()
                if place.kind == kind
                for name, definition in definitions_of(place, places, []).items()
                if definition.measure == key and (found := series(self.broker, place, name)) is not None
            ]
            sent = self._sent(series_elsewhere(self.broker, measure=key))
            group += [one for one in sent if one.place.kind == kind and one.definition.measure == key]
            self._alike[f"{kind} {key}"] = comparison(key, group or [one])
        return self._alike[f"{kind} {key}"]

    def _sent(self, found: Iterable[Series]) -> list[Series]:
        """Those with a value that a member node sent: whose word it is must be known."""
        return [one for one in found if one.latest and self.sender(one.latest.id)]


def evidence(
    measures: Measures,
    place: Place,
    indicator: str,
    began: dt.date,
    others_with_it: Mapping[str, dt.date] | None = None,
) -> Evidence:
    """What the node's values say of something that began in a place on a day.

    ``others_with_it``: places that have the same solution, and since when; they are nobody to compare with. The kind of
    the answer is :data:`Verdict`; there is always one.
    """
    if not indicator:
        return Evidence(began, "none", "unmeasured")
    found = measures.series(place, indicator)
    if found is None:
        return Evidence(began, "none", "gone")
    if not found.available:
        return Evidence(began, "none", "empty", found)
    breaks = tuple(found.definition.breaks)
    where = sides((value.label for value in found.available), began, breaks)
    rows = tuple(Row(value.label, where[value.label], value) for value in found.available)
    values = _values(found, began)
    own = change(values, where)
    notes = _notes(rows)
    cut = tuple(label for label in breaks if any(row.side == "apart" for row in rows))
    if own is None:
        return Evidence(began, "none", _why(rows), found, rows=rows, notes=notes, breaks=cut)
    candidates, left_out = _candidates(measures, found, others_with_it or {})
    chosen = comparable(values, {one.place.id: _values(one, began) for one in candidates}, where)
    compared = tuple(one for one in candidates if one.place.id in chosen)
    left_out += [(one, "short") for one in candidates if one.place.id not in chosen]
    if not compared:
        return Evidence(
            began, "alone", "", found, own, left_out=tuple(left_out), rows=rows, notes=notes, breaks=cut
        )
    tables = [{value.label: value for value in one.available} for one in compared]
    apart = gaps(values, [_values(one, began) for one in compared])
    effect = change(apart, where)
    assert effect is not None, "comparable() chose cities with values on both sides"
    return Evidence(
        began,
        _verdict(found.definition, effect),
        "",
        found,
        own,
        effect,
        compared,
        tuple(left_out),
        tuple(
            Row(row.label, row.side, row.value, tuple(one.get(row.label) for one in tables)) for row in rows
        ),
        drift(apart, where),
        notes,
        cut,
    )


def _candidates(
    measures: Measures, found: Series, with_it: Mapping[str, dt.date]
) -> tuple[list[Series], list[tuple[Series, str]]]:
    group = measures.alike(found)
    left_out = [(one, "apart") for one, _keys in group.apart if one.place.id != found.place.id]
    others = [one for one in group.series if one.place.id != found.place.id and one.available]
    if all(one.place.id != found.place.id for one in group.series):  # the city itself measures in another way
        return [], [*left_out, *((one, "apart") for one in others)]
    left_out += [(one, "adopted") for one in others if one.place.id in with_it]
    return [one for one in others if one.place.id not in with_it], left_out


def _values(one: Series, began: dt.date) -> dict[str, float]:
    """By period, without those that a break of the series itself keeps apart."""
    where = sides((value.label for value in one.available), began, one.definition.breaks)
    return {
        value.label: value.value
        for value in one.available
        if value.value is not None and where[value.label] != "apart"
    }


def _why(rows: tuple[Row, ...]) -> Reason:
    have = {row.side for row in rows}
    if all(row.label == "all" for row in rows):
        return "timeless"
    if {"before", "after"} <= have:
        return "seasons"
    if "apart" in have:
        return "broken"
    return "not_after" if "after" not in have else "not_before"


def _notes(rows: tuple[Row, ...]) -> tuple[str, ...]:
    used = [row for row in rows if row.side in ("before", "after")]
    found = [side for side in ("during", "apart") if any(row.side == side for row in rows)]
    if any(row.value.confidence == "poor" for row in used):
        found.append("poor")
    return tuple(found)


def _verdict(definition: Definition, effect: Change) -> Verdict:
    if effect.low is None:
        return "few"
    if not effect.sure:
        return "unclear"
    if definition.better == "neutral":
        return "moved"
    return "better" if (effect.difference < 0) is (definition.better == "lower") else "worse"
