"""The state of a node at this moment, read from its store: what it holds, what waits, what was given up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mahakam.config import ConfigError, Place
from mahakam.feeds import definition
from mahakam.feeds.schedule import following
from mahakam.feeds.turn import is_taken, last_turn
from mahakam.operations.node import Node
from mahakam.services.outbox import DEAD as MAIL_DEAD
from mahakam.services.outbox import KIND as MAIL
from mahakam.services.push import OWED as PUSH
from mahakam.store.protocol import EntityStore

LATE = 3600.0
"""Seconds after which a feed that was due and has not run is overdue: who runs them looks every half minute."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """``state``: of the last run (``clean``, ``held``, ``unchanged``, ``failed``; ``interrupted``: its process was
    ended), "" before the first, ``running`` now; ``ended``: ISO 8601 UTC; ``overdue``: seconds since it should have
    run, 0 if it need not have; ``problem``: why the feed's file cannot be used, or the last run could not run."""

    place: str
    feed: str
    state: str
    ended: str
    held: int
    overdue: float
    problem: str

    @property
    def name(self) -> str:
        return f"{self.place}/{self.feed}"

    @property
    def failing(self) -> bool:
        return bool(self.problem) or self.state in ("failed", "interrupted")


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits to be sent, and what was given up."""

    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class State:
    """``bytes``: of the store; ``types``: entity type → entities, one with two types in both; ``queues``:
    ``notifications``, ``mail``, ``push``."""

    store: str
    schema: int
    bytes: int
    entities: int
    types: Mapping[str, int]
    queues: Mapping[str, Queue]
    feeds: tuple[FeedState, ...]


def state_of(node: Node, now: datetime | None = None) -> State:
    """Raises StoreError if the store cannot be read."""
    store = node.store.tenant()
    info = store.info()
    return State(
        store=node.store.kind,
        schema=info["version"],
        bytes=info["bytes"],
        entities=info["entities"],
        types=store.types(),
        queues=_queues(store, info),
        feeds=tuple(feeds_of(node, now or datetime.now(UTC))),
    )


def queues_of(node: Node) -> Mapping[str, Queue]:
    """``notifications``, ``mail`` and ``push``. Raises StoreError."""
    store = node.store.tenant()
    return _queues(store, store.info())


def _queues(store: EntityStore, info: Mapping[str, int]) -> dict[str, Queue]:
    return {
        "notifications": Queue(info["owed"], info["dead"]),
        "mail": Queue(store.count_records(MAIL), store.count_records(MAIL_DEAD)),
        "push": Queue(store.count_records(PUSH), 0),
    }


def feeds_of(node: Node, now: datetime) -> list[FeedState]:
    """Every feed of every place, by place and name."""
    store, data = node.store.tenant(), node.settings.data
    return [
        _feed(store, data, place, name, now)
        for place in sorted(node.places.values(), key=lambda one: one.id)
        for name in sorted(place.files("feeds"))
    ]


def _feed(store: EntityStore, data: Path, place: Place, name: str, now: datetime) -> FeedState:
    last = next(iter(store.runs(place.id, name, 1)), None)
    problem, overdue = "", 0.0
    try:
        feed = definition.load(place, name)
        turn = last_turn(data, place.id, name)
        due = following(feed, turn) if turn is not None else None
        waited = (now - due).total_seconds() if due is not None else 0.0
        overdue = waited if waited > LATE else 0.0
    except ConfigError as error:
        problem = f"feeds/{error.path.name}: {error.problem}"
    state: str = last.state if last else ""
    if is_taken(data, place.id, name):
        state = "running"
    elif state == "running":
        state = "interrupted"
    if not problem and last is not None and last.state == "failed":
        problem = last.message
    return FeedState(
        place=place.id,
        feed=name,
        state=state,
        ended=(last.ended or last.started) if last else "",
        held=store.count_held(place.id, name),
        overdue=overdue,
        problem=problem,
    )
