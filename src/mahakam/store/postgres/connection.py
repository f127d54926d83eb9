"""Connections to one PostgreSQL database: settings, a pool of readers, and errors in words."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from mahakam.store.errors import StoreError, StoreFull, StoreUnavailable
from mahakam.store.urls import redacted

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_SECONDS = 5
READERS = 8
"""Most connections that read at once for one tenant in one process; others wait for one of them."""
_WORDS: tuple[tuple[tuple[type[psycopg.Error], ...], str], ...] = (
    ((errors.DiskFull,), "the disk is full: nothing was written; make room and try again"),
    ((errors.InsufficientPrivilege,), "the user may not do this; grant it the schema mahakam"),
    ((errors.ReadOnlySqlTransaction,), "is a read replica or read-only; name the primary with --store"),
    ((errors.ProgramLimitExceeded,), "a name is too long for an index (about 2,000 bytes)"),
)
_NO_CHARACTER = "\uffff"
_LOST = (errors.OperationalError, errors.InterfaceError)


@lru_cache(4096)
def worded(sql: str) -> str:
    """Shared SQL, whose parameters are ``?``, as psycopg wants it."""
    return sql.replace("%", "%%").replace("?", "%s")


def run(connection: Connection, sql: str, parameters: Sequence[Any]) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run a statement whose parameters are ``?``.

    PostgreSQL's texts hold no NUL, so none is equal to one that does: a SELECT asks for another such text.
    """
    try:
        return connection.execute(worded(sql), parameters, binary=True)
    except psycopg.DataError:
        if not sql.startswith("SELECT") or not any(map(_has_nul, parameters)):
            raise
        return connection.execute(worded(sql), [_without_nul(one) for one in parameters], binary=True)


def _has_nul(value: Any) -> bool:
    return (
        "\x00" in value if isinstance(value, str) else isinstance(value, list) and any(map(_has_nul, value))
    )


def _without_nul(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    return value.replace("\x00", _NO_CHARACTER) if isinstance(value, str) else value


def _wants_writable(url: str) -> bool:
    try:
        return conninfo_to_dict(url).get("target_session_attrs") == "read-write"
    except psycopg.ProgrammingError:
        return False  # to connect says what is wrong with it


class Database:
    """A database and the schema of one tenant in it; opens connections to them."""

    def __init__(self, url: str, schema: str, postgis: str = "public") -> None:
        self.url = url
        self.shown = redacted(url)
        self.schema = schema
        self.postgis = postgis
        self._writable = _wants_writable(url)

    def connect(self, *, reader: bool = False) -> Connection:
        """Raises StoreError."""
        path = ",".join(f'"{name}"' for name in (self.schema, self.postgis))
        settings = f"-c search_path={path} -c default_transaction_read_only={'on' if reader else 'off'}"
        # A session that is to be read-only is none that a URL with target_session_attrs=read-write takes.
        primary: dict[str, Any] = {"target_session_attrs": "primary"} if reader and self._writable else {}
        with self.clear_errors():
            return psycopg.connect(
                self.url,
                **primary,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                options=settings,
                application_name="mahakam",
                client_encoding="utf8",
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                tcp_user_timeout=20_000,
            )

    def in_words(self, error: psycopg.Error) -> StoreError:
        """The StoreError that says what an error means for the person who runs the node."""
        for kinds, words in _WORDS:
            if isinstance(error, kinds):
                full = errors.DiskFull in kinds
                return (StoreFull if full else StoreError)(f"{self.shown}: {words}")
        said = " ".join(str(error).split())
        if isinstance(error, _LOST):
            return StoreUnavailable(f"{self.shown}: PostgreSQL does not answer: {said}")
        return StoreError(f"{self.shown}: {said}")

    @contextmanager
    def clear_errors(self) -> Iterator[None]:
        """Turns PostgreSQL's errors into StoreError."""
        try:
            yield
        except psycopg.Error as error:
            raise self.in_words(error) from error


class Readers:
    """Read connections, each handed to one user at a time; the last one used is taken next."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._idle: deque[Connection] = deque()
        self._room = threading.BoundedSemaphore(READERS)
        self._open = True

    def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` reads. It is run again on a new connection if the server had closed an idle one.

        Raises StoreError.
        """
        with self._room, self.database.clear_errors():
            connection, fresh = self._take()
            try:
                found = work(connection)
            except psycopg.Error:
                if not connection.closed:
                    self._idle.append(connection)
                    raise
                self._forget_idle()
                if fresh:
                    raise
                connection = self.database.connect(reader=True)
                found = work(connection)
            self._give_back(connection)
            return found

    def all(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement whose parameters are ``?``."""
        return self.read(lambda connection: run(connection, sql, parameters).fetchall())

    def close(self) -> None:
        self._open = False
        self._forget_idle()

    def _take(self) -> tuple[Connection, bool]:
        if not self._open:
            raise StoreError(f"{self.database.shown}: the store is closed")
        try:
            return self._idle.pop(), False
        except IndexError:
            return self.database.connect(reader=True), True

    def _give_back(self, connection: Connection) -> None:
        if self._open:
            self._idle.append(connection)
        else:
            connection.close()

    def _forget_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()
