"""``mahakam check`` and ``mahakam contract infer`` on real and on broken files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.cli import run

ROOT = Path(__file__).parents[2]
JAKARTA = ROOT / "examples/ascn/jakarta"
CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: Thing
    properties:
      - {name: id, logicalType: string, primaryKey: true}
      - {name: pm10, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 500}}
      - {name: max, logicalType: integer}
    quality:
      - {type: custom, engine: mahakam, name: big, implementation: "max >= pm10", severity: warning}
      - {metric: rowCount, mustBeGreaterThan: 1}
"""


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    path = tmp_path / "contract.yaml"
    path.write_text(CONTRACT)
    return path


def check(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any], str]:
    code = run(["check", *map(str, arguments), "--json"])
    out, err = capfd.readouterr()
    return code, json.loads(out) if out else {}, err


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(text)
    return path


def test_every_failing_row_with_all_its_reasons(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "id,pm10,max\na,10,20\na,-5,x\n,501,1\nb,7.0,3\n")
    code, report, _ = check(capfd, path, "-c", contract, "--limit", 0)
    assert code == 1
    assert (report["rows"], report["failed_rows"], report["warned_rows"]) == (4, 3, 1)
    assert [(f["row"], f["field"], f["rule"], f["value"], f["severity"]) for f in report["failures"]] == [
        (1, "id", "primaryKey", "a", "error"),
        (2, "pm10", "minimum", "-5", "error"),
        (2, "max", "type", "x", "error"),
        (2, "id", "primaryKey", "a", "error"),
        (3, "id", "required", None, "error"),
        (3, "pm10", "maximum", "501", "error"),
        (3, "max", "big", "1", "warning"),
        (4, "max", "big", "3", "warning"),
    ]
    assert report["failures"][1]["expected"] == "0 to 500"
    assert report["failures"][0]["expected"].endswith("also in row 2")


def test_the_list_is_cut_and_the_counts_are_not(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "id,pm10,max\n" + "".join(f"r{i},-1,0\n" for i in range(1500)))
    code, report, _ = check(capfd, path, "-c", contract)
    assert (code, len(report["failures"]), report["findings"], report["failed_rows"]) == (1, 1000, 1500, 1500)
    assert [(g["rule"], g["count"]) for g in report["summary"]] == [("minimum", 1500)]


