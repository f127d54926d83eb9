"""Feeds of an MQTT broker: a real Mosquitto, batches, and what happens when a run is cut off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
import yaml

from mahakam.feeds import origins
from mahakam.feeds.parts import Parts
from support.feeds import Town
from support.mosquitto import PASSWORD, USER, Mosquitto


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(Path(tmp_path_factory.mktemp("mosquitto"))) as started:
        yield started


def listening(town: Town, url: str, topic: str, **options: Any) -> None:
    """The town's feed of stops from a topic; a first run opens the session that keeps messages."""
    feed = yaml.safe_load((town.folder / "feeds/stops.yaml").read_text())
    feed["source"] = {
        "mqtt": {"url": url, "topics": f"{topic}/#", "wait": 0.5, "client": f"c-{topic}", **options}
    }
    town.write("feeds/stops.yaml", yaml.safe_dump(feed))
    town.parts = Parts(town.parts.broker, town.parts.places, town.parts.data, True)


def stop(code: str, **other: Any) -> dict[str, Any]:
    return {"kode": code, "nama": "Halte", "kelas": "kota", "kursi": 3, "lon": 117.01, "lat": -0.41, **other}


def publish(broker: Mosquitto, topic: str, *payloads: Any) -> None:
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for payload in payloads:
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        client.publish(topic, text, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_messages_of_every_length_and_quality_come_whole(town: Town, mosquitto: Mosquitto) -> None:
    """The length of a packet takes one to four bytes; packets are cut off anywhere by what is read at a time."""
    listening(town, f"mqtt://127.0.0.1:{mosquitto.port}", "panjang", qos=2)
    assert town.run().message == "no message came"
    lengths = [
        0,
        1,
        20,
        21,
        22,
        23,
        60,
        100,
        127,
        128,
        16_200,
        16_383,
        16_384,
        65_535,
        65_536,
        200_000,
        2_100_000,
    ]
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    sent = {}
    for n, length in enumerate(lengths):
        sent[f"L{n}"] = "x" * length
        body = json.dumps(stop(f"L{n}", catatan=sent[f"L{n}"])).encode()
        client.publish(f"panjang/é{n}", body, qos=1 + n % 2).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()
    run = town.run()
    assert (run.state, run.stored, run.held) == ("clean", len(lengths), 0), run.summary
    for n in range(len(lengths)):
        found = town.parts.store.lineage(f"urn:ngsi-ld:BusStop:town:L{n}")
        assert found is not None
        assert found.raw["mqtt_topic"] == f"panjang/é{n}"
        assert found.raw["catatan"] == (sent[f"L{n}"] or None)


def spooled(town: Town) -> list[Path]:
    return list((town.data / "origins").glob("*.spool/*"))


def test_messages_kept_while_no_run_is_on_are_stored_or_held(town: Town, mosquitto: Mosquitto) -> None:
    listening(town, f"mqtt://127.0.0.1:{mosquitto.port}", "halte")
    assert town.run().message == "no message came"
    stops = [stop(f"A{n}") for n in range(60)]  # more than Mosquitto sends ahead of an acknowledgement
    publish(mosquitto, "halte/utara", *stops, [stop("B1"), stop("B2", kelas="laut")], b"\xff not JSON")
    run = town.run()
    assert (run.state, run.read, run.stored, run.held) == ("held", 63, 61, 2)
    assert {held.raw.get("mqtt_topic") for held in town.held()} == {"halte/utara"}
    assert spooled(town) == []
    assert town.run().message == "no message came"


def test_a_message_that_no_file_could_hold_is_held_and_stops_nothing(
    town: Town, mosquitto: Mosquitto
) -> None:
    listening(town, f"mqtt://127.0.0.1:{mosquitto.port}", "racun")
    town.run()
    bad = [b'{"kode": NaN}', b'{"kode": "\\ud800"}', b'{"kode": 1e999}', b"[1, 2]", b"", b"{", b"{}"]
    pretty = json.dumps(stop("A2"), indent=1).encode()
    long = (
        json.dumps(stop("A3") | {"seri": 0})
        .replace('"seri": 0', '"seri": 123456789012345678901234567890')
        .encode()
    )
    publish(mosquitto, "racun/a", stop("A1"), *bad, pretty, long + b"\n")
    run = town.run()
    assert (run.state, run.stored, run.held) == ("held", 3, len(bad)), run.message
    lineage = town.parts.store.lineage("urn:ngsi-ld:BusStop:town:A3")
    assert lineage is not None
    assert lineage.raw["seri"] == "123456789012345678901234567890"


def test_messages_of_a_later_batch_leave_what_was_held(town: Town, mosquitto: Mosquitto) -> None:
    listening(town, f"mqtt://127.0.0.1:{mosquitto.port}", "dua")
    town.run()
    publish(mosquitto, "dua/a", stop("A1", kelas="laut"))
    assert town.run().held == 1
    publish(mosquitto, "dua/a", stop("A2"))
    assert town.run().stored == 1
    assert len(town.held()) == 1


def test_what_a_run_that_was_cut_off_took_is_stored_by_the_next(town: Town, mosquitto: Mosquitto) -> None:
    listening(town, f"mqtt://127.0.0.1:{mosquitto.port}", "putus")
    town.run()
    publish(mosquitto, "putus/a", stop("A1"), stop("A2"))

    def cut() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        town.run(progress=town.at("check", cut))
    assert town.ids() == []
    [batch] = spooled(town)
    with batch.open("ab") as file:
        file.write(b'{"kode": "A3", "na')  # a line that was being written
    publish(mosquitto, "putus/a", stop("A4"))
    assert town.run().stored == 2
    assert town.run().stored == 1
    assert town.ids() == ["A1", "A2", "A4"]


def test_the_password_comes_from_the_environment(
    town: Town, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening(town, f"mqtt://{USER}:${{MQTT_PASSWORD}}@127.0.0.1:{mosquitto.guarded}", "aman")
    monkeypatch.setenv("MQTT_PASSWORD", "wrong")
    said = town.failed()
    assert "refuses" in said
    assert "wrong" not in said
    monkeypatch.setenv("MQTT_PASSWORD", PASSWORD)
    assert town.run().message == "no message came"


def test_over_tls_the_broker_must_be_who_it_says(town: Town, mosquitto: Mosquitto) -> None:
    own = {"authority": str(mosquitto.authority)}
    listening(town, f"mqtts://localhost:{mosquitto.secure}", "rahasia")
    assert "certificate verify failed" in town.failed(), "the machine does not know the authority"
    listening(town, f"mqtts://127.0.0.1:{mosquitto.secure}", "rahasia", **own)
    assert "certificate verify failed" in town.failed(), "the certificate is of localhost"
    listening(town, f"mqtts://localhost:{mosquitto.secure}", "rahasia", **own)
    assert town.run().message == "no message came"
    stops = [stop(f"T{n}", nama="Halte " + "x" * 500) for n in range(200)]  # more than one record of TLS
    publish(mosquitto, "rahasia/a", *stops, stop("T200", kelas="laut"))
    run = town.run()
    assert (run.read, run.stored, run.held) == (201, 200, 1), run.message
    assert spooled(town) == []


def test_a_broker_may_ask_for_the_feeds_certificate(town: Town, mosquitto: Mosquitto) -> None:
    url, own = f"mqtts://localhost:{mosquitto.mutual}", {"authority": str(mosquitto.authority)}
    listening(town, url, "saling", **own)
    assert town.failed(), "no certificate is shown"
    for name in ("client.pem", "client.key"):
        (town.folder / name).write_bytes((mosquitto.folder / name).read_bytes())
    listening(town, url, "saling", **own, certificate="client.pem", key="client.key")
    assert town.run().message == "no message came"
    publish(mosquitto, "saling/a", stop("S1"))
    assert town.run().stored == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://x"}, "url must be as mqtt://"),
        ({"url": "mqtt://127.0.0.1:1"}, "cannot be reached"),
        ({"topics": "a/#/b"}, "is no topic filter"),
        ({"qos": 3}, "must be 0, 1 or 2"),
        ({"url": "mqtts://localhost:1", "authority": "none.pem"}, "none.pem (No such file"),
        ({"url": "mqtts://localhost:1", "authority": "city.yaml"}, "cannot be used for TLS"),
        ({"url": "mqtts://localhost:1", "key": "client.key"}, "goes with the certificate"),
    ],
)
def test_what_is_wrong_is_said(town: Town, mosquitto: Mosquitto, options: dict[str, Any], said: str) -> None:
    listening(town, **{"url": f"mqtt://127.0.0.1:{mosquitto.port}", "topic": "salah", **options})
    assert said in town.failed()


def test_private_addresses_are_refused_unless_allowed(town: Town, mosquitto: Mosquitto) -> None:
    listening(town, f"mqtt://127.0.0.1:{mosquitto.port}", "pribadi")
    town.parts = Parts(town.parts.broker, town.parts.places, town.parts.data, False)
    assert "private address" in town.failed()
    assert {"mqtt", "folder"} <= set(origins.names())
