"""CSV as agencies write it: what a person sees in the file is what the table holds, row by row and line by line."""

from __future__ import annotations

import csv
import gzip
import io
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.feeds.sources import SourceError
from mahakam.feeds.sources.csvrows import records
from support.sources import EXAMPLES, cells, read, rows, written

STOPS = [("S1", "Pasar Pagi", "4"), ("S2", "Kantor Wali Kota", "12"), ("S3", "Tepian", "7")]


def table_text(delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in (("kode", "nama", "kursi"), *STOPS))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    table = read(written(tmp_path, "halte.csv", table_text(delimiter)))
    assert table.info.delimiter == delimiter
    assert table.columns == ["kode", "nama", "kursi"]
    assert rows(table) == [(i, i + 1, *row) for i, row in enumerate(STOPS, 1)]


@pytest.mark.parametrize(
    ("written_as", "delimiter"), [("tab", "\t"), ("\\t", "\t"), ("\t", "\t"), ("~", "~")]
)
def test_a_delimiter_can_be_pinned(tmp_path: Path, written_as: str, delimiter: str) -> None:
    path = written(tmp_path, "halte.txt", table_text(delimiter))
    assert cells(read(path, delimiter=written_as)) == STOPS


@pytest.mark.parametrize("delimiter", ["||", '"', "\n", "§"])
def test_a_delimiter_that_cannot_be_one_is_refused(tmp_path: Path, delimiter: str) -> None:
    path = written(tmp_path, "halte.csv", table_text())
    with pytest.raises(SourceError, match="delimiter"):
        read(path, delimiter=delimiter)


def test_commas_inside_cells_do_not_outvote_the_semicolon(tmp_path: Path) -> None:
    text = "kode;alamat\n" + "".join(f"{i};Jl. Awang Long, RT {i}, Samarinda\n" for i in range(40))
    table = read(written(tmp_path, "alamat.csv", text))
    assert table.columns == ["kode", "alamat"]
    assert rows(table)[7] == (8, 9, "7", "Jl. Awang Long, RT 7, Samarinda")


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, told: str, end: str) -> None:
    # long enough that accented letters stay rare, as they are in real files
    body = "".join(f"S{i};Kampung Melayu;{i}{end}" for i in range(40))
    text = f"kode;nama;kursi{end}E1;Café d’Été – São Paulo;4{end}{body}"
    table = read(written(tmp_path, "halte.csv", text.encode(encoding)))
    assert table.info.encoding == told
    assert table.info.newline == {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}[end]
    assert table.columns == ["kode", "nama", "kursi"]
    assert rows(table)[0] == (1, 2, "E1", "Café d’Été – São Paulo", "4")
    assert rows(table)[40] == (41, 42, "S39", "Kampung Melayu", "39")
    assert len(rows(table)) == 41


def test_a_guessed_encoding_is_told(tmp_path: Path) -> None:
    table = read(
        written(tmp_path, "a.csv", ("kode,nama\n" + "A,Jalan Raya\n" * 20 + "B,Café\n").encode("cp1252"))
    )
    assert any("cp1252" in note for note in table.info.notes)


def test_a_pinned_encoding_wins(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "kode,nama\nA,Ðorđe\n".encode("cp1250", "replace"))
    assert cells(read(path, encoding="cp1250")) == [("A", "?orđe")]


def test_broken_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "kode,nama\nA,Café\nB,Été\n".encode() + b"C,caf\x81\n")
    with pytest.raises(SourceError, match=r"a\.csv, line 4: is broken UTF-8"):
        read(path)


def test_bytes_that_are_not_of_the_pinned_encoding_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", b"kode,nama\nA,caf\xe9\n")
    with pytest.raises(SourceError, match=r"line 2.*0xE9"):
        read(path, encoding="utf-8")
    with pytest.raises(SourceError, match=r"encoding 'klingon' is not known"):
        read(path, encoding="klingon")


