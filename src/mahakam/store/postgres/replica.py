"""Queries on a read replica, as long as it has all that this process has written."""

from __future__ import annotations

import logging
import time
from typing import Any

from mahakam.store.errors import StoreError
from mahakam.store.postgres.connection import Database, Readers
from mahakam.store.postgres.writer import Writer

_log = logging.getLogger(__name__)
_PAUSE = 5.0
"""Seconds for which a replica that failed is not asked."""


class Replica:
    """A second server that follows the first. What cannot be read there is read from the first."""

    def __init__(self, primary: Database, url: str, writer: Writer) -> None:
        self._readers = Readers(Database(url, primary.schema, primary.postgis))
        self._writer = writer
        self._reached = ""
        self._not_before = 0.0
        writer.follow = True

    def all(self, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]] | None:
        """All rows; None if the replica is behind this process's writes or does not answer."""
        if time.monotonic() < self._not_before:
            return None
        try:
            return self._readers.all(sql, parameters) if self._is_level() else None
        except StoreError as error:
            _log.warning("the read replica is left out for %d s: %s", _PAUSE, error)
            self._not_before = time.monotonic() + _PAUSE
            return None

    def close(self) -> None:
        self._readers.close()

    def _is_level(self) -> bool:
        written = self._writer.written
        if self._reached == written:
            return True
        sql = "SELECT coalesce(pg_last_wal_replay_lsn(), '0/0') >= ?::pg_lsn"
        if self._readers.all(sql, (written,))[0][0]:
            self._reached = written
            return True
        return False
