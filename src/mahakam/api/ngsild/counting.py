"""How many different entities a query selects here and at sources (clause 6.3.13)."""

from __future__ import annotations

from collections.abc import Mapping

from mahakam.api.ngsild.forwarding import Forwarding
from mahakam.api.ngsild.gathering import Answered, Gathered, filters_of, is_node, query_source
from mahakam.broker.federation.matching import Match
from mahakam.ngsild.selection import Selection

MOST = 10_000
"""Entities up to which what several have is told apart; of more the sum is told, which counts it several times."""


async def different(
    forwarding: Forwarding, parts: Gathered, selection: Selection, params: Mapping[str, str]
) -> int:
    """How many there are, whatever page was asked for: the same on every page of a query."""
    if parts.whole:
        return len(parts.ids)
    broker = forwarding.call.broker
    here = await forwarding.call.off_loop(lambda: broker.count(selection))
    answers = [(match, one) for match, one in parts.answers if one.parts or one.count]
    total = here + sum(one.count for _, one in answers)
    if total > MOST or alone(here, [match for match, _ in answers]):
        return total
    known: set[str] = await forwarding.call.off_loop(lambda: {one["id"] for one in broker.scan(selection)})

    async def ids(match: Match) -> set[str]:
        answer = of[match]
        if not answer.whole:
            filters = filters_of(params)
            answer = await query_source(forwarding, match, selection, filters, MOST, times=False)
        return {part.id for part in answer.parts}

    of: dict[Match, Answered] = dict(answers)
    for _, there in await forwarding.each(list(of), ids):
        known |= there
    return len(known)


def alone(here: int, found: list[Match]) -> bool:
    """Whether no two can have the same entity: one has all, or nodes that have joined have each its own."""
    return len(found) + bool(here) < 2 or (not here and all(map(is_node, found)))
