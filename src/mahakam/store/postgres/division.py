"""The division of what is owed, kept in the database: a row a process that delivers, a row a share."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Collection

import psycopg

from mahakam.store.division import LEASE, SHARES, Assigned, divided, lowest_free
from mahakam.store.postgres.connection import Connection, Database
from mahakam.store.postgres.leading import LEADS_ALONE

DIVIDING = 7_304_110_004
"""The advisory lock of whoever looks at the division."""


class PostgresDivision:
    """See :class:`mahakam.store.division.Division`. A connection of its own: a sign of life waits for no other work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._me = secrets.randbits(62)
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._seen: dict[int, tuple[int, float]] = {}

    def turn(self, given_back: Collection[int] = ()) -> Assigned:
        with self._lock, self._database.clear_errors():
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = self._database.connect()
                with self._connection.transaction():
                    return self._turn(self._connection, given_back)
            except psycopg.Error:
                self._close()
                raise

    def leave(self) -> None:
        with self._lock, contextlib.suppress(psycopg.Error):
            if self._connection is not None:
                with self._connection.transaction():
                    self._forget(self._connection, [self._me])
        self._close()

    def _turn(self, connection: Connection, given_back: Collection[int]) -> Assigned:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (DIVIDING,))
        members = {
            id: (slot, beat) for id, slot, beat in connection.execute("SELECT id, slot, beat FROM notifier")
        }
        dead = self._dead({id: beat for id, (_, beat) in members.items()})
        if dead:
            self._forget(connection, dead)
        slots = {id: slot for id, (slot, _) in members.items() if id not in dead}
        if self._me not in slots:
            slots[self._me] = lowest_free(slots.values())
            connection.execute("INSERT INTO notifier (id, slot) VALUES (%s, %s)", (self._me, slots[self._me]))
        else:
            connection.execute("UPDATE notifier SET beat = beat + 1 WHERE id = %s", (self._me,))
        owners: dict[int, int] = dict(connection.execute("SELECT n, owner FROM notifier_share").fetchall())
        for share in given_back:
            if owners.get(share) == self._me:
                del owners[share]
        before = {share for share, owner in owners.items() if owner == self._me}
        if connection.execute(LEADS_ALONE).fetchall()[0][0]:
            taken, wanted = set[int](), before
        else:
            taken, wanted = divided(self._me, slots, owners)
        self._note(connection, given_back, taken, alone=not dead)
        return Assigned(slots[self._me], frozenset(before | taken), frozenset(wanted))

    def _note(
        self, connection: Connection, given_back: Collection[int], taken: Collection[int], *, alone: bool
    ) -> None:
        if given_back:
            sql = "DELETE FROM notifier_share WHERE owner = %s AND n = ANY(%s)"
            connection.execute(sql, (self._me, list(given_back)))
        if taken:
            connection.execute(
                "INSERT INTO notifier_share (n, owner) SELECT n, %s FROM unnest(%s::integer[]) n"
                " ON CONFLICT (n) DO UPDATE SET owner = excluded.owner",
                (self._me, list(taken)),
            )
        if alone and not given_back and not taken:
            # A sign of life that is lost with the server is followed by another one in a second: no disk is waited for.
            connection.execute("SET LOCAL synchronous_commit TO off")

    def _dead(self, beats: dict[int, int]) -> list[int]:
        """Of those with these signs of life the ones that have given none for too long."""
        at = time.monotonic()
        seen = {id: self._seen.get(id, (-1, at)) for id in beats}
        self._seen = {id: seen[id] if seen[id][0] == beat else (beat, at) for id, beat in beats.items()}
        return [id for id, (_, since) in self._seen.items() if id != self._me and at - since >= LEASE]

    @staticmethod
    def _forget(connection: Connection, members: Collection[int]) -> None:
        connection.execute("DELETE FROM notifier_share WHERE owner = ANY(%s)", (list(members),))
        connection.execute("DELETE FROM notifier WHERE id = ANY(%s)", (list(members),))

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


SHARE = f"(hashtext(subscription || ' ' || entity) & {SHARES - 1})"
"""The share of a row of the outbox."""
