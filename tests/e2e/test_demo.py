"""The newcomer's first ten minutes: start, look, start again, a taken port, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import apsw
import httpx
import pytest

from support.node import MAHAKAM, copy_of_demo, free_port


class Demo:
    """``mahakam demo`` as a newcomer starts it, until its pages answer."""

    def __init__(self, data: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [MAHAKAM, "demo", "--data", str(data), "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        until = time.monotonic() + 120
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(self.end(signal.SIGKILL))

    def end(self, how: signal.Signals) -> str:
        """What it printed, once it has ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        return self.process.communicate(timeout=120)[0]


def entities(data: Path) -> dict[str, bytes]:
    connection = apsw.Connection(str(data / "mahakam.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    return dict(connection.execute("SELECT id, body FROM entity"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return copy_of_demo(tmp_path / "demo")


def test_a_second_start_loads_nothing_twice_and_says_where_to_look(data: Path) -> None:
    before = entities(data)
    assert len(before) > 10_000
    demo = Demo(data, free_port())
    try:
        assert httpx.get(f"{demo.url}/cities/samarinda").status_code == 200
    finally:
        printed = demo.end(signal.SIGINT)
    assert demo.process.returncode == 0, printed
    links = re.findall(rf"{demo.url}(/\S+)", printed)
    assert len(links) >= 3
    assert ": 0 rows loaded now" in printed
    assert "Traceback" not in printed
    assert entities(data) == before


def test_ctrl_c_ends_every_process(data: Path) -> None:
    demo = Demo(data, free_port())
    group = demo.process.pid
    demo.end(signal.SIGINT)
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def test_every_link_that_it_names_answers(data: Path) -> None:
    demo = Demo(data, free_port())
    try:
        for path in ("/cities/samarinda", "/quality", "/network", "/report", "/"):
            assert httpx.get(demo.url + path).status_code == 200, path
    finally:
        demo.end(signal.SIGTERM)


def test_ctrl_c_while_loading_leaves_nothing_half_written(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    loading = subprocess.Popen(
        [MAHAKAM, "demo", "--no-serve", "--data", str(data)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert loading.stderr
    for line in loading.stderr:
        if "jakarta/air-quality" in line:
            break
    os.killpg(loading.pid, signal.SIGINT)
    printed = loading.communicate(timeout=120)[1]
    assert loading.returncode == 2
    assert "Traceback" not in printed
    stopped = entities(data)
    connection = apsw.Connection(str(data / "mahakam.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    traced = {row[0] for row in connection.execute("SELECT entity FROM lineage")}
    assert traced == set(stopped)
    subprocess.run([MAHAKAM, "demo", "--no-serve", "--data", str(data)], check=True, capture_output=True)
    assert set(entities(data)) >= set(stopped)


def test_a_taken_port_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [MAHAKAM, "demo", "--data", str(tmp_path / "demo"), "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert f"port {port}" in done.stderr
    assert "PORT=" in done.stderr
    assert not (tmp_path / "demo").exists()
