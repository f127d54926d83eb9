"""Dates as offices write them: two orders in a column, two forms, two digits of the year, names of months."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from mahakam.cli import run as command
from mahakam.quality import note_words
from mahakam.quality.functions import Functions
from mahakam.quality.lexical import INVALID, FormatError, Kind, compile_format, text_reader
from mahakam.quality.typing_sql import typed

READ = [
    ("dd/MM/yy", "13/01/24", date(2024, 1, 13)),
    ("dd/MM/yy", "29/02/00", date(2000, 2, 29)),
    ("dd/MM/yy", "31/12/68", date(2068, 12, 31)),
    ("dd/MM/yy", "01/01/69", date(1969, 1, 1)),
    ("dd/MM/yy", "13/01/2024", None),
    ("dd/MM/yy", "31/02/24", None),
    ("d MMMM yyyy", "17 Agustus 1945", date(1945, 8, 17)),
    ("d MMMM yyyy", "17 AUGUST 1945", date(1945, 8, 17)),
    ("d MMMM yyyy", "1 Pebruari 2024", date(2024, 2, 1)),
    ("d MMMM yyyy", "30 Februari 2024", None),
    ("d MMMM yyyy", "1 Bulan 2024", None),
    ("d-MMM-yy", "5-Okt-99", date(1999, 10, 5)),
    ("d-MMM-yyyy", "05-May-2024", date(2024, 5, 5)),
]


@pytest.mark.parametrize(("form", "text", "expected"), READ)
def test_both_compilations_read_them_alike(form: str, text: str, expected: date | None) -> None:
    kind = Kind("date", format=form)
    read = text_reader(kind)(text)
    assert (None if read is INVALID else read) == expected
    connection, functions = duckdb.connect(), Functions(None)
    asked = typed("t", kind, functions)
    (found,) = connection.execute(f"SELECT {asked} FROM (SELECT ? AS t)", [text]).fetchall()[0]
    assert found == expected


def test_letters_beside_a_months_name_are_refused() -> None:
    with pytest.raises(FormatError, match="letters beside"):
        compile_format("'tgl' d MMMM yyyy")


def checked(path: Path, capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capfd.readouterr()
    command(["check", str(path), "--json", "--limit", "0"])
    out: dict[str, Any] = json.loads(capfd.readouterr().out)
    return out


def notes(out: dict[str, Any], about: str) -> list[str]:
    found = [note for note in out["notes"] if about in note]
    assert all(note_words.said(note, "id") != note for note in found)
    return found


def test_two_orders_in_a_column(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    days = ["13/01/2024", "01/14/2024", "02/03/2024", "25/03/2024", "03/26/2024", "28/03/2024", "15/06/2024"]
    path = tmp_path / "made.csv"
    path.write_text("no,tanggal\n" + "".join(f"k{n},{day}\n" for n, day in enumerate(days)))
    out = checked(path, capfd)
    assert [(one["row"], one["rule"], one["value"]) for one in out["failures"]] == [
        (2, "type", "01/14/2024"),
        (5, "type", "03/26/2024"),
    ]
    (repairs,) = [one["repairs"] for one in out["summary"]]
    assert {(one["kind"], one["old"], one["new"]) for one in repairs} == {
        ("monthFirst", "01/14/2024", "14/01/2024"),
        ("monthFirst", "03/26/2024", "26/03/2024"),
    }
    assert notes(out, "two orders") == [
        "column 'tanggal': dates in two orders: 4 can only be day before month, 2 only month before day, "
        "1 either: ask its owner which"
    ]


def test_several_forms_in_a_column(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    days = ["2024-01-13", "2024-02-14", "2024-02-20", "25/03/2024", "17 Agustus 2024", "2024-06-15"]
    path = tmp_path / "made.csv"
    path.write_text("no,tanggal\n" + "".join(f"k{n},{day}\n" for n, day in enumerate(days)))
    out = checked(path, capfd)
    (one,) = out["summary"]
    assert (one["rule"], one["count"]) == ("type", 2)
    assert {(r["old"], r["new"]) for r in one["repairs"]} == {
        ("25/03/2024", "2024-03-25"),
        ("17 Agustus 2024", "2024-08-17"),
    }


def test_years_of_two_digits_and_names_of_months(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [f"k{n},{n + 9}/0{n}/2{n},{n} Agustus 2024" for n in range(1, 8)]
    path = tmp_path / "made.csv"
    path.write_text("no,lahir,hari\n" + "\n".join(rows) + "\n")
    out = checked(path, capfd)
    assert out["failures"] == []
    assert len(notes(out, "years of two digits")) == 1
    assert any(note.startswith("hari: date d MMMM yyyy") for note in out["notes"])


def test_what_is_no_date(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "made.csv"
    path.write_text("no,versi\n" + "".join(f"k{n},1.{n}.3\n" for n in range(1, 9)))
    out = checked(path, capfd)
    assert any(note.startswith("versi: string") for note in out["notes"])


def test_a_spreadsheet_that_took_the_day_for_the_month(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Typed as 02/01/2024 and read as 1 February; 15/05/2024 could not be read so, and stayed text."""
    path = tmp_path / "made.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet, form = book.add_worksheet("Data"), book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write_row(0, 0, ["no", "tanggal"])
    for n in range(1, 7):
        sheet.write(n, 0, f"k{n}")
        sheet.write_datetime(n, 1, datetime(2024, n, n + 1), form)
        sheet.write_row(n + 6, 0, [f"t{n}", f"{n + 12}/05/2024"])
    book.close()
    out = checked(path, capfd)
    assert len(notes(out, "took day and month")) == 1
