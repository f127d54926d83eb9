"""All tenants of a node on PostgreSQL: a schema each."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

import psycopg

from mahakam.store.postgres.connection import Connection, Database
from mahakam.store.postgres.division import PostgresDivision
from mahakam.store.postgres.entities import PostgresEntities
from mahakam.store.postgres.leading import LEADING, led
from mahakam.store.postgres.schema import DEFAULT, schema_of, tenants_in
from mahakam.store.tenants import checked_name, is_name


class PostgresStore:
    """Schema ``mahakam`` is the default tenant, ``mahakam_NAME`` the others. ``replica``: URL for queries, or ""."""

    kind = "postgresql"

    def __init__(self, url: str, replica: str = "", *, audit: bool = True) -> None:
        self._audit = audit
        self._url = url
        self._replica = replica
        self._lock = threading.Lock()
        self._open: dict[str, PostgresEntities] = {}
        self._leading: Connection | None = None
        self.create_tenant("")

    def tenant(self, name: str = "") -> PostgresEntities:
        store = self._open.get(name)
        if store is not None:
            return store
        if not is_name(name) or name not in self.tenants():
            raise KeyError(name)
        return self.create_tenant(name)

    def create_tenant(self, name: str) -> PostgresEntities:
        """The tenant's store, made when missing. Raises StoreError for a name that cannot be one."""
        checked_name(name)
        with self._lock:
            if name not in self._open:
                database = Database(self._url, schema_of(name))
                self._open[name] = PostgresEntities(database, self._replica, audit=self._audit)
            return self._open[name]

    def tenants(self) -> Sequence[str]:
        return ["", *self.tenant()._readers.read(tenants_in)]

    def lead(self) -> bool:
        with self._lock:
            connection = self._leading
            try:
                if connection is not None:
                    connection.execute(
                        "SELECT 1"
                    )  # the lock is this session's: it is ours while the session lives
                    return True
                self._leading = led(self._url)
            except psycopg.Error:
                self._leading = None
            return self._leading is not None

    def division(self) -> PostgresDivision:
        return PostgresDivision(Database(self._url, DEFAULT))

    def close(self) -> None:
        with self._lock:
            for store in self._open.values():
                store.close()
            self._open.clear()
            if self._leading is not None:
                # The server notices the end of a session only later; who takes over need not wait for it.
                with contextlib.suppress(psycopg.Error):
                    self._leading.execute("SELECT pg_advisory_unlock(%s)", (LEADING,))
                self._leading.close()
                self._leading = None
