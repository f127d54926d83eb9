"""What PostgreSQL alone does: many writers, faults of the server, indexes, versions, replicas."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mahakam.ngsild import represent
from mahakam.ngsild import selection as s
from mahakam.store.errors import StoreError, StoreFull, StoreUnavailable
from mahakam.store.opening import open_store
from mahakam.store.postgres.connection import worded
from mahakam.store.postgres.dialect import POSTGRES
from mahakam.store.postgres.entities import PostgresEntities
from mahakam.store.postgres.schema import steps
from mahakam.store.sql.select import compile_selection
from support.api import running
from support.notify import Receiver
from support.notify import until as until_true
from support.postgres import PASSWORD, PostgresServer

WRITER = """
import sys
from pathlib import Path
from mahakam.ngsild import represent
from mahakam.store.opening import open_store

store = open_store(sys.argv[1], Path(".")).tenant()
for number in range(100_000):
    def work(transaction):
        for part in range(3):
            document = {"id": f"urn:{number}:{part}", "type": "T", "b": {"type": "Property", "value": number}}
            transaction.put(document, represent.body(document))
    store.write(work)
    print(number, flush=True)
"""
COUNTER = """
import sys
from pathlib import Path
from mahakam.ngsild import represent
from mahakam.store.opening import open_store

store = open_store(sys.argv[1], Path("."))
def work(transaction):
    zero = {"id": "urn:counter", "type": "T", "n": {"type": "Property", "value": 0}}
    document = transaction.get("urn:counter") or zero
    document["n"]["value"] += 1
    transaction.put(document, represent.body(document))
    status = transaction.record("status", "x") or {"times": 0}
    transaction.save_record("status", "x", {"times": status["times"] + 1})
for _ in range(int(sys.argv[2])):
    store.tenant().write(work)
store.close()
"""


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    found = postgres.new_database()
    yield found
    postgres.give_back(found)


@pytest.fixture
def durable() -> Iterator[PostgresServer]:
    """A server of the test's own, that it may stop, and that keeps what it says it keeps."""
    server = PostgresServer(durable=True)
    yield server
    server.close()


def put(transaction: Any, id: str, value: Any = 1, **more: Any) -> None:
    document = {"id": id, "type": "T", "n": {"type": "Property", "value": value}, **more}
    transaction.put(document, represent.body(document))


