"""Whether a text still stands in any byte of a node's data folder, or of its tables in PostgreSQL."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import psycopg

from support.postgres import PostgresServer


def left(
    needles: Iterable[str], data: Path, store: str = "", server: PostgresServer | None = None
) -> set[str]:
    """Those that stand in a file, whatever their case; of PostgreSQL's ``store`` its own log is left out."""
    folders = [data]
    if server is not None:
        with psycopg.connect(store, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            row = connection.execute(
                "SELECT oid FROM pg_database WHERE datname = current_database()"
            ).fetchone()
        assert row
        folders.append(server.data / "base" / str(row[0]))
    found = set()
    for needle in needles:
        done = subprocess.run(
            ["grep", "-rlaFi", "--", needle, *map(str, folders)], capture_output=True, check=False
        )
        assert done.returncode in (0, 1), done.stderr
        if done.returncode == 0:
            found.add(needle)
    return found
