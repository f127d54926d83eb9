"""The audit trail of a store: every write has its entry, and what is done to the trail is found."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.access.audit import HeadError, head_text, heads_of, lines, parse_head, read_lines, verify
from mahakam.store.acting import Acting, act
from mahakam.store.model import Entry, Run
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore, Transaction

_START = multiprocessing.get_context("spawn")


def document(number: int | str, value: int = 0) -> dict[str, Any]:
    at = "2026-01-01T00:00:00Z"
    return {
        "id": f"urn:ngsi-ld:T:{number}",
        "type": "T",
        "createdAt": at,
        "modifiedAt": at,
        "v": {"type": "Property", "value": value, "createdAt": at, "modifiedAt": at},
    }


def create(store: EntityStore, number: int | str) -> None:
    one = document(number)
    assert store.write(lambda work: work.insert(one, orjson.dumps(one)))


def entries(store: EntityStore) -> list[tuple[str, str, str]]:
    return [(one.principal, one.action, one.object) for one in store.audit_chain()]


@pytest.fixture(autouse=True)
def _nobody_acts_afterwards() -> Any:
    act(None)
    yield
    act(None)


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Any:
    opened = open_store(store_url, tmp_path)
    yield opened.tenant()
    opened.close()


def test_each_work_has_one_entry_of_who_did_what(store: EntityStore) -> None:
    one = document(1)

    def change(work: Transaction) -> None:
        work.put(document(1, 7), orjson.dumps(document(1, 7)))
        work.note(Entry(one["id"], "change", "siti", "2026-01-01T00:00:00Z"))
        work.save_record("request-private", "SMD-1", {"contact": "0811"})
        work.save_record("request-counter", "SMD", {"count": 2})  # counts nothing that anybody answers for

    create(store, 1)
    store.write(change)
    store.write(lambda work: work.save_record("account", "budi", {"roles": ["admin"]}))
    store.write(lambda work: work.save_record("attempt", "x", {"times": []}))
    store.write(lambda work: work.save_run(Run(0, "smd", "air", "2026", author="ani", stored=7, held=2)))
    store.write(lambda work: work.delete(one["id"]))
    store.write(lambda work: work.delete(one["id"]))
    assert entries(store) == [
        ("node", "create", one["id"]),
        ("siti", "change", one["id"]),
        ("node", "account.save", "account/budi"),
        ("ani", "feed.run", "smd/air"),
        ("node", "delete", one["id"]),
    ]
    _, changed, _, run, _ = store.audit_chain()
    assert changed.count == 2
    assert orjson.loads(changed.detail)["objects"] == [
        ["change", one["id"]],
        ["request-private.save", "request-private/SMD-1"],
    ]
    assert "0811" not in changed.detail
    assert orjson.loads(run.detail) == {"run": 1, "state": "running", "counts": {"stored": 7, "held": 2}}
    assert verify(store.audit_chain()).faults == []


def test_what_is_refused_has_no_entry(store: EntityStore) -> None:
    def refused(work: Transaction) -> None:
        work.save_record("account", "budi", {})
        raise KeyError("no")

    with pytest.raises(KeyError):
        store.write(refused)
    assert entries(store) == []


def test_who_acts_is_who_asked_whatever_thread_writes(store: EntityStore) -> None:
    """Works of many tasks share commits; each entry is its own task's."""

    async def asks(number: int) -> None:
        act(Acting(f"person-{number}", "person", asked=f"r{number}"))
        await asyncio.sleep(0)
        one = document(number)
        await store.submit_async(lambda work: work.insert(one, orjson.dumps(one)))
        await asyncio.to_thread(store.write, lambda work: work.delete(one["id"]))

    async def all_of_them() -> None:
        await asyncio.gather(*map(asks, range(40)))

    asyncio.run(all_of_them())
    found = list(store.audit_chain())
    assert len(found) == 80
    for one in found:
        number = one.object.rpartition(":")[2]
        assert (one.principal, one.kind, one.request) == (f"person-{number}", "person", f"r{number}")
    assert verify(found).faults == []


def test_filters_and_pages(store: EntityStore) -> None:
    for number in range(25):
        act(Acting("siti" if number % 5 == 0 else "budi", "person"))
        create(store, number)
    store.write(lambda work: work.audit("read", "urn:x", {"fields": ["nik"], "objects": [["read", "urn:y"]]}))
    assert [one.object for one in store.audit_entries(principal="siti")] == [
        f"urn:ngsi-ld:T:{number}" for number in (20, 15, 10, 5, 0)
    ]
    assert [one.principal for one in store.audit_entries(object="urn:ngsi-ld:T:10")] == ["siti"]
    assert [one.object for one in store.audit_entries(object="urn:y")] == ["urn:x"]
    assert store.audit_entries(object="urn:%") == []
    assert len(store.audit_entries(action="create")) == 25
    paged: list[Any] = []
    while page := store.audit_entries(
        before=(paged[-1].at, paged[-1].lane, paged[-1].n) if paged else None, limit=7
    ):
        paged += page
    assert len(paged) == 26
    assert paged == sorted(paged, key=lambda one: (one.at, one.lane, one.n), reverse=True)
    middle = paged[13].at
    assert {one.at >= middle for one in store.audit_entries(since=middle)} == {True}
    assert len(store.audit_entries(since=middle)) + len(store.audit_entries(until=middle)) == 26


