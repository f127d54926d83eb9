"""What a notification says: forms, deletions, changes, linked entities, contexts (clause 5.2.14, 5.3.1, 5.8.6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mahakam.broker.broker import Broker
from mahakam.broker.changes import changes_of
from mahakam.broker.notification import headers
from mahakam.ngsild.context import Context
from mahakam.ngsild.patch import delete_attribute, merge
from support.notify import entity, set_to, subscription

NULL = "urn:ngsi-ld:null"
CONTEXT = "https://example.org/c"


def told(broker: Broker, id: str = "urn:s:1") -> list[Any]:
    """The data of every notification that is owed."""
    return [json.loads(one.body)["data"] for one in broker.store.owed(id)]


def rich() -> dict[str, Any]:
    return {
        "id": "urn:x:1",
        "type": "Sensor",
        "n": {"type": "Property", "value": 1},
        "name": {"type": "LanguageProperty", "languageMap": {"id": "Hujan", "en": "Rain"}},
        "at": {"type": "Relationship", "object": "urn:c:1"},
        "kind": {"type": "VocabProperty", "vocab": "Wet"},
        "raw": {"type": "JsonProperty", "json": {"a": 1}},
        "few": {"type": "ListProperty", "valueList": [1, 2]},
        "by": {"type": "ListRelationship", "objectList": [{"object": "urn:c:1"}]},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117.1, -0.5]}},
    }


@pytest.mark.parametrize(
    ("form", "shown"),
    [("normalized", {"type": "Property", "value": 5}), ("concise", 5), ("simplified", 5), ("keyValues", 5)],
)
def test_forms(broker: Broker, form: str, shown: Any) -> None:
    broker.subscriptions.create(subscription(notification={"format": form}))
    broker.create(entity(1, 5))
    assert told(broker) == [[{"id": "urn:x:1", "type": "Sensor", "n": shown}]]


@pytest.mark.parametrize(
    ("wanted", "members"),
    [({"attributes": ["n"]}, {"id", "type", "n"}), ({"pick": ["id", "name"]}, {"id", "name"}),
     ({"omit": ["location", "type", "raw", "few", "by", "kind", "at"]}, {"id", "n", "name"}),
     ({"sysAttrs": True, "pick": ["id", "modifiedAt"]}, {"id", "modifiedAt"})],
)  # fmt: skip
def test_members_wanted(broker: Broker, wanted: dict[str, Any], members: set[str]) -> None:
    broker.subscriptions.create(subscription(notification=wanted))
    broker.create(rich())
    assert set(told(broker)[0][0]) == members


def test_language_and_dataset(broker: Broker) -> None:
    broker.subscriptions.create(subscription(lang="id"))
    broker.subscriptions.create(subscription(id="urn:s:2", datasetId=["urn:d:1"]))
    document = rich()
    document["n"] = [document["n"], {"type": "Property", "value": 9, "datasetId": "urn:d:1"}]
    broker.create(document)
    assert told(broker)[0][0]["name"] == "Hujan"
    assert told(broker, "urn:s:2") == [[{"id": "urn:x:1", "type": "Sensor", "n": 9}]]


@pytest.mark.parametrize(
    ("name", "member", "previous", "null"),
    [("n", "value", "previousValue", NULL), ("at", "object", "previousObject", NULL),
     ("name", "languageMap", "previousLanguageMap", {"@none": NULL}), ("kind", "vocab", "previousVocab", NULL),
     ("raw", "json", "previousJson", NULL), ("few", "valueList", "previousValueList", NULL),
     ("location", "value", "previousValue", NULL),
     ("by", "objectList", "previousObjectList", [{"object": NULL}])],
)  # fmt: skip
@pytest.mark.parametrize("form", ["normalized", "concise"])
def test_a_deleted_attribute_is_null_and_shows_what_it_was(
    broker: Broker, name: str, member: str, previous: str, null: Any, form: str
) -> None:
    wanted = {"format": form, "showChanges": True}
    triggers = ["attributeDeleted"]
    broker.subscriptions.create(subscription(notificationTrigger=triggers, notification=wanted))
    broker.create(rich())
    broker.change("urn:x:1", lambda document, at: delete_attribute(document, name, at))
    ((found,),) = told(broker)
    assert found[name][member] == null
    assert found[name][previous] == rich()[name][member]
    assert "previousValue" not in (found["n"] if name != "n" and isinstance(found["n"], dict) else {})


def test_changes_are_shown_only_where_something_changed(broker: Broker) -> None:
    broker.subscriptions.create(subscription(notification={"format": "concise", "showChanges": True}))
    broker.create(rich())
    broker.change("urn:x:1", set_to(2))
    created, updated = told(broker)
    assert "previous" not in json.dumps(created)
    assert updated[0]["n"] == {"value": 2, "previousValue": 1}
    assert json.dumps(updated).count("previous") == 1


def test_one_instance_of_several_is_deleted(broker: Broker) -> None:
    broker.subscriptions.create(
        subscription(notificationTrigger=["attributeDeleted"], watchedAttributes=["n"])
    )
    document = entity()
    document["n"] = [document["n"], {"type": "Property", "value": 9, "datasetId": "urn:d:1"}]
    broker.create(document)
    broker.change("urn:x:1", lambda found, at: delete_attribute(found, "n", at, dataset_id="urn:d:1"))
    broker.change("urn:x:1", lambda found, at: delete_attribute(found, "n", at))
    one, all_of_it = told(broker)
    assert one[0]["n"] == {"dataset": {"@none": 1, "urn:d:1": NULL}}
    assert all_of_it[0]["n"] == NULL


def test_a_deleted_entity(broker: Broker) -> None:
    shown = {"format": "normalized", "showChanges": True}
    for id, triggers, wanted in (
        ("urn:s:1", ["entityDeleted"], {}),
        ("urn:s:2", ["entityDeleted"], {"sysAttrs": True}),
        ("urn:s:3", ["attributeDeleted"], {}),
        ("urn:s:4", ["entityDeleted"], shown),
    ):
        broker.subscriptions.create(subscription(id=id, notificationTrigger=triggers, notification=wanted))
    broker.create(entity(1, 5))
    broker.delete("urn:x:1")
    (plain,), (system,), (null,), (before,) = (told(broker, f"urn:s:{n}")[0] for n in (1, 2, 3, 4))
    assert plain.keys() == {"id", "type", "deletedAt"}
    assert system.keys() == {"id", "type", "createdAt", "modifiedAt", "deletedAt"}
    assert null["n"] == NULL
    assert before["n"] == {"type": "Property", "value": NULL, "previousValue": 5}


@pytest.mark.parametrize("form", ["flat", "inline"])
def test_linked_entities_come_with_it(broker: Broker, form: str) -> None:
    city = {"id": "urn:c:1", "type": "City", "name": {"type": "Property", "value": "Samarinda"}}
    broker.create(city)
    broker.subscriptions.create(
        subscription(notification={"join": form, "attributes": ["at"], "format": "simplified"})
    )
    broker.create(rich())
    data = told(broker)[0]
    shown = {"id": "urn:c:1", "type": "City", "name": "Samarinda"}
    if form == "flat":
        assert data == [{"id": "urn:x:1", "type": "Sensor", "at": "urn:c:1"}, shown]
    else:
        assert data == [{"id": "urn:x:1", "type": "Sensor", "at": shown}]


def test_a_query_may_follow_links(broker: Broker) -> None:
    for number, value in ((1, 0.3), (2, 0.9)):
        level = {"type": "Property", "value": value}
        broker.create({"id": f"urn:c:{number}", "type": "Device", "level": level})
    broker.subscriptions.create(subscription(q="at{level}<0.5"))
    for number in (1, 2):
        at = {"type": "Relationship", "object": f"urn:c:{number}"}
        broker.create({"id": f"urn:x:{number}", "type": "Sensor", "at": at})
    assert [data[0]["id"] for data in told(broker)] == ["urn:x:1"]


def test_context_of_a_notification(broker: Broker) -> None:
    context = Context(CONTEXT, {"level": "https://example.org/level"})
    made = subscription(context=context, watchedAttributes=["level"])
    linked = subscription(id="urn:s:2", context=context, endpoint={"accept": "application/ld+json"})
    for one in (made, linked):
        broker.subscriptions.create(one)
    broker.create({**entity(), "https://example.org/level": {"type": "Property", "value": 1}})
    assert headers(made, "smd") == {
        "Content-Type": "application/json",
        "Link": f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"',
        "NGSILD-Tenant": "smd",
    }
    assert headers(linked, "") == {"Content-Type": "application/ld+json"}
    assert told(broker)[0][0]["level"] == 1
    assert told(broker, "urn:s:2")[0][0]["@context"][0] == CONTEXT


def test_geojson(broker: Broker) -> None:
    accept = {"accept": "application/geo+json"}
    broker.subscriptions.create(subscription(endpoint=accept))
    beside = {**accept, "notifierInfo": [{"key": "Prefer", "value": "body=json"}]}
    broker.subscriptions.create(subscription(id="urn:s:2", endpoint=beside))
    broker.create(rich())
    (within,), (without,) = told(broker), told(broker, "urn:s:2")
    assert within["type"] == "FeatureCollection"
    assert within["features"][0]["geometry"] == {"type": "Point", "coordinates": [117.1, -0.5]}
    assert "@context" in within
    assert "@context" not in without
    kept = broker.subscriptions.get("urn:s:2")
    assert kept is not None
    assert "Link" in headers(kept, "")


def test_what_changed_between_two_states() -> None:
    before = {**rich(), "createdAt": "2020-01-01T00:00:00Z"}
    after = merge(
        before, {"n": {"value": 2}, "new": {"type": "Property", "value": 1}}, "2021-01-01T00:00:00Z"
    )
    found = changes_of(before, delete_attribute(after.document, "raw", "2021-01-01T00:00:00Z").document)
    assert (found.created, found.updated, found.deleted) == ({"new"}, {"n"}, {"raw"})
