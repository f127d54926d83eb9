"""A web server of an agency: documents, pages and records that change, and all that can go wrong with an answer."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.feeds import STOPS

CSV = "kode,nama,kelas,kursi,lon,lat\n" + "".join(
    ",".join(str(value) for value in stop.values()) + "\n" for stop in STOPS
)


class Portal:
    """A web server of an agency: a CSV with an ETag, pages three ways, CKAN's DataStore, and what goes wrong."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.failures = 0
        self.records: list[dict[str, Any]] = []
        self.document: Any = None
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                portal.answer(self)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.path, headers))
        path, query = urlsplit(request.path).path, parse_qs(urlsplit(request.path).query)
        at = int(query.get("offset", ["0"])[0])
        if self.failures:
            self.failures -= 1
            return self.send(request, 503, b"busy")
        if path == "/stops.csv":
            if headers.get("if-none-match") == '"v1"':
                return self.send(request, 304, b"")
            return self.send(request, 200, CSV.encode(), ("ETag", '"v1"'), ("Content-Type", "text/csv"))
        if path == "/secret":
            right = headers.get("authorization") == "Bearer the-key-of-the-town"
            return self.send(
                request,
                200 if right else 401,
                json.dumps(STOPS).encode(),
                ("Content-Type", "application/json"),
            )
        if path == "/offset":
            return self.json(request, {"result": {"items": STOPS[at : at + 3]}})
        if path == "/linked":
            more = (
                (("Link", f'<{self.url}/linked?offset={at + 3}>; rel="next"'),) if at + 3 < len(STOPS) else ()
            )
            return self.send(request, 200, json.dumps(STOPS[at : at + 3]).encode(), *more)
        if path == "/api/3/action/datastore_search" and query.get("resource_id") == ["halte"]:
            return self.json(request, {"success": True, "result": {"records": STOPS[at : at + 3]}})
        if path == "/changes":
            since = query.get("updated_after", ["1970-01-01T00:00:00Z"])[0]
            found = [one for one in self.records if _moment(one["ubah"]) >= _moment(since)]
            return self.json(request, {"items": found[at : at + 3]})
        if path == "/other.csv":
            if headers.get("if-none-match"):
                return self.send(request, 304, b"")
            return self.send(request, 200, CSV.encode(), ("ETag", '"v1"'))
        if path == "/vehicle-positions":
            body = self.document.SerializeToString()
            return self.send(request, 200, body, ("Content-Type", "application/x-protobuf"))
        if path == "/cut":
            return self.cut(request)
        if path == "/loop":
            return self.json(request, {"items": STOPS[:1], "next": "/loop"})
        if path == "/away":
            return self.send(request, 302, b"", ("Location", "http://localhost:1/x"))
        return self.send(request, 404, b"")

    def cut(self, request: BaseHTTPRequestHandler) -> None:
        """An answer that ends in the middle of what its length promises."""
        request.send_response(200)
        request.send_header("Content-Length", str(len(CSV)))
        request.end_headers()
        request.wfile.write(CSV.encode()[:100])
        request.close_connection = True

    def json(self, request: BaseHTTPRequestHandler, value: Any) -> None:
        self.send(request, 200, json.dumps(value).encode(), ("Content-Type", "application/json"))

    def send(
        self, request: BaseHTTPRequestHandler, status: int, body: bytes, *headers: tuple[str, str]
    ) -> None:
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text) if text[:1].isdigit() else datetime.now(UTC)
