"""Bad files and definitions: each gets a message (what, where, what would be right), and nothing has changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mahakam.config import ConfigError
from mahakam.feeds import sources
from mahakam.feeds.run import run_feed
from mahakam.feeds.sources.model import SourceError
from support.feeds import CONTRACT, FEED, GOOD, HEADER, Town
from support.node import MAHAKAM
from support.workbook import bomb, far_cell, workbook

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(50)
MEMORY = 700 * 1024
"""KiB that a process may hold while it refuses a file that is far larger."""


def says(message: str, *words: str) -> None:
    """A message names each of these."""
    missing = [word for word in words if word not in message]
    assert not missing, f"{missing} not in: {message}"


def refused_by_check(file: Path, *words: str, contract: Path | None = None) -> None:
    """``mahakam check``, in a process of its own, ends with 2 and one message on standard error."""
    more = ("--contract", str(contract)) if contract else ()
    done = subprocess.run([MAHAKAM, "check", str(file), *more], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    says(done.stderr, *words)


# A file that is no table


def _text(content: str | bytes) -> Callable[[Path], None]:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda path: path.write_bytes(data) and None


NO_TABLE: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "an empty file": ("stops.csv", _text(b""), ("stops.csv", "is empty (0 bytes)", "ask its owner")),
    "only blank lines": ("stops.csv", _text("\n\n  \n"), ("stops.csv", "holds no rows", "ask its owner")),
    "a picture named .csv": ("stops.csv", _text(PNG), ("stops.csv", "PNG picture", "named .csv", "reads CSV")),
    "a PDF named .csv": ("stops.csv", _text(b"%PDF-1.7\n" + bytes(60)), ("stops.csv", "cannot be read as a PDF")),
    "a web page named .csv": (
        "stops.csv", _text("<!DOCTYPE html><html><body>Sign in</body></html>"), ("stops.csv", "HTML page", "reads CSV"),
    ),
    "a program named .csv": ("stops.csv", _text(b"\x7fELF" + bytes(60)), ("stops.csv", "program", "reads CSV")),
    "NUL bytes": ("stops.csv", _text(b"a;b\n1;\x00\x01\x02\n"), ("stops.csv", "NUL bytes", "reads CSV")),
    "an old workbook": (
        "stops.xls", _text(b"\x09\x04\x06\x00" + bytes(60)), ("stops.xls", "Excel 2 to 4", "save it"),
    ),
    "a web page without a table": (
        "stops.xls", _text("<html><body>Masuk</body></html>"), ("stops.xls", "HTML page without a table"),
    ),
    "XML that is half a spreadsheet": (
        "stops.xls", _text('<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><W'),
        ("stops.xls", "line 1", "not well-formed"),
    ),
    "a sheet whose cells are numbered wrongly": (
        "stops.xls",
        _text(
            '<Workbook xmlns:s="urn:schemas-microsoft-com:office:spreadsheet"'
            ' xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet s:Name="A"><Table>'
            '<Row s:Index="99999999">'
            "<Cell><Data>a</Data></Cell></Row></Table></Worksheet></Workbook>"
        ),
        ("stops.xls", "damaged", "Index", "'99999999'"),
    ),
    "half a workbook": (
        "stops.xlsx", lambda path: path.write_bytes(workbook(path, [["kode"], ["A1"]]).read_bytes()[:400]),
        ("stops.xlsx", "damaged", "ask its owner"),
    ),
    "a workbook without cells": (
        "stops.xlsx", lambda path: workbook(path, []), ("stops.xlsx", "sheet Data", "holds no cells", "another sheet"),
    ),
    "a workbook that is a bomb": (
        "stops.xlsx", lambda path: bomb(path, 2 << 30), ("stops.xlsx", "unpack to more than", "decompression bomb"),
    ),
    "a bomb that hides its size": (
        "stops.xlsx", lambda path: bomb(path, 64 << 20, says=5000), ("stops.xlsx", "cannot be read as a spreadsheet"),
    ),
    "a cell far away": (
        "stops.xlsx", far_cell, ("stops.xlsx", "sheet1.xml", "1,048,576 rows by 16,384 columns", "save it as .csv"),
    ),
    "half a gzip": (
        "stops.csv.gz", _text(b"\x1f\x8b\x08\x00" + bytes(20)), ("stops.csv.gz", "damaged", "cannot be unpacked"),
    ),
    "broken UTF-8": (
        "stops.csv", _text(HEADER.encode() + "A1;Kafé “é”;kota;1;117;0\n".encode() + b"A2;\xff\xfe;;1;117;0\n"),
        ("stops.csv", "line 3", "broken UTF-8", "pin the encoding"),
    ),
    "JSON that is none": (
        "stops.json", _text('[{"kode": "A1",\n "nama": }]'), ("stops.json", "line 2, column 10", "not valid JSON"),
    ),
    "JSON with half a character": (
        "stops.json", _text('[{"kode": "A1"}, {"kode": "A\\ud800"}]'),
        ("stops.json", "record 2", "'\\ud800'", "half a character"),
    ),
    "JSON with half a character in a name": (
        "stops.json", _text('[{"kode": "A1", "\\udfff": 1}]'), ("stops.json", "record 1", "half a character"),
    ),
    "GeoJSON with half a character": (
        "stops.geojson", _text('{"type": "Point", "coordinates": "\\ud800"}'), ("record 1", "half a character"),
    ),
    "JSON with a number without end": (
        "stops.json", _text('[{"kursi": ' + "1" * 5000 + "}]"), ("stops.json", "thousands of digits", "as text"),
    ),
    "JSON nested without end": ("stops.json", _text("[" * 200_000), ("stops.json", "nested too deep")),
    "JSON that is a number": ("stops.json", _text("7"), ("stops.json", "no list of records")),
    "GeoJSON that is none": (
        "stops.geojson", _text('{"type": "Fearure"}'), ("stops.geojson", "'Fearure'", "FeatureCollection"),
    ),
    "a feature that is text": (
        "stops.geojson", _text('{"type": "FeatureCollection", "features": ["x"]}'), ("stops.geojson", "feature 1"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_TABLE)
def test_a_file_that_is_no_table(town: Town, case: str) -> None:
    name, make, words = NO_TABLE[case]
    town.stops()
    assert town.run().state == "clean"
    town.write("feeds/stops.yaml", FEED.replace("stops.csv", name))
    make(town.folder / "data" / name)
    says(town.failed(), *words)


@pytest.mark.parametrize("case", NO_TABLE)
def test_check_says_the_same(tmp_path: Path, case: str) -> None:
    name, make, words = NO_TABLE[case]
    path = tmp_path / name
    make(path)
    refused_by_check(path, *words)


def test_a_header_alone(town: Town) -> None:
    """No rows is no failure of the file; what was stored stays."""
    town.stops()
    town.run()
    town.stops("")
    run = town.run()
    assert (run.state, run.read, run.stored, run.held) == ("clean", 0, 0, 0)
    assert town.ids() == ["A1", "A2", "A3"]


def test_a_workbook_named_csv_is_read_as_what_it_is(town: Town) -> None:
    """Its content says what it is; the run says that the name does not."""
    rows = [line.split(";") for line in (HEADER + GOOD).splitlines()]
    workbook(town.folder / "data" / "stops.csv", rows)
    run = town.run()
    assert (run.state, run.stored) == ("clean", 3)
    assert any("spreadsheet" in note and ".csv" in note for note in run.source["notes"]), run.source
    town.write("feeds/stops.yaml", FEED.replace("stops.csv}", "stops.csv, format: csv}"))
    says(town.failed(), "stops.csv", "a spreadsheet", "a feed reads CSV")


# The peak is this program's own: ru_maxrss starts from what the process that forked it had.
LIMITED = """
import sys
from pathlib import Path
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed

