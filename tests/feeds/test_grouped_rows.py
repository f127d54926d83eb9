"""Rows that only name a group: carried into a column, and a row whose values are missing is left as it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
import yaml

from mahakam.cli import run as command
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.feeds.sources import read
from mahakam.quality import note_words
from support.portal import Portal, two_cities

ENDINGS = pytest.mark.parametrize("ending", ["xlsx", "csv", "tsv"])
Cells = Sequence[Sequence[object]]
HEAD = ["No", "Kelurahan", "Laki-laki", "Perempuan", "Jumlah"]
PALARAN = [["Rawa Makmur", 9100, 8700], ["Bukuan", 5400, 5100], ["Simpang Pasir", 6100, 5900]]
SAMBUTAN = [["Sungai Kapih", 8300, 8000], ["Makroman", 4100, 3900], ["Pulau Atas", 1900, 1800]]


def numbered(rows: Cells) -> list[list[object]]:
    return [[n, *row, int(str(row[1])) + int(str(row[2]))] for n, row in enumerate(rows, 1)]


def book(
    path: Path, rows: Cells, merged: Sequence[int] = (), title: str = "Penduduk Kota Samarinda 2025"
) -> Path:
    """A sheet, or text, with a title, a blank row, and the rows; those of ``merged`` (from 0) go over all columns."""
    if path.suffix != ".xlsx":
        comma = {".csv": ";", ".tsv": "\t"}[path.suffix]
        width = len(rows[0])
        lines = [[title], [], *([*row, *[""] * (width - len(row))] for row in rows)]
        path.write_text("".join(comma.join(map(str, line)) + "\r\n" for line in lines), newline="")
        return path
    made = xlsxwriter.Workbook(str(path))
    sheet = made.add_worksheet("Penduduk")
    sheet.write(0, 0, title)
    for at, row in enumerate(rows):
        if at in merged:
            sheet.merge_range(at + 2, 0, at + 2, len(rows[0]) - 1, row[0])
        else:
            sheet.write_row(at + 2, 0, row)
    made.close()
    return path


def table(path: Path, **pins: Any) -> tuple[list[dict[str, Any]], list[str], dict[str, int]]:
    found = read(path, duckdb.connect(), **pins)
    rows = [dict(zip(found.columns, row[2:], strict=True)) for row in found.relation.fetchall()]
    return rows, list(found.info.notes), dict(found.left_out)


GROUPED = [
    HEAD,
    ["Kecamatan Palaran"],
    *numbered(PALARAN),
    ["Kecamatan Sambutan"],
    *numbered(SAMBUTAN),
]


@pytest.mark.parametrize(
    ("ending", "merged"), [("xlsx", ()), ("xlsx", (1, 5)), ("csv", ()), ("tsv", ())],
    ids=["plain", "merged", "csv", "tsv"],
)  # fmt: skip
def test_a_group_goes_into_a_column_named_after_what_the_names_share(
    tmp_path: Path, ending: str, merged: Sequence[int]
) -> None:
    rows, notes, left_out = table(book(tmp_path / f"a.{ending}", GROUPED, merged))
    assert [(row["Kelurahan"], row["Kecamatan"]) for row in rows] == [
        ("Rawa Makmur", "Kecamatan Palaran"),
        ("Bukuan", "Kecamatan Palaran"),
        ("Simpang Pasir", "Kecamatan Palaran"),
        ("Sungai Kapih", "Kecamatan Sambutan"),
        ("Makroman", "Kecamatan Sambutan"),
        ("Pulau Atas", "Kecamatan Sambutan"),
    ]
    (note,) = [note for note in notes if "name a group" in note]
    assert "4 Kecamatan Palaran, 8 Kecamatan Sambutan" in note
    assert left_out == {"heading of a group, read as a column": 2}
    for said in (note, "2 × heading of a group, read as a column"):
        assert note_words.said(said, "id") != said


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        (
            [HEAD, ["I", "PALARAN"], *numbered(PALARAN), ["II", "SAMBUTAN"], *numbered(SAMBUTAN)],
            ["PALARAN"] * 3 + ["SAMBUTAN"] * 3,
        ),
        (
            [HEAD, ["", "Palaran"], *numbered(PALARAN), ["", "Sambutan"], *numbered(SAMBUTAN)],
            ["Palaran"] * 3 + ["Sambutan"] * 3,
        ),
        (
            [["Kecamatan", "Kelurahan", "L", "P"], ["Palaran"], *(["", *r] for r in PALARAN), ["Sambutan"],
             *(["", *r] for r in SAMBUTAN)],
            ["Palaran"] * 3 + ["Sambutan"] * 3,
        ),
        (
            [HEAD, ["Kota Samarinda"], ["Kecamatan Palaran"], *numbered(PALARAN), ["Kecamatan Sambutan"],
             *numbered(SAMBUTAN), ["Kota Bontang"], ["Kecamatan Bontang Barat"], *numbered(SAMBUTAN)],
            ["Kota Samarinda / Kecamatan Palaran"] * 3 + ["Kota Samarinda / Kecamatan Sambutan"] * 3
            + ["Kota Bontang / Kecamatan Bontang Barat"] * 3,
        ),
        (
            [["Kelurahan", "L", "P"], ["Kecamatan Palaran"], *PALARAN, ["Kecamatan Sambutan"], *SAMBUTAN],
            ["Kecamatan Palaran"] * 3 + ["Kecamatan Sambutan"] * 3,
        ),
    ],
    ids=["counted", "without a number", "a column of its own", "two levels", "a shared word"],
)  # fmt: skip
@ENDINGS
def test_other_ways_to_write_it(tmp_path: Path, ending: str, rows: Cells, groups: list[str]) -> None:
    found, _, _ = table(book(tmp_path / f"a.{ending}", rows))
    assert [list(row.values())[-1] for row in found] == groups


@pytest.mark.parametrize(
    "rows",
    [
        [
            ["Kelurahan", "L", "P"],
            *PALARAN,
            ["Handil Bakti"],
            *SAMBUTAN,
            ["Sindang Sari"],
            ["Loa Bakung", 5, 6],
        ],
        [["Kelurahan", "L", "P"], ["Handil Bakti"], *PALARAN, ["Bantuas"], *SAMBUTAN],
        [HEAD, *numbered(PALARAN), [4, "Handil Bakti"], *numbered(SAMBUTAN)],
        [["Kelurahan", "L"], ["Kecamatan Palaran"], ["Bukuan", 5], ["Kecamatan Sambutan"], ["Makroman", 5]],
    ],
)
@ENDINGS
def test_a_row_whose_values_are_missing_stays(tmp_path: Path, ending: str, rows: Cells) -> None:
    found, notes, left_out = table(book(tmp_path / f"a.{ending}", rows))
    assert len(found) == len(rows) - 1
    assert len(found[0]) == len(rows[0])
    assert not left_out
    assert not any("group" in note for note in notes)


def test_lines_of_text_without_the_delimiters_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "sekolah.csv"
    lines = [f"Kelurahan {n};SDN {n:03d};{100 + n};{8 + n}" for n in range(12)]
    lines[6:6] = ["KECAMATAN SAMBUTAN"]
    lines[0:0] = ["Kelurahan;Sekolah;Murid;Guru", "KECAMATAN PALARAN"]
    path.write_bytes(
        ("\r\n".join([*lines, "", ";;Samarinda, 3 Maret 2025", ";;Siti Aminah;"]) + "\r\n").encode()
    )
    found = read(path, duckdb.connect())
    rows = found.relation.fetchall()
    assert found.columns == ["Kelurahan", "Sekolah", "Murid", "Guru", "KECAMATAN"]
    assert [(row[1], row[-1]) for row in rows[5:7]] == [(8, "KECAMATAN PALARAN"), (10, "KECAMATAN SAMBUTAN")]
    assert not found.faults
    assert found.left_out == {"heading of a group, read as a column": 2, "note under the table": 2}


def test_groups_of_a_long_file_are_found_to_its_end(tmp_path: Path) -> None:
    rows = [[n, f"Kelurahan {n}", n, n + 1, 2 * n + 1] for n in range(1, 60_001)]
    grouped = [
        part for at in range(0, 60_000, 200) for part in (["", f"Kecamatan {at}"], *rows[at : at + 200])
    ]
    found, _, left_out = table(book(tmp_path / "a.csv", [HEAD, *grouped]))
    assert left_out == {"heading of a group, read as a column": 300}
    assert len(found) == 60_000
    assert all(row["Kecamatan"] == f"Kecamatan {n // 200 * 200}" for n, row in enumerate(found))


@ENDINGS
def test_from_check_and_infer_to_a_run(
    tmp_path: Path, ending: str, capfd: pytest.CaptureFixture[str]
) -> None:
    places = two_cities(tmp_path / "places")
    folder = places / "prov/town"
    for room in ("contracts", "feeds", "data"):
        (folder / room).mkdir()
    path = book(folder / f"data/penduduk.{ending}", GROUPED)
    capfd.readouterr()
    assert command(["contract", "infer", str(path)]) == 0
    made = yaml.safe_load(capfd.readouterr().out)
    names = {one["name"] for one in made["schema"][0]["properties"]}
    assert {"Kecamatan", "Kelurahan", "Jumlah"} <= names
    contract = folder / "contracts/penduduk.yaml"
    contract.write_text(yaml.safe_dump({**made, "status": "active"}))
    assert command(["check", str(path), "-c", str(contract), "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["rows"] == 6
    assert any("heading of a group" in note for note in report["notes"])
    columns = {one["name"]: one.get("physicalName", one["name"]) for one in made["schema"][0]["properties"]}
    feed = {
        "title": "Penduduk", "source": {"file": f"data/penduduk.{ending}"}, "contract": "penduduk",
        "map": {name: columns[name] for name in names}, "owner": "Dinas",
        "entity": {"id": "urn:ngsi-ld:Penduduk:{Kelurahan}"},
    }  # fmt: skip
    (folder / "feeds/penduduk.yaml").write_text(yaml.safe_dump(feed))
    with Portal(tmp_path / "data", places) as portal:
        run = run_feed(Parts.of(portal.node), "town", "penduduk", author="a test")
        assert (run.stored, run.held) == (6, 0), (run.message, run.summary)
        entity = portal.node.broker.get("urn:ngsi-ld:Penduduk:Makroman")
        assert entity is not None
        assert b"Kecamatan Sambutan" in (entity if isinstance(entity, bytes) else json.dumps(entity).encode())
