"""Notifications to NATS JetStream, to a real nats-server."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from nats.errors import Error as NatsError

from mahakam.broker.broker import Broker
from mahakam.broker.endpoint import endpoint_problem, shown_uri
from mahakam.broker.nats_link import Target, connected
from mahakam.broker.notifier import Notifier, Patience
from support.jetstream import PASSWORD, TOKEN, USER, Jetstream
from support.notify import QUICK, changed, entity, set_to, subscription, until

PATIENT = Patience(tries=10_000, first=0.05, most=0.2, pause=0.05)
ROUNDS = 20


@pytest.fixture(scope="module")
def jetstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jetstream]:
    with Jetstream(Path(tmp_path_factory.mktemp("nats"))) as started:
        yield started


def delivered(broker: Broker) -> bool:
    return not broker.store.owing()


def test_a_message_has_the_body_and_headers_of_a_notification(
    broker: Broker, notifier: Notifier, jetstream: Jetstream, request: pytest.FixtureRequest
) -> None:
    name = f"one{abs(hash(request.node.name))}"
    jetstream.add_stream(name, f"{name}.>")
    info = [{"key": "X-Key", "value": "secret"}]
    uri = f"{jetstream.url}/{name}.heat"
    broker.subscriptions.create(
        subscription(
            uri, endpoint={"receiverInfo": info, "notifierInfo": [{"key": "NATS-Stream", "value": name}]}
        )
    )
    broker.create(entity(1, 0))
    for value in range(1, 20):
        broker.change("urn:x:1", set_to(value))
    until(lambda: delivered(broker))
    found = jetstream.messages(name)
    assert [body["data"][0]["n"] for _, _, body in found] == list(range(20))
    subject, headers, body = found[0]
    assert subject == f"{name}.heat"
    assert body["subscriptionId"] == "urn:s:1"
    assert headers["Nats-Msg-Id"] == body["id"]
    assert headers["Content-Type"] == "application/json"
    assert "ngsi-ld-core-context" in headers["Link"]
    assert headers["X-Key"] == "secret"
    assert broker.subscriptions.status("urn:s:1")["timesSent"] == 20


def test_what_comes_again_is_in_the_stream_once(
    broker: Broker, jetstream: Jetstream, request: pytest.FixtureRequest
) -> None:
    """A notification whose acknowledgement was lost has the id that it had: the stream knows it."""
    name = f"twice{abs(hash(request.node.name))}"
    jetstream.add_stream(name, name)
    broker.subscriptions.create(subscription(f"{jetstream.url}/{name}"))
    broker.create(entity())
    (owed,) = broker.store.owed("urn:s:1")
    broker.store.write(lambda transaction: transaction.owe("urn:s:1", "urn:x:1", owed.body))
    notifier = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK)
    notifier.start()
    until(lambda: delivered(broker))
    notifier.stop()
    assert broker.subscriptions.status("urn:s:1")["timesSent"] == 2
    assert len(jetstream.messages(name)) == 1


def test_without_a_stream_it_is_a_dead_letter_that_says_so(
    broker: Broker, notifier: Notifier, jetstream: Jetstream, request: pytest.FixtureRequest
) -> None:
    name = f"none{abs(hash(request.node.name))}"
    broker.subscriptions.create(subscription(f"{jetstream.url}/{name}.x"))
    broker.create(entity())
    until(lambda: broker.subscriptions.dead_letters())
    (dead,) = broker.subscriptions.dead_letters()
    assert "no stream of JetStream takes this subject" in dead.error
    jetstream.add_stream(name, f"{name}.>")
    broker.subscriptions.replay([dead.number])
    until(lambda: delivered(broker))
    assert len(jetstream.messages(name)) == 1


def test_a_stream_that_is_full_is_tried_again(
    broker: Broker, jetstream: Jetstream, request: pytest.FixtureRequest
) -> None:
    name = f"full{abs(hash(request.node.name))}"
    jetstream.add_stream(name, name, max_msgs=1, discard="new")
    jetstream.publish(name, {})
    notifier = Notifier(broker.subscriptions, private_addresses=True, patience=PATIENT)
    notifier.start()
    broker.subscriptions.create(subscription(f"{jetstream.url}/{name}"))
    broker.create(entity())
    until(lambda: broker.subscriptions.status("urn:s:1").get("timesFailed", 0) > 2)
    assert "maximum messages exceeded" in broker.subscriptions.status("urn:s:1")["lastError"]

    async def room(client: object) -> None:
        await client.jetstream().purge_stream(name)  # type: ignore[attr-defined]

    jetstream.run(room)
    until(lambda: delivered(broker))
    notifier.stop()
    assert [body["data"][0]["n"] for _, _, body in jetstream.messages(name)] == [1]


def test_what_is_larger_than_the_server_takes_is_refused(
    broker: Broker, notifier: Notifier, jetstream: Jetstream, request: pytest.FixtureRequest
) -> None:
    name = f"large{abs(hash(request.node.name))}"
    jetstream.add_stream(name, name)
    broker.subscriptions.create(subscription(f"{jetstream.url}/{name}"))
    broker.create(entity(1, "x" * 1_100_000))
    until(lambda: broker.subscriptions.dead_letters())
    assert "maximum payload" in broker.subscriptions.dead_letters()[0].error
    broker.create(entity(2, "small"))
    until(lambda: delivered(broker))
    assert [body["data"][0]["n"] for _, _, body in jetstream.messages(name)] == ["small"]


USERS = f"""
authorization {{ users: [
  {{ user: {USER}, password: "{PASSWORD}", permissions: {{ publish: ["kota.balai.>"], subscribe: ["_INBOX.>"] }} }}
  {{ user: hub, password: "hub-1" }}
] }}
"""


def test_users_and_what_they_may_publish(
    broker: Broker, notifier: Notifier, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Jetstream(tmp_path, USERS) as guarded:
        guarded.add_stream("kota", "kota.>", user="hub", password="hub-1")
        at = f"127.0.0.1:{guarded.port}"
        uris = (
            f"nats://{USER}:{PASSWORD}@{at}/kota.balai.x", f"nats://{USER}:{PASSWORD}@{at}/kota.other.x",
            f"nats://{USER}:wr0ng@{at}/kota.balai.x", f"nats://{at}/kota.balai.x",
        )  # fmt: skip
        for number, uri in enumerate(uris, 1):
            broker.subscriptions.create(subscription(uri, id=f"urn:s:{number}", endpoint={"timeout": 1500}))
        broker.create(entity())
        until(lambda: delivered(broker))
        found = guarded.messages("kota", user="hub", password="hub-1")
    assert [body["subscriptionId"] for _, _, body in found] == ["urn:s:1"]
    dead = {one.subscription: one.error for one in broker.subscriptions.dead_letters()}
    assert dead.keys() == {"urn:s:2", "urn:s:3", "urn:s:4"}
    assert "permissions violation" in dead["urn:s:2"].lower()
    assert "authorization violation" in dead["urn:s:3"].lower()
    said = caplog.text + "".join(dead.values())
    assert PASSWORD not in said
    assert "wr0ng" not in said


def test_why_a_server_refuses_is_heard_before_it_hangs_up() -> None:
    """A real server closes at once: what it has not read by then resets the connection."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    info = orjson.dumps({"auth_required": True, "max_payload": 1024})

    def refuse() -> None:
        for _ in range(ROUNDS):
            connection, _ = listening.accept()
            connection.sendall(b"INFO " + info + b"\r\n")
            taken = b""
            while b"\r\n" not in taken:
                taken += connection.recv(1)
            time.sleep(0.02)  # what the client says next has come, and is not read
            connection.sendall(b"-ERR 'Authorization Violation'\r\n")
            connection.close()

    async def heard() -> str:
        target = Target.of(f"nats://{USER}:wr0ng@127.0.0.1:{port}")
        with pytest.raises((OSError, NatsError)) as refused:
            await connected(target, wait=30, private_addresses=True)
        return str(refused.value)

    serving = threading.Thread(target=refuse, daemon=True)
    serving.start()
    said = [asyncio.run(heard()) for _ in range(ROUNDS)]
    serving.join()
    listening.close()
    assert [one for one in said if "Authorization Violation" not in one] == []