node = Node(Settings(data=Path(sys.argv[2]), config=(Path(sys.argv[1]),)))
run = run_feed(Parts.of(node), "town", "stops")
node.close()
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(run.state, status["VmHWM"].split()[0], run.message)
"""


@pytest.mark.parametrize("start", ["", HEADER + "A1;"], ids=["from the start", "in a cell"])
@pytest.mark.parametrize("filler", [b"x", b'"'], ids=["letters", "quotes"])
def test_a_line_of_200_megabytes(town: Town, start: str, filler: bytes) -> None:
    """Refused with the line, in little memory, by the run and by check."""
    path = town.folder / "data" / "stops.csv"
    with path.open("wb") as file:
        file.write(start.encode())
        for _ in range(200):
            file.write(filler * (1 << 20))
    before = town.state()
    command = [sys.executable, "-c", LIMITED, str(town.config), str(town.data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    state, memory, message = done.stdout.split(" ", 2)
    assert state == "failed"
    says(message, "stops.csv", f"line {2 if start else 1}", "longer than 16 MB", "line ends are lost")
    assert int(memory) < MEMORY
    assert town.state() == before
    refused_by_check(path, "stops.csv", "longer than 16 MB")


def test_a_text_bomb(town: Town) -> None:
    """A small .gz that unpacks without end stops early."""
    import gzip

    piece = gzip.compress(b"\0" * (32 << 20), 9)
    town.write("data/stops.csv.gz", piece * 6)
    town.write("feeds/stops.yaml", FEED.replace("stops.csv", "stops.csv.gz"))
    before = set(Path(os.environ.get("TMPDIR", "/tmp")).glob("mahakam-feed-*"))
    says(town.failed(), "stops.csv.gz", "decompression bomb")
    left = set(Path(os.environ.get("TMPDIR", "/tmp")).glob("mahakam-feed-*")) - before
    assert not [folder for folder in left if any(folder.rglob("unpacked")) and _stale(folder)]


def _stale(folder: Path) -> bool:
    """Not one of another test that runs beside this one: those are younger, and go by themselves."""
    return time.time() - folder.stat().st_mtime > 60


# Columns


def test_a_missing_column(town: Town) -> None:
    town.stops()
    town.run()
    town.write("data/stops.csv", (HEADER + GOOD).replace("kursi", "kursie"))
    says(
        town.failed(),
        "stops.csv",
        "no column 'kursi'",
        "map.seats",
        "did you mean 'kursie'",
        "columns: kode, nama",
    )


def test_a_missing_column_of_a_feed_without_a_map(town: Town) -> None:
    town.write("feeds/stops.yaml", FEED[: FEED.index("map:")] + FEED[FEED.index("entity:") :])
    town.write("data/stops.csv", "code;name;seats\nA1;Pasar;4\n")
    says(town.failed(), "stops.csv", "no column 'location'", "requires", "map", "columns: code, name, seats")


def test_an_extra_column(town: Town) -> None:
    """It is not stored, and the run says so."""
    lines = (HEADER + GOOD).splitlines()
    town.write(
        "data/stops.csv", "".join(f"{line};{'catatan' if not n else 'x'}\n" for n, line in enumerate(lines))
    )
    run = town.run()
    assert (run.state, run.stored) == ("clean", 3)
    assert "columns not used: catatan" in run.source["notes"]
    assert "catatan" not in town.documents()[0]
    lineage = town.parts.store.lineage("urn:ngsi-ld:BusStop:town:A1")
    assert lineage is not None
    assert lineage.raw["catatan"] == "x"


def test_a_row_with_too_many_and_one_with_too_few_cells(town: Town) -> None:
    """Both are held with their shape as the reason; the rows beside them are stored."""
    town.stops(GOOD + "A4;Satu;kota;1;117.05;-0.45;lebih\nA5;Dua\n")
    assert town.run().state == "held"
    assert town.ids() == ["A1", "A2", "A3"]
    many, few = town.held()
    assert (many.line, few.line) == (5, 6)
    assert many.reasons[0]["rule"] == few.reasons[0]["rule"] == "structure"
    says(many.reasons[0]["expected"], "6 cells", "7 cells, more than there are columns")
    says(few.reasons[0]["expected"], "6 cells", "2 cells, fewer than there are columns")


def test_every_row_bad(town: Town) -> None:
    """All are held, nothing is stored, and what was stored before stays."""
    town.stops()
    town.run()
    before = town.documents()
    bad = "".join(f"B{n};;laut;banyak;200;-0.4\n" for n in range(300))
    town.stops(bad)
    run = town.run()
    assert (run.state, run.read, run.stored, run.held) == ("held", 300, 0, 300)
    assert town.documents() == before
    assert (
        town.reasons()
        == [{("name", "required"), ("kind", "enum"), ("seats", "type"), ("location", "type")}] * 300
    )
    assert run.summary["required name"] == 300


# A file that changes, a disk that is full


@pytest.mark.parametrize("same_look", [False, True], ids=["", "same size and time"])
def test_a_file_replaced_while_it_is_read(
    town: Town, monkeypatch: pytest.MonkeyPatch, same_look: bool
) -> None:
    path = town.stops()
    read = sources.read

    def replace_then_read(file: Path, *rest: Any, **pins: Any) -> Any:
        table = read(file, *rest, **pins)
        stat = path.stat()
        town.stops(GOOD.replace("Pasar", "Pasir"))
        if same_look:
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        return table

    monkeypatch.setattr(sources, "read", replace_then_read)
    says(town.failed(), "stops.csv", "was replaced while it was read", "run the feed again")
    monkeypatch.undo()
    assert town.run().state == "clean"
    assert town.documents()[0]["name"]["value"] == "Pasir"


def test_a_file_replaced_by_a_shorter_one_of_another_form(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader stumbles over it; what is said is the cause."""
    path = town.stops(GOOD * 2000)
    read = sources.read

    def read_then_replace(*given: Any, **pins: Any) -> Any:
        table = read(*given, **pins)
        path.write_bytes(b'a;b\n"')
        return table

    monkeypatch.setattr(sources, "read", read_then_replace)
    says(town.failed(), "stops.csv", "was replaced while it was read", "run the feed again")


