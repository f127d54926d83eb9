"""One thread that writes: what waits shares one commit, and each work fails or succeeds alone."""

from __future__ import annotations

import asyncio
import random
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

import psycopg
from psycopg import IsolationLevel, errors

from mahakam import tracing
from mahakam.store.acting import on_behalf
from mahakam.store.errors import StoreError, StoreUnavailable
from mahakam.store.postgres.connection import Connection, Database
from mahakam.store.postgres.lane import take_lane
from mahakam.store.postgres.transaction import PostgresTransaction
from mahakam.store.protocol import Transaction
from mahakam.store.sql.audit import Lane
from mahakam.store.sql.group import Job, Outcome, Undo, next_group, perform, tell

T = TypeVar("T")

TRIES = 50
"""How often work is run that met the writes of other processes, before it is given up."""
ALONE = 7_304_110_002
"""The advisory lock that whoever lost a race holds for its next try, so that losers do not race each other."""
_RACES = (errors.SerializationFailure, errors.DeadlockDetected)


class Writer:
    """Runs work in transactions on one thread, which starts with the first piece of work.

    Work is run again when it met another process's, so it changes nothing but its transaction.
    """

    def __init__(self, database: Database, *, audit: bool = True) -> None:
        self._database = database
        self._audit = audit
        self._lane: Lane | None = None
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._connection: Connection | None = None
        self._number = secrets.randbits(62)
        self.follow = False
        """Whether ``written`` is to be kept."""
        self.written = ""
        """Where in the database's log the last commit of this process ends."""

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
        future: asyncio.Future[T] = loop.create_future()
        self._enqueue((tracing.handed_over("store", on_behalf(work), future), future, loop))
        return future

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._start:
            self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()

    def _enqueue(self, job: Job) -> None:
        with self._start:
            if self._closed:
                raise StoreError(f"{self._database.shown}: the store is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()
            self._jobs.put(job)

    def _run(self) -> None:
        going = True
        while going:
            group, going = next_group(self._jobs)
            if not group:
                continue
            try:
                outcomes = self._commit(group)
            except Exception as error:  # whatever it is: the next works must not wait for a thread that ended
                self._drop()
                outcomes = [(future, None, error) for _, future, _ in group]
            tell(group, outcomes)
        self._drop()

    def _commit(self, group: list[Job]) -> list[Outcome]:
        """Run a group in one transaction; if that as a whole cannot be, each job in its own."""
        if len(group) > 1:
            try:
                return self._attempt(group)
            except StoreUnavailable as error:
                return [(future, None, error) for _, future, _ in group]
            except (psycopg.Error, Undo):
                pass
        return [outcome for job in group for outcome in self._alone(job)]

    def _alone(self, job: Job) -> list[Outcome]:
        future = job[1]
        for tried in range(TRIES):
            try:
                return self._attempt([job], locked=tried > 0)
            except StoreError as error:
                return [(future, None, error)]
            except Undo as error:
                return [(future, None, error.__cause__)]
            except _RACES:
                time.sleep(random.uniform(0, 0.002 * tried))  # noqa: S311
            except psycopg.Error as error:
                return [(future, None, self._database.in_words(error))]
        busy = f"{self._database.shown}: others kept changing the same; nothing was written, try again"
        return [(future, None, StoreUnavailable(busy))]

    def _attempt(self, group: list[Job], *, locked: bool = False) -> list[Outcome]:
        """Raises Undo, StoreUnavailable for a connection that was lost, and other errors of PostgreSQL."""
        connection = self._connected()
        try:
            if locked:
                connection.execute("SELECT pg_advisory_lock(%s)", (ALONE,))
            try:
                transaction = PostgresTransaction(connection, self._number, self._lane)
                with connection.transaction():
                    outcomes = perform(transaction, group, lambda: transaction.writes, psycopg.Error)
                transaction.keep_lane()
            finally:
                if locked and not connection.closed:
                    connection.execute("SELECT pg_advisory_unlock(%s)", (ALONE,))
            if self.follow:
                self.written = str(connection.execute("SELECT pg_current_wal_lsn()::text").fetchall()[0][0])
        except psycopg.Error as error:
            if connection.closed:
                self._drop()
                raise self._lost(error) from error
            raise
        return outcomes

    def _lost(self, error: psycopg.Error) -> StoreUnavailable:
        said = " ".join(str(error).split())
        return StoreUnavailable(f"{self._database.shown}: the connection was lost: {said}")

    def _connected(self) -> Connection:
        """An open connection: one that the server closed while nothing was written is replaced unseen."""
        if self._connection is not None and self._is_dead(self._connection):
            self._drop()
        if self._connection is None:
            self._connection = self._database.connect()
            if self._audit:
                self._lane = take_lane(self._connection)
            self._connection.isolation_level = IsolationLevel.REPEATABLE_READ
        return self._connection

    @staticmethod
    def _is_dead(connection: Connection) -> bool:
        """Whether the server has hung up; looks at the socket, and asks nothing."""
        if connection.closed:
            return True
        try:
            connection.pgconn.consume_input()
        except psycopg.Error:
            return True
        return bool(connection.closed)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
