"""Several processes deliver what one store owes: each its part, killed under load, and who comes and goes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import psycopg
import pytest

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.broker.notifier import Notifier
from mahakam.broker.part import NoPart, SharedPart
from mahakam.broker.tally import added
from mahakam.store.opening import open_store
from mahakam.store.protocol import Transaction
from support.node import MAHAKAM, RunningNode
from support.notify import QUICK, Receiver, entity, subscription, until
from support.postgres import PostgresServer

ENTITIES = 40


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    url = postgres.new_database()
    yield url
    postgres.give_back(url)


class Deliverer:
    """``mahakam deliver`` as a process."""

    def __init__(self, url: str, data: Path) -> None:
        self._arguments = [MAHAKAM, "deliver", "--store", url, "--data", str(data), "--private-addresses"]

    def __enter__(self) -> Deliverer:
        self.process = subprocess.Popen(self._arguments, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        assert "delivers" in self.process.stderr.readline()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(60)


def owners(url: str) -> dict[int, int]:
    """How many shares each process has that has any."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT owner, count(*) FROM mahakam.notifier_share GROUP BY 1").fetchall()
        return dict(found)


async def changes(url: str, rounds: int, start: int) -> None:
    """Each entity set to the numbers from ``start`` on, one after the other; every change acknowledged."""
    async with httpx.AsyncClient(timeout=120) as http:

        async def one(number: int) -> None:
            for value in range(start, start + rounds):
                answer = await http.patch(
                    f"{url}/ngsi-ld/v1/entities/urn:x:{number}/attrs",
                    json={"n": {"type": "Property", "value": value}},
                )
                assert answer.status_code == 204, answer.text

        await asyncio.gather(*(one(number) for number in range(ENTITIES)))


def heard(receiver: Receiver) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for one in list(receiver.got):
        for told in one["data"]:
            found.setdefault(told["id"], []).append(told["n"])
    return found


def firsts(values: list[int]) -> list[int]:
    return list(dict.fromkeys(values))


@pytest.mark.fault(
    "one of several processes that deliver, kill -9", "no notification, nor their order", times=3
)
def test_processes_that_deliver_are_killed_under_load(url: str, tmp_path: Path, receiver: Receiver) -> None:
    """Three times one of two is killed and another one comes; each change of each entity is heard, in its order."""
    environment = {"MAHAKAM_STORE": url, "MAHAKAM_DELIVER": "off"}
    with RunningNode(tmp_path, open=True, private_addresses=True, environment=environment) as node:
        made = [
            {"id": f"urn:x:{number}", "type": "Sensor", "n": {"type": "Property", "value": 0}}
            for number in range(ENTITIES)
        ]
        httpx.post(f"{node.url}/ngsi-ld/v1/entityOperations/create", json=made).raise_for_status()
        payload = {
            "id": "urn:s:1", "type": "Subscription", "entities": [{"type": "Sensor"}],
            "notification": {"format": "simplified", "endpoint": {"uri": receiver.uri}},
        }  # fmt: skip
        httpx.post(f"{node.url}/ngsi-ld/v1/subscriptions", json=payload).raise_for_status()
        running = [Deliverer(url, tmp_path).__enter__(), Deliverer(url, tmp_path).__enter__()]
        try:
            until(lambda: sorted(owners(url).values()) == [32, 32])
            for turn in range(3):
                before = len(receiver.got)
                under_load = _in_thread(changes(node.url, 15, 1 + turn * 15))
                until(lambda before=before: len(receiver.got) > before + 50)
                running.pop(0).process.kill()
                running.append(Deliverer(url, tmp_path).__enter__())
                under_load.join()
            values = list(range(1, 46))
            until(lambda: all(set(values) <= set(of) for of in heard(receiver).values()))
            until(lambda: sorted(owners(url).values()) == [32, 32])
        finally:
            for one in running:
                one.__exit__(None, None, None)
        store = open_store(url, tmp_path)
        assert store.tenant().owing() == []
        assert store.tenant().count_dead() == 0
        store.close()
    found = heard(receiver)
    assert len(found) == ENTITIES
    for of in found.values():
        assert firsts(of) == values
        assert of[-1] == values[-1]


