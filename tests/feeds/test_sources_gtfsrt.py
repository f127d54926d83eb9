"""GTFS-Realtime: messages as the official bindings write them, about a real operator's trips."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from google.transit import gtfs_realtime_pb2 as realtime

from mahakam.feeds.sources import SourceError, Table, read
from support.agency import Portal
from support.feeds import Town, from_origin
from support.real_files import ROOT

MADE = 1_760_000_000
"""2025-10-09T08:53:20Z."""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def rows(table: Table) -> list[dict[str, Any]]:
    names = table.relation.columns
    return [dict(zip(names, row, strict=True)) for row in table.relation.order("_row").fetchall()]


def message(version: str = "2.0") -> Any:
    made = realtime.FeedMessage()
    made.header.gtfs_realtime_version = version
    made.header.timestamp = MADE
    return made


def real_trips() -> list[tuple[str, str, list[tuple[int, str, float, float]]]]:
    """Trip, route and stops of a real operator: Kuala Lumpur's rapid rail; elsewhere the examples' Bogor minibuses."""
    [path] = [*ROOT.rglob("kuala-lumpur-rapid-rail-gtfs.zip")] or [*ROOT.rglob("*gtfs*.zip")][:1]
    with zipfile.ZipFile(path) as archive:

        def table(name: str) -> list[dict[str, str]]:
            return list(csv.DictReader(io.TextIOWrapper(archive.open(name), "utf-8-sig")))

        at = {
            stop["stop_id"]: (float(stop["stop_lat"]), float(stop["stop_lon"])) for stop in table("stops.txt")
        }
        times = table("stop_times.txt")
        found = []
        for trip in table("trips.txt")[:5]:
            stops = [
                (int(time["stop_sequence"]), time["stop_id"], *at[time["stop_id"]])
                for time in times
                if time["trip_id"] == trip["trip_id"]
            ]
            found.append((trip["trip_id"], trip["route_id"], stops))
    return found


def vehicles() -> Any:
    made = message()
    for number, (trip, route, stops) in enumerate(real_trips()):
        entity = made.entity.add(id=f"e{number}")
        vehicle = entity.vehicle
        vehicle.trip.trip_id, vehicle.trip.route_id = trip, route
        vehicle.vehicle.id = f"bus-{number}"
        sequence, stop, latitude, longitude = stops[number % len(stops)]
        vehicle.position.latitude, vehicle.position.longitude = latitude, longitude
        vehicle.position.bearing = 90.5
        vehicle.stop_id, vehicle.current_stop_sequence = stop, sequence
        vehicle.current_status = realtime.VehiclePosition.STOPPED_AT
        vehicle.timestamp = MADE - 20
    return made


def written(folder: Path, made: Any, name: str = "vehicles.pb") -> Path:
    path = folder / name
    path.write_bytes(made.SerializeToString())
    return path


def test_vehicle_positions(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    table = read(
        written(tmp_path, vehicles(), "positions"), connection
    )  # known by its bytes, not by its name
    assert table.info.format == "gtfsrt"
    assert table.info.notes == ["GTFS-Realtime 2.0, vehicles, made at 2025-10-09T08:53:20Z"]
    found = rows(table)
    for row, (trip, route, stops) in zip(found, real_trips(), strict=True):
        assert (row["trip_id"], row["route_id"]) == (trip, route)
        _, stop, latitude, longitude = next(each for each in stops if each[1] == row["stop_id"])
        assert row["stop_id"] == stop
        assert float(row["latitude"]) == pytest.approx(latitude, abs=1e-5)
        assert float(row["longitude"]) == pytest.approx(longitude, abs=1e-5)
        assert len(row["longitude"]) <= 10, "the digits of 32 bits, no more"
        assert (row["current_status"], row["bearing"]) == ("STOPPED_AT", "90.5")
        assert (row["timestamp"], row["feed_timestamp"]) == ("2025-10-09T08:53:00Z", "2025-10-09T08:53:20Z")
        assert row["occupancy_status"] is None, "not given is not the default"


def test_trip_updates_are_a_row_for_each_stop(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    made = message("1.0")
    (trip, route, stops), (cancelled, _, _), *_ = real_trips()
    update = made.entity.add(id="1").trip_update
    update.trip.trip_id, update.trip.route_id, update.delay = trip, route, -15
    for sequence, stop, *_ in stops[:3]:
        one = update.stop_time_update.add(stop_sequence=sequence, stop_id=stop)
        one.arrival.delay, one.departure.time = 60 * sequence, MADE + sequence
    update.stop_time_update[2].schedule_relationship = realtime.TripUpdate.StopTimeUpdate.SKIPPED
    gone = made.entity.add(id="2").trip_update.trip
    gone.trip_id, gone.schedule_relationship = cancelled, realtime.TripDescriptor.CANCELED
    made.entity.add(id="3", is_deleted=True)
    table = read(written(tmp_path, made), connection)
    found = rows(table)
    assert [(r["_line"], r["trip_id"], r["stop_id"], r["arrival_delay"]) for r in found] == [
        *((1, trip, stop, str(60 * sequence)) for sequence, stop, *_ in stops[:3]),
        (2, cancelled, None, None),
    ]
    assert [r["stop_schedule_relationship"] for r in found] == [None, None, "SKIPPED", None]
    assert (found[0]["delay"], found[3]["schedule_relationship"]) == ("-15", "CANCELED")
    assert found[0]["departure_time"].startswith("2025-10-09T08:53:2")
    assert table.left_out == {"marked as deleted": 1}


def test_alerts(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    made = message()
    alert = made.entity.add(id="a1").alert
    alert.active_period.add(start=MADE, end=MADE + 3600)
    alert.active_period.add(start=MADE + 86_400)
    alert.cause, alert.effect = realtime.Alert.WEATHER, realtime.Alert.DETOUR
    alert.header_text.translation.add(text="Banjir di Jl. A. Yani", language="id")
    alert.header_text.translation.add(text="Flood on A. Yani Street", language="en")
    for route in ("R1", "R2", "R1"):
        alert.informed_entity.add(route_id=route)
    alert.informed_entity.add(stop_id="S9").trip.trip_id = "T1"
    [row] = rows(read(written(tmp_path, made), connection))
    assert (row["cause"], row["effect"], row["header_text"]) == ("WEATHER", "DETOUR", "Banjir di Jl. A. Yani")
    assert json.loads(row["header_texts"])["en"] == "Flood on A. Yani Street"
    assert (row["routes"], row["stops"], row["trips"], row["agencies"]) == (
        '["R1", "R2"]',
        '["S9"]',
        '["T1"]',
        None,
    )
    assert (row["start"], row["end"]) == ("2025-10-09T08:53:20Z", None)
    assert len(json.loads(row["active_periods"])) == 2


def test_several_kinds_in_one_message(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    made = vehicles()
    made.entity.add(id="a").alert.effect = realtime.Alert.NO_SERVICE
    path = written(tmp_path, made)
    with pytest.raises(SourceError, match="holds 5 vehicles, 1 alerts; say which with records"):
        read(path, connection)
    assert len(rows(read(path, connection, records="vehicles"))) == 5
    assert [row["effect"] for row in rows(read(path, connection, records="alerts"))] == ["NO_SERVICE"]
    nothing = read(path, connection, records="trips")
    assert rows(nothing) == []
    assert "arrival_delay" in nothing.columns, "as the map of a feed names it, whatever this message holds"
    with pytest.raises(SourceError, match="records: must be vehicles or trips or alerts, not 'buses'"):
        read(path, connection, records="buses")


def test_packed(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "vehicles.pb.gz"
    path.write_bytes(gzip.compress(vehicles().SerializeToString()))
    assert len(rows(read(path, connection))) == 5


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (vehicles().SerializeToString()[:-5], "is no GTFS-Realtime message, or was cut off"),
        (
            message().SerializeToString(),
            "holds no vehicles, no trips, no alerts; pin records if it is empty at times",
        ),
        (b"route,trip\n1,2\n", "is named like GTFS-Realtime but is no such message"),
        (b"<html><body>Log in</body></html>", "is an HTML page"),
    ],
)
def test_what_is_no_message_is_said(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, body: bytes, said: str
) -> None:
    path = tmp_path / "vehicles.pb"
    path.write_bytes(body)
    with pytest.raises(SourceError, match=said):
        read(path, connection)


FEED = """contract: bus
map:
  vehicle: vehicle_id
  trip: trip_id
  status: current_status
  location: {longitude: longitude, latitude: latitude}
  seen: timestamp
