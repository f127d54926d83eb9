"""What users of other brokers complain of, as far as it is not told elsewhere: each is a test here.

Notifications lost after a restart: ``tests/e2e/test_notifications_survive.py``, ``tests/broker/test_faults.py``. A dead
subscriber that delays the others: ``tests/broker/test_subscriptions.py``, ``tests/broker/test_faults.py``.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mahakam.broker.well_known import subjects
from mahakam.ngsild import represent
from mahakam.ngsild import selection as s
from mahakam.store.opening import open_store
from mahakam.store.sqlite.entities import SqliteEntities
from support.api import BASE, Api, link
from support.node import RunningNode

ENVIRONMENT = (
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Environment/master/context.jsonld"
)


@pytest.fixture
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError("there is no internet here")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.mark.usefixtures("no_internet")
def test_contexts_of_smart_data_models_need_no_internet(api: Api) -> None:
    """Orion-LD #952, Stellio #1159, #1162, Scorpio #493."""
    air = {"id": "urn:ngsi-ld:Air:1", "type": "AirQualityObserved", "pm25": {"type": "Property", "value": 12}}
    body = {
        **air,
        "@context": [ENVIRONMENT, "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"],
    }
    created = api("POST", "/entities", json=body, headers={"content-type": "application/ld+json"})
    assert created.status_code == 201, created.text
    found = api.client.get(f"{BASE}/entities?type=AirQualityObserved&q=pm25>10", headers=link(ENVIRONMENT))
    assert found.json() == [air]
    [whole] = api.get("/entities?id=urn:ngsi-ld:Air:1&type=*").json()
    assert whole["type"] == "https://smartdatamodels.org/dataModel.Environment/AirQualityObserved"
    assert "https://smartdatamodels.org/dataModel.Environment/pm25" in whole
    other = api.client.get(f"{BASE}/entities?type=T", headers=link("https://example.org/other.jsonld"))
    assert other.json()["type"].endswith("LdContextNotAvailable")


@pytest.mark.usefixtures("no_internet")
@pytest.mark.parametrize("subject", subjects())
def test_every_packed_context_is_one(api: Api, subject: str) -> None:
    for url in (
        ENVIRONMENT.replace("Environment", subject),
        f"https://smart-data-models.github.io/dataModel.{subject}/context.jsonld",
    ):
        entity = {"id": f"urn:ngsi-ld:{subject}:1", "type": "Thing", "name": "x", "@context": url}
        api("DELETE", f"/entities/{entity['id']}")
        answer = api("POST", "/entities", json=entity, headers={"content-type": "application/ld+json"})
        assert answer.status_code == 201, answer.text
        stored = api.read(f"urn:ngsi-ld:{subject}:1")
        assert "https://smartdatamodels.org/name" in stored or "name" in stored


def test_queries_by_type_place_and_time_scan_nothing(tmp_path: Path) -> None:
    """Scorpio #366, #659, Orion-LD #1408, Stellio #1082: here for SQLite; PostgreSQL in test_postgres."""
    opened = open_store("", tmp_path)
    tenant = opened.tenant()
    assert isinstance(tenant, SqliteEntities)

    def fill(transaction: Any) -> None:
        for number in range(2_000):
            at = f"2026-01-{number % 28 + 1:02}T{number % 24:02}:00:00Z"
            place = {"type": "Point", "coordinates": [117 + number / 5_000, -0.5]}
            document = {
                "id": f"urn:e:{number}",
                "type": f"T{number % 50}",
                "createdAt": at,
                "modifiedAt": at,
                "n": {
                    "type": "Property",
                    "value": number,
                    "observedAt": at,
                    "createdAt": at,
                    "modifiedAt": at,
                },
                "location": {"type": "GeoProperty", "value": place, "createdAt": at, "modifiedAt": at},
            }
            transaction.put(document, represent.body(document))

    tenant.write(fill)
    types = s.Types((("T7",),))
    near = s.Geo("near", {"type": "Point", "coordinates": [117.2, -0.5]}, max_distance=300)
    late = s.Compare(s.Path("n", ("observedAt",)), ">", ("2026-01-28T20:00:00Z",))
    for selection in (
        s.Selection(types=types),
        s.Selection(geo=near),
        s.Selection(types=types, geo=near),
        s.Selection(condition=s.Compare(s.Path("n"), ">", (1_990,))),
        s.Selection(types=types, condition=late),
    ):
        tenant.values.make_for(selection)
        steps = tenant.explain(selection)
        assert not any(step.startswith(("SCAN entity", "SCAN e")) for step in steps), steps
    assert tenant.count(s.Selection(condition=late)) > 0
    opened.close()


