"""Subscribe at the hub, hear of every node: copies of a subscription at its sources (clause 5.8.1-5.8.6)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from federation.conftest import NAMES, Network, Place, Receiver
from support.node import RunningNode

ID = "urn:ngsi-ld:Subscription:weather"


def number(value: float) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def until(what: Callable[[], Any]) -> Any:
    end = time.monotonic() + 120
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def copies(place: Place) -> list[dict[str, Any]]:
    return list(place.get("/subscriptions").json())


def subscribe(network: Network, receiver: Receiver, *, accept: str = "", **more: Any) -> None:
    endpoint = {"uri": receiver.url, **({"accept": accept} if accept else {})}
    notification = {"endpoint": endpoint, **more.pop("notification", {})}
    payload = {"id": ID, "type": "Subscription", "entities": [{"type": "Weather"}], **more}
    answer = network.hub("POST", "/subscriptions", json={**payload, "notification": notification})
    assert answer.status_code == 201, answer.text


def write(place: Place, id: str, **attributes: Any) -> None:
    answer = place(
        "POST", "/entityOperations/upsert?local=true", json=[{"id": id, "type": "Weather", **attributes}]
    )
    assert answer.status_code in (201, 204), answer.text


def test_who_subscribes_at_the_hub_hears_of_all_nodes(network: Network, receiver: Receiver) -> None:
    for name, node in network.nodes.items():
        network.hub.register(name, node)
    subscribe(network, receiver, q="heat>30", notification={"format": "simplified"})
    for name in NAMES:
        [copy] = until(lambda name=name: copies(network[name]))
        assert copy["id"] != ID
        assert copy["q"] == "heat>30"
        assert receiver.url not in str(copy)
    for at, name in enumerate(NAMES):
        write(network[name], f"urn:ngsi-ld:Weather:{name}", heat=number(29 + at))
    write(network.hub, "urn:ngsi-ld:Weather:hub", heat=number(40))
    told = receiver.wait(2)
    time.sleep(0.5)
    told = receiver.told
    assert {one["subscriptionId"] for one in told} == {ID}
    data = {one["data"][0]["id"].rpartition(":")[2]: one["data"][0]["heat"] for one in told}
    assert data == {"bontang": 31, "hub": 40}


def test_a_copy_follows_its_subscription(network: Network, receiver: Receiver) -> None:
    network.hub.register("samarinda", network["samarinda"])
    subscribe(network, receiver, q="heat>30")
    [copy] = until(lambda: copies(network["samarinda"]))
    [watch] = network.hub.get("/csourceSubscriptions").json()
    assert watch["entities"] == [{"type": "Weather"}]
    assert network.hub.get(f"/csourceSubscriptions/{watch['id']}").status_code == 200
    changed = network.hub("PATCH", f"/subscriptions/{ID}", json={"q": None, "scopeQ": "/a"})
    assert changed.status_code == 204, changed.text
    until(lambda: copies(network["samarinda"])[0].get("scopeQ") == "/a")
    [after] = copies(network["samarinda"])
    assert after["id"] == copy["id"]
    assert "q" not in after
    assert network.hub("DELETE", f"/subscriptions/{ID}").status_code == 204
    until(lambda: not copies(network["samarinda"]))
    assert network.hub.get("/csourceSubscriptions").json() == []


def test_sources_that_come_and_go_get_and_lose_their_copy(network: Network, receiver: Receiver) -> None:
    subscribe(network, receiver)
    for name in NAMES[:2]:
        network.hub.register(name, network[name])
        until(lambda name=name: copies(network[name]))
    network.hub("DELETE", f"/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:{NAMES[0]}")
    until(lambda: not copies(network[NAMES[0]]))
    assert len(copies(network[NAMES[1]])) == 1
    network.hub.register("reads", network[NAMES[2]], operations=["retrieveOps"])
    time.sleep(1.2)
    assert copies(network[NAMES[2]]) == []


def test_a_copy_is_no_more_than_the_source_is_registered_for(network: Network, receiver: Receiver) -> None:
    information = [
        {"entities": [{"type": "Weather", "id": "urn:ngsi-ld:Weather:1"}], "propertyNames": ["heat"]}
    ]
    network.hub.register("samarinda", network["samarinda"], information=information)
    entities = [{"type": "Weather"}, {"type": "Tram"}]
    subscribe(network, receiver, entities=entities, watchedAttributes=["heat", "wind"])
    [copy] = until(lambda: copies(network["samarinda"]))
    assert copy["entities"] == [{"type": "Weather", "id": "urn:ngsi-ld:Weather:1"}]
    assert copy["watchedAttributes"] == ["heat"]
    write(network["samarinda"], "urn:ngsi-ld:Weather:2", heat=number(1))
    write(network["samarinda"], "urn:ngsi-ld:Weather:1", heat=number(1), wind=number(2))
    [told] = receiver.wait(1)
    assert told["data"] == [{"id": "urn:ngsi-ld:Weather:1", "type": "Weather", "heat": number(1)}]


def test_local_only_and_subscriptions_that_came_back_are_not_passed_on(
    network: Network, receiver: Receiver
) -> None:
    network.hub.register("samarinda", network["samarinda"])
    network["samarinda"].register("back", network.hub)
    subscribe(network, receiver)
    until(lambda: copies(network["samarinda"]))
    time.sleep(1.5)
    assert len(copies(network["samarinda"])) == 1
    assert [one["id"] for one in copies(network.hub)] == [ID]
    network.hub("DELETE", f"/subscriptions/{ID}")
    until(lambda: not copies(network["samarinda"]))
    subscribe(network, receiver, localOnly=True)
    time.sleep(1.2)
    assert copies(network["samarinda"]) == []


def test_a_query_over_parts_is_answered_by_the_whole(network: Network, receiver: Receiver) -> None:
    """heat is at one node, wind at another, the name at the hub."""
    for name, attribute in (("samarinda", "heat"), ("balikpapan", "wind")):
        information = [{"entities": [{"type": "Weather"}], "propertyNames": [attribute]}]
        network.hub.register(name, network[name], information=information)
    subscribe(network, receiver, q='heat>30;wind>5;name=="Mahakam"', splitEntities=True)
    for name in ("samarinda", "balikpapan"):
        [copy] = until(lambda name=name: copies(network[name]))
        assert "q" not in copy
    id = "urn:ngsi-ld:Weather:mahakam"
    write(network.hub, id, name={"type": "Property", "value": "Mahakam"})
    write(network["balikpapan"], id, wind=number(4))
    write(network["samarinda"], id, heat=number(31))
    time.sleep(1.0)
    assert receiver.told == []
    write(network["balikpapan"], id, wind=number(6))
    [told] = receiver.wait(1)
    [found] = told["data"]
    assert (found["heat"]["value"], found["wind"]["value"], found["name"]["value"]) == (31, 6, "Mahakam")
    write(network["samarinda"], id, heat=number(20))
    time.sleep(1.0)
    assert len(receiver.told) == 1


def test_what_is_chosen_and_shown_here(network: Network, receiver: Receiver) -> None:
    network.hub.register("samarinda", network["samarinda"])
    subscribe(
        network,
        receiver,
        accept="application/geo+json",
        notificationTrigger=["entityCreated", "entityUpdated", "entityDeleted"],
        notification={"pick": ["id", "type", "location"], "format": "simplified"},
    )
    until(lambda: copies(network["samarinda"]))
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117.15, -0.5]}}
    write(network["samarinda"], "urn:ngsi-ld:Weather:1", heat=number(31), location=place)
    [told] = receiver.wait(1)
    [feature] = told["data"]["features"]
    assert feature["geometry"] == place["value"]
    assert "heat" not in feature["properties"]
    network["samarinda"]("DELETE", "/entities/urn:ngsi-ld:Weather:1?local=true")
    gone = receiver.wait(2)[1]
    assert gone["data"]["features"][0]["id"] == "urn:ngsi-ld:Weather:1"


def test_an_attribute_that_is_gone_is_told(network: Network, receiver: Receiver) -> None:
    network.hub.register("samarinda", network["samarinda"])
    subscribe(
        network, receiver, notificationTrigger=["attributeDeleted"], notification={"pick": ["id", "heat"]}
    )
    until(lambda: copies(network["samarinda"]))
    write(network["samarinda"], "urn:ngsi-ld:Weather:1", heat=number(31), wind=number(2))
    network["samarinda"]("DELETE", "/entities/urn:ngsi-ld:Weather:1/attrs/heat?local=true")
    [told] = receiver.wait(1)
    assert told["data"][0]["heat"]["value"] == "urn:ngsi-ld:null"


def test_a_source_that_was_down_gets_its_copy_later_and_a_restarted_hub_forgets_none(
    tmp_path: Path, receiver: Receiver
) -> None:
    source = RunningNode(tmp_path / "source", open=True, private_addresses=True)
    hub = RunningNode(tmp_path / "hub", open=True, private_addresses=True)
    with hub:
        at = Place(hub)
        at.register("later", source.url)
        network = Network(at, {})
        subscribe(network, receiver)
        time.sleep(1.2)
        with source:
            until(lambda: copies(Place(source)))
    with hub, source:
        time.sleep(1.2)
        [copy] = copies(Place(source))
        write(Place(source), "urn:ngsi-ld:Weather:1", heat=number(31))
        assert receiver.wait(1)[0]["subscriptionId"] == ID
        assert Place(hub)("DELETE", f"/subscriptions/{ID}").status_code == 204
        until(lambda: not copies(Place(source)))
        assert copy["id"] != ID


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"type": "Notification", "subscriptionId": "urn:ngsi-ld:Subscription:guess", "data": []}, 404),
        ({"type": "Notification", "subscriptionId": 7, "data": []}, 404),
        ({"type": "Notification", "data": "x"}, 400),
        ({"type": "Other"}, 400),
    ],
)
def test_strangers_cannot_tell(network: Network, payload: dict[str, Any], status: int) -> None:
    for path in ("/ngsi-ld/ex/remote-notify", "/ngsi-ld/ex/remote-notify/nobody"):
        answer = httpx.post(network.hub.url + path, json=payload)
        assert answer.status_code == (status if path.endswith("notify") or status == 400 else 404), (
            answer.text
        )


def test_a_source_tells_only_of_what_it_is_registered_for(network: Network, receiver: Receiver) -> None:
    network.hub.register("samarinda", network["samarinda"])
    subscribe(network, receiver, entities=[{"type": "Weather"}, {"type": "Tram"}])
    [copy] = until(lambda: copies(network["samarinda"]))
    url = f"{network.hub.url}/ngsi-ld/ex/remote-notify"
    told = {"type": "Notification", "subscriptionId": copy["id"]}
    weather = {"id": "urn:ngsi-ld:Weather:1", "type": "Weather", "heat": number(1)}
    tram = {"id": "urn:ngsi-ld:Tram:1", "type": "Tram"}
    assert httpx.post(url, json={**told, "data": [tram]}).status_code == 200
    assert httpx.post(url, json={**told, "data": [{"id": "no"}]}).status_code == 400
    assert httpx.post(url, json={**told, "data": [weather, tram]}).status_code == 200
    [one] = receiver.wait(1)
    assert one["data"] == [weather]
