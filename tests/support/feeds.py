"""A town with one feed over one file, on a real store: write the file, run the feed, see what the store holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.ngsild.selection import Selection
from mahakam.store.model import Held, Run

HEADER = "kode;nama;kelas;kursi;lon;lat\n"
GOOD = "A1;Pasar;kota;4;117.01;-0.41\nA2;Balai;kota;2;117.02;-0.42\nA3;Dermaga;air;3;117.03;-0.43\n"
"""Three bus stops with nothing wrong, inside the town."""
CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: stop
version: 1.0.0
status: active
schema:
  - name: BusStop
    properties:
      - {name: code, logicalType: string, required: true, primaryKey: true}
      - {name: name, logicalType: string, required: true}
      - name: kind
        logicalType: string
        quality:
          - {metric: invalidValues, arguments: {validValues: [kota, air]}, mustBe: 0, severity: error}
      - {name: seats, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 99}}
      - {name: location, logicalType: object, physicalType: geometry, required: true}
    quality:
      - {type: custom, engine: mahakam, name: inside, implementation: "inside_boundary(location)", severity: error}
      - {type: custom, engine: mahakam, name: few-seats, implementation: "seats >= 2", severity: warning}
"""
FEED = """title: {en: Bus stops, id: Halte}
source: {file: data/stops.csv}
contract: stop
map:
  code: kode
  name: nama
  kind: kelas
  seats: kursi
  location: {longitude: lon, latitude: lat}
entity: {id: "urn:ngsi-ld:BusStop:town:{code}"}
owner: Dishub
"""
SHAPES_FEED = """source: {file: data/stops.geojson}
contract: stop
map: {code: kode, name: nama, location: {geometry: true}}
entity: {id: "urn:ngsi-ld:BusStop:town:{code}"}
"""
"""The same stops from GeoJSON: a feed ``shapes``."""
STOPS = [
    {"kode": f"A{n}", "nama": f"Halte {n}", "kelas": "kota", "kursi": 3, "lon": 117.01, "lat": -0.41}
    for n in range(1, 8)
]
"""Seven stops as another system has them."""


class Town:
    """A square town of 0.1 degrees, just south of the equator; its places folder and its data folder."""

    def __init__(self, root: Path) -> None:
        self.config = root / "places"
        self.folder = self.config / "town"
        for room in ("contracts", "feeds", "data", "codes"):
            (self.folder / room).mkdir(parents=True)
        ring = [[117.0, -0.5], [117.1, -0.5], [117.1, -0.4], [117.0, -0.4], [117.0, -0.5]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        feature = {"type": "Feature", "properties": {"name": "town"}, "geometry": shape}
        self.write("boundary.geojson", json.dumps({"type": "FeatureCollection", "features": [feature]}))
        self.write("city.yaml", "name: Town\nboundary: boundary.geojson\ntimezone: Asia/Makassar\n")
        self.write("contracts/stop.yaml", CONTRACT)
        self.write("feeds/stops.yaml", FEED)
        self.write("feeds/shapes.yaml", SHAPES_FEED)
        self.data = root / "data"
        self.data.mkdir()
        self._open()

    def _open(self) -> None:
        self.node = Node(Settings(data=self.data, config=(self.config,)))
        self.parts = Parts.of(self.node)

    def reopen(self) -> None:
        """Read the configuration again."""
        self.node.close()
        self._open()

    def write(self, path: str, content: str | bytes) -> Path:
        """A file of the town's folder."""
        target = self.folder / path
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return target

    def stops(self, rows: str | bytes = GOOD) -> Path:
        """The feed's file: the header and these rows."""
        return self.write(
            "data/stops.csv", HEADER.encode() + (rows.encode() if isinstance(rows, str) else rows)
        )

    def run(self, feed: str = "stops", **more: Any) -> Run:
        return run_feed(self.parts, "town", feed, author="tester", **more)

    def failed(self, feed: str = "stops", **more: Any) -> str:
        """Run a feed that must fail, leaving the store as it was; gives its message."""
        before = self.state()
        run = self.run(feed, **more)
        assert run.state == "failed", run
        assert (run.stored, run.unchanged, run.held) == (0, 0, 0)
        assert run.message
        assert "Traceback" not in run.message
        assert self.state() == before
        recorded = self.parts.store.runs("town", feed, 1)[0]
        assert (recorded.state, recorded.message) == ("failed", run.message)
        return run.message

    def state(self) -> tuple[Any, ...]:
        """All that a failed run must leave as it was: bodies, documents, lineage, quarantine, corrections."""
        store = self.parts.store
        documents = self.documents()
        return (
            documents,
            store.bodies(Selection(), 10_000),
            [store.lineage(document["id"]) for document in documents],
            self.held(state=None),
            store.corrections(),
        )

    def documents(self) -> list[dict[str, Any]]:
        return self.parts.store.documents(Selection(), 10_000)

    def ids(self) -> list[str]:
        """The last part of every entity's id."""
        return [document["id"].rpartition(":")[2] for document in self.documents()]

    def held(self, state: Any = "held") -> list[Held]:
        return self.parts.store.held("town", state=state, limit=10_000)

    def reasons(self) -> list[set[tuple[str, str]]]:
        """(field, rule) of every reason, a set a held row."""
        return [{(reason["field"], reason["rule"]) for reason in held.reasons} for held in self.held()]

    def at(self, step: str, do: Callable[[], object]) -> Callable[[str, int, int], None]:
        """A progress callback that does something once, when a step begins."""
        waiting = [do]

        def progress(now: str, _done: int, _total: int) -> None:
            if now == step and waiting:
                waiting.pop()()

        return progress


def from_origin(town: Town, **source: Any) -> None:
    """The town's feed of stops, from somewhere else; the town's node may ask addresses of this machine."""
    feed = yaml.safe_load((town.folder / "feeds/stops.yaml").read_text())
    feed["source"] = source
    town.write("feeds/stops.yaml", yaml.safe_dump(feed))
    town.parts = Parts(town.parts.broker, town.parts.places, town.parts.data, True)