def test_a_token_opens_and_is_not_shown(broker: Broker, notifier: Notifier, tmp_path: Path) -> None:
    with Jetstream(tmp_path, f'authorization {{ token: "{TOKEN}" }}') as guarded:
        guarded.add_stream("kota", "kota.>", token=TOKEN)
        at = f"127.0.0.1:{guarded.port}/kota.x"
        broker.subscriptions.create(subscription(f"nats://{TOKEN}@{at}"))
        broker.subscriptions.create(subscription(f"nats://wr0ng@{at}", id="urn:s:2"))
        broker.create(entity())
        until(lambda: delivered(broker))
        assert len(guarded.messages("kota", token=TOKEN)) == 1
    (dead,) = broker.subscriptions.dead_letters()
    assert dead.subscription == "urn:s:2"
    assert "wr0ng" not in dead.error
    assert shown_uri(f"nats://{TOKEN}@{at}") == f"nats://…@{at}"


def test_tls_checks_the_certificate_and_is_not_done_without(
    broker: Broker, jetstream: Jetstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Jetstream(tmp_path, tls=True) as secure:
        monkeypatch.setenv("SSL_CERT_FILE", str(secure.authority))
        import ssl

        own = ssl.create_default_context(cafile=str(secure.authority))
        own.check_hostname = False
        secure.add_stream("kota", "kota.>", tls=own)
        uris = (
            f"tls://localhost:{secure.port}/kota.x", f"tls://127.0.0.1:{secure.port}/kota.x",
            f"tls://{USER}:{PASSWORD}@localhost:{jetstream.port}/kota.x",
        )  # fmt: skip
        for number, uri in enumerate(uris, 1):
            broker.subscriptions.create(subscription(uri, id=f"urn:s:{number}"))
        started = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK)
        started.start()
        broker.create(entity())
        until(lambda: delivered(broker))
        started.stop()
        found = secure.messages("kota", tls=own)
    assert [body["subscriptionId"] for _, _, body in found] == ["urn:s:1"]
    dead = {one.subscription: one.error for one in broker.subscriptions.dead_letters()}
    assert dead.keys() == {"urn:s:2", "urn:s:3"}
    assert "certificate" in dead["urn:s:2"].lower()
    assert "offers no TLS" in dead["urn:s:3"]


