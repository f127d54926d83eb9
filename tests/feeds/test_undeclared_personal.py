"""Personal data in a column that the contract does not declare so is an error: held, and in no table."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.quality.undeclared import RULE, SHAPES
from support.portal import Portal, two_cities

NIKS = ["3171011708450001", "6472015708900002", "64.72.01 010101 0003"]
PHONES = ["0812-3456-7890", "+62 811 2222 3333", "6281233334444"]
PLATES = ["KT 1234 BM", "B 987 XY", "kt-4321-b"]
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
schema:
  - name: House
    properties:
      - {name: number, logicalType: string, required: true, primaryKey: true}
      - {name: village, logicalType: string}
      - {name: mark, logicalType: string%s}
"""
FEED = "title: Houses\nsource: {file: data/people.csv}\ncontract: people\nstore: %s\nowner: Dinas\n"
ENTITY = 'entity: {id: "urn:ngsi-ld:House:{number}"}\n'


def town(root: Path, marks: list[str], classification: str = "", store: str = "dataset") -> Path:
    places = two_cities(root / "places")
    folder = places / "prov/town"
    for room in ("contracts", "feeds", "data"):
        (folder / room).mkdir()
    said = f", classification: {classification}" if classification else ""
    (folder / "contracts/people.yaml").write_text(CONTRACT % said)
    (folder / "feeds/people.yaml").write_text(FEED % store + (ENTITY if store == "entities" else ""))
    rows = [f"{number},Loa Bakung,{mark}" for number, mark in enumerate(marks, 1)]
    (folder / "data/people.csv").write_text("number,village,mark\n" + "\n".join(rows) + "\n")
    return places


@pytest.mark.parametrize("store", ["dataset", "entities"])
@pytest.mark.parametrize("marks", [NIKS, PHONES, PLATES], ids=["nik", "phone", "plate"])
def test_it_is_held_and_in_no_table(tmp_path: Path, marks: list[str], store: str) -> None:
    with Portal(tmp_path / "data", town(tmp_path, [*marks, "Pos 4"], store=store)) as portal:
        run = run_feed(Parts.of(portal.node), "town", "people", author="a test")
        assert (run.stored, run.held) == (1, len(marks))
        held = portal.node.store.tenant().held("town", "people")
        reasons = [reason for one in held for reason in one.reasons]
        assert {reason["rule"] for reason in reasons} == {RULE}
        assert not any(mark in json.dumps(reasons) for mark in marks), "a reason tells nobody the value"
        shown = portal.browser().get("/catalogue/town/people.csv").text
        assert "Pos 4" in shown
        assert not any(mark in shown for mark in marks)


@pytest.mark.parametrize("classification", ["personal", "internal", "public"])
def test_what_is_declared_is_stored(tmp_path: Path, classification: str) -> None:
    with Portal(tmp_path / "data", town(tmp_path, NIKS, classification)) as portal:
        run = run_feed(Parts.of(portal.node), "town", "people", author="a test")
        assert (run.stored, run.held) == (len(NIKS), 0)
        shown = portal.browser().get("/catalogue/town/people.csv").text
        assert (NIKS[0] in shown) == (classification == "public")


@pytest.mark.parametrize(
    "marks",
    [
        ["Pos 4", "Pos 5", "A12", "B 7"],
        ["6472", "64.72.01", "20261127", "1234567890123456"],
        [*NIKS[:2], "x", "y", "z"],
        ["0812", "021-555123", "(0541) 123456", "112"],
        ["2026-11-27T08:30", "KT", "1234", "A1", "Z99"],
    ],
)
def test_other_columns_are_left_alone(tmp_path: Path, marks: list[str]) -> None:
    with Portal(tmp_path / "data", town(tmp_path, marks)) as portal:
        run = run_feed(Parts.of(portal.node), "town", "people", author="a test")
        assert run.held == 0


@pytest.mark.parametrize(
    ("kind", "text", "is_one"),
    [
        ("nik", "3171011708450001", True),
        ("nik", "3171015708450001", True),
        ("nik", "3171010008450001", False),
        ("nik", "3171017208450001", False),
        ("nik", "3171014008450001", False),
        ("nik", "3171011713450001", False),
        ("nik", "3171011708450000", False),
        ("nik", "0171011708450001", False),
        ("phone", "08123456789", True),
        ("phone", "0812345678", True),
        ("phone", "081234567", False),
        ("phone", "0541123456", False),
        ("plate", "KT1234", False),
        ("plate", "XX1234AB", False),
        ("plate", "KT12AB", False),
    ],
)
def test_shapes(kind: str, text: str, is_one: bool) -> None:
    asked = duckdb.execute("SELECT regexp_full_match(?, ?)", [text, SHAPES[kind]]).fetchall()
    assert asked == [(is_one,)]
