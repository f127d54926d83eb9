"""Receivers of notifications, and subscriptions and entities for them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mahakam.broker.clock import now
from mahakam.broker.notifier import Patience
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.patch import merge
from mahakam.ngsild.subscription import Subscription, create, update

QUICK = Patience(tries=3, first=0.01, most=0.02, pause=0.05)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 100


class Receiver:
    """An HTTP server that keeps what it gets; ``refuse`` is how many requests it answers with ``status`` first.

    ``slow``: seconds that each answer takes.
    """

    def __init__(self, port: int = 0) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.raw: list[bytes] = []
        self.refuse = 0
        self.status = 503
        self.slow = 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                body = json.loads(raw)
                time.sleep(receiver.slow)
                if receiver.refuse > 0:
                    receiver.refuse -= 1
                    self.send_response(receiver.status)
                else:
                    receiver.got.append(body)
                    receiver.raw.append(raw)
                    receiver.headers.append(dict(self.headers))
                    self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = _Server(("127.0.0.1", port), Handler)
        self.uri = f"http://127.0.0.1:{self.server.server_port}/notify?x=1"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def values(self) -> list[Any]:
        return [one["data"][0]["n"] for one in self.got]


def until(true: Callable[[], Any], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def subscription(
    uri: str = "http://127.0.0.1:9/x", id: str = "urn:s:1", context: Context = CORE, **members: Any
) -> Subscription:
    payload = {
        "id": id,
        "type": "Subscription",
        "entities": [{"type": "Sensor"}],
        **members,
        "notification": {
            "format": "simplified",
            **members.get("notification", {}),
            "endpoint": {"uri": uri, **members.get("endpoint", {})},
        },
    }
    at = "2020-01-01T00:00:00Z"
    return create(payload, context, at, id="urn:s:new", context_of=lambda url: Context(url, {}))


def entity(number: int = 1, value: Any = 1, type: str = "Sensor") -> dict[str, Any]:
    return {"id": f"urn:x:{number}", "type": type, "n": {"type": "Property", "value": value}}


def set_to(value: Any, name: str = "n") -> Any:
    return lambda document, at: merge(document, {name: {"type": "Property", "value": value}}, at)


def changed(**members: Any) -> Callable[[Subscription], Subscription]:
    """A change to some members of a subscription."""
    return lambda before: update(before, members, before.context, now(), context_of=lambda _: before.context)
