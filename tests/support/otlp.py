"""A receiver of traces: OTLP over HTTP as the specification has it, parsed by the messages of opentelemetry-proto."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Spanned:
    """A span as it was sent; ids are hexadecimal, ``parent`` is "" for none."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    failed: bool
    facts: dict[str, Any]
    events: int


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class OtlpReceiver:
    """``raw`` are the bodies as they came, ``keys`` their Authorization headers."""

    def __init__(self) -> None:
        self.spans: list[Spanned] = []
        self.raw: list[bytes] = []
        self.keys: set[str] = set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                assert self.headers["content-type"] == "application/x-protobuf"
                receiver._take(body, self.headers.get("authorization", ""))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None: ...

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> OtlpReceiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def of(self, trace: str) -> dict[str, Spanned]:
        """Name → the last span of it that came of a trace."""
        return {one.name: one for one in list(self.spans) if one.trace == trace}

    def _take(self, body: bytes, key: str) -> None:
        sent = ExportTraceServiceRequest.FromString(body)
        for resource in sent.resource_spans:
            about = {one.key: one.value.string_value for one in resource.resource.attributes}
            assert about["service.name"] == "mahakam"
            for scope in resource.scope_spans:
                self.spans += map(_spanned, scope.spans)
        self.keys.add(key)
        self.raw.append(body)


def _spanned(span: Any) -> Spanned:
    facts = {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}
    return Spanned(
        span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, span.kind,
        span.status.code == 2, facts, len(span.events),
    )  # fmt: skip
