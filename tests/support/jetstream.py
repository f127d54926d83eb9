"""A real nats-server with JetStream on a free port of 127.0.0.1: open, with users and their subjects, or with TLS."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import nats
import orjson
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, DeliverPolicy, StreamConfig

from support.mosquitto import installed, make_certificates
from support.node import free_port

T = TypeVar("T")
USER, PASSWORD, TOKEN = "balai", "kota-42", "t0k-3n"


class Jetstream:
    """``settings``: more of its configuration. Ended and begun again on the same port with the same streams."""

    def __init__(self, folder: Path, settings: str = "", *, tls: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self.authority = folder / "ca.pem"
        self._settings = settings
        if tls:
            make_certificates(folder)
            self._settings += (
                f'\ntls {{ cert_file: "{folder}/server.pem", key_file: "{folder}/server.key" }}\n'
            )
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def __enter__(self) -> Jetstream:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        program = installed("nats-server", "/usr/sbin/nats-server", "nats-server")
        file = self.folder / "nats.conf"
        store = self.folder / "jetstream"
        file.write_text(
            f'host: "127.0.0.1"\nport: {self.port}\njetstream {{ store_dir: "{store}", max_file_store: 1G }}\n'
            + self._settings
        )
        log = (self.folder / "nats.log").open("ab")
        self._process = subprocess.Popen([program, "-c", file], stdout=log, stderr=log)
        log.close()
        until = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                asyncio.run(_answers(self.port))
                return
            assert time.monotonic() < until, (self.folder / "nats.log").read_text()
            assert self._process.poll() is None, (self.folder / "nats.log").read_text()
            time.sleep(0.05)

    def stop(self, how: int = signal.SIGTERM) -> None:
        """``how``: SIGKILL ends it without a word."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def run(self, work: Callable[[Client], Coroutine[Any, Any, T]], **options: Any) -> T:
        """What ``work`` does with a client of its own."""

        async def main() -> T:
            client = await nats.connect(self.url, allow_reconnect=False, **options)
            try:
                return await work(client)
            finally:
                await client.close()

        return asyncio.run(main())

    def add_stream(self, name: str, *subjects: str, **config: Any) -> None:
        options = {key: config.pop(key) for key in ("user", "password", "token", "tls") if key in config}

        async def work(client: Client) -> None:
            await client.jetstream().add_stream(StreamConfig(name=name, subjects=list(subjects), **config))

        self.run(work, **options)

    def publish(self, subject: str, *payloads: Any, **options: Any) -> None:
        async def work(client: Client) -> None:
            for payload in payloads:
                raw = payload if isinstance(payload, bytes) else orjson.dumps(payload)
                await client.jetstream().publish(subject, raw)

        self.run(work, **options)

    def messages(self, stream: str, **options: Any) -> list[tuple[str, dict[str, str], Any]]:
        """All that a stream has, in its order: subject, headers, JSON."""

        async def work(client: Client) -> list[tuple[str, dict[str, str], Any]]:
            js = client.jetstream()
            count = (await js.stream_info(stream)).state.messages
            if not count:
                return []
            config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
            subscription = await js.pull_subscribe("", stream=stream, config=config)
            found: list[tuple[str, dict[str, str], Any]] = []
            while len(found) < count:
                for message in await subscription.fetch(min(500, count - len(found)), timeout=60):
                    found.append((message.subject, dict(message.headers or {}), orjson.loads(message.data)))
                    await message.ack()
            return found

        return self.run(work, **options)


async def _answers(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        line = await asyncio.wait_for(reader.readline(), 5)
        if b'"jetstream":true' not in line:
            raise ConnectionError("JetStream is not there yet")
    finally:
        writer.close()
