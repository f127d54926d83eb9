"""PostgreSQL is killed under load, and its replica takes over: nothing acknowledged, nothing owed is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.node import RunningNode
from support.notify import Receiver, until
from support.postgres import PostgresServer

BEFORE, AFTER = 60, 60


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    found = PostgresServer(durable=True)
    yield found
    found.close()


class Load:
    """Clients that create entities one after the other, and note which were acknowledged."""

    def __init__(self, url: str, clients: int) -> None:
        self.acknowledged: set[str] = set()
        self.answers: dict[int, int] = {}
        self._ended = threading.Event()
        self._url = url
        self._threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(clients)]
        for one in self._threads:
            one.start()

    def end(self) -> None:
        self._ended.set()
        for one in self._threads:
            one.join()

    def more(self, number: int) -> None:
        """Wait for so many writes more."""
        aim = len(self.acknowledged) + number
        until(lambda: len(self.acknowledged) >= aim)

    def _write(self, client: int) -> None:
        with httpx.Client(base_url=self._url, timeout=120) as http:
            number = 0
            while not self._ended.is_set():
                number += 1
                id = f"urn:x:{client}:{number}"
                entity: dict[str, Any] = {
                    "id": id,
                    "type": "Counter",
                    "n": {"type": "Property", "value": number},
                }
                answer = http.post("/ngsi-ld/v1/entities", json=entity)
                self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1
                if answer.status_code == 201:
                    self.acknowledged.add(id)
                else:
                    time.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.fault(
    "PostgreSQL, kill -9; its replica takes over", "no acknowledged write, no notification", times=1
)
def test_a_replica_takes_over(tmp_path: Path, server: PostgresServer, workers: int) -> None:
    server.new_database()
    environment = {"MAHAKAM_STORE": server.synchronous_follower(), "MAHAKAM_PRIVATE_ADDRESSES": "1"}
    with (
        Receiver() as receiver,
        RunningNode(tmp_path / "data", open=True, workers=workers, environment=environment) as node,
    ):
        payload = {
            "id": "urn:s:1", "type": "Subscription", "entities": [{"type": "Counter"}],
            "notification": {"format": "simplified", "endpoint": {"uri": receiver.uri}},
        }  # fmt: skip
        answer = httpx.post(f"{node.url}/ngsi-ld/v1/subscriptions", json=payload)
        assert answer.status_code == 201, answer.text
        load = Load(node.url, 4)
        load.more(BEFORE)
        server.kill()
        until(lambda: httpx.get(f"{node.url}/ready").status_code == 503)
        server.promote_follower()
        load.more(AFTER)
        load.end()
        assert set(load.answers) <= {201, 503}, (load.answers, node.log()[-3000:])
        for id in load.acknowledged:
            assert httpx.get(f"{node.url}/ngsi-ld/v1/entities/{id}").status_code == 200, id
        assert httpx.get(f"{node.url}/ready").status_code == 200
        until(lambda: load.acknowledged <= {one["data"][0]["id"] for one in list(receiver.got)})
