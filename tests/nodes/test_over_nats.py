"""Copies that a city publishes and its hub takes from a stream: through a server of NATS and a hub that are killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats.errors
import orjson
import pytest
from nats.aio.client import Client

from mahakam.app import Node, open_node
from mahakam.broker import signing
from mahakam.config import ConfigError, Settings
from mahakam.nodes import hub as hubs
from mahakam.nodes import over_nats
from mahakam.nodes.faults import NodeError
from mahakam.nodes.invitation import invite
from mahakam.nodes.receiving import DURABLE, Receiving
from nodes.conftest import STOP, VALUE, Make, Site, until
from nodes.test_copies import said
from support.jetstream import Jetstream

USERS = """
authorization { users: [
  { user: hub, password: "hub-1" }
  { user: samarinda, password: "kota-1",
    permissions: { publish: ["mahakam.nodes.samarinda"], subscribe: ["_INBOX.>"] } }
  { user: bontang, password: "kota-2", permissions: { publish: ["mahakam.nodes.bontang"], subscribe: ["_INBOX.>"] } }
] }
"""
HUB = {"user": "hub", "password": "hub-1"}


@pytest.fixture
def jetstream(tmp_path: Path) -> Iterator[Jetstream]:
    folder = tmp_path / "nats"
    folder.mkdir()
    with Jetstream(folder, USERS) as started:
        yield started


def as_user(server: Jetstream, user: str, password: str) -> str:
    return f"nats://{user}:{password}@127.0.0.1:{server.port}"


def waiting(server: Jetstream) -> int:
    """Messages that the hub has not acknowledged."""

    async def work(client: Client) -> int:
        info = await client.jetstream().consumer_info(over_nats.STREAM, DURABLE)
        return int(info.num_pending or 0) + int(info.num_ack_pending or 0)

    return server.run(work, **HUB)


@pytest.mark.fault(
    "NATS, then the hub, kill -9, while a city publishes its copies", "no copy, the last state last", times=4
)
def test_copies_come_through_a_stream_and_through_what_is_killed(
    make: Make, city: Site, jetstream: Jetstream
) -> None:
    hub = make("hub", environment={"MAHAKAM_NATS": as_user(jetstream, "hub", "hub-1")})
    text = hub.invite("samarinda", "--nats", as_user(jetstream, "samarinda", "kota-1"))
    city.run("join", text, "--share", f"{STOP}:waiting", "--share", VALUE, "--push", STOP, "--push", VALUE)
    until(lambda: len(hub.here(STOP)) == 2 and len(hub.here(VALUE)) == 1, "what there was before comes")
    ids = [city.create(f"urn:ngsi-ld:BusStop:n{number}", STOP, waiting=0, secret=9) for number in range(10)]
    values = iter(range(1, 1000))

    def change() -> int:
        value = next(values)
        for id in ids:
            city.change(id, waiting=value)
        return value

    for ended in ("nats", "hub", "nats", "hub"):
        change()
        if ended == "nats":
            jetstream.stop(signal.SIGKILL)
        else:
            hub.kill()
        last = change()
        time.sleep(1)
        if ended == "nats":
            jetstream.start()
        else:
            hub.start()
        found = until(
            lambda last=last: (
                {id: hub.here(STOP).get(id, {}).get("waiting") for id in ids} == dict.fromkeys(ids, last)
            ),
            "all are as they were last",
        )
        assert found
    assert all("secret" not in one for one in hub.here(STOP).values())
    city.delete(ids[0])
    until(lambda: ids[0] not in hub.here(STOP), "what is deleted goes")
    until(lambda: waiting(jetstream) == 0, "all is acknowledged")
    assert hub.member("samarinda")["held"] == 0
    city.run("revoke", hub.id)
    until(lambda: hub.here(STOP) == {}, "the hub has nothing of it any more")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    found = open_node(Settings(data=tmp_path / "hub", private_addresses=True))
    yield found
    found.close()


def join(node: Node, name: str, server: Jetstream, password: str) -> dict[str, Any]:
    """What the hub answers to a node that joins, of NATS."""
    text = invite(node.store.tenant(), name, "http://127.0.0.1:1", nats=as_user(server, name, password))[0]
    asked = {
        "code": text.partition("#")[2], "attempt": f"{name}-and-a-secret-of-its-own", "key": "mhs_" + name,
        "address": "http://127.0.0.1:9", "version": 1, "shares": {STOP: ["waiting"]}, "push": [STOP],
    }  # fmt: skip
    return dict(hubs.join(node.broker, asked, {"en": "Hub"}, "http://127.0.0.1:1")["nats"])


def published(
    server: Jetstream, user: str, password: str, node: str, secret: str, body: dict[str, Any]
) -> None:
    raw = orjson.dumps(body)

    async def work(client: Client) -> None:
        await client.jetstream(timeout=2).publish(
            over_nats.subject_of(node), raw, headers=signing.signed(secret, raw)
        )

    server.run(work, user=user, password=password)


def test_nobody_speaks_for_another_node(node: Node, jetstream: Jetstream) -> None:
    """The server refuses its subject, and where it did not, the signature tells."""
    one = join(node, "samarinda", jetstream, "kota-1")
    other = join(node, "bontang", jetstream, "kota-2")
    assert one["uri"].endswith("/mahakam.nodes.samarinda")
    receiving = Receiving(lambda: node.broker, as_user(jetstream, "hub", "hub-1"))
    receiving.start()
    until(lambda: _has_stream(jetstream), "the hub makes the stream")
    body = said("urn:ngsi-ld:BusStop:x", 10, waiting=1)
    with pytest.raises(nats.errors.TimeoutError):
        published(jetstream, "bontang", "kota-2", "samarinda", other["secret"], body)
    # a server that lets anybody publish anything
    published(jetstream, "hub", "hub-1", "samarinda", other["secret"], body)
    published(jetstream, "hub", "hub-1", "nobody", other["secret"], body)
    published(
        jetstream,
        "samarinda",
        "kota-1",
        "samarinda",
        one["secret"],
        said("urn:ngsi-ld:BusStop:y", 10, waiting=2),
    )
    until(lambda: node.broker.get("urn:ngsi-ld:BusStop:y"), "what is its own comes")
    until(lambda: waiting(jetstream) == 0, "what is no node's is thrown away")
    assert node.broker.get("urn:ngsi-ld:BusStop:x") is None
    hubs.end(node.broker, "samarinda", "hub")
    published(jetstream, "samarinda", "kota-1", "samarinda", one["secret"], body)
    until(lambda: waiting(jetstream) == 0, "nor of one that is no member any more")
    assert node.broker.get("urn:ngsi-ld:BusStop:x") is None
    receiving.stop()


def test_what_cannot_be_stored_yet_is_not_acknowledged(
    node: Node, jetstream: Jetstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a share that the hub has not heard of: it comes again until it has."""
    monkeypatch.setattr("mahakam.nodes.receiving.SOON", 0.2)
    one = join(node, "samarinda", jetstream, "kota-1")
    receiving = Receiving(lambda: node.broker, as_user(jetstream, "hub", "hub-1"))
    receiving.start()
    until(lambda: _has_stream(jetstream), "the hub makes the stream")
    id = "urn:ngsi-ld:BusStop:later"
    published(jetstream, "samarinda", "kota-1", "samarinda", one["secret"], said(id, 10, share=2, waiting=2))
    until(lambda: _redelivered(jetstream), "it comes again")
    assert node.broker.get(id) is None
    assert waiting(jetstream) == 1
    member = hubs.members(node.store.tenant())[0]
    hubs.change(node.broker, member, {"version": 2, "shares": {STOP: ["waiting"]}, "push": [STOP]})
    until(lambda: node.broker.get(id), "it is taken")
    until(lambda: waiting(jetstream) == 0, "and acknowledged")
    receiving.stop()


