"""Contracts are read strictly: each fault is named with its place and what would be right."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mahakam.quality import odcs
from mahakam.quality.expression import FUNCTIONS, OPERATIONS
from mahakam.quality.load import load, parse_document
from mahakam.quality.odcs import ContractError
from mahakam.quality.rule import DIMENSIONS, RULES

ROOT = Path(__file__).parents[2]
BASE: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "x",
    "version": "1.0.0",
    "status": "active",
    "schema": [
        {
            "name": "Thing",
            "properties": [
                {"name": "date", "logicalType": "date"},
                {
                    "name": "pm10",
                    "logicalType": "integer",
                    "logicalTypeOptions": {"minimum": 0, "maximum": 500},
                },
                {"name": "name", "logicalType": "string"},
            ],
            "quality": [{"type": "custom", "engine": "mahakam", "implementation": "pm10 > 0"}],
        }
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The base contract with something set at a path such as ``schema.0.properties.1.name``."""
    document: Any = copy.deepcopy(BASE)
    at, *rest = path.split(".")
    place = document
    for part in rest:
        place = place[int(at)] if at.isdigit() else place.setdefault(at, {})
        at = part
    if at.isdigit():
        place[int(at)] = value
    else:
        place[at] = value
    return document


P = "schema.0.properties.1"
Q = "schema.0.quality.0"


