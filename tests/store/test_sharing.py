"""Reads that share a snapshot see all that was acknowledged, and hold up nobody."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path as File

import pytest

from mahakam.ngsild.selection import Compare, Path, Selection
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
def store(tmp_path: File):  # type: ignore[no-untyped-def]
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
        other = sqlite3.connect(store.path)
        for _ in range(600):
            await asyncio.sleep(4 * WINDOW)
            busy, log, moved = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                break
        other.close()
        assert (busy, log) == (0, 0), (busy, log, moved)

    asyncio.run(go())


def test_threads_that_read_at_once_see_what_was_acknowledged(store: SqliteEntities) -> None:
    acknowledged = [0]
    seen: list[tuple[int, int]] = []

    def reader() -> None:
        for _ in range(500):
            least = acknowledged[0]
            body = read(store)
            assert body is not None
            seen.append((least, int(body[9:-1])))

    store.write(put(0))
    threads = [threading.Thread(target=reader) for _ in range(3)]
    for thread in threads:
        thread.start()
    for value in range(1, 100):
        store.write(put(value))
        acknowledged[0] = value
    for thread in threads:
        thread.join()
    assert len(seen) == 1500
    assert [pair for pair in seen if pair[1] < pair[0]] == []


def test_a_page_that_took_long_is_asked_at_once_again_when_there_is_an_index(store: SqliteEntities) -> None:
    """What was slow while the index was being made must not be slow for ever."""
    bodies = [
        ({"id": f"urn:ngsi-ld:A:{n}", "type": "A"}, b'{"p":{"type":"Property","value":%d}}' % n)
        for n in range(60_000)
    ]
    store.write(lambda transaction: transaction.insert_all(bodies, "2026-11-24T04:00:00.000Z"))
    wanted = Selection(condition=Compare(Path("p"), "==", (59_999,)))
    page = (b'[{"p":{"type":"Property","value":59999}}]', None)
    for _ in range(2):  # the second time it is known to take long
        with pytest.raises(TakesLong):
            store.page(wanted, 20, at_once=True)
    assert store.page(wanted, 20) == page
    assert store.values.names == {"p"}
    assert store.page(wanted, 20, at_once=True) == page


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


def test_a_closed_store_says_so(tmp_path: File) -> None:
    async def go() -> None:
        store = SqliteEntities(tmp_path / "mahakam.sqlite")
        await store.submit_async(put(1))
        read(store)
        await asyncio.to_thread(store.close)
        with pytest.raises(StoreError, match="closed"):
            read(store)

    asyncio.run(go())
