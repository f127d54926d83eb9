"""What a spreadsheet writes for a formula without an answer is found in every kind of field, in files and feeds."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
import xlwt

from mahakam.cli import run as command
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.feeds.sources import read
from mahakam.feeds.sources.broken_cells import broken_cells
from mahakam.quality import note_words
from support import xlsb
from support.portal import Portal, two_cities

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: posts
version: 1.0.0
status: active
schema:
  - name: Post
    properties:
      - {name: number, physicalName: id, logicalType: integer, required: true, primaryKey: true}
      - {name: nama, logicalType: string}
      - {name: nilai, logicalType: number}
"""
FEED = """title: Posts
source: {file: data/posts.xlsx}
contract: posts
map: {number: id, nama: nama, nilai: nilai}
entity: {id: "urn:ngsi-ld:Post:{number}"}
owner: Dinas
"""


def xlsx(path: Path) -> None:
    made = xlsxwriter.Workbook(str(path))
    cover, sheet = made.add_worksheet("Sampul"), made.add_worksheet("Data & nilai")
    cover.write(0, 0, "Laporan")
    sheet.write_row(0, 0, ["id", "nama", "nilai"])
    for n in range(1, 9):
        sheet.write_row(n, 0, [n, f"Pos {n}", n * 10])
    sheet.write_formula(3, 2, "=A1/0", None, "#DIV/0!")
    sheet.write_formula(5, 2, "=NA()", None, "#N/A")
    sheet.write_formula(6, 1, "=#REF!", None, "#REF!")
    made.close()


def xls(path: Path) -> None:
    """As Excel 97 writes it: errors in cells of their own, and as the result that a formula had."""
    made = xlwt.Workbook()
    made.add_sheet("Sampul").write(0, 0, "Laporan")
    sheet = made.add_sheet("Data & nilai")
    for column, name in enumerate(["id", "nama", "nilai"]):
        sheet.write(0, column, name)
    for n in range(1, 9):
        sheet.write(n, 0, n)
        if n == 6:
            sheet.row(n).set_cell_error(1, "#REF!")
        else:
            sheet.write(n, 1, f"Pos {n}")
        if n == 5:
            sheet.row(n).set_cell_error(2, "#N/A!")
        else:
            sheet.write(n, 2, xlwt.Formula("A1/0") if n == 3 else n * 10)
    made.save(str(path))
    whole = path.read_bytes()
    record = re.search(rb"\x06\x00..\x03\x00\x02\x00..", whole, re.DOTALL)
    assert record is not None
    result = bytes([2, 0, 0x07, 0, 0, 0, 0xFF, 0xFF])
    path.write_bytes(whole[: record.end()] + result + whole[record.end() + len(result) :])


