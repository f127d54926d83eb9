"""The short way of a plain payload says what the long way says, or leaves it to it."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.ngsild.context import CORE, build
from mahakam.ngsild.entity import parse_entity
from mahakam.ngsild.plain import plain_entities, plain_entity
from mahakam.ngsild.problem import Problem

SMART = build(
    {"pm": "https://smart.example/pm10", "Station": "https://smart.example/Station"}, lambda _: None
)
PAYLOAD: dict[str, Any] = {
    "id": "urn:ngsi-ld:Station:1",
    "type": "Station",
    "scope": "/kaltim/samarinda",
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117, -0.5]}},
    "address": {"type": "Property", "value": {"city": "Samarinda", "lines": ["Jl. Mahakam 1", 2]}},
    "refDevice": {"type": "Relationship", "object": "urn:ngsi-ld:Device:1"},
    "pm": {"type": "Property", "value": 12.5, "unitCode": "GQ", "observedAt": "2026-01-31T08:00:00Z"},
}

text = st.sampled_from(
    [
        "",
        "x",
        "Jl. Mahakam 1",
        "é",
        "a\u2028b",
        "urn:x:1",
        "/a/b",
        "a/b",
        "no uri",
        "urn:ngsi-ld:null",
        "x:<y>",
    ]
)
time = st.sampled_from(["2026-01-31T08:00:00Z", "2026-02-31T08:00:00Z", "today", 5])
number = st.one_of(
    st.integers(-(2**65), 2**65), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
value = st.recursive(
    st.one_of(text, number, st.none()),
    lambda part: st.one_of(st.lists(part, max_size=3), st.dictionaries(text, part, max_size=3)),
    max_leaves=6,
)
point = st.builds(
    lambda kind, where: {"type": kind, "coordinates": where},
    st.sampled_from(["Point", "Point", "Point", "LineString", "Circle"]),
    st.lists(st.one_of(st.integers(-200, 200), st.floats(-91, 91)), min_size=1, max_size=3),
)
kind = st.sampled_from(["Property", "GeoProperty", "Relationship", "LanguageProperty", "Nonsense", None])
member = st.sampled_from(
    ["value", "object", "unitCode", "observedAt", "datasetId", "createdAt", "accuracy", "languageMap"]
)
attribute = st.one_of(
    st.builds(lambda v, at: {"type": "Property", "value": v, "observedAt": at}, value, time),
    st.builds(lambda v, unit: {"type": "Property", "value": v, "unitCode": unit}, value, text),
    st.builds(lambda v: {"type": "GeoProperty", "value": v}, point),
    st.builds(lambda v: {"type": "Relationship", "object": v}, text),
    st.builds(lambda k, rest: {"type": k, **rest}, kind, st.dictionaries(member, value, max_size=3)),
    value,
    st.builds(lambda v: [{"type": "Property", "value": v}], value),
)
name = st.sampled_from(
    [
        "pm",
        "pm10",
        "location",
        "observationSpace",
        "name",
        "scope",
        "@context",
        "@id",
        "createdAt",
        "observedAt",
        "bad-name",
        "expiresAt",
        "type",
        "id",
        "https://smart.example/pm10",
        "<bad>",
    ]
)
payload = st.builds(
    lambda id, type, rest: {"id": id, "type": type, **rest},
    st.one_of(st.just("urn:x:1"), text),
    st.one_of(st.just("Station"), st.sampled_from(["", "id", "a b", "https://smart.example/Station"])),
    st.dictionaries(name, st.one_of(attribute, text), max_size=4),
)


@given(payload, st.sampled_from([CORE, SMART]))
def test_both_ways_agree(payload: dict[str, Any], context: Any) -> None:
    body = json.dumps(payload, ensure_ascii=False).encode()
    draft = plain_entity(body, context)
    if draft is None:
        return
    long_way = parse_entity(orjson.loads(body), context, "")
    del long_way["createdAt"], long_way["modifiedAt"]
    assert draft.document == long_way
    assert draft.head == {key: long_way[key] for key in draft.head}
    assert {key for key in ("id", "type", "scope", "location") if key in long_way} == set(draft.head)


@pytest.mark.parametrize("context", [CORE, SMART])
def test_a_plain_payload_is_taken(context: Any) -> None:
    draft = plain_entity(orjson.dumps(PAYLOAD), context)
    assert draft is not None
    long_way = parse_entity(orjson.loads(orjson.dumps(PAYLOAD)), context, "")
    del long_way["createdAt"], long_way["modifiedAt"]
    assert draft.document == long_way
    assert orjson.loads(draft.body)["location"]["value"]["coordinates"] == [117, -0.5]
    assert (draft.head["type"] == "Station") is (context is CORE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[]",
        b'{"id": "urn:x:1", "type": "T", "a": {"type": "Property", "value": "urn:ngsi-ld:nul\\u006c"}}',
        b'{"id": "urn:x:1", "type": "T", "a": {"type": "Property", "value": 1e999}}',
        b'{"id": "urn:x:1", "type": "T", "a": {"type": "Property", "value": NaN}}',
        b'{"id": "urn:x:1", "type": "T", "a": {"type": "Property", "value": "\xff"}}',
        b'{"id": "urn:x:1"}',
        b'{"type": "T"}',
        b'{"id": "urn:x:1", "type": ["T", "U"]}',
        b'{"id": "urn:x:1", "type": "T", "scope": ["/a"]}',
        b'{"id": "urn:x:1", "type": "T", "name": "text"}',
        b'{"id": "urn:x:1", "type": "T", "a": ' + b"[" * 100_000,
    ],
)
def test_what_is_not_plain_is_left_to_the_long_way(body: bytes) -> None:
    assert plain_entity(body, CORE) is None
    assert plain_entities(b"[" + body + b"]", CORE, 10) is None


def test_a_list_is_plain_as_a_whole() -> None:
    good = orjson.dumps(PAYLOAD)
    drafts = plain_entities(b"[" + good + b"," + good + b"]", CORE, 2)
    assert drafts is not None
    assert [draft.id for draft in drafts] == [PAYLOAD["id"]] * 2
    assert plain_entities(b"[" + good + b"," + good + b"]", CORE, 1) is None
    assert plain_entities(b"[" + good + b', {"id": "no uri", "type": "T"}]', CORE, 2) is None


def test_a_doubled_member_counts_once_as_in_the_long_way() -> None:
    body = (
        b'{"id": "urn:x:1", "type": "T", "a": {"type": "Property", "value": 1, "value": 2}, "id": "urn:x:2"}'
    )
    draft = plain_entity(body, CORE)
    assert draft is not None
    assert draft.document == {"id": "urn:x:2", "type": "T", "a": {"type": "Property", "value": 2}}


def test_a_refusal_is_the_long_ways() -> None:
    payload = {**PAYLOAD, "pm": {"type": "Property"}}
    assert plain_entity(orjson.dumps(payload), CORE) is None
    with pytest.raises(Problem):
        parse_entity(payload, CORE, "")
