"""Servers under measurement: started, watched through /proc, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

_FLOOR = """
from granian import Granian
from granian.constants import Interfaces, Loops, RuntimeModes
Granian("bench.broker.floor:application", factory=True, address="127.0.0.1", port={port}, workers=1,
        interface=Interfaces.ASGI, loop=Loops.auto, runtime_mode=RuntimeModes.st,
        websockets=False, log_enabled=False).serve()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server process with one worker; CPU and memory are the worker's."""

    def __init__(self, command: list[str], port: int, path: str, **environment: str) -> None:
        self.port = port
        started = time.perf_counter()
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                    answer.read()
                break
            except OSError:
                if self.process.poll() is not None or time.perf_counter() - started > 30:
                    raise RuntimeError(f"did not start: {' '.join(command)}") from None
                time.sleep(0.005)
        self.start_up = time.perf_counter() - started
        self.worker = self._worker()

    def _worker(self) -> int:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[-1]) if children else self.process.pid

    def cpu(self) -> float:
        """Seconds of user and system time of the worker so far, all its threads (schedstat: nanoseconds)."""
        total = 0
        for task in Path(f"/proc/{self.worker}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def resident(self) -> int:
        """Bytes of resident memory of the worker."""
        for line in Path(f"/proc/{self.worker}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def broker(data: Path, port: int, *more: str) -> Server:
    mahakam = Path(sys.executable).parent / "mahakam"
    command = [str(mahakam), "serve", "--data", str(data), "--port", str(port), "--open"]
    command += ["--history", "off", *more]  # what the peers that the targets come from do not keep either
    return Server(command, port, "/health")


def floor(answers: Path, port: int) -> Server:
    command = [sys.executable, "-c", _FLOOR.format(port=port)]
    return Server(command, port, "/health", MAHAKAM_FLOOR=str(answers))
