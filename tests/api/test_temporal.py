"""The temporal API: history of every change, evolutions written as such, pages by time, aggregation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.api import Api, running

ID = "urn:ngsi-ld:Sensor:1"
PATH = f"/temporal/entities/{ID}"


def speeds(*minutes: int) -> list[dict[str, Any]]:
    return [
        {
            "type": "Property",
            "value": minute,
            "observedAt": f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00Z",
        }
        for minute in minutes
    ]


def put(api: Api, *minutes: int, **more: Any) -> None:
    assert api(
        "POST", "/temporal/entities", json={"id": ID, "type": "Sensor", "speed": speeds(*minutes), **more}
    ).status_code in (201, 204)


def test_every_change_is_kept(api: Api) -> None:
    api("POST", "/entities", json={"id": ID, "type": "Sensor", "speed": 1, "scope": "/a"})
    api("PATCH", f"/entities/{ID}", json={"speed": {"value": 2}})
    api("PATCH", f"/entities/{ID}", json={"speed": {"value": 2}})
    api("DELETE", f"/entities/{ID}/attrs/speed")
    api("DELETE", f"/entities/{ID}")
    found = api.get(f"{PATH}?options=sysAttrs").json()
    assert [one["value"] for one in found["speed"]] == [1, 2, "urn:ngsi-ld:null"]
    assert [one["value"] for one in found["scope"]] == ["/a", []]
    assert found["speed"][-1]["deletedAt"]
    gone = api.get(f"{PATH}?timeproperty=deletedAt").json()
    assert [one["value"] for one in gone["speed"]] == ["urn:ngsi-ld:null"]
    assert gone["deletedAt"]


def test_a_batch_is_kept_too(api: Api) -> None:
    for value in (1, 2):
        api("POST", "/entityOperations/upsert", json=[{"id": ID, "type": "Sensor", "speed": value}])
    assert [one["value"] for one in api.get(PATH).json()["speed"]] == [1, 2]


def test_history_may_be_off(tmp_path: Path) -> None:
    with running(tmp_path / "data", history="off") as api:
        api("POST", "/entities", json={"id": ID, "type": "Sensor", "speed": 1})
        assert api.get(PATH).status_code == 404
        put(api, 1)
        assert api.get(PATH).json()["speed"][0]["value"] == 1


def test_periods_begin_with_their_first_time_and_end_before_their_last(api: Api) -> None:
    put(api, 1, 2, 3)
    at, end = "timeAt=2026-01-01T00:02:00Z", "endTimeAt=2026-01-01T00:03:00.000Z"
    for query, expected in (
        (f"timerel=after&{at}", [2, 3]),
        (f"timerel=before&{at}", [1]),
        (f"timerel=between&{at}&{end}", [2]),
        ("lastN=2", [2, 3]),
    ):
        assert [one["value"] for one in api.get(f"{PATH}?{query}").json()["speed"]] == expected


def test_a_long_evolution_comes_by_pages_of_time(api: Api) -> None:
    put(api, *range(100))
    seen: list[int] = []
    start = "2025-01-01T00:00:00Z"
    statuses = []
    while True:
        answer = api.get(f"{PATH}?timerel=after&timeAt={start}")
        statuses.append(answer.status_code)
        seen += [one["value"] for one in answer.json()["speed"] if one["value"] not in seen]
        if answer.status_code == 200:
            break
        whole = answer.headers["content-range"]
        assert whole.startswith(f"date-time {start[:19]}-")
        assert whole.endswith("/*")
        start = whole.removesuffix("/*")[-19:] + "Z"
    assert seen == list(range(100))
    assert statuses[0] == 206
    newest = api.get(f"{PATH}?lastN=100")
    assert newest.status_code == 206
    assert newest.headers["content-range"].endswith("/100")
    assert newest.json()["speed"][-1]["value"] == 99


def test_instances_are_changed_and_deleted_by_their_id(api: Api) -> None:
    put(api, 1, 2)
    first, second = (one["instanceId"] for one in api.get(PATH).json()["speed"])
    assert (
        api(
            "PATCH", f"{PATH}/attrs/speed/{first}", json={"speed": [{"type": "Property", "value": 9}]}
        ).status_code
        == 204
    )
    assert api("DELETE", f"{PATH}/attrs/speed/{second}").status_code == 204
    assert api("DELETE", f"{PATH}/attrs/speed/{second}").status_code == 404
    assert [(one["value"], one["instanceId"]) for one in api.get(PATH).json()["speed"]] == [(9, first)]
    assert api("POST", f"{PATH}/attrs", json={"heat": speeds(5)}).status_code == 204
    assert api("DELETE", f"{PATH}/attrs/speed?deleteAll=true").status_code == 204
    assert api.get(PATH).json().keys() == {"id", "type", "heat"}
    assert api("DELETE", PATH).status_code == 204
    assert api.get(PATH).status_code == 404
    assert api("DELETE", PATH).status_code == 404


def test_what_was_observed_at_the_same_time_is_replaced(api: Api) -> None:
    put(api, 1)
    put(api, 1, 2)
    assert [one["value"] for one in api.get(PATH).json()["speed"]] == [1, 2]


def test_values_and_aggregates(api: Api) -> None:
    put(api, 0, 30, 90)
    series = api.get(f"{PATH}?options=temporalValues").json()
    assert series["speed"]["values"] == [
        [0, "2026-01-01T00:00:00Z"],
        [30, "2026-01-01T00:30:00Z"],
        [90, "2026-01-01T01:30:00Z"],
    ]
    found = api.get(
        f"{PATH}?options=aggregatedValues&aggrMethods=avg,totalCount&aggrPeriodDuration=PT1H"
    ).json()
    assert found["speed"]["avg"] == [
        [15, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"],
        [90, "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"],
    ]
    assert [row[0] for row in found["speed"]["totalCount"]] == [2, 1]


@pytest.mark.parametrize("local", ["", "&local=true"])
def test_what_was_never_observed_has_the_time_at_which_it_was_written(api: Api, local: str) -> None:
    """A feed's row seldom says when it was observed: its attributes are in no representation fewer than in another."""
    api(
        "POST",
        "/entities",
        json={"id": ID, "type": "Sensor", "speed": 1, "at": {"object": "urn:ngsi-ld:Place:1"}},
    )
    api("PATCH", f"/entities/{ID}", json={"speed": {"value": 3}})
    written = [one["createdAt"] for one in api.get(f"{PATH}?options=sysAttrs{local}").json()["speed"]]
    found = api.get(f"{PATH}?options=temporalValues{local}").json()
    assert found["speed"] == {"type": "Property", "values": [[1, written[0]], [3, written[1]]]}
    assert found["at"] == {"type": "Relationship", "objects": [["urn:ngsi-ld:Place:1", written[0]]]}
    newest = api.get(f"{PATH}?options=temporalValues&lastN=1{local}").json()
    assert newest["speed"]["values"] == [[3, written[1]]]
    api("DELETE", f"/entities/{ID}/attrs/speed")
    gone = api.get(f"{PATH}?options=sysAttrs&timeproperty=deletedAt{local}").json()["speed"][0]["deletedAt"]
    found = api.get(f"{PATH}?options=temporalValues&attrs=speed{local}").json()
    assert found["speed"]["values"] == [[1, written[0]], [3, written[1]], ["urn:ngsi-ld:null", gone]]
    summed = api.get(f"{PATH}?options=aggregatedValues&aggrMethods=sum,totalCount{local}").json()
    assert [row[0] for row in summed["speed"]["sum"]] == [4]
    assert [row[0] for row in summed["speed"]["totalCount"]] == [2]
    observed = api.get(
        f"{PATH}?options=temporalValues&timerel=after&timeAt=2000-01-01T00:00:00Z{local}"
    ).json()
    assert observed == {"id": ID, "type": "Sensor"}