def test_mixed_line_ends_are_all_ends(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.csv", "kode,n\nA,1\r\nB,2\rC,3\n"))
    assert rows(table) == [(1, 2, "A", "1"), (2, 3, "B", "2"), (3, 4, "C", "3")]
    assert any("mixed" in note for note in table.info.notes)


def test_a_last_line_without_an_end_is_a_row(tmp_path: Path) -> None:
    assert cells(read(written(tmp_path, "a.csv", "kode,n\nA,1\nB,2"))) == [("A", "1"), ("B", "2")]


def test_real_file_with_bare_carriage_returns() -> None:
    path = EXAMPLES / "ascn/jakarta/data/jakarta_area_codes_2014_cr_newlines.csv"
    table = read(path)
    expected = list(csv.reader(path.read_text().splitlines()))
    assert table.info.newline == "CR"
    assert table.columns == expected[0]
    assert rows(table) == [
        (i, i + 1, *(cell or None for cell in row)) for i, row in enumerate(expected[1:], 1)
    ]
    assert len(rows(table)) == 267


@pytest.mark.parametrize("year", [2015, 2017, 2019, 2021, 2023])
def test_real_header_over_three_rows(year: int) -> None:
    table = read(EXAMPLES / f"kaltim/data/crimes-per-regional-police-{year}.csv")
    assert table.info.header_rows == (1, 3)
    assert table.columns == [
        "Kepolisian Daerah",
        f"Jumlah Tindak Pidana Menurut Kepolisian Daerah {year}",
    ]
    first = rows(table)[0]
    assert first[:3] == (1, 4, "ACEH")
    assert str(first[3]).isdecimal()


def test_a_pinned_header_joins_its_rows(tmp_path: Path) -> None:
    text = "Laporan\nWilayah;Laki-laki;;Perempuan;\n;2020;2021;2020;2021\nIlir;1;2;3;4\nUlu;5;6;7;8\n"
    table = read(written(tmp_path, "a.csv", text), header="2-3", delimiter=";")
    assert table.columns == [
        "Wilayah", "Laki-laki 2020", "Laki-laki 2021", "Perempuan 2020", "Perempuan 2021",
    ]  # fmt: skip
    assert rows(table) == [(1, 4, "Ilir", "1", "2", "3", "4"), (2, 5, "Ulu", "5", "6", "7", "8")]


def test_a_header_under_a_title_is_found(tmp_path: Path) -> None:
    text = "DATA HALTE KOTA SAMARINDA\nDinas Perhubungan 2024\n\nkode,nama,kursi\nS1,Pasar,4\nS2,Balai,5\n"
    table = read(written(tmp_path, "a.csv", text))
    assert table.columns == ["kode", "nama", "kursi"]
    assert table.info.header_rows == (4, 4)
    assert rows(table) == [(1, 5, "S1", "Pasar", "4"), (2, 6, "S2", "Balai", "5")]
    assert any("above the header" in note for note in table.info.notes)


def test_no_header_is_noticed_and_loses_no_row(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.csv", "2024-01-01,12,3.5\n2024-01-02,13,4.5\n2024-01-03,11,2.5\n"))
    assert table.columns == ["column 1", "column 2", "column 3"]
    assert rows(table)[0] == (1, 1, "2024-01-01", "12", "3.5")
    assert len(rows(table)) == 3


def test_a_first_row_of_one_two_three_is_data(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.csv", "rt,rw,kk\n1,2,3\n4,1,60\n2,2,41\n"))
    assert rows(table) == [(1, 2, "1", "2", "3"), (2, 3, "4", "1", "60"), (3, 4, "2", "2", "41")]


def test_header_zero_with_names_of_the_feed(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "Pasar,Balai\nTepian,Ilir\n")
    table = read(path, header=0, columns=["dari", "ke"])
    assert table.columns == ["dari", "ke"]
    assert rows(table) == [(1, 1, "Pasar", "Balai"), (2, 2, "Tepian", "Ilir")]


def test_too_few_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has 3 columns, but the feed's columns names 2"):
        read(written(tmp_path, "a.csv", table_text()), columns=["a", "b"])


@pytest.mark.parametrize("header", ["9", "0-2", "3-1", "kode", "-1"])
def test_a_header_that_the_file_does_not_have_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(SourceError, match="header"):
        read(written(tmp_path, "a.csv", table_text()), header=header)


def test_only_a_header_is_a_table_without_rows(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.csv", "kode,nama,kursi\n"))
    assert table.columns == ["kode", "nama", "kursi"]
    assert rows(table) == []


def test_ragged_rows_are_kept_and_in_doubt(tmp_path: Path) -> None:
    table = read(
        written(tmp_path, "a.csv", "kode,nama,kursi\nS1,Pasar,4\nS2,Balai\nS3,Ulu,5,lebih\nS4,Ilir,6\n")
    )
    assert rows(table) == [
        (1, 2, "S1", "Pasar", "4"),
        (2, 3, "S2", "Balai", None),
        (3, 4, "S3", "Ulu", "5"),
        (4, 5, "S4", "Ilir", "6"),
    ]
    few, many = table.faults
    assert (few.row, few.line, few.value) == (2, 3, "S2,Balai")
    assert "2 cells, fewer" in few.problem
    assert (many.row, many.line, many.value) == (3, 4, "S3,Ulu,5,lebih")
    assert "4 cells, more" in many.problem


@pytest.mark.parametrize("after", [1, 5, 1000])
def test_a_quote_that_never_closes_costs_its_own_row_only(tmp_path: Path, after: int) -> None:
    rest = "".join(f"S{i},Halte {i},{i}\n" for i in range(after))
    table = read(written(tmp_path, "a.csv", f'kode,nama,kursi\nX1,"Pasar,4\n{rest}'))
    found = rows(table)
    assert len(found) == after + 1
    assert found[1:] == [(i + 2, i + 3, f"S{i}", f"Halte {i}", str(i)) for i in range(after)]
    (fault,) = table.faults
    assert (fault.row, fault.line) == (1, 2)
    assert "quote" in fault.problem


def test_two_stray_quotes_do_not_swallow_the_rows_between(tmp_path: Path) -> None:
    middle = "".join(f"S{i},Halte {i},{i}\n" for i in range(5))
    table = read(written(tmp_path, "a.csv", f'kode,nama,kursi\nA,"Pasar,4\n{middle}B,Pipa 12",5\nC,Ulu,6\n'))
    codes = [row[2] for row in rows(table)]
    assert codes == ["A", "S0", "S1", "S2", "S3", "S4", "B", "C"]
    assert [fault.line for fault in table.faults] == [2, 8]


def test_a_cell_over_several_lines_is_one_cell(tmp_path: Path) -> None:
    text = 'kode,alamat,kursi\nS1,"Jl. Awang Long\nRT 3, RW 2, Kel. Bugis\nSamarinda",4\nS2,Ulu,5\n\nS3,"a\nb",6\n'
    table = read(written(tmp_path, "a.csv", text))
    assert rows(table) == [
        (1, 2, "S1", "Jl. Awang Long\nRT 3, RW 2, Kel. Bugis\nSamarinda", "4"),
        (2, 5, "S2", "Ulu", "5"),
        (3, 7, "S3", "a\nb", "6"),
    ]
    assert table.faults == []


def test_a_header_cell_over_two_lines_moves_the_lines_below(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.csv", 'kode,"nama\nhalte",kursi\nS1,Pasar,4\nS2,Balai,5\n'))
    assert table.columns == ["kode", "nama halte", "kursi"]
    assert rows(table) == [(1, 3, "S1", "Pasar", "4"), (2, 4, "S2", "Balai", "5")]


def test_blank_lines_are_no_rows_and_count_as_lines(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.csv", "\n\nkode,nama,kursi\n\nS1,Pasar,4\n   \nS2,Balai,5\n\n\n"))
    assert table.info.header_rows == (3, 3)
    assert rows(table) == [(1, 5, "S1", "Pasar", "4"), (2, 7, "S2", "Balai", "5")]


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("cells_too", [True, False])
def test_a_note_under_the_table_is_left_out_and_counted(
    tmp_path: Path, delimiter: str, cells_too: bool
) -> None:
    note = "Sumber: Dinas Perhubungan" + (2 * delimiter if cells_too else "") + "\n"
    table = read(written(tmp_path, "a.csv", table_text(delimiter) + note))
    assert cells(table) == STOPS
    assert table.left_out == {"note under the table": 1}


def test_a_row_with_words_in_its_first_cell_only_stays_a_row_inside_the_table(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.csv", "kode,nama,kursi\nS1,,\n\nS2,Balai,5\n"))
    assert rows(table) == [(1, 2, "S1", None, None), (2, 4, "S2", "Balai", "5")]


def test_repeated_and_blank_names_become_distinct(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.csv", "nama,Nama,,nama,_row\nA,B,C,D,1\nE,F,G,H,2\n"))
    assert table.columns == ["nama", "Nama (2)", "column 3", "nama (3)", "_row (2)"]
    assert cells(table) == [("A", "B", "C", "D", "1"), ("E", "F", "G", "H", "2")]


def test_names_that_are_sql_stay_names(tmp_path: Path) -> None:
    name = "a'); DROP TABLE x; --"
    table = read(written(tmp_path, "a'b.csv", f'"{name}","say ""hi""",n\nA,B,1\nC,D,2\n'))
    assert table.columns == [name, 'say "hi"', "n"]
    assert cells(table) == [("A", "B", "1"), ("C", "D", "2")]


def test_text_stays_text(tmp_path: Path) -> None:
    values = ("0012", "1.50", "NULL", "nan", "True", " x ")
    table = read(written(tmp_path, "a.csv", "a,b,c,d,e,f\n" + ",".join(values) + "\n" + "1,2,3,4,5,6\n"))
    assert cells(table)[0] == values


def test_nul_characters_are_left_out(tmp_path: Path) -> None:
    assert cells(read(written(tmp_path, "a.csv", b"kode,n\nA\x00B,1\nC,2\n"), encoding="utf-8")) == [
        ("AB", "1"),
        ("C", "2"),
    ]


def test_gz(tmp_path: Path) -> None:
    table = read(written(tmp_path, "halte.csv.gz", gzip.compress(table_text(";").encode())))
    assert cells(table) == STOPS
    assert table.info.file == "halte.csv.gz"


def test_a_cut_off_gz_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(table_text().encode() * 500)
    with pytest.raises(SourceError, match="damaged"):
        read(written(tmp_path, "halte.csv.gz", whole[:-20]))


def test_real_zip_with_resource_forks() -> None:
    path = EXAMPLES / "ascn/kuala-lumpur/data/kuala-lumpur-rapid-rail-gtfs.zip"
    table = read(path, entry="stops.txt")
    with zipfile.ZipFile(path) as archive:
        expected = list(csv.reader(io.StringIO(archive.read("stops.txt").decode("utf-8-sig"), newline="")))
    assert table.info.entry == "stops.txt"
    assert table.columns == expected[0]
    assert cells(table) == [tuple(cell or None for cell in row) for row in expected[1:] if row]
    with pytest.raises(SourceError, match="say which with entry") as raised:
        read(path)
    assert "__MACOSX" not in str(raised.value)
    with pytest.raises(SourceError, match=r"has no entry 'halte\.txt'"):
        read(path, entry="halte.txt")


def test_one_file_in_a_zip_needs_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "halte.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__MACOSX/._halte.csv", b"\x00\x05\x16\x07")
        archive.writestr("data/halte.csv", table_text())
    table = read(path)
    assert (table.info.entry, cells(table)) == ("data/halte.csv", STOPS)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n \n\n", "holds no rows"),
        ("a.csv", b"\x89PNG\r\n\x1a\n0000", "is a PNG picture"),
        ("a.csv", b"%PDF-1.7\n", "cannot be read as a PDF"),
        ("a.csv", b"<!DOCTYPE html><html><body>Login</body></html>", "is an HTML page"),
        ("a.csv", b"PK\x03\x04 not a zip", "damaged"),
        ("a.csv", b"\x00\x01\x02\x00\x03\x04\x05\x06" * 50, "NUL"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said) as raised:
        read(written(tmp_path, name, content))
    assert str(raised.value).startswith(name)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="folder"):
        read(tmp_path)


def test_pinned_rows_leave_the_others_out_counted(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.csv", table_text()), rows="3-3")
    assert rows(table) == [(1, 3, *STOPS[1])]
    assert table.left_out == {"outside the feed's rows": 2}
    with pytest.raises(SourceError, match="is no range"):
        read(tmp_path / "a.csv", rows="awal")


def test_regular_and_irregular_files_read_the_same(tmp_path: Path) -> None:
    body = "".join(f'S{i},"Halte ""{i}"", utara",{i}\n' for i in range(500))
    fast = read(written(tmp_path, "a.csv", "kode,nama,kursi\n" + body))
    slow = read(written(tmp_path, "b.csv", "kode,nama,kursi\n" + body + "X,Y\n"))
    assert rows(slow)[:-1] == rows(fast)
    assert rows(fast)[499] == (500, 501, "S499", 'Halte "499", utara', "499")


# What Python's csv module writes comes back cell by cell. Bare carriage returns are line ends to us, NUL is left out.
WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00\n\ufeff"), min_size=0, max_size=8
)
CELLS = st.one_of(
    WORDS, st.sampled_from(["", '"', '""', ",", ";", "a,b", 'x"y', "\t", "1.234,5", "#", "NULL"])
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], str, str, int]:
    width = draw(st.integers(2, 5))
    body = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6))
    # a code in the first column and a value in the last, so that no row is blank or a note under the table
    body = [[f"k{i}", *row[1:-1], row[-1] + str(i)] for i, row in enumerate(body)]
    return (
        body,
        draw(st.sampled_from([",", ";", "\t", "|"])),
        draw(st.sampled_from(["\n", "\r\n"])),
        draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )


def dumped(body: list[list[str]], delimiter: str, end: str, quoting: int) -> str:
    out = io.StringIO()
    width = len(body[0]) if body else 2
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow([f"kolom {c}" for c in range(width)])
    writer.writerows(body)
    return out.getvalue()


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_round_trip_with_the_csv_module(tmp_path: Path, made: tuple[list[list[str]], str, str, int]) -> None:
    body, delimiter, end, quoting = made
    path = written(tmp_path, "a.csv", dumped(body, delimiter, end, quoting))
    table = read(path, header=1, delimiter=delimiter, encoding="utf-8")
    expected = [(i, i + 1, *(cell or None for cell in row)) for i, row in enumerate(body, 1)]
    assert rows(table) == expected
    assert table.faults == []


MULTILINE = st.lists(
    st.sampled_from(["Jl. A", "RT 1", "", 'kata "x"', "Kel. B, Kec. C"]), min_size=1, max_size=4
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, MULTILINE.map("\n".join), CELLS), min_size=1, max_size=6))
def test_round_trip_of_cells_over_several_lines(tmp_path: Path, made: list[tuple[str, str, str]]) -> None:
    # five columns: an address line with one comma is no row of them
    body = [[f"k{i}", a, text, b, str(i)] for i, (a, text, b) in enumerate(made)]
    text = dumped(body, ",", "\n", csv.QUOTE_MINIMAL)
    path = written(tmp_path, "a.csv", text)
    found = list(records(path, "a.csv", ",", 5))
    assert [record.cells for record in found[1:]] == body
    for record in found[1:]:
        assert text.split("\n")[record.line - 1].startswith(record.cells[0] + ",")


def test_ten_thousand_random_tables_row_by_row(tmp_path: Path) -> None:
    chance = random.Random(20240817)
    pieces = [
        "Jl. A",
        "RT 1",
        '"',
        '""',
        ",",
        ";",
        "|",
        "\t",
        " ",
        "\n",
        "7",
        "é",
        "1.234,5",
        "'",
        "#",
        "\\",
        "",
    ]
    path = tmp_path / "a.csv"
    for _ in range(10_000):
        width = chance.randint(2, 6)
        body = [
            [f"k{row}"] + ["".join(chance.choices(pieces, k=chance.randint(0, 3))) for _ in range(width - 1)]
            for row in range(chance.randint(0, 4))
        ]
        delimiter, end = chance.choice(",;\t|"), chance.choice(("\n", "\r\n"))
        path.write_text(dumped(body, delimiter, end, csv.QUOTE_MINIMAL), "utf-8", newline="")
        found = list(records(path, "a.csv", delimiter, len(body[0]) if body else 2))
        assert [record.cells for record in found[1:]] == body
        assert not any(record.problem for record in found)
