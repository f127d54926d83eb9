"""The part of what is owed that this process delivers: which shares, for how long, and what is under way with them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from mahakam.broker.rounds import Rounds
from mahakam.store.division import BEAT, LEASE, Assigned, Division

_SAFE = 1.0
"""Seconds before others may take this process for dead, after which it sends nothing more."""


class Hold:
    """Shares that a batch is of; ``shares``: None for all that is owed."""

    def __init__(self, part: Part, shares: frozenset[int] | None) -> None:
        self.shares = shares
        self._part = part

    def stands(self) -> bool:
        """Whether the next notification of the batch may still be sent by this process."""
        return self._part.may(self.shares)


class Part:
    """All of what is owed: the part of a process that delivers alone."""

    @property
    def slot(self) -> int:
        """A number of this process among those that deliver, for what each of them counts."""
        return 0

    def shares(self) -> frozenset[int] | None:
        """What may be delivered by this process now; None: all."""
        return None

    def may(self, shares: frozenset[int] | None) -> bool:  # noqa: ARG002
        return True

    @contextmanager
    def held(self) -> Iterator[Hold]:
        """What may be delivered now: nobody else gets it before the block has ended, as long as this process lives."""
        yield Hold(self, self.shares())


ALL = Part()


class NoPart(Part):
    """Nothing: others deliver."""

    def shares(self) -> frozenset[int]:
        return frozenset()


class SharedPart(Part):
    """Some of it: the others that share the store deliver the rest."""

    def __init__(self, division: Division) -> None:
        self._division = division
        self._lock = threading.Lock()
        self._assigned = Assigned(0, frozenset())
        self._until = 0.0
        self._under_way: Counter[int] = Counter()
        self._rounds = _Beats(self)

    @property
    def slot(self) -> int:
        return self._assigned.slot

    def start(self) -> None:
        self._rounds.start()

    def stop(self) -> None:
        """Give everything back; whoever delivers has ended before."""
        self._rounds.stop()
        self._until = 0.0
        self._division.leave()

    def shares(self) -> frozenset[int]:
        if time.monotonic() >= self._until:
            return frozenset()
        return self._assigned.shares - self._assigned.wanted

    def may(self, shares: frozenset[int] | None) -> bool:
        return shares is not None and shares <= self.shares()

    @contextmanager
    def held(self) -> Iterator[Hold]:
        with self._lock:
            shares = self.shares()
            self._under_way.update(shares)
        try:
            yield Hold(self, shares)
        finally:
            with self._lock:
                self._under_way.subtract(shares)

    def beat(self) -> None:
        """A sign of life; what is wanted elsewhere goes back once nothing is under way with it."""
        began = time.monotonic()
        with self._lock:
            back = {share for share in self._assigned.wanted if not self._under_way[share]}
        assigned = self._division.turn(back)
        with self._lock:
            self._assigned, self._until = assigned, began + LEASE - _SAFE


class _Beats(Rounds):
    LOOK = BEAT

    def __init__(self, part: SharedPart) -> None:
        super().__init__("part of notifications")
        self._part = part

    def round(self) -> None:
        self._part.beat()
