"""Answers that need no event loop are given by the thread on which a request arrives, under a real granian."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.node import free_port

APPLICATION = """
import asyncio, threading
from mahakam.arriving import answer_on_arrival

released = threading.Event()

def where():
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return b"no loop"
    return b"loop"

def at_once(scope):
    if scope["path"] == "/broken":
        raise RuntimeError("a fault")
    if scope["path"] == "/release":
        released.set()
    elif scope["path"] != "/stored":
        return None
    body = where()
    return [(b"content-length", b"%d" % len(body)), (b"x-query", scope["query_string"])], body

async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/wait":
        released.wait(110)
    await send({"type": "http.response.start", "status": 202, "headers": []})
    await send({"type": "http.response.body", "body": where()})

def make():
    assert answer_on_arrival(at_once)
    return application
"""
SERVER = """
import sys
from granian import Granian
from granian.constants import Interfaces, RuntimeModes
Granian("arrivals:make", factory=True, address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.ASGI,
        runtime_mode=RuntimeModes.st, websockets=False).serve()
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("arriving")
    (folder / "arrivals.py").write_text(APPLICATION)
    (folder / "server.py").write_text(SERVER)
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "server.py", str(port)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert server.poll() is None, "the server ended"
            try:
                httpx.get(f"{address}/up", timeout=60)
                break
            except httpx.TransportError:
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(60)


def test_what_is_at_hand_is_answered_without_the_loop(url: str) -> None:
    answer = httpx.get(f"{url}/stored?a=1")
    assert (answer.status_code, answer.content, answer.headers["x-query"]) == (200, b"no loop", "a=1")


def test_all_else_goes_to_the_loop(url: str) -> None:
    for answer in (httpx.get(f"{url}/other"), httpx.post(f"{url}/other", content=b"body")):
        assert (answer.status_code, answer.content) == (202, b"loop")


def test_a_fault_leaves_the_request_to_the_loop(url: str) -> None:
    answer = httpx.get(f"{url}/broken")
    assert (answer.status_code, answer.content) == (202, b"loop")


def test_a_busy_loop_keeps_no_such_answer_waiting(url: str) -> None:
    waited: list[int] = []
    holding = threading.Thread(
        target=lambda: waited.append(httpx.get(f"{url}/wait", timeout=120).status_code)
    )
    holding.start()
    assert httpx.get(f"{url}/release", timeout=100).content == b"no loop"
    holding.join()
    assert waited == [202]
