"""What an inferred contract says of the file that it was inferred from: the few that deviate from the many."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from bench.validation import __main__ as bench
from bench.validation.pairs import HERE, listed

from mahakam.quality.columns import check_columns
from mahakam.quality.dependencies import dependencies
from mahakam.quality.infer import infer
from mahakam.quality.load import parse_document
from mahakam.quality.references import FixedReferences
from mahakam.quality.spelling import misspelt

Cells = dict[tuple[int, str], str]


def findings(columns: dict[str, list[str | None]]) -> Cells:
    """(row, field) → rule, of the table checked with its own inferred contract."""
    with duckdb.connect() as connection:
        rows = pa.array(range(1, len(next(iter(columns.values()))) + 1), pa.int64())
        texts = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        connection.register("source", pa.table({"_row": rows, "_line": rows, **texts}))
        document = infer(connection, "source", list(columns), "data")
        contract = parse_document(document)[0]
        check = check_columns(connection, "source", list(columns), contract, FixedReferences())
        return {(f.row, f.field): f.rule for f in check.findings()}


def repeated(values: list[str], rows: int) -> list[str | None]:
    return [values[i % len(values)] for i in range(rows)]


def with_(values: list[str | None], row: int, value: str | None) -> list[str | None]:
    return [*values[: row - 1], value, *values[row:]]


@pytest.mark.parametrize(
    ("make", "wrong", "rule"),
    [
        (lambda n: str(n * 3), "1x5", "type"),
        (lambda n: f"{n}.5", "7,5", "type"),
        (lambda n: f"2024-01-{n % 28 + 1:02d}", "28/01/2024", "type"),
        (lambda n: f"{n % 28 + 1:02d}/02/2024", "2024-02-28", "type"),
        (lambda n: f"{n}%", "x7%", "pattern"),
        (lambda n: f"AB-{n:03d}", "AB-x12", "pattern"),
        (lambda n: str(20 + n % 9), "8888", "maximum"),
        (lambda n: f"{-0.5 - n % 10 / 100:.2f}", "117.15", "maximum"),
        (lambda n: ("BAIK", "SEDANG", "SAKIT")[n % 3], "BAIKK", "enum"),
        (lambda n: ("Balikpapan Utara", "Balikpapan Timur")[n % 2], "balikpapan  utara", "enum"),
        (lambda n: f"{n}", "N/A", "marker"),
        (lambda n: f"Nama {'abcdefghijklmnop'[n % 16] * 3} {n}", " Nama xyz 3", "blanks"),
    ],
)  # fmt: skip
def test_the_one_that_deviates_is_found_and_no_other(
    make: Callable[[int], str], wrong: str, rule: str
) -> None:
    values = with_([make(n) for n in range(60)], 17, wrong)
    assert findings({"nomor": [f"k{n}x" for n in range(60)], "value": values}) == {(17, "value"): rule}


def test_units_in_several_spellings_are_no_part_of_a_number() -> None:
    values = repeated(["12.0 oz", "16.0 oz.", "12.0 OZ", "8.5 ounce"], 80)
    assert set(findings({"ounces": values}).values()) == {"type"}
    mixed = [f"0.0{n % 7 + 1}" + ("%" if n % 4 == 0 else "") for n in range(80)]
    found = findings({"abv": list(mixed)})
    assert found == {(n + 1, "abv"): "type" for n in range(0, 80, 4)}


def test_a_unit_that_all_share_is_as_it_should_be() -> None:
    assert findings({"sample": [f"{n} patients" for n in range(60)]}) == {}


def test_addresses_and_names_are_left_alone() -> None:
    names = [
        f"Jalan {a}{b} No. {n}" for n, (a, b) in enumerate((a, b) for a in "ABCDEFGH" for b in "abcdefgh")
    ]
    assert findings({"name": list(names)}) == {}


@pytest.mark.parametrize(
    "values",
    [
        [f"DKI{n % 5 + 1} (Station)" for n in range(60)],
        [("PM10", "PM25", "O3", "SO2", "CO")[n % 5] for n in range(60)],
        [f"{n % 12 + 1:02d} {('MANHATTAN', 'QUEENS', 'BRONX')[n % 3]}" for n in range(60)],
        [("01", "02", "11", "BO")[n % 4 if n % 30 == 3 or n % 4 < 3 else 0] for n in range(120)],
        [f"{n * n * n / 100:.2f}" for n in range(60)],
        ["0.0"] * 40 + [f"{2 ** (n / 4):.1f}" for n in range(40)],
    ],
    ids=["stations", "substances", "districts", "codes", "long tail", "rain"],
)
def test_codes_with_numbers_and_long_tails_are_left_alone(values: list[str]) -> None:
    assert findings({"value": list(values)}) == {}


def test_a_column_that_another_decides() -> None:
    codes = repeated(["64.71", "64.72", "64.74", "64.09", "64.08", "64.03"], 60)
    towns = repeated(["Balikpapan", "Samarinda", "Bontang", "Penajam", "Sangatta", "Tanjung Redeb"], 60)
    found = findings({"code": codes, "town": with_(with_(towns, 9, "Kutai Barat"), 20, "")})
    assert found == {(9, "town"): "determined", (20, "town"): "determined"}


def test_columns_that_do_not_decide_each_other() -> None:
    rng = random.Random(5)
    columns = {
        "sex": [rng.choice("LP") for _ in range(400)],
        "village": [f"v{rng.randrange(30)}" for _ in range(400)],
        "often": ["yes" if rng.random() < 0.97 else "no" for _ in range(400)],
    }
    assert dependencies(columns) == []


def test_dependencies_are_found_with_one_in_twenty_wrong() -> None:
    rng = random.Random(7)
    village = [rng.randrange(30) for _ in range(400)]
    district: list[Any] = [v // 4 if rng.random() > 0.05 else rng.randrange(8) for v in village]
    found = dependencies({"village": village, "district": district})
    assert [(d.by, d.field) for d in found] == [("village", "district")]


@pytest.mark.parametrize(
    ("often", "rare", "slip"),
    [
        ("Birmingham", "Birminghxm", True),
        ("Samarinda", "samarinda ", True),
        ("Kebon Jeruk", "KebonJeruk", True),
        ("Ward 1", "Ward 2", False),
        ("SDN 012 Samarinda", "SDN 013 Samarinda", False),
        ("Blok IV", "Blok VI", False),
        ("Pasar Pagi", "Pasar Baru", False),
        ("AK", "AL", False),
        ("Asher Brewing Company", "Avery Brewing Company", False),
    ],
)
def test_slips_and_names_that_are_alike(often: str, rare: str, slip: bool) -> None:
    assert misspelt([(often, 40), (rare, 1)]) == ({rare: often} if slip else {})
    assert misspelt([(often, 2), (rare, 1)]) == {}


def test_the_benchmark_is_passed_by_an_inferred_and_by_a_stewards_contract(tmp_path: Path) -> None:
    pair = listed("hospital", HERE / "data/hospital-dirty.csv.gz", HERE / "data/hospital-truth.csv.gz")
    assert (pair.cells, len(pair.wrong)) == (19000, 509)
    for name, contract in (("inferred", bench.inferred(pair, tmp_path)), ("steward's", pair.contract)):
        precision, recall = bench.score(pair, bench.found_by(pair, contract))
        least = bench.AIMS[name]
        assert precision >= least[0], (name, precision)
        assert recall >= least[1], (name, recall)
