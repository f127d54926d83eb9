"""Feeds of a SensorThings server: a real one, its pages, what is new, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mahakam.feeds.origins import Ask, sensorthings
from mahakam.feeds.parts import Parts
from support.feeds import Town
from support.sensorthings import TOKEN, SensorThings

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: level
version: 1.0.0
status: active
schema:
  - name: FloodMonitoring
    properties:
      - {name: observation, logicalType: string, required: true, primaryKey: true}
      - {name: series, logicalType: string, required: true}
      - {name: at, logicalType: timestamp, required: true}
      - {name: level, logicalType: number, required: true, logicalTypeOptions: {maximum: 20}}
"""
MAP = {"observation": "@iot.id", "series": "Datastream.name", "at": "resultTime", "level": "result"}
FEED = {
    "contract": "level",
    "map": MAP,
    "entity": {"id": "urn:ngsi-ld:FloodMonitoring:town:{observation}", "observedAt": "at"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SensorThings]:
    made = SensorThings(Path(tmp_path_factory.mktemp("sensorthings")))
    yield made
    made.close()


@pytest.fixture
def series(server: SensorThings) -> str:
    """A series of 23 observations: three pages."""
    made = server.station("Tenggarong", 117.0, -0.41)
    for hour in range(23):
        server.observe(made, f"2026-01-01T{hour:02d}:00:00Z", 1 + hour / 10)
    return made


@pytest.fixture
def asking(town: Town, server: SensorThings, monkeypatch: pytest.MonkeyPatch) -> Any:
    def ask(**options: Any) -> Town:
        headers = {"Authorization": "Bearer ${STA_TOKEN}"}
        source = {"sensorthings": {"url": server.url, "headers": headers, "wait": 0.01, **options}}
        town.write("feeds/stops.yaml", yaml.safe_dump({"source": source, **FEED}))
        return town

    monkeypatch.setenv("STA_TOKEN", TOKEN)
    town.write("contracts/level.yaml", CONTRACT)
    town.parts = Parts(town.parts.broker, town.parts.places, town.parts.data, True)
    return ask


def test_observations_page_by_page_with_their_series(asking: Any, series: str) -> None:
    town = asking(entities=f"{series}/Observations", expand="Datastream($expand=Thing)")
    run = town.run()
    assert (run.state, run.stored) == ("clean", 23), run.message
    first = next(one for one in town.documents() if one["level"]["value"] == 1)
    assert first["series"]["value"] == "Tenggarong level"
    assert first["level"]["observedAt"] == "2026-01-01T00:00:00Z"
    lineage = town.parts.store.lineage(first["id"])
    assert lineage.raw["Datastream.unitOfMeasurement.symbol"] == "m"
    assert lineage.raw["Datastream.Thing.properties.river"] == "Mahakam"
    assert not [name for name in lineage.raw if name.endswith("Link")]
    assert town.run().state == "unchanged"


def test_only_what_is_new(asking: Any, server: SensorThings, series: str) -> None:
    town = asking(entities=f"{series}/Observations", expand="Datastream", rises="resultTime")
    server.observe(series, "2026-01-01T23:00:00Z", 99)
    run = town.run()
    assert (run.stored, run.held) == (23, 1)
    assert town.run().message.startswith("nothing is newer than resultTime 2026-01-01T23:00:00")
    server.observe(series, "2026-01-01T23:00:00Z", 2)
    server.observe(series, "2026-01-02T00:00:00Z", 3)
    run = town.run()
    assert (run.read, run.stored) == (2, 2), "one of the same moment came later"
    assert [held.raw["result"] for held in town.held()] == ["99.0"]


def test_a_condition_goes_with_it(asking: Any, server: SensorThings, series: str) -> None:
    town = asking(entities=f"{series}/Observations", expand="Datastream", filter="result ge 3 or result lt 1.05",
                  rises="resultTime")  # fmt: skip
    assert town.run().read == 4
    server.observe(series, "2026-01-03T00:00:00Z", 2)
    server.observe(series, "2026-01-03T00:00:00Z", 3)
    assert town.run().read == 1


def test_places(asking: Any, server: SensorThings) -> None:
    server.station("Anggana", 117.3, -0.55)
    town = asking(entities="Things", expand="Locations", filter="name eq 'Anggana'")
    feed = yaml.safe_load((town.folder / "feeds/stops.yaml").read_text()) | {"contract": "stop"}
    at = "Locations.location"
    location = {"longitude": f"{at}.longitude", "latitude": f"{at}.latitude"}
    feed["map"] = {"code": "@iot.id", "name": "name", "location": location}
    feed["entity"] = {"id": "urn:ngsi-ld:BusStop:town:{code}"}
    town.write("feeds/stops.yaml", yaml.safe_dump(feed))
    assert town.run().held == 1, "outside the town's boundary, so it was understood"
    assert "inside" in str(town.held()[0].reasons)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"headers": {}}, "answered 401: it wants a key or password"),
        ({"headers": {"Authorization": "Bearer wrong-token"}}, "answered 401"),
        ({"url": "http://127.0.0.1:1/v1.1"}, "cannot be reached"),
        ({"filter": "nonsense"}, 'Observations answered 400: {"detail": "Bad request"}'),
        ({"page": 1000}, "answered 422"),
        ({"entities": "Observation"}, "entities: must end with one of Things"),
        ({"rises": "changed"}, "rises: must be phenomenonTime or resultTime"),
    ],
)
def test_what_goes_wrong_is_said(asking: Any, options: dict[str, Any], said: str) -> None:
    failed = asking(**options).failed()
    assert said in failed
    assert "wrong-token" not in failed


def test_an_address_that_is_no_sensorthings_server(asking: Any, server: SensorThings) -> None:
    assert "answered 404" in asking(url=server.url.replace("/sta", "/none")).failed()


def test_intervals_and_shapes(tmp_path: Path) -> None:
    """As FROST-Server gives them: an average over an hour, a thing without a place, a river's reach."""
    ask = Ask("a/b", {}, tmp_path, tmp_path, {}, lambda _: None)
    line = {"type": "LineString", "coordinates": [[117, 0], [118, 0]]}
    flat = sensorthings.flat(
        ask,
        {
            "phenomenonTime": "2026-01-01T00:00:00Z/2026-01-01T01:00:00Z",
            "resultTime": None,
            "result": [1, 2],
            "Thing@iot.navigationLink": "http://x",
            "Thing": {"name": "T", "Locations": [], "Datastreams": [{"@iot.id": 1}, {"@iot.id": 2}]},
            "FeatureOfInterest": {"feature": line},
        },
    )
    assert flat == {
        "phenomenonTime": "2026-01-01T00:00:00Z/2026-01-01T01:00:00Z",
        "phenomenonTime.start": "2026-01-01T00:00:00Z",
        "phenomenonTime.end": "2026-01-01T01:00:00Z",
        "resultTime": None, "resultTime.start": None, "resultTime.end": None,
        "result": [1, 2],
        "Thing.name": "T",
        "Thing.Datastreams": [{"@iot.id": 1}, {"@iot.id": 2}],
        "FeatureOfInterest.feature": line,
    }  # fmt: skip
