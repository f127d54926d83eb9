"""One thread that writes: what waits shares one commit, and each work fails or succeeds alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import apsw

from mahakam.store.errors import StoreError
from mahakam.store.protocol import Transaction
from mahakam.store.sqlite.connection import WRITER_CACHE_KIB, connect, in_words
from mahakam.store.sqlite.transaction import SqliteTransaction

T = TypeVar("T")
Work = Callable[[Transaction], Any]
AnyFuture = Future[Any] | asyncio.Future[Any]
Job = tuple[Work, AnyFuture, asyncio.AbstractEventLoop | None]
Outcome = tuple[AnyFuture, Any, BaseException | None]

GROUP = 256
"""Most pieces of work that share one commit, so that the first does not wait long for the last."""


class _Undo(Exception):
    """Work failed after it had written: its transaction must be undone. The cause is what it raised.

    Most work that fails (a refusal) has written nothing, and costs the others of its commit nothing.
    """


class Writer:
    """Runs work in transactions on one thread, which starts with the first piece of work.

    Work may be run a second time when the commit it shared failed, so it changes nothing but its transaction.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.when_owed: Callable[[], None] | None = None

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """A future that holds what ``work`` returned once that is durable."""
        future: Future[T] = Future()
        if threading.current_thread() is self._thread:
            raise RuntimeError("work inside a transaction must use its Transaction, not the store")
        self._enqueue((work, future, None))
        return future

    def submit_async(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """The same for a coroutine; an event loop is woken once a commit, however many wait."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._enqueue((work, future, loop))
        return future

    def _enqueue(self, job: Job) -> None:
        if self._thread is None:
            self._begin()
        if self._closed:
            raise StoreError(f"{self._path}: the store is closed")
        self._jobs.put(job)

    def _begin(self) -> None:
        with self._start:
            if self._thread is None and not self._closed:
                thread = threading.Thread(target=self._run, name=f"writer {self._path.name}", daemon=True)
                thread.start()
                self._thread = thread

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._start:
            self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        connection: apsw.Connection | None = None
        going = True
        while going:
            group, going = self._next_group()
            if not group:
                continue
            try:
                if connection is None:
                    connection = connect(self._path, WRITER_CACHE_KIB, reader=False)
                outcomes = self._commit(connection, group)
            except apsw.Error as error:
                outcomes = [(future, None, in_words(self._path, error)) for _, future, _ in group]
            self._tell(group, outcomes)
        if connection is not None:
            connection.close()

    def _next_group(self) -> tuple[list[Job], bool]:
        first = self._jobs.get()
        if first is None:
            return [], False
        group = [first]
        try:
            while len(group) < GROUP:
                job = self._jobs.get_nowait()
                if job is None:
                    return group, False
                group.append(job)
        except Empty:
            pass
        return group, True

    def _commit(self, connection: apsw.Connection, group: list[Job]) -> list[Outcome]:
        """Run a group in one transaction; if that as a whole cannot be, each job in its own."""
        try:
            return self._attempt(connection, group)
        except (apsw.Error, _Undo) as error:
            if len(group) == 1:
                return [(group[0][1], None, self._reason(error))]
        outcomes: list[Outcome] = []
        for job in group:
            try:
                outcomes += self._attempt(connection, [job])
            except (apsw.Error, _Undo) as error:
                outcomes.append((job[1], None, self._reason(error)))
        return outcomes

    def _reason(self, error: BaseException) -> BaseException | None:
        return in_words(self._path, error) if isinstance(error, apsw.Error) else error.__cause__

    def _attempt(self, connection: apsw.Connection, group: list[Job]) -> list[Outcome]:
        transaction = SqliteTransaction(connection)
        outcomes: list[Outcome] = []
        connection.execute("BEGIN IMMEDIATE")
        try:
            for work, future, _ in group:
                before = connection.total_changes()
                try:
                    outcomes.append((future, work(transaction), None))
                except apsw.Error:
                    raise
                except BaseException as error:
                    outcomes.append((future, None, error))
                    if connection.total_changes() != before:
                        raise _Undo from error
            connection.execute("COMMIT")
            if transaction.owing and self.when_owed is not None:
                self.when_owed()
        except BaseException:
            # SQLite has already undone everything after some errors (disk full).
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes

    @staticmethod
    def _tell(group: list[Job], outcomes: list[Outcome]) -> None:
        waiting: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
        for (_, _, loop), outcome in zip(group, outcomes, strict=True):
            if loop is None:
                _settle([outcome])
            else:
                waiting.setdefault(loop, []).append(outcome)
        for loop, settled in waiting.items():
            try:
                loop.call_soon_threadsafe(_settle, settled)
            except RuntimeError:  # the loop has ended; nobody waits any more
                continue


def _settle(outcomes: list[Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
