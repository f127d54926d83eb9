"""A run of a feed: the same rows twice change nothing, every row can be followed, and nothing is half done."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.feeds.run import BATCH
from mahakam.store.model import Correction
from support.feeds import CONTRACT, FEED, GOOD, HEADER, Town

BAD = (
    "A4;;laut;banyak;117.05;-0.45\n"  # no name, no such kind, no number
    "A5;Jauh;kota;100;1.5;2.5\n"  # too many seats, outside of the town
    "A6;Kecil;kota;1;117.06;-0.46\n"  # a warning
    "A7;Kembar;kota;3;117.07;-0.47\n"
    "A7;Kembar;kota;1;117.07;-0.47\n"  # the same key, and a warning
)


def correct(
    town: Town, column: str, old: str, new: str | None, *, active: bool = True, id: int = 0
) -> Correction:
    made = Correction(
        "town", "stops", column, old, new, "steward", "2026-11-24T00:00:00Z", "as agreed", active, id
    )
    town.parts.broker.transact(lambda transaction: transaction.save_correction(made))
    return made


# The same again


def test_a_file_is_compared_with_the_one_before(town: Town) -> None:
    beside = "      - {type: custom, engine: mahakam, severity: %s, implementation: {rule: %s}}\n"
    rules = beside % ("error", "rowsSinceLast, most: 50") + beside % ("warning", "sameColumns")
    town.write("contracts/stop.yaml", CONTRACT + rules)
    town.reopen()
    town.stops(GOOD)
    assert town.run().state == "clean"
    said = town.failed(file=town.stops("".join(GOOD.splitlines(True)[:1])))
    assert "within 50 % of the last file" in said
    town.write(
        "data/stops.csv", HEADER.rstrip() + ";catatan\n" + "".join(f"{r};x\n" for r in GOOD.splitlines())
    )
    run = town.run()
    assert (run.state, run.read) == ("clean", len(GOOD.splitlines()))
    assert [key for key in run.summary if "sameColumns" in key]


def test_a_run_says_what_became_of_every_row(town: Town) -> None:
    town.stops(GOOD + BAD)
    run = town.run()
    assert (run.state, run.read, run.stored, run.unchanged, run.held, run.left_out) == ("held", 8, 4, 0, 4, 0)
    assert run.read == run.stored + run.unchanged + run.held + run.left_out
    assert run.summary == {
        "primaryKey code": 2,
        "enum kind": 1,
        "inside location": 1,
        "maximum seats": 1,
        "required name": 1,
        "type seats": 1,
        "warning: few-seats seats": 1,
    }
    assert run.warnings == 1
    assert (run.author, run.place, run.feed) == ("tester", "town", "stops")
    assert run.started <= run.ended
    assert town.parts.store.run(run.id) == run


def test_the_same_again_is_not_run(town: Town) -> None:
    town.stops(GOOD + BAD)
    first = town.run()
    before = town.state()
    again = town.run()
    assert again.state == "unchanged"
    assert (again.stored, again.unchanged, again.held) == (0, 4, 4)
    assert f"run {first.id}" in again.message
    assert town.state() == before
    assert [run.id for run in town.parts.store.runs("town", "stops")] == [first.id]


def test_the_same_by_force_changes_nothing_but_the_runs(town: Town) -> None:
    """Not even the time of a change, nor the numbers of the held rows."""
    town.stops(GOOD + BAD)
    town.run()
    documents, held = town.documents(), town.held()
    again = town.run(force=True)
    assert (again.state, again.stored, again.unchanged, again.held) == ("held", 0, 4, 4)
    assert town.documents() == documents
    assert [(h.id, h.row, h.raw, h.reasons) for h in town.held()] == [
        (h.id, h.row, h.raw, h.reasons) for h in held
    ]
    assert {h.run for h in town.held()} == {again.id}


def test_only_what_changed_is_written(town: Town) -> None:
    town.stops()
    town.run()
    before = {document["id"]: document for document in town.documents()}
    town.stops(GOOD.replace("Balai", "Balai Kota") + "A4;Baru;air;9;117.09;-0.49\n")
    run = town.run()
    assert (run.stored, run.unchanged) == (2, 2)
    changed = [document for document in town.documents() if before.get(document["id"]) != document]
    assert [document["name"]["value"] for document in changed] == ["Balai Kota", "Baru"]
    assert changed[0]["createdAt"] == before[changed[0]["id"]]["createdAt"]
    assert changed[0]["modifiedAt"] > before[changed[0]["id"]]["modifiedAt"]


def test_a_row_that_left_the_file_leaves_its_entity(town: Town) -> None:
    """A file with fewer rows is no order to delete."""
    town.stops()
    town.run()
    town.stops(GOOD.splitlines(keepends=True)[0])
    assert town.run().state == "clean"
    assert town.ids() == ["A1", "A2", "A3"]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A1", "A2", "A3", "A4", ""]),
        st.sampled_from(["Pasar", "", "x;y", 'a "b"']),
        st.sampled_from(["kota", "air", "laut", ""]),
        st.sampled_from(["0", "4", "99", "100", "empat", ""]),
        st.sampled_from(["117.05", "118", "abc", ""]),
    ),
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_no_row_is_lost_whatever_the_files_hold(
    tmp_path_factory: pytest.TempPathFactory, files: list[Any]
) -> None:
    """After each run every row is an entity or held with a reason; run once more, nothing changes."""
    town = Town(tmp_path_factory.mktemp("town"))
    try:
        for rows in files:
            town.stops("".join(_line(row) for row in rows))
            run = town.run(force=True)
            assert run.state in ("clean", "held"), run.message
            assert run.read == run.stored + run.unchanged + run.held == len(rows)
            held = [held for held in town.held() if held.run == run.id]
            assert len(held) == run.held
            assert all(held.reasons for held in held)
            assert len({(held.file, held.row) for held in town.held()}) == len(town.held())
            before = town.documents()
            again = town.run(force=True)
            assert (again.stored, again.unchanged, again.held) == (0, run.stored + run.unchanged, run.held)
            assert town.documents() == before
    finally:
        town.node.close()


def _line(row: tuple[str, ...]) -> str:
    return ";".join('"' + cell.replace('"', '""') + '"' for cell in (*row, "-0.45")) + "\n"


# What makes a run new


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("contracts/stop.yaml", "maximum: 99", "maximum: 98"),
        ("feeds/stops.yaml", "owner: Dishub", "owner: Dinas Perhubungan"),
        ("boundary.geojson", "117.1,", "117.11,"),
        ("city.yaml", "Asia/Makassar", "Asia/Jakarta"),
        ("data/stops.csv", "Pasar", "Pasir"),
    ],
)
def test_what_decides_a_result_makes_a_run_new(town: Town, path: str, old: str, new: str) -> None:
    town.stops()
    first = town.run()
    text = (town.folder / path).read_text()
    assert old in text
    town.write(path, text.replace(old, new))
    town.reopen()
    run = town.run()
    assert run.state == "clean"
    assert run.fingerprint != first.fingerprint
    assert town.run().state == "unchanged"


def test_a_code_list_makes_a_run_new(town: Town) -> None:
    town.stops()
    town.run()
    town.write("codes/kinds.csv", "code\nkota\n")
    assert town.run().state == "clean"


def test_a_correction_makes_a_run_new(town: Town) -> None:
    """It reads old as new, in every run from then on; ended, the rows are as the file has them."""
    town.stops(GOOD + "A4;Empat;laut;4;117.05;-0.45\n")
    assert town.run().held == 1
    rule = correct(town, "kelas", "laut", "air")
    run = town.run()
    assert (run.state, run.stored, run.unchanged, run.held) == ("clean", 1, 3, 0)
    assert town.documents()[-1]["kind"]["value"] == "air"
    assert town.parts.store.lineage("urn:ngsi-ld:BusStop:town:A4").raw["kelas"] == "laut"  # type: ignore[union-attr]
    (released,) = town.held(state=None)
    assert (released.state, released.entity) == ("released", "urn:ngsi-ld:BusStop:town:A4")
    changes = town.parts.store.changes(released.id)
    assert [(change.old, change.new) for change in changes] == [("held", "released")]
    assert town.run().state == "unchanged"
    rule.active = False
    town.parts.broker.transact(lambda transaction: transaction.save_correction(rule))
    assert town.run().held == 1


# Quarantine


def test_a_held_row_has_all_its_reasons_and_stands_as_it_came(town: Town) -> None:
    town.stops(GOOD + BAD)
    run = town.run()
    assert town.reasons() == [
        {("name", "required"), ("kind", "enum"), ("seats", "type")},
        {("seats", "maximum"), ("location", "inside")},
        {("code", "primaryKey")},
        {("code", "primaryKey"), ("seats", "few-seats")},
    ]
    held = town.held()
    assert [(h.run, h.file, h.sheet, h.row, h.line) for h in held] == [
        (run.id, "stops.csv", "", row, row + 1) for row in (4, 5, 7, 8)
    ]
    assert held[0].raw == {
        "kode": "A4", "nama": None, "kelas": "laut", "kursi": "banyak", "lon": "117.05", "lat": "-0.45",
    }  # fmt: skip
    number = next(reason for reason in held[0].reasons if reason["field"] == "seats")
    assert (number["value"], number["expected"], number["severity"]) == ("banyak", "a whole number", "error")
    assert {reason["severity"] for reason in held[3].reasons} == {"error", "warning"}
    assert {"A4", "A5", "A7"}.isdisjoint(town.ids())


def test_a_row_that_is_put_right_in_the_file_is_released(town: Town) -> None:
    town.stops("A1;;kota;4;117.05;-0.45\nA2;;kota;4;117.05;-0.45\nA3;;kota;4;117.05;-0.45\n")
    town.run()
    first, second, third = (held.id for held in town.held())
    town.stops("A1;Pasar;kota;4;117.05;-0.45\nA2;;kota;7;117.05;-0.45\n")
    run = town.run()
    assert (run.stored, run.held) == (1, 1)
    found = {held.id: held for held in town.held(state=None)}
    assert (found[first].state, found[first].entity) == ("released", "urn:ngsi-ld:BusStop:town:A1")
    assert (found[second].state, found[second].raw["kursi"]) == ("held", "7")
    assert found[third].state == "dismissed"
    assert town.parts.store.changes(third)[0].reason == f"not among the rows of run {run.id}"


def test_a_bad_row_that_went_and_came_back_is_held_again(town: Town) -> None:
    """The run that did not see it dismissed it; it was left out of every later run, without a word."""
    town.stops(GOOD + "A4;;kota;4;117.05;-0.45\n")
    town.run()
    town.stops(GOOD)
    assert town.run().held == 0
    town.stops(GOOD + "A4;;kota;4;117.05;-0.45\n")
    run = town.run()
    assert (run.state, run.held, run.left_out) == ("held", 1, 0)
    assert [held.row for held in town.held()] == [4]


def test_a_row_that_a_steward_dismissed_stays_dismissed(town: Town) -> None:
    """While its cells are the same; another row of that number is another row."""
    town.stops(GOOD + "A4;;kota;4;117.05;-0.45\n")
    town.run()
    (held,) = town.held()
    held.state = "dismissed"
    town.parts.broker.transact(lambda transaction: transaction.save_held(held))
    run = town.run(force=True)
    assert (run.state, run.held, run.left_out) == ("clean", 0, 1)
    assert run.source["left_out"] == {"dismissed by a steward": 1}
    town.stops(GOOD + "A5;;kota;4;117.05;-0.45\n")
    assert town.run().held == 1


def test_a_steward_s_fix_is_applied_again_while_the_row_is_the_same(town: Town) -> None:
    town.stops(GOOD + "A4;;kota;4;117.05;-0.45\n")
    town.run()
    (held,) = town.held()
    held.state, held.fixed = "fixed", {"nama": "Empat"}
    town.parts.broker.transact(lambda transaction: transaction.save_held(held))
    run = town.run(force=True)
    assert (run.state, run.stored) == ("clean", 1)
    assert town.documents()[-1]["name"]["value"] == "Empat"
    assert town.parts.store.lineage("urn:ngsi-ld:BusStop:town:A4").raw["nama"] is None  # type: ignore[union-attr]
    assert town.run(force=True).unchanged == 4
    town.stops(GOOD + "A4;;kota;5;117.05;-0.45\n")
    assert town.run().held == 1


# Warnings and lineage


def test_a_warning_is_stored_as_a_flag_on_its_attribute(town: Town) -> None:
    town.stops(GOOD + "A6;Kecil;kota;1;117.06;-0.46\n")
    run = town.run()
    assert (run.state, run.stored, run.warnings) == ("clean", 4, 1)
    small = town.documents()[-1]
    assert "few-seats" in json.dumps(small["seats"])
    assert "few-seats" not in json.dumps({name: part for name, part in small.items() if name != "seats"})
    lineage = town.parts.store.lineage(small["id"])
    assert lineage is not None
    assert [(finding["rule"], finding["field"]) for finding in lineage.warnings] == [("few-seats", "seats")]
    clean = town.parts.store.lineage(town.documents()[0]["id"])
    assert clean is not None
    assert (clean.warnings, clean.checks) == ([], lineage.checks + 1)


@pytest.mark.parametrize(
    "text",
    [
        HEADER + GOOD,
        HEADER.replace("\n", "\r\n") + GOOD.replace("\n", "\r\n"),
        "\ufeff" + HEADER + GOOD,
        "Daftar halte\n\n" + HEADER + GOOD,
        HEADER + "\n" + GOOD.replace("\n", "\n\n"),
        HEADER + GOOD.replace("Balai", '"Balai\nKota"'),
        HEADER + 'A0;"Satu\nDua\nTiga";kota;4;117.05;-0.45\n' + GOOD,
    ],
    ids=[
        "plain",
        "crlf",
        "bom",
        "title above",
        "blank lines",
        "cell of two lines",
        "cell of three lines above",
    ],
)
def test_lineage_points_to_the_line_that_a_person_sees(town: Town, text: str) -> None:
    """The line of the file as it is kept holds the row's key and nothing else's."""
    town.write("data/stops.csv", text)
    run = town.run()
    assert run.stored >= 3, run
    kept = town.data / "files" / run.source["sha256"][:2] / run.source["sha256"]
    lines = kept.read_bytes().decode("utf-8-sig").split("\n")
    for number, document in enumerate(town.documents(), 1):
        lineage = town.parts.store.lineage(document["id"])
        assert lineage is not None
        assert (lineage.run, lineage.file, lineage.row) == (run.id, "stops.csv", number)
        assert lines[lineage.line - 1].startswith(document["code"]["value"] + ";")
        assert lineage.raw["kode"] == document["code"]["value"]
        assert lineage.raw["nama"] == document["name"]["value"]


def test_rows_of_several_files_are_each_followed_to_their_own(town: Town) -> None:
    """A key that two files have is held in both."""
    town.write("feeds/stops.yaml", FEED.replace("file: data/stops.csv", "files: data/stops-*.csv"))
    town.write("data/stops-1.csv", HEADER + GOOD)
    town.write("data/stops-2.csv", HEADER + "B1;Dua;kota;4;117.05;-0.45\nA1;Lagi;kota;4;117.05;-0.45\n")
    run = town.run()
    assert (run.read, run.stored, run.held) == (5, 3, 2)
    assert [(held.file, held.row, held.line) for held in town.held()] == [
        ("stops-1.csv", 1, 2),
        ("stops-2.csv", 2, 3),
    ]
    lineage = town.parts.store.lineage("urn:ngsi-ld:BusStop:town:B1")
    assert lineage is not None
    assert (lineage.file, lineage.row, lineage.line, lineage.raw["nama"]) == ("stops-2.csv", 1, 2, "Dua")
    assert [file["file"] for file in run.source["files"]] == ["stops-1.csv", "stops-2.csv"]


@pytest.mark.parametrize(("keep", "name"), [("first", "Pasar"), ("last", "Lagi")])
def test_of_rows_with_one_key_the_feed_may_keep_one(town: Town, keep: str, name: str) -> None:
    town.write("feeds/stops.yaml", FEED + f"duplicates: {keep}\n")
    town.stops(GOOD + "A1;Lagi;kota;4;117.05;-0.45\n")
    run = town.run()
    assert (run.state, run.read, run.stored, run.left_out) == ("clean", 4, 3, 1)
    by_id = {document["id"].rpartition(":")[2]: document for document in town.documents()}
    assert by_id["A1"]["name"]["value"] == name
    assert sum(run.source["left_out"].values()) == 1


def test_rows_left_out_are_counted_by_reason(town: Town) -> None:
    skip = "skip: {where: {column: nama, in: [JUMLAH]}, reason: totals row}"
    town.write(
        "feeds/stops.yaml", FEED.replace("stops.csv}", f"stops.csv, {skip}}}") + "where: kursi <> '2'\n"
    )
    town.stops(GOOD + ";JUMLAH;;9;;\n")
    run = town.run()
    assert (run.state, run.read, run.stored, run.left_out) == ("clean", 4, 2, 2)
    assert run.source["left_out"] == {"totals row": 1, "not where kursi <> '2'": 1}


def test_a_rule_over_the_whole_file_refuses_it(town: Town) -> None:
    """Too many empty cells are a sign that the file is another: nothing is stored, and the message says so."""
    town.write(
        "contracts/stop.yaml",
        CONTRACT.replace(
            "{name: seats, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 99}}",
            "{name: seats, logicalType: integer, quality: [{metric: nullValues, unit: percent, mustBeLessThan: 50}]}",
        ),
    )
    town.stops()
    assert town.run().state == "clean", town.run().message
    town.stops(GOOD.replace(";4;", ";;").replace(";2;", ";;"))
    message = town.failed()
    assert "seats" in message
    assert "nothing was stored" in message


# Nothing half done


KILLED = """
import os, signal, sys
from pathlib import Path
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.ngsild import represent

