"""Slices, here and on a real Spark: the same findings as a check in one piece, on partitioned Parquet too."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.quality.test_compilations_agree import REFERENCES, cases

from mahakam.cli.check import check as check_command
from mahakam.feeds.sources import parted as parted_module
from mahakam.feeds.sources.model import SourceError
from mahakam.feeds.sources.parted import parted
from mahakam.quality.columns import ColumnCheck, check_columns
from mahakam.quality.contract import Contract
from mahakam.quality.formula_errors import RULE as FORMULA_ERROR
from mahakam.quality.formula_errors import formula_errors
from mahakam.quality.load import parse_document
from mahakam.quality.references import FixedReferences, Last
from mahakam.quality.sliced import Job, check_slices, checked_slice, frozen, unpacked
from mahakam.quality.spark import SparkError, check_on, context
from mahakam.quality.undeclared import RULE as PERSONAL_DATA
from mahakam.quality.undeclared import suspected_fields, undeclared
from support.node import MAHAKAM, ROOT

Elsewhere = Callable[[Any, Job, Sequence[str]], ColumnCheck]


@pytest.fixture(scope="session")
def java() -> None:
    """Java, which Spark runs on, from Debian if the machine has none."""
    if shutil.which("java") is None:
        done = subprocess.run(
            [str(ROOT / "tools/system-packages"), "default-jre-headless"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert shutil.which("java"), f"Spark needs Java: {done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def spark(java: None) -> Iterator[Any]:
    with context("spark://local[2]") as found:
        yield found


def here(connection: Any, job: Job, slices: Sequence[str]) -> ColumnCheck:
    """Slice by slice in this process, the job packed and unpacked as for another machine."""
    return check_slices(connection, job, (checked_slice(unpacked(job.packed()), sql) for sql in slices))


def said(check: ColumnCheck) -> tuple[Any, ...]:
    """All that a check found."""
    found = [(f.row, f.field, f.rule, f.value, f.expected, f.severity) for f in check.findings()]
    counts = (check.rows, check.failed_rows, check.warned_rows, dict(check.counts), dict(check.by_dimension))
    return found, counts, check.absent


Parts = list[dict[str, list[str | None]]]


def same(contract: Contract, references: Any, parts: Parts, folder: Path, elsewhere: Elsewhere) -> int:
    """Check the parts, a Parquet file each, in one piece and elsewhere; how many findings there are."""
    return len(agreed(contract, references, parts, folder, elsewhere))


def agreed(
    contract: Contract, references: Any, parts: Parts, folder: Path, elsewhere: Elsewhere
) -> list[tuple[Any, ...]]:
    """What is found in one piece and, all the same, elsewhere."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, part in enumerate(parts):
        table = pa.table({name: pa.array(values, pa.string()) for name, values in part.items()})
        parquet.write_table(table, folder / f"part-{number:03}.parquet")
    found = parted(folder)
    fixed = frozen(contract, references)
    with duckdb.connect() as connection:
        found.table(connection).relation.create_view("source")
        check = check_columns(connection, "source", found.columns, contract, fixed)
        check.add(undeclared(connection, "source", contract, head=True))
        check.add(formula_errors(connection, "source", contract))
        whole = said(check)
        suspects = suspected_fields(connection, "source", contract, head=True)
        job = Job(contract, fixed, found.columns, suspects=suspects)
        sliced = said(elsewhere(connection, job, found.slices()))
    assert sliced == whole
    found_rows: list[tuple[Any, ...]] = whole[0]
    return found_rows


def in_parts(records: list[dict[str, Any]], names: list[str], at: list[int]) -> list[dict[str, list[Any]]]:
    cuts = sorted({0, len(records), *(cut % (len(records) + 1) for cut in at)})
    pairs = itertools.pairwise(cuts)
    return [{name: [record[name] for record in records[a:b]] for name in names} for a, b in pairs]


CUTS = st.lists(st.integers(0, 11), max_size=3)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases(), cuts=CUTS)
def test_any_contract_in_slices_as_in_one_piece(tmp_path: Path, case: Any, cuts: list[int]) -> None:
    contract, records = case
    same(contract, REFERENCES, in_parts(records, list(contract.fields), cuts), tmp_path / "parts", here)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases(), cuts=CUTS)
def test_any_contract_on_spark_as_on_duckdb(spark: Any, tmp_path: Path, case: Any, cuts: list[int]) -> None:
    contract, records = case
    parts = in_parts(records, list(contract.fields), cuts)
    same(contract, REFERENCES, parts, tmp_path / "parts", lambda *given: check_on(spark, *given))


