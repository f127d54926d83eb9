"""What was acknowledged is there after kill -9; what failed left nothing; processes share one file."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import pytest

from mahakam.ngsild import represent
from mahakam.ngsild.selection import Selection
from mahakam.store.errors import StoreError, UnsupportedStore
from mahakam.store.opening import open_store
from mahakam.store.sql.group import perform
from mahakam.store.sqlite.store import SqliteStore

WRITER = """
import sys
from pathlib import Path
from mahakam.ngsild import represent
from mahakam.store.opening import open_store

store = open_store(sys.argv[4], Path(sys.argv[1])).tenant()
name = sys.argv[2]
for number in range(int(sys.argv[3])):
    def work(transaction):
        for part in range(3):
            id = f"urn:{name}:{number}:{part}"
            document = {"id": id, "type": "T", "scope": "/a", "b": {"type": "Property", "value": "x" * 2000}}
            transaction.put(document, represent.body(document))
    store.write(work)
    print(number, flush=True)
"""


def writer(folder: Path, name: str, number: int, url: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), name, str(number), url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def entity(id: str, blob: str = "") -> dict[str, Any]:
    return {"id": id, "type": "T", "blob": {"type": "Property", "value": blob}}


def put(transaction: Any, id: str, blob: str = "") -> None:
    document = entity(id, blob)
    transaction.put(document, represent.body(document))


@pytest.mark.fault("a process that writes, kill -9", "no acknowledged write")
@pytest.mark.parametrize("acknowledged", [1, 40, 117])
def test_acknowledged_writes_survive_kill(tmp_path: Path, acknowledged: int) -> None:
    process = writer(tmp_path, "k", 100_000)
    assert process.stdout is not None
    seen = [int(process.stdout.readline()) for _ in range(acknowledged)]
    os.kill(process.pid, signal.SIGKILL)
    seen += [int(line) for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    store = open_store("", tmp_path)
    there = {one["id"] for one in store.tenant().scan(Selection())}
    for number in seen:
        assert {f"urn:k:{number}:{part}" for part in range(3)} <= there
    # One more may have been committed before its acknowledgement was written; never a part of one.
    assert len(there) % 3 == 0
    assert len(there) - 3 * len(seen) in (0, 3)
    assert store.tenant().types() == {"T": len(there)}
    store.close()


def test_two_processes_and_this_one_write_one_file(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url, tmp_path)
    others = [writer(tmp_path, name, 60, store_url) for name in ("a", "b")]
    for number in range(60):
        id = f"urn:c:{number}"
        store.tenant().write(lambda work, id=id: put(work, id))
    for process in others:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert len(out.split()) == 60
    assert store.tenant().size() == 60 * 3 * 2 + 60
    store.close()


def test_one_that_fails_leaves_the_others_of_its_commit(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url, tmp_path)
    tenant = store.tenant()

    def fails(transaction: Any) -> None:
        put(transaction, "urn:half")
        raise ValueError("no")

    def slow(transaction: Any) -> None:
        put(transaction, "urn:first")

    futures: list[Any] = [tenant.submit(slow)]
    for number in range(20):
        id = f"urn:{number}"
        futures.append(tenant.submit(lambda work, id=id: put(work, id)))
        futures.append(tenant.submit(fails))
    for index, future in enumerate(futures):
        if index and index % 2 == 0:
            with pytest.raises(ValueError, match="no"):
                future.result(10)
        else:
            future.result(10)
    assert tenant.body("urn:half") is None
    assert tenant.size() == 21
    store.close()


async def _gathered(tenant: Any) -> list[Any]:
    def work(number: int) -> Any:
        def one(transaction: Any) -> int:
            if number % 5 == 0:
                raise KeyError(number)
            put(transaction, f"urn:{number}")
            return number

        return one

    waiting = (tenant.submit_async(work(number)) for number in range(100))
    return await asyncio.gather(*waiting, return_exceptions=True)


def test_coroutines_share_commits_and_each_gets_its_own_answer(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url, tmp_path)
    results = asyncio.run(_gathered(store.tenant()))
    for number, result in enumerate(results):
        assert isinstance(result, KeyError) if number % 5 == 0 else result == number
    assert store.tenant().size() == 80
    store.close()


def test_an_error_that_nobody_foresaw_stops_no_write_after_it(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one of the work nor of the database: e.g. no memory left, an interrupted call of the system."""
    left = 0

    def faulty(*arguments: Any) -> Any:
        nonlocal left
        if left:
            left -= 1
            raise OSError("unforeseen")
        return perform(*arguments)

    for module in ("sqlite.writer", "sqlite.inline", "postgres.writer"):
        monkeypatch.setattr(f"mahakam.store.{module}.perform", faulty)
    store = open_store(store_url, tmp_path)
    tenant = store.tenant()
    left = 1
    with pytest.raises(OSError, match="unforeseen"):
        tenant.submit(lambda work: put(work, "urn:0")).result(60)
    tenant.submit(lambda work: put(work, "urn:1")).result(60)

    async def several() -> None:
        nonlocal left
        left = 1 if store_url else 2  # SQLite's is tried again on its thread
        with pytest.raises(OSError, match="unforeseen"):
            await asyncio.wait_for(tenant.submit_async(lambda work: put(work, "urn:2")), 60)
        await asyncio.wait_for(tenant.submit_async(lambda work: put(work, "urn:3")), 60)

    asyncio.run(several())
    assert [one["id"] for one in tenant.scan(Selection())] == ["urn:1", "urn:3"]
    store.close()


