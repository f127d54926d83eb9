"""A city with one feed of an MQTT topic, and the messages that are sent to it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.check import data
from bench.feeds.place import CITY, FEED, PLACE

TOPIC = "city/air"
_TOGETHER = 10_000
"""A client has 65,535 numbers for messages under way."""
FEED_YAML = """title: Air quality
source:
  mqtt: {{url: "mqtt://127.0.0.1:{port}", topics: city/air/#, client: bench, seconds: 600,
    most: {most}, wait: {wait}, qos: {qos}}}
contract: air
entity:
  id: "urn:ngsi-ld:AirQualityObserved:town:{{reading}}"
  observedAt: date
  units: {{pm25: GP, pm10: GP, so2: GP, co: GP, o3: GP, no2: GP}}
"""


def make(folder: Path, port: int, most: int, qos: int) -> None:
    town = folder / "places" / PLACE
    for room in ("contracts", "feeds"):
        (town / room).mkdir(parents=True)
    (town / "city.yaml").write_text(CITY)
    (town / "contracts" / "air.yaml").write_text(data.CONTRACT)
    wait(folder, port, most, qos, 0.2)


def wait(folder: Path, port: int, most: int, qos: int, seconds: float) -> None:
    """How long a run waits for a next message."""
    text = FEED_YAML.format(port=port, most=most, wait=seconds, qos=qos)
    (folder / "places" / PLACE / "feeds" / f"{FEED}.yaml").write_text(text)


def messages(path: Path) -> list[bytes]:
    """A message a row of the seeded file, as a station sends it; blank cells are not in it."""
    with path.open(newline="") as file:
        return [
            json.dumps({name: _value(text) for name, text in row.items() if text}).encode()
            for row in csv.DictReader(file)
        ]


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def publish(port: int, payloads: list[bytes], qos: int) -> None:
    """Send all; ends when the broker has them."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for first in range(0, len(payloads), _TOGETHER):
        some = payloads[first : first + _TOGETHER]
        sent = [client.publish(f"{TOPIC}/{n % 50}", one, qos=max(qos, 1)) for n, one in enumerate(some)]
        for each in sent:
            each.wait_for_publish(300)
    client.disconnect()
    client.loop_stop()
