"""``/subscriptions``: made, read, paged, changed, ended; every fault said (clause 5.2.12, 5.8.1-5.8.5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.api import Api, problem, running
from support.notify import Receiver, until

ENDPOINT = {"uri": "https://example.org/notify"}


def payload(**members: Any) -> dict[str, Any]:
    notification = {"endpoint": ENDPOINT, **members.pop("notification", {})}
    return {
        "id": "urn:ngsi-ld:Subscription:1",
        "type": "Subscription",
        "entities": [{"type": "Weather"}],
        **members,
        "notification": notification,
    }


def made(api: Api, **members: Any) -> str:
    answer = api("POST", "/subscriptions", json=payload(**members))
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"]).removeprefix("/ngsi-ld/v1")


def test_every_member_is_kept_and_answered(api: Api) -> None:
    members: dict[str, Any] = {
        "subscriptionName": "Rain",
        "description": "Rain in Samarinda",
        "entities": [{"type": "(Weather;Station)", "idPattern": "Samarinda"}, {"type": "*", "id": ["urn:a:1"]}],
        "watchedAttributes": ["rain"],
        "q": "rain>5",
        "geoQ": {"georel": "within", "geometry": "Polygon",
                 "coordinates": [[[117, -1], [118, -1], [118, 0], [117, -1]]], "geoproperty": "location"},
        "scopeQ": "/kaltim/#",
        "csf": "name",
        "temporalQ": {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"},
        "notificationTrigger": ["entityCreated", "attributeDeleted"],
        "throttling": 5,
        "expiresAt": "2999-01-01T00:00:00Z",
        "lang": "id,en;q=0.5",
        "isActive": True,
        "datasetId": ["urn:d:1", "@none"],
        "notification": {
            "attributes": ["rain"], "format": "concise", "sysAttrs": True, "showChanges": True, "join": "flat",
            "joinLevel": 2,
            "endpoint": {"uri": "mqtt://example.org/t", "accept": "application/ld+json", "timeout": 500,
                         "cooldown": 1000, "receiverInfo": [{"key": "X", "value": "1"}],
                         "notifierInfo": [{"key": "MQTT-QoS", "value": "2"}]},
        },
    }  # fmt: skip
    path = made(api, **members)
    assert api.get(path).json() == {**payload(**members), "status": "active"}
    system = api.get(f"{path}?options=sysAttrs").json()
    assert system["createdAt"] == system["modifiedAt"]


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"id": "no uri"}, "id"), ({"type": "Subscriber"}, "type"), ({"entities": []}, "entities"),
        ({"entities": [{"id": "urn:a:1"}]}, "entities[].type"), ({"entities": [{"type": "A", "id": "b"}]}, "id"),
        ({"entities": [{"type": "A,,"}]}, "entities"), ({"entities": [{"type": "A", "idPattern": "("}]}, "idPattern"),
        ({"watchedAttributes": []}, "watchedAttributes"), ({"watchedAttributes": ["<"]}, "watchedAttributes"),
        ({"q": "a=="}, "q:"), ({"csf": "(("}, "csf:"), ({"scopeQ": "/a/##"}, "scopeQ"), ({"q": 5}, "q:"),
        ({"geoQ": {"georel": "near", "geometry": "Point"}}, "geoQ"),
        ({"geoQ": {"georel": "near", "geometry": "Point", "coordinates": [1, 2]}}, "geoQ"),
        ({"temporalQ": {"timerel": "between", "timeAt": "2026-01-01T00:00:00Z"}}, "temporalQ"),
        ({"notificationTrigger": ["entityChanged"]}, "notificationTrigger"), ({"throttling": -1}, "throttling"),
        ({"timeInterval": 5, "throttling": 5}, "timeInterval"), ({"timeInterval": 0}, "timeInterval"),
        ({"timeInterval": 5, "watchedAttributes": ["a"]}, "timeInterval"), ({"isActive": "yes"}, "isActive"),
        ({"expiresAt": "2000-01-01T00:00:00Z"}, "expiresAt"), ({"expiresAt": "soon"}, "expiresAt"),
        ({"datasetId": ["x"]}, "datasetId"), ({"lang": "!"}, "lang"), ({"jsonldContext": "x"}, "jsonldContext"),
        ({"q": None}, "q:"),
        ({"notification": {"format": "pretty"}}, "format"), ({"notification": {"attributes": []}}, "attributes"),
        ({"notification": {"pick": ["a"], "attributes": ["b"]}}, "attributes"),
        ({"notification": {"pick": ["a"], "omit": ["a"]}}, "pick and omit"),
        ({"notification": {"format": "keyValues", "showChanges": True}}, "showChanges"),
        ({"notification": {"join": "deep"}}, "join"), ({"notification": {"pick": ["a{b}"]}}, "join"),
        ({"notification": {"endpoint": None}}, "endpoint"), ({"notification": {"endpoint": {}}}, "endpoint.uri"),
        ({"notification": {"endpoint": {"uri": "ftp://a/b"}}}, "endpoint.uri"),
        ({"notification": {"endpoint": {"uri": "http://10.0.0.1/"}}}, "private address"),
        ({"notification": {"endpoint": {"uri": "mqtt://a.example"}}}, "topic"),
        ({"notification": {"endpoint": {**ENDPOINT, "accept": "text/html"}}}, "accept"),
        ({"notification": {"endpoint": {**ENDPOINT, "timeout": 0}}}, "timeout"),
        ({"notification": {"endpoint": {**ENDPOINT, "receiverInfo": [{"key": "a b", "value": "1"}]}}}, "receiverInfo"),
        ({"notification": {"endpoint": {**ENDPOINT, "receiverInfo": [{"key": "a", "value": "1\r\nb: 2"}]}}},
         "receiverInfo"),
        ({"notification": {"endpoint": {**ENDPOINT, "notifierInfo": [{"key": "a"}]}}}, "notifierInfo"),
    ],
)  # fmt: skip
def test_every_fault_is_said(api: Api, members: dict[str, Any], word: str) -> None:
    details = problem(api("POST", "/subscriptions", json=payload(**members)), 400, "BadRequestData")
    assert word in f"{details['title']} {details['detail']}"


def test_what_only_the_broker_writes_is_not_taken(api: Api) -> None:
    path = made(api, status="expired", notification={"timesSent": 42, "lastSuccess": "2020-01-01T00:00:00Z"})
    found = api.get(path).json()
    assert found["status"] == "active"
    assert "timesSent" not in found["notification"]
    assert "lastSuccess" not in found["notification"]


def test_members_are_replaced_and_removed(api: Api) -> None:
    path = made(api, description="Rain", q="rain>5", watchedAttributes=["rain"])
    change = {"description": None, "q": "urn:ngsi-ld:null", "watchedAttributes": ["wind"], "isActive": False}
    assert api("PATCH", path, json=change).status_code == 204
    found = api.get(path).json()
    assert not {"description", "q"} & found.keys()
    assert (found["watchedAttributes"], found["status"]) == (["wind"], "paused")
    for wrong in (
        {"notification": {"format": "concise"}}, {"notification": None}, {"id": "urn:another"},
        {"entities": None, "watchedAttributes": None}, {"expiresAt": "2000-01-01T00:00:00Z"}, {"q": "("},
    ):  # fmt: skip
        problem(api("PATCH", path, json=wrong), 400, "BadRequestData")
    assert api.get(path).json() == found
    assert api("DELETE", path).status_code == 204
    problem(api.get(path), 404, "ResourceNotFound")
    problem(api("PATCH", path, json={"isActive": True}), 404, "ResourceNotFound")
    problem(api("DELETE", path), 404, "ResourceNotFound")
    problem(api.get("/subscriptions/nothing"), 400, "BadRequestData")


def test_a_query_keeps_the_words_it_was_written_in(api: Api) -> None:
    """A change in other words leaves what it does not name as it was meant."""
    context = {"@context": {"hujan": "https://example.org/rain"}}
    media = {"content-type": "application/ld+json"}
    given = {**payload(q="hujan>5", watchedAttributes=["hujan"]), **context}
    assert api("POST", "/subscriptions", json=given, headers=media).status_code == 201
    path = "/subscriptions/urn:ngsi-ld:Subscription:1"
    assert api("PATCH", path, json={"description": "Rain"}).status_code == 204
    found = api.get(path).json()
    assert found["watchedAttributes"] == ["https://example.org/rain"]
    problem(api("POST", "/subscriptions", json=payload()), 409, "AlreadyExists")


def test_pages_link_to_each_other(api: Api) -> None:
    for number in range(5):
        made(api, id=f"urn:s:{number}")
    seen, path = [], "/subscriptions?limit=2&count=true"
    while path:
        answer = api.get(path)
        seen += [one["id"] for one in answer.json()]
        assert answer.headers["ngsild-results-count"] == "5"
        links = [part for part in answer.headers.get_list("link") if 'rel="next"' in part]
        path = links[0].partition(">")[0].removeprefix("</ngsi-ld/v1") if links else ""
    assert seen == [f"urn:s:{number}" for number in range(5)]
    assert 'rel="prev"' in api.get("/subscriptions?limit=2&offset=4").headers["link"]
    problem(api.get("/subscriptions?limit=5000"), 400, "BadRequestData")


@pytest.fixture
def near(tmp_path: Path) -> Iterator[Api]:
    """A node that may send to private addresses."""
    with running(tmp_path / "near", private_addresses=True) as found:
        yield found


def test_counters_and_the_tenant_of_a_delivery(near: Api) -> None:
    tenant = {"ngsild-tenant": "smd"}
    with Receiver() as receiver:
        given = payload(notification={"endpoint": {"uri": receiver.uri}})
        assert near("POST", "/subscriptions", json=given, headers=tenant).status_code == 201
        entity = {"id": "urn:x:1", "type": "Weather", "n": 1}
        assert near("POST", "/entities", json=entity, headers=tenant).status_code == 201
        until(lambda: receiver.got)
        path = "/subscriptions/urn:ngsi-ld:Subscription:1"
        found = near("GET", path, headers=tenant).json()["notification"]
        assert (found["status"], found["timesSent"]) == ("ok", 1)
        assert found["lastSuccess"] == found["lastNotification"]
        assert receiver.headers[0]["NGSILD-Tenant"] == "smd"
        assert near.get("/subscriptions").json() == []
