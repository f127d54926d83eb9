"""A node killed in the midst of writes and deliveries: no notification of an acknowledged write is lost."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.node import RunningNode
from support.notify import Receiver, until

ROUNDS = 6


@pytest.mark.fault(
    "a server that notifies, kill -9, its receiver failing too",
    "no notification; the last value of each entity last",
    times=6,
)
def test_nothing_owed_is_lost_by_kill_9(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each acknowledged write is heard of at least once; the last value of every entity comes after the others."""
    monkeypatch.setenv("MAHAKAM_PRIVATE_ADDRESSES", "1")
    acknowledged: dict[str, int] = {}
    with Receiver() as receiver:
        for turn in range(ROUNDS):
            with RunningNode(tmp_path / "data", open=True) as node, _client(node) as client:
                if not turn:
                    _subscribe(client, receiver.uri)
                    for number in range(20):
                        _write(client, number, 0, acknowledged, create=True)
                receiver.refuse = 3 if turn % 2 else 0  # and the receiver fails now and then
                enough = len(acknowledged) + 30 + 7 * turn
                killer = threading.Thread(target=_kill_when, args=(node.pid, acknowledged, enough))
                killer.start()
                value = max(acknowledged.values()) + 1000
                try:
                    while True:
                        for number in range(20):
                            value += 1
                            _write(client, number, value, acknowledged)
                except httpx.TransportError:
                    killer.join()
        receiver.refuse = 0
        with RunningNode(tmp_path / "data", open=True) as node:
            until(lambda: _heard(receiver, acknowledged))
            answer = httpx.get(f"{node.url}/ngsi-ld/v1/subscriptions/urn:s:1").json()
            assert answer["notification"]["timesSent"] >= len(acknowledged)
            assert httpx.get(f"{node.url}/ngsi-ld/v1/subscriptions/urn:s:1/deadLetters").json() == []
    assert len(acknowledged) > 100
    firsts: dict[str, list[int]] = {}
    seen: set[str] = set()
    for one in receiver.got:
        if one["id"] not in seen:  # what comes a second time has the id that it had
            seen.add(one["id"])
            firsts.setdefault(one["data"][0]["id"], []).append(one["data"][0]["n"])
    for values in firsts.values():
        assert values == sorted(values)


def test_a_node_that_another_worker_serves_still_delivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With three workers one of them delivers, whichever took the write or the subscription."""
    monkeypatch.setenv("MAHAKAM_PRIVATE_ADDRESSES", "1")
    with (
        Receiver() as receiver,
        RunningNode(tmp_path / "data", open=True, workers=3) as node,
        _client(node) as client,
    ):
        _subscribe(client, receiver.uri)
        acknowledged: dict[str, int] = {}
        for number in range(60):
            _write(client, number, number, acknowledged, create=True)
        until(lambda: _heard(receiver, acknowledged))


def _client(node: RunningNode) -> httpx.Client:
    return httpx.Client(base_url=f"{node.url}/ngsi-ld/v1", timeout=120)


def _subscribe(client: httpx.Client, uri: str) -> None:
    payload = {
        "id": "urn:s:1",
        "type": "Subscription",
        "entities": [{"type": "Counter"}],
        "notification": {"format": "simplified", "endpoint": {"uri": uri, "cooldown": 50}},
    }
    assert client.post("/subscriptions", json=payload).status_code == 201


def _write(
    client: httpx.Client, number: int, value: int, acknowledged: dict[str, int], *, create: bool = False
) -> None:
    id = f"urn:x:{number}"
    if create:
        document: dict[str, Any] = {"id": id, "type": "Counter", "n": value}
        answer = client.post("/entities", json=document)
    else:
        answer = client.patch(f"/entities/{id}", json={"n": value})
    assert answer.status_code in (201, 204), answer.text
    acknowledged[f"{id} {value}"] = value


def _heard(receiver: Receiver, acknowledged: dict[str, int]) -> bool:
    got = {f"{one['data'][0]['id']} {one['data'][0]['n']}" for one in list(receiver.got)}
    return got.issuperset(acknowledged)


def _kill_when(pid: int, acknowledged: dict[str, int], enough: int) -> None:
    """In the midst of the writes and deliveries that follow so many acknowledged ones."""
    until(lambda: len(acknowledged) >= enough)
    os.killpg(pid, signal.SIGKILL)
