"""The book of contracts: a place's own, then its parents'; with code lists, boundary and clock."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from mahakam.config import load_places
from mahakam.quality.book import Book
from mahakam.quality.odcs import ContractError

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: {id}
version: 1.0.0
status: {status}
schema:
  - name: {type}
    properties:
      - {{name: code, logicalType: string, relationships: [{{type: foreignKey, to: {target}}}]}}
      - {{name: date, logicalType: date}}
      - {{name: location, logicalType: object, physicalType: geometry}}
    quality:
      - {{type: custom, engine: mahakam, implementation: not_in_future(date)}}
      - {{type: custom, engine: mahakam, implementation: inside_boundary(location)}}
"""
NOW = datetime(2025, 2, 28, 17, 0)


def contract(**words: str) -> str:
    return CONTRACT.format(
        **{"id": "x", "status": "active", "type": "Thing", "target": "districts.code", **words}
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    province, city = tmp_path / "kaltim", tmp_path / "kaltim/samarinda"
    for place, room in ((province, "contracts"), (province, "codes"), (city, "contracts"), (city, "data")):
        (place / room).mkdir(parents=True, exist_ok=True)
    (province / "province.yaml").write_text("name: Kaltim\ntimezone: Asia/Makassar\n")
    (city / "city.yaml").write_text(
        "name: Samarinda\nparent: kaltim\ntimezone: Asia/Makassar\nboundary: data/b.geojson\n"
    )
    ring = [[117, -1], [118, -1], [118, 0], [117, 0], [117, -1]]
    (city / "data/b.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    (province / "codes/districts.csv").write_text("code,name\n64.72,Samarinda\n64.74,Bontang\n", "utf-8")
    (province / "contracts/thing.yaml").write_text(contract())
    return tmp_path


def book(folder: Path, **more: object) -> Book:
    return Book(load_places([folder]), clock=lambda: NOW, **more)  # type: ignore[arg-type]


def test_a_parents_contract_holds_with_the_places_own_boundary_and_clock(folder: Path) -> None:
    checker = book(folder).checker_for("samarinda", "Thing")
    assert checker is not None
    inside = {"type": "Point", "coordinates": [117.15, -0.5]}
    assert checker.check({"code": "64.72", "date": "2025-03-01", "location": inside}) == []
    swapped = {"type": "Point", "coordinates": [-0.5, 17.15]}
    found = checker.check({"code": "64.99", "date": "2025-03-02", "location": swapped})
    assert [(f.field, f.rule) for f in found] == [
        ("code", "foreignKey"),
        ("date", "notInFuture"),
        ("location", "insideBoundary"),
    ]
    assert book(folder).references("samarinda").today() == date(2025, 3, 1)


def test_the_own_contract_comes_before_the_parents(folder: Path) -> None:
    (folder / "kaltim/samarinda/contracts/thing.yaml").write_text(contract(id="own"))
    made = book(folder)
    assert made.contract("samarinda", "thing").id == "own"
    assert made.contract("kaltim", "thing").id == "x"
    assert [c.id for c in made.contracts("samarinda")] == ["own"]


def test_a_type_without_a_contract_has_no_checker(folder: Path) -> None:
    made = book(folder)
    assert made.checker_for("samarinda", ["Other"]) is None
    assert made.checker_for(None, "Thing") is None
    assert made.places_with("Thing") == ["kaltim", "samarinda"]
    assert made.places_with("Other") == []


def test_what_a_rule_refers_to_must_be_there(folder: Path) -> None:
    with pytest.raises(ContractError, match="boundary"):
        book(folder).checker_for("kaltim", "Thing")
    (folder / "kaltim/contracts/thing.yaml").write_text(contract(target="district.code"))
    with pytest.raises(ContractError, match=r"codes/district\.csv"):
        book(folder).checker_for("samarinda", "Thing")
    (folder / "kaltim/contracts/thing.yaml").write_text(contract(target="districts.kode"))
    with pytest.raises(ContractError, match="did you mean 'code'"):
        book(folder).checker_for("samarinda", "Thing")


def test_a_foreign_key_to_an_entity_type_asks_the_broker(folder: Path) -> None:
    (folder / "kaltim/contracts/thing.yaml").write_text(contract(target="District.code"))
    asked = []

    def has(kind: str, attribute: str, value: str) -> bool:
        asked.append((kind, attribute, value))
        return value == "64.72"

    checker = book(folder, entity_has=has).checker_for("samarinda", "Thing")
    assert checker is not None
    assert checker.check({"code": "64.72"}) == []
    assert [f.rule for f in checker.check({"code": "1"})] == ["foreignKey"]
    assert ("District", "code", "1") in asked


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point"},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]},
        {"type": "Point", "coordinates": [-0.5, 117.15]},
        "POINT (117 0)",
    ],
)
def test_a_geometry_that_cannot_be_drawn_is_a_finding(folder: Path, geometry: object) -> None:
    checker = book(folder).checker_for("samarinda", "Thing")
    assert checker is not None
    assert [f.rule for f in checker.check({"location": geometry})] == ["type"]
