"""The server as a person starts it: health, signals, a taken port, several workers, kill -9."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

MAHAKAM = Path(sys.executable).parent / "mahakam"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Node:
    """A ``mahakam serve`` process in a group of its own."""

    def __init__(self, data: Path, *options: str, port: int = 0) -> None:
        self.port = port or free_port()
        command = [str(MAHAKAM), "serve", "--data", str(data), "--port", str(self.port), "--open", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            if body is None:
                connection.request(method, path)
            else:
                headers = {"content-type": "application/json"}
                connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text and b"json" in str(
                answer.headers
            ).encode() else text
        finally:
            connection.close()

    def started(self) -> Node:
        end = time.monotonic() + 120
        while True:
            try:
                if self.call("GET", "/health")[0] == 200:
                    return self
            except OSError:
                pass
            assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9 of the server and all its workers."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()


@pytest.fixture
def nodes() -> Iterator[list[Node]]:
    started: list[Node] = []
    yield started
    for node in started:
        node.kill()


def serve(nodes: list[Node], data: Path, *options: str, port: int = 0) -> Node:
    node = Node(data, *options, port=port)
    nodes.append(node)
    return node.started()


def refused(*options: str) -> str:
    done = subprocess.run([str(MAHAKAM), "serve", *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def test_empty_folder_is_a_fresh_node(nodes: list[Node], tmp_path: Path) -> None:
    node = serve(nodes, tmp_path / "new")
    status, health = node.call("GET", "/health")
    assert status == 200
    assert {"status": "ok", "store": "sqlite", "entities": 0}.items() <= health.items()
    assert node.call("GET", "/")[0] == 200
    assert node.call("GET", "/ngsi-ld/v1/types")[0] == 200
    assert node.call("GET", "/nothing/here")[0] == 404


def test_encoded_slash_stays_part_of_the_id(nodes: list[Node], tmp_path: Path) -> None:
    node = serve(nodes, tmp_path)
    for id in ("urn:a/b", "https://example.org/attrs/x?y#z"):
        assert node.call("POST", "/ngsi-ld/v1/entities", {"id": id, "type": "T", "n": 1})[0] == 201
    for encoded in ("urn:a%2Fb", "https%3A%2F%2Fexample.org%2Fattrs%2Fx%3Fy%23z"):
        assert node.call("GET", f"/ngsi-ld/v1/entities/{encoded}")[0] == 200
        assert node.call("GET", f"/ngsi-ld/v1/entities/{encoded}/attrs/n")[0] == 405


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_cleanly_with_every_write(nodes: list[Node], tmp_path: Path, ending: int) -> None:
    node = serve(nodes, tmp_path)
    for number in range(20):
        assert node.call("POST", "/ngsi-ld/v1/entities", {"id": f"urn:{number}", "type": "T"})[0] == 201
    node.process.send_signal(ending)
    assert node.process.wait(20) == 0
    assert node.process.stderr is not None
    assert "Traceback" not in node.process.stderr.read()
    again = serve(nodes, tmp_path)
    assert again.call("GET", "/health")[1]["entities"] == 20


def test_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = refused("--data", str(tmp_path), "--port", port)
    assert port in said
    assert "--port" in said
    assert "PORT" in said


def test_what_cannot_be_served_is_said(tmp_path: Path) -> None:
    port = str(free_port())
    assert "127.0.0.1" in refused("--data", str(tmp_path), "--port", port, "--open", "--host", "0.0.0.0")
    assert "sqlite:///" in refused("--data", str(tmp_path), "--port", port, "--store", "mysql://x/y")
    assert "no-such" in refused(
        "--data", str(tmp_path), "--port", port, "--config", str(tmp_path / "no-such")
    )
    (tmp_path / "mahakam.sqlite").write_text("no database " * 1000)
    assert "not a Mahakam store" in refused("--data", str(tmp_path), "--port", port)


def test_workers_share_one_store(nodes: list[Node], tmp_path: Path) -> None:
    node = serve(nodes, tmp_path, "--workers", "2")

    def create(number: int) -> int:
        return node.call("POST", "/ngsi-ld/v1/entities", {"id": f"urn:{number}", "type": "T"})[0]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(create, range(200))) == {201}
    assert {node.call("GET", "/health")[1]["entities"] for _ in range(10)} == {200}


@pytest.mark.fault("a server, kill -9", "no acknowledged write")
def test_acknowledged_creates_survive_kill(nodes: list[Node], tmp_path: Path) -> None:
    node = serve(nodes, tmp_path)
    acknowledged: list[int] = []
    stop = threading.Event()

    def create(start: int) -> None:
        for number in range(start, start + 100_000):
            try:
                if node.call("POST", "/ngsi-ld/v1/entities", {"id": f"urn:{number}", "type": "T"})[0] == 201:
                    acknowledged.append(number)
            except (OSError, ValueError):
                return
            if stop.is_set():
                return

    threads = [threading.Thread(target=create, args=(start * 1_000_000,)) for start in range(4)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 200:
        time.sleep(0.005)
    node.kill()
    stop.set()
    for thread in threads:
        thread.join()
    again = serve(nodes, tmp_path)
    for number in acknowledged:
        assert again.call("GET", f"/ngsi-ld/v1/entities/urn:{number}")[0] == 200


@pytest.mark.fault("a server, kill -9", "no notification")
def test_notification_owed_is_delivered_after_kill(nodes: list[Node], tmp_path: Path) -> None:
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    receiver_port = free_port()  # nobody listens there until the node has been killed
    node = serve(nodes, tmp_path, "--private-addresses")
    subscription = {
        "type": "Subscription", "id": "urn:s", "entities": [{"type": "T"}],
        "notification": {"endpoint": {"uri": f"http://127.0.0.1:{receiver_port}/"}},
    }  # fmt: skip
    assert node.call("POST", "/ngsi-ld/v1/subscriptions", subscription)[0] == 201
    assert node.call("POST", "/ngsi-ld/v1/entities", {"id": "urn:1", "type": "T", "n": 1})[0] == 201
    node.kill()
    receiver = ThreadingHTTPServer(("127.0.0.1", receiver_port), Handler)
    threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True).start()
    try:
        serve(nodes, tmp_path, "--private-addresses")
        end = time.monotonic() + 120
        while not got and time.monotonic() < end:
            time.sleep(0.02)
        assert [one["data"][0]["id"] for one in got] == ["urn:1"]
    finally:
        receiver.shutdown()
        receiver.server_close()
