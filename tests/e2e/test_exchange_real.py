"""A thousand real requests of New York's 311, as a GeoReport v2 server gives them, come in through Open311: all of
them, once, though the first round is killed at the worst moment."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.services.desk import Desk, Wanted
from mahakam.services.exchange import Exchange, Exchanged
from mahakam.services.request import utc_text
from support.georeport import GeoReport
from support.node import ROOT

DATA = ROOT / "bench/duplicates/data/nyc-311-2024-05.csv.gz"
RING = [[-74.3, 40.4], [-73.6, 40.4], [-73.6, 41.0], [-74.3, 41.0], [-74.3, 40.4]]
DIES = """
import os, signal, sys
from pathlib import Path
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.services.desk import Desk
from mahakam.services.exchange import Exchange
kept, left = Exchange._keep, [300]
def keep(self, kind, key, value):
    left[0] -= kind.startswith("exchange-pulled")
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    kept(self, kind, key, value)
Exchange._keep = keep
node = Node(Settings(data=Path(sys.argv[1]), config=(Path(sys.argv[2]),), store=sys.argv[3]))
Exchange(Desk(node.broker, node.places, node.settings.data), node.broker, node.places, node.settings.base).run()
"""


def _code(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")


def _rows() -> list[dict[str, Any]]:
    """The requests in GeoReport's words, the place as it came; some have none."""
    with gzip.open(DATA, "rt", newline="") as file:
        return [
            {
                "service_request_id": row["unique_key"],
                "status": "open",
                "service_name": row["complaint_type"],
                "service_code": _code(row["complaint_type"]),
                "description": f"{row['complaint_type']}: {row['descriptor']}",
                "requested_datetime": f"{row['created_date']}-04:00",
                "address": row["incident_address"] or row["intersection_street_1"] or None,
                "lat": float(row["latitude"]) if row["latitude"] else None,
                "long": float(row["longitude"]) if row["longitude"] else None,
                "media_url": None,
            }
            for row in csv.DictReader(file)
        ]


class City:
    """A city with New York's bounds and a service for each kind of request, and its 311 server."""

    def __init__(self, root: Path, store: str) -> None:
        self.rows = _rows()
        self.remote = GeoReport(self.rows)
        self.data, self.places = root / "data", root / "places"
        folder = self.places / "york"
        (folder / "services").mkdir(parents=True)
        boundary = {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "Polygon", "coordinates": [RING]},
        }
        (folder / "boundary.geojson").write_text(
            json.dumps({"type": "FeatureCollection", "features": [boundary]})
        )
        (folder / "city.yaml").write_text(
            "name: York\nboundary: boundary.geojson\nrequest_prefix: YRK\ntimezone: America/New_York\n"
        )
        codes = {row["service_code"]: row["service_name"] for row in self.rows}
        for code, name in codes.items():
            (folder / "services" / f"{code}.yaml").write_text(yaml.safe_dump({"name": name}))
        server = {"name": "nyc", "url": self.remote.url, "pull": {"services": {code: code for code in codes}}}
        (folder / "exchange.yaml").write_text(yaml.safe_dump({"servers": [server]}))
        self.node = Node(Settings(data=self.data, config=(self.places,), store=store))
        self.desk = Desk(self.node.broker, self.node.places, self.data)

    def round(self) -> Exchanged:
        return Exchange(self.desk, self.node.broker, self.node.places, self.node.settings.base).run()

    def killed_round(self) -> None:
        """A round in a process of its own, killed when a request is there but not yet written down as pulled."""
        argv = [sys.executable, "-c", DIES, str(self.data), str(self.places), self.node.settings.store]
        done = subprocess.run(argv, capture_output=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        store = self.node.store.tenant()  # ten minutes later
        store.write(lambda transaction: transaction.save_record("exchange-state", "running", None))


@pytest.fixture
def city(tmp_path: Path, store_url: str) -> Iterator[City]:
    made = City(tmp_path, store_url)
    yield made
    made.node.close()
    made.remote.close()


@pytest.mark.fault("a round of exchange with another city, kill -9", "no request, none twice")
def test_all_requests_of_another_city_are_there_once(city: City) -> None:
    placed = [row for row in city.rows if row["lat"] is not None]
    assert len(placed) > 900
    city.killed_round()
    before = city.desk.count(Wanted("/york"))
    assert before == 301, "the one that was sent but not written down among them"
    done = city.round()
    assert done.problems == []
    assert done.pulled == len(placed) - 300
    assert city.round().pulled == 0
    found = list(city.desk.scan(Wanted("/york")))

    def told(
        service: str, words: str, asked: str, lon: float, lat: float
    ) -> tuple[str, str, str, float, float]:
        return (
            service,
            words.strip(),
            utc_text(dt.datetime.fromisoformat(asked)),
            round(lon, 6),
            round(lat, 6),
        )

    wanted = sorted(
        told(row["service_code"], row["description"], row["requested_datetime"], row["long"], row["lat"])
        for row in placed
    )
    assert sorted(told(one.service, one.description, one.requested, *one.point) for one in found) == wanted
    assert len({one.number for one in found}) == len(placed)
