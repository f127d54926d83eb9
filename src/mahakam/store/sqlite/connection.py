"""Connections to one SQLite file: settings, schema, a pool of readers, and errors in words."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import apsw

from mahakam.store.errors import StoreError, StoreFull
from mahakam.store.sqlite.functions import register
from mahakam.store.sqlite.upgrading import upgrade_to_4

PAGE_SIZE = 8192
WRITER_CACHE_KIB = 16_384
READER_CACHE_KIB = 8_192
READER_MAP_BYTES = 48 * 2**20
"""Readers map the beginning of the file, which saves a copy of each page; more would count as resident memory."""
_MOST_IDLE = 8
_WARM = 2
"""Idle readers that keep their cache: more are used only while much is read at once."""
BUSY_MILLISECONDS = 30_000
_WORDS: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.FullError, "the disk is full: nothing was written; make room and try again"),
    (apsw.BusyError, "another program holds the file; end it or try again"),
    (apsw.ReadOnlyError, "the file may not be written to; check its owner and permissions"),
    (apsw.CantOpenError, "cannot be opened; check that the folder exists and may be written to"),
    (apsw.NotADBError, "is not a Mahakam store (not an SQLite file)"),
    (apsw.CorruptError, "is damaged; restore a backup"),
    (apsw.IOError, "the disk reported an error: nothing was written"),
)


def in_words(path: str | Path, error: apsw.Error) -> StoreError:
    """The StoreError that says what an SQLite error means for the person who runs the node."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return (StoreFull if kind is apsw.FullError else StoreError)(f"{path}: {words}")
    return StoreError(f"{path}: {error}")


@contextmanager
def clear_errors(path: str | Path) -> Iterator[None]:
    """Turns SQLite's errors into StoreError."""
    try:
        yield
    except apsw.Error as error:
        raise in_words(path, error) from error


class Connection(apsw.Connection):
    """``reused`` is a cursor for statements whose rows are fetched at once: a new one takes as long as a row."""

    reused: apsw.Cursor


def connect(path: Path, cache_kib: int, *, reader: bool) -> Connection:
    """An open connection with the store's settings; ``reader`` refuses writes."""
    connection = Connection(str(path), statementcachesize=200)
    connection.reused = connection.cursor()
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    # A statement is not planned again because a parameter has another value: half the time of a page.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.execute(f"PRAGMA cache_size=-{cache_kib}; PRAGMA foreign_keys=off; PRAGMA temp_store=memory")
    if reader:
        connection.execute(f"PRAGMA query_only=on; PRAGMA mmap_size={READER_MAP_BYTES}")
    else:
        connection.execute("PRAGMA synchronous=full; PRAGMA wal_autocheckpoint=1000")
    register(connection)
    return connection


def prepare(path: Path) -> None:
    """Make the file when missing, and bring its schema up to date.

    Raises StoreError for a file that is no store, or that a newer Mahakam wrote.
    """
    with clear_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = apsw.Connection(str(path))
        try:
            connection.set_busy_timeout(BUSY_MILLISECONDS)
            register(connection)
            connection.execute(
                f"PRAGMA page_size={PAGE_SIZE}; PRAGMA journal_mode=wal; PRAGMA synchronous=full"
            )
            _migrate(connection, path)
        finally:
            connection.close()


_ALSO: dict[int, Callable[[apsw.Connection], None]] = {4: upgrade_to_4}
"""What follows the SQL of a step."""


def _migrate(connection: apsw.Connection, path: Path) -> None:
    steps = {
        int(file.name[:4]): file
        for file in (resources.files(__package__) / "migrations").iterdir()
        if file.name.endswith(".sql")
    }
    if connection.pragma("user_version") == max(steps):
        if connection.execute("SELECT 1 FROM pragma_table_info('entity') WHERE name = 'document'").fetchall():
            raise StoreError(f"{path}: made by a development version; delete it and load the data again")
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again under the lock: another process may have migrated meanwhile.
        version = connection.pragma("user_version")
        if version > max(steps):
            raise StoreError(
                f"{path}: written by a newer Mahakam (schema {version}); this one knows {max(steps)}"
            )
        for number in sorted(steps):
            if number > version:
                connection.execute(steps[number].read_text("utf-8"))
                if number in _ALSO:
                    _ALSO[number](connection)
                connection.execute(f"PRAGMA user_version={number}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


class Readers:
    """Read connections, each handed to one user at a time; the last one used is taken next (warm cache)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[Connection] = deque()
        self._open = True

    def take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            if not self._open:
                raise StoreError(f"{self._path}: the store is closed") from None
            with clear_errors(self._path):
                return connect(self._path, READER_CACHE_KIB, reader=True)

    def give_back(self, connection: Connection) -> None:
        if self._open and len(self._idle) < _MOST_IDLE:
            if len(self._idle) >= _WARM:
                connection.release_memory()
            self._idle.append(connection)
        else:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for the length of the block; SQLite's errors come out as StoreError."""
        connection = self.take()
        try:
            yield connection
        except apsw.Error as error:
            raise in_words(self._path, error) from error
        finally:
            self.give_back(connection)

    def close(self) -> None:
        self._open = False
        while self._idle:
            self._idle.pop().close()


def roll_back(connection: apsw.Connection) -> None:
    """Undo the open transaction, if SQLite has not done so already (disk full)."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
