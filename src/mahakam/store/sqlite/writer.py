"""One thread that writes: what waits shares one commit, and each work fails or succeeds alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import apsw

from mahakam import tracing
from mahakam.store.acting import on_behalf
from mahakam.store.errors import StoreError
from mahakam.store.protocol import Transaction
from mahakam.store.sql.audit import Lane
from mahakam.store.sql.group import Job, Outcome, Undo, next_group, perform, tell
from mahakam.store.sqlite.connection import WRITER_CACHE_KIB, Connection, connect, in_words, roll_back
from mahakam.store.sqlite.indexing import Known
from mahakam.store.sqlite.inline import Commits, LoopGroup
from mahakam.store.sqlite.transaction import SqliteTransaction

T = TypeVar("T")


class Writer:
    """Runs work in transactions on one thread, which starts with the first piece of work.

    Work may be run a second time when the commit it shared failed, so it changes nothing but its transaction.
    """

    def __init__(self, path: Path, *, audit: bool = True) -> None:
        self._path = path
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._gate = threading.Lock()
        self._connection: Connection | None = None
        self._group: LoopGroup | None = None
        self._commits: Commits | None = None
        self.known = Known()
        self.lane = Lane() if audit else None
        self._settling: Future[None] = Future()
        self._settling.set_result(None)
        self.when_owed: Callable[[], None] | None = None
        self.commits = 0
        """Changes with each commit, before it is acknowledged."""

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """A future that holds what ``work`` returned once that is durable."""
        future: Future[T] = Future()
        if threading.current_thread() is self._thread:
            raise RuntimeError("work inside a transaction must use its Transaction, not the store")
        self._enqueue((tracing.handed_over("store", on_behalf(work), future), future, None))
        return future

    def submit_async(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """The same for a coroutine; an event loop is woken once a commit, however many wait."""
        loop = asyncio.get_running_loop()
        group = self._group
        if group is None or group.loop is not loop:
            group = self._group = LoopGroup(self, loop)
        if self._closed:
            raise StoreError(f"{self._path}: the store is closed")
        return group.submit(on_behalf(work))

    def hand_over(self, group: list[Job]) -> None:
        """Let the thread do what an event loop could not do at once."""
        try:
            for job in group:
                self._enqueue(job)
        except StoreError as error:  # closed meanwhile
            tell(group, [(future, None, error) for _, future, _ in group])

    def try_lock(self) -> Connection | None:
        """The connection, if nobody uses it now; :meth:`unlock` gives it back, on whatever thread."""
        if not self._gate.acquire(blocking=False):
            return None
        try:
            return self._connected()
        except apsw.Error:
            self._gate.release()
            return None

    def unlock(self) -> None:
        self._gate.release()

    def commit_later(self, done: Callable[[], None]) -> None:
        """Run ``done`` on the thread that waits for the disk."""
        if self._commits is None:
            self._commits = Commits(self._path.name)
        self._commits.put(done)

    def committed(self, transaction: SqliteTransaction) -> None:
        """What a transaction leads to once it is durable."""
        transaction.keep_lane()
        if transaction.owing and self.when_owed is not None:
            self.when_owed()
        if transaction.indexing.tail_is_long and self._settling.done():
            self._settling = Future()
            with suppress(StoreError):  # closed meanwhile: the next one to write does it
                self._enqueue((_settle, self._settling, None))

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._path, WRITER_CACHE_KIB, reader=False)
        return self._connection

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
        if self._commits is not None:
            self._commits.close()
        with self._gate:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self) -> None:
        going = True
        while going:
            group, going = next_group(self._jobs)
            if not group:
                continue
            with self._gate:
                try:
                    outcomes = self._commit(self._connected(), group)
                except Exception as error:
                    # Whatever it is: the next works must not wait for a thread that ended.
                    outcomes = [(future, None, self._reason(error)) for _, future, _ in group]
            tell(group, outcomes)

    def _commit(self, connection: Connection, group: list[Job]) -> list[Outcome]:
        """Run a group in one transaction; if that as a whole cannot be, each job in its own."""
        try:
            return self._attempt(connection, group)
        except (apsw.Error, Undo) as error:
            if len(group) == 1:
                return [(group[0][1], None, self._reason(error))]
        outcomes: list[Outcome] = []
        for job in group:
            try:
                outcomes += self._attempt(connection, [job])
            except (apsw.Error, Undo) as error:
                outcomes.append((job[1], None, self._reason(error)))
        return outcomes

    def _reason(self, error: BaseException) -> BaseException | None:
        if isinstance(error, apsw.Error):
            return in_words(self._path, error)
        return error.__cause__ if isinstance(error, Undo) else error

    def _attempt(self, connection: Connection, group: list[Job]) -> list[Outcome]:
        transaction = SqliteTransaction(connection, self.known, self.lane)
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = perform(transaction, group, connection.total_changes, apsw.Error)
            connection.execute("COMMIT")
            self.commits += 1
        except BaseException:
            roll_back(connection)
            raise
        self.committed(transaction)
        return outcomes


def _settle(transaction: Transaction) -> None:
    assert isinstance(transaction, SqliteTransaction)
    transaction.indexing.settle()
