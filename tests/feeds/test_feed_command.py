"""``mahakam feed``: exit codes, what it says, and what it leaves in the store, on a small town of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mahakam.cli import run

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: stop
version: 1.0.0
status: active
schema:
  - name: BusStop
    properties:
      - {name: code, logicalType: string, required: true, primaryKey: true}
      - {name: name, logicalType: string, required: true}
      - {name: seats, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 99}}
    quality:
      - {type: custom, engine: mahakam, name: few-seats, implementation: "seats >= 2", severity: warning}
"""
FEED = """title: {en: Bus stops, id: Halte}
source:
  file: data/stops.csv
  skip: {where: {column: kode, in: [JUMLAH]}, reason: total}
contract: stop
map: {code: kode, name: nama, seats: kursi}
entity: {id: "urn:ngsi-ld:BusStop:town:{code}"}
owner: Dishub
"""
HEADER = "kode;nama;kursi\n"
GOOD = HEADER + "S1;Pasar;4\nS2;Balai;12\nS3;Ulu;7\n"
SOME_BAD = HEADER + "S1;Pasar;4\nS2;;12\nS3;Ulu;banyak\nS4;Ilir;100\nS5;Kota;1\nJUMLAH;;123\n"

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "places/town"
    for room in ("contracts", "feeds", "data"):
        (folder / room).mkdir(parents=True)
    (folder / "city.yaml").write_text("name: Town\ntimezone: Asia/Makassar\n")
    (folder / "contracts/stop.yaml").write_text(CONTRACT)
    (folder / "feeds/stops.yaml").write_text(FEED)
    (folder / "data/stops.csv").write_text(GOOD)
    return folder


