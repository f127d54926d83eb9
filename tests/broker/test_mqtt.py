"""Notifications over MQTT, to a real Mosquitto (clause 7.2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from mahakam import tracing
from mahakam.broker.broker import Broker
from mahakam.broker.endpoint import endpoint_problem
from mahakam.broker.notifier import Notifier, Patience
from support.mosquitto import PASSWORD, USER, Listener, Mosquitto
from support.notify import QUICK, changed, entity, set_to, subscription, until
from support.otlp import OtlpReceiver


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(Path(tmp_path_factory.mktemp("mosquitto"))) as started:
        yield started


@pytest.fixture
def listener(mosquitto: Mosquitto, request: pytest.FixtureRequest) -> Iterator[Listener]:
    """One on a topic of the test's own: ``test/NAME``."""
    found = Listener(mosquitto, f"test/{request.node.originalname}")
    yield found
    found.close()


def info(**pairs: str) -> list[dict[str, str]]:
    return [{"key": key.replace("_", "-"), "value": value} for key, value in pairs.items()]


def test_message_has_metadata_and_body(
    broker: Broker, notifier: Notifier, mosquitto: Mosquitto, listener: Listener
) -> None:
    uri = f"mqtt://127.0.0.1:{mosquitto.port}/test/test_message_has_metadata_and_body"
    broker.subscriptions.create(subscription(uri, endpoint={"receiverInfo": info(X_Key="secret")}))
    broker.create(entity(1, 5))
    until(lambda: listener.got)
    message = listener.got[0]
    assert message["metadata"]["Content-Type"] == "application/json"
    assert "ngsi-ld-core-context" in message["metadata"]["Link"]
    assert message["metadata"]["X-Key"] == "secret"
    assert (message["body"]["type"], message["body"]["subscriptionId"]) == ("Notification", "urn:s:1")
    assert message["body"]["data"] == [{"id": "urn:x:1", "type": "Sensor", "n": 5}]
    assert listener.qualities == [0]


def test_the_trace_is_among_the_metadata(
    broker: Broker, notifier: Notifier, mosquitto: Mosquitto, listener: Listener
) -> None:
    uri = f"mqtt://127.0.0.1:{mosquitto.port}/test/test_the_trace_is_among_the_metadata"
    broker.subscriptions.create(subscription(uri))
    with OtlpReceiver() as otlp:
        with tracing.kept(otlp.url, "", "1"):
            with tracing.begun("a write"):
                trace = tracing.trace()
                broker.create(entity(1, 5))
            until(lambda: listener.got and "deliver" in otlp.of(trace))
        _, of, parent, _ = listener.got[0]["metadata"]["traceparent"].split("-")
        assert of == trace
        assert otlp.of(trace)["deliver"].id == parent


@pytest.mark.parametrize("version", ["mqtt3.1.1", "mqtt5.0"])
@pytest.mark.parametrize("quality", ["0", "1", "2"])
def test_version_and_quality_of_service(
    broker: Broker, notifier: Notifier, mosquitto: Mosquitto, version: str, quality: str
) -> None:
    topic = f"test/quality/{version}/{quality}"
    listener = Listener(mosquitto, topic, paho.MQTTv311 if version == "mqtt3.1.1" else paho.MQTTv5)
    wanted = info(MQTT_Version=version, MQTT_QoS=quality)
    uri = f"mqtt://127.0.0.1:{mosquitto.port}/{topic}"
    broker.subscriptions.create(subscription(uri, endpoint={"notifierInfo": wanted}))
    broker.create(entity(1, 0))
    for value in range(1, 20):
        broker.change("urn:x:1", set_to(value))
    until(lambda: len(listener.got) == 20)
    assert [one["body"]["data"][0]["n"] for one in listener.got] == list(range(20))
    assert set(listener.qualities) == {int(quality)}
    until(lambda: broker.store.owing() == [])
    assert broker.subscriptions.status("urn:s:1")["timesSent"] == 20
    listener.close()