@pytest.mark.parametrize(
    ("path", "value", "where", "said"),
    [
        ("colour", 1, "", "unknown field 'colour'"),
        ("status", "activ", "status", "did you mean 'active'"),
        ("kind", "Contract", "kind", "DataContract"),
        ("apiVersion", "v2.2.2", "apiVersion", "v3.x"),
        ("version", 1.0, "version", "put it in quotes"),
        (f"{P}.requird", True, "schema[0].properties[1]", "did you mean 'required'"),
        (f"{P}.minimum", 1, "schema[0].properties[1]", "belongs in logicalTypeOptions"),
        (f"{P}.required", "yes", "schema[0].properties[1].required", "must be true or false"),
        (f"{P}.logicalType", "integr", "schema[0].properties[1].logicalType", "did you mean 'integer'"),
        (
            f"{P}.logicalTypeOptions.maxLength",
            3,
            "schema[0].properties[1].logicalTypeOptions",
            "unknown option 'maxLength' of a integer",
        ),
        (
            f"{P}.logicalTypeOptions.minimum",
            501,
            "schema[0].properties[1].logicalTypeOptions",
            "no value can pass",
        ),
        (
            f"{P}.logicalTypeOptions.minimum",
            "low",
            "schema[0].properties[1].logicalTypeOptions.minimum",
            "must be a number",
        ),
        (
            f"{P}.logicalTypeOptions.multipleOf",
            0,
            "schema[0].properties[1].logicalTypeOptions.multipleOf",
            "above 0",
        ),
        (
            f"{P}.logicalTypeOptions.format",
            "i33",
            "schema[0].properties[1].logicalTypeOptions.format",
            "did you mean 'i32'",
        ),
        (
            "schema.0.properties.2.logicalTypeOptions.pattern",
            "[a",
            "schema[0].properties[2].logicalTypeOptions.pattern",
            "not closed",
        ),
        (
            "schema.0.properties.2.logicalTypeOptions.pattern",
            "(?=a)",
            "schema[0].properties[2].logicalTypeOptions.pattern",
            "lookaround",
        ),
        (
            "schema.0.properties.2.logicalTypeOptions.pattern",
            "a{2000}",
            "schema[0].properties[2].logicalTypeOptions.pattern",
            "1000",
        ),
        (
            "schema.0.properties.2.logicalTypeOptions.pattern",
            "*a",
            "schema[0].properties[2].logicalTypeOptions.pattern",
            "not a regular",
        ),
        (
            "schema.0.properties.2.logicalTypeOptions.format",
            "emial",
            "schema[0].properties[2].logicalTypeOptions.format",
            "'email'",
        ),
        (
            "schema.0.properties.0.logicalTypeOptions.minimum",
            "2025-02-30",
            "schema[0].properties[0].logicalTypeOptions.minimum",
            "date",
        ),
        (
            "schema.0.properties.0.logicalTypeOptions.format",
            "DD/MM/YYYY",
            "schema[0].properties[0].logicalTypeOptions.format",
            "DD",
        ),
        (f"{P}.name", "date", "schema[0].properties[1].name", "listed twice"),
        (
            f"{P}.relationships",
            [{"type": "foreignkey", "to": "a.b"}],
            "schema[0].properties[1].relationships[0].type",
            "foreignKey",
        ),
        (
            f"{P}.quality",
            [{"metric": "nullValue"}],
            "schema[0].properties[1].quality[0].metric",
            "did you mean 'nullValues'",
        ),
        (
            f"{P}.quality",
            [{"metric": "invalidValues", "validValues": [1]}],
            "schema[0].properties[1].quality[0]",
            "belongs in arguments",
        ),
        (
            f"{P}.quality",
            [{"metric": "invalidValues", "arguments": {"validValues": ["a"]}}],
            "schema[0].properties[1].quality[0].arguments.validValues[0]",
            "not a integer",
        ),
        (
            "schema.0.properties.2.quality",
            [{"metric": "invalidValues", "arguments": {"validValues": [True]}}],
            "schema[0].properties[2].quality[0].arguments.validValues[0]",
            "put it in quotes",
        ),
        (f"{Q}.severity", "fatal", "schema[0].quality[0].severity", "unknown severity"),
        (f"{Q}.dimension", "validity", "schema[0].quality[0].dimension", "unknown dimension"),
        (f"{Q}.engine", "soda", "schema[0].quality[0].engine", "must be mahakam"),
        (f"{Q}.implementation", "pm1 > 0", "schema[0].quality[0].implementation", "did you mean 'pm10'"),
        (
            f"{Q}.implementation",
            "greates(pm10, 1) > 0",
            "schema[0].quality[0].implementation",
            "did you mean greatest",
        ),
        (f"{Q}.implementation", "pm10 > 'a'", "schema[0].quality[0].implementation", "text where a number"),
        (f"{Q}.implementation", "pm10 + 1", "schema[0].quality[0].implementation", "true or false"),
        (
            f"{Q}.implementation",
            "(select 1) = 1",
            "schema[0].quality[0].implementation",
            "not part of the rule language",
        ),
        (
            f"{Q}.implementation",
            "pm10 > 0; drop table x",
            "schema[0].quality[0].implementation",
            "one expression",
        ),
        (f"{Q}.implementation", "pm10 >", "schema[0].quality[0].implementation", "not an expression"),
        (f"{Q}.implementation", "date > '2025-02-30'", "schema[0].quality[0].implementation", "not a date"),
        (f"{Q}.implementation", "inside_boundary(name)", "schema[0].quality[0].implementation", "geometry"),
        ("schema.0.properties", [], "schema[0].properties", "is missing"),
        ("schema", [], "schema", "is missing"),
        (
            "schema.0.customProperties",
            [{"property": "history", "value": "P2Y"}],
            "schema[0].customProperties",
            "history must be on or off, not 'P2Y'",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(path: str, value: Any, where: str, said: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_document(changed(path, value), "air.yaml")
    assert caught.value.where == where
    assert said in str(caught.value)
    assert str(caught.value).startswith("air.yaml")


def test_the_base_contract_is_fine() -> None:
    (contract,) = parse_document(BASE)
    assert [(r.name, r.field) for r in contract.rules] == [
        ("type", "date"),
        ("type", "pm10"),
        ("minimum", "pm10"),
        ("maximum", "pm10"),
        ("expression", "pm10"),
    ]


def test_yaml_that_cannot_be_read_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("a: [1,")
    with pytest.raises(ContractError, match=r"c\.yaml"):
        load(path)
    with pytest.raises(ContractError, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_the_standards_models_have_the_same_fields() -> None:
    from open_data_contract_standard import model

    for name, fields in odcs.SHAPES.items():
        known = {info.alias or key for key, info in getattr(model, name).model_fields.items()}
        assert set(fields) == known, name


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("contracts/*.yaml")), ids=lambda p: p.stem)
def test_the_demos_contracts_follow_the_standard_and_load(path: Path) -> None:
    from open_data_contract_standard.model import OpenDataContractStandard

    OpenDataContractStandard.from_file(str(path))
    assert load(path).rules


def test_every_rule_option_and_function_is_documented() -> None:
    text = (ROOT / "docs/contracts.md").read_text("utf-8")
    for word in (
        *RULES,
        *DIMENSIONS,
        *FUNCTIONS,
        "structure",
        "expression",
        "severity",
        "description",
        "businessImpact",
    ):
        assert f"`{word}`" in text or f"`{word}(" in text or f" {word}" in text, word
    assert set(FUNCTIONS) <= set(OPERATIONS)


def test_loading_a_contract_imports_nothing_heavy() -> None:
    script = (
        "import sys, mahakam.quality.load, mahakam.quality.book, mahakam.quality.checker;"
        "heavy = ('duckdb', 'ibis', 'pyarrow', 'shapely', 'pydantic', 'numpy', 'sqlglot');"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