def test_an_export_can_be_verified_by_itself(store: EntityStore) -> None:
    for number in range(10):
        create(store, number)
    exported = list(lines(store))
    assert orjson.loads(exported[-1]) == {"head": head_text(heads_of(store)), "entries": 10}
    assert verify(read_lines(exported)).head == head_text(heads_of(store))
    changed = [*exported[:4], exported[4].replace(b"T:4", b"T:9"), *exported[5:]]
    assert len(verify(read_lines(changed)).faults) == 1
    with pytest.raises(ValueError, match="line 1"):
        list(read_lines([b'{"no": "entry"}']))


def test_a_head_that_is_none_is_refused() -> None:
    for text in ("", "  ", "0:1", "0:1:xyz", f"0:1:{'a' * 63}"):
        with pytest.raises(HeadError):
            parse_head(text)
    assert parse_head(f" 0:12:{'a' * 64},3:1:{'b' * 64}\n") == {0: (12, "a" * 64), 3: (1, "b" * 64)}


_TAMPER = {
    "who": "UPDATE audit SET principal = 'nobody' WHERE lane = 0 AND n = 5",
    "what": "UPDATE audit SET object = 'urn:other' WHERE lane = 0 AND n = 5",
    "when": "UPDATE audit SET at = '2020-01-01T00:00:00.000Z' WHERE lane = 0 AND n = 5",
    "why": "UPDATE audit SET detail = '{}' WHERE lane = 0 AND n = 5",
    "the content": "UPDATE audit SET content = '00' WHERE lane = 0 AND n = 5",
    "removed": "DELETE FROM audit WHERE lane = 0 AND n = 5",
    "the first ones removed": "DELETE FROM audit WHERE lane = 0 AND n <= 4",
    "moved up": "DELETE FROM audit WHERE lane = 0 AND n = 5; UPDATE audit SET n = n - 1 WHERE lane = 0 AND n > 5",
    "swapped": "UPDATE audit SET n = 99 WHERE lane = 0 AND n = 5; UPDATE audit SET n = 5 WHERE lane = 0 AND n = 6;"
    " UPDATE audit SET n = 6 WHERE lane = 0 AND n = 99",
}


def _tamper(tmp_path: Path, store_url: str, statements: str) -> None:
    if store_url:
        with psycopg.connect(store_url, options="-c search_path=mahakam") as server:
            for statement in statements.split(";"):
                server.execute(statement)
        return
    connection = sqlite3.connect(tmp_path / "mahakam.sqlite")
    connection.executescript(statements)
    connection.close()


@pytest.mark.parametrize("how", _TAMPER)
def test_what_is_done_to_the_trail_is_found_where_it_was_done(
    store: EntityStore, tmp_path: Path, store_url: str, how: str
) -> None:
    for number in range(10):
        create(store, number)
    assert verify(store.audit_chain()).faults == []
    _tamper(tmp_path, store_url, _TAMPER[how])
    (fault,) = verify(store.audit_chain()).faults
    assert "entry 5" in fault, fault


def test_the_newest_entries_removed_are_found_by_a_head_kept_elsewhere(
    store: EntityStore, tmp_path: Path, store_url: str
) -> None:
    for number in range(10):
        create(store, number)
    head = heads_of(store)
    create(store, 10)
    assert verify(store.audit_chain(), head).faults == []
    _tamper(tmp_path, store_url, "DELETE FROM audit WHERE lane = 0 AND n > 8")
    assert verify(store.audit_chain()).faults == []
    (fault,) = verify(store.audit_chain(), head).faults
    assert "ends with entry 8" in fault


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_an_export_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    opened = open_store("", tmp_path_factory.mktemp("any"))
    store = opened.tenant()
    for number in range(data.draw(st.integers(2, 6))):
        create(store, number)
    written, head = list(store.audit_chain()), heads_of(store)
    opened.close()
    changed = list(written)
    match data.draw(st.sampled_from(["drop", "swap", "double", "change"])):
        case "drop":
            changed.pop(data.draw(st.integers(0, len(changed) - 1)))
        case "swap":
            at = data.draw(st.integers(0, len(changed) - 2))
            changed[at], changed[at + 1] = changed[at + 1], changed[at]
        case "double":
            at = data.draw(st.integers(0, len(changed) - 1))
            changed.insert(at, changed[at])
        case "change":
            at = data.draw(st.integers(0, len(changed) - 1))
            name = data.draw(
                st.sampled_from(["principal", "object", "action", "at", "request", "detail", "content"])
            )
            other: Any = {name: data.draw(st.text(min_size=1, max_size=9)) + "!"}
            changed[at] = replace(changed[at], **other)
    assert verify(written, head).faults == []
    assert verify(changed, head).faults