BESIDE: list[dict[str, Any]] = [
    {"rule": "monotone", "field": "value", "order": "time", "per": "meter"},
    {"rule": "gap", "field": "time", "per": "meter", "most": "90 minutes"},
    {"rule": "frozen", "field": "value", "order": "time", "rows": 3},
    {"rule": "outlier", "field": "value", "per": "meter"},
    {"rule": "spelling", "field": "name"},
    {"rule": "fresh", "field": "time", "most": "1 day"},
    {"rule": "rowsSinceLast", "most": 10},
    {"rule": "sameColumns"},
    {"rule": "monotone", "field": "value", "order": "time", "falling": True},
    {"rule": "determined", "field": "name", "by": "meter"},
    {"rule": "determined", "field": "value", "by": ["meter", "name"], "majority": True},
    {"rule": "total", "field": "value", "in": "name", "is": "Balai Kota", "per": "meter", "within": 0.5},
    {"rule": "similar", "field": "name", "per": "meter"},
    {"rule": "similar", "field": "name", "near": ["x", "y"], "metres": 500},
    {"rule": "mojibake", "field": "name"},
    {"rule": "marker", "field": "value"},
    {"rule": "unit", "field": "name", "is": "Pasar Pagi"},
    {"rule": "totalRow", "field": "name", "named": ["Balai Kota"]},
    {"rule": "inDistrict", "field": "meter", "near": ["x", "y"], "of": "codes.code"},
]  # fmt: skip


def beside() -> Contract:
    """Every way to see rows beside each other: keys, series, the whole file."""
    fields = {
        "meter": "string",
        "time": "timestamp",
        "value": "number",
        "name": "string",
        "x": "number",
        "y": "number",
    }
    properties: list[dict[str, Any]] = [{"name": name, "logicalType": kind} for name, kind in fields.items()]
    properties[0] |= {"primaryKey": True, "primaryKeyPosition": 1}
    properties[1] |= {"primaryKey": True, "primaryKeyPosition": 2}
    properties[3] |= {"unique": True}
    properties[2] |= {"quality": [{"metric": "nullValues", "mustBeLessThan": 10, "unit": "percent"}]}
    quality = [{"type": "custom", "engine": "mahakam", "implementation": rule} for rule in BESIDE]
    twice = {"metric": "duplicateValues", "arguments": {"properties": ["meter", "value"]}, "mustBe": 0}
    some = {"metric": "rowCount", "mustBeBetween": [3, 5]}
    few = {
        "metric": "duplicateValues",
        "arguments": {"properties": ["time", "name"]},
        "mustBeLessThan": 50,
        "unit": "percent",
    }
    quality += [twice, some, few]
    quality.append({"type": "sql", "query": "SELECT count(*) FROM Thing WHERE value > 5", "mustBe": 0})
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1", "status": "active"}
    missing = [{"property": "missing", "value": ["---"]}]
    schema = {"name": "Thing", "properties": properties, "quality": quality, "customProperties": missing}
    return parse_document({**head, "schema": [schema]})[0]


def test_every_rule_there_is_has_its_part_in_the_agreement() -> None:
    """A rule that is added later is one of those that are compared here."""
    page = (ROOT / "docs/contracts.md").read_text("utf-8")
    across_rows = page.split("\n## Rules across rows\n")[1].split("\n## ")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", across_rows, re.MULTILINE))
    assert named == {rule["rule"] for rule in BESIDE if rule["rule"] != "marker"}
    of_values = page.split("\n## Rules\n")[1].split("\nEach quality rule may have")[0]
    of_rows = set(re.findall(r"^\| `(\w+)` \|", of_values, re.MULTILINE))
    beside_rules = {rule.name for rule in beside().rules} | {rule["rule"] for rule in BESIDE}
    # Of the file's shape, before any compilation; and of objects and lists, which test_inside holds together (a column
    # has them as JSON text).
    # And of what a feed knows beside its contract.
    elsewhere = {"structure", "column", "inside", "erased"}
    assert of_rows <= elsewhere | beside_rules | OF_A_RECORD | WHATEVER_THE_CONTRACT


OF_A_RECORD = {
    "required", "type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "pattern", "format", "enum", "foreignKey", "insideBoundary", "notInFuture", "expression",
}  # fmt: skip
"""Those that ``cases`` makes."""


