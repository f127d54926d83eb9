"""A hub over three nodes, each a process of its own."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.api import BASE
from support.node import RunningNode

NAMES = ("samarinda", "balikpapan", "bontang")


class Place:
    """One node and its API. Paths are below ``/ngsi-ld/v1``."""

    def __init__(self, node: RunningNode) -> None:
        self.node = node
        self.url = node.url
        self._http = httpx.Client(base_url=node.url + BASE, timeout=60)

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._http.request(method, path, **more)

    def get(self, path: str, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._http.get(path, headers=sent)

    def create(self, id: str, type: str = "Weather", **attributes: Any) -> str:
        answer = self("POST", "/entities?local=true", json={"id": id, "type": type, **attributes})
        assert answer.status_code == 201, answer.text
        return id

    def holds(self, id: str) -> bool:
        """Whether it stores an entity itself."""
        return self.get(f"/entities/{id}?local=true").status_code == 200

    def register(self, name: str, source: Place | str, **more: Any) -> str:
        """Register a source for all of type Weather, unless ``more`` says otherwise."""
        payload = {
            "id": f"urn:ngsi-ld:ContextSourceRegistration:{name}",
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Weather"}]}],
            "endpoint": source if isinstance(source, str) else source.url,
            **more,
        }
        answer = self("POST", "/csourceRegistrations", json=payload)
        assert answer.status_code == 201, answer.text
        return str(payload["id"])


class Network:
    """``hub`` and its three nodes by name; nothing is registered yet."""

    def __init__(self, hub: Place, nodes: dict[str, Place]) -> None:
        self.hub = hub
        self.nodes = nodes

    def __getitem__(self, name: str) -> Place:
        return self.nodes[name]

    def clear(self) -> None:
        for place in (self.hub, *self.nodes.values()):
            for path in ("csourceSubscriptions", "subscriptions"):
                listed = place.get(f"/{path}?limit=1000")
                for one in listed.json() if listed.status_code == 200 else ():
                    place("DELETE", f"/{path}/{one['id']}")
            for when in ("", "&timerel=after&timeAt=1970-01-01T00:00:00Z"):
                for one in place.get(f"/csourceRegistrations?idPattern=.&limit=1000{when}").json():
                    place("DELETE", f"/csourceRegistrations/{one['id']}")
            place("DELETE", "/entities?type=*&local=true")


@pytest.fixture(scope="module")
def running_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = Path(tmp_path_factory.mktemp("network"))
    with ExitStack() as stack:

        def start(name: str) -> Place:
            node = RunningNode(folder / name, open=True, private_addresses=True)
            return Place(stack.enter_context(node))

        yield Network(start("hub"), {name: start(name) for name in NAMES})


@pytest.fixture
def network(running_network: Network) -> Network:
    running_network.clear()
    return running_network


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


class Babbler(http.server.ThreadingHTTPServer):
    """Answers everything with 200 and ``body``."""

    body = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Babble(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Babbler)
        self.send_response(200)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def babbler() -> Iterator[Babbler]:
    with Babbler(("127.0.0.1", 0), _Babble) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Receiver(http.server.ThreadingHTTPServer):
    """Takes notifications; ``told`` are their bodies in the order in which they came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receive)
        self.told: list[dict[str, Any]] = []
        self.came = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/notify"

    def wait(self, number: int) -> list[dict[str, Any]]:
        """The notifications, once there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.told) >= number, 30), self.told
            return list(self.told)

    def wait_for(self, subscription: str) -> list[dict[str, Any]]:
        """The notifications, once one for a subscription is among them."""
        with self.came:
            found = self.came.wait_for(
                lambda: any(one["subscriptionId"] == subscription for one in self.told), 30
            )
            assert found, self.told
            return list(self.told)


class _Receive(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, Receiver)
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with receiver.came:
            receiver.told.append(body)
            receiver.came.notify_all()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