@pytest.mark.fault(
    "NATS, kill -9 and started again, a writer going on", "no notification, nor their order", times=4
)
def test_nothing_is_lost_nor_out_of_order_through_restarts_of_nats(broker: Broker, tmp_path: Path) -> None:
    """Ended in good order or killed, four times, while 10 entities change."""
    notifier = Notifier(broker.subscriptions, private_addresses=True, patience=PATIENT)
    notifier.start()

    def good() -> int:
        status = broker.subscriptions.status("urn:s:1")
        return int(status.get("timesSent", 0)) - int(status.get("timesFailed", 0))

    with Jetstream(tmp_path) as server:
        server.add_stream("kota", "kota.>")
        broker.subscriptions.create(subscription(f"{server.url}/kota.x", endpoint={"timeout": 2000}))
        for number in range(10):
            broker.create(entity(number, 0))
        ended, last = threading.Event(), 0

        def write() -> None:
            nonlocal last
            while not ended.is_set():
                for number in range(10):
                    broker.change(f"urn:x:{number}", set_to(last + 1))
                last += 1
                time.sleep(0.02)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
                sent = good()
                until(lambda sent=sent: good() > sent + 20)
                failed = broker.subscriptions.status("urn:s:1").get("timesFailed", 0)
                server.stop(how)
                until(
                    lambda failed=failed: (
                        broker.subscriptions.status("urn:s:1").get("timesFailed", 0) > failed
                    )
                )
                server.start()
        finally:
            ended.set()
            writer.join()
        until(lambda: delivered(broker))
        notifier.stop()
        heard: dict[str, list[int]] = {}
        for _, _, body in server.messages("kota"):
            heard.setdefault(body["data"][0]["id"], []).append(body["data"][0]["n"])
    assert broker.subscriptions.dead_letters() == []
    assert len(heard) == 10
    for values in heard.values():
        assert values == list(range(last + 1))  # none lost, none twice, in order


def test_one_that_is_paused_publishes_when_it_goes_on(
    broker: Broker, notifier: Notifier, jetstream: Jetstream, request: pytest.FixtureRequest
) -> None:
    name = f"paused{abs(hash(request.node.name))}"
    jetstream.add_stream(name, name)
    broker.subscriptions.create(subscription(f"{jetstream.url}/{name}"))
    broker.subscriptions.change("urn:s:1", changed(isActive=False))
    broker.create(entity(1))
    broker.subscriptions.change("urn:s:1", changed(isActive=True))
    broker.create(entity(2))
    until(lambda: delivered(broker))
    assert jetstream.messages(name)[-1][2]["data"][0]["id"] == "urn:x:2"


@pytest.mark.parametrize(
    ("uri", "pairs"),
    [("nats://h", {}), ("nats://h/", {}), ("nats://h/a.*.b", {}), ("nats://h/a.>", {}), ("nats://h/a..b", {}),
     ("nats://h/$JS.API.STREAM.DELETE.x", {}), ("nats://h/_INBOX.x", {}), ("nats://h/%24JS.API", {}),
     ("nats://h/a%20b", {}), ("nats://h/a%0d%0aPUB", {}), ("nats://h/a?x=1", {}),
     ("nats://h/a", {"NATS-Stream": "a b"})],
)  # fmt: skip
def test_what_is_no_subject_is_said_at_once(uri: str, pairs: dict[str, str]) -> None:
    assert endpoint_problem(uri, private_addresses=True, notifier_info=tuple(pairs.items()))
    assert endpoint_problem("nats://h:1/a.b", private_addresses=True) == ""
    assert endpoint_problem("tls://h/a.b", private_addresses=True) == ""
    assert "private" in endpoint_problem("nats://10.0.0.1/a", private_addresses=False)
