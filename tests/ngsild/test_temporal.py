"""Evolutions: a change gives the moments from which every state can be had again; aggregation is arithmetic."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mahakam.ngsild.entity import ENTITY_MEMBERS
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.temporal import moments_between
from mahakam.ngsild.temporal_aggregate import METHODS, Aggregation, parse_aggregation
from mahakam.ngsild.temporal_query import parse_last, parse_period, sortable

START = datetime(2026, 1, 1, tzinfo=UTC)


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


instance = st.fixed_dictionaries({"type": st.just("Property"), "value": st.integers(0, 3)})
attribute = st.one_of(
    instance,
    st.lists(st.sampled_from(["urn:d:1", "urn:d:2", "urn:d:3"]), min_size=2, max_size=3, unique=True).flatmap(
        lambda names: st.tuples(*(instance for _ in names)).map(
            lambda found: [{**one, "datasetId": name} for one, name in zip(found, names, strict=True)]
        )
    ),
)
state = st.one_of(
    st.none(),
    st.dictionaries(st.sampled_from("abc"), attribute, max_size=3).map(
        lambda found: {"id": "urn:x:1", "type": "T", **found}
    ),
)


def flat(document: dict[str, Any] | None) -> dict[tuple[str, str], Any]:
    return {
        (name, one.get("datasetId", "")): one["value"]
        for name, found in (document or {}).items()
        if name not in ENTITY_MEMBERS
        for one in (found if isinstance(found, list) else [found])
    }


@given(st.lists(state, min_size=1, max_size=12))
def test_the_moments_lead_through_every_state(states: list[Any]) -> None:
    now: dict[tuple[str, str], Any] = {}
    before = None
    for step, after in enumerate(states):
        at = text(START + timedelta(seconds=step))
        for moment in moments_between(before, after, at):
            assert moment.modified == at
            if moment.deleted:
                del now[moment.attribute, moment.dataset]
            else:
                now[moment.attribute, moment.dataset] = moment.instance()["value"]
        assert now == flat(after)
        before = after


@given(st.lists(state, min_size=1, max_size=4))
def test_what_does_not_change_adds_nothing(states: list[Any]) -> None:
    for one in states:
        assert list(moments_between(one, one, text(START))) == []


values = st.lists(
    st.tuples(st.floats(-1e6, 1e6), st.integers(0, 20_000)), min_size=1, max_size=40, unique_by=lambda v: v[1]
)


def test_distinct_values_are_told_apart_as_values() -> None:
    count = METHODS["distinctCount"]
    assert count([0.0, -0.0, 0]) == 1
    assert count([1, 1.0, True, "1"]) == 3
    assert count([{"a": 1, "b": 2}, {"b": 2, "a": 1}, [1]]) == 2


@given(values, st.sampled_from([60, 3600, 86_400]))
@example([(0.0, 0), (-0.0, 1)], 60)
def test_aggregation_is_that_of_each_period(found: list[tuple[float, int]], seconds: int) -> None:
    times = [text(START + timedelta(seconds=after)) for _, after in found]
    instances = [{"type": "Property", "value": value} for value, _ in found]
    drawn = Aggregation(tuple(METHODS), seconds, text(START)).draw("Property", instances, times)
    periods: dict[int, list[float]] = {}
    for value, after in found:
        periods.setdefault(after // seconds, []).append(value)
    reference = {
        "totalCount": len,
        "distinctCount": lambda v: len(set(v)),
        "sum": sum,
        "avg": statistics.fmean,
        "min": min,
        "max": max,
        "stddev": statistics.pstdev,
        "sumsq": lambda v: sum(x * x for x in v),
    }
    assert drawn.keys() == reference.keys()
    for method, rows in drawn.items():
        assert [row[1] for row in rows] == [
            (START + timedelta(seconds=index * seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
            for index in sorted(periods)
        ]
        for row, index in zip(rows, sorted(periods), strict=True):
            expected = reference[method](periods[index])  # type: ignore[operator]
            assert row[0] == pytest.approx(expected, rel=1e-6, abs=1e-3)


def test_texts_have_extremes_and_counts_but_no_sum() -> None:
    instances = [{"type": "Property", "value": value} for value in ("b", "a", "b")]
    times = [text(START + timedelta(hours=hour)) for hour in range(3)]
    methods = ("min", "max", "totalCount", "distinctCount", "sum")
    drawn = Aggregation(methods, 0).draw("Property", instances, times)
    assert [drawn[name][0][0] if drawn[name] else None for name in methods] == ["a", "b", 3, 2, None]


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"timerel": "during", "timeAt": "2026-01-01T00:00:00Z"}, "timerel"),
        ({"timerel": "after", "timeAt": "yesterday"}, "timeAt"),
        ({"timerel": "between", "timeAt": "2026-01-01T00:00:00Z"}, "endTimeAt"),
        ({"timeAt": "2026-01-01T00:00:00Z"}, "timeAt"),
        ({"timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "timeproperty": "name"}, "timeproperty"),
    ],
)
def test_a_wrong_period_is_named(params: dict[str, str], named: str) -> None:
    with pytest.raises(Problem) as refusal:
        parse_period(params)
    assert refusal.value.detail.startswith(named)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", ""])
def test_last_is_a_whole_number(text: str) -> None:
    with pytest.raises(Problem, match="lastN"):
        parse_last({"lastN": text})


@pytest.mark.parametrize(
    "params", [{}, {"aggrMethods": "median"}, {"aggrMethods": "avg", "aggrPeriodDuration": "1 hour"}]
)
def test_a_wrong_aggregation_is_refused(params: dict[str, str]) -> None:
    with pytest.raises(Problem, match="aggr"):
        parse_aggregation(params, None)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.integers(-10, 10))
def test_sortable_times_sort_as_times(moment: datetime, milliseconds: int) -> None:
    other = moment + timedelta(milliseconds=milliseconds)
    spelled = [f"{one.isoformat()}Z" for one in (moment, other)]
    left, right = map(sortable, spelled)
    assert (left < right) == (moment < other)
    assert (left == right) == (moment == other)