WHATEVER_THE_CONTRACT = {PERSONAL_DATA, FORMULA_ERROR}
"""Those that ``MARKS`` gives rise to."""
MARKS = st.lists(
    st.fixed_dictionaries(
        {
            "meter": st.sampled_from(["a", "b", "#REF!", "---"]),
            "time": st.none(),
            "value": st.sampled_from(["081234567890", "3171011708450001", "1", "#N/A"]),
            "name": st.sampled_from(
                ["0812-3456-7890", "+62 811 2222 3333", "Pos 1", "#DIV/0!", "kt 1234-bm"]
            ),
            "x": st.none(),
            "y": st.none(),
        }
    ),
    min_size=6,
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(records=MARKS, cuts=CUTS)
def test_what_is_wrong_whatever_the_contract_says_in_slices_as_in_one_piece(
    tmp_path: Path, records: list[Any], cuts: list[int]
) -> None:
    contract = beside()
    parts = in_parts(records, list(contract.fields), cuts)
    assert same(contract, LATER, parts, tmp_path / "parts", here) > 0


def test_what_is_wrong_whatever_the_contract_says_on_spark(spark: Any, tmp_path: Path) -> None:
    """Two parts, of which one alone has too few telephone numbers for a column of them."""
    empty = dict.fromkeys(["time", "value", "x", "y"])
    names = ["Pos 1", "0812-3456-7890", "081234567891", "+62 811 2222 3333", "628112222333", "#REF!", "b"]
    records = [{**empty, "meter": str(n), "name": name} for n, name in enumerate(names)]
    contract = beside()
    parts = in_parts(records, list(contract.fields), [2])
    elsewhere = lambda *given: check_on(spark, *given)  # noqa: E731
    findings = agreed(contract, LATER, parts, tmp_path / "parts", elsewhere)
    marked = {(row, rule) for row, _, rule, *_ in findings if rule in WHATEVER_THE_CONTRACT}
    assert marked == {(row, PERSONAL_DATA) for row in (2, 3, 4, 5)} | {(6, FORMULA_ERROR)}


SERIES = st.lists(
    st.fixed_dictionaries(
        {
            "meter": st.sampled_from(["a", "b", None]),
            "time": st.integers(0, 6).map(lambda hour: f"2025-01-01T0{hour}:00:00"),
            "value": st.sampled_from(["1", "2", "2", "2", "9", "900", None, "x", "---"]),
            "name": st.sampled_from(["Pasar Pagi", "Pasar Pagii", "Balai Kota", "Balai kota", "CafÃ©", None]),
            "x": st.sampled_from(["0.5", "0.5", "0.5001", "7", None, "x"]),
            "y": st.sampled_from(["0.5", "0.5", "-4", None]),
        }
    ),
    min_size=1,
    max_size=14,
)
LATER = FixedReferences(moment=datetime(2025, 2, 1), last=Last(5, ("meter",)), areas=REFERENCES.areas)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(records=SERIES, cuts=CUTS)
def test_rows_beside_each_other_in_slices_as_in_one_piece(
    tmp_path: Path, records: list[Any], cuts: list[int]
) -> None:
    contract = beside()
    parts = in_parts(records, list(contract.fields), cuts)
    assert same(contract, LATER, parts, tmp_path / "parts", here) > 0, "the file is too old, at least"


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(records=SERIES, cuts=CUTS)
def test_any_rows_beside_each_other_on_spark(
    spark: Any, tmp_path: Path, records: list[Any], cuts: list[int]
) -> None:
    parts = in_parts(records, list(beside().fields), cuts)
    assert same(beside(), LATER, parts, tmp_path / "parts", lambda *given: check_on(spark, *given)) > 0


def test_rows_beside_each_other_on_spark(spark: Any, tmp_path: Path) -> None:
    records = [
        {
            "meter": "ab"[n % 2],
            "time": f"2025-01-01T{n % 24:02}:00:00",
            "value": str(n % 7),
            "name": f"n{n % 50}",
            "x": f"0.{n % 9}",
            "y": None if n % 7 == 0 else "0.5",
        }
        for n in range(200)
    ]
    parts = in_parts(records, list(beside().fields), [50, 51, 130])
    assert same(beside(), LATER, parts, tmp_path / "parts", lambda *given: check_on(spark, *given)) > 100


TRIPS = """apiVersion: v3.1.0
kind: DataContract
id: trips
version: 1.0.0
status: active
schema:
  - name: Trip
    properties:
      - {name: id, logicalType: integer, required: true, primaryKey: true}
      - {name: year, logicalType: integer, logicalTypeOptions: {minimum: 2021}}
      - {name: fare, logicalType: number, logicalTypeOptions: {minimum: 0}}
      - {name: kind, logicalType: string, enum: [{value: bus}, {value: boat}]}
    quality:
      - {type: custom, engine: mahakam, implementation: "fare < 100 or kind = 'boat'", severity: warning}
"""


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    """A folder partitioned by year; returns the folder of all."""
    (tmp_path / "trip.yaml").write_text(TRIPS)
    duckdb.execute(
        "COPY (SELECT range % 9990 AS id, 2020 + range % 3 AS year, (range % 1000) / 7.0 - 1 AS fare, "
        "CASE range % 5 WHEN 1 THEN 'boat' WHEN 3 THEN 'ox' WHEN 4 THEN NULL ELSE 'bus' END AS kind "
        f"FROM range(10000)) TO '{tmp_path}/trips' (FORMAT parquet, PARTITION_BY (year))"
    )
    return tmp_path


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [
        MAHAKAM,
        "check",
        str(folder / "trips"),
        "--contract",
        str(folder / "trip.yaml"),
        "--json",
        *more,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_says_the_same_here_and_on_spark(java: None, trips: Path) -> None:
    local = run(trips, "--limit", "0")
    assert local.returncode == 1, local.stderr
    report = json.loads(local.stdout)
    assert report["rows"] == 10_000
    counts = {(one["field"], one["rule"]): one["count"] for one in report["summary"]}
    assert counts["kind", "enum"] == 2000
    assert counts["year", "minimum"] == 3334
    assert counts["id", "primaryKey"] == 20
    there = run(trips, "--limit", "0", "--engine", "spark://local[2]")
    assert there.returncode == 1, there.stderr
    assert there.stdout == local.stdout


def test_large_files_are_cut_and_files_that_differ_are_read_as_one_table(
    trips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parted_module, "SLICE", 900)
    other = pa.table({"id": pa.array([1, 2], pa.int32()), "fare": pa.array([5, -5], pa.int64())})
    (trips / "trips" / "year=2024").mkdir()
    parquet.write_table(other, trips / "trips" / "year=2024" / "late.parquet")
    contract = parse_document(yaml.safe_load(TRIPS))[0]
    found = parted(trips / "trips")
    assert not found.alike
    assert len(found.slices()) > 12
    with duckdb.connect() as connection:
        found.table(connection).relation.create_view("source")
        whole = said(check_columns(connection, "source", found.columns, contract, FixedReferences()))
        sliced = said(here(connection, Job(contract, FixedReferences(), found.columns), found.slices()))
    assert whole == sliced
    assert whole[1][0] == 10_002


def test_what_is_missing_is_said_with_how_to_get_it(trips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = [str(trips / "trips"), "--contract", str(trips / "trip.yaml"), "--engine", "spark://local[1]"]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pyspark", None)
        done = CliRunner().invoke(check_command, arguments)
        assert done.exit_code == 2
        assert "pip install 'mahakam[spark]'" in done.output
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "/nowhere")
        patch.delenv("JAVA_HOME", raising=False)
        done = CliRunner().invoke(check_command, arguments)
        assert done.exit_code == 2
        assert "default-jre-headless" in done.output


def test_an_engine_that_is_none_and_files_that_are_none(trips: Path) -> None:
    (trips / "a.csv").write_text("id\n1\n")
    (trips / "empty").mkdir()
    (trips / "broken.parquet").write_bytes(b"PAR1")
    for file, engine, words in (
        ("trips", "flink://x", "no engine"),
        ("a.csv", "spark://x:7077", "leave --engine out"),
        ("empty", "local", "has no file *.parquet"),
    ):
        done = CliRunner().invoke(
            check_command, [str(trips / file), "--contract", str(trips / "trip.yaml"), "--engine", engine]
        )
        assert done.exit_code == 2
        assert words in done.output
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        parted(trips / "broken.parquet")


def test_a_task_that_fails_says_why(spark: Any) -> None:
    job = Job(parse_document(yaml.safe_load(TRIPS))[0], FixedReferences(), ["id"])
    with duckdb.connect() as connection, pytest.raises(SparkError, match="no_such_table"):
        check_on(spark, connection, job, ["SELECT * FROM no_such_table"])
