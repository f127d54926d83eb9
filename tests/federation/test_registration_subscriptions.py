"""Those who watch registrations are told of the sources that come, change and go (clause 5.11)."""

from __future__ import annotations

from typing import Any

import pytest

from federation.conftest import Network, Receiver

PATH = "/csourceSubscriptions"
ID = "urn:ngsi-ld:Subscription:sources"


def subscribe(network: Network, receiver: Receiver, **more: Any) -> dict[str, Any]:
    payload = {
        "id": ID,
        "type": "Subscription",
        "entities": [{"type": "Weather"}],
        "notification": {"endpoint": {"uri": receiver.url}},
        **more,
    }
    answer = network.hub("POST", PATH, json=payload)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/ngsi-ld/v1{PATH}/{ID}"
    return payload


def test_sources_come_change_and_go(network: Network, receiver: Receiver) -> None:
    subscribe(network, receiver)
    one = network.hub.register("one", "https://one.example")
    network.hub.register("tram", "https://two.example", information=[{"entities": [{"type": "Tram"}]}])
    path = f"/csourceRegistrations/{one}"
    network.hub("PATCH", path, json={"endpoint": "https://other.example"})
    network.hub("PATCH", path, json={"information": [{"entities": [{"type": "Boat"}]}]})
    network.hub("DELETE", path)
    told = receiver.wait(3)
    assert [one["triggerReason"] for one in told] == ["newlyMatching", "updated", "noLongerMatching"]
    assert {one["type"] for one in told} == {"ContextSourceNotification"}
    assert {one["subscriptionId"] for one in told} == {ID}
    assert told[0]["data"][0]["id"] == one
    assert told[1]["data"][0]["endpoint"] == "https://other.example"


def test_what_is_there_already_comes_first_and_only_what_matters_of_it(
    network: Network, receiver: Receiver
) -> None:
    network.hub.register(
        "both",
        "https://both.example",
        information=[{"entities": [{"type": "Weather"}]}, {"entities": [{"type": "Tram"}]}],
    )
    subscribe(network, receiver)
    [told] = receiver.wait(1)
    assert told["data"][0]["information"] == [{"entities": [{"type": "Weather"}]}]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, True),
        ({"watchedAttributes": ["heat"]}, True),
        ({"watchedAttributes": ["rain"]}, False),
        ({"csf": 'operator=="dishub"'}, True),
        ({"csf": 'operator=="other"'}, False),
        ({"scopeQ": "/kaltim/#"}, True),
        ({"isActive": False}, False),
        ({"temporalQ": {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}}, False),
        ({"geoQ": {"georel": "near;maxDistance==9000", "geometry": "Point", "coordinates": [117, 0]}}, True),
        ({"geoQ": {"georel": "near;maxDistance==9000", "geometry": "Point", "coordinates": [99, 0]}}, False),
    ],
)
def test_only_those_concerned_are_told(
    network: Network, receiver: Receiver, more: dict[str, Any], told: bool
) -> None:
    subscribe(network, receiver, **more)
    last = subscribe_last(network, receiver)
    network.hub.register(
        "one",
        "https://one.example",
        information=[{"entities": [{"type": "Weather"}], "propertyNames": ["heat"]}],
        operator="dishub",
        scope="/kaltim/samarinda",
        location={"type": "Point", "coordinates": [117, 0]},
    )
    if told:
        receiver.wait_for(ID)
        return
    # A second round trip of the one that is always told: by then the other would have been told of the first.
    receiver.wait_for(last)
    network.hub("DELETE", "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:one")
    assert ID not in {one["subscriptionId"] for one in receiver.wait(2)}


def subscribe_last(network: Network, receiver: Receiver) -> str:
    """One that is always told."""
    id = "urn:ngsi-ld:Subscription:always"
    subscribe_as = {"id": id, "type": "Subscription", "entities": [{"type": "Weather"}]}
    payload = subscribe_as | {"notification": {"endpoint": {"uri": receiver.url}}}
    assert network.hub("POST", PATH, json=payload).status_code == 201
    return id


def test_they_are_kept_apart_from_subscriptions_to_entities(network: Network, receiver: Receiver) -> None:
    payload = subscribe(network, receiver)
    found = network.hub.get(f"{PATH}/{ID}").json()
    assert {name: found[name] for name in ("id", "type", "entities")} == {
        name: payload[name] for name in ("id", "type", "entities")
    }
    assert [one["id"] for one in network.hub.get(PATH).json()] == [ID]
    assert network.hub.get("/subscriptions").json() == []
    assert network.hub.get(f"/subscriptions/{ID}").status_code == 404
    assert network.hub("DELETE", f"/subscriptions/{ID}").status_code == 404
    network.hub.create("urn:ngsi-ld:Weather:1", heat=1)
    assert network.hub("PATCH", f"{PATH}/{ID}", json={"isActive": False}).status_code == 204
    assert network.hub.get(f"{PATH}/{ID}").json()["status"] == "paused"
    assert network.hub("PATCH", f"{PATH}/{ID}", json={"type": None}).status_code == 400
    assert network.hub("DELETE", f"{PATH}/{ID}").status_code == 204
    assert network.hub.get(f"{PATH}/{ID}").status_code == 404
    assert receiver.told == []
