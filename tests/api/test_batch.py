"""Many entities at once: each is done or refused by itself (clause 6.14-6.17, 6.31)."""

from __future__ import annotations

from typing import Any

import pytest

from support.api import Api, link, problem


def batch(api: Api, operation: str, body: Any, query: str = "", **more: Any) -> Any:
    return api("POST", f"/entityOperations/{operation}{query}", json=body, **more)


def weather(number: int, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Weather:{number}", "type": "Weather", **attributes}


def test_create(api: Api) -> None:
    answer = batch(api, "create", [weather(1, heat=1), weather(2, heat=2)])
    assert (answer.status_code, answer.json()) == (201, ["urn:ngsi-ld:Weather:1", "urn:ngsi-ld:Weather:2"])
    answer = batch(api, "create", [weather(2), weather(3), {"id": "x", "type": "Weather"}, {}])
    assert answer.status_code == 207
    assert answer.json()["success"] == ["urn:ngsi-ld:Weather:3"]
    errors = {
        error["entityId"]: error["error"]["type"].rpartition("/")[2] for error in answer.json()["errors"]
    }
    assert errors["urn:ngsi-ld:Weather:2"] == "AlreadyExists"
    assert errors["x"] == "BadRequestData"
    assert len(answer.json()["errors"]) == 3


def test_the_same_entity_twice_in_one_batch(api: Api) -> None:
    answer = batch(api, "create", [weather(1, heat=1), weather(1, heat=2)])
    assert answer.status_code == 207
    assert answer.json()["success"] == ["urn:ngsi-ld:Weather:1"]
    assert [error["entityId"] for error in answer.json()["errors"]] == ["urn:ngsi-ld:Weather:1"]
    assert api.read("urn:ngsi-ld:Weather:1")["heat"]["value"] == 1


def test_upsert(api: Api) -> None:
    assert batch(api, "upsert", [weather(1, heat=1, rain=1)]).status_code == 201
    answer = batch(api, "upsert", [weather(1, heat=2), weather(2, heat=2)])
    assert (answer.status_code, answer.json()) == (201, ["urn:ngsi-ld:Weather:2"])
    assert "rain" not in api.read("urn:ngsi-ld:Weather:1")
    assert batch(api, "upsert", [weather(1, wind=3)], "?options=update").status_code == 204
    assert api.read("urn:ngsi-ld:Weather:1").keys() == {"id", "type", "heat", "wind"}


def test_update_and_merge(api: Api) -> None:
    batch(api, "create", [weather(1, heat={"value": 1, "unitCode": "CEL"})])
    assert batch(api, "merge", [weather(1, heat={"value": 2})]).status_code == 204
    assert api.read("urn:ngsi-ld:Weather:1")["heat"] == {"type": "Property", "value": 2, "unitCode": "CEL"}
    assert batch(api, "update", [weather(1, heat=3, rain=1)]).status_code == 204
    assert api.read("urn:ngsi-ld:Weather:1")["heat"] == {"type": "Property", "value": 3}
    answer = batch(api, "update", [weather(1, heat=9), weather(7)], "?options=noOverwrite")
    assert answer.status_code == 207
    assert {error["entityId"] for error in answer.json()["errors"]} == {
        "urn:ngsi-ld:Weather:1",
        "urn:ngsi-ld:Weather:7",
    }
    assert batch(api, "merge", [{"heat": 1}]).status_code == 207


def test_delete(api: Api) -> None:
    batch(api, "create", [weather(1), weather(2)])
    assert batch(api, "delete", ["urn:ngsi-ld:Weather:1"]).status_code == 204
    answer = batch(api, "delete", ["urn:ngsi-ld:Weather:1", "urn:ngsi-ld:Weather:2", "x", 7])
    assert answer.status_code == 207
    assert answer.json()["success"] == ["urn:ngsi-ld:Weather:2"]
    assert len(answer.json()["errors"]) == 3


@pytest.mark.parametrize("operation", ["create", "upsert", "update", "merge", "delete"])
@pytest.mark.parametrize("body", [[], {}, "x", 7])
def test_what_is_no_batch(api: Api, operation: str, body: Any) -> None:
    problem(batch(api, operation, body), 400, "BadRequestData")


def test_a_batch_holds_objects(api: Api) -> None:
    problem(batch(api, "create", [weather(1), None]), 400, "BadRequestData")


def test_contexts_in_the_wrong_place(api: Api) -> None:
    core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
    headers = link(core) | {"content-type": "application/ld+json"}
    problem(batch(api, "create", [weather(1) | {"@context": core}], headers=headers), 400, "BadRequestData")
    answer = batch(api, "create", [weather(1) | {"@context": core}, weather(2)])
    assert (answer.status_code, answer.json()["success"]) == (207, ["urn:ngsi-ld:Weather:2"])


def test_a_batch_too_large(api: Api) -> None:
    problem(batch(api, "delete", ["urn:a:b"] * 10_001), 413, "TooManyResults")


def test_each_entity_has_a_context_of_its_own(api: Api) -> None:
    headers = {"content-type": "application/ld+json"}
    body = [
        weather(1, heat=1) | {"@context": {"heat": "https://example.org/heat"}},
        weather(2, heat=1) | {"@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"},
        weather(3, heat=1),
    ]
    answer = batch(api, "create", body, headers=headers)
    assert answer.status_code == 207
    assert [error["entityId"] for error in answer.json()["errors"]] == ["urn:ngsi-ld:Weather:3"]
    assert api.read("urn:ngsi-ld:Weather:1")["https://example.org/heat"]["value"] == 1
    assert api.read("urn:ngsi-ld:Weather:2")["heat"]["value"] == 1
