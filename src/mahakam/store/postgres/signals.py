"""Hearing, in every process, that something was put into the outbox."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
from psycopg import sql

from mahakam.store.errors import StoreError
from mahakam.store.postgres.connection import Database
from mahakam.store.postgres.transaction import CHANNEL

_WAIT = 0.5
"""Seconds after which the thread looks whether it is to end, and tries again to connect."""


class Signals:
    """A thread that listens (LISTEN) and calls back; once more after each new connection, for what it missed."""

    def __init__(self, database: Database, callback: Callable[[], None]) -> None:
        self._database = database
        self._callback = callback
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except (psycopg.Error, StoreError):
                self._ended.wait(_WAIT)

    def _listen(self) -> None:
        with self._database.connect(reader=True) as connection:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            self._callback()
            while not self._ended.is_set():
                for heard in connection.notifies(timeout=_WAIT, stop_after=1):
                    if heard.payload == self._database.schema:
                        self._callback()
