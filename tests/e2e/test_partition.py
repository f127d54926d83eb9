"""The network between a hub and a node is cut while both work: network namespaces, with a cable between them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from mahakam.access.keys import add_key
from mahakam.store.opening import open_store
from support.node import ROOT, RunningNode
from support.notify import Receiver, until

RELAY = """
import asyncio, sys
address, port = sys.argv[1:]
async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()
async def met(reader, writer):
    there = await asyncio.open_connection("127.0.0.1", int(port))
    await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))
async def main():
    server = await asyncio.start_server(met, address, int(port))
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
WRITE = """
import json, sys, urllib.request
url, first, last, key = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
for number in range(first, last):
    entity = {"id": f"urn:here:{number}", "type": "Weather", "n": {"type": "Property", "value": number}}
    asked = urllib.request.Request(f"{url}/ngsi-ld/v1/entities?local=true", json.dumps(entity).encode(),
                                   {"content-type": "application/json", "authorization": key})
    with urllib.request.urlopen(asked, timeout=120) as answer:
        assert answer.status == 201
    print(number, flush=True)
"""


class Cable:
    """A network of its own, with a cable to this machine: ``here`` and ``there`` are its two addresses."""

    def __init__(self) -> None:
        subprocess.run([ROOT / "tools/system-packages", "iproute2"], check=True)
        self.name = f"mk{os.getpid() % 100_000}"
        net = f"10.213.{os.getpid() % 250}"
        self.here, self.there = f"{net}.1", f"{net}.2"
        self.within = ("ip", "netns", "exec", self.name)
        self._stack = ExitStack()

    def __enter__(self) -> Cable:
        if subprocess.run(["ip", "netns", "add", self.name], check=False).returncode:
            pytest.skip("this machine lets nobody make a network")
        self._stack.callback(self._ip, "netns", "del", self.name)
        self._ip(
            "link",
            "add",
            f"{self.name}a",
            "type",
            "veth",
            "peer",
            "name",
            f"{self.name}b",
            "netns",
            self.name,
        )
        self._ip("addr", "add", f"{self.here}/24", "dev", f"{self.name}a")
        self._ip("-n", self.name, "addr", "add", f"{self.there}/24", "dev", f"{self.name}b")
        self._ip("link", "set", f"{self.name}a", "up")
        for device in ("lo", f"{self.name}b"):
            self._ip("-n", self.name, "link", "set", device, "up")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def cut(self) -> None:
        self._ip("link", "set", f"{self.name}a", "down")

    def mend(self) -> None:
        self._ip("link", "set", f"{self.name}a", "up")

    def relay(self, address: str, port: int) -> str:
        """What listens on 127.0.0.1 there can be reached by the cable; its URL."""
        within = self.within if address == self.there else ()
        process = subprocess.Popen(
            [*within, sys.executable, "-c", RELAY, address, str(port)], stdout=subprocess.PIPE, text=True
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return f"http://{address}:{port}"

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True)


@pytest.fixture
def cable() -> Iterator[Cable]:
    if os.geteuid() != 0:
        pytest.skip("networks are made by root")
    with Cable() as made:
        yield made


@pytest.mark.fault("the network between a hub and a node", "no acknowledged write, no notification", times=3)
def test_a_network_that_is_cut_loses_nothing(tmp_path: Path, cable: Cable) -> None:
    """The node goes on alone and tells what it owes afterwards; what the hub says it has written is at the node."""
    hub_writes: set[str] = set()
    node_writes: set[str] = set()
    said: dict[int, int] = {}
    store = open_store("", tmp_path / "node")
    key = {"authorization": f"Bearer {add_key(store.tenant(), 'hub', ('read', 'write'))[0]}"}
    store.close()
    with (
        Receiver() as receiver,
        RunningNode(tmp_path / "hub", open=True, private_addresses=True) as hub,
        RunningNode(tmp_path / "node", private_addresses=True, within=cable.within) as node,
        httpx.Client(base_url=f"{hub.url}/ngsi-ld/v1", timeout=120) as at_hub,
    ):
        there = cable.relay(cable.there, node.port)
        heard = cable.relay(cable.here, receiver.server.server_port) + "/notify"
        registration = {
            "id": "urn:r:1", "type": "ContextSourceRegistration", "mode": "redirect", "endpoint": there,
            "information": [{"entities": [{"type": "Weather"}]}], "operations": ["redirectionOps"],
            "management": {"timeout": 1000},
            "contextSourceInfo": [{"key": "Authorization", "value": key["authorization"]}],
        }  # fmt: skip
        assert (answer := at_hub.post("/csourceRegistrations", json=registration)).status_code == 201, (
            answer.text
        )
        subscription = {
            "id": "urn:s:1", "type": "Subscription", "entities": [{"type": "Weather"}],
            "notification": {"format": "simplified", "endpoint": {"uri": heard, "timeout": 1000}},
        }  # fmt: skip
        created = httpx.post(f"{there}/ngsi-ld/v1/subscriptions", json=subscription, headers=key)
        assert created.status_code == 201, created.text

        def by_the_hub(first: int, last: int) -> None:
            for number in range(first, last):
                entity: dict[str, Any] = {"id": f"urn:hub:{number}", "type": "Weather", "n": number}
                status = at_hub.post("/entities", json=entity).status_code
                said[status] = said.get(status, 0) + 1
                if status == 201:
                    hub_writes.add(entity["id"])

        def at_the_node(first: int, last: int) -> None:
            words = [
                *cable.within,
                sys.executable,
                "-c",
                WRITE,
                node.url,
                str(first),
                str(last),
                key["authorization"],
            ]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            node_writes.update(f"urn:here:{number}" for number in done.stdout.split())

        for turn in range(3):
            by_the_hub(100 * turn, 100 * turn + 15)
            at_the_node(100 * turn, 100 * turn + 15)
            cable.cut()
            at_the_node(100 * turn + 15, 100 * turn + 40)
            by_the_hub(100 * turn + 15, 100 * turn + 18)
            cable.mend()
            until(lambda: _reachable(there))
        assert len(node_writes) == 120
        assert said[201] >= 15
        assert sum(number for status, number in said.items() if status != 201) >= 9, "what is cut off is said"
        for id in hub_writes | node_writes:
            assert (
                httpx.get(f"{there}/ngsi-ld/v1/entities/{id}?local=true", headers=key).status_code == 200
            ), id
        until(lambda: hub_writes | node_writes <= {one["data"][0]["id"] for one in list(receiver.got)})


def _reachable(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