def test_a_file_replaced_before_it_is_read(town: Town) -> None:
    """What is stored is what was read; when the first file comes back, it is read again."""
    town.stops()
    run = town.run(progress=town.at("read", lambda: town.stops(GOOD.replace("Pasar", "Pasir"))))
    if run.state == "failed":
        says(run.message, "stops.csv", "replaced")
        run = town.run()
    assert run.state == "clean"
    assert town.documents()[0]["name"]["value"] == "Pasir"
    town.stops()
    assert town.run().state == "clean"
    assert town.documents()[0]["name"]["value"] == "Pasar"


def test_a_file_removed_before_it_is_read(town: Town) -> None:
    path = town.stops()
    says(town.failed(progress=town.at("read", path.unlink)), "stops.csv")


def test_a_file_replaced_after_it_was_read(town: Town) -> None:
    """The run is of the file as it was read; that file is kept, and the new one is read by the next run."""
    town.stops()
    run = town.run(progress=town.at("check", lambda: town.stops(GOOD.replace("Pasar", "Pasir"))))
    assert (run.state, run.stored) == ("clean", 3)
    assert town.documents()[0]["name"]["value"] == "Pasar"
    kept = town.data / "files" / run.source["sha256"][:2] / run.source["sha256"]
    assert kept.read_bytes() == (HEADER + GOOD).encode()
    assert town.run().stored == 1


