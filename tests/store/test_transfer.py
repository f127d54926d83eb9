"""A store moved into another one is the same store: counted, compared, and used further."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mahakam.cli import cli
from mahakam.ngsild import represent
from mahakam.ngsild import selection as s
from mahakam.ngsild.temporal import Moment
from mahakam.store.errors import StoreError
from mahakam.store.model import Change, Correction, Entry, Held, Lineage, Run
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore
from mahakam.store.transfer import TABLES, move
from support.postgres import PASSWORD

AT = "2026-01-01T00:00:00Z"
ENTITIES = 2345


def document(number: int) -> dict[str, Any]:
    place = {"type": "Point", "coordinates": [117 + number / 10_000, -0.5]}
    attributes = {
        "n": {"type": "Property", "value": number, "createdAt": AT, "modifiedAt": AT},
        "location": {"type": "GeoProperty", "value": place, "createdAt": AT, "modifiedAt": AT},
    }
    return {
        "id": f"urn:{number}",
        "type": "T",
        "scope": "/a",
        **attributes,
        "createdAt": AT,
        "modifiedAt": AT,
    }


def fill(store: EntityStore) -> None:
    def work(transaction: Any) -> None:
        for number in range(ENTITIES):
            one = document(number)
            transaction.put(one, represent.body(one))
            transaction.note(Entry(one["id"], "create", "siti", AT))
        run = Run(0, "smd", "rain", AT)
        transaction.save_run(run)
        transaction.put_lineage([Lineage("urn:1", run.id, "rain.csv", "", 1, 2, {"mm": "1\x00"}, "d")])
        held = Held(
            "smd", "rain", run.id, "rain.csv", "", 3, 4, {"mm": "x"}, [{"rule": "type", "field": "mm"}]
        )
        transaction.hold([held])
        transaction.record_change(Change(held.id, "siti", AT, "mm", "x", "1"))
        transaction.save_correction(Correction("smd", "rain", "mm", "x", "1", "siti", AT))
        transaction.save_record("account", "siti", {"role": "officer"})
        transaction.owe("urn:s", "urn:1", b"{}")
        transaction.put_evolution({"id": "urn:1", "type": "T", "createdAt": AT, "modifiedAt": AT})
        transaction.add_moments([Moment("urn:1", "n", b'{"type":"Property","value":1}', AT, AT)])

    store.write(work)


def state(store: EntityStore) -> list[Any]:
    above = s.Selection(condition=s.Compare(s.Path("n"), ">", (2000,)))
    near = s.Geo("near", {"type": "Point", "coordinates": [117.1, -0.5]}, max_distance=5000)
    return [
        list(store.scan(s.Selection())), store.types(), store.count(above),
        store.count(s.Selection(geo=near)), store.count(s.Selection(scopes=s.Scopes((("/a",),)))),
        store.runs(), store.lineage("urn:1"), store.held(), store.held_rules(), store.changes(1),
        store.corrections(), store.records("account"), store.owed("urn:s"), store.journal("urn:7"),
        store.evolutions(),
    ]  # fmt: skip


def test_to_the_other_kind_and_back(tmp_path: Path, store_url: str) -> None:
    one = open_store(f"sqlite:///{tmp_path / 'one'}", tmp_path)
    fill(one.tenant())
    one.create_tenant("city").write(lambda work: work.save_record("a", "b", {"c": 1}))
    target = store_url or f"sqlite:///{tmp_path / 'two'}"
    two, three = open_store(target, tmp_path), open_store(f"sqlite:///{tmp_path / 'three'}", tmp_path)
    moved = move(one, two)
    assert {each.table: each.rows for each in moved if not each.tenant} == dict.fromkeys(TABLES, 1) | {
        "entity": ENTITIES,
        "journal": ENTITIES,
        "record": 2,
    }
    assert move(two, three) == moved
    assert move(one, two) == moved  # begun again: nothing left to do
    wanted = state(one.tenant())
    assert len(wanted[0]) == ENTITIES
    assert state(two.tenant()) == wanted
    assert state(three.tenant()) == wanted
    assert two.tenant("city").record("a", "b") == {"c": 1}
    # What is made after the move is numbered after what came with it.
    late, run = document(9999), Run(0, "smd", "rain", AT)
    two.tenant().write(lambda work: (work.put(late, represent.body(late)), work.save_run(run)))
    assert run.id == 2
    assert list(two.tenant().scan(s.Selection()))[-1] == late
    with pytest.raises(StoreError, match="not empty"):
        move(one, two)
    for store in (one, two, three):
        store.close()


def test_every_table_is_moved_or_made_anew(tmp_path: Path) -> None:
    store = open_store("", tmp_path).tenant()
    names = {
        name
        for (name,) in store._all("SELECT name FROM sqlite_schema WHERE type = 'table'")  # type: ignore[attr-defined]
        if not name.startswith(("sqlite_", "location"))
    }
    made_anew = {"entity_type", "entity_scope", "entity_value", "value_name", "point", "step"}
    assert names == {*TABLES, *made_anew}


def test_commands(tmp_path: Path, store_url: str) -> None:
    source, target = f"sqlite:///{tmp_path / 'one'}", store_url or f"sqlite:///{tmp_path / 'two'}"
    store = open_store(source, tmp_path)
    fill(store.tenant())
    store.close()
    done = CliRunner().invoke(cli, ["store", "migrate", "--from", source, "--to", target])
    assert done.exit_code == 0, done.output
    assert f"entity: {ENTITIES:,} rows" in done.output
    assert "both sides agree" in done.output
    said = CliRunner().invoke(cli, ["store", "info", "--store", target])
    assert f"{ENTITIES:,} entities" in said.output
    assert "1 notifications owed" in said.output
    assert PASSWORD not in done.output + said.output
    refused = CliRunner().invoke(cli, ["store", "info", "--store", f"oracle://u:{PASSWORD}@h/d"])
    assert refused.exit_code == 1
    assert "not supported" in refused.output
    assert PASSWORD not in refused.output
