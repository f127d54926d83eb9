"""Columns as offices fill them: numbers of persons, amounts with commas, totals in words, geometries in metres."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from mahakam.feeds.sources import read
from mahakam.quality import note_words
from mahakam.quality.infer import inspect
from mahakam.quality.profile import Profile


def seen(path: Path, *, without_totals: bool = False) -> tuple[Profile, dict[str, dict[str, Any]]]:
    """What is seen in a file, and the properties of its contract by their columns."""
    with duckdb.connect() as connection:
        table = read(path, connection)
        table.relation.create_view("source")
        found, document = inspect(
            connection, "source", table.columns, path.stem, without_totals=without_totals
        )
    for remark in found.remarks:
        assert note_words.said(remark, "id") != remark, f"no words in Indonesian for: {remark}"
    return found, {one.get("physicalName", one["name"]): one for one in document["schema"][0]["properties"]}


def csv(path: Path, head: str, rows: Sequence[str]) -> Path:
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def book(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    with xlsxwriter.Workbook(path) as made:
        sheet = made.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return path


def test_numbers_of_persons_are_text(tmp_path: Path) -> None:
    rows = [
        f"64720{11_000_000_000 + n * 7},{('08', '+628', '628')[n % 3]}{12_345_670 + n},{n}" for n in range(40)
    ]
    found, made = seen(csv(tmp_path / "a.csv", "NIK,No HP,Umur", rows))
    assert [column.suspected for column in found.columns] == ["nik", "phone", ""]
    assert made["NIK"]["logicalType"] == made["No HP"]["logicalType"] == "string"
    assert made["Umur"]["logicalType"] == "integer"
    assert "pattern" not in made["No HP"].get("logicalTypeOptions", {}), "phones are of several lengths"


def test_digits_that_a_spreadsheet_lost_are_told(tmp_path: Path) -> None:
    rows = [f"{n},{'6.47205E+15' if n % 3 else f'64720{11_000_000_000 + n * 7}'}" for n in range(40)]
    found, made = seen(csv(tmp_path / "a.csv", "No,NIK", rows))
    assert any("26 numbers written as 6.47E+15" in remark for remark in found.remarks)
    (rule,) = made["NIK"]["quality"]
    assert rule["arguments"] == {"pattern": "^[0-9]{16}$"}
    # Excel keeps 15 digits of a number
    found, _ = seen(
        book(
            tmp_path / "a.xlsx", [["No", "No KK"], *([n, (647_205_000_000_000 + n) * 10] for n in range(20))]
        )
    )
    assert any("20 numbers of 16 digits or more end in 0" in remark for remark in found.remarks)
    assert [one.name for one in found.columns if one.kind.logical == "integer"] == ["No"]


def test_a_number_of_16_digits_in_a_sheet_is_whole(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [["No", "Kode"], [1, 6_472_050_056_615_072], [2, 9_007_199_254_740_992]])
    with duckdb.connect() as connection:
        rows = read(path, connection).relation.fetchall()
    assert [row[3] for row in rows] == ["6472050056615072", "9007199254740992"]


def test_the_apostrophe_of_a_spreadsheet_is_told(tmp_path: Path) -> None:
    found, _ = seen(csv(tmp_path / "a.csv", "No,Kode", [f"{n},'00{n}" for n in range(30)]))
    assert (
        "column 'Kode': an apostrophe before the value, in 30 rows: the spreadsheet's mark for text"
        in found.remarks
    )


@pytest.mark.parametrize(
    ("values", "logical", "marks"),
    [
        (["1,250,000", "980,500", "2,000,000", "750"], "integer", (".", ",")),
        (["1,250.50", "980.25", "12,000.75", "750.00"], "number", (".", ",")),
        (["125,000", "980,500", "200,750"], "integer", (".", ",")),
        (["1.250,50", "980,25", "12.000,75"], "number", (",", ".")),
        (["1,5", "2,25", "3,125"], "number", (",", ".")),
    ],
)
def test_commas_of_thousands_and_of_decimals(
    tmp_path: Path, values: list[str], logical: str, marks: tuple[str, str]
) -> None:
    path = csv(tmp_path / "a.csv", "id;amount", [f"K{n};{values[n % len(values)]}" for n in range(30)])
    _, made = seen(path)
    assert made["amount"]["logicalType"] == logical
    said = {one["property"]: one["value"] for one in made["amount"]["customProperties"]}
    assert (said["decimal"], said["group"]) == marks


@pytest.mark.parametrize("marker", ["tad", "TAD", "…", "–", "belum ada data"])
def test_marks_of_offices_for_nothing(tmp_path: Path, marker: str) -> None:
    path = csv(tmp_path / "a.csv", "id,n", [f"K{n},{marker if n % 6 == 0 else n}" for n in range(30)])
    found, made = seen(path)
    assert found.markers == [marker]
    assert made["n"]["logicalType"] == "integer"


@pytest.mark.parametrize("column", [0, 1])
def test_a_last_row_that_is_named_a_total_is_one_though_it_is_wrong(tmp_path: Path, column: int) -> None:
    rows = [f"{n},Panti {n},{n * 10},0.{n}" for n in range(1, 13)]
    total = ["", "", "999", "4.5"]
    total[column] = "Jumlah"
    path = csv(tmp_path / "a.csv", "No,Nama,Anak,Rasio", [*rows, ",".join(total)])
    found, made = seen(path, without_totals=True)
    assert found.left_out == 1
    assert (
        "row 13 (Jumlah) is named a total, but adds up no column: leave it out, with skip"
        in found.totals.remarks()
    )
    assert "row 13 (Jumlah) says 999 in 'Anak', but its rows add up to 780" in list(found.totals.remarks())
    (mark,) = found.totals.marks
    assert mark.column == ("No", "Nama")[column]
    assert made["No"]["logicalType"] == "integer"
    assert made["No"]["primaryKey"]


def test_a_place_called_as_a_total_in_the_middle_stays(tmp_path: Path) -> None:
    rows = [f"{n},{'Total' if n == 5 else f'Toko {n}'},{n * 10}" for n in range(1, 13)]
    found, _ = seen(csv(tmp_path / "a.csv", "No,Nama,Jumlah", rows), without_totals=True)
    assert found.left_out == 0
    assert not found.totals.rows


def test_geometries_that_are_no_degrees_are_geometries_and_told(tmp_path: Path) -> None:
    def written(name: str, places: Sequence[Sequence[float]]) -> Path:
        features = [
            {
                "type": "Feature",
                "properties": {"nama": f"H{n}"},
                "geometry": {"type": "Point", "coordinates": place},
            }
            for n, place in enumerate(places)
        ]
        path = tmp_path / name
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return path

    cases = {
        "a.geojson": (
            [[-0.5 + n / 100, 117.1] for n in range(12)],
            "latitude stands before longitude in 12 of 12",
        ),
        "b.geojson": ([[517_000 + n, 9_945_000] for n in range(12)], "12 of 12 geometries are in no degrees"),
    }
    for name, (places, said) in cases.items():
        found, made = seen(written(name, places))
        assert any(said in remark for remark in found.remarks), found.remarks
        assert made["_geometry"]["physicalType"] == "geometry"
    found, _ = seen(written("c.geojson", [[117.1, -0.5 + n / 100] for n in range(12)]))
    assert found.remarks == []


def test_personal_data_inside_records_is_suspected(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps(
            [
                {"id": n, "pemilik": {"kontak": [{"hp": f"0812345678{n:02d}"}]}, "lokasi": {"x": n}}
                for n in range(9)
            ]
        )
    )
    found, made = seen(path)
    assert [column.suspected for column in found.columns] == ["", "phone", ""]
    assert made["pemilik"]["classification"] == "personal"


def bounds(path: Path, column: str) -> tuple[object, object]:
    _, made = seen(path)
    options = made[column].get("logicalTypeOptions", {})
    return options.get("minimum"), options.get("maximum")


DAYS = [str(dt.date(2020, 1, 1) + dt.timedelta(days=n)) for n in range(400)]


@pytest.mark.parametrize("every", [20, 33])
def test_figures_a_thousand_times_too_large_do_not_become_the_range(tmp_path: Path, every: int) -> None:
    """However many there are, up to one in twenty; with many digits each figure stands once, as a measured one may."""
    right = [50 + n * 7919 % 1000 / 10 + n / 10_000 for n in range(400)]
    sent = [figure * 1000 if n % every == 3 else figure for n, figure in enumerate(right)]
    path = csv(
        tmp_path / "a.csv", "tanggal,debit", [f"{DAYS[n]},{figure:.5f}" for n, figure in enumerate(sent)]
    )
    low, high = bounds(path, "debit")
    assert (low, high) == (pytest.approx(50, abs=1), pytest.approx(150, abs=1))


def test_a_long_tail_is_no_error(tmp_path: Path) -> None:
    right = [round(1.02**n) for n in range(400)]
    path = csv(tmp_path / "a.csv", "tanggal,jiwa", [f"{DAYS[n]},{figure}" for n, figure in enumerate(right)])
    assert bounds(path, "jiwa") == (1, right[-1])


@pytest.mark.parametrize("every", [25, 100])
def test_a_minus_that_a_few_have_is_no_part_of_the_range(tmp_path: Path, every: int) -> None:
    rows = [f"{DAYS[n]},{'-' if n % every == 3 else ''}{20_000 + n * 7919 % 9000}" for n in range(400)]
    low, _ = bounds(csv(tmp_path / "a.csv", "tanggal,y", rows), "y")
    assert isinstance(low, int)
    assert low >= 20_000


def test_numbers_of_both_signs_keep_their_range(tmp_path: Path) -> None:
    rows = [f"{DAYS[n]},{n * 7919 % 1000 / 10 - 3:.1f}" for n in range(400)]
    low, _ = bounds(csv(tmp_path / "a.csv", "tanggal,suhu", rows), "suhu")
    assert low == -3


def test_dates_of_another_decade_or_century_are_outside_the_range(tmp_path: Path) -> None:
    sent = [*DAYS]
    for n in range(5, 400, 40):
        sent[n] = f"{int(sent[n][:4]) + (-100, 100, 10, -10)[n // 40 % 4]}{sent[n][4:]}"
    path = csv(tmp_path / "a.csv", "tanggal,n", [f"{day},{n}" for n, day in enumerate(sent)])
    low, high = bounds(path, "tanggal")
    assert (low, high) == (DAYS[0], DAYS[-1])


def test_dates_that_grow_rare_to_the_past_keep_their_range(tmp_path: Path) -> None:
    right = [str(dt.date(2025, 1, 1) - dt.timedelta(days=n * n // 8)) for n in range(300)]
    path = csv(tmp_path / "a.csv", "berdiri,n", [f"{day},{n}" for n, day in enumerate(right)])
    assert bounds(path, "berdiri") == (right[-1], right[0])


def test_a_mark_for_nothing_in_a_column_of_names_is_found(tmp_path: Path) -> None:
    path = csv(
        tmp_path / "a.csv",
        "no,nama",
        [f"{n},{'n/a' if n in (7, 50) else f'Toko {n % 30}'}" for n in range(80)],
    )
    _, made = seen(path)
    assert any(rule.get("metric") == "nullValues" for rule in made["nama"]["quality"])


def test_a_code_that_stands_apart_in_many_rows_belongs_to_the_range(tmp_path: Path) -> None:
    """Forty hospitals of one state and one of another: its rows are no errors, however far its number is."""
    rows = [f"{20017 if n % 50 == 7 else 10001 + n * 37 % 160},{n}" for n in range(400)]
    assert bounds(csv(tmp_path / "a.csv", "provider,n", rows), "provider")[1] == 20017


@pytest.mark.parametrize("other", ["lintang,-0,451", "kadar,0,523", "suhu,27,5"])
def test_three_decimals_after_a_comma_are_no_thousands_in_a_file_with_decimal_commas(
    tmp_path: Path, other: str
) -> None:
    name, value = other.split(",", 1)
    rows = [f"K{n};{value};117,{n:03d}" for n in range(30)]
    _, made = seen(csv(tmp_path / "a.csv", f"id;{name};jarak", rows))
    said = {one["property"]: one["value"] for one in made["jarak"]["customProperties"]}
    assert (made["jarak"]["logicalType"], said["decimal"]) == ("number", ",")
