"""docs/defects.md comes true, line by line: each known defect of each real file is reported as the page says."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mahakam.app import open_node
from mahakam.cli import run as command
from mahakam.config import Settings
from mahakam.feeds.connecting.look import look
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.quality import note_words
from mahakam.quality.personal import suspected
from support.demo_part import CONFIG, EXAMPLES
from support.real_files import GIVEN

ROOT = Path(__file__).parents[2]
MESSY = Path(__file__).parent / "messy"
PROPERTIES = {
    "bmkg_earthquakes_indonesia_2021.csv.gz": "{name: depth, logicalType: integer, logicalTypeOptions: {maximum: 700}}",
    "": "{name: name, logicalType: string, relationships: [{to: kemendagri-areas.name}]}",
    "frequencies.txt": "{name: trip_id, logicalType: string, relationships: [{to: trips.trip_id}]}",
    "stop_times.txt": """{name: trip_id, logicalType: string}
      - {name: stop_sequence, logicalType: integer}
      - name: arrival_time
        logicalType: time
        quality:
          - {type: custom, engine: mahakam, severity: error,
             implementation: {rule: monotone, order: stop_sequence, per: trip_id}}""",
}
CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: short
version: 1.0.0
status: active
schema:
  - name: Row
    properties:
      - """


class Line(NamedTuple):
    """A line of the page: ``by`` and ``entry``, what is asked; ``what`` and ``more``, what is said."""

    file: str
    defect: str
    by: str
    entry: str
    what: str
    more: str


def lines() -> Iterator[Line]:
    text = (ROOT / "docs/defects.md").read_text("utf-8").split("\n## ")[0]
    for row in re.findall(r"^\| (?!file|-)(.+) \|$", text, re.MULTILINE):
        file, defect, by, reported = row.split(" | ")
        asked = re.fullmatch(r"`([^`]+)`( \S+)?", by)
        said = re.search(r"`([^`]+)` (.+)$", reported)
        assert asked, row
        assert said, row
        name = re.sub(r"^.*\((.*)\)$", r"\1", file)
        yield Line(name, defect, asked[1], (asked[2] or "").strip(), said[1], said[2])


LINES = list(lines())


@cache
def file_of(name: str) -> Path:
    found = [path for folder in (MESSY, EXAMPLES) for path in sorted(folder.rglob(Path(name).name))]
    return next(path for path in found if str(path).endswith(name.replace("ascn/", "ascn/data/")))


_reports: dict[tuple[str, str, str], dict[str, Any]] = {}


def report(capfd: pytest.CaptureFixture[str], line: Line, tmp_path: Path) -> dict[str, Any]:
    """What `mahakam check` says of a file, asked once."""
    key = line.file, line.by, line.entry
    if key not in _reports:
        words = ["check", str(file_of(line.file)), "--json", "--limit", "0"]
        words += ["--entry", line.entry] if line.entry else []
        words += ["--contract", str(_contract(line, tmp_path))] if line.by == "contract" else []
        capfd.readouterr()
        command(words)
        _reports[key] = json.loads(capfd.readouterr().out)
    return _reports[key]


def _contract(line: Line, tmp_path: Path) -> Path:
    """A place with a short contract and the code lists that it refers to."""
    place = tmp_path / "town"
    for room in ("contracts", "codes"):
        (place / room).mkdir(parents=True)
    (place / "city.yaml").write_text("name: Town\n")
    if line.file.endswith(".zip"):
        with zipfile.ZipFile(file_of(line.file)) as archive:
            (place / "codes/trips.csv").write_bytes(archive.read("trips.txt"))
    else:
        shutil.copy(EXAMPLES / "kaltim/codes/kemendagri-areas.csv", place / "codes")
    path = place / "contracts/short.yaml"
    path.write_text(CONTRACT + PROPERTIES.get(line.file, PROPERTIES[line.entry]) + "\n")
    return path


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    node = open_node(Settings(data=tmp_path_factory.mktemp("defects"), config=CONFIG))
    yield Parts.of(node)
    node.close()


