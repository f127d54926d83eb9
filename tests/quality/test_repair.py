"""Every kind of defect that has a repair: what is proposed, of which kind, and when nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from mahakam.cli import run
from mahakam.quality import lexical
from mahakam.quality.lexical import Kind
from mahakam.quality.load import parse_document
from mahakam.quality.references import FixedReferences
from mahakam.quality.repair import words
from mahakam.quality.repair.proposals import Proposer, Wrong
from mahakam.quality.repair.readings import mended_mojibake, readings

Found = list[tuple[str, str, str, bool]]


def proposals(prop: dict[str, Any], rule: str, *values: str, expected: str = "", **more: Any) -> Found:
    """(old, new, kind, sure) for values that a rule finds in one field."""
    schema = {"name": "T", "properties": [{"name": "f", **prop}], **more}
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1", "status": "active"}
    contract = parse_document({**head, "schema": [schema]})[0]
    references = FixedReferences({"codes.code": frozenset({"Samarinda Kota", "Samarinda Ulu", "Bontang"})})
    found = Proposer(contract, references).propose(rule, "f", [Wrong(v, 1, expected) for v in values])
    return [(one.old, one.new, one.kind, one.sure) for one in found]


NUMBER = {"logicalType": "number", "logicalTypeOptions": {"minimum": 0, "maximum": 100}}
DATE = {"logicalType": "date"}
CODES = {"logicalType": "string", "relationships": [{"type": "foreignKey", "to": "codes.code"}]}
ZIP = {"logicalType": "string", "logicalTypeOptions": {"pattern": "^[0-9]{5}$"}}


@pytest.mark.parametrize(
    ("prop", "rule", "old", "new", "kind", "sure"),
    [
        (NUMBER, "type", "3,25", "3.25", "decimalComma", True),
        ({"logicalType": "number"}, "type", "1.234,5", "1234.5", "decimalComma", True),
        ({"logicalType": "integer"}, "type", "12,345,678", "12345678", "thousands", True),
        ({"logicalType": "integer"}, "type", "1 234", "1234", "blanks", True),
        ({"logicalType": "integer"}, "type", "Rp 1.500.000", "1500000", "unit", True),
        (NUMBER, "type", "12.0 oz", "12.0", "unit", True),
        (NUMBER, "type", "0.09%", "0.09", "unit", True),
        (NUMBER, "type", "1O", "10", "letters", True),
        (NUMBER, "minimum", "-5", "5", "sign", False),
        (NUMBER, "type", "not measured", None, "", True),
        (DATE, "type", "17/08/1945", "1945-08-17", "dayFirst", True),
        (DATE, "type", "8/17/1945", "1945-08-17", "monthFirst", True),
        (DATE, "type", "3/4/2025", "2025-04-03", "dayFirst", False),
        (DATE, "type", "17 Agustus 1945", "1945-08-17", "dateFormat", True),
        (DATE, "type", "2025/3/4", "2025-03-04", "dateFormat", True),
        (DATE, "type", "45717", "2025-03-01", "serialDate", True),
        (DATE, "type", "31/02/2025", None, "", True),
        ({"logicalType": "boolean"}, "type", "Ya", "true", "words", True),
        (CODES, "foreignKey", "samarinda  kota", "Samarinda Kota", "case", True),
        (CODES, "foreignKey", "Bontong", "Bontang", "nearest", True),
        (CODES, "foreignKey", "Samarinda", None, "", True),
        (ZIP, "pattern", " 75123", "75123", "blanks", True),
        (ZIP, "pattern", "75123.0", "75123", "decimals", True),
        (ZIP, "pattern", "5123", "05123", "zeros", True),
        (ZIP, "pattern", "7512E", None, "", True),
    ],
)
def test_a_value_and_its_repair(
    prop: dict[str, Any], rule: str, old: str, new: str | None, kind: str, sure: bool
) -> None:
    assert proposals(prop, rule, old) == ([(old, new, kind, sure)] if new else [])


def test_one_date_of_a_column_says_how_the_others_are_read() -> None:
    found = proposals(DATE, "type", "3/4/2025", "4/17/2025")
    assert [new for _, new, *_ in found] == ["2025-03-04", "2025-04-17"]
    assert {kind for *_, kind, _ in found} == {"monthFirst"}
    found = proposals(DATE, "type", "3/4/2025", "17/4/2025")
    assert [new for _, new, *_ in found] == ["2025-04-03", "2025-04-17"]


def test_a_comma_before_three_digits_is_a_thousand_where_it_always_is() -> None:
    assert proposals({"logicalType": "number"}, "type", "9,600")[0][3] is False
    found = proposals({"logicalType": "number"}, "type", "9,600", "1,200,000")
    assert [(new, kind) for _, new, kind, _ in found] == [("9600", "thousands"), ("1200000", "thousands")]
    found = proposals({"logicalType": "number"}, "type", "9,600", "1,25")
    assert [(new, kind) for _, new, kind, _ in found] == [("9.600", "decimalComma"), ("1.25", "decimalComma")]


def test_a_lost_decimal_mark_where_one_place_alone_fits() -> None:
    longitude = {"logicalType": "number", "logicalTypeOptions": {"minimum": 117.0, "maximum": 117.4}}
    assert proposals(longitude, "maximum", "11717706") == [("11717706", "117.17706", "scale", False)]


def test_the_usual_value_of_the_other_rows() -> None:
    text = {"logicalType": "string"}
    assert proposals(text, "determined", "B", expected="A, as in 3 rows with the same code") == [
        ("B", "A", "usual", True)
    ]
    assert (
        proposals(text, "determined", "B", expected="one value for each code; there are A (1), B (1)") == []
    )
    assert proposals(text, "spelling", "samarinda", expected="Samarinda") == [
        ("samarinda", "Samarinda", "case", True)
    ]


@given(st.text(st.characters(min_codepoint=0xA1, max_codepoint=0x24F), min_size=1, max_size=8))
def test_text_read_in_a_wrong_encoding_is_mended(text: str) -> None:
    broken = text.encode().decode("latin-1")
    assert mended_mojibake(broken) in (text, mended_mojibake(text))


def test_real_mojibake() -> None:
    assert mended_mojibake("KafÃ© â€“ Jalan") == "Kafé – Jalan"
    assert mended_mojibake("Café") == "Café"
    rule = {"type": "custom", "engine": "mahakam", "implementation": {"rule": "mojibake", "field": "f"}}
    found = proposals({"logicalType": "string"}, "mojibake", "KafÃ©", quality=[rule])
    assert found == [("KafÃ©", "Kafé", "mojibake", True)]


@given(
    text=st.text(max_size=20),
    kind=st.sampled_from(
        [Kind("integer"), Kind("number"), Kind("date"), Kind("timestamp"), Kind("boolean"), Kind("string")]
    ),
)
def test_any_text_may_be_asked_and_every_kind_has_its_words(text: str, kind: Kind) -> None:
    for name, new in readings(text, kind):
        assert name in words.KINDS
        assert new != text or kind.logical != "string"
        if kind.logical in ("date", "boolean") and name != "blanks":
            assert lexical.text_reader(kind)(new) is not lexical.INVALID
    assert all(set(said) == {"en", "id"} for said in words.KINDS.values())


CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: Thing
    properties:
      - {name: id, logicalType: string, primaryKey: true}
      - {name: rate, logicalType: number}
      - {name: longitude, logicalType: number}
      - {name: latitude, logicalType: number}
    quality:
      - {type: custom, engine: mahakam, implementation: "inside_boundary(longitude, latitude)"}
"""


