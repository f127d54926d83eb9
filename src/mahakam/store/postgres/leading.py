"""The lock of the process that leads, and how it shows that it leaves notifications to all."""

from __future__ import annotations

from mahakam.store.postgres.connection import Connection, Database
from mahakam.store.postgres.schema import DEFAULT

LEADING = 7_304_110_003
"""The advisory lock of the one process that leads."""
_NAME = "mahakam leads"
# A version from before notifications were divided delivers all of them while it leads; its session has another name.
LEADS_ALONE = f"""
SELECT EXISTS (
  SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (l.classid::bigint << 32) + l.objid::bigint = {LEADING} AND a.application_name <> '{_NAME}'
)
"""


def led(url: str) -> Connection | None:
    """A session that leads from now on, for as long as it lives; None if another one does. Raises psycopg.Error."""
    connection = Database(url, DEFAULT).connect()
    connection.execute("SELECT set_config('application_name', %s, false)", (_NAME,))
    if connection.execute("SELECT pg_try_advisory_lock(%s)", (LEADING,)).fetchall()[0][0]:
        return connection
    connection.close()
    return None
