"""Another city's GeoReport v2 server on a real port: gives rows, takes requests, refuses what it is told to."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

SPAN = dt.timedelta(days=90)


class GeoReport:
    """``rows``: its requests, the newest first; ``taken``: the fields of those that were sent to it, each a list;
    ``refuses``: whether it answers a sending with 400; ``dated``: it keeps to GeoReport's ninety days; ``xml``: it
    speaks nothing else, as GeoReport lets it."""

    def __init__(
        self, rows: list[dict[str, Any]] | None = None, *, dated: bool = False, xml: bool = False
    ) -> None:
        self.rows = rows if rows is not None else []
        self.taken: list[dict[str, list[str]]] = []
        self.refuses: Callable[[dict[str, list[str]]], bool] = lambda _fields: False
        self.dated = dated
        self.xml = xml
        there = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                self._answer(200, there._listed(query))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fields = parse_qs(body.decode())
                if there.refuses(fields):
                    self._answer(400, [{"code": "400", "description": "not like this"}])
                    return
                there.taken.append(fields)
                id = f"there-{len(there.taken)}"
                there.rows.insert(0, request(id, fields["service_code"][0], fields["description"][0]))
                self._answer(201, [{"service_request_id": id}])

            def _answer(self, status: int, rows: list[dict[str, Any]]) -> None:
                if there.xml != urlsplit(self.path).path.endswith(".xml"):
                    status, rows = 404, []
                body = _xml(rows) if there.xml else json.dumps(rows).encode()
                kind = "text/xml" if there.xml else "application/json"
                self.send_response(status)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def row(self, id: str) -> dict[str, Any]:
        return next(row for row in self.rows if row["service_request_id"] == id)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        rows = self.rows
        if ids := query.get("service_request_id", "").split(",") if query.get("service_request_id") else []:
            return [row for row in rows if row["service_request_id"] in ids]
        if self.dated:
            until = _moment(query.get("end_date", ""))
            since = _moment(query.get("start_date", "")) or (until or dt.datetime.now(dt.UTC)) - SPAN
            until = until or since + SPAN
            since = max(since, until - SPAN)
            rows = [
                row for row in rows if since <= dt.datetime.fromisoformat(row["requested_datetime"]) <= until
            ]
        page, size = int(query.get("page", "1")), int(query.get("page_size", "50"))
        return rows[(page - 1) * size : page * size]


def request(id: str, service: str, description: str, **more: Any) -> dict[str, Any]:
    """A row as GeoReport writes it, of now and open if ``more`` does not say otherwise."""
    return {
        "service_request_id": id,
        "status": "open",
        "status_notes": None,
        "service_code": service,
        "service_name": service,
        "description": description,
        "requested_datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "updated_datetime": None,
        "address": None,
        "lat": -0.42,
        "long": 117.05,
        "media_url": None,
    } | more


def _xml(rows: list[dict[str, Any]]) -> bytes:
    root = ElementTree.Element("service_requests")
    for row in rows:
        one = ElementTree.SubElement(root, "request")
        for name, value in row.items():
            ElementTree.SubElement(one, name).text = None if value is None else str(value)
    return ElementTree.tostring(root, "utf-8", xml_declaration=True)


def _moment(text: str) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
