"""A receiver in a process of its own: answers every POST with 200 and counts; ``GET`` says how many came."""

from __future__ import annotations

import asyncio
import sys


class Receiver(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as little as a receiver needs."""

    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.waiting = b""

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while True:
            head, found, rest = self.waiting.partition(b"\r\n\r\n")
            if not found:
                return
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line[15:])
            if len(rest) < length:
                return
            self.waiting = rest[length:]
            if head.startswith(b"GET"):
                text = b"%d" % Receiver.count
            else:
                Receiver.count += 1
                text = b""
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text))


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
