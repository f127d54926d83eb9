"""Held rows that come back repaired, in a form or a workbook: what each became, and that nothing is lost or doubled."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from mahakam.feeds import held_sheet, quarantine, repair_links
from mahakam.feeds.definition import load
from mahakam.feeds.repairing import Repaired, Returned, cells_now, take_back, version
from mahakam.feeds.sources.formats.xlsx import cells_of
from mahakam.feeds.sources.model import SourceError
from mahakam.feeds.turn import turn
from mahakam.store.model import Held
from support.feeds import Town

ROWS = (
    "A1;Pasar;kota;4;117.01;-0.41\n"
    "A2;=1+1;Kotaa;2;117.02;-0.42\n"
    "A3;Dermaga;air;tiga;117.03;-0.43\n"
    "A4;Jauh;Airr;banyak;117.04;-0.44\n"
)
"""One row is clean; A2 and A3 have one fault each, A4 has two."""


def download(town: Town, path: Path) -> Path:
    rows = town.held()
    held_sheet.write(
        path,
        town.parts.store,
        rows,
        held_sheet.columns_of(rows),
        headings=("Row", "Why"),
        reasons=lambda held: "; ".join(f"{one['field']}: {one['rule']}" for one in held.reasons),
        wrong=lambda held: [str(one["field"]) for one in held.reasons],
        note="Correct the marked cells",
    )
    return path


def edited(path: Path, change: Callable[[list[list[Any]]], Any]) -> Path:
    """The workbook as a spreadsheet program saves it after somebody typed into it."""
    grid: list[list[Any]] = [list(row) for row in cells_of(path, path.name)]
    change(grid)
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    sheet = book.add_worksheet()
    for n, row in enumerate(grid):
        for m, value in enumerate(row):
            if value is not None:
                sheet.write(n, m, value)
    book.close()
    return path


def put(grid: list[list[Any]], code: str, column: str, value: Any) -> None:
    at = grid[0].index(column)
    next(row for row in grid if row[3] == code)[at] = value


def upload(town: Town, path: Path, **more: Any) -> Repaired:
    rows = held_sheet.read(path, path.name, town.parts.store, "town", "stops")
    return take_back(town.parts, "town", "stops", rows, "Dishub", **more)


def outcomes(done: Repaired) -> list[str]:
    return [one.outcome for one in done.results]


def returned(held: Held, **cells: str | None) -> Returned:
    return Returned(held.id, version(cells_now(held)), {**held.raw, **cells})


@pytest.fixture
def held(town: Town) -> Town:
    town.stops(ROWS)
    assert town.run().held == 3
    return town


def test_the_workbook_has_the_raw_text_the_reasons_and_a_key(held: Town, tmp_path: Path) -> None:
    grid = cells_of(download(held, tmp_path / "held.xlsx"), "held.xlsx")
    assert grid[0] == ["mahakam:key", "Row", "Why", "kode", "nama", "kelas", "kursi", "lon", "lat"]
    assert [row[1:] for row in grid[1:]] == [
        ["3", "kind: enum", "A2", "=1+1", "Kotaa", "2", "117.02", "-0.42"],
        ["4", "seats: type", "A3", "Dermaga", "air", "tiga", "117.03", "-0.43"],
        ["5", "kind: enum; seats: type", "A4", "Jauh", "Airr", "banyak", "117.04", "-0.44"],
    ]


def test_corrected_and_uploaded_each_row_says_what_it_became(held: Town, tmp_path: Path) -> None:
    def correct(grid: list[list[Any]]) -> None:
        put(grid, "A2", "kelas", "kota")
        put(grid, "A3", "kursi", 3.0)  # typed as a number
        put(grid, "A4", "kelas", "air")
        grid.append(["17.abcdef.forged", "9", None, "A9", "Palsu", "kota", "1", "117.01", "-0.41"])

    path = edited(download(held, tmp_path / "held.xlsx"), correct)
    done = upload(held, path)
    assert outcomes(done) == ["stored", "stored", "held", "unknown"]
    still = done.results[2].held
    assert still is not None
    assert [(one["field"], one["rule"]) for one in still.reasons] == [("seats", "type")]
    assert still.fixed == {"kelas": "air"}
    assert done.results[3].returned.where == 5
    assert held.ids() == ["A1", "A2", "A3"]
    assert [one["value"] for one in (d["name"] for d in held.documents())] == ["Pasar", "=1+1", "Dermaga"]
    changes = held.parts.store.changes(still.id)
    assert [(one.author, one.column, one.old, one.new) for one in changes] == [
        ("Dishub", "kelas", "Airr", "air")
    ]

    before = held.state()
    again = upload(held, path)
    assert outcomes(again) == outcomes(done)
    assert held.state()[0] == before[0]
    assert held.parts.store.changes(still.id) == changes, "nothing is written twice"


def test_what_others_wrote_meanwhile_is_not_overwritten(held: Town, tmp_path: Path) -> None:
    path = download(held, tmp_path / "held.xlsx")
    two, three, four = held.held()
    quarantine.fix(held.parts, four.id, {"kelas": "kota"}, "siti")  # the agency says: air
    quarantine.fix(held.parts, three.id, {"nama": "Dermaga Baru"}, "siti")  # another cell than the agency's
    quarantine.dismiss(held.parts, two.id, "siti", "counted twice")

    def correct(grid: list[list[Any]]) -> None:
        put(grid, "A2", "kelas", "kota")
        put(grid, "A3", "kursi", "3")
        put(grid, "A4", "kelas", "air")
        put(grid, "A4", "kursi", "5")

    done = upload(held, edited(path, correct))
    assert outcomes(done) == ["left out", "stored", "stored"]
    assert done.results[2].clashes == {"kelas": ("kota", "air")}, "it is told, although the row went in"
    names = {one["id"][-2:]: one for one in held.documents()}
    assert names["A3"]["name"]["value"] == "Dermaga Baru"
    assert names["A4"]["kind"]["value"] == "kota"


def test_a_newer_file_took_the_rows_place(held: Town, tmp_path: Path) -> None:
    path = edited(download(held, tmp_path / "held.xlsx"), lambda grid: put(grid, "A3", "kursi", "3"))
    held.stops(ROWS.replace("tiga", "tiga belas"))
    held.run()
    done = upload(held, path)
    assert outcomes(done)[1] == "changed meanwhile"
    assert done.results[1].clashes == {"kursi": ("tiga belas", "3")}
    assert held.held()[1].fixed == {}


def test_another_agencys_rows_are_unknown_and_locked_columns_stay(held: Town) -> None:
    two, three, four = held.held()
    rows = [returned(two, kelas="kota", kode="A1"), returned(three, kursi="3")]
    done = take_back(
        held.parts, "town", "stops", rows, "x", allowed=lambda one: one.id != three.id, locked=["kode"]
    )
    assert outcomes(done) == ["stored", "unknown"]
    assert held.ids() == ["A1", "A2"]
    elsewhere = take_back(held.parts, "town", "shapes", [returned(three, kursi="3")], "x")
    assert outcomes(elsewhere) == ["unknown"]
    assert four.fixed == {}


def test_a_run_under_way_loses_nothing(held: Town) -> None:
    row = returned(held.held()[0], kelas="kota")
    with turn(held.data, "town", "stops"):
        done = take_back(held.parts, "town", "stops", [row], "x")
    assert done.busy
    assert outcomes(done) == ["held"]
    assert outcomes(take_back(held.parts, "town", "stops", [row], "x")) == ["stored"]


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 cut off", b"kode;nama\n", "workbook of somebody else's"], ids=str
)
def test_what_is_no_sheet_of_ours_is_refused(held: Town, tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "sent.xlsx"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        book = xlsxwriter.Workbook(str(path))
        book.add_worksheet().write(0, 0, content)
        book.close()
    before = held.state()
    with pytest.raises(SourceError, match=r"sent\.xlsx"):
        upload(held, path)
    assert held.state() == before


_CHILD = """
import os, signal, sys
from pathlib import Path
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds import held_sheet, quarantine, repairing, run
from mahakam.feeds.parts import Parts

