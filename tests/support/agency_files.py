"""Files as agencies send them, made up: everything that people and their programs do to a table, and what it says."""

from __future__ import annotations

import datetime as dt
import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyogrio
import shapely
import typst
import xlsxwriter
import xlwt
from xlwt.CompoundDoc import XlsDoc

Cells = Sequence[str | None]


@dataclass(frozen=True)
class Sent:
    """A file and what a person reads in it. ``cells``: of rows by their number from 1; ``notes``: what is said.

    ``faults``: rows whose shape is broken; ``entry``: the file in an archive that is meant.
    """

    name: str
    make: Callable[[Path], object]
    columns: Sequence[str]
    rows: int
    cells: Mapping[int, Cells]
    notes: Sequence[str] = ()
    faults: Sequence[int] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    entry: str = ""


def _bytes(content: bytes | str) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content if isinstance(content, bytes) else content.encode())


# CSV


def _market() -> bytes:
    lines = ["LAPORAN HARGA PASAR;;;;", "Bulan: Maret 2025;;;;", ";;;;"]
    lines.append("Kecamatan;Pasar;Komoditas;Harga (Rp);Berat (kg)")
    for number in range(1, 13):
        name = '"Pasar ""Segiri""\nlantai 2"' if number == 4 else f"Pasar {number}"
        goods = f"Beras – “super” no°{number}"
        lines.append(f"Kec {number % 3};{name};{goods};1.{number:03d}.500;{number},25")
    lines += [
        ";;;;",
        "Keterangan:;;;;",
        "*) harga rata-rata;;;;",
        "Sumber: Dinas Perdagangan;;;;",
        ";;;;",
        ";;;;",
    ]
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


def _residents() -> bytes:
    lines = ["No\tNama\tTanggal\tTanggal\tNilai"]
    for n in range(1, 31):
        lines.append(
            f"{n}\t{chr(34) * (n == 13)}Warga {n}\t{n % 28 + 1:02d}/03/2025\t2025-01-{n % 28 + 1:02d}\t{n * 3}"
        )
    return ("\ufeff" + "\r\n".join([*lines, *["\t" * 4] * 20]) + "\r\n").encode("utf-16-le")


def _villages() -> bytes:
    head = b"sep=;\r\nNo;Kelurahan;Penduduk;;;;Ket\r\n;;Laki-laki;;Perempuan;;\r\n;;2023;2024;2023;2024;\r\n"
    lines = [
        f"{n};Kelurahan {n};{1000 + n};{1010 + n};{900 + n};{910 + n};{'café' * (n % 5 == 0)}"
        for n in range(1, 31)
    ]
    pieces = [line.encode("cp1252" if n % 2 else "utf-8") + b"\r\n" for n, line in enumerate(lines)]
    return head + b"".join(pieces) + b";;;;;;\r\n" * 3


# Spreadsheets


