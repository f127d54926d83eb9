"""Formats beside CSV, XLSX and JSON: each from a real file of its kind, written here by another program's library."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
import xlwt
from pyproj import CRS, Transformer
from shapely import Point

from mahakam.feeds.sources import SourceError, Table, read
from mahakam.quality import note_words

POINTS = [shapely.Point(500_000, 9_945_000), shapely.Point(501_000, 9_946_000)]
"""In UTM zone 50 south: near 117° E, 0.5° S."""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def rows(table: Table) -> list[dict[str, Any]]:
    names = table.relation.columns
    return [dict(zip(names, row, strict=True)) for row in table.relation.order("_row").fetchall()]


def test_parquet_keeps_types_as_text(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    moment = pa.array([1_700_000_000_000_000, None], pa.timestamp("us", tz="Asia/Makassar"))
    pq.write_table(
        pa.table({"n": [1, 2], "x": [0.5, None], "t": ["", "a"], "when": moment, "list": [[1, 2], None]}),
        path,
    )
    table = read(path, connection)
    assert table.info.format == "parquet"
    assert rows(table) == [
        {"_row": 1, "_line": 1, "n": "1", "x": "0.5", "t": None,
         "when": "2023-11-14T22:13:20.000000Z", "list": "[1,2]"},
        {"_row": 2, "_line": 2, "n": "2", "x": None, "t": "a", "when": None, "list": None},
    ]  # fmt: skip


def test_a_damaged_parquet_file_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and then nothing of the kind")
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        read(path, connection)


def map_file(path: Path, driver: str, crs: str, shapes: list[Any]) -> Path:
    columns = [np.array(["Pasar", "Balai"], object), np.array([4, 2])]
    wkb = np.array([shapely.to_wkb(shape) for shape in shapes], object)
    pyogrio.raw.write(
        path, wkb, columns, ["nama", "kursi"], driver=driver, crs=crs, geometry_type="Point", encoding="UTF-8"
    )
    return path


def stops(table: Table) -> list[tuple[Any, ...]]:
    return [
        (row["nama"], row["kursi"], [round(n, 3) for n in json.loads(row["_geometry"])["coordinates"]])
        for row in rows(table)
    ]


WANTED = [("Pasar", "4", [117.0, -0.498]), ("Balai", "2", [117.009, -0.489])]


def test_a_geopackage_is_brought_to_degrees(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    table = read(map_file(tmp_path / "a.gpkg", "GPKG", "EPSG:32750", POINTS), connection)
    assert stops(table) == WANTED
    assert table.info.sheet == "a"
    assert "brought from the coordinate system EPSG:32750" in " ".join(table.info.notes)


def test_a_shapefile_comes_in_a_zip(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "shape"
    folder.mkdir()
    map_file(folder / "halte.shp", "ESRI Shapefile", "EPSG:32750", POINTS)
    path = tmp_path / "halte.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each in folder.iterdir():
            archive.write(each, each.name)
    table = read(path, connection)
    assert table.info.format == "vector"
    assert stops(table) == WANTED


def test_kml(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.kml"
    path.write_text(
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>Pasar</name>'
        "<Point><coordinates>117.0,-0.5,3</coordinates></Point></Placemark></Document></kml>"
    )
    (row,) = rows(read(path, connection))
    assert row["Name"] == "Pasar"
    assert json.loads(row["_geometry"]) == {"type": "Point", "coordinates": [117.0, -0.5]}


def test_a_layer_that_is_not_there(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = map_file(tmp_path / "a.gpkg", "GPKG", "EPSG:32750", POINTS)
    with pytest.raises(SourceError, match="has no layer 'b'; it has 'a'"):
        read(path, connection, sheet="b")


XML = """<?xml version="1.0" encoding="UTF-8"?>
<hasil xmlns="urn:x"><meta><jumlah>2</jumlah></meta><data>
  <halte kode="A1"><nama>Pasar &amp; Pagi</nama><letak><lon>117.0</lon></letak><rute>1</rute><rute>2</rute></halte>
  <halte kode="A2"><nama/></halte>
</data></hasil>"""


def test_xml_reads_what_repeats(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(XML)
    table = read(path, connection)
    assert "records read from 'hasil.data.halte'" in table.info.notes[0]
    assert rows(table) == [
        {
            "_row": 1,
            "_line": 1,
            "kode": "A1",
            "nama": "Pasar & Pagi",
            "letak.lon": "117.0",
            "rute": '["1","2"]',
        },
        {"_row": 2, "_line": 2, "kode": "A2", "nama": None, "letak.lon": None, "rute": None},
    ]
    pinned = read(path, connection, records="hasil.meta")
    assert [row["jumlah"] for row in rows(pinned)] == ["2"]
    with pytest.raises(SourceError, match=r"has no 'kota' on the way 'hasil.kota'; there is: meta, data"):
        read(path, connection, records="hasil.kota")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<?xml version='1.0'?><a><b></a>", "not well-formed XML.*|line 1"),
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xx">]><a>&x;</a>', "entities of its own"),
        ("<?xml version='1.0' encoding='nope'?><a/>", "encoding|well-formed"),
    ],
)
def test_bad_xml_is_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(SourceError, match=said):
        read(path, connection)


def pdf(path: Path, pages: list[list[list[str]]], *, ruled: bool = True) -> Path:
    """A PDF with a table a page."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    kids = []
    objects.append(font)
    for table in pages:
        draw = []
        for r, cells in enumerate(table):
            for c, cell in enumerate(cells):
                x, y = 50 + 100 * c, 700 - 20 * r
                rule = f"{x} {y} 100 20 re S " if ruled else ""
                draw.append(f"{rule}BT /F1 10 Tf {x + 4} {y + 6} Td ({cell}) Tj ET")
        stream = "\n".join(draw).encode()
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        content = len(objects)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % content
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    path.write_bytes(out)
    return path


