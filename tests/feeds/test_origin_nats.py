"""Feeds of a NATS JetStream stream: a real nats-server, batches, and what happens when a run is cut off."""

from __future__ import annotations

import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from nats.aio.client import Client

from mahakam.broker.notifier import Notifier
from mahakam.feeds.parts import Parts
from support.feeds import Town
from support.jetstream import PASSWORD, USER, Jetstream
from support.notify import QUICK, subscription, until


@pytest.fixture(scope="module")
def jetstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jetstream]:
    with Jetstream(Path(tmp_path_factory.mktemp("nats"))) as started:
        yield started


def reading(town: Town, url: str, stream: str, **options: Any) -> None:
    """The town's feed of stops from a stream."""
    feed = yaml.safe_load((town.folder / "feeds/stops.yaml").read_text())
    feed["source"] = {"nats": {"url": url, "stream": stream, "wait": 10, **options}}
    town.write("feeds/stops.yaml", yaml.safe_dump(feed))
    town.parts = Parts(town.parts.broker, town.parts.places, town.parts.data, True)


def stop(code: str, **other: Any) -> dict[str, Any]:
    return {"kode": code, "nama": "Halte", "kelas": "kota", "kursi": 3, "lon": 117.01, "lat": -0.41, **other}


def unacknowledged(server: Jetstream, stream: str) -> int:
    """Messages that the feed's consumer has not acknowledged."""

    async def work(client: Client) -> int:
        (info,) = await client.jetstream().consumers_info(stream)
        return int(info.num_ack_pending or 0) + int(info.num_pending or 0)

    return server.run(work)


def spooled(town: Town) -> list[Path]:
    return list((town.data / "origins").glob("*.spool/*"))


def seats(town: Town, code: str) -> int:
    found = town.parts.broker.get(f"urn:ngsi-ld:BusStop:town:{code}")
    assert found is not None
    return int(found["seats"]["value"])


def test_messages_are_stored_or_held_and_then_acknowledged(town: Town, jetstream: Jetstream) -> None:
    jetstream.add_stream("halte", "halte.>")
    reading(town, jetstream.url, "halte", wait=3)
    assert town.run().message == "no message came"
    stops = [stop(f"A{n}") for n in range(1200)]
    jetstream.publish("halte.utara", *stops, [stop("B1"), stop("B2", kelas="laut")], b"\xff not JSON")
    run = town.run()
    assert (run.state, run.read, run.stored, run.held) == ("held", 1203, 1201, 2), run.message
    assert {held.raw.get("nats_subject") for held in town.held()} == {"halte.utara"}
    assert unacknowledged(jetstream, "halte") == 0
    assert spooled(town) == []
    assert town.run().message == "no message came"


def test_a_feed_may_take_a_part_of_the_subjects_and_so_many_messages(
    town: Town, jetstream: Jetstream
) -> None:
    jetstream.add_stream("bagian", "bagian.>")
    reading(town, jetstream.url, "bagian", subject="bagian.*.halte", most=2)
    jetstream.publish("bagian.a.lain", stop("X1"))
    jetstream.publish("bagian.a.halte", stop("A1"), stop("A2"))
    jetstream.publish("bagian.b.halte", stop("A3"))
    assert [town.run().stored for _ in range(2)] == [2, 1]
    assert town.ids() == ["A1", "A2", "A3"]


def test_what_a_run_that_was_cut_off_took_is_stored_first_and_in_order(
    town: Town, jetstream: Jetstream
) -> None:
    """Cut off once the batch is on the disk: nothing was acknowledged, and the next run begins with it."""
    jetstream.add_stream("putus", "putus.>")
    reading(town, jetstream.url, "putus")
    jetstream.publish("putus.a", stop("A1", kursi=1), stop("A2"))

    def cut() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        town.run(progress=town.at("check", cut))
    assert town.ids() == []
    assert unacknowledged(jetstream, "putus") == 2
    jetstream.publish("putus.a", stop("A1", kursi=9))
    town.run()
    assert town.ids() == ["A1", "A2"]
    assert unacknowledged(jetstream, "putus") == 1
    town.run()
    assert seats(town, "A1") == 9
    assert unacknowledged(jetstream, "putus") == 0
    assert spooled(town) == []


