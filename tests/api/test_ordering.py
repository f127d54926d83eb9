"""The order of a query's entities (clause 4.23, 5.2.43)."""

from __future__ import annotations

import pytest

from support.api import Api, problem

PREFIX = "urn:ngsi-ld:Weather:"


def point(longitude: float, latitude: float) -> dict[str, object]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


@pytest.fixture
def weather(api: Api) -> Api:
    api.create(PREFIX + "a", name="Zebra", heat=30, address={"city": "Bontang"}, location=point(117.5, 0.1))
    api.create(PREFIX + "b", name="ähre", heat=25, address={"city": "Samarinda"}, location=point(117.1, -0.5))
    api.create(PREFIX + "c", name="apple", heat="warm", address={"city": "Balikpapan"})
    return api


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("id", "abc"),
        ("id;desc", "cba"),
        ("createdAt;desc", "cba"),
        ("name", "acb"),
        ("name;desc", "bca"),
        ("heat", "bac"),
        ("heat;desc", "cab"),
        ("address[city]", "cab"),
        ("address[city];desc,name", "bac"),
        ("type,heat;asc", "bac"),
        ("name.createdAt", "abc"),
        ("nothing,id;desc", "cba"),
        ("name&collation=und", "bca"),
        ("location;dist-asc&orderFrom=[117.1,-0.5]", "bac"),
        ("location;dist-desc&orderFrom=[117.1,-0.5]", "abc"),
    ],
)
def test_order(weather: Api, order: str, expected: str) -> None:
    answer = weather.get(f"/entities?type=Weather&orderBy={order}")
    assert answer.status_code == 200, answer.text
    assert "".join(one["id"][-1] for one in answer.json()) == expected


def test_pages_of_an_order(weather: Api) -> None:
    answer = weather.get("/entities?type=Weather&orderBy=id;desc&limit=1&offset=1&count=true")
    assert [one["id"] for one in answer.json()] == [PREFIX + "b"]
    assert answer.headers["ngsild-results-count"] == "3"
    assert 'rel="next"' in answer.headers["link"]
    assert 'rel="prev"' in answer.headers["link"]
    problem(weather.get("/entities?type=Weather&orderBy=id&offset=200000"), 403, "TooComplexQuery")


def test_a_posted_query_has_an_ordering(weather: Api) -> None:
    ordering = {"orderBy": ["location;dist-asc", "id"], "geometry": "Point", "coordinates": [117.1, -0.5]}
    query = {"type": "Query", "entities": [{"type": "Weather"}], "ordering": ordering}
    found = weather("POST", "/entityOperations/query", json=query).json()
    assert [one["id"][-1] for one in found] == ["b", "a", "c"]
    for wrong in (
        {"orderBy": ["location;dist-asc"]},
        {"orderBy": ["id"], "coordinates": "117,-1"},
        {"orderBy": ["id"], "geometry": 5},
        {"orderBy": ["id"], "collation": "not a tag!"},
        ["id"],
    ):
        answer = weather("POST", "/entityOperations/query", json={**query, "ordering": wrong})
        problem(answer, 400, "BadRequestData")


@pytest.mark.parametrize(
    "order",
    [
        "orderBy=name;up",
        "orderBy=,",
        "orderBy=location;dist-asc",
        "orderBy=location;dist-asc&orderFrom=here",
        "orderBy=location;dist-asc&orderFrom=[200,0]",
        "orderBy=name&collation=!!",
        "orderBy=a,b,c,d,e,f,g,h,i,j,k",
    ],
)
def test_orders_that_are_none(api: Api, order: str) -> None:
    problem(api.get(f"/entities?type=Weather&{order}"), 400, "BadRequestData")
