"""Real nodes for tests: a server on a free port, and the demo's data loaded once a test run."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import httpx

ROOT = Path(__file__).parents[2]
MAHAKAM = str(Path(sys.executable).with_name("mahakam"))


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def demo_data(command: str = "demo") -> Path:
    """The example cities, loaded by ``mahakam demo --no-serve`` once a test run; read only. ``command`` may be
    ``demo-network``: then it has a folder for each node.
    """
    folder = Path(os.environ["MAHAKAM_TEST_RUN"]) / command
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "loaded").exists():
            done = subprocess.run(
                [MAHAKAM, command, "--no-serve", "--data", str(folder / "data")],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(f"the demo did not load:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
            (folder / "loaded").touch()
    return folder / "data"


def copy_of_demo(to: Path, command: str = "demo") -> Path:
    """A copy of the demo's data that a test may change."""
    shutil.copytree(demo_data(command), to)
    return to


class RunningNode:
    """``mahakam serve`` on a free port, as a context manager; ended by its own process id.

    ``url`` is its address. Raises RuntimeError with what it printed if it does not answer within 30 s.
    """

    def __init__(
        self,
        data: Path,
        *,
        config: tuple[Path, ...] = (),
        open: bool = False,
        demo: bool = False,
        workers: int = 1,
        private_addresses: bool = False,
        program: str = MAHAKAM,
        environment: Mapping[str, str] | None = None,
        within: tuple[str, ...] = (),
    ) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._within = within
        self._arguments = [
            *within,
            program,
            "serve",
            "--data",
            str(data),
            "--port",
            str(self.port),
            "--workers",
            str(workers),
        ]
        for folder in config:
            self._arguments += ["--config", str(folder)]
        if open:
            self._arguments.append("--open")
        if private_addresses:
            self._arguments.append("--private-addresses")
        self._environment = os.environ | ({"MAHAKAM_DEMO": "1"} if demo else {}) | dict(environment or {})
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the node
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def log(self) -> str:
        """What the server has printed."""
        self._log.seek(0)
        return self._log.read()

    def __enter__(self) -> RunningNode:
        self._process = subprocess.Popen(
            self._arguments,
            env=self._environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        until = time.monotonic() + 120
        while time.monotonic() < until and self._process.poll() is None:
            try:
                if self._answers():
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        self.__exit__(None, None, None)
        raise RuntimeError(f"the server did not answer:\n{self.log()[-3000:]}")

    def _answers(self) -> bool:
        """``within`` is a command that runs another, e.g. in a network of its own: what it runs can ask there."""
        if not self._within:
            return httpx.get(f"{self.url}/health", timeout=2).status_code == 200
        asking = f"import urllib.request; urllib.request.urlopen('{self.url}/health', timeout=5)"
        return not subprocess.run(
            [*self._within, sys.executable, "-c", asking], capture_output=True
        ).returncode

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