def test_the_report_says_what_could_be_repaired(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "town"
    (place / "contracts").mkdir(parents=True)
    (place / "city.yaml").write_text(
        "name: {en: T, id: T}\ncountry: ID\ntimezone: Asia/Makassar\nboundary: b.geojson\n"
    )
    (place / "b.geojson").write_text(json.dumps(box(117, -1, 118, 0).__geo_interface__))
    contract = place / "contracts/thing.yaml"
    contract.write_text(CONTRACT)
    data = tmp_path / "data.csv"
    data.write_text(
        'id,rate,longitude,latitude\na,"1,5",117.1,-0.5\nb,2.5,-0.5,117.2\nc,x,117.1,-0.5\n'
        "d,1,117.3,-0.4\nd,1,117.3,-0.4\ne,1,10,10\n"
    )
    assert run(["check", str(data), "-c", str(contract), "--json"]) == 1
    report = json.loads(capfd.readouterr().out)
    found = {(group["rule"], r["kind"]): (r["old"], r["new"], r["rows"]) for group in report["summary"]
             for r in group.get("repairs", [])}  # fmt: skip
    assert found == {
        ("type", "decimalComma"): ("1,5", "1.5", 1),
        ("primaryKey", "duplicate"): ("", "", 1),
        ("insideBoundary", "swapped"): ("-0.5, 117.2", "117.2, -0.5", 1),
    }
    assert run(["check", str(data), "-c", str(contract)]) == 1
    said = capfd.readouterr().out
    assert "repair: decimal comma (1 rows): “1,5” → “1.5”" in said
    assert "repair: longitude and latitude swapped (1 rows): “-0.5, 117.2” → “117.2, -0.5”" in said
    assert run(["check", str(data), "-c", str(contract), "--html", "-", "--lang", "id"]) == 1
    assert "perbaikan: koma desimal" in capfd.readouterr().out
