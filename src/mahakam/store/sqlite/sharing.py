"""Reads that do not wait, and follow each other closely, share one snapshot.

To begin and to end a read costs SQLite two locks of the operating system, a third of a read by id.
"""

from __future__ import annotations

import threading
from time import perf_counter, sleep, thread_time
from typing import Any

import apsw

from mahakam.store.errors import TakesLong
from mahakam.store.sqlite.connection import Connection, Readers
from mahakam.store.sqlite.writer import Writer

WINDOW = 0.005
"""Seconds for which a snapshot is shared, unless this process commits before: what another process has written is
seen after that time at the latest."""
PAUSE = 0.001
"""Seconds between two reads from which they share nothing: a snapshot for one read costs more than none."""
WAIT = 0.03
"""Seconds for which who reads may wait for rows: work, disk and what else the machine does together."""
STEPS = 20_000
"""Steps of SQLite's machine between two looks at the clock, about 1 ms: a look takes the interpreter and a call of
the system, and most reads need none."""
_NEVER = float("inf")


class SharedReads:
    """A connection for short reads, one at a time: a second thread waits for the first."""

    def __init__(self, readers: Readers, writer: Writer) -> None:
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._ender: threading.Thread | None = None
        self._closed = False
        self._readers = readers
        self._writer = writer
        self._connection: Connection | None = None
        self._cursor: apsw.Cursor | None = None
        self._until = 0.0
        self._seen = -1
        self._deadline = _NEVER
        self._seconds = self._worked = 0.0

    def body(self, id: str) -> bytes | None:
        """Of the entity with that id. Raises apsw.Error; StoreError once the store is closed."""
        sql = "SELECT body FROM entity WHERE id = ?"
        with self._lock:
            at = perf_counter()
            if at < self._until and self._seen == self._writer.commits and self._cursor is not None:
                # One cursor for the whole snapshot: another one a read costs a fifth of it.
                for (body,) in self._cursor.execute(sql, (id,)):
                    return body  # type: ignore[no-any-return]
                return None
            return self._renewed(at).reused.execute(sql, (id,)).get  # type: ignore[no-any-return]

    def rows(self, sql: str, parameters: tuple[Any, ...], seconds: float) -> list[Any]:
        """Of a statement; raises TakesLong if they take more than that time of work, and as :meth:`body`."""
        with self._lock:
            at = perf_counter()
            shared = at < self._until and self._seen == self._writer.commits
            connection = self._connection if shared and self._connection else self._renewed(at)
            self._deadline = at + WAIT
            self._seconds = seconds
            try:
                return connection.reused.execute(sql, parameters).fetchall()
            except apsw.InterruptError:
                raise TakesLong(f"a page took more than {seconds} s") from None
            finally:
                self._deadline, self._worked = _NEVER, 0.0

    def close(self) -> None:
        """End the snapshot. A read that comes later opens a connection again, which the readers then refuse."""
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._end(self._connection)
                self._connection.set_progress_handler(None)
                self._readers.give_back(self._connection)
                self._connection = None
            self._until = 0.0
        self._opened.set()

    def _renewed(self, at: float) -> Connection:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._readers.take()
            connection.set_progress_handler(self._late, STEPS)
        self._end(connection)
        commits = self._writer.commits
        if commits == self._seen and at - self._until < PAUSE:
            connection.execute("BEGIN")
            self._cursor = connection.cursor()
            self._until = at + WINDOW
            self._see_to_its_end()
        else:
            self._until = at
        self._seen = commits
        return connection

    def _end(self, connection: Connection) -> None:
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None
            connection.execute("COMMIT")

    def _see_to_its_end(self) -> None:
        """Whoever reads next renews a snapshot that is over; if nobody does, it must end all the same."""
        if self._ender is None:
            self._ender = threading.Thread(target=self._end_what_is_over, name="snapshots", daemon=True)
            self._ender.start()
        if not self._opened.is_set():  # to set it again costs more than to look
            self._opened.set()

    def _end_what_is_over(self) -> None:
        while True:
            self._opened.wait()
            if self._closed:
                return
            sleep(2 * WINDOW)
            with self._lock:
                if self._connection is not None and perf_counter() >= self._until:
                    self._end(self._connection)
                    self._opened.clear()

    def _late(self) -> bool:
        if self._deadline == _NEVER:
            return False
        work = thread_time()
        self._worked = self._worked or work + self._seconds
        return work > self._worked or perf_counter() > self._deadline
