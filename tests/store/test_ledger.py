"""What stands beside entities: runs, lineage, quarantine, corrections, records, journal, outbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mahakam.ngsild import represent
from mahakam.store.model import Change, Correction, Entry, Held, Lineage, Run
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path)
    yield opened.tenant()
    opened.close()


def held(row: int, *rules: str, feed: str = "rain") -> Held:
    reasons = [{"rule": rule, "field": "mm", "value": "x", "expected": "a number"} for rule in rules]
    return Held("smd", feed, 1, "rain.csv", "", row, row + 1, {"mm": "x", "gone": None}, reasons)


def test_runs_newest_first_and_updated_in_place(store: EntityStore) -> None:
    runs = [Run(0, "smd", feed, "2026-01-01T00:00:00Z") for feed in ("rain", "flood", "rain")]
    for run in runs:
        store.write(lambda work, run=run: work.save_run(run))
    assert [run.id for run in runs] == [1, 2, 3]
    runs[0].state, runs[0].summary = "held", {"type mm": 2}
    store.write(lambda work: work.save_run(runs[0]))
    assert [run.id for run in store.runs("smd", "rain")] == [3, 1]
    assert store.run(1) == runs[0]
    assert store.run(99) is None


def test_lineage_goes_with_its_entity(store: EntityStore) -> None:
    line = Lineage(
        "urn:1", 1, "rain.csv", "Sheet 1", 3, 7, {"mm": "1,5", "x": None}, "d1", 4, [{"rule": "range"}]
    )
    document = {"id": "urn:1", "type": "T"}

    def work(transaction: Any) -> None:
        transaction.save_run(Run(0, "smd", "rain", "now"))
        transaction.put(document, represent.body(document))
        transaction.put_lineage([line])

    store.write(work)
    assert store.lineage("urn:1") == line
    assert store.lineages(1) == [line]
    assert store.digests("smd", "rain") == {"urn:1": "d1"}
    assert store.digests("smd", "flood") == {}
    store.write(lambda work: work.delete("urn:1"))
    assert store.lineage("urn:1") is None


def test_row_held_again_keeps_its_number(store: EntityStore) -> None:
    first, again, other = held(1, "type"), held(1, "range", "type"), held(2, "range")
    store.write(lambda work: work.hold([first]))
    store.write(lambda work: work.hold([again, other]))
    assert (first.id, again.id) == (1, 1)
    assert store.held() == [again, other]
    assert store.held(rule="type") == [again]
    assert store.count_held(rule="range") == 2
    assert store.held_rules() == [("range", "mm", 2), ("type", "mm", 1)]
    assert store.count_held(feed="flood") == 0


def test_released_row_makes_room_for_a_new_one(store: EntityStore) -> None:
    row = held(1, "type")
    store.write(lambda work: work.hold([row]))
    row.state, row.fixed, row.entity = "released", {"mm": "1"}, "urn:1"
    store.write(lambda work: work.save_held(row))
    assert store.held() == []
    assert store.held(state=None) == [row]
    assert store.held_row(row.id) == row
    store.write(lambda work: work.hold([held(1, "type")]))
    assert store.count_held(state=None) == 2


def test_changes_and_corrections(store: EntityStore) -> None:
    change = Change(1, "ani", "2026-01-01T00:00:00Z", "mm", "x", None, "unreadable")
    rule = Correction("smd", "rain", "town", "Smd", "Samarinda", "ani", "2026-01-01T00:00:00Z")
    store.write(lambda work: (work.record_change(change), work.save_correction(rule)))
    assert store.changes(1) == [change]
    assert rule.id == 1
    assert store.corrections("smd", "rain") == [rule]
    rule.active = False
    store.write(lambda work: work.save_correction(rule))
    assert store.corrections() == []


def test_held_rows_by_reason_run_and_cell(store: EntityStore) -> None:
    odd = 'Perangkat "Daerah".$[0]'
    some = [held(row, "type", *(["range"] if row % 2 else [])) for row in range(1, 9)]
    for one in some:
        one.raw[odd] = "Dishub" if one.row < 5 else "Dinkes"
        one.run = 1 if one.row < 7 else 2
    some[0].reasons[1]["field"] = "other"
    some[7].fixed = {odd: "Dishub"}
    store.write(lambda work: work.hold(some))

    def rows(**wanted: Any) -> list[int]:
        found = [one.row for one in store.held("smd", "rain", **wanted)]
        counted = {key: value for key, value in wanted.items() if key not in ("limit", "offset", "after")}
        if counted == wanted:
            assert store.count_held("smd", "rain", **wanted) == len(found)
        return found

    assert rows(rule="range") == [1, 3, 5, 7]
    assert rows(rule="range", field="mm") == [3, 5, 7]
    assert rows(rule="range", field="") == []
    assert rows(rule="range", field="mm", run=1) == [3, 5]
    assert rows(cell=(odd, "Dishub")) == [1, 2, 3, 4, 8], "as a fix left it"
    assert rows(cell=(odd, "Dinkes"), rule="range") == [5, 7]
    assert rows(cell=("nothing", "Dishub")) == []
    assert rows(after=some[5].id, limit=1) == [7]
    assert store.held_rules("smd", "rain", run=2) == [("type", "mm", 2), ("range", "mm", 1)]
    assert store.held_rules("smd", "rain", cell=(odd, "Dinkes"))[0] == ("type", "mm", 3)
    assert store.held_runs("smd", "rain") == [(2, 2), (1, 6)]
    assert store.held_values("smd", "rain", odd) == [("Dishub", 5), ("Dinkes", 3)]
    assert store.held_values("smd", "rain", "gone") == []


def test_held_rows_by_the_combination_of_their_reasons(store: EntityStore) -> None:
    flagged = held(4, "type")
    flagged.reasons[0]["severity"] = "warning"
    some = [
        held(1, "type", "range"),
        held(2, "range", "type"),
        held(3, "type"),
        flagged,
        held(5, "type", feed="x"),
    ]
    store.write(lambda work: work.hold(some))
    row = store.held("smd", "rain")[2]
    row.state = "dismissed"
    assert store.held_reasons("smd", "rain") == [
        ((("error", "range", "mm"), ("error", "type", "mm")), 2),
        ((("error", "type", "mm"),), 1),
        ((("warning", "type", "mm"),), 1),
    ]
    store.write(lambda work: work.save_held(row))
    assert [number for _reasons, number in store.held_reasons("smd", "rain")] == [2, 1]
    assert store.held_reasons("smd", "flood") == []


def test_held_rows_beside_a_row(store: EntityStore) -> None:
    some = [held(row, "type") for row in range(1, 12)]
    some[4].sheet, some[5].state = "B", "dismissed"
    store.write(lambda work: work.hold([*some, held(4, "type", feed="flood")]))
    near = store.held_near("smd", "rain", "rain.csv", "", 4, 3)
    assert [one.row for one in near] == [1, 2, 3, 4, 7]


def test_stored_rows_beside_a_row(store: EntityStore) -> None:
    def work(transaction: Any) -> None:
        for _ in (1, 2):
            transaction.save_run(Run(0, "smd", "rain", "now"))
        transaction.save_run(Run(0, "smd", "flood", "now"))
        for row in range(1, 20):
            document = {"id": f"urn:{row}", "type": "T"}
            transaction.put(document, represent.body(document))
            run = 3 if row == 9 else 1 + row % 2
            sheet = "B" if row == 11 else ""
            transaction.put_lineage([Lineage(f"urn:{row}", run, "rain.csv", sheet, row, row + 1, {}, "d")])

    store.write(work)
    near = store.lineage_near("smd", "rain", "rain.csv", "", 10, 3)
    assert [one.row for one in near] == [7, 8, 10, 12, 13], (
        "whichever run stored them; no other feed, no other sheet"
    )


def test_records(store: EntityStore) -> None:
    store.write(lambda work: work.save_record("key", "a", {"x": 1}))
    store.write(lambda work: work.save_record("key", "b", {"x": None}))
    assert store.records("key") == {"a": {"x": 1}, "b": {"x": None}}
    store.write(lambda work: work.save_record("key", "a", None))
    assert store.record("key", "a") is None
    assert store.write(lambda work: work.record("key", "b")) == {"x": None}


def test_journal_newest_first(store: EntityStore) -> None:
    entries = [Entry("urn:1", action, "ani", "now") for action in ("create", "change")]
    for entry in entries:
        store.write(lambda work, entry=entry: work.note(entry))
    assert store.journal("urn:1") == entries[::-1]


def test_outbox_gives_what_each_subscription_is_owed_in_order(store: EntityStore) -> None:
    def work(transaction: Any) -> None:
        for subscription, body in (("urn:s", b"first"), ("urn:s", b"second"), ("urn:t", b"other")):
            transaction.owe(subscription, "urn:1", body)

    store.write(work)
    assert store.owing() == ["urn:s", "urn:t"]
    first, second = store.owed("urn:s")
    assert (first.body, second.body) == (b"first", b"second")
    assert [one.body for one in store.owed("urn:s", limit=1)] == [b"first"]
    store.write(lambda work: work.postpone(first.number, 1e11, "refused"))
    assert [(one.due, one.error) for one in store.owed("urn:s", 1)] == [(1e11, "refused")]
    store.write(lambda work: work.settle(store.owed("urn:t")[0].number))
    assert store.owing() == ["urn:s"]
    store.write(lambda work: work.bury(first.number, "gone"))
    assert [one.body for one in store.owed("urn:s")] == [b"second"]
    dead = store.dead_letters("urn:s")
    assert [(one.body, one.tries, one.error) for one in dead] == [(b"first", 2, "gone")]
    assert (store.count_dead(), store.count_dead("urn:s"), store.count_dead("urn:t")) == (1, 1, 0)
    assert store.write(lambda work: work.revive(first.number))
    assert not store.write(lambda work: work.revive(first.number))
    assert [one.body for one in store.owed("urn:s")] == [b"first", b"second"]
    store.write(lambda work: work.forgive("urn:s"))
    assert store.owing() == []
