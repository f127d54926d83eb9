"""How what is owed is divided among the processes that deliver: who has which share, decided from who lives.

Every notification belongs to one of :data:`SHARES` shares, by its subscription and entity; a share belongs to one
process at a time, so that the notifications of a subscription about an entity stay in their order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

SHARES = 64
BEAT = 1.0
"""Seconds between two signs of life of a process."""
LEASE = 6.0
"""Seconds without a sign of life after which others take a process for dead. Each counts them by its own clock, from
when it saw the last sign: the clocks of the machines, and what puts them forward, have no part in it."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """What a process has. ``slot``: its number among those that deliver, from 0, no other's while it lives.

    ``wanted``: shares of its own that another process should have: it ends what it does with them, and gives them back.
    """

    slot: int
    shares: frozenset[int]
    wanted: frozenset[int] = frozenset()


class Division(Protocol):
    """One process among those that deliver."""

    def turn(self, given_back: Collection[int] = ()) -> Assigned:
        """Give a sign of life, give back shares, take what is free and due. To be called every :data:`BEAT` seconds.

        Raises StoreError; then the process has what it had, as long as the others take it to live.
        """

    def leave(self) -> None:
        """Give back everything at once. Never raises."""


def divided(me: int, living: Collection[int], owners: Mapping[int, int]) -> tuple[set[int], set[int]]:
    """(what ``me`` takes, what it should give up), of shares with their owners; what a dead one owned is free.

    No process has more than its part, rounded up; so what all give up is enough for one that comes.
    """
    part = -(-SHARES // len(living))
    mine = sorted(share for share, owner in owners.items() if owner == me)
    free = [share for share in range(SHARES) if owners.get(share) not in living]
    return set(free[: max(0, part - len(mine))]), set(mine[part:])


def lowest_free(taken: Collection[int]) -> int:
    """The smallest number from 0 that is not taken."""
    return next(number for number in range(len(taken) + 1) if number not in taken)
