"""Evolutions in the store: what is added is what is seen, by time, attribute and number, on every database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.ngsild.temporal import Moment, head_of, moments_between
from mahakam.ngsild.temporal_query import Period, Validity, View
from mahakam.ngsild.temporal_view import seen
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore

ID = "urn:x:1"


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path)
    yield opened.tenant()
    opened.close()


def second(number: int) -> str:
    return f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"


def moment(attribute: str, number: int, dataset: str = "") -> Moment:
    body = b'{"type":"Property","value":%d}' % number
    return Moment(ID, attribute, body, second(0), second(number), dataset, second(number))


moments = st.lists(
    st.builds(moment, st.sampled_from("ab"), st.integers(0, 300), st.sampled_from(["", "urn:d:1"])),
    max_size=30,
    unique_by=lambda one: (one.attribute, one.dataset, one.observed),
)


@given(moments, st.integers(0, 300), st.integers(0, 300), st.integers(0, 4), st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_view_is_what_lies_in_its_period(
    store: EntityStore, added: list[Moment], low: int, high: int, last: int, newest: bool
) -> None:
    store.write(lambda transaction: transaction.drop_evolution(ID))
    store.write(lambda transaction: transaction.add_moments(added))
    view = View(
        ID, "observedAt", Period("between", second(low), second(high)), ("a",), last=last, newest=newest
    )
    inside = [one for one in added if one.attribute == "a" and second(low) <= one.observed < second(high)]
    expected = sorted(inside, key=lambda one: one.observed)
    if last:
        expected = [
            one
            for one in expected
            if one in [other for other in expected if other.dataset == one.dataset][-last:]
        ]
    if newest:
        expected.reverse()
    assert [one.observed for one in store.moments(view)] == [one.observed for one in expected]


@given(
    st.lists(
        st.builds(
            lambda attribute, dataset, observed, modified, deleted: Moment(
                ID, attribute, b"{}", second(modified // 2), second(modified), dataset,
                second(observed) if observed else "", second(deleted) if deleted > 200 else "",
            ),
            st.sampled_from(["a", "b", "scope"]), st.sampled_from(["", "urn:d:1"]), st.integers(0, 60),
            st.integers(0, 60), st.integers(0, 300),
        ),
        max_size=20,
    ),
    st.builds(
        View, st.just(ID), st.sampled_from(["observedAt", "createdAt", "modifiedAt", "deletedAt"]),
        st.one_of(
            st.none(),
            st.builds(
                Period, st.sampled_from(["before", "after", "between"]), st.integers(0, 60).map(second),
                st.integers(0, 90).map(second),
            ),
        ),
        st.sampled_from([(), ("a",), ("a", "scope")]), st.sampled_from([(), ("",)]), st.integers(0, 3),
        st.booleans(), st.integers(0, 5),
        st.one_of(
            st.none(),
            st.builds(
                lambda low, high, carried: Validity(
                    ((second(low)[:-1], second(high)[:-1]),), (), carried
                ),
                st.integers(0, 60), st.integers(0, 60), st.sampled_from([0, 0, 1]),
            ),
        ),
    ),
)  # fmt: skip
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_at_hand_is_seen_as_the_store_sees_it(
    store: EntityStore, added: list[Moment], view: View
) -> None:
    store.write(lambda transaction: transaction.drop_evolution(ID))
    store.write(lambda transaction: transaction.add_moments(added))
    every = store.moments(View(ID))
    if view.valid is not None and view.valid.carried and every:
        view = replace(view, valid=replace(view.valid, carried=every[0].number))
    assert seen(every, view) == store.moments(view)


def test_a_moment_is_changed_and_dropped_by_its_number(store: EntityStore) -> None:
    store.write(lambda transaction: transaction.add_moments([moment("a", 1), moment("a", 2, "urn:d:1")]))
    first, second_ = store.moments(View(ID))
    assert first.number < second_.number
    first.body = b'{"type":"Property","value":9}'
    store.write(lambda transaction: transaction.put_moment(first))
    assert store.moments(View(ID)) == [first, second_]
    assert store.write(lambda transaction: transaction.moment(ID, "a", first.number)) == first
    assert store.write(lambda transaction: transaction.moment(ID, "b", first.number)) is None
    assert store.write(lambda transaction: transaction.drop_moments(ID, "a", dataset="urn:d:1")) == 1
    assert store.write(lambda transaction: transaction.drop_moments(ID, "a", number=first.number)) == 1
    assert store.moments(View(ID)) == []


def test_heads_come_in_the_order_in_which_they_were_made(store: EntityStore) -> None:
    heads = [{"id": f"urn:x:{number}", "type": "T"} for number in (3, 1, 2)]

    def work(transaction: object) -> None:
        for head in heads:
            transaction.put_evolution(head)  # type: ignore[attr-defined]

    store.write(work)
    store.write(lambda transaction: transaction.put_evolution({**heads[0], "type": "Other"}))
    found = store.evolutions(limit=2)
    assert [head["id"] for _, head in found] == ["urn:x:3", "urn:x:1"]
    assert found[0][1]["type"] == "Other"
    assert [head["id"] for _, head in store.evolutions(after=found[-1][0])] == ["urn:x:2"]
    assert store.evolution("urn:x:2") == heads[2]
    assert store.write(lambda transaction: transaction.drop_evolution("urn:x:2"))
    assert store.evolution("urn:x:2") is None


def test_heads_are_found_by_type_in_the_same_order(store: EntityStore) -> None:
    """Of several types: always, since each may be meant; the caller looks at them."""
    types: list[object] = ["B", "A", ["A", "C"], "B", "C", "B"]

    def work(transaction: object) -> None:
        for number, one in enumerate(types):
            transaction.put_evolution({"id": f"urn:x:{number}", "type": one})  # type: ignore[attr-defined]

    store.write(work)
    by_id = {head["id"][-1]: number for number, head in store.evolutions()}

    def found(*types: str, **more: int) -> str:
        return "".join(head["id"][-1] for _, head in store.evolutions(types=types, **more))

    assert found("B") == "0235"
    assert found("B", limit=2) == "02"
    assert found("B", after=by_id["2"], limit=1) == "3"
    assert found("A", "C") == "124"
    store.write(lambda transaction: transaction.put_evolution({"id": "urn:x:0", "type": "A"}))
    assert found("B") == "235"


def test_what_is_old_is_purged(store: EntityStore) -> None:
    old, new = moment("a", 1), moment("a", 2)
    old.created, new.created = "2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
    store.write(lambda transaction: transaction.add_moments([old, old, new]))
    before = "2021-01-01T00:00:00Z"
    assert store.write(lambda transaction: transaction.purge_moments(before, 1)) == 1
    assert store.write(lambda transaction: transaction.purge_moments(before, 10)) == 1
    assert [one.created for one in store.moments(View(ID))] == [new.created]


ATTRIBUTES = st.fixed_dictionaries(
    {"type": st.just("Property"), "value": st.integers(0, 3)},
    optional={
        "observedAt": st.integers(0, 300).map(second),
        "datasetId": st.sampled_from(["urn:d:1", "urn:d:2"]),
        "unitCode": st.just("GP"),
        "expiresAt": st.just("2030-01-01T00:00:00Z"),
        "createdAt": st.just(second(1)),
        "instanceId": st.just("urn:ngsi-ld:instance:7"),
    },
)


@given(
    st.dictionaries(st.sampled_from("abc"), ATTRIBUTES | st.lists(ATTRIBUTES, min_size=1, max_size=3)),
    st.sampled_from([None, "/kota", ["/kota", "/desa"]]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_new_entity_s_evolution_is_what_a_change_from_nothing_is(
    store: EntityStore, attributes: dict[str, Any], scope: Any
) -> None:
    document = {"id": ID, "type": "T", **attributes, **({"scope": scope} if scope else {})}

    def written() -> list[tuple[Any, ...]]:
        view = View(ID, "modifiedAt", None, ())
        return sorted(
            (one.attribute, one.dataset, one.observed, one.created, one.modified, one.deleted, one.body)
            for one in store.moments(view)
        )

    store.write(lambda transaction: transaction.drop_evolution(ID))
    store.write(lambda transaction: transaction.begin_evolutions([document], second(9)))
    found, head = written(), store.evolution(ID)
    store.write(lambda transaction: transaction.drop_evolution(ID))
    store.write(lambda transaction: transaction.put_evolution(head_of(document, second(9), second(9))))
    store.write(lambda transaction: transaction.add_moments(moments_between(None, document, second(9))))
    assert (found, head) == (written(), store.evolution(ID))