def _in_thread(work: Any) -> Any:
    import threading

    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failed.append(error)

    class Checked(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            super().join(timeout)
            assert not failed, failed

    thread = Checked(target=run)
    thread.start()
    return thread


def test_each_worker_delivers_a_part_and_the_counters_are_one(
    url: str, tmp_path: Path, receiver: Receiver
) -> None:
    """``mahakam serve --workers 2``: nothing twice, and a subscription's counters are those of both."""
    environment = {"MAHAKAM_STORE": url}
    with RunningNode(tmp_path, open=True, private_addresses=True, workers=2, environment=environment) as node:
        until(lambda: sorted(owners(url).values()) == [32, 32])
        payload = {
            "id": "urn:s:1", "type": "Subscription", "entities": [{"type": "Sensor"}],
            "notification": {"format": "simplified", "endpoint": {"uri": receiver.uri}},
        }  # fmt: skip
        httpx.post(f"{node.url}/ngsi-ld/v1/subscriptions", json=payload).raise_for_status()
        made = [
            {"id": f"urn:x:{number}", "type": "Sensor", "n": {"type": "Property", "value": 0}}
            for number in range(ENTITIES)
        ]
        httpx.post(f"{node.url}/ngsi-ld/v1/entityOperations/create", json=made).raise_for_status()
        asyncio.run(changes(node.url, 5, 1))
        until(lambda: len(receiver.got) == ENTITIES * 6)

        def status() -> dict[str, Any]:
            return httpx.get(f"{node.url}/ngsi-ld/v1/subscriptions/urn:s:1").json()["notification"]

        until(lambda: status().get("timesSent") == ENTITIES * 6)
        listed = httpx.get(f"{node.url}/ngsi-ld/v1/subscriptions").json()
        assert listed[0]["notification"]["timesSent"] == ENTITIES * 6
    assert all(of == [0, 1, 2, 3, 4, 5] for of in heard(receiver).values())
    store = open_store(url, tmp_path)
    counted = {
        kind: store.tenant().record(kind, "urn:s:1")
        for kind in ("subscription-status", "subscription-status 1")
    }
    assert all(counted.values())
    Broker(store, NoContracts(), {}).subscriptions.delete("urn:s:1")
    assert [store.tenant().record(kind, "urn:s:1") for kind in counted] == [None, None]
    store.close()


def test_what_was_not_given_a_sign_of_life_for_sends_nothing_more(
    url: str, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is out of reach: others may have the shares before this process knows, so it stops by its clock."""
    monkeypatch.setattr("mahakam.broker.part.LEASE", 4.0)
    store = open_store(url, tmp_path)
    broker = Broker(store, NoContracts(), {})
    broker.subscriptions.create(subscription(receiver.uri))
    division = store.division()
    assert division is not None
    part = SharedPart(division)
    receiver.slow = 0.2

    def owe(transaction: Transaction) -> None:
        for number in range(200):
            transaction.owe("urn:s:1", "urn:x:1", b'{"id":"urn:n:%d","data":[]}' % number)

    store.tenant().write(owe)
    notifier = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK, part=part)
    notifier.start()
    until(lambda: part.beat() or receiver.got)
    until(lambda: not part.shares())
    time.sleep(2)  # what was under way
    before = len(receiver.got)
    time.sleep(2)
    assert len(receiver.got) == before < 200
    assert store.tenant().owing() == ["urn:s:1"]
    receiver.slow = 0
    until(lambda: part.beat() or not store.tenant().owing())  # nobody else has come
    assert [one["id"] for one in receiver.got] == [f"urn:n:{number}" for number in range(200)]
    notifier.stop()
    part.stop()
    store.close()


def test_who_has_no_part_delivers_nothing_but_owes_what_is_due(
    url: str, tmp_path: Path, receiver: Receiver
) -> None:
    store = open_store(url, tmp_path)
    broker = Broker(store, NoContracts(), {})
    notifier = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK, part=NoPart())
    notifier.start()
    broker.create(entity())
    broker.subscriptions.create(subscription(receiver.uri, timeInterval=0.2))
    until(lambda: len(store.tenant().owed("urn:s:1")) > 1)
    assert receiver.got == []
    notifier.stop()
    store.close()


def test_counters_add_up_and_the_latest_failure_says_its_error() -> None:
    one = {
        "timesSent": 3,
        "timesFailed": 1,
        "lastFailure": "2026-01-02",
        "lastError": "b",
        "lastSuccess": "2026-01-03",
    }
    other = {"timesSent": 2, "timesFailed": 1, "lastFailure": "2026-01-01", "lastError": "a"}
    said = {
        "timesSent": 5,
        "timesFailed": 2,
        "lastFailure": "2026-01-02",
        "lastError": "b",
        "lastSuccess": "2026-01-03",
    }
    assert added([one, other]) == added([other, one]) == said
    assert added([]) == {}


def test_deliver_goes_with_postgresql(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAHAKAM_")}
    done = subprocess.run(
        [MAHAKAM, "deliver", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 2
    assert "postgresql://" in done.stderr
