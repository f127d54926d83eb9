"""A group of works that share one transaction: how they are run, undone and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from mahakam.store.protocol import Transaction

Work = Callable[[Transaction], Any]
AnyFuture = Future[Any] | asyncio.Future[Any]
Job = tuple[Work, AnyFuture, asyncio.AbstractEventLoop | None]
Outcome = tuple[AnyFuture, Any, BaseException | None]

GROUP = 256
"""Most pieces of work that share one commit, so that the first does not wait long for the last."""


class Flushed(Transaction, Protocol):
    """A transaction that may keep writes back until it is flushed."""

    def flush(self) -> None: ...

    def done(self) -> None:
        """A work is done; what was written since the last one was its."""

    def forget(self) -> None:
        """A work was refused."""


class Undo(Exception):
    """Work failed after it had written: its transaction must be undone. The cause is what it raised.

    Most work that fails (a refusal) has written nothing, and costs the others of its commit nothing.
    """


def perform(
    transaction: Flushed, group: list[Job], changes: Callable[[], int], errors: type[Exception]
) -> list[Outcome]:
    """Run the works of a group in the transaction that is open.

    ``changes`` tells how much the transaction has written so far; ``errors`` are the database's own.
    Raises Undo, and what the database raises.
    """
    outcomes: list[Outcome] = []
    for work, future, _ in group:
        before = changes()
        try:
            outcomes.append((future, work(transaction), None))
            transaction.done()
        except errors:
            raise
        except Exception as error:
            transaction.forget()
            outcomes.append((future, None, error))
            if changes() != before:
                raise Undo from error
    transaction.flush()
    return outcomes


def settle(outcomes: list[Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


def tell(group: list[Job], outcomes: list[Outcome]) -> None:
    """Settle the outcomes of a group (one a job, in its order), each on the loop that waits for it."""
    waiting: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for (_, _, loop), outcome in zip(group, outcomes, strict=True):
        if loop is None:
            settle([outcome])
        else:
            waiting.setdefault(loop, []).append(outcome)
    for loop, settled in waiting.items():
        try:
            loop.call_soon_threadsafe(settle, settled)
        except RuntimeError:  # the loop has ended; nobody waits any more
            continue


def next_group(jobs: SimpleQueue[Job | None]) -> tuple[list[Job], bool]:
    """What waits, at least one piece of work; False once a None said that no more will come."""
    first = jobs.get()
    if first is None:
        return [], False
    group = [first]
    try:
        while len(group) < GROUP:
            job = jobs.get_nowait()
            if job is None:
                return group, False
            group.append(job)
    except Empty:
        pass
    return group, True
