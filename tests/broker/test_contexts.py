"""Remote @context documents, from real HTTP servers: once, within limits, never from private addresses."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest

from mahakam.broker import contexts
from mahakam.broker.contexts import Contexts
from mahakam.ngsild.context import CORE
from mahakam.ngsild.problem import Problem
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore

GOOD = {"@context": {"heat": "https://example.org/heat"}}


class Server(ThreadingHTTPServer):
    """Answers what a test puts into ``answers``: path → (status, headers, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def put(self, path: str, value: Any, status: int = 200, **headers: str) -> str:
        body = value if isinstance(value, bytes) else orjson.dumps(value)
        self.answers[path] = (status, headers, body)
        return self.url + path


class Handler(BaseHTTPRequestHandler):
    server: Server  # type: ignore[assignment]
    slow: ClassVar[float] = 0.0

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, headers, body = self.server.answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.path == "/drip":
            for _ in range(100):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    found = open_store(store_url, tmp_path / "data")
    yield found.tenant("")
    found.close()


@pytest.fixture
def allowed(store: EntityStore) -> Contexts:
    return Contexts(store, private_addresses=True)


def refused(found: Contexts, value: Any, kind: str = "LdContextNotAvailable") -> str:
    with pytest.raises(Problem) as refusal:
        found.of(value)
    assert refusal.value.kind == kind
    return refusal.value.detail


def test_a_context_is_fetched_once_and_kept(server: Server, store: EntityStore, allowed: Contexts) -> None:
    url = server.put("/c.jsonld", GOOD)
    assert allowed.known(url) is None
    assert allowed.of(url).expand("heat") == "https://example.org/heat"
    assert allowed.of(url) is allowed.known(url)
    assert (
        allowed.of([url, {"rain": "https://example.org/rain"}]).expand("heat") == "https://example.org/heat"
    )
    assert server.asked == ["/c.jsonld"]
    server.answers.clear()
    again = Contexts(store, private_addresses=True)
    assert again.of(url).expand("heat") == "https://example.org/heat"
    assert server.asked == ["/c.jsonld"]


def test_many_at_once_fetch_once(server: Server, allowed: Contexts) -> None:
    url = server.put("/c.jsonld", GOOD)
    threads = [threading.Thread(target=allowed.of, args=(url,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == ["/c.jsonld"]


def test_the_core_is_never_fetched(store: EntityStore) -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise AssertionError(host)

    found = Contexts(store, resolve=nowhere)
    assert found.known(None) is CORE
    assert found.of("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld") is CORE
    assert found.of({"heat": "https://example.org/heat"}).expand("heat") == "https://example.org/heat"


def test_private_addresses_are_refused(server: Server, store: EntityStore) -> None:
    url = server.put("/c.jsonld", GOOD)
    assert "private address 127.0.0.1" in refused(Contexts(store), url)
    assert server.asked == []


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1"),
        *("::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    ],
)
def test_a_name_that_leads_to_a_private_address_is_refused(store: EntityStore, address: str) -> None:
    found = Contexts(store, resolve=lambda host, port: ["93.184.215.14", address])
    assert "private address" in refused(found, "http://example.org/c.jsonld")


def test_the_checked_address_is_the_one_that_is_asked(server: Server, store: EntityStore) -> None:
    """DNS that changes its mind between the check and the connection changes nothing."""
    answers = iter([["127.0.0.1"], ["203.0.113.9"]])
    found = Contexts(store, private_addresses=True, resolve=lambda host, port: next(answers))
    server.put("/c.jsonld", GOOD)
    assert found.of(f"http://a.name.that.is.not.in.dns:{server.server_port}/c.jsonld").expand("heat")
    assert server.asked == ["/c.jsonld"]


def test_a_redirect_to_a_private_address_is_refused(server: Server, store: EntityStore) -> None:
    """Only the first name is taken for public; what it redirects to is checked like any other."""
    target = server.put("/inner", GOOD)
    outer = server.put("/outer", b"", 302, location=target)
    found = Contexts(store, private_addresses=True)
    assert found.of(outer).expand("heat") == "https://example.org/heat"
    strict = Contexts(store, resolve=lambda host, port: ["127.0.0.1"])
    server.asked.clear()
    assert "private" in refused(strict, server.put("/outer2", b"", 302, location=target))
    assert server.asked == []


@pytest.mark.parametrize(
    ("path", "value", "status", "word", "kind"),
    [
        ("/gone", b"", 404, "404", "LdContextNotAvailable"),
        ("/large", b" " * (contexts.MAX_BYTES + 1), 200, "larger than", "LdContextNotAvailable"),
        ("/broken", b"{", 200, "no JSON", "BadRequestData"),
        ("/list", [1], 200, "@context", "BadRequestData"),
        ("/none", {"a": 1}, 200, "@context", "BadRequestData"),
    ],
)
def test_what_is_no_context_is_said(
    server: Server, allowed: Contexts, path: str, value: Any, status: int, word: str, kind: str
) -> None:
    url = server.put(path, value, status)
    assert word in refused(allowed, url, kind)
    server.put(path, GOOD)
    assert allowed.of(url).expand("heat"), "a refusal is not kept"


def test_redirects_have_an_end(server: Server, allowed: Contexts) -> None:
    assert "redirects" in refused(allowed, server.put("/loop", b"", 302, location="/loop"))


def test_a_server_that_drips_is_given_up(
    server: Server, allowed: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "SECONDS", 0.5)
    refused(allowed, server.put("/drip", GOOD))
    assert allowed.known(f"{server.url}/drip") is None


@pytest.mark.parametrize(
    "url", ["ftp://example.org/c", "file:///etc/passwd", "http:///c", "http://[::1", "urn:a:b"]
)
def test_other_urls_are_not_fetched(allowed: Contexts, url: str) -> None:
    refused(allowed, url)


def test_nobody_listens(allowed: Contexts) -> None:
    refused(allowed, "http://127.0.0.1:1/c.jsonld")


def test_contexts_over_the_api(server: Server, tmp_path: Path) -> None:
    from support.api import link, problem, running

    url = server.put("/c.jsonld", GOOD)
    with running(tmp_path / "node", private_addresses=True) as api:
        entity = {"id": "urn:a:b", "type": "Weather", "heat": 3}
        assert api("POST", "/entities", json=entity, headers=link(url)).status_code == 201
        assert "https://example.org/heat" in api.read("urn:a:b")
        answer = api("GET", "/entities/urn:a:b", headers=link(url))
        assert answer.json()["heat"]["value"] == 3
        assert url in answer.headers["link"]
        answer = api(
            "GET", "/entities?type=Weather&q=heat==3", headers=link(url) | {"accept": "application/ld+json"}
        )
        assert answer.json()[0]["heat"]["value"] == 3
        assert url in answer.json()[0]["@context"]
        assert api.get("/entities?type=Weather&q=heat==3").json() == []
        problem(api("GET", "/types", headers=link(f"{server.url}/gone")), 504, "LdContextNotAvailable")
