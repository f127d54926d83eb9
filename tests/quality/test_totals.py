"""Rows of a file that add up others of it are named, left out by the wizard's feed, and held against their rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from mahakam.cli import run as command
from mahakam.feeds.connecting.documents import feed_document
from mahakam.feeds.connecting.look import look
from mahakam.feeds.connecting.publish import publish
from mahakam.feeds.parts import Parts
from mahakam.quality import note_words
from mahakam.quality.profile import profile
from mahakam.quality.totals import Totals, totals
from support.portal import Portal, two_cities

VILLAGES = """kecamatan,kelurahan,penduduk,rumah,kepadatan
Sambutan,Pulau Atas,1200,300,12.5
Sambutan,Makroman,5400,1100,80
Sambutan,Sindang Sari,3300,800,22.1
Jumlah Sambutan,,9900,2200,38.2
Palaran,Rawa Makmur,9000,2000,88
Palaran,Handil Bakti,7000,1500,12
Palaran,Bukuan,4000,900,31.5
Jumlah Palaran,,20000,4400,43.8
Samarinda Ilir,Selili,6500,1400,99
Samarinda Ilir,Sungai Dama,5200,1200,45
Jumlah Samarinda Ilir,,11700,2600,72
JUMLAH,,41600,9200,48.7
"""
UNNAMED = """No,Wilayah,Laki,Perempuan
1,Pulau Atas,600,601
2,Makroman,2700,2705
3,Sindang Sari,1650,1610
,,4950,4916
4,Rawa Makmur,4500,4521
5,Handil Bakti,3500,3510
,,8000,8031
"""


def found(text: str) -> Totals:
    connection = duckdb.connect()
    lines = [line.split(",") for line in text.strip().split("\n")]
    columns = ", ".join(f'"{name}" VARCHAR' for name in lines[0])
    connection.execute(f"CREATE TABLE t (_row BIGINT, {columns})")
    marks = ", ".join("?" * (len(lines[0]) + 1))
    connection.executemany(
        f"INSERT INTO t VALUES ({marks})", [[n, *row] for n, row in enumerate(lines[1:], 1)]
    )
    return totals(connection, "t", profile(connection, "t", lines[0]))


def rows(made: Totals) -> list[int]:
    return [one.row for one in made.rows]


def test_subtotals_and_the_total_of_all() -> None:
    made = found(VILLAGES)
    assert rows(made) == [4, 8, 11, 12]
    assert [mark.skip["where"]["column"] for mark in made.marks] == ["kecamatan"]
    assert made.wrong == []


def test_totals_that_nothing_names() -> None:
    made = found(UNNAMED)
    assert rows(made) == [4, 7]
    assert [mark.skip["where"] for mark in made.marks] == [{"column": "Wilayah", "blank": True}]


def test_a_total_above_its_rows_and_means() -> None:
    text = "daerah,jiwa\nTotal,60\nA,10\nB,20\nC,30\nRata-rata,20\n"
    assert rows(found(text)) == [1, 5]


def test_a_total_that_is_not_the_sum_is_told() -> None:
    made = found(VILLAGES.replace("Jumlah Palaran,,20000", "Jumlah Palaran,,2000"))
    assert rows(made) == [4, 8, 11, 12]
    assert [(one.row, column, said, right) for one, column, said, right in made.wrong] == [
        (8, "penduduk", 2000, 20000)
    ]


@pytest.mark.parametrize(
    "text",
    [
        # indicators whose names begin so add up nothing
        "uraian,nilai\nJumlah Penduduk,827994\nJumlah Rumah,211032\nLuas Wilayah,718\nJumlah Kelurahan,59\n",
        # nor does a company
        "nama,karyawan\nPT Pertamina,300\nTotal E&P Indonesie,250\nPT Badak,180\nPT Kaltim,90\nChevron,75\n",
        # equal by chance, with one figure to add
        "hari,kasus\nSenin,0\nSelasa,1\nTotal,1\nRabu,4\nKamis,3\nJumat,5\n",
        "kode,n\na,1\nb,2\nc,3\nd,4\n",
    ],
)
def test_what_is_no_total(text: str) -> None:
    assert rows(found(text)) == []


def checked(path: Path, capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capfd.readouterr()
    command(["check", str(path), "--json"])
    out: dict[str, Any] = json.loads(capfd.readouterr().out)
    return out


def test_the_report_names_each_row(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "villages.csv"
    path.write_text(VILLAGES.replace("JUMLAH,,41600", "JUMLAH,,41500"))
    out = checked(path, capfd)
    named = [one["row"] for one in out["failures"] if one["rule"] == "totalRow"]
    assert named == [4, 8, 11, 12]
    notes = [note for note in out["notes"] if "add up" in note]
    assert notes[1] == "row 12 (JUMLAH) says 41,500 in 'penduduk', but its rows add up to 41,600"
    assert [note_words.said(note, "id") != note for note in notes] == [True, True]


def test_the_wizards_feed_leaves_them_out(tmp_path: Path) -> None:
    path = tmp_path / "villages.csv"
    path.write_text(VILLAGES)
    draft = look(path, "town", "siti")
    assert draft.rows == 12
    assert next(c for c in draft.columns if c.name == "penduduk").high == "9000"
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as portal:
        run = publish(Parts.of(portal.node), portal.node.places["town"], draft, path, "siti")
        assert (run.state, run.stored, run.left_out) == ("clean", 8, 4), run.message
        written = portal.node.places["town"].folder / f"feeds/{draft.slug}.yaml"
        assert yaml.safe_load(written.read_text())["source"]["skip"][0]["reason"] == "total"
    draft.totals_out = False
    assert "skip" not in feed_document(draft)["source"]
