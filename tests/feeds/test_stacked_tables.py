"""Several tables under one another on a sheet: all are listed, a feed names one, its rows are the sheet's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
import yaml
from click.testing import CliRunner

from mahakam.cli import cli
from mahakam.feeds.connecting.look import look
from mahakam.feeds.sources import SourceError, Table, read
from support.feeds import Town
from support.real_files import GIVEN

SHEET: list[list[Any]] = [
    ["DINAS PERHUBUNGAN KOTA"],
    [],
    ["Tabel 1. Halte"],
    ["kode", "nama", "kelas", "kursi", "lon", "lat"],
    ["A1", "Pasar", "kota", 4, 117.01, -0.41],
    ["A2", "Balai", "kota", 2, 117.02, -0.42],
    ["Sumber: survei 2025"],
    [],
    ["Tabel 2. Dermaga"],
    ["kode", "nama", "kelas", "kursi", "lon", "lat"],
    ["D1", "Dermaga Utara", "air", 6, 117.03, -0.43],
    ["D2", "Dermaga Selatan", "air", 8, 117.04, -0.44],
    ["D3", "Dermaga Pasar", "air", 9, 117.05, -0.45],
    [],
    [],
    ["Petugas", "Telepon", "Wilayah"],
    ["Siti", "0541-1", "Utara"],
    ["Budi", "0541-2", "Selatan"],
]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return written(tmp_path / "halte.xlsx", SHEET)


def written(path: Path, rows: list[list[Any]]) -> Path:
    with xlsxwriter.Workbook(path) as made:
        sheet = made.add_worksheet("Data")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return path


def cells(table: Table, *names: str) -> list[tuple[Any, ...]]:
    columns = ", ".join(f'"{name}"' for name in names)
    return table.relation.order("_row").project(columns).fetchall()


def test_without_a_pin_the_first_is_read_and_all_are_listed(
    connection: duckdb.DuckDBPyConnection, book: Path
) -> None:
    table = read(book, connection)
    assert cells(table, "kode", "_line") == [("A1", 5), ("A2", 6)]
    [note] = [note for note in table.info.notes if "tables" in note]
    assert note == (
        "the sheet holds 3 tables: the first is read; pin table for another "
        "(1: 'Tabel 1. Halte' in rows 1 to 6, 2 of data; 2: 'Tabel 2. Dermaga' in rows 9 to 13, 3 of data; "
        "3: in rows 16 to 18, 2 of data)"
    )


@pytest.mark.parametrize("pin", ["2", "Tabel 2. Dermaga", "tabel 2.  DERMAGA", "dermaga"])
def test_a_table_by_its_number_or_its_title(
    connection: duckdb.DuckDBPyConnection, book: Path, pin: str
) -> None:
    table = read(book, connection, table=pin)
    assert cells(table, "kode", "_line", "_row") == [("D1", 11, 1), ("D2", 12, 2), ("D3", 13, 3)]
    assert table.info.header_rows == (10, 10)
    assert table.left_out == {}


def test_the_last_table_has_other_columns(connection: duckdb.DuckDBPyConnection, book: Path) -> None:
    table = read(book, connection, table="3")
    assert table.columns == ["Petugas", "Telepon", "Wilayah"]
    assert cells(table, "Petugas", "_line") == [("Siti", 17), ("Budi", 18)]
    assert cells(read(book, connection, table="1"), "kode") == [("A1",), ("A2",)]


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        ("4", "names no table; there is 1: 'Tabel 1. Halte'"),
        ("tabel", "names several tables"),
        ("x", "names no table"),
    ],
)
def test_a_table_that_is_not_there(
    connection: duckdb.DuckDBPyConnection, book: Path, pin: str, said: str
) -> None:
    with pytest.raises(SourceError, match=said):
        read(book, connection, table=pin)


def test_a_sheet_of_one_table(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = written(tmp_path / "satu.xlsx", SHEET[:7])
    assert not [note for note in read(path, connection).info.notes if "tables" in note]
    assert cells(read(path, connection, table="1"), "kode") == [("A1",), ("A2",)]


def test_two_feeds_of_one_sheet(town: Town, book: Path) -> None:
    town.write("data/halte.xlsx", book.read_bytes())
    feed = yaml.safe_load((town.folder / "feeds/stops.yaml").read_text())
    for name, table in (("stops", 1), ("piers", "Dermaga")):
        town.write(
            f"feeds/{name}.yaml",
            yaml.safe_dump(feed | {"source": {"file": "data/halte.xlsx", "table": table}}),
        )
    assert town.run().stored == 2
    assert town.run("piers").stored == 3
    lineage = town.parts.store.lineage("urn:ngsi-ld:BusStop:town:D2")
    assert lineage is not None
    assert (lineage.sheet, lineage.row, lineage.line) == ("Data", 2, 12)


def test_check_and_infer_show_all_tables(book: Path) -> None:
    for command in (["check", str(book)], ["contract", "infer", str(book)]):
        output = " ".join(CliRunner().invoke(cli, command).output.split())
        assert "the sheet holds 3 tables" in output
        assert "Tabel 2. Dermaga" in output
    shown = CliRunner().invoke(cli, ["check", str(book), "--table", "dermaga", "--json"])
    assert json.loads(shown.output)["rows"] == 3


def test_the_wizard_shows_all_and_reads_the_chosen_one(book: Path) -> None:
    draft = look(book, "town", "tester")
    assert any("the sheet holds 3 tables" in note for note in draft.notes)
    chosen = look(book, "town", "tester", {"table": "2"})
    assert (chosen.rows, chosen.problem) == (3, "")


def test_a_climate_report_with_its_computed_copy_below(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """The real one of SOURCES.md: two stacked tables on a sheet; where it is not at hand, the sheet above."""
    path = GIVEN / "environment/bmkg-daily-denpasar.xlsx"
    if not path.exists():
        path = written(tmp_path / "halte.xlsx", SHEET)
    table = read(path, connection)
    below = read(path, connection, table="2")
    lines, lower = cells(table, "_line"), cells(below, "_line")
    assert table.left_out["second table under the first"] >= len(lower) > 1
    assert lower[0] > lines[-1]