def test_a_file_that_is_not_there(town: Town) -> None:
    says(town.failed(), "feeds/stops.yaml", "no file 'data/stops.csv'")


def test_a_file_that_is_a_folder(town: Town) -> None:
    (town.folder / "data" / "stops.csv").mkdir()
    says(town.failed(), "stops.csv")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB; taken away at the end."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be made by root, where mounting is allowed")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    """Not begun when there is no room; and when it fills up in between, batches are whole and the next run goes on."""
    town = Town(small_disk)
    try:
        town.stops()
        assert town.run().state == "clean"
        rows = "".join(f"B{n};Halte {n};kota;4;117.05;-0.45\n" for n in range(4000))
        town.stops(rows)
        says(town.failed(), "bytes left", "make room and run again")

        town.stops(GOOD.replace("Pasar", "Pasir"))
        filler = small_disk / "filler"
        before = town.state()
        run = town.run(progress=town.at("check", lambda: _fill(filler)))
        assert run.state == "failed"
        says(run.message, "bytes left", "make room")
        assert town.state() == before
        filler.unlink()
        assert town.run().stored == 1
        assert town.documents()[0]["name"]["value"] == "Pasir"
    finally:
        town.node.close()


def _fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


def test_a_store_that_is_full_in_the_middle(town: Town) -> None:
    """SQLite says full at some batch: what is stored is whole batches, the run says why, and a later one completes."""
    town.stops("".join(f"B{n};Halte {n};kota;4;117.05;-0.45\n" for n in range(5000)))
    writer = town.parts.store._writer  # type: ignore[attr-defined]

    def no_more(step: str, done: int, _total: int) -> None:
        if step == "store" and done == 2000:
            writer._connected().pragma("max_page_count", 1)  # SQLite takes the present number instead

    run = town.run(progress=no_more)
    assert run.state == "failed"
    says(run.message, "full")
    count = len(town.documents())
    assert count == 2000
    assert [town.parts.store.lineage(document["id"]) is None for document in town.documents()] == [
        False
    ] * count
    writer._connected().pragma("max_page_count", 2**30)
    again = town.run()
    assert (again.state, again.stored, again.unchanged) == ("clean", 5000 - count, count)