def _has_stream(server: Jetstream) -> bool:
    async def work(client: Client) -> bool:
        return any(one.config.name == over_nats.STREAM for one in await client.jetstream().streams_info())

    return server.run(work, **HUB)


def _redelivered(server: Jetstream) -> int:
    async def work(client: Client) -> int:
        info = await client.jetstream().consumer_info(over_nats.STREAM, DURABLE)
        return int(info.num_redelivered or 0)

    return server.run(work, **HUB)


def test_a_city_that_may_not_reach_the_server_sends_over_http() -> None:
    answer = {"nats": {"uri": "nats://samarinda:x@10.0.0.1/mahakam.nodes.samarinda", "secret": "whsec_x"}}
    assert over_nats.accepted(answer, private_addresses=False) == {}
    assert over_nats.accepted(answer, private_addresses=True)["nats"].startswith("nats://")
    assert (
        over_nats.accepted({"nats": {"uri": "http://x", "secret": "whsec_x"}}, private_addresses=True) == {}
    )
    assert over_nats.accepted({}, private_addresses=True) == {}


@pytest.mark.parametrize("url", ["http://x", "nats://", "nats://h/subject", "nats://h?x=1"])
def test_what_is_no_server_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(NodeError):
        over_nats.checked(url, "samarinda")
    if not url.endswith("subject"):
        with pytest.raises(ConfigError, match="MAHAKAM_NATS"):
            open_node(Settings(data=tmp_path, nats=url))
