"""Evolutions of several sources as one."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from mahakam.ngsild.context import CORE
from mahakam.ngsild.temporal import Moment
from mahakam.ngsild.temporal_merging import (
    at_source,
    joined_heads,
    joined_moments,
    received_evolution,
    source_of,
)
from mahakam.ngsild.temporal_query import View

VIEW = View("urn:x:1")
moments = st.builds(
    lambda attribute, dataset, minute, value, modified: Moment(
        "urn:x:1",
        attribute,
        orjson.dumps({"type": "Property", "value": value}),
        "2026-01-01T00:00:00Z",
        f"2026-01-02T00:00:0{modified}Z",
        dataset,
        f"2026-01-01T00:{minute:02}:00Z" if minute else "",
    ),
    st.sampled_from("ab"),
    st.sampled_from(["", "urn:d:1"]),
    st.integers(0, 6),
    st.integers(0, 3),
    st.integers(0, 3),
)


def key(one: Moment) -> tuple[str, ...]:
    return one.attribute, one.dataset, one.observed, "" if one.observed else one.body.decode()


@given(st.lists(st.lists(moments, max_size=8), min_size=1, max_size=4))
def test_nothing_is_lost_and_the_freshest_is_taken_from_one_source(parts: list[list[Moment]]) -> None:
    joined = joined_moments(parts, (), VIEW)
    every = [one for part in parts for one in part]
    assert {key(one) for one in joined} == {key(one) for one in every}
    for one in joined:
        same = [other for other in every if key(other) == key(one)]
        newest = max(other.modified for other in same)
        taken = [other for other in joined if key(other) == key(one)]
        assert newest in {other.modified for other in taken}
        assert any(taken == [other for other in part if key(other) == key(one)] for part in parts)


@given(st.lists(st.lists(moments, max_size=8), min_size=1, max_size=3), st.lists(moments, max_size=5))
def test_a_filler_gives_only_what_all_others_lack(parts: list[list[Moment]], filler: list[Moment]) -> None:
    alone = joined_moments(parts, (), VIEW)
    both = joined_moments(parts, [filler], VIEW)
    known = {one.attribute for one in alone}
    assert [one for one in both if one.attribute in known] == alone
    assert {one.attribute for one in both} == known | {one.attribute for one in filler}


@given(st.lists(st.lists(moments, max_size=8), max_size=3), st.integers(1, 3))
def test_of_each_attribute_there_are_no_more_than_the_last(parts: list[list[Moment]], last: int) -> None:
    whole = joined_moments(parts, (), VIEW)
    some = joined_moments(parts, (), View("urn:x:1", last=last))
    for attribute in "ab":
        for dataset in ("", "urn:d:1"):
            times = sorted(
                (
                    one.observed or one.created
                    for one in whole
                    if (one.attribute, one.dataset) == (attribute, dataset)
                ),
                reverse=True,
            )
            kept = [
                one.observed or one.created
                for one in some
                if (one.attribute, one.dataset) == (attribute, dataset)
            ]
            assert sorted(kept, reverse=True) == times[:last]


def test_an_instance_id_names_its_source() -> None:
    one = at_source("urn:ngsi-ld:instance:7", "urn:r:1")
    assert source_of(one) == ("urn:ngsi-ld:instance:7", "urn:r:1")
    assert source_of(at_source(one, "urn:r:2")) == (one, "urn:r:2")
    assert source_of("urn:ngsi-ld:instance:7") == ("urn:ngsi-ld:instance:7", "")


def test_an_answer_keeps_its_times_and_what_has_ended() -> None:
    scope = {"type": "Property", "value": "/a", "observedAt": "2026-01-01T00:00:00Z"}
    gone = {"type": "Property", "value": "urn:ngsi-ld:null", "deletedAt": "2026-01-03T00:00:00Z"}
    head, found = received_evolution(
        {
            "id": "urn:x:1",
            "type": "T",
            "createdAt": "2025-01-01T00:00:00Z",
            "scope": [scope, {"type": "Property", "value": [], "deletedAt": "2026-01-04T00:00:00Z"}],
            "n": [
                {"type": "Property", "value": 1, "modifiedAt": "2026-01-02T00:00:00Z", "instanceId": "urn:i"},
                gone,
            ],
        },
        CORE,
        "urn:r:1",
    )
    assert head["createdAt"] == "2025-01-01T00:00:00Z"
    assert [one.attribute for one in found] == ["scope", found[1].attribute, found[1].attribute]
    assert found[1].instance()["instanceId"] == "urn:i;source=urn:r:1"
    assert found[1].modified == "2026-01-02T00:00:00Z"
    assert found[2].deleted == "2026-01-03T00:00:00Z"
    ended = {**head, "deletedAt": "2026-02-01T00:00:00Z"}
    assert "deletedAt" not in joined_heads([head, ended])
    assert joined_heads([ended, ended])["deletedAt"]