def _write_many(url: str, folder: str, name: str, number: int) -> None:
    opened = open_store(url, Path(folder))
    store = opened.tenant()
    act(Acting(name, "person"))

    def one(n: int) -> None:
        create(store, f"{name}-{n}")

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(copy_context().run, one, n) for n in range(number)]:
            future.result()
    opened.close()


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_the_first_writers_agree_on_one_key(tmp_path: Path, store_url: str) -> None:
    """Both have begun before either has made the key of the digests: one makes it, the other writes again."""
    first, second = (open_store(store_url, tmp_path / name) for name in ("one", "two"))
    begun = threading.Barrier(2)

    def once(store: EntityStore, number: int) -> Future[bool]:
        waits = [True]

        def work(transaction: Transaction) -> bool:
            transaction.get("urn:ngsi-ld:T:0")
            if waits:
                waits.pop()
                begun.wait(120)
            return transaction.insert(document(number), orjson.dumps(document(number)))

        return store.submit(work)

    written = [once(first.tenant(), 1), once(second.tenant(), 2)]
    assert [one.result() for one in written] == [True, True]
    assert verify(first.tenant().audit_chain()).faults == []
    assert len(list(first.tenant().audit_chain())) >= 2
    first.close()
    second.close()


def test_several_processes_at_once(store: EntityStore, tmp_path: Path, store_url: str) -> None:
    """Each of their writes has its one entry, and every chain holds."""
    writers = [
        _START.Process(target=_write_many, args=(store_url, str(tmp_path), f"writer{number}", 60))
        for number in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
        assert writer.exitcode == 0
    found = verify(store.audit_chain())
    assert found.faults == []
    written = [(one.principal, one.object) for one in store.audit_chain() if one.action == "create"]
    assert sorted(written) == sorted(
        (f"writer{number}", f"urn:ngsi-ld:T:writer{number}-{n}") for number in range(3) for n in range(60)
    )


_WRITER = """
import os, sys, orjson
from pathlib import Path
sys.path.insert(0, "tests")
from store.test_audit import document
from mahakam.store.opening import open_store
from concurrent.futures import ThreadPoolExecutor
opened = open_store(sys.argv[1], Path(sys.argv[2]))
store = opened.tenant()
def one(n):
    it = document(f"{sys.argv[3]}-{n}")
    store.write(lambda work: work.insert(it, orjson.dumps(it)))
    os.write(1, f'{it["id"]}\\n'.encode())
with ThreadPoolExecutor(8) as pool:
    list(pool.map(one, range(100_000)))
"""


@pytest.mark.fault("a process that writes, kill -9", "no entry of the audit trail", times=3)
def test_a_killed_process_leaves_an_entry_of_each_write_that_was_acknowledged(
    store: EntityStore, tmp_path: Path, store_url: str
) -> None:
    acknowledged: list[str] = []
    for life in range(3):
        output = tmp_path / f"out{life}"
        with output.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", _WRITER, store_url, str(tmp_path), str(life)],
                stdout=out,
                cwd=Path(__file__).parents[2],
                env=os.environ | {"PYTHONPATH": "tests"},
            )
            until = time.monotonic() + 120
            while output.read_text().count("\n") < 50 * (life + 1):
                assert time.monotonic() < until
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
        acknowledged += [line for line in output.read_text().split("\n")[:-1] if line]
    found = list(store.audit_chain())
    assert verify(found).faults == []
    audited = [one.object for one in found if one.action == "create"]
    assert len(audited) == len(set(audited)) == store.size()
    assert set(acknowledged) <= set(audited)


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_lanes_vouch_for_each_other(tmp_path: Path, store_url: str) -> None:
    """On PostgreSQL: a lane whose newest entries are gone is found by what a later writer noted of it."""
    first, second = open_store(store_url, tmp_path), open_store(store_url, tmp_path)
    for number in range(5):
        create(first.tenant(), number)
    create(second.tenant(), 5)
    create(first.tenant(), 6)
    assert [lane for lane, _, _ in first.tenant().audit_heads()] == [0, 1]
    assert verify(first.tenant().audit_chain()).faults == []
    _tamper(tmp_path, store_url, "DELETE FROM audit WHERE lane = 0 AND n > 3")
    (fault,) = verify(second.tenant().audit_chain()).faults
    assert "lane 0: ends with entry 3" in fault
    first.close()
    second.close()


def test_nothing_is_audited_where_that_is_wished(tmp_path: Path, store_url: str) -> None:
    opened = open_store(store_url, tmp_path, audit=False)
    create(opened.tenant(), 1)
    assert entries(opened.tenant()) == []
    assert opened.tenant().record("audit", "key") is None
    opened.close()