def test_warnings_alone_are_no_failure(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, report, _ = check(capfd, write(tmp_path, "id,pm10,max\na,10,2\nb,1,2\n"), "-c", contract)
    assert (code, report["failed_rows"], report["warned_rows"]) == (0, 0, 1)


def test_a_missing_column_is_one_finding_and_an_extra_one_is_a_note(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, report, _ = check(capfd, write(tmp_path, "id,max,colour\na,10,red\nb,x,red\n"), "-c", contract)
    assert code == 1
    assert [(f["row"], f["field"], f["rule"]) for f in report["failures"]] == [
        (0, "pm10", "column"),
        (2, "max", "type"),
    ]
    assert any("colour" in note for note in report["notes"])


def test_too_few_rows_is_a_finding_on_the_file(
    tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, report, _ = check(capfd, write(tmp_path, "id,pm10,max\na,1,2\n"), "-c", contract)
    assert (code, report["failed_rows"]) == (1, 0)
    assert [(f["row"], f["rule"], f["value"]) for f in report["failures"]] == [(0, "rowCount", 1)]


def test_the_last_file_is_compared(tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]) -> None:
    contract.write_text(
        CONTRACT
        + "      - {type: custom, engine: mahakam, implementation: {rule: rowsSinceLast, most: 20}}\n"
        + "      - {type: custom, engine: mahakam, implementation: {rule: sameColumns}}\n"
    )
    path = write(tmp_path, "id,pm10,max\na,1,2\nb,1,2\nc,1,2\n")
    code, report, _ = check(capfd, path, "-c", contract)
    assert code == 0
    last = tmp_path / "last.json"
    last.write_text(json.dumps(report))
    write(tmp_path, "id,pm10,max,note\na,1,2,x\nb,1,2,x\n")
    code, report, _ = check(capfd, path, "-c", contract, "--last", last)
    assert code == 1
    assert [(f["row"], f["rule"], f["value"]) for f in report["failures"]] == [
        (0, "rowsSinceLast", 2),
        (0, "sameColumns", "+ note"),
    ]
    last.write_text("[]")
    assert check(capfd, path, "-c", contract, "--last", last)[0] == 2


def test_a_broken_row_is_found(tmp_path: Path, contract: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, report, _ = check(capfd, write(tmp_path, "id,pm10,max\na,1,2\nb,1\nc,1,2\nd,1,2\n"), "-c", contract)
    assert code == 1
    assert (2, "structure") in [(f["row"], f["rule"]) for f in report["failures"]]
    assert report["failed_rows"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv"], "none.csv"),
        (["data.csv", "-c", "none.yaml"], "none.yaml"),
        (["data.csv", "-c", "nowhere/air"], "nowhere"),
        (["data.csv", "-c", "bad.yaml"], "did you mean 'required'"),
    ],
)
def test_what_cannot_run_says_why(
    tmp_path: Path,
    arguments: list[str],
    said: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAHAKAM_CONFIG", raising=False)
    write(tmp_path, "id,pm10,max\na,1,2\n")
    (tmp_path / "bad.yaml").write_text(CONTRACT.replace("primaryKey", "requird"))
    assert run(["check", *arguments]) == 2
    out, err = capfd.readouterr()
    assert (out, said in err, "Traceback" in err) == ("", True, False)


def test_the_air_quality_file_has_the_defects_that_were_counted_by_hand(
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = JAKARTA / "data/ispu-jakarta-2010-2025.csv.gz"
    code, report, _ = check(capfd, path, "-c", JAKARTA / "contracts/air-quality.yaml")
    assert (code, report["rows"]) == (0, 5538)
    counts = {g["rule"]: g["count"] for g in report["summary"]}
    assert counts == {
        "max-is-greatest": 43,
        "level-fits-index": 27,
        "critical-is-greatest": 81,
        "so2-above-zero": 19,
        "station-given": 1,
    }


@pytest.mark.parametrize("lang", ["en", "id"])
def test_the_report_for_people_escapes_what_the_file_holds(
    tmp_path: Path, contract: Path, lang: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "id,pm10,max\n<script>alert(1)</script>,1,2\n<script>alert(1)</script>,1,2\n")
    page = tmp_path / "report.html"
    assert run(["check", str(path), "-c", str(contract), "--html", str(page), "--lang", lang]) == 1
    text = page.read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert f'<html lang="{lang}">' in text
    out, _ = capfd.readouterr()
    assert {"en": "The key occurs more than once", "id": "Kunci muncul lebih dari sekali"}[lang] in out


def test_without_a_contract_the_file_is_described(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(
        tmp_path, "tanggal;nilai\n" + "".join(f"{d:02d}/02/2025;1.{d:03d},5\n" for d in range(1, 29))
    )
    code, report, _ = check(capfd, path)
    assert (code, report["contract"]["inferred"]) == (0, True)
    assert any("dd/MM/yyyy" in note for note in report["notes"])


cells = st.one_of(
    st.sampled_from(
        [
            "",
            "---",
            "N/A",
            "-",
            "1",
            "2",
            "007",
            "12",
            "1.234",
            "1.234,5",
            "0,5",
            "true",
            "false",
            "a",
            "b",
            "NaN",
        ]
    ),
    st.sampled_from(
        ["2025-02-28", "28/02/2025", "2/3/2025", "07:30", "2025-02-28 07:30", "20250228", '{"a": 1}', "[1]"]
    ),
    st.integers(-1000, 1000).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.dates().map(lambda d: d.strftime("%d/%m/%Y")),
    st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"], exclude_characters='";,\t|'),
        min_size=1,
        max_size=5,
    ),
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    columns=st.lists(st.lists(cells, min_size=4, max_size=4), min_size=1, max_size=3), times=st.integers(1, 6)
)
def test_few_values_deviate_from_the_contract_that_was_inferred_from_them(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], columns: list[list[str]], times: int
) -> None:
    rows = list(zip(*columns, strict=True)) * times
    path = tmp_path / "data.csv"
    head = "\t".join(["key", *(f"name {i}" for i in range(len(columns)))])
    path.write_text(
        "\n".join([head, *("\t".join([f"k{n}x", *row]) for n, row in enumerate(rows))]) + "\n", "utf-8"
    )
    assert run(["contract", "infer", str(path), "--header", "1"]) == 0
    contract = tmp_path / "inferred.yaml"
    contract.write_text(capfd.readouterr().out, "utf-8")
    code, report, err = check(capfd, path, "-c", contract, "--header", "1")
    assert code in (0, 1), (report, err)
    assert report["rows"] == len(rows)
    deviating = {(f["row"], f["field"]) for f in report["failures"] if f["rule"] != "marker"}
    assert len(deviating) <= len(columns) * (len(rows) // 10 if len(rows) >= 20 else 0)


@pytest.mark.parametrize("codes", [3, 40])
def test_rows_keep_their_numbers_when_threads_share_a_large_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], codes: int
) -> None:
    listed = ", ".join(f"c{n}" for n in range(codes))
    contract = tmp_path / "contract.yaml"
    contract.write_text(
        CONTRACT.split("      - {name: pm10")[0]
        + "      - name: code\n        logicalType: string\n        quality:\n          - metric: invalidValues\n"
        + f"            arguments: {{validValues: [{listed}]}}\n            mustBe: 0\n"
    )
    path, bad = tmp_path / "large.csv", {7, 150_000, 299_999, 420_000}
    filler = "x" * 150
    with path.open("w") as file:
        file.write("id,code,filler\n")
        file.writelines(f"{n},{'?' if n in bad else f'c{n % 3}'},{filler}\n" for n in range(1, 420_001))
    code, report, _ = check(capfd, path, "-c", contract)
    assert code == 1
    assert {f["row"] for f in report["failures"]} == bad


@given(
    body=st.lists(st.sampled_from(["1", "22", ",", ",,", "\n", "\n\n", " ", "x"]), min_size=1, max_size=25)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_left_to_the_reader_is_the_file_scanned(tmp_path: Path, body: list[str]) -> None:
    """Whatever is not proven irregular afterwards has the rows, in the order, of the whole scan."""
    import duckdb

    from mahakam.feeds.sources import SourceError, read

    path = write(tmp_path, "id,pm10,max\n1,2,3\n4,5,6\n" + "".join(body))
    with duckdb.connect() as connection:
        try:
            trusted = read(path, connection, proven=False)
            scanned = read(path, connection)
        except SourceError:
            return
        if trusted.unproven is None:
            return
        try:
            rows = trusted.relation.fetchall()
        except duckdb.Error:
            return
        if len(rows) == trusted.unproven.rows:
            before = trusted.unproven.lines_before
            numbered = [(n, n + before, *row) for n, row in enumerate(rows, 1)]
            assert numbered == scanned.relation.order("_row").fetchall()
            assert not scanned.faults


@pytest.mark.parametrize("rows", [3, 40_000])
@pytest.mark.parametrize("form", ["--json", ""])
def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path, rows: int, form: str) -> None:
    """As other tools end when ``| head`` closes the pipe: no word on standard error, and not as if it had failed."""
    path = write(tmp_path, "id,n\n" + "".join(f"{n},{n % 3}\n" for n in range(rows)) + "1,x\n")
    words = [
        str(Path(sys.executable).with_name("mahakam")),
        "check",
        str(path),
        *([form] if form == "--json" else []),
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # before it writes anything
        said = process.stderr.read()
        code = process.wait(60)
    assert (said, code) == (b"", 141)