def pages(api: Api, path: str, between: Any, **headers: str) -> Iterator[str]:
    """The ids of all pages, with something happening between two of them."""
    number = 0
    while path:
        answer = api.get(path, **headers)
        yield from (one["id"] for one in answer.json())
        following = [part for part in answer.headers.get("link", "").split(", <") if 'rel="next"' in part]
        path = following[0].partition(">")[0].lstrip("<").removeprefix(BASE) if following else ""
        between(number)
        number += 1


def test_pages_have_no_gaps_and_no_duplicates_while_data_changes(api: Api) -> None:
    """Orion-LD #1573, #1407: entities keep their place, however they change; those that come are at the end."""
    before = [api.create(f"urn:ngsi-ld:Bus:{number:03}", "Bus", n=number) for number in range(60)]

    def change(number: int) -> None:
        for at in (0, 30, 59):
            api(
                "PATCH",
                f"/entities/{before[at]}/attrs",
                json={"n": 1000 + number, f"more{number}": "x" * 500},
            )
        api.create(f"urn:ngsi-ld:Bus:{100 - number:03}", "Bus")

    seen = list(pages(api, "/entities?type=Bus&limit=7", change))
    assert len(seen) == len(set(seen))
    assert seen[:60] == before


def test_deletions_leave_no_gaps_in_the_pages_of_an_entity_map(api: Api) -> None:
    """The same while entities go: the pages of an entity map (clause 4.21, 5.14) hold all that are left."""
    before = [api.create(f"urn:ngsi-ld:Bus:{number:03}", "Bus", n=number) for number in range(60)]
    made = api.get("/entityMaps?type=Bus")
    location = made.headers["ngsild-entitymap"]
    gone: list[str] = []

    def change(number: int) -> None:
        gone.append(before[59 - number])
        api("DELETE", f"/entities/{gone[-1]}")

    seen = list(pages(api, "/entities?type=Bus&limit=7", change, ngsild_entitymap=location))
    assert len(seen) == len(set(seen))
    assert set(before) - set(gone) <= set(seen)


def test_no_crash_under_writes_at_once(tmp_path: Path, store_url: str) -> None:
    """Creates, changes, batches, deletions and purges of the same entities at once: refusals, but no fault."""
    ids = [f"urn:ngsi-ld:Crowd:{number}" for number in range(8)]
    statuses: list[int] = []
    environment = {"MAHAKAM_STORE": store_url} if store_url else {}

    def work(url: str, worker: int) -> None:
        batch = [{"id": id, "type": "Crowd", "n": worker} for id in ids]
        with httpx.Client(base_url=url + BASE, timeout=60) as client:
            for turn in range(25):
                id = ids[(turn + worker) % len(ids)]
                for method, path, body in (
                    ("POST", "/entities", {"id": id, "type": "Crowd", "n": turn}),
                    ("PATCH", f"/entities/{id}", {"n": turn}),
                    ("POST", f"/entities/{id}/attrs", {f"own{worker}": turn}),
                    ("POST", "/entityOperations/upsert", batch),
                    ("DELETE", f"/entities/{id}", None),
                    ("POST", "/entityOperations/delete", ids[:3]),
                    ("GET", "/entities?type=Crowd&q=n>3", None),
                    ("DELETE", "/entities?type=Crowd" if turn % 10 == 9 else f"/entities/{id}/attrs/n", None),
                ):
                    statuses.append(client.request(method, path, json=body).status_code)

    with RunningNode(tmp_path / "data", open=True, environment=environment) as node:
        threads = [threading.Thread(target=work, args=(node.url, worker)) for worker in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(statuses) == 6 * 25 * 8
        assert max(statuses) < 500
        assert {200, 201, 204} <= set(statuses)
        assert httpx.get(f"{node.url}/health").status_code == 200
        assert "Traceback" not in node.log()