def test_queries_look_only_at_what_lies_in_the_period(api: Api) -> None:
    put(api, 1, 50)
    api(
        "POST",
        "/temporal/entities",
        json={"id": "urn:ngsi-ld:Sensor:2", "type": "Sensor", "speed": speeds(10)},
    )
    window = "timerel=before&timeAt=2026-01-01T00:30:00Z"
    found = api.get(f"/temporal/entities?type=Sensor&q=speed>5&{window}&count=true")
    assert [one["id"] for one in found.json()] == ["urn:ngsi-ld:Sensor:2"]
    assert found.headers["ngsild-results-count"] == "1"
    body = {
        "type": "Query",
        "entities": [{"type": "Sensor"}],
        "temporalQ": {"timerel": "before", "timeAt": "2026-01-01T00:30:00Z"},
    }
    posted = api("POST", "/temporal/entityOperations/query", json=body).json()
    assert [one["id"] for one in posted] == [ID, "urn:ngsi-ld:Sensor:2"]


def test_a_condition_is_looked_for_in_evolutions_that_have_scopes(api: Api) -> None:
    put(api, 1, 50, scope=[scope("/a", 5), scope("/b", 20)])
    for query, found in (("speed>5", [ID]), ("speed>60", [])):
        answer = api(
            "GET",
            "/temporal/entities",
            params={"type": "Sensor", "q": query, **WINDOW, "endTimeAt": "2027-01-01T00:00:00Z"},
        )
        assert (answer.status_code, [one["id"] for one in answer.json()]) == (200, found), answer.text


@pytest.mark.parametrize(
    "query",
    ["type=Sensor", "timerel=after&timeAt=2026-01-01T00:00:00Z", "type=Sensor&timerel=after&timeAt=x"],
)
def test_a_query_needs_a_period_and_a_selection(api: Api, query: str) -> None:
    assert api.get(f"/temporal/entities?{query}").status_code == 400


