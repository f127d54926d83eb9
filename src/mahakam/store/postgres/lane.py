"""Which chain of the audit trail a process writes to: a number that no other writer holds."""

from __future__ import annotations

from mahakam.store.errors import StoreError
from mahakam.store.postgres.connection import Connection
from mahakam.store.sql.audit import Lane

MOST = 1000
_TRY = "SELECT pg_try_advisory_lock(hashtext('mahakam audit ' || current_schema()), %s)"


def take_lane(connection: Connection) -> Lane:
    """The lowest lane that is free, held for as long as the session lives.

    PostgreSQL lets it go after the session's last commit: whoever takes the lane next sees all of its entries.
    Raises StoreError when so many processes write.
    """
    for number in range(MOST):
        if connection.execute(_TRY, (number,)).fetchall()[0][0]:
            return Lane(number, opened=False)
    raise StoreError(f"{MOST} processes write already")