@pytest.fixture
def feed(
    town: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    monkeypatch.delenv("MAHAKAM_CONFIG", raising=False)
    monkeypatch.delenv("MAHAKAM_DATA", raising=False)

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        places = ["--data", str(tmp_path / "data"), "--config", str(tmp_path / "places")]
        code = run(["feed", *arguments, *places])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return command


def runs(said: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said)
    return found


def test_a_clean_run_ends_with_0(feed: Command) -> None:
    code, out, err = feed("run", "town/stops")
    assert code == 0
    assert out == "town/stops: clean: 3 read, 3 stored, 0 unchanged\n"
    assert "[1/1] town/stops  3 rows" in err


def test_rows_that_are_held_end_with_1_and_their_reasons(feed: Command, town: Path) -> None:
    (town / "data/stops.csv").write_text(SOME_BAD)
    code, out, _ = feed("run", "town/stops")
    assert code == 1
    first, *reasons = out.splitlines()
    assert (
        first == "town/stops: some held: 6 read, 2 stored, 0 unchanged, 3 quarantined, 1 left out, 1 warnings"
    )
    said = {(line.split()[0], " ".join(line.split()[1:])) for line in reasons}
    assert ("1", "left out: total") in said
    assert len([line for line in reasons if "left out" not in line and "warning" not in line]) == 3
    assert any("few-seats" in line for line in reasons)


def test_the_second_run_has_nothing_to_do_unless_forced(feed: Command, town: Path) -> None:
    (town / "data/stops.csv").write_text(SOME_BAD)
    assert feed("run", "town/stops")[0] == 1
    code, out, _ = feed("run", "town/stops")
    assert (code, out) == (0, "town/stops: unchanged (6 rows, 3 quarantined)\n")
    code, out, _ = feed("run", "town/stops", "--force")
    assert code == 1
    assert "2 unchanged, 3 quarantined" in out


def test_a_feed_that_cannot_run_ends_with_2_and_stops_no_other(feed: Command, town: Path) -> None:
    (town / "feeds/a-broken.yaml").write_text(FEED.replace("data/stops.csv", "data/none.csv"))
    (town / "feeds/b-wrong.yaml").write_text("sorce: x\n")
    code, out, err = feed("run", "--all")
    assert code == 2
    assert "town/a-broken: could not run: " in out
    assert "data/none.csv" in out
    assert "town/b-wrong: could not run: " in out
    assert "town/stops: clean" in out
    assert "sorce: unknown key" in err


def test_a_file_that_is_no_table_ends_with_2(feed: Command, town: Path) -> None:
    assert feed("run", "town/stops")[0] == 0
    (town / "data/stops.csv").write_bytes(b"\x7fELF\n")
    code, out, _ = feed("run", "town/stops")
    assert code == 2
    assert out == (
        "town/stops: could not run: stops.csv: is a program, although it is named .csv; "
        "a feed reads CSV, GeoJSON, GTFS-Realtime, HTML tables (as .xls), JSON, Parquet, PDF tables, "
        "Shapefile (in a .zip), GeoPackage, KML, XLSX, XLS, ODS, XML, XML Spreadsheet 2003 (as .xls); "
        "also in .gz or .zip\n"
    )


def test_another_file_in_the_feeds_stead(feed: Command, tmp_path: Path) -> None:
    other = tmp_path / "upload.csv"
    other.write_text(HEADER + "S9;Baru;3\n")
    code, out, _ = feed("run", "town/stops", "--file", str(other), "--json")
    (found,) = runs(out)
    assert (code, found["state"], found["stored"]) == (0, "clean", 1)
    assert found["source"]["file"] == "upload.csv"


def test_json_is_the_runs_alone_on_standard_output(feed: Command, town: Path) -> None:
    (town / "data/stops.csv").write_text(SOME_BAD)
    code, out, _ = feed("run", "town/stops", "--json")
    (found,) = runs(out)
    assert code == 1
    assert {key: found[key] for key in ("place", "feed", "state", "read", "stored", "held", "left_out")} == {
        "place": "town", "feed": "stops", "state": "held", "read": 6, "stored": 2, "held": 3, "left_out": 1,
    }  # fmt: skip
    assert found["read"] == found["stored"] + found["unchanged"] + found["held"] + found["left_out"]
    assert found["source"]["delimiter"] == ";"


def test_list_shows_every_feed_with_its_last_run(feed: Command, town: Path) -> None:
    assert feed("list")[1].split() == ["town/stops", "never", "run", "Bus", "stops"]
    (town / "data/stops.csv").write_text(SOME_BAD)
    feed("run", "town/stops")
    code, out, _ = feed("list")
    assert code == 0
    assert "held" in out
    assert "3 held" in out
    (found,) = runs(feed("list", "--json")[1])
    assert (found["feed"], found["title"], found["owner"]) == ("town/stops", "Bus stops", "Dishub")
    assert (found["state"], found["held"]) == ("held", 3)


def test_list_names_a_broken_feed_and_shows_the_others(feed: Command, town: Path) -> None:
    (town / "feeds/b-wrong.yaml").write_text("sorce: x\n")
    code, out, err = feed("list")
    assert "town/stops" in out
    assert "town/b-wrong" in out
    assert "(cannot be read)" in out
    assert "sorce: unknown key" in err
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "name feeds as PLACE/FEED, or say --all"),
        (["run", "--all", "town/stops"], "name feeds as PLACE/FEED, or say --all"),
        (["run", "stops"], "'stops' is no PLACE/FEED"),
        (["run", "town/"], "'town/' is no PLACE/FEED"),
        (["run", "--all", "--file", "FILE"], "--file goes with exactly one"),
        (["run", "town/stops", "--file", "none.csv"], "none.csv"),
        (["run", "town/stops", "--colour"], "--colour"),
    ],
)
def test_a_wrong_command_ends_with_2_and_runs_nothing(
    feed: Command, town: Path, arguments: list[str], said: str
) -> None:
    file = str(town / "data/stops.csv")
    code, out, err = feed(*(file if argument == "FILE" else argument for argument in arguments))
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("town/stop", "did you mean 'stops'"),
        ("kota/stops", "there is no place 'kota'"),
        ("town/../x", "is no name of a feed"),
    ],
)
def test_a_feed_that_does_not_exist_is_named(feed: Command, which: str, said: str) -> None:
    code, out, _ = feed("run", which)
    assert code == 2
    assert said in out


def test_without_a_place_it_says_how_to_name_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    code = run(["feed", "list", "--data", str(tmp_path / "data"), "--config", str(tmp_path / "empty")])
    assert code == 2
    assert "no place is configured" in capsys.readouterr().err
