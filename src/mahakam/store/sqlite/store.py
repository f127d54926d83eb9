"""All tenants of a node: one SQLite file each."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path

from mahakam.store.errors import StoreError
from mahakam.store.sqlite.entities import SqliteEntities

TENANT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,49}")


class SqliteStore:
    """``FOLDER/mahakam.sqlite`` is the default tenant, ``FOLDER/tenants/NAME.sqlite`` the others."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._open: dict[str, SqliteEntities] = {}
        self.create_tenant("")

    def tenant(self, name: str = "") -> SqliteEntities:
        store = self._open.get(name)
        if store is not None:
            return store
        if not TENANT_NAME.fullmatch(name) or not self._path(name).exists():
            raise KeyError(name)
        return self.create_tenant(name)

    def create_tenant(self, name: str) -> SqliteEntities:
        """The tenant's store, made when missing.

        Raises StoreError for a name that is not 1 to 50 of A-Z, a-z, 0-9 and _.
        """
        if name and not TENANT_NAME.fullmatch(name):
            raise StoreError(f"{name!r} cannot name a tenant; use 1 to 50 of A-Z, a-z, 0-9, _ and -")
        with self._lock:
            if name not in self._open:
                self._open[name] = SqliteEntities(self._path(name))
            return self._open[name]

    def tenants(self) -> Sequence[str]:
        return ["", *sorted(path.stem for path in (self.folder / "tenants").glob("*.sqlite"))]

    def close(self) -> None:
        with self._lock:
            for store in self._open.values():
                store.close()
            self._open.clear()

    def _path(self, name: str) -> Path:
        return self.folder / "tenants" / f"{name}.sqlite" if name else self.folder / "mahakam.sqlite"
