"""What pages read: an indicator over time, how it moves, and the same measure across cities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from mahakam.broker.broker import Broker
from mahakam.config import Place, Text, scope_of
from mahakam.indicators.confidence import Confidence, Doubt, doubts, when_read
from mahakam.indicators.definition import Definition, definitions_of
from mahakam.indicators.period import Period
from mahakam.indicators.value import TYPE, Value, age_of, value_of
from mahakam.ngsild.selection import Compare, Path, Scopes, Selection, Types
from mahakam.store.protocol import Document


@dataclass(frozen=True, slots=True)
class Trend:
    """Figures for one plain sentence: *11 in 2025; 4 in 2023 was the best of five years.*

    ``change`` and ``share`` compare the latest value with ``previous`` (share None where that is 0); both
    None, like ``previous``, where nothing may be compared: the first value, or the first after a break.
    ``judgement`` says whether the change is for the better. ``best`` and ``worst`` are None where neither
    direction is better, and all of them look only at the ``of`` available values since the last break.
    """

    latest: Value
    previous: Value | None
    change: float | None
    share: float | None
    judgement: str
    """``better``, ``worse``, ``same`` or ``""`` (nothing to compare, or neutral)."""
    highest: Value
    lowest: Value
    best: Value | None
    worst: Value | None
    of: int
    broken: Text | None
    """The reason of the break that the series was cut at, if there is one."""


@dataclass(frozen=True, slots=True)
class Aim:
    """A target: the value aimed at for a year; ``met`` None while there is no value to judge."""

    year: int
    value: float
    met: bool | None


@dataclass(frozen=True)
class Series:
    """An indicator of a place with its values in order of time (those without enough data included)."""

    definition: Definition
    place: Place
    values: tuple[Value, ...]
    today: date

    @property
    def available(self) -> tuple[Value, ...]:
        return tuple(value for value in self.values if value.state == "available")

    @property
    def latest(self) -> Value | None:
        """The newest value that there is; None while there is none."""
        return self.available[-1] if self.available else None

    @property
    def age(self) -> int | None:
        """Days since the period of the latest value ended (0 while it runs)."""
        if not self.latest:
            return None
        age = age_of(self.latest, self.today)
        return None if age is None else max(0, age)

    @property
    def stale(self) -> bool:
        """Whether the latest value is too old to stand for today."""
        fresh = self.definition.fresh_days
        return self.age is not None and fresh is not None and self.age > fresh

    @property
    def confidence(self) -> Confidence | None:
        """Of the latest value as a statement about today: one step lower when stale."""
        if not self.latest or not self.latest.confidence:
            return None
        return when_read(self.latest.confidence, self.age, self.definition.fresh_days)

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What keeps the confidence from being good; empty while there is no value."""
        if not self.latest:
            return ()
        return doubts(self.latest.completeness, self.latest.flagged, old=self.stale)

    @property
    def target(self) -> Aim | None:
        """The next target from today, else the last; None without one or where no direction is better."""
        aims = self.definition.target
        if not aims or self.definition.better == "neutral":
            return None
        year = min((year for year in aims if year >= self.today.year), default=max(aims))
        met = None
        if self.latest and self.latest.value is not None:
            lower = self.definition.better == "lower"
            met = self.latest.value <= aims[year] if lower else self.latest.value >= aims[year]
        return Aim(year, aims[year], met)

    @property
    def trend(self) -> Trend | None:
        """None while there is no value."""
        values, broken = self._since_break()
        if not values:
            return None
        latest = values[-1]
        previous = values[-2] if len(values) > 1 else None
        change = share = None
        if previous:
            change = _number(latest) - _number(previous)
            share = change / abs(_number(previous)) if _number(previous) else None
        highest, lowest = max(values, key=_number), min(values, key=_number)
        better = self.definition.better
        ends = {"lower": (lowest, highest), "higher": (highest, lowest), "neutral": (None, None)}[better]
        return Trend(
            latest,
            previous,
            change,
            share,
            _judge(change, better),
            highest,
            lowest,
            *ends,
            len(values),
            broken,
        )

    def _since_break(self) -> tuple[tuple[Value, ...], Text | None]:
        values, broken = self.available, None
        for label, reason in self.definition.breaks.items():
            start = Period.parse(label)
            later = tuple(value for value in values if value.period >= start)
            if later:
                values, broken = later, reason
        return values, broken

    def broken_at(self, value: Value) -> Text | None:
        """The reason if a break begins at this value's period or between it and the available value before
        it.
        """
        before = [one.period for one in self.available if one.period < value.period]
        for label, reason in self.definition.breaks.items():
            start = Period.parse(label)
            if start <= value.period and (not before or before[-1] < start):
                return reason
        return None


