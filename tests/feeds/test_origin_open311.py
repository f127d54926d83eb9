"""Feeds of an Open311 server: another city's node, its requests by date, what changed, and what it refuses."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.parts import Parts
from mahakam.services.desk import Desk
from mahakam.services.queue import build_lists
from mahakam.services.request import Draft
from support.feeds import Town
from support.node import RunningNode
from support.portal import TOWN, two_cities

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: report
version: 1.0.0
status: active
schema:
  - name: IssueReporting
    properties:
      - {name: number, logicalType: string, required: true, primaryKey: true}
      - {name: status, logicalType: string, required: true}
      - {name: service, logicalType: string, required: true}
      - {name: location, logicalType: object, physicalType: geometry, required: true}
      - {name: made, logicalType: timestamp, required: true}
"""
FEED = {
    "contract": "report",
    "map": {
        "number": "service_request_id",
        "status": "status",
        "service": "service_code",
        "location": {"longitude": "long", "latitude": "lat"},
        "made": "requested_datetime",
    },
    "entity": {"id": "urn:ngsi-ld:IssueReporting:other:{number}", "observedAt": "made"},
}
LAST = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(hours=1)


class Narrow:
    """The way to a server that gives only ``most`` requests to an answer; ``asked``: the spans that were asked for."""

    def __init__(self, server: str, most: int) -> None:
        self.asked: list[dict[str, str]] = []
        narrow = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                narrow.asked.append(query)
                answer = httpx.get(
                    server + urlsplit(self.path).path, params={**query, "page_size": str(most)}, timeout=60
                )
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers["content-type"])
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/open311"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Other:
    """Another city's node, whose answers give ten requests at most."""

    def __init__(self, root: Path) -> None:
        places = two_cities(root / "places")
        self.node = Node(Settings(data=root / "data", config=(places,)))
        self.desk = Desk(self.node.broker, self.node.places, root / "data")
        # Not when the running node comes to it: the order of its answers would change.
        build_lists(self.node.broker)
        self.running = RunningNode(root / "data", config=(places,))
        self.running.__enter__()
        self.narrow = Narrow(self.running.url, 10)

    def send(self, at: dt.datetime, service: str = "pothole") -> str:
        draft = Draft(place="town", service=service, point=TOWN, description="A hole", address="")
        return self.desk.send(draft, at).number

    def close(self) -> None:
        self.narrow.close()
        self.running.__exit__(None, None, None)
        self.node.close()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Other]:
    made = Other(Path(tmp_path_factory.mktemp("other")))
    for number in range(35):  # most of them in the last days, as it is
        made.send(LAST - dt.timedelta(minutes=number**3))
    made.send(LAST - dt.timedelta(days=200))
    yield made
    made.close()


@pytest.fixture
def asking(town: Town, other: Other) -> Any:
    def ask(**options: Any) -> Town:
        source = {
            "open311": {"url": other.narrow.url, "page": 10, "wait": 0.01, "jurisdiction": "town", **options}
        }
        town.write("feeds/stops.yaml", yaml.safe_dump({"source": source, **FEED}))
        return town

    town.write("contracts/report.yaml", CONTRACT)
    town.parts = Parts(town.parts.broker, town.parts.places, town.parts.data, True)
    other.narrow.asked.clear()
    return ask


def test_all_requests_though_an_answer_gives_ten(asking: Any, other: Other) -> None:
    town = asking()
    run = town.run()
    assert (run.state, run.stored) == ("clean", 35), run.message
    spans = [(each["start_date"], each["end_date"]) for each in other.narrow.asked]
    assert 4 < len(spans) == len(set(spans)) < 40
    assert town.run().state == "unchanged"


def test_since_a_day(asking: Any, other: Other) -> None:
    town = asking(**{"from": f"{LAST - dt.timedelta(days=300):%Y-%m-%d}"})
    assert town.run().stored == 36
    longest = max(
        dt.datetime.fromisoformat(each["end_date"]) - dt.datetime.fromisoformat(each["start_date"])
        for each in other.narrow.asked
    )
    assert longest == dt.timedelta(days=90), "what the standard lets a question span"


def test_services_and_status(asking: Any, other: Other) -> None:
    other.send(LAST - dt.timedelta(days=1), "street-light")
    town = asking(services=["street-light"], status="open")
    assert town.run().stored == 1
    assert {one["service"]["value"] for one in town.documents()} == {"street-light"}


def test_only_what_changed(asking: Any, other: Other) -> None:
    town = asking(updated=True, **{"from": f"{LAST - dt.timedelta(days=300):%Y-%m-%d}"})
    before = town.run().stored
    number = town.ids()[0]
    other.narrow.asked.clear()
    nothing = town.run()
    assert nothing.message.startswith("nothing is newer than updated_datetime")
    assert len(other.narrow.asked) == 1
    other.desk.step(number, 1, "answered", "Filled.", "Dinas PU", "siti")
    run = town.run()
    assert (run.read, run.stored) == (1, 1)
    assert len(town.ids()) == before
    changed = next(one for one in town.documents() if one["id"].endswith(number))
    assert changed["status"]["value"] == "closed"


def test_more_in_a_second_than_an_answer_gives(asking: Any, other: Other) -> None:
    at = LAST - dt.timedelta(days=400)
    for _ in range(11):
        other.send(at, "street-light")
    town = asking(services="street-light", **{"from": f"{at:%Y-%m-%d}"})
    assert "gives 10 requests of the second" in town.failed()
    assert town.ids() == [], "not some of them"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://127.0.0.1:1/open311"}, "cannot be reached"),
        ({"jurisdiction": "atlantis"}, "answered 404"),
        ({"from": "yesterday"}, "'yesterday' is no moment, as 2026-01-31"),
        ({"status": "late"}, "status is open, closed or both"),
        ({"key": "${OPEN311_KEY}"}, "needs the secret OPEN311_KEY"),
    ],
)
def test_what_goes_wrong_is_said(asking: Any, options: dict[str, Any], said: str) -> None:
    assert said in asking(**options).failed()


def test_an_address_that_is_something_else(asking: Any, other: Other) -> None:
    assert "a request has no service_request_id; it has number" in asking(url=other.running.url).failed()