def test_an_entity_map_fixes_what_a_query_finds(api: Api) -> None:
    put(api, 1)
    window = "type=Sensor&timerel=after&timeAt=2026-01-01T00:00:00Z"
    first = api.get(f"/temporal/entities?{window}&entityMap=true")
    assert first.status_code == 201
    api(
        "POST",
        "/temporal/entities",
        json={"id": "urn:ngsi-ld:Sensor:2", "type": "Sensor", "speed": speeds(10)},
    )
    kept = api.get(f"/temporal/entities?{window}", ngsild_entitymap=first.headers["ngsild-entitymap"])
    assert kept.status_code == 200
    assert [one["id"] for one in kept.json()] == [ID]
    assert len(api.get(f"/temporal/entities?{window}").json()) == 2


WINDOW = {"timerel": "between", "timeAt": "2026-01-01T00:10:00Z", "endTimeAt": "2026-01-01T00:50:00Z"}


def scope(value: str, minute: int) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-01-01T00:{minute:02}:00Z"}


def scoped(api: Api, query: str) -> tuple[list[int], list[str]]:
    """Speeds and scopes that a scope query shows of the one evolution."""
    answer = api("GET", "/temporal/entities", params={"type": "Sensor", "scopeQ": query, **WINDOW})
    assert answer.status_code == 200, answer.text
    if not answer.json():
        return [], []
    (one,) = answer.json()
    return [part["value"] for part in one.get("speed", [])], [part["value"] for part in one["scope"]]


@pytest.mark.parametrize(
    ("query", "speeds_shown", "scopes_shown"),
    [
        ("/a", [12], ["/a"]),  # set before the period and valid at its beginning: shown with it
        ("/b", [22, 32], ["/b"]),
        ("/c", [42], ["/c"]),
        ("/a,/c", [12, 42], ["/a", "/c"]),
        ("(/a;/b)", [], []),  # never at one time
        ("/d", [], []),  # only after the period
    ],
)
def test_a_scope_query_shows_what_came_about_while_the_scope_was_valid(
    api: Api, query: str, speeds_shown: list[int], scopes_shown: list[str]
) -> None:
    """Clause 4.18: a scope is valid from when it was set until another one is; 5.7.4: within the period."""
    scopes = [scope("/a", 5), scope("/b", 20), scope("/c", 40), scope("/d", 55)]
    put(api, 2, 12, 22, 32, 42, 56, scope=scopes)
    assert scoped(api, query) == (speeds_shown, scopes_shown)


def test_a_valid_scope_alone_selects_nothing(api: Api) -> None:
    put(api, 2, 56, scope=[scope("/a", 5)])
    assert scoped(api, "/a") == ([], [])


def test_queries_find_evolutions_by_one_of_their_types(api: Api) -> None:
    for id, types in (("1", "Sensor"), ("2", ["Car", "Sensor"]), ("3", "Car"), ("4", "Bus")):
        body = {"id": f"urn:x:{id}", "type": types, "speed": speeds(20)}
        assert api("POST", "/temporal/entities", json=body).status_code == 201
    for query, expected in (("Sensor", "12"), ("Car,Sensor", "123"), ("(Car;Sensor)", "2"), ("Bus", "4")):
        answer = api("GET", "/temporal/entities", params={"type": query, **WINDOW})
        assert [one["id"][-1] for one in answer.json()] == list(expected), query


def test_an_attribute_ends_where_only_the_evolution_is_known(api: Api) -> None:
    """Clause 5.6.5 of an entity that came by 5.6.11: the deletion is an instance of its evolution (4.5.7)."""
    put(api, 1, 2, scope="/a")
    assert api("DELETE", f"/entities/{ID}/attrs/speed").status_code == 204
    assert api("DELETE", f"/entities/{ID}/attrs/scope").status_code == 204
    found = api.get(f"{PATH}?timeproperty=deletedAt").json()
    assert [one["value"] for one in found["speed"]] == ["urn:ngsi-ld:null"]
    assert [one["value"] for one in found["scope"]] == [[]]
    assert all(found[name][0]["deletedAt"] for name in ("speed", "scope"))
    for name in ("speed", "other"):
        assert api("DELETE", f"/entities/{ID}/attrs/{name}").status_code == 404
    assert api("DELETE", f"/entities/{ID}").status_code == 404


def test_an_attribute_of_a_deleted_entity_does_not_end_again(api: Api) -> None:
    api.create(ID, "Sensor", speed=1)
    api("DELETE", f"/entities/{ID}")
    before = api.get(PATH).json()
    assert api("DELETE", f"/entities/{ID}/attrs/speed").status_code == 404
    assert api.get(PATH).json() == before


def test_an_entity_map_of_evolutions_is_made_by_itself(api: Api) -> None:
    """Clause 5.14.5."""
    put(api, 20)
    first = api("GET", "/temporal/entityMaps", params={"type": "Sensor", **WINDOW})
    assert (first.status_code, list(first.json()["entityMap"])) == (201, [ID])
    later = {**WINDOW, "timeAt": "2026-01-01T00:30:00Z"}
    assert not api("GET", "/temporal/entityMaps", params={"type": "Sensor", **later}).json()["entityMap"]
    name = first.headers["ngsild-entitymap"].rpartition("/")[2]
    assert api.get(f"/entityMaps/{name}").json() == first.json()
    assert api("GET", "/temporal/entityMaps", params={"type": "Sensor"}).status_code == 400
