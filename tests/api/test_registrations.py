"""Registrations of context sources: kept, checked, found (clause 5.9, 5.10)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mahakam.access.keys import add_key
from support.api import Api, running

CONTEXT = {"Stop": "https://example.org/Stop", "load": "https://example.org/load"}


def registration(**more: Any) -> dict[str, Any]:
    return {
        "id": "urn:ngsi-ld:ContextSourceRegistration:1",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "BusStop"}], "propertyNames": ["load"]}],
        "endpoint": "https://samarinda.example",
        **more,
    }


def exclusive(entity: str, **more: Any) -> dict[str, Any]:
    information = [{"entities": [{"type": "BusStop", "id": entity}], "propertyNames": ["load"]}]
    return registration(mode="exclusive", information=information, **more)


PATH = "/csourceRegistrations"
ONE = f"{PATH}/urn:ngsi-ld:ContextSourceRegistration:1"


def test_one_comes_back_with_the_defaults_that_hold(api: Api) -> None:
    created = api("POST", PATH, json=registration())
    assert created.status_code == 201
    assert created.headers["location"] == f"/ngsi-ld/v1{ONE}"
    assert api.get(ONE).json() == registration(mode="inclusive", operations=["federationOps"])
    assert api("POST", PATH, json=registration()).status_code == 409


def test_names_are_those_of_the_context_that_asks(api: Api) -> None:
    payload = registration(
        information=[{"entities": [{"type": "Stop"}], "propertyNames": ["load"]}], **{"@context": CONTEXT}
    )
    answer = api("POST", PATH, json=payload, headers={"content-type": "application/ld+json"})
    assert answer.status_code == 201
    assert api.get(ONE).json()["information"] == [
        {"entities": [{"type": "https://example.org/Stop"}], "propertyNames": ["https://example.org/load"]}
    ]


def test_a_change_keeps_the_rest_and_null_removes(api: Api) -> None:
    api("POST", PATH, json=registration(description="Stops", expiresAt="2099-01-01T00:00:00Z"))
    change = {"endpoint": "https://other.example", "expiresAt": "urn:ngsi-ld:null"}
    assert api("PATCH", ONE, json=change).status_code == 204
    found = api.get(ONE).json()
    assert (found["endpoint"], found["description"]) == ("https://other.example", "Stops")
    assert "expiresAt" not in found
    assert api("DELETE", ONE).status_code == 204
    assert api.get(ONE).status_code == 404
    assert api("DELETE", ONE).status_code == 404


@pytest.mark.parametrize(
    ("more", "member"),
    [
        ({"type": "Subscription"}, "type"),
        ({"information": []}, "information"),
        ({"information": [{"propertyNames": []}]}, "information.propertyNames"),
        ({"information": [{"entities": [{"id": "urn:a:1"}]}]}, "information.entities"),
        ({"information": [{"entities": [{"type": "A", "idPattern": "(a+)+$"}]}]}, "idPattern"),
        ({"endpoint": "ftp://samarinda.example"}, "endpoint"),
        ({"mode": "sometimes"}, "mode"),
        ({"operations": ["fly"]}, "operations"),
        ({"mode": "auxiliary", "operations": ["updateOps"]}, "operations"),
        ({"mode": "exclusive"}, "information"),
        ({"management": {"timeout": 0}}, "management.timeout"),
        ({"management": {"cacheDuration": "soon"}}, "management.cacheDuration"),
        ({"contextSourceInfo": [{"key": "X", "value": 1}]}, "contextSourceInfo"),
        ({"contextSourceInfo": [{"key": "X\r\nY", "value": "a"}]}, "contextSourceInfo"),
        ({"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
        ({"observationInterval": {"endAt": "2001-01-01T00:00:00Z"}}, "observationInterval"),
        ({"location": {"type": "Point", "coordinates": [999, 0]}}, "location"),
    ],
)
def test_a_wrong_member_is_named(api: Api, more: dict[str, Any], member: str) -> None:
    answer = api("POST", PATH, json=registration(**more))
    assert answer.status_code == 400
    assert member in answer.json()["detail"]


def test_what_one_source_alone_holds_is_held_nowhere_else(api: Api) -> None:
    stop = {"id": "urn:ngsi-ld:BusStop:1", "type": "BusStop", "name": "Pasar Pagi"}
    assert api("POST", "/entities", json=stop).status_code == 201
    assert api("POST", PATH, json=exclusive(stop["id"])).status_code == 201
    again = api("POST", PATH, json=exclusive(stop["id"], id="urn:ngsi-ld:ContextSourceRegistration:2"))
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "Conflict")
    whole = registration(id="urn:ngsi-ld:ContextSourceRegistration:3", mode="redirect")
    whole["information"] = [{"entities": [{"type": "BusStop"}]}]
    assert api("POST", PATH, json=whole).status_code == 409


def test_an_entity_here_stands_in_the_way_of_an_exclusive_source(api: Api) -> None:
    api("POST", "/entities", json={"id": "urn:ngsi-ld:BusStop:1", "type": "BusStop", "load": 3})
    assert api("POST", PATH, json=exclusive("urn:ngsi-ld:BusStop:1")).status_code == 409
    assert api("POST", PATH, json=exclusive("urn:ngsi-ld:BusStop:2")).status_code == 201


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("type=BusStop", True),
        ("type=Tram", False),
        ("attrs=load", True),
        ("attrs=name", False),
        ("type=BusStop&id=urn:ngsi-ld:BusStop:7", True),
        ('type=BusStop&csf=operator=="dishub"', True),
        ('type=BusStop&csf=operator=="other"', False),
        ("type=BusStop&scopeQ=/kaltim/%23", True),
        ("type=BusStop&scopeQ=/jakarta", False),
        ("type=BusStop&georel=near;maxDistance==5000&geometry=Point&coordinates=[117.1,-0.5]", True),
        ("type=BusStop&georel=near;maxDistance==50&geometry=Point&coordinates=[117.2,-0.5]", False),
        ("type=BusStop&timerel=after&timeAt=2026-01-01T00:00:00Z", False),
    ],
)
def test_they_are_found_by_what_they_know(api: Api, query: str, found: bool) -> None:
    more = {"operator": "dishub", "scope": "/kaltim/samarinda"}
    place = {"type": "Point", "coordinates": [117.1, -0.5]}
    assert api("POST", PATH, json=registration(location=place, **more)).status_code == 201
    answer = api.get(f"{PATH}?{query}")
    assert answer.status_code == 200
    assert bool(answer.json()) is found


def test_time_is_compared_with_the_interval(api: Api) -> None:
    interval = {"startAt": "2020-01-01T00:00:00Z", "endAt": "2021-01-01T00:00:00Z"}
    api("POST", PATH, json=registration(observationInterval=interval))
    for query, found in (
        ("", 0),
        ("&timerel=before&timeAt=2020-06-01T00:00:00Z", 1),
        ("&timerel=after&timeAt=2022-01-01T00:00:00Z", 0),
        ("&timerel=between&timeAt=2020-02-01T00:00:00Z&endTimeAt=2020-03-01T00:00:00Z", 1),
        ("&timerel=before&timeAt=2020-06-01T00:00:00Z&timeproperty=createdAt", 0),
    ):
        assert len(api.get(f"{PATH}?type=BusStop{query}").json()) == found, query


def test_pages(api: Api) -> None:
    for number in range(3):
        api("POST", PATH, json=registration(id=f"urn:ngsi-ld:ContextSourceRegistration:{number}"))
    answer = api.get(f"{PATH}?type=BusStop&limit=1&offset=1&count=true")
    assert answer.headers["ngsild-results-count"] == "3"
    assert len(answer.json()) == 1
    assert {'rel="next"', 'rel="prev"'} <= {
        part for link in answer.headers.get_list("link") for part in link.replace(",", ";").split(";")
    }
    assert api.get(PATH).status_code == 400


def test_keys_to_sources_are_not_for_everybody(tmp_path: Path) -> None:
    with running(tmp_path / "closed", open=False) as api:
        node = api.client.app.node  # type: ignore[attr-defined]
        store = node.store.tenant("")
        all_places, one_place = (
            {"authorization": "Bearer " + add_key(store, name, ("write",), (place,))[0]}
            for name, place in (("all", "*"), ("samarinda", "samarinda"))
        )
        secret = [{"key": "Authorization", "value": "Bearer secret"}]
        payload = registration(contextSourceInfo=secret, mode="redirect", operations=["redirectionOps"])
        assert api("POST", PATH, json=payload).status_code == 401
        assert api("POST", PATH, json=payload, headers=one_place).status_code == 403
        assert api("POST", PATH, json=payload, headers=all_places).status_code == 201
        assert api("GET", ONE, headers=all_places).json()["contextSourceInfo"] == secret
        for headers in ({}, one_place):
            assert "secret" not in api("GET", ONE, headers=headers).text
            assert "secret" not in api("GET", f"{PATH}?type=BusStop", headers=headers).text
        # What goes to a source is written by those who may write it here: refused before anything is sent.
        stop = {"id": "urn:ngsi-ld:BusStop:1", "type": "BusStop", "load": 3}
        assert api("POST", "/entities", json=stop, headers=one_place).status_code == 403
        path = "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1"
        api("PATCH", path, json={"operations": ["createBatch"]}, headers=all_places)
        batch = api("POST", "/entityOperations/create", json=[stop], headers=one_place)
        assert batch.status_code == 207
        assert batch.json()["errors"][0]["error"]["status"] == 403