def test_user_and_password_of_the_url(
    broker: Broker, notifier: Notifier, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{mosquitto.guarded}/test/guarded"
    broker.subscriptions.create(subscription(f"mqtt://{USER}:{PASSWORD}@{address}"))
    broker.subscriptions.create(subscription(f"mqtt://{USER}:wrong@{address}", id="urn:s:2"))
    broker.create(entity())
    until(lambda: broker.store.owing() == [])
    assert broker.subscriptions.status("urn:s:1")["lastSuccess"]
    (dead,) = broker.subscriptions.dead_letters()
    assert dead.subscription == "urn:s:2"
    assert "wrong" not in dead.error


def test_mqtts_checks_the_certificate(
    broker: Broker, mosquitto: Mosquitto, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = "test/test_mqtts_checks_the_certificate"
    monkeypatch.setenv("SSL_CERT_FILE", str(mosquitto.authority))
    started = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK)
    started.start()
    uris = (f"mqtts://localhost:{mosquitto.secure}/{topic}", f"mqtts://127.0.0.1:{mosquitto.secure}/{topic}")
    for number, uri in enumerate(uris, 1):
        broker.subscriptions.create(subscription(uri, id=f"urn:s:{number}"))
    broker.create(entity())
    try:
        until(lambda: broker.store.owing() == [])
    finally:
        started.stop()
    until(lambda: listener.got)
    assert [one["body"]["subscriptionId"] for one in listener.got] == ["urn:s:1"]
    (dead,) = broker.subscriptions.dead_letters()  # the certificate is localhost's
    assert dead.subscription == "urn:s:2"
    assert "certificate" in dead.error.lower()


@pytest.mark.parametrize("quality", ["0", "1"])
def test_receiver_that_comes_back_gets_everything(broker: Broker, tmp_path: Path, quality: str) -> None:
    patient = Patience(tries=1000, first=0.05, most=0.1, pause=0.05)
    notifier = Notifier(broker.subscriptions, private_addresses=True, patience=patient)
    notifier.start()
    mosquitto = Mosquitto(tmp_path)
    try:
        with mosquitto:
            wanted = {"notifierInfo": info(MQTT_QoS=quality)}
            uri = f"mqtt://127.0.0.1:{mosquitto.port}/test/back"
            broker.subscriptions.create(subscription(uri, endpoint=wanted))
            broker.create(entity(1, 0))
            until(lambda: broker.store.owing() == [])
        for value in range(1, 50):
            broker.change("urn:x:1", set_to(value))
        until(lambda: broker.subscriptions.status("urn:s:1").get("timesFailed"))
        broker.subscriptions.change("urn:s:1", changed(isActive=False))  # until somebody listens
        with mosquitto:
            listener = Listener(mosquitto, "test/back")
            broker.subscriptions.change("urn:s:1", changed(isActive=True))
            until(lambda: len(listener.got) == 49)
            listener.close()
        assert [one["body"]["data"][0]["n"] for one in listener.got] == list(range(1, 50))
        assert broker.subscriptions.dead_letters() == []
    finally:
        notifier.stop()


@pytest.mark.parametrize(
    ("uri", "pairs"),
    [("mqtt://h", {}), ("mqtt://h/", {}), ("mqtt://h/a/+/b", {}), ("mqtt://h/a/%23#", {}),
     ("mqtt://h/t", {"MQTT-QoS": "3"}), ("mqtt://h/t", {"MQTT-Version": "mqtt4"})],
)  # fmt: skip
def test_what_cannot_be_published_is_said_at_once(uri: str, pairs: dict[str, str]) -> None:
    problem = endpoint_problem(uri, private_addresses=True, notifier_info=tuple(pairs.items()))
    assert problem or "#" in uri
    assert endpoint_problem("mqtt://h:1/a/b", private_addresses=True) == ""
    assert endpoint_problem("mqtt://10.0.0.1/a", private_addresses=False)
