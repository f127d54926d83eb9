"""Opens the store that a URL names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from mahakam.store.errors import UnsupportedStore
from mahakam.store.protocol import Store
from mahakam.store.urls import redacted

SUPPORTED = (
    "sqlite:///FOLDER (an absolute path: sqlite:////var/lib/mahakam), postgresql://USER@HOST/DATABASE,"
    " or nothing for the folder of --data"
)


def open_store(url: str, data: Path, replica: str = "", *, audit: bool = True) -> Store:
    """The store at ``url``; an empty URL is the SQLite files in the folder ``data``, made when missing.

    ``replica`` is the URL of a PostgreSQL server that follows the first and answers queries. ``audit``: whether what is
    written goes into the audit trail.

    Raises UnsupportedStore for a URL that is not supported, StoreError for a store that cannot be opened.
    """
    scheme = _scheme(url)
    if scheme in ("postgresql", "postgres"):
        from mahakam.store.postgres.store import PostgresStore

        if replica and _scheme(replica) not in ("postgresql", "postgres"):
            raise UnsupportedStore(f"--replica {redacted(replica)!r} is no postgresql:// URL")
        return PostgresStore(url, replica, audit=audit)
    if replica:
        raise UnsupportedStore("--replica goes with a --store at postgresql://…; SQLite has no replicas")
    from mahakam.store.sqlite.store import SqliteStore

    return SqliteStore(_folder(url, scheme) if url else data, audit=audit)


def _scheme(url: str) -> str:
    return url.partition("://")[0] if "://" in url else ""


def _folder(url: str, scheme: str) -> Path:
    if scheme != "sqlite":
        raise UnsupportedStore(
            f"--store {redacted(url)!r}: the scheme {scheme!r} is not supported; use {SUPPORTED}"
        )
    parts = urlsplit(url)
    if parts.netloc or not parts.path.strip("/"):
        raise UnsupportedStore(f"--store {redacted(url)!r} names no folder; use {SUPPORTED}")
    return Path(unquote(parts.path[1:]))