# Definitions


DEFINITIONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "an unknown key": ("map:", "mapp: {}\nmap:", ("stops.yaml", "mapp: unknown key", "did you mean 'map'")),
    "an unknown key of the source": (
        "stops.csv}", "stops.csv, delimeter: ';'}", ("source.delimeter: unknown key", "did you mean 'delimiter'"),
    ),
    "an unknown key of a field": (
        "seats: kursi", "seats: {colum: kursi}", ("map.seats.colum: unknown key", "did you mean 'column'"),
    ),
    "an id that is no URI": ("urn:ngsi-ld:BusStop:town:{code}", "stop {code}", ("entity.id", "no URI template")),
    "an id of no field": ("town:{code}", "town:1", ("entity.id", "names no field in braces")),
    "a path that leads out": (
        "data/stops.csv", "../../../etc/passwd", ("stops.yaml", "leads out of the place's folder", "inside it"),
    ),
    "a pattern that leads out": ("data/stops.csv", "../*/*.csv", ("leads out of the place's folder",)),
    "an absolute path": ("data/stops.csv", "/etc/passwd", ("stops.yaml", "/etc/passwd", "folder")),
    "invalid YAML": ("map:", "map: [", ("stops.yaml", "line")),
}  # fmt: skip


@pytest.mark.parametrize("case", DEFINITIONS)
def test_a_feed_that_is_wrong(town: Town, case: str) -> None:
    """Some are found when the feed is read, some when it runs; either way nothing has changed."""
    old, new, words = DEFINITIONS[case]
    town.stops()
    town.run()
    before = town.state()
    assert old in FEED
    town.write("feeds/stops.yaml", FEED.replace(old, new))
    try:
        run = town.run()
    except ConfigError as error:
        says(str(error), *words)
    else:
        assert run.state == "failed"
        says(run.message, *words)
    assert town.state() == before


@pytest.mark.parametrize("name", ["../feeds/stops", "..", "stops/../stops", "<b>stops</b>", "", "stops\n"])
def test_a_feeds_name_that_is_none(town: Town, name: str) -> None:
    town.stops()
    with pytest.raises(ConfigError, match="name of a feed"):
        run_feed(town.parts, "town", name)
    with pytest.raises(ConfigError, match="no place"):
        run_feed(town.parts, "../town", "stops")
    assert town.documents() == []


def test_a_link_that_leads_out(town: Town, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(HEADER + GOOD)
    (town.folder / "data" / "stops.csv").symlink_to(secret)
    try:
        message = town.failed()
    except ConfigError as error:
        message = str(error)
    says(message, "data/stops.csv", "leads out of the folder", "name a file inside it")


CONTRACTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "an unknown field": ("required: true,", "requird: true,", ("stop.yaml", "requird", "required")),
    "an unknown type": ("logicalType: integer", "logicalType: whole", ("stop.yaml", "whole", "integer")),
    "a rule that is no expression": ("seats >= 2", "seats >=> 2", ("stop.yaml", "seats >=> 2")),
    "a rule over no field": ("seats >= 2", "chairs >= 2", ("stop.yaml", "chairs", "seats")),
    "invalid YAML": ("schema:", "schema: [", ("stop.yaml", "line")),
}


