"""Who may write: reads are open; a write needs a role, in the place that the entity belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mahakam.access.keys import add_key
from mahakam.app import Application, open_node
from mahakam.config import Settings
from support.api import Api, problem

HERE, THERE = "/kaltim/samarinda", "/kaltim/bontang"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[tuple[Api, dict[str, str], dict[str, str], dict[str, str]]]:
    """An API that is not open, with a key for everywhere, one for Samarinda, and one that may only read."""
    found = open_node(Settings(data=tmp_path / "data"))
    store = found.store.tenant("")
    with TestClient(Application(found), base_url="http://localhost") as client:
        yield (
            Api(client),
            bearer(store, "all", ("write",), ("*",)),
            bearer(store, "samarinda", ("write",), ("samarinda",)),
            bearer(store, "reader", ("read",), ("*",)),
        )
    found.close()


def bearer(store: Any, name: str, scopes: tuple[str, ...], places: tuple[str, ...]) -> dict[str, str]:
    return {"authorization": "Bearer " + add_key(store, name, scopes, places)[0]}


def weather(number: int, scope: Any = None) -> dict[str, Any]:
    entity: dict[str, Any] = {"id": f"urn:ngsi-ld:Weather:{number}", "type": "Weather", "heat": number}
    return entity if scope is None else entity | {"scope": scope}


def create(api: Api, entity: dict[str, Any], headers: dict[str, str]) -> int:
    return int(api("POST", "/entities", json=entity, headers=headers).status_code)


def test_strangers_read_and_do_not_write(node: Any) -> None:
    api, everywhere, _, reader = node
    assert create(api, weather(1), everywhere) == 201
    assert api.read("urn:ngsi-ld:Weather:1")
    one = "/entities/urn:ngsi-ld:Weather:1"
    writes = [
        ("POST", "/entities"),
        ("PUT", one),
        ("PATCH", one),
        ("DELETE", one),
        ("POST", f"{one}/attrs"),
        ("PATCH", f"{one}/attrs"),
        ("PATCH", f"{one}/attrs/heat"),
        ("PUT", f"{one}/attrs/heat"),
        ("DELETE", f"{one}/attrs/heat"),
        *(
            ("POST", f"/entityOperations/{name}")
            for name in ("create", "upsert", "update", "merge", "delete")
        ),
    ]
    before = api.read("urn:ngsi-ld:Weather:1")
    for method, path in writes:
        problem(api(method, path, json=weather(1)), 401, "Unauthorized")
        problem(
            api(method, path, json=weather(1), headers={"authorization": "Bearer mhk_wrong"}),
            401,
            "Unauthorized",
        )
        problem(api(method, path, json=weather(1), headers=reader), 403, "Forbidden")
    assert api.read("urn:ngsi-ld:Weather:1") == before


def test_a_role_holds_in_its_place(node: Any) -> None:
    api, everywhere, samarinda, _ = node
    assert create(api, weather(1, HERE), samarinda) == 201
    assert create(api, weather(2, THERE), samarinda) == 403
    assert create(api, weather(3), samarinda) == 403
    assert create(api, weather(4, [HERE, THERE]), samarinda) == 403
    assert create(api, weather(2, THERE), everywhere) == 201
    for method, path, body in (
        ("PATCH", "/entities/urn:ngsi-ld:Weather:2", {"heat": 9}),
        ("PATCH", "/entities/urn:ngsi-ld:Weather:2", {"heat": 9, "scope": HERE}),
        ("PUT", "/entities/urn:ngsi-ld:Weather:2", weather(2, HERE)),
        ("DELETE", "/entities/urn:ngsi-ld:Weather:2", None),
        ("DELETE", "/entities/urn:ngsi-ld:Weather:2/attrs/heat", None),
        ("POST", "/entities/urn:ngsi-ld:Weather:2/attrs", {"rain": 1}),
        ("PATCH", "/entities/urn:ngsi-ld:Weather:1", {"scope": THERE}),
    ):
        answer = api(method, path, json=body, headers=samarinda)
        assert answer.status_code == 403, (method, path, answer.text)
    assert api.read("urn:ngsi-ld:Weather:2")["heat"]["value"] == 2
    assert (
        api("PATCH", "/entities/urn:ngsi-ld:Weather:1", json={"heat": 5}, headers=samarinda).status_code
        == 204
    )


def test_a_batch_is_checked_entity_by_entity(node: Any) -> None:
    api, everywhere, samarinda, _ = node
    assert create(api, weather(2, THERE), everywhere) == 201
    body = [weather(1, HERE), weather(2, HERE), weather(3, THERE)]
    answer = api("POST", "/entityOperations/upsert", json=body, headers=samarinda)
    assert answer.status_code == 207
    assert answer.json()["success"] == ["urn:ngsi-ld:Weather:1"]
    assert api.read("urn:ngsi-ld:Weather:2")["scope"] == THERE
    ids = ["urn:ngsi-ld:Weather:1", "urn:ngsi-ld:Weather:2"]
    answer = api("POST", "/entityOperations/delete", json=ids, headers=samarinda)
    assert answer.json()["success"] == ["urn:ngsi-ld:Weather:1"]
    answer = api("POST", "/entityOperations/merge", json=[{"id": ids[1], "heat": 7}], headers=samarinda)
    assert answer.json()["errors"][0]["error"]["status"] == 403


def test_a_new_tenant_takes_a_role_everywhere(node: Any) -> None:
    api, everywhere, samarinda, _ = node
    assert create(api, weather(1, HERE), {**samarinda, "ngsild-tenant": "mine"}) == 403
    assert create(api, weather(1, HERE), {**everywhere, "ngsild-tenant": "ours"}) == 201
