"""GTFS-Realtime: vehicle positions, trip updates or alerts of a protocol-buffer message, under the reference's names.

https://gtfs.org/documentation/realtime/reference/
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mahakam.feeds.sources import records
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.model import Pins, SourceError, SourceInfo, Table

if TYPE_CHECKING:
    import duckdb

MAX_BYTES = 256 * 1024 * 1024
_NAMES = {"vehicle": "vehicles", "trip_update": "trips", "alert": "alerts"}


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """``records`` pins vehicles, trips or alerts where the message has several; ``_line`` counts its entities from 1.

    A trip is a row for each of its stops; an alert is one row. Moments are ISO 8601 in UTC; ``feed_timestamp`` is when
    the message was made. Every column is there, whatever this message leaves out. Raises SourceError for bytes that are
    no such message, also where one was cut off, and for one without the wanted kind.
    """
    message = _parsed(found)
    kinds = Counter(
        name for entity in message.entity for field, name in _NAMES.items() if entity.HasField(field)
    )
    kind = _chosen(found, kinds, pins.records)
    info = SourceInfo(found.name, found.sha256, found.bytes, "gtfsrt", entry=found.entry)
    version, made = message.header.gtfs_realtime_version, _moment(message.header.timestamp)
    info.notes.append(f"GTFS-Realtime {version}, {kind}" + (f", made at {made}" if made else ""))
    rows = (
        (number, {"id": entity.id, **row, "feed_timestamp": made}, None)
        for number, entity in enumerate(message.entity, 1)
        if not entity.is_deleted
        for row in _ROWS[kind](entity)
    )
    empty = type(message)().entity.add(id="")
    getattr(empty, next(field for field, name in _NAMES.items() if name == kind)).SetInParent()
    columns = ["id", *next(_ROWS[kind](empty)), "feed_timestamp"]
    table = records.table(found, connection, info, rows, geometry=False, columns=columns)
    if deleted := sum(entity.is_deleted for entity in message.entity):
        table.left_out["marked as deleted"] = deleted
    return table


def _parsed(found: Local) -> Any:
    from google.protobuf.message import DecodeError
    from google.transit import gtfs_realtime_pb2

    size = found.path.stat().st_size
    if size > MAX_BYTES:
        raise SourceError(found.name, f"is larger than {MAX_BYTES >> 20} MB, too large for GTFS-Realtime")
    message = gtfs_realtime_pb2.FeedMessage()
    try:
        message.ParseFromString(found.path.read_bytes())
    except DecodeError as error:
        raise SourceError(
            found.name, "is no GTFS-Realtime message, or was cut off; ask for it again"
        ) from error
    return message


def _chosen(found: Local, kinds: Counter[str], pinned: str | None) -> str:
    known = tuple(_NAMES.values())
    if pinned is not None:
        if pinned not in known:
            raise SourceError(found.name, f"records: must be {' or '.join(known)}, not {pinned!r}")
        return pinned
    if len(kinds) > 1:
        holds = ", ".join(f"{count} {name}" for name, count in kinds.items())
        raise SourceError(found.name, f"holds {holds}; say which with records")
    if not kinds:
        raise SourceError(found.name, f"holds no {', no '.join(known)}; pin records if it is empty at times")
    return next(iter(kinds))


def _moment(seconds: int) -> str | None:
    """POSIX time as ISO 8601; None for none, and the number itself where no calendar has it."""
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _given(message: Any, *names: str, before: str = "") -> dict[str, Any]:
    """Fields of a message as they were given: numbers of 32 bits in their own digits, choices by their names."""
    out: dict[str, Any] = {}
    for name in names:
        field = message.DESCRIPTOR.fields_by_name[name]
        value = getattr(message, name) if message.HasField(name) else None
        if value is not None and field.enum_type is not None:
            value = field.enum_type.values_by_number[value].name
        elif value is not None and field.type == field.TYPE_FLOAT:
            value = _digits(value)
        out[before + name] = None if value == "" else value
    return out


def _digits(value: float) -> str:
    """The shortest digits that give this number of 32 bits: 0.41, where 64 bits would say 0.4099999964237213."""
    import numpy as np

    return np.format_float_positional(np.float32(value), unique=True, trim="-")


def _trip(message: Any) -> dict[str, Any]:
    names = ("trip_id", "route_id", "direction_id", "start_time", "start_date", "schedule_relationship")
    return _given(message, *names)


def _vehicles(entity: Any) -> Iterator[dict[str, Any]]:
    if not entity.HasField("vehicle"):
        return
    vehicle = entity.vehicle
    yield {
        **_trip(vehicle.trip),
        **_given(vehicle.vehicle, "id", "label", "license_plate", before="vehicle_"),
        **_given(vehicle.position, "latitude", "longitude", "bearing", "speed", "odometer"),
        **_given(
            vehicle, "stop_id", "current_stop_sequence", "current_status", "congestion_level",
            "occupancy_status", "occupancy_percentage",
        ),
        "timestamp": _moment(vehicle.timestamp),
    }  # fmt: skip


def _trips(entity: Any) -> Iterator[dict[str, Any]]:
    if not entity.HasField("trip_update"):
        return
    update = entity.trip_update
    trip = {
        **_trip(update.trip),
        **_given(update.vehicle, "id", "label", "license_plate", before="vehicle_"),
        **_given(update, "delay"),
        "timestamp": _moment(update.timestamp),
    }
    empty = type(update).StopTimeUpdate()
    for stop in update.stop_time_update or [empty]:  # a trip that is cancelled has no stops
        yield {
            **trip,
            **_given(stop, "stop_sequence", "stop_id"),
            **_given(stop, "schedule_relationship", before="stop_"),
            **_event(stop.arrival, "arrival_"),
            **_event(stop.departure, "departure_"),
        }


def _event(event: Any, before: str) -> dict[str, Any]:
    out = _given(event, "time", "delay", "uncertainty", before=before)
    out[f"{before}time"] = _moment(event.time)
    return out


def _alerts(entity: Any) -> Iterator[dict[str, Any]]:
    if not entity.HasField("alert"):
        return
    alert = entity.alert
    periods = [{"start": _moment(one.start), "end": _moment(one.end)} for one in alert.active_period]
    yield {
        **_given(alert, "cause", "effect", "severity_level"),
        "start": periods[0]["start"] if periods else None,
        "end": periods[-1]["end"] if periods else None,
        "active_periods": _json(periods),
        **{name: _texts(getattr(alert, name)) for name in ("header_text", "description_text", "url")},
        "header_texts": _json({one.language: one.text for one in alert.header_text.translation}),
        "agencies": _named(alert, "agency_id"),
        "routes": _named(alert, "route_id"),
        "stops": _named(alert, "stop_id"),
        "trips": _json(
            list(dict.fromkeys(one.trip.trip_id for one in alert.informed_entity if one.trip.trip_id))
        ),
    }


def _texts(text: Any) -> str | None:
    """A text in its first language: the publisher's own."""
    return next((one.text for one in text.translation if one.text), None)


def _named(alert: Any, name: str) -> str | None:
    found = (getattr(one, name) for one in alert.informed_entity)
    return _json(list(dict.fromkeys(one for one in found if one)))


def _json(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None


_ROWS: dict[str, Callable[[Any], Iterator[dict[str, Any]]]] = {
    "vehicles": _vehicles,
    "trips": _trips,
    "alerts": _alerts,
}

FORMAT = Format(read, "GTFS-Realtime", ("a GTFS-Realtime message",), (".pb", ".gtfsrt", ".gtfs-rt"))
