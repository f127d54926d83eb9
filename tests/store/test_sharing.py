"""Reads of an event loop that share a snapshot see all that was acknowledged, and hold up nobody."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from mahakam.ngsild.selection import Selection
from mahakam.store.errors import StoreError, TakesLong
from mahakam.store.protocol import Transaction
from mahakam.store.sqlite.entities import SqliteEntities
from mahakam.store.sqlite.sharing import WINDOW


def document(value: int) -> dict[str, object]:
    return {"id": "urn:ngsi-ld:A:1", "type": "A", "p": {"type": "Property", "value": value}}


def put(value: int):  # type: ignore[no-untyped-def]
    def work(transaction: Transaction) -> None:
        transaction.put(document(value), b'{"value":%d}' % value)

    return work


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    found = SqliteEntities(tmp_path / "mahakam.sqlite")
    yield found
    found.close()


def read(store: SqliteEntities) -> bytes | None:
    return store.body("urn:ngsi-ld:A:1", at_once=True)


def test_every_acknowledged_write_is_seen_at_once(store: SqliteEntities) -> None:
    async def go() -> None:
        for value in range(200):
            await store.submit_async(put(value))
            for _ in range(3):
                assert read(store) == b'{"value":%d}' % value
            if value % 3 == 0:
                await asyncio.to_thread(store.write, put(-value))
                assert read(store) == b'{"value":%d}' % -value

    asyncio.run(go())


def test_another_process_is_seen_once_the_window_is_over(store: SqliteEntities) -> None:
    async def go() -> None:
        await store.submit_async(put(1))
        assert [read(store) for _ in range(20)] == [b'{"value":1}'] * 20
        other = sqlite3.connect(store.path)
        with other:
            other.execute("UPDATE entity SET body = CAST('other' AS BLOB)")
        other.close()
        await asyncio.sleep(2 * WINDOW)
        assert read(store) == b"other"

    asyncio.run(go())


def test_a_snapshot_ends_by_itself(store: SqliteEntities) -> None:
    """Or the write-ahead log of a quiet store could never be emptied."""

    async def go() -> None:
        await store.submit_async(put(1))
        for _ in range(20):
            read(store)
        await asyncio.sleep(4 * WINDOW)
        other = sqlite3.connect(store.path)
        busy, log, moved = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        other.close()
        assert (busy, log) == (0, 0), (busy, log, moved)

    asyncio.run(go())


def test_a_long_page_gives_up_and_the_next_read_goes_on(store: SqliteEntities) -> None:
    async def go() -> None:
        await store.submit_async(put(1))
        for _ in range(5):
            read(store)
        endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c"
        with pytest.raises(TakesLong):
            store._shared.rows(endless, (), 0.002)
        assert read(store) == b'{"value":1}'
        assert store.page(Selection(), 20, at_once=True) == (b'[{"value":1}]', None)

    asyncio.run(go())


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    async def go() -> None:
        store = SqliteEntities(tmp_path / "mahakam.sqlite")
        await store.submit_async(put(1))
        read(store)
        await asyncio.to_thread(store.close)
        with pytest.raises(StoreError, match="closed"):
            read(store)

    asyncio.run(go())
