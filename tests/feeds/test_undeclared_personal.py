"""Personal data in a column that the contract does not declare so is an error: held, and in no table."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mahakam.cli import run as command
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.ngsild.problem import Problem
from mahakam.quality import note_words
from mahakam.quality.load import parse_document
from mahakam.quality.undeclared import RULE, SHAPES, Watch
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


@given(
    st.text("0123456789 .-+KTBbm", max_size=26)
    | st.from_regex(re.compile(r"\A\s?[ABKLZabz]{1,2} ?\d{3,4}[- ][A-Za-z]{1,3}\Z", re.ASCII))
)
@example("64 72.01-120385 0003")
@example("+62-812-3456-7890")
@example("\t0812 3456 789 ")
@example("6281233334444")
@example(". k-t-1234 .b m")
def test_what_is_written_one_by_one_is_judged_as_a_column_is(text: str) -> None:
    plain = re.sub(r"[\s.-]", "", text.upper(), flags=re.ASCII)
    shaped = [kind for kind, shape in SHAPES.items() if re.fullmatch(shape, plain, re.ASCII)]
    contract = parse_document(yaml.safe_load(CONTRACT % ""))[0]
    values: list[str | int] = [text]
    if text.isdecimal() and str(int(text)) == text:
        values.append(int(text))
    for value in values:
        watch = Watch(contract)
        found = [len(watch.findings({"mark": value})) for _ in range(3)]
        is_short = 5 <= len(text) <= 24
        assert found[-1] == (1 if shaped and is_short else 0)
        assert found[0] == (1 if shaped == ["nik"] and is_short else 0)


def _checked(words: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capfd.readouterr()
    code = command(["check", *words, "--json"])
    return code, json.loads(capfd.readouterr().out)


@pytest.mark.parametrize("quote", ["", '"'], ids=["plain", "quoted"])
@pytest.mark.parametrize("marks", [NIKS, PHONES, PLATES], ids=["nik", "phone", "plate"])
def test_check_finds_it_too(
    tmp_path: Path, marks: list[str], quote: str, capfd: pytest.CaptureFixture[str]
) -> None:
    place = town(tmp_path, [f"{quote}{mark}{quote}" for mark in [*marks, "Pos 4"]]) / "prov/town"
    words = [str(place / "data/people.csv"), "-c", str(place / "contracts/people.yaml")]
    code, out = _checked(words, capfd)
    assert code == 1
    assert [(one["row"], one["rule"], one["field"]) for one in out["failures"]] == [
        (row, RULE, "mark") for row in (1, 2, 3)
    ]
    assert not any(mark in json.dumps(out) for mark in marks)
    (place / "contracts/people.yaml").write_text(CONTRACT % ", classification: personal")
    assert _checked(words, capfd)[0] == 0


def test_an_inferred_contract_declares_what_it_suspects(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = town(tmp_path, NIKS) / "prov/town/data/people.csv"
    code, out = _checked([str(path)], capfd)
    assert code == 0
    (note,) = [note for note in out["notes"] if "personal" in note]
    assert note == "column 'mark' seems to hold personal data (nik): declare it with classification"
    assert note_words.said(note, "id") != note
    capfd.readouterr()
    command(["contract", "infer", str(path)])
    made = yaml.safe_load(capfd.readouterr().out)["schema"][0]["properties"]
    assert [one.get("classification") for one in made] == [None, None, "personal"]


def _house(number: int, mark: str | int) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:House:{number}",
        "type": "House",
        "scope": "/prov/town",
        "number": {"type": "Property", "value": str(number)},
        "mark": {"type": "Property", "value": mark},
    }


def test_check_finds_it_in_a_column_that_begins_late(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The first rows tell nothing of a column that is empty in them."""
    places = town(tmp_path, [""] * 5_000 + NIKS)
    folder = places / "prov/town"
    words = [str(folder / "data/people.csv"), "-c", str(folder / "contracts/people.yaml")]
    code, out = _checked(words, capfd)
    assert code == 1
    assert [(one["row"], one["field"], one["rule"]) for one in out["failures"]] == [
        (row, "mark", RULE) for row in (5_001, 5_002, 5_003)
    ]


@pytest.mark.parametrize(
    ("marks", "refused"),
    [
        (NIKS, [True, True, True]),
        (PHONES, [False, False, True]),
        (PLATES, [False, False, True]),
        (["Pos 1", "Pos 2", NIKS[0]], [False, False, False]),
        (["1234567890123456", "64.72.01", "KT"], [False, False, False]),
    ],
    ids=["nik", "phone", "plate", "chance", "other"],
)
def test_a_live_write_is_refused(tmp_path: Path, marks: list[str], refused: list[bool]) -> None:
    with Portal(tmp_path / "data", town(tmp_path, [])) as portal:
        for number, (mark, stops) in enumerate(zip(marks, refused, strict=True), 1):
            if not stops:
                portal.node.broker.create(_house(number, mark))
                continue
            with pytest.raises(Problem) as caught:
                portal.node.broker.create(_house(number, mark))
            details = caught.value.details()
            assert details["reasons"][0]["rule"] == RULE
            assert mark not in json.dumps(details)


def test_a_live_write_of_what_is_declared_is_stored(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", town(tmp_path, [], "personal")) as portal:
        portal.node.broker.create(_house(1, NIKS[0]))
        assert portal.node.broker.get("urn:ngsi-ld:House:1") is not None
