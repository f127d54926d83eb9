"""Purging what a query selects, or some of its attributes (clause 5.6.21)."""

from __future__ import annotations

import pytest

from support.api import Api, problem

ONE, TWO, BUS = "urn:ngsi-ld:Weather:1", "urn:ngsi-ld:Weather:2", "urn:ngsi-ld:Bus:1"


@pytest.fixture
def stored(api: Api) -> Api:
    api.create(ONE, heat=30, name="one")
    api.create(TWO, heat=20, name="two")
    api.create(BUS, "Bus", heat=20)
    return api


def ids(api: Api) -> list[str]:
    return [one["id"] for one in api.get("/entities?local=true").json()]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("type=Weather", [BUS]),
        ("q=heat==20", [ONE]),
        (f"type=Weather&id={TWO}", [ONE, BUS]),
        ("type=Weather&idPattern=1$", [TWO, BUS]),
        ("attrs=name", [BUS]),
        ("local=true", []),
        ("type=Train", [ONE, TWO, BUS]),
    ],
)
def test_entities(stored: Api, query: str, left: list[str]) -> None:
    answer = stored("DELETE", f"/entities?{query}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert ids(stored) == left


def test_attributes(stored: Api) -> None:
    assert stored("DELETE", "/entities?type=Weather&drop=name,none").status_code == 204
    assert stored.read(ONE).keys() == {"id", "type", "heat"}
    assert stored("DELETE", "/entities?type=Weather,Bus&keep=name").status_code == 204
    assert stored.read(BUS).keys() == {"id", "type"}


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"?id={ONE}",
        "?idPattern=.*",
        "?attrs=createdAt",
        "?q=modifiedAt>2020-01-01T00:00:00Z",
        "?keep=name",
        "?type=Weather&keep=name&drop=heat",
        "?type=Weather&q=owner{name}==1",
        "?type=Weather&attrs=owner{name}",
        "?type=Weather&csf=((",
    ],
)
def test_what_is_too_wide_or_wrong_deletes_nothing(stored: Api, query: str) -> None:
    problem(stored("DELETE", f"/entities{query}"), 400, "BadRequestData")
    assert ids(stored) == [ONE, TWO, BUS]


def test_thousands(api: Api) -> None:
    batch = [{"id": f"urn:ngsi-ld:Weather:{number}", "type": "Weather"} for number in range(1200)]
    assert api("POST", "/entityOperations/create", json=batch).status_code == 201
    assert api("DELETE", "/entities?type=Weather").status_code == 204
    assert ids(api) == []
