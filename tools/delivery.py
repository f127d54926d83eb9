"""What one and more processes deliver of what one store on PostgreSQL owes: a second, and their CPU time.

``python -m tools.delivery [PROCESSES …]`` prints it; tools.scale has it in docs/scale.md.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import psycopg

from mahakam.store.division import SHARES
from tools.load import MAHAKAM, cpu, database

OWED, ENTITIES = 12_000, 1_000
_BODY = (
    b'{"id":"urn:ngsi-ld:Notification:%d","type":"Notification","subscriptionId":"urn:s:1","notifiedAt":'
    b'"2026-01-01T00:00:00Z","data":[{"id":"urn:x:%d","type":"AirQualityObserved","pm10":%d}]}'
)


@dataclass(frozen=True)
class Cost:
    """Operations a second, and seconds of CPU time that one takes."""

    rate: float
    node: float
    database: float
    clients: float

    def predicted(self, workers: int, cores: float) -> float:
        """Operations a second of so many workers."""
        return min(workers / self.node, cores / (self.node + self.database + self.clients))


@contextmanager
def receiver() -> Iterator[tuple[int, int, Synchronized[int]]]:
    """A server in a process of its own that counts what is posted: its port, its pid, the count."""
    context = multiprocessing.get_context("spawn")
    port, got = context.Value("i", 0), context.Value("i", 0)
    process = context.Process(target=_receive, args=(port, got), daemon=True)
    process.start()
    while not port.value:
        time.sleep(0.01)
    try:
        yield port.value, process.pid or 0, got
    finally:
        process.terminate()
        process.join()


def _receive(port: Synchronized[int], got: Synchronized[int]) -> None:
    import asyncio

    import uvloop

    class Answering(asyncio.Protocol):
        """As little HTTP as a client that keeps its connection needs: the receiver is not what is measured."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport, self._buffer = transport, b""

        def data_received(self, data: bytes) -> None:
            self._buffer += data
            while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
                head = self._buffer[:end].lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                if len(self._buffer) < end + 4 + length:
                    return
                self._buffer = self._buffer[end + 4 + length :]
                got.value += 1
                self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")  # type: ignore[attr-defined]

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    uvloop.run(main())


def _owe(url: str, data: Path, uri: str) -> None:
    from mahakam.broker.subscriptions import Subscriptions
    from mahakam.ngsild.context import CORE
    from mahakam.ngsild.subscription import create
    from mahakam.store.opening import open_store
    from mahakam.store.protocol import Transaction

    store = open_store(url, data)
    payload = {
        "id": "urn:s:1", "type": "Subscription", "entities": [{"type": "AirQualityObserved"}],
        "notification": {"format": "simplified", "endpoint": {"uri": uri}},
    }  # fmt: skip
    made = create(payload, CORE, "2026-01-01T00:00:00Z", id="urn:s:1", context_of=lambda _: CORE)
    Subscriptions(store.tenant()).create(made)

    def owe(transaction: Transaction) -> None:
        for number in range(OWED):
            about = number % ENTITIES
            transaction.owe("urn:s:1", f"urn:x:{about}", _BODY % (number, about, number))

    # Nothing is to be sent before all is there and every process has its part.
    with psycopg.connect(url, autocommit=True) as connection:
        store.tenant().write(owe)
        connection.execute("UPDATE mahakam.outbox SET dead = 1")
    store.close()


def delivered(processes: int) -> Cost:
    """What so many processes of ``mahakam deliver`` do with what is owed."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith("MAHAKAM_")}
    with ExitStack() as stack:
        url, pid = stack.enter_context(database())
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port, receiving, got = stack.enter_context(receiver())
        _owe(url, data, f"http://127.0.0.1:{port}/")
        words: list[str | Path] = [MAHAKAM, "deliver", "--store", url, "--data", data, "--private-addresses"]
        running = [
            subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL) for _ in range(processes)
        ]
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                _await_parts(connection, processes)
                before = sum(cpu(one.pid) for one in running), cpu(pid), cpu(receiving)
                connection.execute("UPDATE mahakam.outbox SET dead = 0")
                connection.execute("SELECT pg_notify('mahakam_outbox', 'mahakam')")
                began = time.monotonic()
                while got.value < OWED:
                    if time.monotonic() > began + 600:
                        raise RuntimeError(f"{got.value} of {OWED} were delivered in ten minutes")
                    time.sleep(0.02)
                seconds = time.monotonic() - began
                after = sum(cpu(one.pid) for one in running), cpu(pid), cpu(receiving)
        finally:
            for one in running:
                one.terminate()
                one.wait(60)
    each = [(end - start) / OWED for start, end in zip(before, after, strict=True)]
    return Cost(OWED / seconds, *each)


def _await_parts(connection: psycopg.Connection[tuple[object, ...]], processes: int) -> None:
    until = time.monotonic() + 120
    while True:
        found = connection.execute("SELECT count(*) FROM mahakam.notifier_share GROUP BY owner").fetchall()
        counts = [int(str(n)) for (n,) in found]
        if len(counts) == processes and sum(counts) == SHARES and max(counts) <= -(-SHARES // processes):
            return
        if time.monotonic() > until:
            raise RuntimeError(f"the shares were not divided: {found}")
        time.sleep(0.1)


if __name__ == "__main__":
    for number in map(int, sys.argv[1:] or ("1", "2")):
        cost = delivered(number)
        print(
            f"{number}: {cost.rate:,.0f} a second; CPU of one: node {cost.node * 1e6:.0f} µs,"
            f" PostgreSQL {cost.database * 1e6:.0f} µs, receiver {cost.clients * 1e6:.0f} µs"
        )