def _population(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("2025")
        border = book.add_format({"border": 1})
        sheet.merge_range("A1:H1", "REKAPITULASI PENDUDUK")
        for area, words in (
            ("A3:A5", "No"), ("B3:B5", "Kecamatan"), ("C3:C5", "Kelurahan"), ("D3:G3", "Penduduk"),
            ("D4:E4", "WNI"), ("F4:G4", "WNA"), ("H3:H5", "Luas"),
        ):  # fmt: skip
            sheet.merge_range(area, words)
        sheet.write_row("D5", ["L", "P", "L", "P"])
        sheet.write_row(5, 0, [f"({n})" for n in range(1, 9)])
        for n in range(24):
            sheet.write_row(
                6 + n, 0, [n + 1, "", f"Kelurahan {n + 1}", 500 + n, 480 + n, n % 3, n % 2, 1.5 * n]
            )
        for group in range(4):
            sheet.merge_range(6 + 6 * group, 1, 11 + 6 * group, 1, f"Kecamatan {group + 1}")
        for n in range(200):
            sheet.write_blank(30 + n, 0, None, border)
        sheet.set_column("F:G", None, None, {"hidden": True})


def _cover(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Petunjuk")
        for n, words in enumerate(["PETUNJUK PENGISIAN", "1. Isi semua kolom", "2. Kirim sebelum tanggal 5"]):
            sheet.write(n, 0, words)
        hidden = book.add_worksheet("Lama")
        hidden.hide()
        hidden.write_row(0, 0, ["a", "b"])
        hidden.write_row(1, 0, [1, 2])
        sheet = book.add_worksheet("Isian")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, ["ID", "Tgl Lapor", "Nilai", "Nilai"])
        for n in range(20):
            sheet.write(n + 1, 0, f"00{n:03d}")
            sheet.write_datetime(n + 1, 1, dt.datetime(2025, 1, 1) + dt.timedelta(days=n), day)
            sheet.write_row(n + 1, 2, [n, 1.5 * n])


def _clinics(path: Path) -> None:
    book = xlwt.Workbook(encoding="cp1252")
    book.dates_1904 = True
    sheet = book.add_sheet("Data")
    sheet.write_merge(0, 0, 0, 4, "PUSKESMAS")
    for area, words in (
        ((2, 3, 0, 0), "No"), ((2, 3, 1, 1), "Nama"), ((2, 2, 2, 3), "Kunjungan"), ((2, 3, 4, 4), "Tanggal"),
    ):  # fmt: skip
        sheet.write_merge(*area, words)
    sheet.write(3, 2, "Baru")
    sheet.write(3, 3, "Lama")
    day = xlwt.easyxf(num_format_str="DD/MM/YYYY")
    for n in range(20):
        for column, value in enumerate([n + 1, f"Puskesmas {n} é", n * 3, n * 2]):
            sheet.write(4 + n, column, value)
        sheet.write(4 + n, 4, dt.date(2024, 1, 1) + dt.timedelta(days=n), day)
    sheet.write(25, 0, "Ket: data sementara")
    book.save(str(path))


def _record(number: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", number, len(content)) + content


def _excel_95(path: Path) -> None:
    """BIFF5 in a compound document, letters of one byte each."""
    rows: list[list[str | float]] = [["DATA KEBAKARAN 1996"], [], ["No", "Jalan", "Kerugian"]]
    rows += [[float(n), f"Jl. Café {n}", n * 100.5] for n in range(1, 21)]
    sheet = _record(0x809, struct.pack("<HHHH", 0x500, 0x10, 0x1234, 1995))
    sheet += _record(0x200, struct.pack("<HHHHH", 0, len(rows), 0, 3, 0))
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if isinstance(value, float):
                sheet += _record(0x203, struct.pack("<HHHd", r, c, 0, value))
            else:
                text = value.encode("cp1252")
                sheet += _record(0x204, struct.pack("<HHHH", r, c, 0, len(text)) + text)
    font = struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0) + b"\x05Arial"
    head = _record(0x809, struct.pack("<HHHH", 0x500, 5, 0x1234, 1995)) + _record(
        0x42, struct.pack("<H", 1252)
    )
    head += _record(0x31, font) + _record(0xE0, struct.pack("<HHHHHHHH", 0, 0, 0xFFF5, 0, 0, 0, 0, 0))
    name = b"Lembar1"
    at = len(head) + 4 + 7 + len(name) + 4
    head += _record(0x85, struct.pack("<IBBB", at, 0, 0, len(name)) + name) + _record(0x0A)
    XlsDoc().save(str(path), head + sheet + _record(0x0A))
    book = path.read_bytes()
    new, old = "Workbook".encode("utf-16-le"), "Book".encode("utf-16-le")
    entry = book.index(new)
    book = book[:entry] + old.ljust(len(new), b"\0") + book[entry + len(new) :]
    path.write_bytes(book[: entry + 64] + struct.pack("<H", len(old) + 2) + book[entry + 66 :])


def _html() -> bytes:
    page = (
        "<meta http-equiv='Content-Type' content='text/html; charset=iso-8859-1'><style>td {color: red}</style>"
        "<table><tr><td>menu</td></tr></table><h3>Laporan Pajak</h3>"
        "<table border=1><tr><th rowspan=2>No<th rowspan=2>Wajib Pajak<th colspan=2>Pajak<tr><th>Pokok<th>Denda</tr>"
    )
    for n in range(1, 21):
        page += f"<tr><td>{n}<td>Toko Café &amp; {n}<br>Jl. Melati</td><td align=right>{n}.250.000,50<td>{n * 3}</tr>"
    return (page + "</table>").encode("latin-1")


def _xml_2003() -> str:
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    page = f'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="{space}" xmlns:ss="{space}">'
    page += '<Worksheet ss:Name="Izin"><Table><Row><Cell ss:MergeAcross="2"><Data ss:Type="String">IZIN</Data></Cell>'
    names = "".join(
        f'<Cell><Data ss:Type="String">{name}</Data></Cell>' for name in ("Nomor", "Pemohon", "Tgl", "Biaya")
    )
    page += f'</Row><Row ss:Index="3">{names}</Row>'
    for n in range(1, 21):
        day = f'<Cell><Data ss:Type="DateTime">2025-01-{n:02d}T00:00:00.000</Data></Cell>' if n % 5 else ""
        page += (
            f'<Row><Cell><Data ss:Type="String">IZ-{n:03d}</Data></Cell>'
            f'<Cell><Data ss:Type="String">PT {n} &amp; Co</Data></Cell>{day}'
            f'<Cell ss:Index="4"><Data ss:Type="Number">{n * 1000}</Data></Cell></Row>'
        )
    return page + "</Table></Worksheet></Workbook>"


_MANIFEST = (
    '<?xml version="1.0"?><m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<m:file-entry m:full-path="/" m:media-type="application/vnd.oasis.opendocument.spreadsheet"/></m:manifest>'
)


def _trees(path: Path) -> None:
    names = {"office": "office", "table": "table", "text": "text"}
    spaces = " ".join(f'xmlns:{k}="urn:oasis:names:tc:opendocument:xmlns:{v}:1.0"' for k, v in names.items())

    def text(words: str, more: str = "") -> str:
        return (
            f'<table:table-cell{more} office:value-type="string"><text:p>{words}</text:p></table:table-cell>'
        )

    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    table = row(text("Data Pohon")) + row('<table:table-cell table:number-columns-repeated="1000"/>')
    spanned = (
        text("Kode", ' table:number-rows-spanned="2"'),
        text("Ukuran", ' table:number-columns-spanned="2"'),
    )
    table += row(*spanned, "<table:covered-table-cell/>", text("Tanggal"))
    table += row("<table:covered-table-cell/>", text("Tinggi"), text("Diameter"), "<table:table-cell/>")
    for n in range(1, 21):
        figures = [
            f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p>'
            "</table:table-cell>"
            for value in (n * 1.5, n)
        ]
        day = f'<table:table-cell office:value-type="date" office:date-value="2025-02-{n:02d}"/>'
        table += row(text(f"P{n:03d}"), *figures, day)
    table += (
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.2">'
            f'<office:body><office:spreadsheet><table:table table:name="Data">{table}</table:table>'
            "</office:spreadsheet></office:body>"
            "</office:document-content>",
        )


# PDF


def _pdf(body: str) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(
        typst.compile(f"#set page(width: 15cm, height: 12cm)\n{body}".encode())
    )


def _pages() -> str:
    rows = "".join(f"[{n}],[Kelurahan {n}],[{n * 10}],[{n * 9}]," for n in range(1, 61))
    header = (
        "table.cell(rowspan:2)[No],table.cell(rowspan:2)[Kelurahan],table.cell(colspan:2)[Penduduk],[L],[P]"
    )
    return f"= Penduduk\n#table(columns:4, table.header({header}), {rows})\nSumber: Disdukcapil"


def _two_tables() -> str:
    first = "".join(f"[K{n}],[Nama yang panjang sekali sampai dibungkus {n}],[{n}.000,5]," for n in range(12))
    other = "".join(f"[N{n}],[Bapak {n}],[III]," for n in range(5))
    tables = f"[Kode],[Nama],[Nilai],{first}", f"[NIP],[Pejabat],[Gol],{other}"
    return "\n\nTabel 2\n".join(f"#table(columns:3,{cells})" for cells in tables)


# JSON, XML


def _records(count: int) -> list[dict[str, object]]:
    return [{"kode": f"K{n}", "nilai": n} for n in range(count)]


def _items() -> bytes:
    items = "".join(
        f'<d:item id="{n}"><d:nama>Café {n}</d:nama>{"<d:telp>1</d:telp><d:telp>2</d:telp>" * (n % 3 > 0)}'
        f'<d:alamat kota="SMD"><d:jalan>J{n}</d:jalan></d:alamat></d:item>'
        for n in range(20)
    )
    head = '<?xml version="1.0" encoding="ISO-8859-1"?><d:data xmlns:d="http://x"><d:meta><d:judul>Café</d:judul></d:meta>'
    return f"{head}<d:daftar>{items}</d:daftar></d:data>".encode("latin-1")


# Maps


def _point(n: int) -> dict[str, object]:
    return {"type": "Point", "coordinates": [117 + n / 1000, -0.5]}


def _feature(n: int, geometry: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": geometry, "properties": {"kode": f"K{n}", "tinggi": n * 2}}


def _utm() -> str:
    features = [_feature(n, {"type": "Point", "coordinates": [517000 + n, 9945000]}) for n in range(20)]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32750"}}
    return "\ufeff" + json.dumps({"type": "FeatureCollection", "crs": crs, "features": features})


def _shapes(folder: str, *, upper: bool, projected: bool) -> Callable[[Path], object]:
    """A shapefile in a .zip, in a folder of its own, without the file that says its encoding."""

    def make(path: Path) -> None:
        inside = path.with_suffix(".d")
        inside.mkdir()
        points = [
            shapely.Point(517000 + n, 9945000) if projected else shapely.Point(117 + n / 1000, -0.5)
            for n in range(20)
        ]
        names = np.array([f"Café {n}" for n in range(20)], object)
        pyogrio.raw.write(
            inside / "jalan.shp", np.array(shapely.to_wkb(points), object), [names], ["NAMA"], driver="ESRI Shapefile",
            crs="EPSG:32750" if projected else "EPSG:4326", geometry_type="Point", encoding="UTF-8",
        )  # fmt: skip
        with zipfile.ZipFile(path, "w") as archive:
            for each in inside.iterdir():
                if each.suffix != ".cpg" and (projected or each.suffix != ".prj"):
                    archive.write(each, folder + (each.name.upper() if upper else each.name))
            archive.writestr(f"{folder}baca saya.txt", "hai")

    return make


def _kml() -> str:
    marks = "".join(
        f"<Placemark><name>CCTV {n}</name><ExtendedData><Data name='status'><value>{'aktif' * (n % 2)}</value></Data>"
        f"</ExtendedData><Point><coordinates>117.{n:02d},-0.5,0</coordinates></Point></Placemark>"
        for n in range(10)
    )
    return (
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>CCTV</name>'
        f"<Folder><name>Ulu</name>{marks}</Folder></Document></kml>"
    )


def _kmz(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("doc.kml", _kml())
        archive.writestr("files/icon.png", b"\x89PNG")


def _kml_folders() -> str:
    def folder(name: str, inside: str) -> str:
        return f"<Folder><name>{name}</name>{inside}</Folder>"

    def mark(name: str, at: float, status: str = "") -> str:
        more = f"<ExtendedData><Data name='status'><value>{status}</value></Data></ExtendedData>" * bool(
            status
        )
        point = f"<Point><coordinates>{at:.3f},-0.5,0</coordinates></Point>"
        return f"<Placemark><name>{name}</name>{more}{point}</Placemark>"

    folders = "".join(
        folder(
            f"Kecamatan {k}",
            folder("Rawan", "".join(mark(f"Titik {k}{n}", 117 + n / 100, "aktif") for n in range(8)))
            + folder("Kosong", "")
            + folder("Pompa", mark(f"Pompa {k}", 117.5)),
        )
        for k in (1, 2)
    )
    return (
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>Banjir</name>'
        f"{folders}</Document></kml>"
    )


def _envelope() -> bytes:
    """An answer of an interface: the records of a page, and lists of what it tells of itself."""
    page = {"current_page": 1, "items": _records(30), "links": [{"url": None, "label": "prev"}] * 5}
    return json.dumps({"success": True, "filters": [{"id": 1}], "data": page}).encode()


def _gtfs(path: Path) -> None:
    stops = "".join(f'{n:03d},"Halte ""{n}""",-0.5{n:02d},117.{n:02d}\r\n' for n in range(15))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("feed/stops.txt", f"\ufeffstop_id,stop_name,stop_lat,stop_lon\r\n{stops}")
        archive.writestr("feed/routes.txt", "route_id,route_short_name\r\n1,A\r\n")
        archive.writestr("feed/.DS_Store", "x")


def _zipped_book(path: Path) -> None:
    inner = io.BytesIO()
    with xlsxwriter.Workbook(inner) as book:
        sheet = book.add_worksheet()
        for n, row in enumerate([["kode", "nama"], *([f"K{n}", f"Nama {n}"] for n in range(10))]):
            sheet.write_row(n, 0, row)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/._data.xlsx", b"\x00")
        archive.writestr("Laporan 2025/data.xlsx", inner.getvalue())


KN = ["kode", "nilai"]
FILES: list[Sent] = [
    Sent(
        "harga pasar.csv",
        _bytes(_market()),
        ["Kecamatan", "Pasar", "Komoditas", "Harga (Rp)", "Berat (kg)"],
        12,
        {
            1: ["Kec 1", "Pasar 1", "Beras – “super” no°1", "1.001.500", "1,25"],
            4: ["Kec 1", 'Pasar "Segiri"\nlantai 2'],
        },
        ["read as cp1252", "3 rows above the header"],
        left_out={"note under the table": 3},
    ),
    Sent(
        "warga.txt",
        _bytes(_residents()),
        ["No", "Nama", "Tanggal", "Tanggal (2)", "Nilai"],
        30,
        {14: ["14", "Warga 14"], 30: ["30", "Warga 30", "03/03/2025", "2025-01-03", "90"]},
        faults=[13],
    ),
    Sent(
        "kelurahan.csv",
        _bytes(_villages()),
        [
            "No",
            "Kelurahan",
            "Penduduk Laki-laki 2023",
            "Penduduk Laki-laki 2024",
            "Penduduk Perempuan 2023",
            "Penduduk Perempuan 2024",
            "Ket",
        ],
        30,
        {
            5: ["5", "Kelurahan 5", "1005", "1015", "905", "915", "café"],
            10: ["10", "Kelurahan 10", "1010", "1020", "910", "920", "café"],
        },
        ["two encodings in one file: 3 lines read as cp1252", "header joined from rows 2 to 4"],
    ),
    Sent(
        "penduduk.xlsx",
        _population,
        [
            "No",
            "Kecamatan",
            "Kelurahan",
            "Penduduk WNI L",
            "Penduduk WNI P",
            "Penduduk WNA L",
            "Penduduk WNA P",
            "Luas",
        ],
        24,
        {
            1: ["1", "Kecamatan 1", "Kelurahan 1", "500", "480", "0", "0", "0"],
            12: ["12", "Kecamatan 2"],
            24: ["24", "Kecamatan 4"],
        },
        ["row 6 numbers the columns", "merged cells in column B"],
    ),
    Sent(
        "isian.xlsx",
        _cover,
        ["ID", "Tgl Lapor", "Nilai", "Nilai (2)"],
        20,
        {2: ["00001", "2025-01-02", "1", "1.5"]},
        ["has 2 sheets: read 'Isian'"],
    ),
    Sent(
        "puskesmas.xls",
        _clinics,
        ["No", "Nama", "Kunjungan Baru", "Kunjungan Lama", "Tanggal"],
        20,
        {2: ["2", "Puskesmas 1 é", "3", "2", "2024-01-02"]},
        left_out={"note under the table": 1},
    ),
    Sent("kebakaran.xls", _excel_95, ["No", "Jalan", "Kerugian"], 20, {2: ["2", "Jl. Café 2", "201"]}),
    Sent(
        "pajak.xls",
        _bytes(_html()),
        ["No", "Wajib Pajak", "Pajak Pokok", "Pajak Denda"],
        20,
        {3: ["3", "Toko Café & 3 Jl. Melati", "3.250.000,50", "9"]},
        ["is an HTML page, although it is named .xls", "2 tables: read the largest, number 2"],
    ),
    Sent(
        "izin.xls",
        _bytes(_xml_2003()),
        ["Nomor", "Pemohon", "Tgl", "Biaya"],
        20,
        {1: ["IZ-001", "PT 1 & Co", "2025-01-01", "1000"], 5: ["IZ-005", "PT 5 & Co", None, "5000"]},
    ),
    Sent(
        "rt.xls",
        _bytes("kode\tnama\tjumlah\r\n" + "".join(f"{n}\tRT {n}\t{n * 2}\r\n" for n in range(1, 21))),
        ["kode", "nama", "jumlah"],
        20,
        {20: ["20", "RT 20", "40"]},
        ["is plain text, although it is named .xls"],
    ),
    Sent(
        "pohon.ods",
        _trees,
        ["Kode", "Ukuran Tinggi", "Ukuran Diameter", "Tanggal"],
        20,
        {3: ["P003", "4.5", "3", "2025-02-03"]},
        ["header joined from rows 3 to 4"],
    ),
    Sent("laporan.zip", _zipped_book, ["kode", "nama"], 10, {10: ["K9", "Nama 9"]}),
    Sent(
        "penduduk.pdf",
        _pdf(_pages()),
        ["No", "Kelurahan", "Penduduk L", "Penduduk P"],
        60,
        {1: ["1", "Kelurahan 1", "10", "9"], 60: ["60", "Kelurahan 60", "600", "540"]},
        ["header joined from rows 1 to 2"],
    ),
    Sent(
        "dua tabel.pdf",
        _pdf(_two_tables()),
        ["Kode", "Nama", "Nilai"],
        12,
        {12: ["K11", "Nama yang panjang sekali sampai dibungkus 11", "11.000,5"]},
        ["holds 2 tables"],
        left_out={"second table under the first": 6},
    ),
    Sent(
        "bps.json",
        _bytes(json.dumps({"status": "OK", "data": [{"page": 1, "total": 2}, _records(20)]})),
        KN,
        20,
        {2: ["K1", "1"]},
        ["records read from 'data.1'"],
    ),
    Sent(
        "kolom.json",
        _bytes(json.dumps({name: {str(n): row[name] for n, row in enumerate(_records(9))} for name in KN})),
        KN,
        9,
        {9: ["K8", "8"]},
        ["read row by row"],
    ),
    Sent(
        "kunci.json",
        _bytes(json.dumps({f"64.72.{n:02d}": {"nama": f"Kec {n}", "jiwa": n} for n in range(1, 11)})),
        ["key", "nama", "jiwa"],
        10,
        {3: ["64.72.03", "Kec 3", "3"]},
        ["objects by their key"],
    ),
    Sent(
        "amplop.json",
        _bytes(_envelope()),
        list(_records(1)[0]),
        30,
        {},
        ["records read from 'data.items'"],
    ),
    Sent("daftar.json", _bytes(json.dumps([KN, *([f"K{n}", n] for n in range(9))])), KN, 9, {1: ["K0", "0"]}),
    Sent(
        "tabel.json",
        _bytes(json.dumps({"columns": KN, "rows": [[f"K{n}", n] for n in range(9)]})),
        KN,
        9,
        {9: ["K8", "8"]},
    ),
    Sent(
        "dalam.json",
        _bytes(json.dumps({"result": {"ok": True, "tags": ["a"], "page": {"items": _records(9)}}})),
        KN,
        9,
        {9: ["K8", "8"]},
        ["records read from 'result.page.items'"],
    ),
    Sent(
        "utf16.json",
        _bytes(("\ufeff" + json.dumps(_records(9), indent=1)).encode("utf-16-le")),
        KN,
        9,
        {9: ["K8", "8"]},
    ),
    Sent(
        "terputus.jsonl",
        _bytes("\n".join(map(json.dumps, _records(9))) + '\n{"kode": "K9", "ni'),
        KN,
        10,
        {9: ["K8", "8"]},
        faults=[10],
    ),
    Sent(
        "daftar.xml",
        _bytes(_items()),
        ["id", "nama", "alamat.kota", "alamat.jalan", "telp"],
        20,
        {2: ["1", "Café 1", "SMD", "J1", '["1","2"]']},
    ),
    Sent(
        "atribut.xml",
        _bytes("<rows>" + "".join(f'<row kode="K{n}" nilai="{n},5"/>' for n in range(9)) + "</rows>"),
        KN,
        9,
        {9: ["K8", "8,5"]},
    ),
    Sent(
        "soap.xml",
        _bytes(
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><R><Set>'
            + "".join(f"<Table><ID>{n}</ID><NAMA>N &amp; {n}</NAMA></Table>" for n in range(12))
            + "</Set></R></s:Body></s:Envelope>"
        ),
        ["ID", "NAMA"],
        12,
        {1: ["0", "N & 0"]},
    ),
    Sent(
        "utm.geojson",
        _bytes(_utm()),
        ["kode", "tinggi", "_geometry"],
        20,
        {2: ["K1", "2"]},
        ["brought from the coordinate system urn:ogc:def:crs:EPSG::32750"],
    ),
    Sent(
        "baris.geojson",
        _bytes("\n".join(json.dumps(_feature(n, _point(n))) for n in range(20))),
        ["kode", "tinggi", "_geometry"],
        20,
        {2: ["K1", "2", '{"type":"Point","coordinates":[117.001,-0.5]}']},
    ),
    Sent(
        "tanpa tempat.geojson",
        _bytes(
            json.dumps(
                {
                    "type": "FeatureCollection",
                    "features": [_feature(n, _point(n) if n % 5 else None) for n in range(20)],
                }
            )
        ),
        ["kode", "tinggi", "_geometry"],
        20,
        {1: ["K0", "0", None]},
        ["no value in 4 of 20 rows"],
    ),
    Sent(
        "jalan.zip",
        _shapes("Data Jalan/", upper=True, projected=True),
        ["NAMA", "_geometry"],
        20,
        {2: ["Café 1"]},
        ["brought from the coordinate system EPSG:32750", "its letters are read as UTF-8"],
    ),
    Sent(
        "jalan2.zip",
        _shapes("", upper=False, projected=False),
        ["NAMA", "_geometry"],
        20,
        {2: ["Café 1"]},
        ["names no coordinate system"],
    ),
    Sent("cctv.kml", _bytes(_kml()), ["Name", "status", "_geometry"], 10, {2: ["CCTV 1", "aktif"]}),
    Sent("cctv.kmz", _kmz, ["Name", "status", "_geometry"], 10, {1: ["CCTV 0", None]}),
    Sent(
        "folder.kml",
        _bytes(_kml_folders()),
        ["Name", "status", "folder", "_geometry"],
        18,
        {
            1: ["Titik 10", "aktif", "Kecamatan 1 / Rawan"],
            9: ["Pompa 1", None, "Kecamatan 1 / Pompa"],
            18: ["Pompa 2", None, "Kecamatan 2 / Pompa"],
        },
        ["has 4 folders: read all of them"],
    ),
    Sent(
        "gtfs.zip",
        _gtfs,
        ["stop_id", "stop_name", "stop_lat", "stop_lon"],
        15,
        {2: ["001", 'Halte "1"', "-0.501", "117.01"]},
        entry="stops.txt",
    ),
]