def ods(path: Path) -> None:
    """As LibreOffice writes it: an empty text, or 0, and beside it that it is an error."""

    def cell(value: object) -> str:
        kind = 'office:value-type="string"'
        if isinstance(value, int):
            kind = f'office:value-type="float" office:value="{value}"'
        elif str(value).startswith("#"):
            empty = 'office:value-type="string" office:string-value=""'
            kind = 'office:value-type="float" office:value="0"' if value == "#N/A" else empty
            kind += ' calcext:value-type="error"'
        return f"<table:table-cell {kind}><text:p>{value}</text:p></table:table-cell>"

    rows: list[list[object]] = [["id", "nama", "nilai"], *([n, f"Pos {n}", n * 10] for n in range(1, 9))]
    rows[3][2], rows[5][2], rows[6][1] = "#DIV/0!", "#N/A", "#REF!"
    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    head, row, rest = body.partition("</table:table-row>")
    body = f"<table:table-header-rows>{head}{row}</table:table-header-rows>{rest}"
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    spaces += ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    cover = (
        f'<table:table table:name="Sampul"><table:table-row>{cell("#NAME?")}</table:table-row></table:table>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet>{cover}'
            f'<table:table table:name="Data &amp; nilai">{body}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )


def binary(path: Path) -> None:
    """As Excel writes it with .xlsb: two errors are results of formulas."""
    rows: list[list[object]] = [["id", "nama", "nilai"], *([n, f"Pos {n}", n * 10] for n in range(1, 9))]
    rows[3][2], rows[5][2], rows[6][1] = "#DIV/0!", "#N/A", "#REF!"
    xlsb.write(path, {"Sampul": [["Laporan"], ["#NAME?"]], "Data & nilai": rows})


def book(path: Path) -> Path:
    {".xlsx": xlsx, ".xlsb": binary, ".xls": xls, ".ods": ods}[path.suffix](path)
    return path


KINDS = pytest.mark.parametrize("ending", ["xlsx", "xlsb", "xls", "ods"])


@KINDS
def test_a_broken_formula_is_no_empty_cell(tmp_path: Path, ending: str) -> None:
    connection = duckdb.connect()
    table = read(book(tmp_path / f"posts.{ending}"), connection)
    rows = table.relation.fetchall()
    assert [row[2:] for row in rows[2:6]] == [
        ("3", "Pos 3", "#DIV/0!"),
        ("4", "Pos 4", "40"),
        ("5", "Pos 5", "#N/A"),
        ("6", "#REF!", "60"),
    ]
    (note,) = [note for note in table.info.notes if "error of a formula" in note]
    assert "3 cells" in note
    assert "C4 #DIV/0!, C6 #N/A, B7 #REF!" in note.replace(
        "B7 #REF!, C4 #DIV/0!, C6 #N/A", "C4 #DIV/0!, C6 #N/A, B7 #REF!"
    )
    assert note_words.said(note, "id") != note


def summary(words: list[str], capfd: pytest.CaptureFixture[str]) -> dict[str, int]:
    capfd.readouterr()
    command(["check", *words, "--json"])
    out: dict[str, Any] = json.loads(capfd.readouterr().out)
    return {f"{one['rule']} {one['field']}": one["count"] for one in out["summary"]}


@KINDS
def test_check_says_so_with_and_without_a_contract(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], ending: str
) -> None:
    path = book(tmp_path / f"posts.{ending}")
    assert summary([str(path)], capfd) == {"marker nilai": 2, "marker nama": 1}
    contract = tmp_path / "posts.yaml"
    contract.write_text(CONTRACT)
    with_contract = {"type nilai": 2, "formulaError nama": 1}
    assert summary([str(path), "-c", str(contract)], capfd) == with_contract
    text = tmp_path / "posts.csv"
    text.write_text("id,nama,nilai\n1,#REF!,#DIV/0!\n2,Pos 2,20\n3,b,#N/A\n")
    assert summary([str(text), "-c", str(contract)], capfd) == with_contract
    text.write_text("id,nama,nilai\n1,No #1,10\n2,Pos 2,20\n")
    assert summary([str(text), "-c", str(contract)], capfd) == {}


@KINDS
def test_a_feed_holds_the_row(tmp_path: Path, ending: str) -> None:
    places = two_cities(tmp_path / "places")
    folder = places / "prov/town"
    for room in ("contracts", "feeds", "data"):
        (folder / room).mkdir()
    (folder / "contracts/posts.yaml").write_text(CONTRACT)
    (folder / "feeds/posts.yaml").write_text(FEED.replace("xlsx", ending))
    book(folder / f"data/posts.{ending}")
    with Portal(tmp_path / "data", places) as portal:
        run = run_feed(Parts.of(portal.node), "town", "posts", author="a test")
        assert (run.stored, run.held) == (5, 3), run.message
        assert run.summary == {"type nilai": 2, "formulaError nama": 1}


def test_a_damaged_workbook_is_read_as_far_as_its_cells_go(tmp_path: Path) -> None:
    whole = book(tmp_path / "posts.xls").read_bytes()
    for cut in range(8, len(whole), 97):
        (tmp_path / "cut.xls").write_bytes(whole[:cut])
        assert isinstance(broken_cells(tmp_path / "cut.xls", "Data & nilai"), dict)
    (tmp_path / "wide.xls").write_bytes(whole[:30] + b"\xff\xff" + whole[32:])
    assert broken_cells(tmp_path / "wide.xls", "Data & nilai") == {}


def test_errors_of_a_binary_workbook_in_cells_of_their_own_and_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsb"
    rows = [["id", "nilai"], *([n, "#REF!" if n == 200 else n] for n in range(1, 301))]
    xlsb.write(path, {"Lembar": rows}, formulas=False)
    assert broken_cells(path, "Lembar") == {(200, 1): "#REF!"}
    assert broken_cells(path, "Lain") == {}
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for part in ("xl/workbook.bin", "xl/worksheets/sheet1.bin"):
        for cut in range(0, min(len(parts[part]), 4000), 53):
            with zipfile.ZipFile(tmp_path / "cut.xlsb", "w") as archive:
                for name, content in parts.items():
                    archive.writestr(name, content[:cut] if name == part else content)
            assert isinstance(broken_cells(tmp_path / "cut.xlsb", "Lembar"), dict)


def test_names_that_stand_twice_are_told(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    path.write_text("no,jumlah,Jumlah,nama\n1,2,3,a\n2,3,4,b\n")
    table = read(path, duckdb.connect())
    assert table.columns == ["no", "jumlah", "Jumlah (2)", "nama"]
    (note,) = table.info.notes
    assert note == "column name 'jumlah' stands 2 times: the later ones are read as 'jumlah (2)' and on"
    assert note_words.said(note, "id") != note
