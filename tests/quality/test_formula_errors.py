"""What a spreadsheet writes for a formula without an answer is found in every kind of field, in files and feeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from mahakam.cli import run as command
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.feeds.sources import read
from mahakam.quality import note_words
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


def book(path: Path) -> Path:
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
    return path


def test_a_broken_formula_is_no_empty_cell(tmp_path: Path) -> None:
    connection = duckdb.connect()
    table = read(book(tmp_path / "posts.xlsx"), connection)
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


def test_check_says_so_with_and_without_a_contract(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = book(tmp_path / "posts.xlsx")
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


def test_a_feed_holds_the_row(tmp_path: Path) -> None:
    places = two_cities(tmp_path / "places")
    folder = places / "prov/town"
    for room in ("contracts", "feeds", "data"):
        (folder / room).mkdir()
    (folder / "contracts/posts.yaml").write_text(CONTRACT)
    (folder / "feeds/posts.yaml").write_text(FEED)
    book(folder / "data/posts.xlsx")
    with Portal(tmp_path / "data", places) as portal:
        run = run_feed(Parts.of(portal.node), "town", "posts", author="a test")
        assert (run.stored, run.held) == (5, 3), run.message
        assert run.summary == {"type nilai": 2, "formulaError nama": 1}


def test_names_that_stand_twice_are_told(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    path.write_text("no,jumlah,Jumlah,nama\n1,2,3,a\n2,3,4,b\n")
    table = read(path, duckdb.connect())
    assert table.columns == ["no", "jumlah", "Jumlah (2)", "nama"]
    (note,) = table.info.notes
    assert note == "column name 'jumlah' stands 2 times: the later ones are read as 'jumlah (2)' and on"
    assert note_words.said(note, "id") != note
