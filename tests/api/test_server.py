"""The API behind the real server: encoded paths, large bodies, many at once."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mahakam.api.http import MAX_BODY
from support.api import BASE
from support.node import RunningNode


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with RunningNode(Path(tmp_path_factory.mktemp("server")) / "data", open=True) as node:
        yield node.url + BASE


def test_an_id_with_an_encoded_slash_is_one_id(url: str) -> None:
    id = "https://example.org/weather/1/attrs/x?y#z"
    created = httpx.post(f"{url}/entities", json={"id": id, "type": "Weather", "heat": 1})
    assert created.status_code == 201
    path = url.removesuffix(BASE) + created.headers["location"]
    assert httpx.get(path).json()["id"] == id
    assert httpx.patch(f"{path}/attrs/heat", json={"value": 2}).status_code == 204
    assert httpx.get(path).json()["heat"]["value"] == 2
    assert httpx.delete(path).status_code == 204


def test_head_and_methods(url: str) -> None:
    answer = httpx.head(f"{url}/entities?local=true")
    assert (answer.status_code, answer.content) == (200, b"")
    assert httpx.delete(f"{url}/types").status_code == 405
    assert httpx.request("TRACE", f"{url}/types").status_code == 405


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(url: str) -> None:
    host = httpx.URL(url)
    connection = http.client.HTTPConnection(host.host, host.port or 80, timeout=120)
    connection.putrequest("POST", f"{BASE}/entities")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(MAX_BODY + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert answer.getheader("content-type") == "application/problem+json"
    connection.close()
    assert httpx.get(f"{url}/types").status_code == 200


def test_many_at_once(url: str) -> None:
    """Writes that share commits are all there, and an id is given once."""
    statuses: list[int] = []

    def work(worker: int) -> None:
        with httpx.Client() as client:
            for number in range(20):
                entity = {"id": f"urn:ngsi-ld:Crowd:{number}", "type": "Crowd", "worker": worker}
                statuses.append(client.post(f"{url}/entities", json=entity).status_code)
                change = {"number": {"value": number}}
                statuses.append(
                    client.patch(f"{url}/entities/urn:ngsi-ld:Crowd:{number}", json=change).status_code
                )

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(statuses)) == [201, 204, 409]
    assert statuses.count(201) == 20
    assert statuses.count(204) == 120
    found = httpx.get(f"{url}/entities?type=Crowd&limit=100&count=true&options=keyValues")
    assert found.headers["ngsild-results-count"] == "20"
    assert sorted(entity["number"] for entity in found.json()) == list(range(20))
