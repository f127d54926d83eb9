"""Writes to stored documents as pure functions: what changes, what stays, what is refused."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from mahakam.ngsild.context import CORE
from mahakam.ngsild.entity import ENTITY_MEMBERS, SYSTEM, parse_attribute, parse_entity, parse_fragment
from mahakam.ngsild.patch import (
    Change,
    append,
    delete_attribute,
    merge,
    partial_attribute,
    replace_attribute,
    replace_entity,
    update,
)
from mahakam.ngsild.problem import Problem
from support.ngsild import LATER, NOW, anything, entities

NULL = "urn:ngsi-ld:null"


def stored(**attributes: Any) -> dict[str, Any]:
    return parse_entity({"id": "urn:ngsi-ld:Car:1", "type": "Car", **attributes}, CORE, NOW)


def merged(document: dict[str, Any], fragment: dict[str, Any], **more: str) -> dict[str, Any]:
    return merge(document, parse_fragment(fragment, CORE), LATER, **more).document


# Examples 1 and 2 of clause 5.5.12 in other words


def test_merge_changes_what_it_names_and_leaves_the_rest() -> None:
    document = stored(heat={"value": 25, "unitCode": "CEL", "observedAt": "2022-03-14T01:59:26Z"}, other=1)
    result = merged(
        document, {"heat": {"type": "Property", "value": 100, "observedAt": "2022-03-14T13:00:00Z"}}
    )
    assert result["heat"] == {
        "type": "Property",
        "value": 100,
        "unitCode": "CEL",
        "observedAt": "2022-03-14T13:00:00Z",
        "createdAt": NOW,
        "modifiedAt": LATER,
    }
    assert result["other"] == document["other"]
    assert (result["createdAt"], result["modifiedAt"]) == (NOW, LATER)


def test_merge_goes_into_values() -> None:
    document = stored(address={"value": {"street": "A", "city": "B", "country": "C"}})
    result = merged(document, {"address": {"value": {"street": "D", "country": NULL}}})
    assert result["address"]["value"] == {"street": "D", "city": "B"}


@pytest.mark.parametrize(
    "null",
    [
        NULL,
        {"value": NULL},
        {"type": "Property", "value": NULL},
        {"type": "Property", "value": NULL, "unitCode": "X"},
    ],
)
def test_merge_removes_by_null(null: Any) -> None:
    change = merge(stored(a=1, b=2), parse_fragment({"a": null}, CORE), LATER)
    assert "a" not in change.document
    assert change.changed == {"a"}


def test_merge_removes_members_by_null() -> None:
    document = stored(a={"value": 1, "unitCode": "CEL", "sub": {"value": 2}})
    result = merged(document, {"a": {"unitCode": NULL, "value": 1, "sub": NULL}})
    assert not {"unitCode", "sub"} & result["a"].keys()


def test_merge_by_dataset() -> None:
    document = stored(speed=[{"value": 1}, {"value": 2, "datasetId": "urn:a:gps"}])
    result = merged(document, {"speed": {"value": 9, "datasetId": "urn:a:gps"}})
    assert [one["value"] for one in result["speed"]] == [1, 9]
    result = merged(document, {"speed": {"value": 3, "datasetId": "urn:a:new"}})
    assert [one["value"] for one in result["speed"]] == [1, 2, 3]
    result = merged(document, {"speed": {"value": NULL, "datasetId": "urn:a:gps"}})
    assert result["speed"]["value"] == 1


def test_merge_of_plain_values_keeps_the_attributes_type() -> None:
    document = stored(
        owner={"object": "urn:a:b"},
        name={"languageMap": {"id": "Mobil"}},
        sky={"vocab": "grey"},
        n={"valueList": [1]},
    )
    result = merged(document, {"owner": "urn:a:c", "name": "Car", "sky": "blue", "n": [2]}, lang="en")
    assert result["owner"]["object"] == "urn:a:c"
    assert result["name"]["languageMap"] == {"id": "Mobil", "en": "Car"}
    assert result["sky"]["vocab"] == "blue"
    assert result["n"]["valueList"] == [2]


def test_merge_dates_what_was_dated() -> None:
    document = stored(a={"value": 1, "observedAt": "2026-01-01T00:00:00Z"}, b=1)
    result = merged(document, {"a": 2, "b": 2}, observed_at="2026-02-02T00:00:00Z")
    assert result["a"]["observedAt"] == "2026-02-02T00:00:00Z"
    assert "observedAt" not in result["b"]


def test_merge_of_nothing_new_changes_nothing() -> None:
    document = stored(a={"value": 1, "unitCode": "CEL"})
    change = merge(document, parse_fragment({"a": {"value": 1}}, CORE), LATER)
    assert not change.changed
    assert change.document == document


def test_types_are_added_and_the_scope_replaced() -> None:
    change = merge(stored(scope="/a"), parse_fragment({"type": "Taxi", "scope": ["/b", "/c"]}, CORE), LATER)
    assert change.document["type"] == ["Car", "Taxi"]
    assert change.document["scope"] == ["/b", "/c"]
    assert change.changed == {"type", "scope"}


def test_append_adds_and_replaces() -> None:
    change = append(stored(a={"value": 1, "unitCode": "CEL"}), parse_fragment({"a": 2, "b": 3}, CORE), LATER)
    assert change.document["a"] == {"type": "Property", "value": 2, "createdAt": NOW, "modifiedAt": LATER}
    assert change.document["b"]["createdAt"] == LATER
    assert change.changed == {"a", "b"}


def test_append_without_overwriting() -> None:
    change = append(stored(a=1), parse_fragment({"a": 2, "b": 3}, CORE), LATER, overwrite=False)
    assert change.document["a"]["value"] == 1
    assert (change.changed, set(change.not_updated)) == ({"b"}, {"a"})


def test_update_replaces_and_adds() -> None:
    change = update(stored(a={"value": 1, "unitCode": "CEL"}), parse_fragment({"a": 2, "b": 3}, CORE), LATER)
    assert change.document["a"] == {"type": "Property", "value": 2, "createdAt": NOW, "modifiedAt": LATER}
    assert change.document["b"]["value"] == 3
    assert (change.changed, change.not_updated) == ({"a", "b"}, {})


def test_update_removes_by_null() -> None:
    change = update(stored(a=1), parse_fragment({"a": NULL, "b": NULL}, CORE), LATER)
    assert "a" not in change.document
    assert set(change.not_updated) == {"b"}


def test_update_replaces_a_scope_and_adds_none() -> None:
    fragment = parse_fragment({"scope": "/new"}, CORE)
    assert update(stored(scope="/old"), fragment, LATER).document["scope"] == "/new"
    change = update(stored(), fragment, LATER)
    assert "scope" not in change.document
    assert set(change.not_updated) == {"scope"}


def test_append_without_overwriting_adds_scopes() -> None:
    fragment = parse_fragment({"scope": ["/b", "/a"]}, CORE)
    assert append(stored(scope="/a"), fragment, LATER, overwrite=False).document["scope"] == ["/a", "/b"]
    assert append(stored(scope="/a"), fragment, LATER).document["scope"] == ["/b", "/a"]


def partly(document: dict[str, Any], payload: Any) -> Change:
    return partial_attribute(document, "a", parse_attribute(payload, CORE, partial=True), LATER)


def test_partial_update_replaces_members() -> None:
    document = stored(a={"value": {"x": 1, "y": 2}, "unitCode": "CEL", "sub": 1})
    result = partly(document, {"value": {"x": 3}, "sub": NULL}).document
    assert result["a"]["value"] == {"x": 3}
    assert result["a"]["unitCode"] == "CEL"
    assert "sub" not in result["a"]


def test_partial_update_keeps_the_type() -> None:
    with pytest.raises(Problem, match="Relationship"):
        partly(stored(a=1), {"type": "Relationship", "object": "urn:a:b"})
    assert partly(stored(a={"object": "urn:a:b"}), {"object": "urn:a:c"}).document["a"]["object"] == "urn:a:c"


@pytest.mark.parametrize(
    "work",
    [
        lambda: partly(stored(), {"value": 1}),
        lambda: partly(stored(a=1), {"value": 1, "datasetId": "urn:a:none"}),
        lambda: replace_attribute(stored(), "a", {"type": "Property", "value": 1}, LATER),
        lambda: delete_attribute(stored(), "a", LATER),
        lambda: delete_attribute(stored(a=1), "a", LATER, dataset_id="urn:a:none"),
        lambda: delete_attribute(stored(), "a", LATER, delete_all=True),
        lambda: delete_attribute(stored(), "id", LATER),
    ],
)
def test_what_is_not_there_is_not_found(work: Any) -> None:
    with pytest.raises(Problem) as refusal:
        work()
    assert refusal.value.kind == "ResourceNotFound"


def test_replacing_and_deleting_attributes() -> None:
    document = stored(
        a={"value": 1, "unitCode": "CEL"}, speed=[{"value": 1}, {"value": 2, "datasetId": "urn:a:gps"}]
    )
    replaced = replace_attribute(document, "a", {"type": "Property", "value": 5}, LATER).document["a"]
    assert replaced == {"type": "Property", "value": 5, "createdAt": NOW, "modifiedAt": LATER}
    assert delete_attribute(document, "speed", LATER).document["speed"]["value"] == 2
    assert delete_attribute(document, "speed", LATER, dataset_id="urn:a:gps").document["speed"]["value"] == 1
    assert "speed" not in delete_attribute(document, "speed", LATER, delete_all=True).document


def test_replacing_an_entity_keeps_its_birthday_and_what_did_not_change() -> None:
    new = parse_entity({"id": "urn:ngsi-ld:Car:1", "type": "Taxi", "a": 1, "b": 2}, CORE, "")
    change = replace_entity(stored(a=1, c=3), new, LATER)
    assert change.document["createdAt"] == NOW
    assert change.document["a"]["modifiedAt"] == NOW
    assert change.document["b"]["createdAt"] == LATER
    assert change.changed == {"type", "b", "c"}


def test_nothing_half_made_is_stored() -> None:
    with pytest.raises(Problem, match="needs its value"):
        append(stored(), parse_fragment({"a": {"unitCode": "CEL", "type": "Property"}}, CORE), LATER)


@given(entities(), entities())
def test_merging_twice_is_merging_once(entity: dict[str, Any], other: dict[str, Any]) -> None:
    document = parse_entity(entity, CORE, NOW)
    fragment = parse_fragment({**other, "id": document["id"]}, CORE)
    before = deepcopy(document)
    once = merge(document, fragment, LATER).document
    assert document == before
    again = merge(once, fragment, "2027-01-01T00:00:00.000Z")
    assert not again.changed
    assert again.document == once


@given(entities(), entities())
def test_what_a_patch_makes_is_an_entity(entity: dict[str, Any], other: dict[str, Any]) -> None:
    document = parse_entity(entity, CORE, NOW)
    fragment = parse_fragment({**other, "id": document["id"]}, CORE)
    for work in (merge, append, update):
        result = work(document, fragment, LATER).document
        assert result["createdAt"] == NOW
        stripped = {name: value for name, value in result.items() if name not in ("createdAt", "modifiedAt")}
        parse_entity(stripped, CORE, NOW)


def test_a_merge_tells_a_property_from_a_plain_value() -> None:
    document = stored(a={"object": "urn:a:b"})
    typed = merged(document, {"a": {"type": "Property", "value": 0}})["a"]
    assert (typed["type"], typed["value"]) == ("Property", 0)
    assert "object" not in typed
    plain = merged(document, {"a": "urn:a:c"})["a"]
    assert (plain["type"], plain["object"]) == ("Relationship", "urn:a:c")
    assert merged(stored(), {"a": 0})["a"]["type"] == "Property"


@given(entities())
def test_replacing_with_itself_changes_nothing(entity: dict[str, Any]) -> None:
    document = parse_entity(entity, CORE, NOW)
    assert not replace_entity(document, parse_entity(entity, CORE, ""), LATER).changed


@pytest.mark.parametrize(
    ("before", "fragment"),
    [
        ({"object": "urn:a:b"}, [{"no": "uri"}]),
        ({"object": "urn:a:b"}, "no uri"),
        ({"languageMap": {"id": "x"}}, 7),
        ({"vocab": "x"}, 7),
        ({"value": 1}, ["urn:ngsi-ld:null", []]),
        ({"valueList": [1]}, 7),
        ({"json": {}}, 7),
    ],
)
def test_what_would_be_no_entity_is_refused(before: dict[str, Any], fragment: Any) -> None:
    document = stored(a=before)
    with pytest.raises(Problem):
        merge(document, parse_fragment({"a": fragment}, CORE), LATER)
    with pytest.raises(Problem):
        partly(document, fragment if isinstance(fragment, dict) else {"value": fragment})


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(entities(), anything)
def test_whatever_is_sent_what_is_stored_stays_an_entity(entity: dict[str, Any], sent: Any) -> None:
    document = parse_entity(entity, CORE, NOW)
    attributes = [name for name in document if name not in ENTITY_MEMBERS]
    results: list[dict[str, Any]] = []
    with suppress(Problem):
        fragment = parse_fragment(sent if isinstance(sent, dict) else {"a": sent}, CORE)
        members = {name: value for name, value in fragment.items() if name in ENTITY_MEMBERS}
        others = [value for name, value in fragment.items() if name not in ENTITY_MEMBERS]
        aimed = members | dict(zip([*attributes, "new"], others, strict=False))
        for work in (merge, append, update):
            with suppress(Problem):
                results.append(work(document, aimed, LATER).document)
    with suppress(Problem):
        attribute = parse_attribute(sent, CORE, partial=True)
        for name in attributes[:1]:
            results.append(partial_attribute(document, name, attribute, LATER).document)
    for result in results:
        parse_entity({name: value for name, value in result.items() if name not in SYSTEM}, CORE, NOW)


def test_a_null_inside_a_value_is_for_merges_alone() -> None:
    stored = {
        "id": "urn:a",
        "type": "T",
        "createdAt": "",
        "modifiedAt": "",
        "a": {"type": "Property", "value": {"b": 1}},
    }
    fragment = {"value": {"b": "urn:ngsi-ld:null", "c": [1]}}
    with pytest.raises(Problem) as refusal:
        partial_attribute(stored, "a", fragment, "now")
    assert refusal.value.kind == "BadRequestData"
    assert merge(stored, {"a": fragment}, "now").document["a"]["value"] == {"c": [1]}