data, config, sheet = map(Path, sys.argv[1:4]); point = sys.argv[4]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
parts = Parts.of(Node(Settings(data=data, config=(config,))))
repairing.BATCH = 40
batches = [0]
transact = type(parts.broker).transact
def counted(self, work):
    done = transact(self, work)
    batches[0] += 1
    if point == "half" and batches[0] == 1: die()
    return done
type(parts.broker).transact = counted
began = run.run_feed
def killed(step, done, total):
    if step == point: die()
quarantine.run_feed = lambda *a, **more: began(*a, **more, progress=killed)
rows = held_sheet.read(sheet, "held.xlsx", parts.store, "town", "stops")
repairing.take_back(parts, "town", "stops", rows, "Dishub")
if point == "told": die()
"""


@pytest.mark.fault("an upload of corrected rows, kill -9", "no correction, none twice")
@pytest.mark.parametrize("point", ["half", "read", "check", "store", "told"])
def test_kill_9_in_an_upload_then_again(town: Town, tmp_path: Path, point: str) -> None:
    rows = "".join(f"A{n};Halte {n};{'kota' if n % 4 else 'Kotaa'};4;117.05;-0.45\n" for n in range(1, 401))
    town.stops(rows)
    assert town.run().held == 100

    def correct(grid: list[list[Any]]) -> None:
        for row in grid[1:]:
            row[5] = "kota" if row[3] != "A8" else "kotaaa"

    path = edited(download(town, tmp_path / "held.xlsx"), correct)
    town.node.close()
    ended = subprocess.run(
        [sys.executable, "-c", _CHILD, str(town.data), str(town.config), str(path), point],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    town.reopen()
    done = upload(town, path)
    assert (done.count("stored"), done.count("held")) == (99, 1)
    assert len(town.ids()) == len(set(town.ids())) == 399
    (still,) = town.held()
    assert still.fixed == {"kelas": "kotaaa"}
    assert all(_once(town, held) for held in town.held(None))


def _once(town: Town, held: Held) -> bool:
    kept: Iterable[Any] = town.parts.store.changes(held.id)
    return len([one for one in kept if one.column == "kelas"]) == 1


def test_a_link_is_signed_runs_out_and_can_be_revoked(held: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    store, feed = held.parts.store, load(held.parts.place("town"), "stops")
    link = repair_links.make(store, feed, "", "Dishub", "siti", 7)
    token = repair_links.token(store, link)
    assert repair_links.opened(store, token) == link
    assert link.is_good
    for forged in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token[:12],
        "",
        "x" * 12 + token[12:],
        token + "A",
    ):
        assert repair_links.opened(store, forged) is None
    longer = {**{name: getattr(link, name) for name in link.__slots__}, "until": link.until + 1e6}
    store.write(lambda transaction: transaction.save_record(repair_links.KIND, link.id, longer))
    assert repair_links.opened(store, token) is None, "what it grants is signed"
    other = repair_links.make(store, feed, "", "Dishub", "siti", 1)
    assert repair_links.links(store, "town", "stops")[0] == other
    monkeypatch.setattr("time.time", lambda: other.until + 1)
    late = repair_links.opened(store, repair_links.token(store, other))
    assert late is not None
    assert not late.is_good
    monkeypatch.undo()
    repair_links.revoke(store, other.id, "siti")
    revoked = repair_links.opened(store, repair_links.token(store, other))
    assert revoked is not None
    assert not revoked.is_good
    with pytest.raises(ValueError, match="1 to 90 days"):
        repair_links.make(store, feed, "", "Dishub", "siti", 365)
    with pytest.raises(ValueError, match="column of agencies"):
        repair_links.make(store, feed, "Dinkes", "Dinkes", "siti")
