"""The load: keep-alive connections, each with one request under way, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import time
from functools import partial
from pathlib import Path


class Connection(asyncio.Protocol):
    """Sends its requests one after the other; every answer must have the wanted status."""

    def __init__(self, requests: list[bytes], status: bytes, done: asyncio.Future[None]) -> None:
        self.requests = requests
        self.status = b"HTTP/1.1 " + status
        self.done = done
        self.at = 0
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.next()

    def next(self) -> None:
        if self.at == len(self.requests):
            self.transport.close()
            self.done.set_result(None)
        else:
            self.transport.write(self.requests[self.at])  # type: ignore[attr-defined]
            self.at += 1

    def data_received(self, data: bytes) -> None:
        self.buffer = buffer = self.buffer + data if self.buffer else data
        head = buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = buffer.lower().find(b"content-length:", 0, head)
        length = int(buffer[at + 15 : buffer.find(b"\r", at)]) if at >= 0 else 0
        if len(buffer) < head + 4 + length:
            return
        if not buffer.startswith(self.status) and not self.done.done():
            self.done.set_exception(RuntimeError(buffer[:600].decode("utf-8", "replace")))
            self.transport.close()
            return
        self.buffer = b""
        self.next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or RuntimeError("the server closed the connection"))


async def run(port: int, requests: list[bytes], concurrency: int, status: str) -> float:
    """Seconds on the wall for all of the requests."""
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    waiting = []
    for index in range(concurrency):
        done: asyncio.Future[None] = loop.create_future()
        mine = requests[index::concurrency]
        await loop.create_connection(partial(Connection, mine, status.encode(), done), "127.0.0.1", port)
        waiting.append(done)
    await asyncio.gather(*waiting)
    return time.perf_counter() - started


def main() -> None:
    """``client.py PORT FILE CONCURRENCY STATUS``: the file holds a pickled list of requests."""
    import uvloop

    port, file, concurrency, status = sys.argv[1:]
    requests = pickle.loads(Path(file).read_bytes())
    seconds = uvloop.run(run(int(port), requests, int(concurrency), status))
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
