"""Pages of a query while others write: what was there all the time comes once, whatever is deleted or made."""

from __future__ import annotations

import re
from typing import Any

import pytest

from support.api import BASE, Api, problem

_NEXT = re.compile(r'<([^<>]*)>; rel="next"')
LD, GEO = "application/ld+json", "application/geo+json"
NEAR = "georel=near;maxDistance==900000&geometry=Point&coordinates=[117.1,-0.5]"
WAYS = [
    ("type=Stop", ""),
    ("type=Stop", LD),
    ("type=Stop", GEO),
    ("type=Stop&options=keyValues", ""),
    ("type=Stop&options=sysAttrs", ""),
    ("type=Stop,Shelter", ""),
    ("q=line>=0", ""),
    ("q=line.observedAt>%222026-01-01T00:00:00Z%22", ""),
    (f"type=Stop&{NEAR}", ""),
    ("type=Stop&scopeQ=/city/%23", ""),
    ("attrs=line", ""),
]


def stop(number: int) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Stop:{number:03}",
        "type": "Stop",
        "scope": f"/city/ward-{number % 3}",
        "line": {"type": "Property", "value": number, "observedAt": "2026-02-01T00:00:00Z"},
        "location": {"type": "Point", "coordinates": [117.1 + number / 1000, -0.5]},
    }


def create(api: Api, numbers: range) -> None:
    made = api("POST", "/entityOperations/create", json=[stop(number) for number in numbers])
    assert made.status_code == 201, made.text[:300]


def delete(api: Api, *ids: str) -> None:
    for id in ids:
        assert api("DELETE", f"/entities/{id}").status_code == 204


def page(api: Api, path: str, accept: str) -> tuple[list[str], str]:
    """The ids of a page, and the path of the next one."""
    answer = api.get(path, **({"accept": accept} if accept else {}))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    link = _NEXT.search(answer.headers.get("link", ""))
    ids = [one["id"] for one in (found["features"] if accept == GEO else found)]
    return ids, link[1].removeprefix(BASE) if link else ""


@pytest.mark.parametrize(("query", "accept"), WAYS)
def test_no_gap_and_no_double_while_entities_come_and_go(api: Api, query: str, accept: str) -> None:
    create(api, range(60))
    ids, path = page(api, f"/entities?{query}&limit=7", accept)
    seen, round, made = list(ids), 0, 60
    gone: set[str] = set()
    while path:
        rest = [one["id"] for one in map(stop, range(60)) if one["id"] not in {*seen, *gone}]
        # Of those seen, of those to come, and the very first of the next page.
        going = {seen[-1], seen[round], *rest[:1], *rest[3:4]} - gone
        delete(api, *going)
        gone |= going
        create(api, range(made, made + 2))
        made, round = made + 2, round + 1
        ids, path = page(api, path, accept)
        seen += ids
    assert round > 5
    assert len(seen) == len(set(seen))
    stayed = [one["id"] for one in map(stop, range(60)) if one["id"] not in gone]
    assert [id for id in seen if id in set(stayed)] == stayed


def test_the_way_back_and_the_way_on(api: Api) -> None:
    create(api, range(10))
    first, path = page(api, "/entities?type=Stop&limit=4", "")
    assert "cursor=" in path
    answer = api.get(path)
    link = re.search(r'<([^<>]*)>; rel="prev"', answer.headers["link"])
    assert link is not None
    assert [one["id"] for one in api.get(link[1].removeprefix(BASE)).json()] == first
    second, path = page(api, path, "")
    third, path = page(api, path, "")
    assert [*first, *second, *third] == [stop(number)["id"] for number in range(10)]
    assert not path


def test_pages_that_count_are_numbered(api: Api) -> None:
    """A page of so many is told by its place, and so may be gone to: 4.12 gives the relation, not the URL."""
    create(api, range(10))
    _, path = page(api, "/entities?type=Stop&limit=4&count=true", "")
    assert path == "/entities?count=true&limit=4&offset=4&type=Stop"


def test_pages_of_an_order_of_their_own_have_no_cursor(api: Api) -> None:
    create(api, range(10))
    _, path = page(api, "/entities?type=Stop&limit=4&orderBy=line;desc", "")
    assert "cursor" not in path
    problem(api.get("/entities?type=Stop&orderBy=line&cursor=3"), 400, "BadRequestData")
    problem(api.get("/entities?type=Stop&cursor=x"), 400, "BadRequestData")


def test_pages_of_a_snapshot(api: Api) -> None:
    create(api, range(10))
    made = api(
        "POST",
        "/snapshots",
        json={"type": "Snapshot", "snapshotQueries": [{"type": "Query", "entities": [{"type": "Stop"}]}]},
    )
    assert made.status_code == 201, made.text[:300]
    id = made.headers["location"].rpartition("/")[2]
    found: list[str] = []
    path = "/entities?type=Stop&limit=4"
    while path:
        answer = api.get(path, ngsild_snapshot=id)
        assert answer.status_code == 200, answer.text
        found += [one["id"] for one in answer.json()]
        link = _NEXT.search(answer.headers["link"])
        path = link[1].removeprefix(BASE) if link else ""
    assert found == [stop(number)["id"] for number in range(10)]
