"""What users of great_expectations, pandera, frictionless, pointblank and csvlint complain of: none of it here."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from mahakam.cli import run

HEAD = """apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: Thing
    properties:
"""
CONTRACT = (
    HEAD
    + """      - {name: id, logicalType: integer, primaryKey: true}
      - {name: name, logicalType: string, required: true}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 100}}
      - {name: day, logicalType: date}
"""
)
GOOD = "id,name,amount,day\n" + "".join(
    f"{n},n{n},{n % 100},2025-01-{n % 28 + 1:02d}\n" for n in range(1, 201)
)


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    path = tmp_path / "contract.yaml"
    path.write_text(CONTRACT)
    return path


def check(
    tmp_path: Path, contract: Path, data: str | bytes, capfd: pytest.CaptureFixture[str], *options: str
) -> dict[str, Any]:
    path = tmp_path / "data.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    run(["check", str(path), "-c", str(contract), "--json", *options])
    report: dict[str, Any] = json.loads(capfd.readouterr().out)
    return report


def test_every_failing_row_is_named_with_its_number_value_rule_and_what_would_be_right(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = GOOD.replace("\n7,n7,7,", "\n7,,700,").replace("\n9,n9,9,2025-01-10", "\n9,n9,9,10/01/2025")
    report = check(tmp_path, contract, data, capfd)
    found = [(f["row"], f["field"], f["rule"], f["value"], f["expected"]) for f in report["failures"]]
    assert found == [
        (7, "name", "required", None, "a value"),
        (7, "amount", "maximum", "700", "0 to 100"),
        (9, "day", "type", "10/01/2025", "a date as yyyy-mm-dd"),
    ]


def test_a_cap_is_said_and_what_lies_beyond_it_is_counted(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = GOOD.replace(",2025-", ",x2025-")
    report = check(tmp_path, contract, data, capfd, "--limit", "5")
    assert (report["listed"], len(report["failures"])) == (5, 5)
    assert (report["findings"], report["failed_rows"]) == (200, 200)
    assert check(tmp_path, contract, data, capfd, "--limit", "0")["listed"] == 200


def test_one_bad_row_hides_no_other_and_one_bad_rule_hides_no_other(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = GOOD.replace("\n3,n3,3,2025-01-04", "\nx,,-1,x") + "3,z,101,2025-02-30\n"
    report = check(tmp_path, contract, data, capfd)
    assert [(f["row"], f["field"]) for f in report["failures"]] == [
        (3, "id"),
        (3, "name"),
        (3, "amount"),
        (3, "day"),
        (201, "amount"),
        (201, "day"),
    ]


def test_a_quote_that_never_closes_swallows_no_rows(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = GOOD.replace("\n30,n30,", '\n30,"n30,').replace("\n150,n150,50,", "\n150,n150,-50,")
    report = check(tmp_path, contract, data, capfd)
    assert report["rows"] == 200
    found = {(f["row"], f["rule"]) for f in report["failures"]}
    assert (30, "structure") in found
    assert (150, "minimum") in found
    assert report["failed_rows"] == 2


@pytest.mark.parametrize(
    ("text", "fails"), [("12,5", True), ("1.234", False), ("12.5", False), ("1,234", True)]
)
def test_a_decimal_comma_is_no_thousand_and_no_other_number(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, fails: bool
) -> None:
    contract = tmp_path / "plain.yaml"
    contract.write_text(HEAD + "      - {name: amount, logicalType: number}\n")
    report = check(tmp_path, contract, f"amount;b\n{text};1\n3;2\n", capfd)
    assert [f["value"] for f in report["failures"]] == ([text] if fails else [])


def test_indonesian_numbers_are_read_where_the_contract_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    contract = tmp_path / "id.yaml"
    marks = "customProperties: [{property: decimal, value: ','}, {property: group, value: '.'}]"
    options = "logicalTypeOptions: {maximum: 2000}"
    contract.write_text(HEAD + f"      - {{name: amount, logicalType: number, {marks}, {options}}}\n")
    report = check(tmp_path, contract, "amount;b\n1.234,5;1\n1.234;2\n12.34;3\n3.000;4\n", capfd)
    assert [(f["row"], f["rule"]) for f in report["failures"]] == [(3, "type"), (4, "maximum")]


def test_a_spreadsheets_day_number_is_no_date_and_is_offered_as_one(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = check(tmp_path, contract, GOOD.replace("\n5,n5,5,2025-01-06", "\n5,n5,5,45663"), capfd)
    assert [(f["row"], f["rule"]) for f in report["failures"]] == [(5, "type")]
    assert report["summary"][0]["repairs"][0]["new"] == "2025-01-06"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_an_encoding_that_shows_late_in_the_file_is_seen(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str], encoding: str
) -> None:
    rows = "".join(f"{n},n{n},1,2025-01-01\n" for n in range(1, 20_001))
    data = f"id,name,amount,day\n{rows}20001,Café,1,2025-01-01\n".encode(encoding)
    report = check(tmp_path, contract, data, capfd)
    assert (report["rows"], report["failed_rows"]) == (20_001, 0)


def test_a_type_is_not_guessed_from_the_head_of_a_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    codes = [f"{n}" for n in range(1, 15_001)] + [f"A-{n}" for n in range(1, 15_001)]
    path = tmp_path / "codes.csv"
    path.write_text("code,b\n" + "".join(f"{code},1\n" for code in codes))
    assert run(["contract", "infer", str(path)]) == 0
    inferred = tmp_path / "inferred.yaml"
    inferred.write_text(capfd.readouterr().out)
    assert "logicalType: string" in inferred.read_text().split("name: b")[0]
    assert run(["check", str(path), "-c", str(inferred)]) == 0


def test_a_threshold_says_what_it_counted_and_of_what(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    contract = tmp_path / "share.yaml"
    rule = "quality: [{metric: nullValues, mustBeLessThan: 5, unit: percent}]"
    contract.write_text(HEAD + f"      - {{name: amount, logicalType: number, {rule}}}\n")
    exactly = "amount,b\n" + "1,1\n" * 95 + ",1\n" * 5
    report = check(tmp_path, contract, exactly, capfd)
    assert [(f["row"], f["value"], f["expected"]) for f in report["failures"]] == [
        (0, 5, "fewer than 5 % rows without a value")
    ]
    assert check(tmp_path, contract, "amount,b\n" + "1,1\n" * 96 + ",1\n" * 4, capfd)["failures"] == []


def test_a_contracts_version_stands_in_every_report(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = check(tmp_path, contract, GOOD, capfd)
    assert (report["contract"]["id"], report["contract"]["version"], report["failed_rows"]) == (
        "x",
        "1.0.0",
        0,
    )
    assert len(list(csv.DictReader(io.StringIO(GOOD)))) == report["rows"]
