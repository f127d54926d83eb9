"""Two stewards who mend one held row at once: what each has written stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds import quarantine
from mahakam.feeds.parts import Parts
from mahakam.store.model import Held
from support.feeds import Town

COLUMNS = [f"c{n}" for n in range(12)]


def held_row(parts: Parts) -> Held:
    held = Held(
        "smd", "rain", 1, "rain.csv", "", 3, 4, dict.fromkeys(COLUMNS, "x"), [{"rule": "type", "field": "c0"}]
    )
    parts.broker.transact(lambda transaction: transaction.hold([held]))
    return held


def test_no_cell_is_lost(tmp_path: Path, store_url: str) -> None:
    nodes = [Node(Settings(tmp_path, store=store_url)) for _ in range(2)]  # as two processes: a store each
    everybody = [Parts.of(node) for node in nodes]
    held = held_row(everybody[0])
    for round in range(5):
        together = Barrier(len(COLUMNS))

        def mend(number: int, together: Barrier = together, round: int = round) -> None:
            together.wait()
            parts = everybody[number % 2]
            quarantine.fix(parts, held.id, {COLUMNS[number]: f"{round}"}, f"steward {number}")

        with ThreadPoolExecutor(len(COLUMNS)) as stewards:
            list(stewards.map(mend, range(len(COLUMNS))))
        found = everybody[0].store.held_row(held.id)
        assert found is not None
        assert found.fixed == dict.fromkeys(COLUMNS, f"{round}")
    kept = everybody[1].store.changes(held.id)
    assert len(kept) == 5 * len(COLUMNS)
    assert all(one.old == ("x" if one.new == "0" else str(int(str(one.new)) - 1)) for one in kept)
    for node in nodes:
        node.close()


def test_a_row_that_was_dismissed_meanwhile_is_mended_no_more(tmp_path: Path, store_url: str) -> None:
    node = Node(Settings(tmp_path, store=store_url))
    parts = Parts.of(node)
    held = held_row(parts)
    quarantine.dismiss(parts, held.id, "siti", "a test row")
    with pytest.raises(quarantine.NoLongerHeld):
        quarantine.fix(parts, held.id, {"c0": "1"}, "budi")
    with pytest.raises(KeyError):
        quarantine.fix(parts, 99, {"c0": "1"}, "budi")
    assert len(parts.store.changes(held.id)) == 1
    node.close()


def test_what_is_written_while_a_run_is_under_way_stays(town: Town) -> None:
    town.stops("A1;Pasar;kota;x;117.01;-0.41\nA2;Balai;kota;y;117.02;-0.42\n")
    assert town.run().held == 2
    first, second = town.held()

    def mend() -> None:
        quarantine.fix(town.parts, first.id, {"kursi": "4"}, "siti")
        quarantine.dismiss(town.parts, second.id, "siti", "a test row")

    assert town.run(force=True, progress=town.at("check", mend)).state == "held"
    assert [(one.fixed, one.state) for one in town.held(None)] == [
        ({"kursi": "4"}, "held"),
        ({}, "dismissed"),
    ]
    assert town.run(force=True).state == "clean"
    assert town.ids() == ["A1"]
