"""What the node itself knows for a question: figures with their dates, no rows and nothing of a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mahakam.config import Place, scope_of
from mahakam.feeds.known import datasets
from mahakam.indicators.series import all_series
from mahakam.ngsild.selection import Scopes, Selection, Types
from mahakam.services.catalogue import catalogue
from mahakam.services.satisfaction import results


@dataclass(frozen=True)
class Figures:
    """A table: the first row names the columns."""

    name: str
    rows: tuple[tuple[str, ...], ...]


def collected(broker: Any, place: Place, name: str) -> Figures | None:
    """The figures of a collector; None for a name that is none."""
    collect = COLLECTORS.get(name)
    return (
        Figures(name, tuple(tuple(str(cell) for cell in row) for row in collect(broker, place)))
        if collect
        else None
    )


def _datasets(broker: Any, place: Place) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("dataset", "agency", "licence", "score", "held", "updated")]
    for one in datasets(broker.store, place):
        score = "" if one.score is None else f"{one.score:.4f}"
        rows.append((one.name, one.owner, one.licence, score, one.held, one.updated))
    return rows


def _services(broker: Any, place: Place) -> list[tuple[object, ...]]:
    return [("service",), *((code,) for code in catalogue(place, broker.places))]


def _requests(broker: Any, place: Place) -> list[tuple[object, ...]]:
    scopes = Scopes(((f"{scope_of(place, broker.places)}/#",),))
    count = broker.count(Selection(types=Types((("ServiceRequest",),)), scopes=scopes))
    return [("what", "count"), ("requests", count)]


def _satisfaction(broker: Any, place: Place) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("service", "agency", "answers", "index", "grade")]
    for (service, agency), one in results(broker, scope_of(place, broker.places)).items():
        rows.append((service, agency, one.answers, one.index, one.grade))
    return rows


def _indicators(broker: Any, place: Place) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("indicator", "period", "value", "unit", "confidence", "computed")]
    for one in all_series(broker, place, above=False):
        if one.latest and one.latest.value is not None:
            latest = one.latest
            value = f"{latest.value:.12g}"
            rows.append(
                (one.definition.id, latest.label, value, latest.unit, latest.confidence, latest.computed)
            )
    return rows


COLLECTORS: dict[str, Callable[[Any, Place], list[tuple[object, ...]]]] = {
    "datasets": _datasets,
    "indicators": _indicators,
    "requests": _requests,
    "satisfaction": _satisfaction,
    "services": _services,
}