def series(broker: Broker, place: Place, name: str, today: date | None = None) -> Series | None:
    """The series of one indicator; None for an indicator that the place does not have."""
    definition = definitions_of(place, broker.places, []).get(name)
    if definition is None:
        return None
    selection = _selection(place, broker.places, Compare(Path("indicator"), "==", (name,)))
    return _series(definition, place, broker.scan(selection), today or _today())


def all_series(
    broker: Broker,
    place: Place,
    today: date | None = None,
    *,
    above: bool = True,
) -> list[Series]:
    """Every indicator of a place, by id; then, with ``above``, those of places above that are
    ``shown_below``.

    An indicator without any value is listed too: its page says "no data yet". A file that cannot be used is
    not.
    """
    today = today or _today()
    found: dict[str, list[Document]] = {}
    for document in broker.scan(_selection(place, broker.places)):
        found.setdefault(document["indicator"]["value"], []).append(document)
    listed = [
        _series(definition, place, found.get(name, []), today)
        for name, definition in definitions_of(place, broker.places, []).items()
    ]
    for higher in _above(place, broker.places) if above else ():
        for one in all_series(broker, higher, today, above=False):
            mine = next((mine for mine in listed if mine.definition.id == one.definition.id), None)
            if one.definition.shown_below and one.latest and not (mine and mine.latest):
                listed = [other for other in listed if other is not mine]
                listed.append(one)
    return listed


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure across places. ``years``: the labels that any of them has a value for, in order.

    ``notes`` say what a reader must know: (place id, note). ``apart``: series of the same name that were
    left out because they are measured in another way (``from``, ``formula``, ``where``, ``per`` or unit
    differ).
    """

    id: str
    series: tuple[Series, ...]
    periods: tuple[str, ...]
    common: str | None
    """The newest period for which every place has a value: the fair one to rank by."""
    notes: tuple[tuple[str, Text], ...]
    apart: tuple[tuple[Series, tuple[str, ...]], ...] = ()


def comparison(key: str, group: Sequence[Series]) -> Comparison:
    """Series of one measure side by side; those measured in another way than the first with a value go apart."""
    first = next((one for one in group if one.latest), group[0])
    alike: list[Series] = []
    apart: list[tuple[Series, tuple[str, ...]]] = []
    for one in group:
        differs = _differences(first.definition, one.definition)
        if differs:
            apart.append((one, differs))
        else:
            alike.append(one)
    labels = [{value.label for value in one.available} for one in alike if one.available]
    periods = sorted(set().union(*labels)) if labels else []
    common = sorted(set.intersection(*labels)) if labels and len(labels) == len(alike) else []
    notes = tuple((one.place.id, one.definition.note) for one in alike if one.definition.note)
    return Comparison(key, tuple(alike), tuple(periods), common[-1] if common else None, notes, tuple(apart))


def _differences(one: Definition, other: Definition) -> tuple[str, ...]:
    """The keys in which two definitions differ so that their values may not stand side by side."""
    keys = ("per", "unit") if one.compare and one.compare == other.compare else (
        "source", "formula", "where", "per", "unit"
    )  # fmt: skip
    named = {"source": "from"}
    return tuple(
        named.get(key, key)
        for key in keys
        if _spaceless(getattr(one, key)) != _spaceless(getattr(other, key))
    )


def _spaceless(text: str) -> str:
    return " ".join(text.split())


def _above(place: Place, places: Mapping[str, Place]) -> list[Place]:
    """The places above, the nearest first."""
    found: list[Place] = []
    at = places.get(place.parent or "")
    while at and at not in found and at.id != place.id:
        found.append(at)
        at = places.get(at.parent or "")
    return found


def _selection(place: Place, places: Mapping[str, Place], condition: Compare | None = None) -> Selection:
    return Selection(
        types=Types(((TYPE,),)), scopes=Scopes(((scope_of(place, places),),)), condition=condition
    )


def _series(definition: Definition, place: Place, documents: Iterable[Document], today: date) -> Series:
    values = sorted((value_of(document) for document in documents), key=lambda value: value.period)
    return Series(definition, place, tuple(values), today)


def _number(value: Value) -> float:
    assert value.value is not None
    return value.value


def _judge(change: float | None, better: str) -> str:
    if change is None or better == "neutral":
        return ""
    if change == 0:
        return "same"
    return "better" if (change < 0) is (better == "lower") else "worse"


def _today() -> date:
    return datetime.now(UTC).date()
