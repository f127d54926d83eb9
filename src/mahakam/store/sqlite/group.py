"""A group of works that share one transaction: how they are run, undone and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import apsw

from mahakam.store.protocol import Transaction
from mahakam.store.sqlite.transaction import SqliteTransaction

Work = Callable[[Transaction], Any]
AnyFuture = Future[Any] | asyncio.Future[Any]
Job = tuple[Work, AnyFuture, asyncio.AbstractEventLoop | None]
Outcome = tuple[AnyFuture, Any, BaseException | None]

GROUP = 256
"""Most pieces of work that share one commit, so that the first does not wait long for the last."""


class Undo(Exception):
    """Work failed after it had written: its transaction must be undone. The cause is what it raised.

    Most work that fails (a refusal) has written nothing, and costs the others of its commit nothing.
    """


def perform(connection: apsw.Connection, transaction: SqliteTransaction, group: list[Job]) -> list[Outcome]:
    """Run the works of a group in the transaction that is open. Raises Undo, apsw.Error."""
    outcomes: list[Outcome] = []
    for work, future, _ in group:
        before = connection.total_changes()
        try:
            outcomes.append((future, work(transaction), None))
        except apsw.Error:
            raise
        except Exception as error:
            outcomes.append((future, None, error))
            if connection.total_changes() != before:
                raise Undo from error
    transaction.flush()
    return outcomes


def roll_back(connection: apsw.Connection) -> None:
    """Undo the open transaction, if SQLite has not done so already (disk full)."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def settle(outcomes: list[Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
