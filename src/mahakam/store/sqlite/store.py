"""All tenants of a node: one SQLite file each."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from mahakam.store.sqlite.entities import SqliteEntities
from mahakam.store.tenants import checked_name, is_name


class SqliteStore:
    """``FOLDER/mahakam.sqlite`` is the default tenant, ``FOLDER/tenants/NAME.sqlite`` the others."""

    kind = "sqlite"

    def __init__(self, folder: Path, *, audit: bool = True) -> None:
        self._audit = audit
        self.folder = folder
        self._lock = threading.Lock()
        self._open: dict[str, SqliteEntities] = {}
        self._leading: IO[str] | None = None
        self.create_tenant("")

    def tenant(self, name: str = "") -> SqliteEntities:
        store = self._open.get(name)
        if store is not None:
            return store
        if not is_name(name) or not self._path(name).exists():
            raise KeyError(name)
        return self.create_tenant(name)

    def create_tenant(self, name: str) -> SqliteEntities:
        """The tenant's store, made when missing.

        Raises StoreError for a name that is not 1 to 50 of A-Z, a-z, 0-9 and _.
        """
        checked_name(name)
        with self._lock:
            if name not in self._open:
                self._open[name] = SqliteEntities(self._path(name), audit=self._audit)
            return self._open[name]

    def tenants(self) -> Sequence[str]:
        return ["", *sorted(path.stem for path in (self.folder / "tenants").glob("*.sqlite"))]

    def lead(self) -> bool:
        """Holds a lock file; when the process ends, however it ends, the system lets it go."""
        with self._lock:
            if self._leading is None:
                file = (self.folder / "notifier.lock").open("w")
                if not _locked(file):
                    file.close()
                    return False
                self._leading = file
            return True

    def division(self) -> None:
        """One process delivers, the one that leads: its file is one machine's."""

    def close(self) -> None:
        with self._lock:
            if self._leading is not None:
                self._leading.close()
                self._leading = None
            for store in self._open.values():
                store.close()
            self._open.clear()

    def _path(self, name: str) -> Path:
        return self.folder / "tenants" / f"{name}.sqlite" if name else self.folder / "mahakam.sqlite"


def _locked(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: one process
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
