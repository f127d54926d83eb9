"""Rules that look at rows beside each other, at the file as a whole, and at a row beside a list of districts."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from shapely.geometry import box

from mahakam.quality import across, wording
from mahakam.quality.across import AcrossError, duration, seconds
from mahakam.quality.book import PlaceReferences, read_districts
from mahakam.quality.columns import check_columns
from mahakam.quality.finding import Finding
from mahakam.quality.geometry import Districts
from mahakam.quality.load import parse_document
from mahakam.quality.odcs import ContractError
from mahakam.quality.references import FixedReferences, Last
from mahakam.quality.units import spellings

TYPES = {"time": "timestamp", "day": "date", "value": "number", "x": "number", "y": "number"}


def document(rule: dict[str, Any], fields: list[str], **more: Any) -> dict[str, Any]:
    quality = {"type": "custom", "engine": "mahakam", "implementation": rule, **more}
    properties = [{"name": name, "logicalType": TYPES.get(name, "string")} for name in fields]
    schema = {"name": "Thing", "properties": properties, "quality": [quality]}
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1", "status": "active"}
    return {**head, "schema": [schema]}


def failing(
    rule: dict[str, Any], table: dict[str, list[Any]], references: Any = None, **more: Any
) -> list[Finding]:
    """The findings of one rule on a table of text columns."""
    contract = parse_document(document(rule, list(table), **more))[0]
    with duckdb.connect() as connection:
        rows = pa.array(range(1, len(next(iter(table.values()))) + 1), pa.int64())
        texts = {n: pa.array([None if v is None else str(v) for v in vs]) for n, vs in table.items()}
        connection.register("source", pa.table({"_row": rows, "_line": rows, **texts}))
        check = check_columns(connection, "source", list(table), contract, references or FixedReferences())
        found = list(check.findings())
        listed = [f for f in found if f.row]
        assert sum(check.counts.values()) == len(listed)
        for one in contract.rules:
            if check.counts.get(one.number):
                assert len(check.examples(100)[one.number]) == len([f for f in listed if f.rule == one.name])
                assert check.common(one)[0][1] >= 1
        check.close()
        return found


def rows(found: list[Finding]) -> list[int]:
    return [f.row for f in found]


HOURS = [f"2025-02-01T{h:02d}:00:00" for h in range(24)]


def test_determined_names_the_one_that_differs_and_what_the_others_say() -> None:
    table = {"code": ["1", "1", "1", "1", "2", "2", None], "name": ["A", "A", "B", "A", "C", "D", "E"]}
    found = failing({"rule": "determined", "field": "name", "by": "code"}, table)
    assert [(f.row, f.value, f.expected) for f in found] == [
        (3, "B", "A, as in 3 rows with the same code"),
        (5, "C", "one value for each code; there are C (1), D (1)"),
        (6, "D", "one value for each code; there are C (1), D (1)"),
    ]
    assert rows(failing({"rule": "determined", "field": "name", "by": "code", "majority": True}, table)) == [
        3
    ]
    assert wording.expected(found[0].expected, "id") == "A, seperti pada 3 baris dengan code yang sama"


def test_determined_by_two_fields_and_an_empty_cell() -> None:
    table = {"a": list("xxxxyy"), "b": list("111122"), "c": ["k", "k", "", "k", "m", "m"]}
    assert rows(failing({"rule": "determined", "field": "c", "by": ["a", "b"]}, table)) == [3]


def test_spelling() -> None:
    table = {"town": ["Samarinda"] * 20 + ["Samarnida", "SAMARINDA", "Sangatta", "Bontang"]}
    found = failing({"rule": "spelling", "field": "town"}, table)
    assert [(f.row, f.expected) for f in found] == [(21, "Samarinda"), (22, "Samarinda")]


def test_monotone_runs_by_the_order_and_not_by_the_rows() -> None:
    table = {
        "meter": ["a", "b", "a", "a", "b"],
        "time": [HOURS[i] for i in (2, 0, 0, 1, 1)],
        "value": [9, 5, 3, 10, 5],
    }
    rule = {"rule": "monotone", "field": "value", "order": "time", "per": "meter"}
    found = failing(rule, table)
    assert [(f.row, f.value, f.expected) for f in found] == [(1, "9", "at least 10.0, as before")]
    assert rows(failing({**rule, "falling": True}, table)) == [4]


def test_gap() -> None:
    table = {"day": ["2025-01-01", "2025-01-02", "2025-01-05", "x", "2025-01-06"]}
    found = failing({"rule": "gap", "field": "day", "most": "1 day"}, table)
    assert [(f.row, f.rule, f.expected) for f in found if f.rule == "gap"] == [
        (3, "gap", "not more than 1 day after 2025-01-02, the one before")
    ]
    hours = {"station": ["a", "b", "a", "b"], "time": [HOURS[0], HOURS[0], HOURS[1], HOURS[3]]}
    assert rows(failing({"rule": "gap", "field": "time", "per": "station", "most": "90 minutes"}, hours)) == [
        4
    ]


def test_a_frozen_sensor() -> None:
    values = [1, 2, 2, 2, 3, 2, 2, None, 2]
    table = {"time": HOURS[:9], "value": values}
    rule = {"rule": "frozen", "field": "value", "order": "time", "rows": 3}
    assert rows(failing(rule, table)) == [2, 3, 4, 6, 7, 9]
    assert rows(failing({**rule, "rows": 4}, table)) == []


def test_a_robust_outlier_of_each_series() -> None:
    table = {
        "station": ["a"] * 10 + ["b"] * 10,
        "value": [10 + i % 3 for i in range(9)] + [60] + [60 + i % 3 for i in range(9)] + [12],
    }
    assert rows(failing({"rule": "outlier", "field": "value", "per": "station"}, table)) == [10, 20]
    assert rows(failing({"rule": "outlier", "field": "value"}, table)) == []
    assert rows(failing({"rule": "outlier", "field": "value"}, {"value": [5] * 12 + [6]})) == []


def test_the_total_is_the_sum() -> None:
    table = {
        "region": ["N", "S", "ALL", "N", "S", "ALL"],
        "year": list("111222"),
        "value": [1, 2, 3, 4, 5, 10],
    }
    rule = {"rule": "total", "field": "value", "in": "region", "is": "ALL", "per": "year"}
    found = failing(rule, table)
    assert [(f.row, f.value, f.expected) for f in found] == [(6, "10", "9, the sum of the other rows")]
    assert failing({**rule, "within": 1}, table) == []


def test_similar_names_near_each_other() -> None:
    table = {
        "name": ["Puskesmas Air Putih", "PUSKESMAS  Air Puttih", "Puskesmas Air Putih", "Puskesmas Baqa"],
        "x": [117.10, 117.1001, 117.20, 117.10],
        "y": [-0.5, -0.5, -0.5, -0.5],
    }
    rule = {"rule": "similar", "field": "name", "near": ["x", "y"], "metres": 50}
    assert [(f.row, f.expected) for f in failing(rule, table)] == [
        (1, "a name of its own; row 2 has nearly the same"),
        (2, "a name of its own; row 1 has nearly the same"),
    ]
    assert rows(failing({"rule": "similar", "field": "name"}, table)) == [1, 2, 3]
    assert rows(failing({"rule": "similar", "field": "name", "likeness": 100}, table)) == [1, 3]


def test_two_places_on_either_side_of_a_cell_are_near() -> None:
    metres = 111_320.0
    for step in range(40):
        at = -0.5 + step * 13 / metres
        table = {"name": ["Pasar Pagi", "Pasar Pagi"], "x": [117.1, 117.1], "y": [at, at + 90 / metres]}
        rule = {"rule": "similar", "field": "name", "near": ["x", "y"], "metres": 100}
        assert rows(failing(rule, table)) == [1, 2]
        assert rows(failing({**rule, "metres": 80}, table)) == []


def test_fresh() -> None:
    at = FixedReferences(zone="Asia/Makassar", moment=datetime(2025, 2, 28, 17, 30))  # 1 March there
    rule = {"rule": "fresh", "field": "day", "most": "1 day"}
    assert failing(rule, {"day": ["2025-01-01", "2025-02-28"]}, at) == []
    found = failing(rule, {"day": ["2025-01-01", "2025-02-26"]}, at)
    assert [(f.row, f.value, f.expected) for f in found] == [
        (0, "2025-02-26", "a newest value not older than 1 day")
    ]
    hour = {"rule": "fresh", "field": "time", "most": "1 hour"}
    assert failing(hour, {"time": ["2025-02-28T17:00:00Z"]}, at) == []
    assert rows(failing(hour, {"time": ["2025-02-28T16:00:00Z"]}, at)) == [0]


def test_beside_the_last_file() -> None:
    last = FixedReferences(last=Last(10, ("name", "value")))
    rule = {"rule": "rowsSinceLast", "most": 20}
    assert failing(rule, {"name": ["a"] * 8, "value": [1] * 8}, last) == []
    found = failing(rule, {"name": ["a"] * 7, "value": [1] * 7}, last)
    assert [(f.row, f.value, f.expected) for f in found] == [(0, 7, "within 20 % of the last file's 10 rows")]
    assert failing(rule, {"name": ["a"]}) == []
    assert failing({"rule": "sameColumns"}, {"value": [1], "name": ["a"]}, last) == []
    found = failing({"rule": "sameColumns"}, {"name": ["a"], "nilai": ["1"]}, last)
    assert [(f.row, f.value) for f in found] == [(0, "+ nilai, - value")]


def test_units_are_compared_by_what_they_mean() -> None:
    rule = {"rule": "unit", "field": "u", "is": "µg/m3"}
    assert rows(failing(rule, {"u": ["ug/m³", "GQ", "mg/m3", "", "μg/m3"]})) == [3]
    assert spellings("furlong") >= {"furlong"}


def test_a_point_in_its_district(tmp_path: Path) -> None:
    areas = {"districts.code": Districts({"A": box(0, 0, 1, 1), "B": box(1, 0, 2, 1)})}
    rule = {"rule": "inDistrict", "field": "d", "near": ["x", "y"], "of": "districts.code"}
    table = {"d": ["A", "A", "B", "C", None, "B"], "x": [0.5, 1.5, 1.5, 9, 9, None], "y": [0.5] * 6}
    found = failing(rule, table, FixedReferences(areas=areas))
    assert [(f.row, f.rule, f.value) for f in found] == [(2, "inDistrict", "A")]
    with pytest.raises(ContractError, match=r"inDistrict asks for 'districts\.code'"):
        failing(rule, table)
    path = tmp_path / "districts.geojson"
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    feature = {"type": "Feature", "properties": {"code": "A"}, "geometry": square}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert read_districts(path, "code").has_point("A", 0.5, 0.5) is True
    assert read_districts(path, "code").has_point("B", 0.5, 0.5) is None
    with pytest.raises(ContractError, match="without 'kode'"):
        read_districts(path, "kode")
    assert PlaceReferences(None, []).last is None


def test_severity_dimension_and_words_are_the_contracts() -> None:
    rule = {"rule": "gap", "field": "day", "most": "1 day"}
    contract = parse_document(document(rule, ["day"], severity="warning", description="A day is missing."))[0]
    found = contract.rules[-1]
    assert (found.severity, found.dimension, found.message) == (
        "warning",
        "completeness",
        "A day is missing.",
    )


@pytest.mark.parametrize("name", across.FORMS)
def test_every_rule_says_what_and_why_in_both_languages(name: str) -> None:
    for say in (wording.title, wording.advice):
        assert say(name, "en") != say(name, "id")
    dimension = across.FORMS[name].dimension
    assert wording.why(dimension, "en") != wording.why(dimension, "id") != ""


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rule": "gab", "field": "day"}, "did you mean 'gap'"),
        ({"rule": "gap", "field": "dai", "most": "1 day"}, "did you mean 'day'"),
        ({"rule": "gap", "field": "day"}, "gap needs most"),
        ({"rule": "gap", "field": "day", "most": "soon"}, "write a number and a unit"),
        ({"rule": "gap", "field": "name", "most": "1 day"}, "goes with date or timestamp"),
        ({"rule": "gap", "field": "day", "most": "1 day", "pre": "name"}, "did you mean 'per'"),
        ({"rule": "frozen", "field": "name", "order": "day", "rows": 1}, "a whole number from 2"),
        ({"rule": "determined", "field": "name", "by": "name"}, "cannot be beside itself"),
        ({"rule": "similar", "field": "name", "near": "day"}, "two numbers"),
        ({"rule": "determined", "by": "name"}, "must name a field"),
        ({"rule": "rowsSinceLast", "most": "many"}, "must be a number"),
    ],
)
def test_a_rule_that_cannot_be_used_says_where_and_why(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ContractError, match=r"schema\[0\]\.quality\[0\]\.implementation") as caught:
        parse_document(document(rule, ["name", "day"]))
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["1 day", "15 minutes", "2 weeks", "90 seconds", "1.5 hours"])
def test_durations(text: str) -> None:
    assert seconds(duration(seconds(text))) == seconds(text)
    with pytest.raises(AcrossError):
        seconds(text.split(" ", maxsplit=1)[0])


def sql(query: str, table: dict[str, list[Any]], **more: Any) -> list[Finding]:
    """The findings of an ODCS rule of type sql."""
    properties = [{"name": name, "logicalType": TYPES.get(name, "string")} for name in table]
    quality = {"type": "sql", "query": query, **({"mustBe": 0} | more)}
    schema = {"name": "Thing", "properties": properties, "quality": [quality]}
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1", "status": "active"}
    contract = parse_document({**head, "schema": [schema]})[0]
    with duckdb.connect() as connection:
        numbers = pa.array(range(1, len(next(iter(table.values()))) + 1), pa.int64())
        texts = {n: pa.array([None if v is None else str(v) for v in vs]) for n, vs in table.items()}
        connection.register("source", pa.table({"_row": numbers, "_line": numbers, **texts}))
        return list(check_columns(connection, "source", list(table), contract, FixedReferences()).findings())


def test_a_query_is_asked_over_typed_values() -> None:
    table = {"name": ["a", "b", "b"], "value": [9, 10, 11]}
    assert sql("SELECT count(*) FROM ${object} WHERE value < 9", table) == []
    found = sql("SELECT count(*) FROM ${object} WHERE value > 9", table)
    assert [(f.row, f.rule, f.value, f.expected) for f in found] == [
        (0, "sql", 2, "0 as the answer of the query")
    ]
    per = "WITH per AS (SELECT name, count(*) AS n FROM Thing GROUP BY name) SELECT max(n) FROM per"
    assert sql(per, table, mustBe=2) == []
    assert sql("SELECT avg(value) FROM {table}", table, mustBe=None, mustBeBetween=[9.5, 10.5]) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT count(*) FROM 'secret.csv'", "it may read Thing alone"),
        ("SELECT count(*) FROM read_csv('secret.csv')", "it may read Thing alone"),
        ("SELECT count(*) FROM information_schema.tables", "it may read Thing alone"),
        ("SELECT count(*) FROM source", "it may read Thing alone"),
        ("SELECT nothing FROM Thing", "can be run"),
        ("SELECT * FROM Thing", "one number"),
        ("SELECT max(name) FROM Thing", "one number"),
        ("SELECT (((", "can be run"),
    ],
)
def test_a_query_that_asks_for_more_is_a_finding(query: str, said: str) -> None:
    found = sql(query, {"name": ["a", "b"], "value": [1, 2]})
    assert [(f.row, f.rule) for f in found] == [(0, "sql")]
    assert said in found[0].expected


@pytest.mark.parametrize("query", ["", "DELETE FROM Thing", "SELECT 1; SELECT 2"])
def test_only_one_select_is_a_query(query: str) -> None:
    with pytest.raises(ContractError, match=r"quality\[0\]\.query: must be one SELECT"):
        sql(query, {"name": ["a"]})
