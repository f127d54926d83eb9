"""A hub's member and the copies that it has sent, put there as joining and the intake put them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.config import Place
from mahakam.indicators.definition import Definition
from mahakam.indicators.evaluate import Figure
from mahakam.indicators.period import Period
from mahakam.indicators.value import entity_of, judge
from mahakam.nodes import intake
from mahakam.nodes.member import Member, save
from mahakam.nodes.shares import Shares


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def values_of(
    place: Place, definition: Definition, values: dict[str, float | None], scope: str = ""
) -> list[dict[str, Any]]:
    """Values of an indicator by period, as a node would compute and store them."""
    return [
        entity_of(
            judge(definition, place.id, _figure(label, value), (f"{place.id}/register",)),
            definition,
            place,
            scope or f"/{place.id}",
            now(),
        )
        for label, value in values.items()
    ]


def _figure(label: str, value: float | None) -> Figure:
    rows = 0 if value is None else 31
    last = "" if label == "all" else f"{label}-12-31"
    return Figure(
        period=Period.parse(label), value=value, terms=(("count(*)", value),), inputs=rows, counted=rows,
        covered=rows, flagged=0, runs={4: rows} if rows else {}, first="", last=last,
    )  # fmt: skip


def add_member(
    broker: Broker, name: str, address: str, entities: Iterable[dict[str, Any]], title: str = ""
) -> Member:
    """A node that has joined, shares what these entities have, and sends copies of them."""
    shares: dict[str, frozenset[str]] = {}
    for one in entities:
        names = frozenset(one) - {"id", "type", "scope", "createdAt", "modifiedAt"}
        shares[one["type"]] = shares.get(one["type"], frozenset()) | names
    made = Member(
        name=name, address=address, shares=Shares(shares, frozenset(shares)), version=1, key="mhs_of-a-test",
        title=title, joined=1.0, settled=True,
    )  # fmt: skip
    broker.transact(lambda transaction: save(transaction, made))
    return made


def send(broker: Broker, name: str, entities: Iterable[dict[str, Any]], at: str = "") -> None:
    """One notification of the node; every entity of it must be taken."""
    told = at or now()
    data = [{"createdAt": told, "modifiedAt": told, **one} for one in entities]
    taken = intake.take(broker, name, {"type": "Notification", "data": data, "notifiedAt": told, "share": 1})
    assert taken.refused == 0, [broker.store.records(f"node-held {name}")]
    assert taken.taken == len(data)
