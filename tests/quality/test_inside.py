"""What stands inside lists and objects: members that must be there, types of members and items, items that repeat."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from mahakam.quality.checker import Checker
from mahakam.quality.columns import check_columns
from mahakam.quality.load import parse_document
from mahakam.quality.odcs import ContractError
from mahakam.quality.references import FixedReferences


def contract(prop: dict[str, Any]) -> Any:
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "x",
        "version": "1.0.0",
        "status": "active",
    }
    schema = [{"name": "Post", "properties": [{"name": "f", **prop}]}]
    return parse_document({**document, "schema": schema})[0]


ADDRESS = {
    "logicalType": "object",
    "properties": [
        {"name": "jalan", "logicalType": "string", "required": True},
        {"name": "rt", "logicalType": "integer"},
        {
            "name": "titik",
            "logicalType": "object",
            "properties": [{"name": "lat", "logicalType": "number", "required": True}],
        },
    ],
}
LISTED = {"logicalType": "object", "logicalTypeOptions": {"required": ["jalan", "rt"]}}
UNIQUE = {"logicalType": "array", "logicalTypeOptions": {"uniqueItems": True}}
NUMBERS = {"logicalType": "array", "items": {"logicalType": "integer"}}
OBJECTS = {"logicalType": "array", "items": ADDRESS}


@pytest.mark.parametrize(
    ("prop", "value", "passes"),
    [
        (ADDRESS, {"jalan": "Merdeka"}, True),
        (ADDRESS, {"jalan": "Merdeka", "rt": 3, "more": None}, True),
        (ADDRESS, {"rt": 3}, False),
        (ADDRESS, {"jalan": None}, False),
        (ADDRESS, {"jalan": 3}, False),
        (ADDRESS, {"jalan": "Merdeka", "rt": "3"}, False),
        (ADDRESS, {"jalan": "Merdeka", "titik": {}}, False),
        (ADDRESS, {"jalan": "Merdeka", "titik": {"lat": -0.5}}, True),
        (LISTED, {"jalan": 1, "rt": 2}, True),
        (LISTED, {"jalan": 1}, False),
        (UNIQUE, [1, 2, "1"], True),
        (UNIQUE, [1, 1.0], False),
        (UNIQUE, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
        (UNIQUE, [], True),
        (UNIQUE, [True, 1], True),
        (NUMBERS, [1, 2, 2], True),
        (NUMBERS, [1, "2"], False),
        (OBJECTS, [{"jalan": "A"}, {"jalan": "B"}], True),
        (OBJECTS, [{"jalan": "A"}, {}], False),
    ],
)
def test_files_and_live_writes_say_the_same(prop: dict[str, Any], value: Any, passes: bool) -> None:
    made = contract(prop)
    live = Checker(made, FixedReferences()).check({"f": value})
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT 1 AS _row, 1 AS _line, ? AS f", [json.dumps(value)])
    file = list(check_columns(connection, "t", ["f"], made, FixedReferences()).findings())
    assert [one.rule for one in live] == ([] if passes else ["inside"])
    assert [one.rule for one in file] == ([] if passes else ["inside"])


def test_what_would_be_right_is_said() -> None:
    (rule,) = [rule for rule in contract(ADDRESS).rules if rule.name == "inside"]
    assert (
        rule.expected
        == "a JSON object with jalan and with the types jalan: string, rt: integer, titik: object"
    )


@pytest.mark.parametrize(
    ("prop", "where"),
    [
        ({"logicalType": "array", "logicalTypeOptions": {"uniqueItems": "yes"}}, "uniqueItems"),
        ({"logicalType": "object", "logicalTypeOptions": {"required": "jalan"}}, "required"),
        ({"logicalType": "object", "properties": [{"logicalType": "string"}]}, r"properties\[0\]"),
        ({"logicalType": "array", "items": {"logicalType": "whole"}}, "items"),
    ],
)
def test_a_wrong_contract_is_refused_with_its_place(prop: dict[str, Any], where: str) -> None:
    with pytest.raises(ContractError, match=where):
        contract(prop)
