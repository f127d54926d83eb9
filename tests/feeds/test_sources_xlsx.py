"""Spreadsheets as people make them: sheets, merged headers, notes around the table, dates and numbers as read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mahakam.feeds.sources import SourceError
from support.sources import Cell, Date, cells, read, rows, write_xlsx, written

STOPS: list[list[Cell]] = [
    ["kode", "nama", "kursi"],
    ["S1", "Pasar", 4],
    ["S2", "Balai", 12],
    ["S3", "Ulu", 7],
]


def test_a_plain_sheet(tmp_path: Path) -> None:
    table = read(write_xlsx(tmp_path / "halte.xlsx", {"Halte": STOPS}))
    assert table.info.format == "xlsx"
    assert table.info.sheet == "Halte"
    assert table.columns == ["kode", "nama", "kursi"]
    assert rows(table) == [
        (1, 2, "S1", "Pasar", "4"),
        (2, 3, "S2", "Balai", "12"),
        (3, 4, "S3", "Ulu", "7"),
    ]


def test_cells_are_written_as_a_person_reads_them(tmp_path: Path) -> None:
    grid: list[list[Cell]] = [
        ["tanggal", "waktu", "bulat", "pecahan", "besar", "kode", "aktif", "kosong"],
        [Date(45521), Date(45521.5), 12.0, 0.1, 123456789012, "0012", True, None],
        [Date(45522), Date(45522.25), -3, 1234.5, 1e20, " x ", False, ""],
        [Date(45523), Date(45523.75), 0, 2.5, 7, "y", True, None],
    ]
    table = read(write_xlsx(tmp_path / "a.xlsx", {"A": grid}))
    assert cells(table)[:2] == [
        ("2024-08-17", "2024-08-17T12:00:00", "12", "0.1", "123456789012", "0012", "true", None),
        ("2024-08-18", "2024-08-18T06:00:00", "-3", "1234.5", "1e+20", " x ", "false", None),
    ]


def test_a_decimal_mark_goes_for_numeric_cells_too(tmp_path: Path) -> None:
    table = read(
        write_xlsx(tmp_path / "a.xlsx", {"A": [["kode", "mm"], ["S1", 0.5], ["S2", "1,5"]]}), decimal=","
    )
    assert cells(table) == [("S1", "0,5"), ("S2", "1,5")]


def test_the_first_sheet_that_is_shown_and_filled_is_read_and_told(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "a.xlsx",
        {"Lama": [["x", "y"], ["1", "2"]], "Sampul": [["Laporan"]], "Data": STOPS, "Kosong": []},
        hidden=["Lama"],
    )
    table = read(path)
    assert table.info.sheet == "Data"
    assert any("'Data'" in note and "Sampul" in note for note in table.info.notes)
    assert cells(read(path, sheet="Lama")) == [("1", "2")]
    assert read(path, sheet=" data").info.sheet == "Data"


def test_an_unknown_or_empty_sheet_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"Data": STOPS, "Kosong": []})
    with pytest.raises(SourceError, match=r"has no sheet 'Tahun'; it has 'Data', 'Kosong'"):
        read(path, sheet="Tahun")
    with pytest.raises(SourceError, match="holds no cells"):
        read(path, sheet="Kosong")


def test_merged_headers_are_joined(tmp_path: Path) -> None:
    grid: list[list[Cell]] = [
        ["No", "Wilayah", "Laki-laki", None, "Perempuan", None],
        [None, None, 2020, 2021, 2020, 2021],
        [1, "Ilir", 10, 11, 12, 13],
        [2, "Ulu", 20, 21, 22, 23],
        [3, "Kota", 30, 31, 32, 33],
    ]
    merged = ["A1:A2", "B1:B2", "C1:D1", "E1:F1"]
    table = read(write_xlsx(tmp_path / "a.xlsx", {"A": grid}, merged={"A": merged}))
    assert table.columns == [
        "No", "Wilayah", "Laki-laki 2020", "Laki-laki 2021", "Perempuan 2020", "Perempuan 2021",
    ]  # fmt: skip
    assert table.info.header_rows == (1, 2)
    assert rows(table)[0] == (1, 3, "1", "Ilir", "10", "11", "12", "13")
    assert len(rows(table)) == 3


def test_a_title_above_and_a_row_of_column_numbers(tmp_path: Path) -> None:
    grid: list[list[Cell]] = [
        ["JUMLAH HALTE MENURUT KELURAHAN", None, None],
        [],
        ["Kelurahan", "Halte", "Kursi"],
        ["(1)", "(2)", "(3)"],
        ["Ilir", 10, 40],
        ["Ulu", 20, 80],
        ["Kota", 5, 10],
    ]
    table = read(write_xlsx(tmp_path / "a.xlsx", {"A": grid}, merged={"A": ["A1:C1"]}))
    assert table.columns == ["Kelurahan", "Halte", "Kursi"]
    assert rows(table)[0] == (1, 5, "Ilir", "10", "40")
    assert len(rows(table)) == 3
    assert any("numbers the columns" in note for note in table.info.notes)


def test_notes_beside_and_under_the_table_are_left_out_and_told(tmp_path: Path) -> None:
    data: list[list[Cell]] = [["Tanggal", "Hujan", "Suhu"]] + [
        [f"{d:02d}-01-2024", d, 27.5] for d in range(1, 21)
    ]
    data[0] += [None, "KETERANGAN"]
    data[1] += [None, "8888: tidak terukur"]
    data[2] += [None, "9999: tidak ada data"]
    data += [[], ["Sumber: BMKG"], ["Diunduh 2024"]]
    table = read(write_xlsx(tmp_path / "a.xlsx", {"A": data}))
    assert table.columns[:3] == ["Tanggal", "Hujan", "Suhu"]
    assert len(rows(table)) == 20
    assert rows(table)[19][:5] == (20, 21, "20-01-2024", "20", "27.5")
    assert table.left_out == {"note under the table": 2}


def test_a_second_table_under_the_first_is_left_out_and_counted(tmp_path: Path) -> None:
    grid = [*STOPS, [], ["kode", "nama", "luas"], ["L1", "Lapangan", 40], ["L2", "Taman", 50]]
    table = read(write_xlsx(tmp_path / "a.xlsx", {"A": grid}))
    assert len(rows(table)) == 3
    assert table.left_out == {"second table under the first": 3}


def test_a_blank_row_inside_the_table_does_not_end_it(tmp_path: Path) -> None:
    table = read(write_xlsx(tmp_path / "a.xlsx", {"A": [*STOPS[:2], [], *STOPS[2:]]}))
    assert [row[:3] for row in rows(table)] == [(1, 2, "S1"), (2, 4, "S2"), (3, 5, "S3")]


def test_a_table_that_does_not_start_in_the_corner(tmp_path: Path) -> None:
    grid = [[], [], *([None, None, *row] for row in STOPS)]
    table = read(write_xlsx(tmp_path / "a.xlsx", {"A": grid}))
    assert table.columns == ["kode", "nama", "kursi"]
    assert rows(table)[0] == (1, 4, "S1", "Pasar", "4")


def test_header_columns_and_rows_can_be_pinned(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"A": [["catatan"], *STOPS, ["Jumlah", None, 23]]})
    table = read(path, header=2, rows="3-5", columns=["code", "name"])
    assert table.columns == ["code", "name"]
    assert rows(table) == [(1, 3, "S1", "Pasar"), (2, 4, "S2", "Balai"), (3, 5, "S3", "Ulu")]
    assert table.left_out == {"outside the feed's rows": 1}
    with pytest.raises(SourceError, match="has 3 columns, but the feed's columns names 4"):
        read(path, header=2, columns=["a", "b", "c", "d"])
    with pytest.raises(SourceError, match="no header rows 40"):
        read(path, header=40)


def test_a_workbook_named_csv_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "halte.csv", {"A": STOPS})
    assert len(rows(read(path))) == 3
    with pytest.raises(SourceError, match="is a spreadsheet"):
        read(path, format="csv")


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    whole = write_xlsx(tmp_path / "a.xlsx", {"A": STOPS * 200}).read_bytes()
    with pytest.raises(SourceError, match=r"cut\.xlsx: .*damaged"):
        read(written(tmp_path, "cut.xlsx", whole[: len(whole) // 2]))
    spoilt = bytearray(whole)
    at = whole.index(b"xl/worksheets/sheet1.xml") + 40
    spoilt[at : at + 20] = b"\xff" * 20
    with pytest.raises(SourceError, match=r"spoilt\.xlsx"):
        read(written(tmp_path, "spoilt.xlsx", bytes(spoilt)))


def test_a_stray_cell_far_away_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"A": STOPS})
    far = tmp_path / "far.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(far, "w") as out:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("sheet1.xml"):
                content = content.replace(
                    b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                )
            out.writestr(name, content)
    with pytest.raises(SourceError, match="delete the stray cells"):
        read(far)