@pytest.mark.parametrize("line", LINES, ids=[f"{line.file}: {line.defect}" for line in LINES])
def test_a_known_defect_is_reported(
    line: Line, capfd: pytest.CaptureFixture[str], parts: Parts, tmp_path: Path
) -> None:
    if "/" in line.by:
        place, feed = line.by.split("/")
        last = next(iter(parts.store.runs(place, feed, limit=1)), None) or run_feed(parts, place, feed)
        assert last.state in ("clean", "held"), last.message
        said = {reason.removeprefix("warning: "): rows for reason, rows in last.summary.items()}
        said |= {"left out": last.left_out, "stored": last.stored}
        assert said[line.what] == int(line.more), said
        return
    found = report(capfd, line, tmp_path)
    if line.what == "note":
        assert any(line.more in note for note in found["notes"]), found["notes"]
    elif line.what == "rows":
        assert found["rows"] == int(line.more)
    else:
        said = {f"{one['rule']} {one['field']}": one["count"] for one in found["summary"]}
        assert said.get(line.what) == int(line.more), said


def _with_defects() -> Iterator[str]:
    """The files that the lists of sources say a defect of: the project's own, and the collection's where it is."""
    for listed in (*EXAMPLES.rglob("SOURCES.md"), MESSY / "SOURCES.md"):
        for files, *_facts, defects in _rows(listed, 5):
            yield from (name for name in files.split(", ") if not defects.startswith(("none", "–")))
    if GIVEN.is_dir():
        for files, *facts in _rows(GIVEN / "SOURCES.md", 6):
            defects = facts[-2] if facts[-1].isdigit() else facts[-1]
            if defects not in ("", "–"):
                yield from files.split(", ")


def _rows(listed: Path, cells: int) -> Iterator[list[str]]:
    for line in listed.read_text("utf-8").splitlines():
        row = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(row) == cells and row[0] not in ("file", "---"):
            yield row


def test_every_file_with_a_known_defect_is_on_the_page() -> None:
    text = (ROOT / "docs/defects.md").read_text("utf-8")

    def stem(name: str) -> str:
        short = Path(name).name.split(".")[0].replace("petabencana_", "petabencana-")
        return re.split(r"[-_]20[0-9]{2}", short)[0]

    names = list(_with_defects())
    assert len(names) > 20
    assert sorted({name for name in names if stem(name) not in text}) == []


# Defects of files that may not be copied, made up


def _notes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "made.csv"
    path.write_text(text)
    return look(path, "town", "siti").notes


def test_false_precision(tmp_path: Path) -> None:
    computed = "\n".join(f"2024-01-{n:02},{2 + n / 7:.15f},{2 + n / 8}" for n in range(1, 29))
    notes = _notes(tmp_path, f"date,tide,level\n{computed}\n")
    assert [note for note in notes if "after the mark" in note] == [
        "column 'tide': 15 digits after the mark, more than is ever measured: was it computed?"
    ]


def test_accounts_in_texts_are_personal() -> None:
    texts = ["Banjir di @kelapa_gading setinggi lutut", "macet, @TMCPoldaMetro tolong", *["air surut"] * 20]
    assert suspected("text", texts) == "account"
    assert suspected("text", ["surat ke a.b@example.id", "c@example.id"] * 5 + ["lain"] * 90) != "account"
    assert suspected("text", ["air surut"] * 20) == ""


