"""The list of hosts: what it means, that every way out of the node holds to it, and that there is no other way out."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mahakam import addresses
from mahakam.access.provider.asking import Asking
from mahakam.access.provider.configured import Provider
from mahakam.addresses import Hosts
from mahakam.app import Node
from mahakam.broker.contexts import Contexts
from mahakam.broker.endpoint import endpoint_problem
from mahakam.broker.federation.client import Client
from mahakam.broker.federation.registration import of_payload
from mahakam.broker.http_sender import HttpSender
from mahakam.broker.mqtt_sender import MqttSender
from mahakam.broker.nats_link import Target, connected
from mahakam.broker.nats_sender import NatsSender
from mahakam.config import ConfigError, Settings
from mahakam.feeds.origins import Ask, named
from mahakam.feeds.origins._web import Web
from mahakam.nodes.asking import ask
from mahakam.nodes.fetching import fetch
from mahakam.services.exchange_servers import Server
from mahakam.services.georeport import GeoReport
from mahakam.services.push import Browser, Pusher
from mahakam.store.opening import open_store
from support.notify import subscription
from support.push_service import PushService

SOURCE = Path(addresses.__file__).parent


class Listener:
    """Counts who connects, and hangs up."""

    def __init__(self) -> None:
        self.came = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.came += 1
                connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_list_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_held", None)


@pytest.mark.parametrize(
    ("host", "is_in"),
    [
        ("data.example.id", True), ("DATA.example.id.", True), ("example.id", False), ("xdata.example.id", False),
        ("a.push.example", True), ("a.b.push.example", True), ("push.example", False), ("xpush.example", False),
        ("10.2.3.4", True), ("10.3.0.1", False), ("[2001:db8::7]", True), ("2001:db8::7%eth0", True),
        ("::ffff:10.2.3.4", True), ("2001:db9::7", False), ("", False), ("data.example.id.evil.example", False),
    ],
)  # fmt: skip
def test_what_a_list_has(host: str, is_in: bool) -> None:
    hosts = Hosts.parse("data.example.id, *.Push.example,10.2.0.0/16,2001:db8::/32,")
    assert hosts.has(host) is is_in


@pytest.mark.parametrize(
    "text", ["https://a.example", "a b", "*", "*.", "a.example:80", "10.2.0.0/99", "a..b", "10.2.3"]
)
def test_what_is_no_host_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"MAHAKAM_HOSTS.*was expected"):
        Node(Settings(data=tmp_path, hosts=f"a.example,{text}"))


def test_the_list_of_the_environment_counts_until_a_node_says_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAHAKAM_HOSTS", "a.example")
    assert "MAHAKAM_HOSTS" in addresses.host_problem("b.example")
    assert Settings.from_environment().hosts == "a.example"
    assert Settings(data=tmp_path, hosts="b.example").environment()["MAHAKAM_HOSTS"] == "b.example"
    Node(Settings(data=tmp_path, hosts="b.example"))
    assert addresses.host_problem("b.example") == ""
    assert "a.example is not among" in addresses.host_problem("a.example")
    assert "a.example is not among" in endpoint_problem("https://a.example/x", private_addresses=False)
    assert endpoint_problem("nats://a.example/x", private_addresses=False, configured=True) == ""
    Node(Settings(data=tmp_path))
    assert addresses.host_problem("a.example") == ""


def _notified(sender: Callable[..., Any], uri: str) -> Callable[[int, Path], None]:
    def way(port: int, _folder: Path) -> None:
        async def send() -> None:
            made = sender(tenant="", private_addresses=True)
            try:
                await made.send(subscription(uri.format(port=port)), b'{"id": "urn:n:1"}')
            finally:
                await made.close()

        asyncio.run(asyncio.wait_for(send(), 60))

    return way


def _source(port: int, _folder: Path) -> None:
    async def send() -> None:
        client = Client(private_addresses=True)
        payload = {"id": "urn:r", "information": [{}], "endpoint": f"http://127.0.0.1:{port}"}
        await client.send(of_payload(payload), "GET", "/entities", {})

    asyncio.run(send())


def _context(port: int, folder: Path) -> None:
    store = open_store("", folder)
    try:
        Contexts(store.tenant(), private_addresses=True).load(f"http://127.0.0.1:{port}/context.jsonld")
    finally:
        store.close()


def _feed(origin: str, **options: str) -> Callable[[int, Path], None]:
    def way(port: int, folder: Path) -> None:
        given = {name: value.format(port=port) for name, value in options.items()}
        asked = Ask("town/x", given, folder, folder, {}, lambda _sha: None, True, spool=folder / "spool")
        named(origin).fetch(asked)

    return way


def _pushed(port: int, folder: Path) -> None:
    store = open_store("", folder)
    with PushService() as service:
        fields = service.subscription()
    browser = Browser(f"http://127.0.0.1:{port}/x", fields["p256dh"], fields["auth"], "id")
    pusher = Pusher(store.tenant(), "mailto:a@b.id", private_addresses=True)

    async def send() -> int:
        import aiohttp

        async with aiohttp.ClientSession() as session:
            return await pusher._send(session, browser, {"number": "T-1", "said": {}, "until": 9e9})

    assert asyncio.run(send()) == 0, "tried again later: it may be listed by then"
    store.close()
    raise OSError("MAHAKAM_HOSTS")


def _provider(port: int, _folder: Path) -> None:
    issuer = f"http://127.0.0.1:{port}"
    Asking(Provider(issuer, "mahakam", {"en": "P"}, (), private=True)).metadata()


def _nats(port: int, _folder: Path) -> None:
    target = Target.of(f"nats://127.0.0.1:{port}")
    asyncio.run(connected(target, wait=20, private_addresses=True))


def _open311(port: int, _folder: Path) -> None:
    with GeoReport.of(Server("x", f"http://127.0.0.1:{port}/open311")) as there:
        there.send({}, "k")


WAYS: dict[str, Callable[[int, Path], None]] = {
    "notification over HTTP": _notified(HttpSender, "http://127.0.0.1:{port}/x"),
    "notification over MQTT": _notified(MqttSender, "mqtt://127.0.0.1:{port}/x"),
    "notification over NATS": _notified(NatsSender, "nats://127.0.0.1:{port}/x"),
    "context source": _source,
    "@context": _context,
    "feed http": lambda port, _: Web("f", True, wait=0.01).get(f"http://127.0.0.1:{port}/x", {}) and None,
    "feed mqtt": _feed("mqtt", url="mqtt://127.0.0.1:{port}", topics="x"),
    "feed nats": _feed("nats", url="nats://127.0.0.1:{port}", subject="x"),
    "feed PostgreSQL": _feed("sql", url="postgresql://a:b@127.0.0.1:{port}/x", query="SELECT 1"),
    "feed PostgreSQL by hostaddr": _feed(
        "sql", url="postgresql://a:b@/x?hostaddr=127.0.0.1&port={port}", query="SELECT 1"
    ),
    "feed MySQL": _feed("sql", url="mysql://a:b@127.0.0.1:{port}/x", query="SELECT 1"),
    "news to a browser": _pushed,
    "sign-in provider": _provider,
    "another node": lambda port, _: ask("GET", f"http://127.0.0.1:{port}/x", private_addresses=True) and None,
    "a file of another node": lambda port, _: (
        fetch(f"http://127.0.0.1:{port}/x", 9, private_addresses=True) and None
    ),
    "NATS": _nats,
    "another Open311 server": _open311,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_host_that_is_not_listed_is_not_connected_to(way: str, listener: Listener, tmp_path: Path) -> None:
    addresses.hold("data.example.id, 127.0.0.2")
    with pytest.raises(Exception, match=r"MAHAKAM_HOSTS|not among the hosts"):
        WAYS[way](listener.port, tmp_path)
    assert listener.came == 0
    addresses.hold("data.example.id, 127.0.0.1")
    with suppress(Exception):
        WAYS[way](listener.port, tmp_path)
    assert listener.came > 0, "the same way reaches one that is listed"


OUT = re.compile(
    r"getaddrinfo\(|create_connection\(|socket\.socket\(|open_connection\(|urlopen\(|smtplib\.|aiosmtplib\.SMTP\("
    r"|psycopg\.connect\(|ConnectionPool\(|pymysql\.connect\(|HTTPS?Connection\(|aiohttp\.ClientSession\("
    r"|httpx\.(?:Async)?Client\(|httpx\.(?:get|post|put|request|stream)\(|aiomqtt\.Client\(|OTLPSpanExporter\("
    r"|\bclient\.connect\(|httpfs|INSTALL "
)
HELD = {
    "access/provider/asking.py", "broker/contexts.py", "broker/endpoint.py", "broker/federation/client.py",
    "broker/http_sender.py", "broker/mqtt_sender.py", "broker/nats_link.py", "feeds/origins/_databases.py",
    "feeds/origins/_web.py", "feeds/origins/mqtt.py", "nodes/exchange.py", "services/georeport.py",
    "services/push.py",
}  # fmt: skip
"""Modules that connect to what data or people name; each is one of :data:`WAYS`, or calls one."""
SETTINGS = {
    "feeds/openlineage/sending.py", "services/outbox.py", "store/postgres/connection.py", "tracing/exporting.py",
    "cli/children.py", "cli/serve.py",
}  # fmt: skip
"""Modules that connect to what a setting of the node names, or to the node itself."""


def test_there_is_no_other_way_out() -> None:
    """Whoever adds one holds it to the list, and adds it to the ways above."""
    found = {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if OUT.search(path.read_text("utf-8"))
    }
    assert found == HELD | SETTINGS