def test_the_tables_of_a_pdf_are_joined(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    head = ["kode", "nama", "kursi"]
    path = pdf(tmp_path / "a.pdf", [[head, ["A1", "Pasar", "4"]], [head, ["A2", "Balai", "2"]]])
    table = read(path, connection)
    assert [(row["kode"], row["nama"], row["kursi"]) for row in rows(table)] == [
        ("A1", "Pasar", "4"),
        ("A2", "Balai", "2"),
    ]
    assert "joined 2 tables" in table.info.notes
    second = read(path, connection, sheet="2")
    assert [row["kode"] for row in rows(second)] == ["A2"]
    with pytest.raises(SourceError, match="has no page '3'; it has pages 1 to 2"):
        read(path, connection, sheet="3")


def test_a_pdf_without_a_table_and_a_damaged_one(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="a scan"):
        read(pdf(tmp_path / "a.pdf", [[]]), connection)
    broken = tmp_path / "b.pdf"
    broken.write_bytes(b"%PDF-1.4\nnothing more")
    with pytest.raises(SourceError, match="cannot be read as a PDF"):
        read(broken, connection)


def test_a_table_without_ruled_lines(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    head = ["kode", "nama pasar", "kursi"]
    page = [["DAFTAR PASAR KOTA SAMARINDA TAHUN 2025"], head]
    page += [[f"A{n}", f"Pasar Pagi {n}" if n != 3 else "", str(4 * n)] for n in range(1, 7)]
    last = [
        head,
        *([f"B{n}", f"Balai {n}", str(n)] for n in range(1, 5)),
        ["Sumber: Dinas Perdagangan, diolah"],
    ]
    table = read(pdf(tmp_path / "a.pdf", [page, last], ruled=False), connection)
    assert table.columns == head
    assert [row["kode"] for row in rows(table)] == [
        *(f"A{n}" for n in range(1, 7)),
        *(f"B{n}" for n in range(1, 5)),
    ]
    assert [row["nama pasar"] for row in rows(table)][:4] == [
        "Pasar Pagi 1",
        "Pasar Pagi 2",
        None,
        "Pasar Pagi 4",
    ]
    (note,) = [note for note in table.info.notes if "ruled" in note]
    assert note_words.said(note, "id") != note
    letter = [[f"Dengan hormat, kami sampaikan laporan nomor {n}"] for n in range(9)]
    with pytest.raises(SourceError, match="has no table"):
        read(pdf(tmp_path / "b.pdf", [letter], ruled=False), connection)


@pytest.mark.parametrize("crs", ["", "EPSG:32750"])
def test_the_geometry_of_geoparquet(connection: duckdb.DuckDBPyConnection, tmp_path: Path, crs: str) -> None:
    points = [(117.15, -0.5), None, (117.2, -0.45)]
    made = [None if one is None else Point(*one) for one in points]
    if crs:
        transform = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
        made = [None if one is None else shapely.transform(one, transform, interleaved=False) for one in made]
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Point"]}
    if crs:
        column["crs"] = CRS.from_user_input(crs).to_json_dict()
    geo = {"version": "1.1.0", "primary_column": "shape", "columns": {"shape": column}}
    cells = [None if one is None else one.wkb for one in made]
    stored = pa.table({"kode": ["A", "B", "C"], "shape": pa.array(cells, pa.binary())})
    pq.write_table(stored.replace_schema_metadata({"geo": json.dumps(geo)}), tmp_path / "a.parquet")
    table = read(tmp_path / "a.parquet", connection)
    assert table.columns == ["kode", "_geometry"]
    found = [row["_geometry"] and json.loads(row["_geometry"])["coordinates"] for row in rows(table)]
    assert found[1] is None
    assert [[round(x, 6) for x in one] for one in found if one] == [[117.15, -0.5], [117.2, -0.45]]
    assert any("coordinate system" in note for note in table.info.notes) == bool(crs)
    column["encoding"] = "point"
    pq.write_table(stored.replace_schema_metadata({"geo": json.dumps(geo)}), tmp_path / "b.parquet")
    with pytest.raises(SourceError, match="write it with the encoding WKB"):
        read(tmp_path / "b.parquet", connection)


def test_xls_of_the_nineties(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for r, cells in enumerate([["kode", "nama", "kursi"], ["A1", "Pasar", 4], ["A2", "Balai", 2.5]]):
        for c, cell in enumerate(cells):
            sheet.write(r, c, cell)
    path = tmp_path / "a.xls"
    book.save(str(path))
    assert [(row["kode"], row["kursi"]) for row in rows(read(path, connection))] == [
        ("A1", "4"),
        ("A2", "2.5"),
    ]


def test_ods(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    cells = [["kode", "nama"], ["A1", "Pasar"], ["A2", "Balai"]]
    body = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>'
            for c in row
        )
        + "</table:table-row>"
        for row in cells
    )
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet>'
            f'<table:table table:name="Data">{body}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )
    assert [row["kode"] for row in rows(read(path, connection))] == ["A1", "A2"]


def test_gtfs_is_a_zip_of_tables(connection: duckdb.DuckDBPyConnection) -> None:
    path = next((Path(__file__).parents[2] / "examples").rglob("*gtfs*.zip"))
    table = read(path, connection, entry="stops.txt")
    assert {"stop_id", "stop_lat", "stop_lon"} <= set(table.columns)
    assert table.info.entry.endswith("stops.txt")