@pytest.mark.parametrize("case", CONTRACTS)
def test_a_contract_that_is_wrong(town: Town, case: str) -> None:
    old, new, words = CONTRACTS[case]
    path = town.stops()
    town.run()
    assert old in CONTRACT
    contract = town.write("contracts/stop.yaml", CONTRACT.replace(old, new))
    says(town.failed(), *words)
    refused_by_check(path, *words, contract=contract)


def test_a_feed_that_maps_a_field_its_contract_lacks(town: Town) -> None:
    town.stops()
    town.write("feeds/stops.yaml", FEED.replace("seats: kursi", "seat: kursi"))
    says(town.failed(), "stops.yaml", "map.seat", "no such field", "did you mean 'seats'")


# Values


def test_not_a_number(town: Town) -> None:
    """NaN and infinity in a file are no numbers: the row is held, and nothing like them reaches the store."""
    rows = "".join(
        f"N{n};x;kota;{text};117.05;-0.45\n"
        for n, text in enumerate(("NaN", "nan", "inf", "-Infinity", "1e999"))
    )
    town.stops(GOOD + rows + "N9;x;kota;3;NaN;-0.45\n")
    run = town.run()
    assert (run.stored, run.held) == (3, 6)
    assert town.reasons() == [{("seats", "type")}] * 5 + [{("location", "type")}]
    assert [held.reasons[0]["value"] for held in town.held()][:2] == ["NaN", "nan"]


def _features(*geometries: Any) -> str:
    features = [
        {"type": "Feature", "properties": {"kode": f"G{n}", "nama": "x"}, "geometry": geometry}
        for n, geometry in enumerate(geometries)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def _polygon(*ring: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(position) for position in ring]]}


GOOD_RING = ((117.01, -0.49), (117.02, -0.49), (117.02, -0.48), (117.01, -0.48), (117.01, -0.49))
CROSSING = ((117.01, -0.49), (117.02, -0.48), (117.02, -0.49), (117.01, -0.48), (117.01, -0.49))


@pytest.mark.parametrize(
    ("geometry", "word"),
    [
        (_polygon(*CROSSING), "cross"),
        (_polygon(*GOOD_RING[:4]), "clos"),
        (_polygon(*GOOD_RING[:2]), "ring"),
        ({"type": "Point", "coordinates": [-0.45, 117.05]}, "latitude"),
        ({"type": "Point", "coordinates": []}, "position"),
        ({"type": "Point", "coordinates": ["117.05", "-0.45"]}, "longitude"),
        ({"type": "Sphere", "coordinates": [117.05, -0.45]}, "Sphere"),
        (None, "value"),
    ],
)
def test_a_geometry_that_is_none(town: Town, geometry: Any, word: str) -> None:
    """The feature is held with the reason, and the one beside it stored."""
    town.write("data/stops.geojson", _features(_polygon(*GOOD_RING), geometry))
    run = town.run("shapes")
    assert (run.state, run.stored, run.held) == ("held", 1, 1)
    (held,) = town.held()
    assert (held.row, held.line) == (2, 2)
    assert {reason["field"] for reason in held.reasons} == {"location"}
    says(json.dumps(held.reasons), word)


def test_a_value_nested_too_deep(town: Town) -> None:
    """What no reader of JSON would take is held; the rows beside it are stored."""
    deep: dict[str, Any] = {"type": "Point", "coordinates": [117.05, -0.45]}
    for _ in range(300):
        deep = {"type": "GeometryCollection", "geometries": [deep]}
    town.write("data/stops.geojson", _features(_polygon(*GOOD_RING), deep))
    town.write("contracts/stop.yaml", CONTRACT[: CONTRACT.index("    quality:\n      - {type: custom")])
    run = town.run("shapes")
    assert (run.state, run.stored, run.held) == ("held", 1, 1), run
    says(json.dumps(town.held()[0].reasons), "nested less than 250 deep")


