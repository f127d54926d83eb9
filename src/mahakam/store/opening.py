"""Opens the store that a URL names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from mahakam.store.errors import UnsupportedStore
from mahakam.store.protocol import Store

SUPPORTED = (
    "sqlite:///FOLDER (an absolute path: sqlite:////var/lib/mahakam), or nothing for the folder of --data"
)


def open_store(url: str, data: Path) -> Store:
    """The store at ``url``; an empty URL is the SQLite files in the folder ``data``, made when missing.

    Raises UnsupportedStore for a scheme that is not supported, StoreError for a file that cannot be opened.
    """
    from mahakam.store.sqlite.store import SqliteStore

    if not url:
        return SqliteStore(data)
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise UnsupportedStore(
            f"--store {url!r}: the scheme {parts.scheme!r} is not supported; use {SUPPORTED}"
        )
    if parts.netloc or not parts.path.strip("/"):
        raise UnsupportedStore(f"--store {url!r} names no folder; use {SUPPORTED}")
    return SqliteStore(Path(unquote(parts.path[1:])))