def test_what_was_taken_and_is_not_on_the_disk_comes_again_before_what_is_newer(
    town: Town, jetstream: Jetstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is killed between the server's answer and the disk, or whose disk is lost."""
    monkeypatch.setattr("mahakam.feeds.origins.nats.AGAIN", 1.0)
    jetstream.add_stream("hilang", "hilang.>")
    reading(town, jetstream.url, "hilang", most=2)
    jetstream.publish("hilang.a", stop("A1", kursi=1), stop("A2"))

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mahakam.feeds.origins.nats.os.fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            town.run()
    jetstream.publish("hilang.a", stop("A1", kursi=9))
    run = town.run()
    assert (run.state, run.read) == ("clean", 2), run.message
    assert town.ids() == ["A1", "A2"]
    assert town.run().read == 1
    assert seats(town, "A1") == 9
    assert unacknowledged(jetstream, "hilang") == 0


@pytest.mark.fault("NATS, kill -9, while a feed stores what it took", "no message of a feed", times=1)
def test_nats_that_ends_before_it_is_told_is_told_later(town: Town, tmp_path: Path) -> None:
    with Jetstream(tmp_path) as server:
        server.add_stream("mati", "mati.>")
        reading(town, server.url, "mati")
        server.publish("mati.a", stop("A1"), stop("A2"))
        run = town.run(progress=town.at("check", lambda: server.stop(signal.SIGKILL)))
        assert run.stored == 2, run.message
        assert "cannot be used" in town.failed()
        server.start()
        server.publish("mati.a", stop("A3"))
        assert town.run().stored == 1
        assert unacknowledged(server, "mati") == 0
    assert town.ids() == ["A1", "A2", "A3"]
    assert spooled(town) == []


def test_a_subscription_publishes_and_a_feed_reads(town: Town, jetstream: Jetstream) -> None:
    """Writer, notifier, stream, feed: entities of one type become those of another."""
    jetstream.add_stream("alir", "alir.>")
    reading(town, jetstream.url, "alir")
    broker = town.parts.broker
    broker.subscriptions.create(subscription(f"{jetstream.url}/alir.sensor"))
    notifier = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK)
    notifier.start()
    for number in range(3):
        values = {name: {"type": "Property", "value": value} for name, value in stop(f"S{number}").items()}
        broker.create({"id": f"urn:x:{number}", "type": "Sensor", **values})
    until(lambda: not broker.store.owing())
    notifier.stop()
    run = town.run()
    assert (run.state, run.stored) == ("clean", 3), run.message
    assert {"S0", "S1", "S2"} <= set(town.ids())


USERS = f"""
authorization {{ users: [
  {{ user: {USER}, password: "{PASSWORD}", permissions: {{
      publish: ["$JS.API.CONSUMER.INFO.kota.halte", "$JS.API.CONSUMER.DURABLE.CREATE.kota.halte",
        "$JS.API.CONSUMER.MSG.NEXT.kota.halte", "$JS.ACK.kota.halte.>"],
      subscribe: ["_INBOX.>"] }} }}
  {{ user: hub, password: "hub-1" }}
] }}
"""


def test_the_rights_that_the_page_names_are_enough_and_the_password_is_a_secret(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Jetstream(tmp_path, USERS) as guarded:
        own = {"user": "hub", "password": "hub-1"}
        guarded.add_stream("kota", "kota.>", **own)
        guarded.add_stream("lain", "lain.>", **own)
        guarded.publish("kota.a", stop("A1"), **own)
        url = f"nats://{USER}:${{NATS_PASSWORD}}@127.0.0.1:{guarded.port}"
        reading(town, url, "kota", durable="halte")
        monkeypatch.setenv("NATS_PASSWORD", "wr0ng")
        said = town.failed()
        assert "Authorization Violation" in said
        assert "wr0ng" not in said
        monkeypatch.setenv("NATS_PASSWORD", PASSWORD)
        assert town.run().stored == 1
        monkeypatch.setattr("mahakam.feeds.origins.nats.CONNECT", 1.5)
        reading(town, url, "lain", durable="halte")
        assert "ermissions" in town.failed()


def test_over_tls_the_server_must_be_who_it_says(town: Town, jetstream: Jetstream, tmp_path: Path) -> None:
    with Jetstream(tmp_path, tls=True) as secure:
        context = ssl.create_default_context(cafile=str(secure.authority))
        context.check_hostname = False
        secure.add_stream("aman", "aman.>", tls=context)
        secure.publish("aman.a", stop("T1"), tls=context)
        own = {"authority": str(secure.authority)}
        reading(town, f"tls://localhost:{secure.port}", "aman")
        assert "certificate verify failed" in town.failed(), "the machine does not know the authority"
        reading(town, f"tls://127.0.0.1:{secure.port}", "aman", **own)
        assert "certificate verify failed" in town.failed(), "the certificate is of localhost"
        reading(town, f"tls://localhost:{secure.port}", "aman", **own)
        assert town.run().stored == 1
    reading(town, f"tls://localhost:{jetstream.port}", "aman", **own)
    assert "offers no TLS" in town.failed()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://x"}, "url must be as nats://"),
        ({"url": "nats://127.0.0.1:1"}, "cannot be used"),
        ({"stream": "tidak-ada"}, "stream not found"),
    ],
)
def test_what_is_wrong_is_said(town: Town, jetstream: Jetstream, options: dict[str, Any], said: str) -> None:
    reading(town, **{"url": jetstream.url, "stream": "salah", **options})
    assert said in town.failed()


def test_private_addresses_are_refused_unless_allowed(town: Town, jetstream: Jetstream) -> None:
    reading(town, jetstream.url, "pribadi")
    town.parts = Parts(town.parts.broker, town.parts.places, town.parts.data, False)
    assert "private address" in town.failed()
