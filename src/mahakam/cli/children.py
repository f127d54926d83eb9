"""Nodes as processes of their own: started, waited for, watched, and ended together."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from mahakam.cli.program import program_path
from mahakam.config import Settings

START = 120.0
"""Seconds in which a node must answer."""
END = 20.0
"""Seconds that a node has to finish its writes before it is killed."""
LOOK = 0.5
"""Seconds between looks at whether all still run."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Child:
    """One node: what it is called, what it is started with, and its process once it runs.

    What it prints goes to ``log``. It leads a process group of its own, so that Ctrl-C reaches only who started it, and
    none of its workers outlives it.
    """

    title: str
    settings: Settings
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        return self.settings.data / "server.log"

    @property
    def command(self) -> tuple[str, ...]:
        """What starts it."""
        settings = self.settings
        configured = (part for path in settings.config for part in ("--config", str(path)))
        return (
            str(program_path()),
            "serve",
            "--data",
            str(settings.data),
            "--port",
            str(settings.port),
            *configured,
        )

    def start(self) -> None:
        """Raises ClickException if the program cannot be started."""
        try:
            with self.log.open("wb") as log:
                self.process = subprocess.Popen(
                    self.command,
                    env=os.environ | self.settings.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise click.ClickException(f"{self.title} cannot be started: {error}") from error

    def ended(self) -> str:
        """How it ended, in words; "" while it runs."""
        code = self.process.poll() if self.process else None
        if code is None:
            return ""
        self.kill()  # a worker whose server is gone would answer on
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

    def kill(self) -> None:
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def last_words(self) -> str:
        """The end of what it printed."""
        with contextlib.suppress(OSError):
            return self.log.read_text("utf-8", "replace")[-2000:].strip()
        return ""

    def answers(self) -> bool:
        asking = http.client.HTTPConnection(self.settings.host, self.settings.port, timeout=5)
        try:
            asking.request("GET", "/health")
            return asking.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asking.close()


@contextlib.contextmanager
def started(children: Sequence[Child]) -> Iterator[None]:
    """All of them running and answering; at the end, however it comes, none of them runs. SIGINT, SIGTERM and SIGHUP
    are a KeyboardInterrupt meanwhile.

    Raises ClickException with a node's own words if it ends before it answers, or takes too long.
    """
    before = {number: signal.signal(number, _interrupt) for number in _ENDING}
    try:
        for child in children:
            child.start()
        until = time.monotonic() + START
        for child in children:
            while not child.answers():
                how = child.ended()
                if how or time.monotonic() > until:
                    said = how or f"did not answer within {START:.0f} s"
                    raise click.ClickException(f"{child.title} {said}:\n{child.last_words()}")
                time.sleep(0.1)
        yield
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # pressed once more it may not leave half of them running
        end(children)
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def watch(children: Sequence[Child], gone: Callable[[Child, str], None]) -> None:
    """Return when none runs any more; ``gone`` is told of each that ends, and how. The others go on."""
    running = list(children)
    while running:
        for child in running[:]:
            how = child.ended()
            if how:
                running.remove(child)
                gone(child, how)
        time.sleep(LOOK)


def end(children: Sequence[Child]) -> None:
    """Ask all to end, wait until they have, and kill what has not within END seconds."""
    for child in children:
        if child.process and child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)
    until = time.monotonic() + END
    for child in children:
        if child.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, until - time.monotonic()))
            child.kill()
            child.process.wait()