def process(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.fault("a writer, then PostgreSQL itself, at once", "no acknowledged write", times=4)
def test_acknowledged_writes_survive_a_killed_writer_and_a_killed_server(durable: PostgresServer) -> None:
    url = durable.new_database()
    seen: list[int] = []
    for stop in (1, 40, 117):
        writer = process(WRITER, url)
        assert writer.stdout is not None
        seen += [int(writer.stdout.readline()) for _ in range(stop)]
        os.kill(writer.pid, signal.SIGKILL)
        seen += [int(line) for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        writer.stdout.close()
    durable.stop("immediate")
    durable.start()
    store = open_store(url, Path())
    there = {one["id"] for one in store.tenant().scan(s.Selection())}
    assert {f"urn:{number}:{part}" for number in seen for part in range(3)} <= there
    assert len(there) % 3 == 0
    assert store.tenant().types() == {"T": len(there)}
    store.close()


def test_no_update_is_lost_between_processes(url: str) -> None:
    open_store(url, Path()).close()
    processes = [process(COUNTER, url, "100") for _ in range(3)]
    for one in processes:
        one.communicate(timeout=120)
        assert one.returncode == 0
    store = open_store(url, Path())
    counted = store.tenant().document("urn:counter")
    assert counted is not None
    assert counted["n"]["value"] == 300
    assert store.tenant().record("status", "x") == {"times": 300}
    store.close()


def test_server_restarted_under_load(durable: PostgresServer, tmp_path: Path) -> None:
    """Whatever was acknowledged is there after two restarts, and is heard of by who subscribed."""
    acknowledged: list[int] = []
    answers: dict[int, int] = {}
    ended = threading.Event()
    url = durable.new_database()
    with Receiver() as receiver, running(tmp_path, store=url, private_addresses=True) as api:
        notification = {"endpoint": {"uri": receiver.uri}}
        payload = {"type": "Subscription", "entities": [{"type": "T"}], "notification": notification}
        triggered = {**payload, "notificationTrigger": ["entityCreated"]}
        assert api("POST", "/subscriptions", json=triggered).status_code == 201

        def load(start: int) -> None:
            number = start
            while not ended.is_set():
                body = {"id": f"urn:ngsi-ld:T:{number}", "type": "T"}
                answer = api("POST", "/entities", json=body)
                answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
                if answer.status_code == 201:
                    acknowledged.append(number)
                elif answer.status_code == 503:
                    assert answer.headers["retry-after"]
                    assert answer.json()["title"] == "The database does not answer"
                    time.sleep(0.02)
                read = api.get(f"/entities/urn:ngsi-ld:T:{number}")
                assert read.status_code in (200, 404, 503), read.text
                number += 1

        def until(more: int) -> None:
            aim, end = len(acknowledged) + more, time.monotonic() + 120
            while len(acknowledged) < aim:
                assert time.monotonic() < end, answers
                time.sleep(0.01)

        with ThreadPoolExecutor(3) as pool:
            loads = [pool.submit(load, start) for start in (0, 1_000_000, 2_000_000)]
            until(30)
            for mode in ("fast", "immediate"):
                durable.stop(mode)
                assert api.get("/types").status_code == 503
                durable.start()
                until(30)
            ended.set()
            for one in loads:
                one.result()
        assert set(answers) == {201, 503}
        for number in acknowledged:
            assert api.get(f"/entities/urn:ngsi-ld:T:{number}").status_code == 200
        owed = {f"urn:ngsi-ld:T:{number}" for number in acknowledged}
        until_true(lambda: owed <= {one["data"][0]["id"] for one in list(receiver.got)})


def explained(store: PostgresEntities, selection: s.Selection) -> str:
    plan = compile_selection(selection, POSTGRES)
    sql = worded("EXPLAIN " + plan.page("e.body"))
    return "\n".join(
        str(line)
        for (line,) in store._readers.read(lambda c: c.execute(sql, (*plan.parameters, 20, 0)).fetchall())
    )


def test_selective_queries_scan_no_table(url: str) -> None:
    opened = open_store(url, Path())
    store = opened.tenant()
    assert isinstance(store, PostgresEntities)

    def work(transaction: Any) -> None:
        for number in range(5000):
            place = {"type": "Point", "coordinates": [117 + number / 5000, -0.5]}
            more = {"location": {"type": "GeoProperty", "value": place}, "scope": f"/a/{number % 500}"}
            if number % 2:
                more["n"] = {
                    "type": "Property",
                    "value": number,
                    "observedAt": f"2026-01-01T00:00:{number % 60:02}Z",
                }
            put(transaction, f"urn:{number}", number % 1000, **more)

    store.write(work)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    path = s.Path("n")
    condition = s.Selection(types=s.Types((("T",),)), condition=s.Compare(path, "==", (7,)))
    above = s.Selection(condition=s.Compare(path, ">", (4990,)))
    near = s.Geo("near", {"type": "Point", "coordinates": [117.5, -0.5]}, max_distance=500)
    observed = s.Compare(s.Path("n", ("observedAt",)), "==", ("2026-01-01T00:00:07Z",))
    later = s.Compare(s.Path("n", ("observedAt",)), ">", ("2026-01-01T00:00:58Z",))
    for selection in (
        condition,
        above,
        s.Selection(condition=observed),
        s.Selection(condition=later),
        s.Selection(geo=near),
        s.Selection(scopes=s.Scopes((("/a/7",),))),
    ):
        plan = explained(store, selection)
        assert "Seq Scan" not in plan, plan
        assert "Index" in plan
    assert store.count(above) == 5
    assert "entity_place" in explained(store, s.Selection(geo=near))
    opened.close()


def test_what_is_owed_is_heard_in_another_process(url: str) -> None:
    one, other = open_store(url, Path()), open_store(url, Path())
    heard = threading.Event()
    one.tenant().when_owed(heard.set)
    assert heard.wait(10)  # once it listens
    heard.clear()
    other.tenant().write(lambda transaction: transaction.owe("urn:s", "urn:e", b"{}"))
    assert heard.wait(10)
    one.close()
    other.close()


def test_one_process_leads_until_it_ends(url: str) -> None:
    one, other = open_store(url, Path()), open_store(url, Path())
    assert one.lead()
    assert one.lead()
    assert not other.lead()
    one.close()
    assert other.lead()
    other.close()


def test_newer_schema_is_refused_and_left_alone(url: str) -> None:
    open_store(url, Path()).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE mahakam.version SET n = 999")
        with pytest.raises(StoreError, match="newer Mahakam") as refused:
            open_store(url, Path())
        assert PASSWORD not in str(refused.value)
        assert connection.execute("SELECT n FROM mahakam.version").fetchall() == [(999,)]


def test_old_schema_is_brought_up_to_date_by_whoever_comes_first(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA mahakam; SET search_path = mahakam, public")
        connection.execute("CREATE TABLE version (n integer NOT NULL); INSERT INTO version VALUES (1)")
        connection.execute(steps()[1])
        connection.execute("INSERT INTO entity (id, times, body) VALUES ('urn:old', '[null,null]', %s)",
                           (b'{"id":"urn:old","type":"T"}',))  # fmt: skip
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: open_store(url, Path()), range(4)))
    assert stores[0].tenant().info()["version"] == max(steps())
    assert stores[3].tenant().document("urn:old") == {"id": "urn:old", "type": "T"}
    for store in stores:
        store.close()


@pytest.mark.fault("a disk that is full", "the write is refused, the store stays as it was")
def test_a_full_disk_is_said_as_that(postgres: PostgresServer) -> None:
    opened = open_store(postgres.new_database(), Path())

    def fill(transaction: Any) -> None:
        transaction._execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$")

    with pytest.raises(StoreFull, match="the disk is full: nothing was written"):
        opened.tenant().write(fill)
    opened.tenant().write(lambda transaction: put(transaction, "urn:after"))
    assert opened.tenant().size() == 1
    opened.close()


def test_errors_name_the_server_and_not_the_password(postgres: PostgresServer) -> None:
    for wrong in (postgres.url_of("nowhere"), f"postgresql://u:{PASSWORD}@127.0.0.1:9/x?password={PASSWORD}"):
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1") as refused:
            open_store(wrong, Path())
        assert PASSWORD not in str(refused.value)


def test_queries_go_to_the_replica_once_it_has_what_was_written(durable: PostgresServer) -> None:
    url = durable.new_database()
    store = open_store(url, Path(), durable.follower())
    tenant = store.tenant()
    assert isinstance(tenant, PostgresEntities)
    replica = tenant._replica
    assert replica is not None
    for number in range(20):
        tenant.write(lambda transaction, number=number: put(transaction, f"urn:{number}"))
        assert tenant.count(s.Selection()) == number + 1
    end = time.monotonic() + 120
    while replica.all("SELECT pg_is_in_recovery()", ()) != [(True,)]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert tenant.count(s.Selection()) == 20
    durable.stop_follower()
    assert tenant.count(s.Selection()) == 20
    store.close()