entity: {id: "urn:ngsi-ld:Vehicle:town:{vehicle}", observedAt: seen}
"""
CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: bus
version: 1.0.0
status: active
schema:
  - name: Vehicle
    properties:
      - {name: vehicle, logicalType: string, required: true, primaryKey: true}
      - {name: trip, logicalType: string}
      - {name: status, logicalType: string}
      - {name: location, logicalType: object, physicalType: geometry, required: true}
      - {name: seen, logicalType: timestamp, required: true}
"""


def test_a_feed_of_vehicles_by_http(town: Town) -> None:
    """Minute by minute: a vehicle moves, one goes out of service, and at night there is none."""
    portal = Portal()
    try:
        town.write("contracts/bus.yaml", CONTRACT)
        feed = yaml.safe_load(FEED)
        feed["source"] = {"http": {"url": f"{portal.url}/vehicle-positions"}, "records": "vehicles"}
        town.write("feeds/stops.yaml", yaml.safe_dump(feed))
        from_origin(town, **feed["source"])
        portal.document = vehicles()
        first = town.run()
        assert (first.state, first.stored) == ("clean", 5), first.message
        portal.document.entity[0].vehicle.position.latitude += 0.01
        portal.document.entity[0].vehicle.timestamp += 60
        del portal.document.entity[4]
        second = town.run()
        assert (second.stored, second.unchanged) == (1, 3)
        moved = town.documents()[0]
        assert moved["status"]["observedAt"] == "2025-10-09T08:54:00Z"
        del portal.document.entity[:]
        assert (town.run().state, len(town.ids())) == ("clean", 5)
    finally:
        portal.close()
