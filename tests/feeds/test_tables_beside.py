"""Tables side by side on a sheet: told apart, listed, one of them read; printed in two halves they are one table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
import yaml

from mahakam.feeds.connecting.look import look
from mahakam.feeds.sources import Table, read
from support.feeds import Town

Row = list[Any]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def book(path: Path, *tables: tuple[int, int, list[Row]]) -> Path:
    """A sheet with tables, each at a row and a column from 0."""
    with xlsxwriter.Workbook(path) as made:
        sheet = made.add_worksheet("Data")
        for top, left, rows in tables:
            for number, row in enumerate(rows):
                sheet.write_row(top + number, left, row)
    return path


def rows_of(table: Table) -> list[tuple[Any, ...]]:
    return table.relation.order("_row").fetchall()


SCHOOLS: list[Row] = [
    ["Tabel 1. Sekolah"],
    ["NPSN", "Nama Sekolah", "Siswa"],
    *([f"S{n}", f"SDN {n}", 100 + 7 * n] for n in range(12)),
]
TEACHERS: list[Row] = [
    ["Tabel 2. Guru"],
    ["NIP", "Nama Guru", "Gol"],
    *([f"G{n}", f"Guru {n}", "III/a"] for n in range(20)),
]
TITLE: list[Row] = [["DATA PENDIDIKAN KOTA"]]


@pytest.fixture
def schools(tmp_path: Path) -> Path:
    return book(tmp_path / "sekolah.xlsx", (0, 0, TITLE), (2, 0, SCHOOLS), (2, 4, TEACHERS))


def test_the_first_is_read_and_all_are_listed(connection: duckdb.DuckDBPyConnection, schools: Path) -> None:
    table = read(schools, connection)
    assert table.columns == ["NPSN", "Nama Sekolah", "Siswa"]
    found = rows_of(table)
    assert len(found) == 12
    assert found[0] == (1, 5, "S0", "SDN 0", "100")
    [note] = [note for note in table.info.notes if "tables" in note]
    assert note == (
        "the sheet holds 2 tables: the first is read; pin table for another "
        "(1: 'Tabel 1. Sekolah' in rows 1 to 16, columns A to C, 12 of data; "
        "2: 'Tabel 2. Guru' in rows 3 to 24, columns E to G, 20 of data)"
    )


@pytest.mark.parametrize("pin", ["2", "guru"])
def test_the_one_to_the_right(connection: duckdb.DuckDBPyConnection, schools: Path, pin: str) -> None:
    table = read(schools, connection, table=pin)
    assert table.columns == ["NIP", "Nama Guru", "Gol"]
    assert [row[:3] for row in rows_of(table)] == [(n + 1, n + 5, f"G{n}") for n in range(20)]


def test_stacked_and_side_by_side(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = book(
        tmp_path / "empat.xlsx",
        (0, 0, [["a", "b"], *([n, n * 2] for n in range(9))]),
        (0, 3, [["c", "d", "e"], ["x", "y", 1], ["x", "z", 2], ["w", "z", 3], ["v", "y", 4]]),
        (12, 0, [["Lain"], ["f", "g"], ["p", 1], ["r", 2]]),
    )
    names = [tuple(read(path, connection, table=str(n)).columns) for n in (1, 2, 3)]
    assert sorted(names) == [("a", "b"), ("c", "d", "e"), ("f", "g")]
    assert [row[2:] for row in rows_of(read(path, connection, table="Lain"))] == [("p", "1"), ("r", "2")]


@pytest.mark.parametrize("gap", [0, 1, 2])
def test_one_table_printed_in_halves_is_one(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, gap: int
) -> None:
    names: Row = ["No", "Nama Halte", "Penumpang"]
    every = [[n, f"Halte {n}", 10 * n] for n in range(1, 28)]
    halves = [[names, *every[:14]], [names, *every[14:]]]
    path = book(tmp_path / "halte.xlsx", (2, 0, halves[0]), (2, 3 + gap, halves[1]))
    table = read(path, connection)
    assert table.columns == names
    assert [row[2:] for row in rows_of(table)] == [tuple(map(str, row)) for row in every]
    assert rows_of(table)[14][:2] == (15, 4), "the line is the sheet's"
    assert any("stand side by side" in note for note in table.info.notes)


def test_a_blank_column_inside_a_table_parts_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows: list[Row] = [["kode", "nama", "", "kelas", "kursi"]]
    rows += [[f"A{n}", f"Halte {n}", "", "kota", n] for n in range(9)]
    table = read(book(tmp_path / "kosong.xlsx", (0, 0, rows)), connection)
    assert table.columns == ["kode", "nama", "kelas", "kursi"]
    assert len(rows_of(table)) == 9


def test_remarks_beside_some_rows_are_no_table(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    main: list[Row] = [["kode", "nama", "kursi"], *([f"A{n}", f"Halte {n}", n] for n in range(20))]
    remarks: list[Row] = [["lihat", "peta"], [], [], ["rusak", "2024"], [], [], [], ["baru", "2025"]]
    table = read(book(tmp_path / "catatan.xlsx", (0, 0, main), (3, 5, remarks)), connection)
    assert not any("tables" in note for note in table.info.notes)
    assert len(rows_of(table)) == 20


def test_a_merged_cell_counts_in_each_row_that_it_covers(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "gabung.xlsx"
    with xlsxwriter.Workbook(path) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["Kecamatan", "Kelurahan", "Jiwa"])
        for group in range(3):
            for each in range(4):
                sheet.write_row(1 + 4 * group + each, 1, [f"Kel {group}{each}", 100 + each])
            sheet.merge_range(1 + 4 * group, 0, 4 + 4 * group, 0, f"Kec {group}")
        sheet.merge_range(14, 0, 16, 2, "Sumber: kelurahan")
    table = read(path, connection)
    assert [row[2] for row in rows_of(table)] == [f"Kec {n // 4}" for n in range(12)]
    assert "merged cells in column A: read in each row that they cover" in table.info.notes
    assert table.left_out == {"note under the table": 1}


def test_two_feeds_of_tables_side_by_side(town: Town, tmp_path: Path) -> None:
    names = ["kode", "nama", "kelas", "kursi", "lon", "lat"]
    stops: list[Row] = [names, *([f"A{n}", "Pasar", "kota", 4, 117.01, -0.41] for n in range(3))]
    piers: list[Row] = [["Dermaga"], ["nomor", *names[1:]]]
    piers += [[f"D{n}", "Utara", "air", 6, 117.02, -0.42] for n in range(7)]
    town.write(
        "data/halte.xlsx", book(tmp_path / "h.xlsx", (1, 0, stops), (0, len(names) + 1, piers)).read_bytes()
    )
    feed = yaml.safe_load((town.folder / "feeds/stops.yaml").read_text())
    for name, table, key in (("stops", 1, "kode"), ("piers", "Dermaga", "nomor")):
        made = feed | {"source": {"file": "data/halte.xlsx", "table": table}}
        made["map"] = {
            field: key if column == "kode" else column for field, column in (feed.get("map") or {}).items()
        }
        town.write(f"feeds/{name}.yaml", yaml.safe_dump(made))
    assert town.run().stored == 3
    assert town.run("piers").stored == 7
    lineage = town.parts.store.lineage("urn:ngsi-ld:BusStop:town:D2")
    assert lineage is not None
    assert (lineage.sheet, lineage.row, lineage.line) == ("Data", 3, 5)


def test_the_wizard_reads_the_chosen_one(schools: Path) -> None:
    assert any("the sheet holds 2 tables" in note for note in look(schools, "town", "tester").notes)
    chosen = look(schools, "town", "tester", {"table": "2"})
    assert (chosen.rows, chosen.problem, chosen.columns[0].name) == (20, "", "NIP")
