"""Projections in the store: made where what they are made from has changed, read by pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from mahakam.broker.copied import not_copied
from mahakam.broker.writes import Delete, Upsert
from mahakam.config import Place, scope_of
from mahakam.indicators.definition import Definition
from mahakam.indicators.projection import (
    TYPE,
    Projection,
    entity_of,
    fingerprint,
    project,
    projection_of,
    wanted,
)
from mahakam.indicators.value import Value
from mahakam.ngsild.selection import Compare, Path, Scopes, Selection, Types

if TYPE_CHECKING:
    from mahakam.broker.broker import Broker

AUTHOR = "indicators"


def carry_on(
    broker: Broker,
    place: Place,
    definition: Definition,
    values: Sequence[Value],
    now: str,
    today: date | None = None,
) -> None:
    """Store the projection of an indicator that asks for one; nothing is fitted anew from the same values."""
    today = today or datetime.now(UTC).date()
    stored = projections(broker, place, definition.id).get(definition.id)
    if not wanted(definition) or not values:
        if stored:
            _write(broker, [Delete(stored.id)])
        return
    if stored and stored.inputs == fingerprint(definition, values, today):
        return
    made = project(definition, place.id, values, today)
    scope = scope_of(place, broker.places)
    _write(broker, [Upsert(entity_of(made, definition.name, definition.unit, scope, now))])


def projections(broker: Any, place: Place, name: str = "") -> dict[str, Projection]:
    """The stored projections of a place by indicator, or only that of one."""
    selection = Selection(
        types=Types(((TYPE,),)),
        scopes=Scopes(((scope_of(place, broker.places),),)),
        condition=Compare(Path("indicator"), "==", (name,)) if name else None,
    )
    found = (projection_of(document) for document in broker.scan(selection))
    return {one.indicator: one for one in found}


def forget_projections(broker: Broker, place: Place, defined: set[str]) -> None:
    """Remove the projections of indicators that the place no longer has."""
    _write(
        broker, [Delete(one.id) for name, one in projections(broker, place).items() if name not in defined]
    )


def _write(broker: Broker, writes: Sequence[Upsert | Delete]) -> None:
    """But for what the city's own node sent. Raises the Problem of the first refused write."""
    writes = not_copied(broker.store, writes)
    for written in broker.batch(writes, author=AUTHOR) if writes else ():
        if written.problem:
            raise written.problem
