"""From a value down to its rows, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from mahakam.indicators.compute import compute_all
from mahakam.indicators.trace import inputs, trace
from mahakam.indicators.value import value_id
from support.indicators import City

LEVELS = """
name: High water
from: Level
formula: "count(*) filter (where metres > 3) * 100.0 / count(*)"
counted: "metres > 3"
where: "sensor != 'broken'"
per: year
time: date
unit: "%"
"""


def levels(city: City, rows: int) -> list[dict[str, Any]]:
    """``rows`` readings of a few sensors over two years; every 31st sensor reading is of a broken one."""
    start = date(2023, 1, 1)
    records: list[dict[str, Any]] = [
        {
            "date": (start + timedelta(days=number % 730)).isoformat(),
            "sensor": "broken" if number % 31 == 0 else f"s{number % 7}",
            "metres": None if number % 97 == 0 else (number * 37 % 500) / 100,
        }
        for number in range(rows)
    ]
    city.bring("Level", records)
    return records


class Watch:
    """Counts the entities that a store hands out."""

    def __init__(self, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
        self.documents = 0
        store = city.broker.store
        whole, scan = store.documents, store.scan

        def documents(*arguments: Any, **named: Any) -> list[dict[str, Any]]:
            found = whole(*arguments, **named)
            self.documents += len(found)
            return found

        def scanned(*arguments: Any) -> Iterator[dict[str, Any]]:
            for document in scan(*arguments):
                self.documents += 1
                yield document

        monkeypatch.setattr(store, "documents", documents)
        monkeypatch.setattr(store, "scan", scanned)


def test_a_value_over_12_000_rows_hands_out_a_page(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    records = levels(city, 12_000)
    city.indicator("high", LEVELS)
    compute_all(city.broker)
    belong = [row for row in records if row["date"] < "2024" and row["sensor"] != "broken"]
    counted = [row for row in belong if (row["metres"] or 0) > 3]

    traced = trace(city.broker, value_id("town", "high", "2023"))
    assert traced
    assert traced.value.inputs == len(belong) > 5000
    assert traced.value.counted == len(counted)
    watch = Watch(city, monkeypatch)
    page = inputs(city.broker, traced, limit=50)
    assert (len(page.inputs), page.total) == (50, len(belong))
    assert all(one.counted for one in page.inputs), "the counted ones come first"
    assert watch.documents <= 60

    watch.documents = 0
    last = inputs(city.broker, traced, limit=50, offset=len(belong) - 7)
    assert len(last.inputs) == 7
    assert watch.documents <= 60


def test_pages_together_are_every_input_once(city: City) -> None:
    records = levels(city, 900)
    city.indicator("high", LEVELS)
    compute_all(city.broker)
    traced = trace(city.broker, value_id("town", "high", "2024"))
    assert traced
    expected = [row for row in records if row["date"] >= "2024" and row["sensor"] != "broken"]
    for only in ("", "counted", "others"):
        seen: list[tuple[Any, ...]] = []
        offset = 0
        while page := inputs(city.broker, traced, limit=40, offset=offset, only=only).inputs:  # type: ignore[arg-type]
            seen += [
                (one.entity, one.counted, one.cells["date"], one.cells["sensor"], one.cells["metres"])
                for one in page
            ]
            offset += len(page)
        wanted = [row for row in expected if not only or ((row["metres"] or 0) > 3) is (only == "counted")]
        assert len({one[0] for one in seen}) == len(seen) == len(wanted)
        assert sorted(map(str, (one[2:] for one in seen))) == sorted(
            str((row["date"], row["sensor"], row["metres"])) for row in wanted
        )
        marks = [one[1] for one in seen]
        assert marks == sorted(marks, reverse=True)
        assert all(mark is ((metres or 0) > 3) for _, mark, _, _, metres in seen)


@pytest.mark.parametrize(
    "where",
    [
        "sensor in ('s1', 's2') and metres is not null",
        "not (sensor = 's1' or metres <= 2.5)",
        "metres between 1 and 2",
        "metres is null",
        "sensor not in ('s1')",
        "length(sensor) = 2 and metres * 2 > 4",
        "lower(sensor) like 's%' and metres > 1",
        "3 < metres",
    ],
)
def test_whatever_the_condition_the_trace_has_the_rows_that_went_in(city: City, where: str) -> None:
    levels(city, 600)
    city.indicator(
        "some",
        f'{{name: N, from: Level, where: "{where}", counted: "{where}", formula: "count(*)",'
        " per: year, time: date}",
    )
    (outcome,) = compute_all(city.broker)
    assert not outcome.problem
    for label in ("2023", "2024"):
        traced = trace(city.broker, value_id("town", "some", label))
        assert traced
        page = inputs(city.broker, traced, limit=1000)
        assert page.total == len(page.inputs) == traced.value.inputs > 0
        assert all(one.cells["date"].startswith(label) for one in page.inputs)


def test_times_belong_to_the_day_of_the_place(city: City) -> None:
    """23:30 on 31 December in UTC is the next year at UTC+8."""
    times = [
        "2023-12-31T15:59:59Z",
        "2023-12-31T16:00:00Z",
        "2023-12-31T23:30:00Z",
        "2024-12-31T15:59:59.900Z",
    ]
    city.bring("Call", [{"at": {"@type": "DateTime", "@value": time}} for time in times])
    city.indicator("calls", '{name: Calls, from: Call, formula: "count(*)", per: year, time: at}')
    (outcome,) = compute_all(city.broker)
    assert not outcome.problem
    expected = {"2023": times[:1], "2024": times[1:]}
    for label, wanted in expected.items():
        traced = trace(city.broker, value_id("town", "calls", label))
        assert traced
        assert traced.value.value == len(wanted)
        assert [one.cells["at"] for one in inputs(city.broker, traced).inputs] == wanted


def test_inputs_are_told_apart_by_run(city: City) -> None:
    first = city.bring("Fire", [{"year": 2020, "street": "a"}, {"year": 2020, "street": "b"}], feed="north")
    second = city.bring("Fire", [{"year": 2020, "street": "c"}], feed="south")
    (city.folder / "feeds" / "north.yaml").write_text(
        "title: {en: Fires of the north, id: Kebakaran utara}\nowner: Fire service\nlicence: open\n"
    )
    city.broker.create(
        {
            "id": "urn:ngsi-ld:Fire:live",
            "type": "Fire",
            "scope": "/prov/town",
            "year": {"type": "Property", "value": 2020},
        }
    )
    city.indicator("fires", '{name: Fires, from: Fire, formula: "count(*)", per: year, time: year}')
    compute_all(city.broker)
    traced = trace(city.broker, value_id("town", "fires", "2020"))
    assert traced
    assert [(share.id, share.inputs) for share in traced.runs] == [(first.id, 2), (second.id, 1)]
    assert traced.without_run == 1
    assert [(one.ref, one.title["en"], one.owner) for one in traced.sources] == [
        ("town/north", "Fires of the north", "Fire service"),
        ("town/south", "south", ""),
    ]
    assert inputs(city.broker, traced).total == 4


def test_a_changed_definition_is_said(city: City) -> None:
    levels(city, 60)
    city.indicator("high", LEVELS)
    compute_all(city.broker)
    id = value_id("town", "high", "2023")
    traced = trace(city.broker, id)
    assert traced
    assert not traced.outdated
    city.indicator("high", LEVELS.replace("3", "4"))
    traced = trace(city.broker, id)
    assert traced
    assert traced.outdated
    assert trace(city.broker, value_id("town", "high", "1999")) is None
    assert trace(city.broker, "urn:ngsi-ld:Level:feed-1") is None
