"""A watched folder: files are read once, whole, and moved."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml

from support.feeds import GOOD, HEADER, Town


def watched(town: Town, **options: object) -> Path:
    feed = yaml.safe_load((town.folder / "feeds/stops.yaml").read_text())
    feed["source"] = {"folder": {"path": "drop", **options}}
    town.write("feeds/stops.yaml", yaml.safe_dump(feed))
    drop = town.folder / "drop"
    drop.mkdir()
    return drop


def put(drop: Path, name: str, rows: str, *, age: float = 60) -> Path:
    path = drop / name
    path.write_text(HEADER + rows)
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_new_files_are_read_once_and_moved(town: Town) -> None:
    drop = watched(town)
    put(drop, "a.csv", GOOD)
    put(drop, "b.csv", "B1;Kota;kota;4;117.05;-0.45\nB2;Laut;laut;4;117.05;-0.45\n", age=50)
    run = town.run()
    assert (run.state, run.stored, run.held) == ("held", 4, 1)
    assert sorted(path.name for path in (drop / "done").iterdir()) == ["a.csv", "b.csv"]
    again = town.run()
    assert again.state == "unchanged"
    assert "no file lies ready" in again.message
    put(drop, "a.csv", "A1;Pasar Pagi;kota;4;117.01;-0.41\n")
    assert town.run().stored == 1
    assert sorted(path.name for path in (drop / "done").iterdir()) == ["a.2.csv", "a.csv", "b.csv"]
    assert town.ids() == ["A1", "A2", "A3", "B1"]
    assert len(town.held()) == 1


def test_what_is_being_written_waits(town: Town) -> None:
    drop = watched(town)
    for name in (".a.csv", "b.csv.part", "~$c.xlsx"):
        put(drop, name, GOOD)
    put(drop, "d.csv", GOOD, age=0)
    assert town.run().read == 0
    assert not (drop / "done").exists()


def test_a_file_replaced_while_it_was_read_stays(town: Town) -> None:
    drop = watched(town)
    put(drop, "a.csv", GOOD)
    town.run(progress=town.at("check", lambda: put(drop, "a.csv", "A9;Baru;kota;4;117.01;-0.41\n")))
    assert (drop / "a.csv").exists()
    town.run()
    assert town.ids() == ["A1", "A2", "A3", "A9"]
    assert not (drop / "a.csv").exists()


def test_a_run_that_fails_leaves_the_files(town: Town) -> None:
    drop = watched(town)
    path = put(drop, "a.csv", GOOD)
    path.write_text("x;y\n1;2\n")
    os.utime(path, (1, 1))
    assert "a.csv" in town.failed()
    assert path.exists()


def test_held_rows_of_several_files_are_replayed(town: Town) -> None:
    from mahakam.feeds.quarantine import correct, replay

    drop = watched(town)
    put(drop, "a.csv", "A1;Pasar;Kotaa;4;117.01;-0.41\n")
    put(drop, "b.csv", "B1;Balai;Kotaa;4;117.02;-0.41\n", age=50)
    assert town.run().held == 2
    correct(town.parts, "town", "stops", {("kelas", "Kotaa"): "kota"}, "tester")
    assert replay(town.parts, "town", "stops", "tester").stored == 2
    assert town.held() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [({"path": "../x"}, "leads out"), ({"path": "none"}, "no folder"), ({"done": "../x"}, "inside path")],
)
def test_a_wrong_folder_is_a_clear_error(town: Town, options: dict[str, str], said: str) -> None:
    watched(town, **options)
    assert said in town.failed()