def test_coordinates_that_are_swapped(town: Town) -> None:
    """Latitude 117 is none; and two small numbers that are swapped lie outside of the town."""
    town.stops("A1;x;kota;4;-0.41;117.01\nA2;x;kota;4;-0.41;11.701\n")
    assert town.run().held == 2
    first, second = town.held()
    says(json.dumps(first.reasons), "-0.41", "117.01", "latitude")
    assert {(reason["field"], reason["rule"]) for reason in second.reasons} == {("location", "inside")}


def test_an_id_is_a_uri_whatever_the_key_holds(town: Town) -> None:
    """A key with blanks, slashes and quotes becomes a percent-encoded URI of its own; none leads anywhere else."""
    keys = ["A 1", "../../etc/passwd", "<script>alert(1)</script>", 'a"b', "ä", "a?b#c", "%2e%2e"]
    rows = "".join(f'"{key.replace(chr(34), chr(34) * 2)}";x;kota;4;117.05;-0.45\n' for key in keys)
    town.stops(rows)
    assert town.run().stored == len(keys)
    documents = town.documents()
    assert [document["code"]["value"] for document in documents] == keys
    for document in documents:
        rest = document["id"].removeprefix("urn:ngsi-ld:BusStop:town:")
        assert not set(rest) & set(' /<>"?#:')
        assert town.parts.store.document(document["id"]) == document


def test_a_key_that_is_missing(town: Town) -> None:
    """The contract says so; where it does not, the id does."""
    town.write("contracts/stop.yaml", CONTRACT.replace("required: true, primaryKey: true", "required: false"))
    town.stops(GOOD + ";Tanpa kode;kota;4;117.05;-0.45\nA1;Lagi;kota;4;117.05;-0.45\n")
    run = town.run()
    assert (run.stored, run.held) == (3, 2)
    missing, again = town.held()
    assert (missing.reasons[0]["field"], missing.reasons[0]["rule"]) == ("code", "required")
    assert again.reasons[0]["rule"] == "unique"
    says(again.reasons[0]["expected"], "row 1")


HTML = "<script>alert('x')</script>"


def test_html_in_a_name_is_text(town: Town) -> None:
    """Stored as it stands, escaped wherever a page shows it: the place's data, the trace, the held row."""
    from support.portal import Portal

    town.stops(f"A1;{HTML};kota;4;117.05;-0.45\nA2;{HTML};{HTML};4;117.05;-0.45\n")
    assert (run := town.run()).stored == 1, run
    assert town.documents()[0]["name"]["value"] == HTML
    (held,) = town.held()
    assert held.raw["kelas"] == HTML
    town.node.close()
    with Portal(town.data, town.config, open=True) as portal:
        browser = portal.browser()
        shown = 0
        for path in (
            "/cities/town",
            "/cities/town/data/BusStop",
            "/trace/entity/urn:ngsi-ld:BusStop:town:A1",
            "/quality",
            "/quarantine/town/stops",
            f"/quarantine/town/stops/{held.id}",
        ):
            answer = browser.get(path)
            assert answer.status_code == 200, path
            assert HTML not in answer.text, path
            shown += "&lt;script&gt;alert" in answer.text
        assert shown >= 3
        with pytest.raises(SourceError):
            sources.read(town.folder / HTML, None)  # type: ignore[arg-type]


def test_html_in_a_header_and_a_files_name(town: Town) -> None:
    """Messages carry it as text; escaping is the page's."""
    town.write("data/<b>x<b>.csv", HEADER.replace("kursi", HTML) + GOOD)
    town.write("feeds/stops.yaml", FEED.replace("data/stops.csv", "data/<b>x<b>.csv"))
    says(town.failed(), "<b>x<b>.csv", "no column 'kursi'", HTML)


def test_an_entry_that_leads_out(town: Town) -> None:
    """A .zip whose entry is called ../../x is unpacked nowhere but in a folder of its own."""
    import zipfile

    with zipfile.ZipFile(town.folder / "data" / "stops.zip", "w") as archive:
        archive.writestr("../../../../../../../../tmp/escaped-mahakam.csv", HEADER + GOOD)
    town.write("feeds/stops.yaml", FEED.replace("stops.csv", "stops.zip"))
    run = town.run()
    assert (run.state, run.stored) == ("clean", 3)
    assert not Path("/tmp/escaped-mahakam.csv").exists()