config, data, when, count = sys.argv[1:]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
node = Node(Settings(data=Path(data), config=(Path(config),)))
body, made = represent.body, [0]

def counted(document):
    made[0] += 1
    if when == "transaction" and made[0] == int(count):
        die()
    return body(document)

represent.body = counted

def progress(step, done, total):
    if when == step and done >= int(count):
        die()

run_feed(Parts.of(node), "town", "stops", progress=progress)
"""


@pytest.mark.fault("a run of a feed, kill -9", "no row; run again it ends as if undisturbed")
@pytest.mark.parametrize(
    ("when", "count", "stored"),
    [
        ("check", 0, 0),
        ("transaction", BATCH // 2, 0),
        ("store", BATCH, BATCH),
        ("transaction", BATCH * 2 + 7, BATCH * 2),
    ],
)
def test_killed_in_the_middle(town: Town, when: str, count: int, stored: int) -> None:
    """What is there afterwards is whole batches, each entity with its lineage; the next run completes them."""
    total = BATCH * 2 + 500
    town.stops(
        "".join(f"B{n};Halte {n};kota;4;117.05;-0.45\n" for n in range(total)) + "C;;kota;4;117.05;-0.45\n"
    )
    command = [sys.executable, "-c", KILLED, str(town.config), str(town.data), when, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    documents = town.documents()
    assert len(documents) == stored
    assert all(town.parts.store.lineage(document["id"]) for document in documents)
    assert town.held() == []
    assert [run.state for run in town.parts.store.runs("town", "stops")] == ["running"]

    run = town.run()
    assert (run.state, run.stored, run.unchanged, run.held) == ("held", total - stored, stored, 1)
    assert len(town.documents()) == total
    newest, cut_off = town.parts.store.runs("town", "stops")
    assert (newest.state, cut_off.state) == ("held", "failed")
    assert "run the feed again" in cut_off.message
    assert town.run().state == "unchanged"


def test_a_file_is_kept_once_and_whole(town: Town) -> None:
    town.stops()
    first = town.run()
    town.run(force=True)
    kept = [path for path in (town.data / "files").rglob("*") if path.is_file()]
    assert [path.name for path in kept] == [first.source["sha256"]]
    assert kept[0].read_bytes() == (HEADER + GOOD).encode()


def test_a_file_given_in_the_feed_s_stead(town: Town, tmp_path: Path) -> None:
    """An upload: read instead of the feed's own files, and kept like them."""
    town.stops()
    town.run()
    upload = tmp_path / "halte baru.csv"
    upload.write_text(HEADER + "A9;Baru;kota;4;117.05;-0.45\n")
    run = town.run(file=upload)
    assert (run.state, run.stored) == ("clean", 1)
    lineage = town.parts.store.lineage("urn:ngsi-ld:BusStop:town:A9")
    assert lineage is not None
    assert lineage.file == "halte baru.csv"
    assert town.ids() == ["A1", "A2", "A3", "A9"]


def test_a_place_that_is_not_there(town: Town) -> None:
    from mahakam.config import ConfigError
    from mahakam.feeds.run import run_feed

    with pytest.raises(ConfigError, match=r"there is no place 'twon' .*town"):
        run_feed(town.parts, "twon", "stops")
    with pytest.raises(ConfigError, match=r"no feed 'stop'; did you mean 'stops'"):
        run_feed(town.parts, "town", "stop")
