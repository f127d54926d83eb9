"""Writes that coroutines wait for: run on their event loop, made durable on a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import apsw

from mahakam import tracing
from mahakam.store.sql.group import GROUP, Job, Outcome, Work, perform, settle
from mahakam.store.sqlite.connection import BUSY_MILLISECONDS, Connection, roll_back
from mahakam.store.sqlite.transaction import SqliteTransaction

if TYPE_CHECKING:
    from mahakam.store.sqlite.writer import Writer


class LoopGroup:
    """The writes of one event loop: their statements run on the loop, only the wait for the disk elsewhere.

    A statement takes microseconds, a change of threads more: so a write costs no change of threads, and a
    commit, which is shared, one. What cannot be done at once (another process writes, work must be undone)
    goes to the writer's thread.
    """

    def __init__(self, writer: Writer, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._writer = writer
        self._waiting: list[Job] = []
        self._busy = False

    def submit(self, work: Work) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self.loop.create_future()
        self._waiting.append((tracing.handed_over("store", work, future), future, self.loop))
        if not self._busy:
            # Called soon and not now: the other requests of this turn of the loop join the group.
            self._busy = True
            self.loop.call_soon(self._flush)
        return future

    def _flush(self) -> None:
        group = self._waiting[:GROUP]
        del self._waiting[:GROUP]
        connection = self._writer.try_lock() if group else None
        if connection is None:
            self._next()
            self._writer.hand_over(group)
            return
        changes = connection.total_changes()
        transaction = SqliteTransaction(connection, self._writer.known, self._writer.lane)
        try:
            connection.set_busy_timeout(0)
            connection.execute("BEGIN IMMEDIATE")
            outcomes = perform(transaction, group, connection.total_changes, apsw.Error)
            if connection.total_changes() == changes:
                connection.execute("COMMIT")  # nothing to wait for
                settle(outcomes)
                outcomes = []
        except (
            Exception
        ):  # whatever it is: the connection must come free again, and its thread says what it was
            roll_back(connection)
            self._release(connection)
            self._next()
            self._writer.hand_over(group)
            return
        if outcomes:
            self._writer.commit_later(lambda: self._commit(connection, transaction, group, outcomes))
        else:
            self._release(connection)
            self._next()

    def _commit(
        self,
        connection: Connection,
        transaction: SqliteTransaction,
        group: list[Job],
        outcomes: list[Outcome],
    ) -> None:
        """On the committing thread."""
        try:
            connection.execute("COMMIT")
        except apsw.Error:
            roll_back(connection)
            self._release(connection)
            self._writer.hand_over(group)
            outcomes = []
        else:
            self._writer.commits += 1
            self._release(connection)
            self._writer.committed(transaction)
        with suppress(RuntimeError):  # the loop has ended; nobody waits any more
            self.loop.call_soon_threadsafe(self._done, outcomes)

    def _done(self, outcomes: list[Outcome]) -> None:
        settle(outcomes)
        self._next()

    def _release(self, connection: Connection) -> None:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        self._writer.unlock()

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if self._busy:
            self.loop.call_soon(self._flush)


class Commits:
    """A thread that waits for the disk."""

    def __init__(self, name: str) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"commit {name}", daemon=True)
        self._thread.start()

    def put(self, commit: Callable[[], None]) -> None:
        self._queue.put(commit)

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (commit := self._queue.get()) is not None:
            commit()