def test_reports_that_stand_twice_and_texts_that_say_null(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [
        f"{n},2017-02-{1 + n % 28:02},qlue,{n % 7},{'null' if n == 5 else 'a' * (n % 9 + 1)}"
        for n in range(80)
    ]
    rows.append("80" + rows[17][2:])
    path = tmp_path / "made.csv"
    path.write_text("no,day,source,state,area\n" + "\n".join(rows) + "\n")
    command(["check", str(path), "--json"])
    found = json.loads(capfd.readouterr().out)
    assert "stands for no value: null" in found["notes"]


# What is seen in general, and what is left alone


@pytest.mark.parametrize(
    ("figures", "marked"),
    [
        ([*range(30), 8888, 8888], True),
        ([*range(30), -9999, -9999], True),
        ([*range(30), 8888], False),  # once is a slip, not a custom
        ([*range(7000, 7030), 8888, 8888], False),  # a figure like the others
        ([*range(30), 7777, 7777], False),
    ],
)
def test_a_figure_that_stands_for_no_value(tmp_path: Path, figures: list[int], marked: bool) -> None:
    path = tmp_path / "made.csv"
    path.write_text("no,mm\n" + "".join(f"k{n},{figure}\n" for n, figure in enumerate(figures)))
    assert (str(figures[-1]) in look(path, "town", "siti").markers) is marked


def test_a_figure_that_is_a_value_elsewhere_stands_for_itself(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    rows = [(n, n) for n in range(30)] + [(8888, 8000), (8888, 8888)]
    path.write_text(
        "mm,people\n" + "".join(f"{mm},{9000 - people}\n" for mm, people in rows[:-1]) + "8888,8888\n"
    )
    assert "8888" not in look(path, "town", "siti").markers


def _found(tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str) -> dict[str, int]:
    path = tmp_path / "made.csv"
    path.write_text(text)
    command(["check", str(path), "--json"])
    out = json.loads(capfd.readouterr().out)
    return {f"{one['rule']} {one['field']}": one["count"] for one in out["summary"]}


DAYS = [f"2024-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(28)]


def test_a_day_that_is_missing_and_one_that_stands_twice(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    days = [*DAYS[:10], *DAYS[11:], DAYS[20]]
    found = _found(tmp_path, capfd, "day,mm\n" + "".join(f"{day},{n % 5}\n" for n, day in enumerate(days)))
    assert found == {"gap day": 1, "unique day": 2}


def test_days_of_a_list_of_events_are_no_series(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    days = [DAYS[n * n % 28] for n in range(60)]
    text = "day,what\n" + "".join(f"{day},case {n}\n" for n, day in enumerate(days))
    assert not {key for key in _found(tmp_path, capfd, text) if key.startswith(("gap", "unique", "frozen"))}


def test_a_measured_figure_that_is_carried_forward(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [
        (town, year, 100 + 7.31 * number * (year - 2009))
        for number, town in enumerate("ABCDE", 1)
        for year in range(2010, 2020)
    ]
    text = "town,year,waste\n" + "".join(
        f"{town},{year},{107.31 if town == 'A' and year < 2013 else waste:.2f}\n"
        for town, year, waste in rows
    )
    assert _found(tmp_path, capfd, text).get("frozen waste") == 3


def test_no_rain_on_many_days_is_no_defect(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "day,mm\n" + "".join(f"{day},{0.0 if n % 9 < 4 else n * 1.37:.2f}\n" for n, day in enumerate(DAYS))
    assert not any(key.startswith("frozen") for key in _found(tmp_path, capfd, text))


def test_columns_may_have_any_name(tmp_path: Path) -> None:
    """Nothing that inference asks of the table is taken for a column that has the same name."""
    names = "date,n,v,whole,name,t,at,begun,m,g,moment,said,before,step,_line2,count"
    text = names + "\n" + "".join(f"{day},{n}{',x' * 4},{n},,{',y' * 8}\n" for n, day in enumerate(DAYS))
    path = tmp_path / "made.csv"
    path.write_text(text)
    draft = look(path, "town", "siti")
    assert draft.problem == ""
    assert [column.name for column in draft.columns][:4] == ["date", "n", "v", "whole"]


def test_a_total_is_told_from_a_large_one(tmp_path: Path) -> None:
    rows = [("A", 5), ("B", 7), ("C", 11), ("D", 2), ("E", 9), ("NEGARA", 34)]
    text = "area,n\n" + "".join(f"{name},{n}\n" for name, n in rows)
    assert any("row 6 (NEGARA) is the sum of all others in 'n'" in note for note in _notes(tmp_path, text))
    assert not any("sum of all" in note for note in _notes(tmp_path, text.replace("34", "35")))


REAL = [
    path
    for path in (*sorted(MESSY.iterdir()), *sorted(EXAMPLES.rglob("data/*")))
    if path.suffix in (".csv", ".xlsx", ".gz")
]


@pytest.mark.parametrize("file", REAL, ids=lambda path: path.name)
def test_what_is_noted_of_a_real_file_is_said_in_indonesian(file: Path) -> None:
    for note in look(file, "town", "siti").notes:
        assert note_words.said(note, "en") == note
        assert note_words.said(note, "id") != note, "no words for it in quality/note_words.py"