def test_full_disk_reaches_each_coroutine(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    tenant = store.tenant()

    async def several() -> list[Any]:
        await tenant.submit_async(lambda work: put(work, "urn:before"))

        def limit(transaction: Any) -> None:
            transaction._execute(
                f"PRAGMA max_page_count={transaction._execute('PRAGMA page_count').get + 30}"
            )

        await tenant.submit_async(limit)
        waiting = (
            tenant.submit_async(lambda work, n=n: put(work, f"urn:{n}", "x" * 40_000)) for n in range(20)
        )
        return await asyncio.gather(*waiting, return_exceptions=True)

    results = asyncio.run(several())
    refused = [result for result in results if isinstance(result, StoreError)]
    assert refused
    assert all("disk is full" in str(error) for error in refused)
    assert tenant.size() == 1 + len(results) - len(refused)
    store.close()


def test_coroutines_and_threads_write_at_once(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url, tmp_path)
    tenant = store.tenant()

    async def both() -> None:
        def blocking(start: int) -> None:
            for number in range(start, start + 50):
                tenant.write(lambda work, number=number: put(work, f"urn:t:{number}"))

        async def one(number: int) -> None:
            for part in range(5):
                await tenant.submit_async(lambda work, part=part: put(work, f"urn:c:{number}:{part}"))

        threads = (asyncio.to_thread(blocking, start) for start in (0, 50, 100))
        await asyncio.gather(*threads, *(one(number) for number in range(40)))

    asyncio.run(both())
    assert tenant.size() == 150 + 200
    store.close()


def test_threads_read_while_others_write(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url, tmp_path)
    tenant = store.tenant()
    tenant.write(lambda work: put(work, "urn:0"))

    def read_and_write(number: int) -> bool:
        tenant.write(lambda work: put(work, f"urn:{number}"))
        return (
            tenant.body(f"urn:{number}") == represent.body(entity(f"urn:{number}"))
            and tenant.count(Selection()) > 0
        )

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(read_and_write, range(200)))
    store.close()


def test_full_disk_is_said_and_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    tenant = store.tenant()
    tenant.write(lambda work: put(work, "urn:before"))
    limit = {"pages": 0}

    def fill(transaction: Any) -> None:
        # The page limit is this connection's, as a disk without room would be.
        pages = transaction._execute("PRAGMA page_count").get
        limit["pages"] = transaction._execute(f"PRAGMA max_page_count={pages + 5}").get
        for number in range(1000):
            put(transaction, f"urn:{number}", "x" * 4000)

    with pytest.raises(StoreError, match="disk is full"):
        tenant.write(fill)
    assert [one["id"] for one in tenant.scan(Selection())] == ["urn:before"]

    def relieve(transaction: Any) -> None:
        transaction._execute("PRAGMA max_page_count=1000000")
        put(transaction, "urn:after")

    tenant.write(relieve)
    assert tenant.size() == 2
    store.close()


@pytest.mark.fault("a disk that is full", "the write is refused, the store stays as it was")
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_disk_that_really_is_full(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        store = SqliteStore(tmp_path)
        tenant = store.tenant()
        acknowledged = 0

        def fill() -> None:
            nonlocal acknowledged
            for number in range(2000):
                tenant.write(lambda work, number=number: put(work, f"urn:{number}", "x" * 4000))
                acknowledged += 1

        with pytest.raises(StoreError, match=r"disk is full|disk reported"):
            fill()
        assert acknowledged > 10
        assert tenant.size() == acknowledged
        store.close()
        again = SqliteStore(tmp_path)
        assert again.tenant().size() == acknowledged
        again.close()
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_tenants_are_apart(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url, tmp_path)
    with pytest.raises(KeyError):
        store.tenant("city_1")
    store.create_tenant("city_1").write(lambda work: put(work, "urn:1"))
    assert store.tenant().size() == 0
    assert list(store.tenants()) == ["", "city_1"]
    store.close()
    again = open_store(store_url, tmp_path)
    assert again.tenant("city_1").size() == 1
    again.close()


@pytest.mark.parametrize("name", ["../x", "a/b", "a" * 51, "ä", "a b", "x.sqlite"])
def test_tenant_names_never_become_paths(tmp_path: Path, store_url: str, name: str) -> None:
    store = open_store(store_url, tmp_path)
    with pytest.raises(KeyError):
        store.tenant(name)
    with pytest.raises(StoreError, match="tenant"):
        store.create_tenant(name)
    store.close()


@pytest.mark.parametrize(
    "url",
    ["mysql:x", "oracle://user:se-cret@host/db", "sqlite://", "sqlite:///", "sqlite://host/x", "nonsense"],
)
def test_other_stores_are_refused_with_what_there_is(tmp_path: Path, url: str) -> None:
    with pytest.raises(UnsupportedStore, match="sqlite:///") as refused:
        open_store(url, tmp_path)
    assert "se-cret" not in str(refused.value)


def test_store_url_names_a_folder(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'there'}", tmp_path)
    store.close()
    assert (tmp_path / "there" / "mahakam.sqlite").exists()


def test_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "mahakam.sqlite").write_bytes(b"hello " * 1000)
    with pytest.raises(StoreError, match="not a Mahakam store"):
        open_store("", tmp_path)


def test_store_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    open_store("", tmp_path).close()
    connection = apsw.Connection(str(tmp_path / "mahakam.sqlite"))
    connection.execute("PRAGMA user_version=999")
    connection.close()
    with pytest.raises(StoreError, match="newer Mahakam"):
        open_store("", tmp_path)


def test_closed_store_says_so(tmp_path: Path, store_url: str) -> None:
    store = open_store(store_url, tmp_path)
    tenant = store.tenant()
    tenant.write(lambda work: put(work, "urn:1"))
    store.close()
    with pytest.raises(StoreError, match="closed"):
        tenant.write(lambda work: put(work, "urn:2"))
