"""How many different entities a query selects here and at sources (clause 6.3.13)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mahakam.api.ngsild.forwarding import Forwarding
from mahakam.api.ngsild.gathering import Gathered, filters_of, is_node, query_source
from mahakam.broker.federation.matching import Match
from mahakam.ngsild.selection import Selection

MOST = 10_000
"""Entities up to which what several have is told apart; of more the sum is told, which counts it several times."""


@dataclass(frozen=True, slots=True)
class There:
    """What a source has: how many, and their ids if all are known."""

    match: Match
    count: int
    ids: set[str] | None


async def different(
    forwarding: Forwarding, parts: Gathered, selection: Selection, params: Mapping[str, str]
) -> int:
    """How many entities there are, whatever page was asked for: the same on every page of a query."""
    if parts.whole:
        return len(parts.ids)
    broker = forwarding.call.broker
    here = await forwarding.call.off_loop(lambda: broker.count(selection))
    answers = [
        There(match, one.count, {part.id for part in one.parts} if one.whole else None)
        for match, one in parts.answers
    ]

    async def ids_at(match: Match) -> set[str]:
        filters = filters_of(params)
        answer = await query_source(forwarding, match, selection, filters, MOST, times=False)
        return {part.id for part in answer.parts}

    return await told_apart(
        forwarding, here, lambda: {one["id"] for one in broker.scan(selection)}, answers, ids_at
    )


async def told_apart(
    forwarding: Forwarding,
    here: int,
    ids_here: Callable[[], set[str]],
    answers: Sequence[There],
    ids_at: Callable[[Match], Coroutine[Any, Any, set[str]]],
) -> int:
    """How many there are, of which this node has ``here``. Ids are looked for only where two may have the same."""
    some = [one for one in answers if one.count]
    total = here + sum(one.count for one in some)
    if total > MOST or _alone(here, some):
        return total
    known = await forwarding.call.off_loop(ids_here) if here else set()
    for one in some:
        known |= one.ids or set()
    unknown = [one.match for one in some if one.ids is None]
    for _, ids in await forwarding.each(unknown, ids_at):
        known |= ids
    return len(known)


def _alone(here: int, some: Sequence[There]) -> bool:
    """Whether no two can have the same entity: one has all, or nodes that have joined have each its own."""
    return len(some) + bool(here) < 2 or (not here and all(is_node(one.match) for one in some))
