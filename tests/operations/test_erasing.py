"""A person is erased from what agencies handed in, in every byte, and a backup from before does not bring them back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from mahakam.app import Node
from mahakam.cli import cli
from mahakam.config import Settings
from mahakam.feeds.dataset_rows import stored_dataset
from mahakam.feeds.parts import Parts
from mahakam.feeds.quarantine import fix
from mahakam.feeds.run import run_feed
from mahakam.ngsild.temporal_query import View
from mahakam.operations.erasing import ACTION, erase
from mahakam.operations.standing import standings
from mahakam.store.protocol import Transaction
from support.leftovers import left
from support.people_table import FEEDS, with_people
from support.portal import two_cities
from support.postgres import PostgresServer

ANI, BUDI, CITRA = "0812-7777-3131", "0811 2222 3333", "0813 4444 5555"
NIK = "6472015501900001"
HEAD = "code;phone;nik;seats\n"
BEFORE = f"{HEAD}A;{ANI};{NIK};1\nB;{BUDI};6472015501900002;2\nC;{ANI};;90\nD;{ANI};;4\n"
AFTER = f"{HEAD}A;{ANI};{NIK};1\nB;{BUDI};6472015501900002;3\nC;{ANI};;90\nD;{CITRA};;4\n"
"""D has another telephone since: Ani's stands in its history alone."""


class Town:
    """A node with the same rows as entities and as a dataset, handed in twice."""

    def __init__(self, root: Path, store: str, more: str = "") -> None:
        self.data, self.places, self.store = root / "data", two_cities(root / "places"), store
        self.town = self.places / "prov/town"
        with_people(self.town, more)
        self.sent = self.town / "data"
        for rows in (BEFORE, AFTER):
            self.hand_in(rows)

    def opened(self, data: Path | None = None, store: str | None = None) -> Node:
        url = self.store if store is None else store
        return Node(Settings(data=data or self.data, config=(self.places,), store=url))

    def hand_in(self, rows: str, feeds: tuple[str, ...] = FEEDS) -> None:
        node = self.opened()
        for name in feeds:
            (self.sent / f"{name}.csv").write_text(rows)
            done = run_feed(Parts.of(node), "town", name)
            assert done.state in ("held", "clean", "unchanged"), done.message
        node.close()

    def command(self, *words: str) -> Result:
        where = ["--data", str(self.data), "--config", str(self.places)]
        done = CliRunner(env={"MAHAKAM_STORE": self.store}).invoke(
            cli, [*words, *where], standalone_mode=False
        )
        assert done.exception is None, done.output + str(done.exception)
        return done


@pytest.fixture
def town(tmp_path: Path, store_url: str) -> Iterator[Town]:
    return Town(tmp_path, store_url)


def run(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words), standalone_mode=False)
    assert done.exception is None, done.output + str(done.exception)
    return done.output


def stands(node: Node, who: str = ANI) -> set[tuple[str, str, str]]:
    return {(one.kind, one.of, one.detail) for one in standings(Parts.of(node), node.rights, who)}


def test_nothing_is_left_and_all_else_is(town: Town, request: pytest.FixtureRequest) -> None:
    server: PostgresServer | None = request.getfixturevalue("postgres") if town.store else None
    assert left((ANI, NIK), town.data, town.store, server) == {ANI, NIK}
    node = town.opened()
    held = [one.id for one in node.store.tenant().held("town", "stall")]
    fix(Parts.of(node), held[0], {"phone": "0812 7777 3131"}, "siti", "as it is written")
    found = stands(node)
    assert ("entity", "urn:ngsi-ld:Stall:town:D", "phone") in found, "a value that was"
    assert {kind for kind, *_ in found} == {"held", "entity", "dataset"}
    for who in (ANI, NIK):
        assert erase(Parts.of(node), node.rights, who, author="siti")
        assert stands(node, who) == set()
    parts = Parts.of(node)
    assert parts.broker.get("urn:ngsi-ld:Stall:town:D")["phone"]["value"] == CITRA
    budi = parts.broker.get("urn:ngsi-ld:Stall:town:B")
    assert (budi["phone"]["value"], budi["seats"]["value"]) == (BUDI, 3)
    ani = parts.broker.get("urn:ngsi-ld:Stall:town:A")
    assert (set(ani) & {"phone", "nik"}, ani["seats"]["value"]) == (set(), 1)
    assert parts.store.moments(View("urn:ngsi-ld:Stall:town:A", "createdAt", attributes=("phone",))) == []
    came = parts.store.lineage("urn:ngsi-ld:Stall:town:A")
    assert came
    assert came.raw == {"code": "A", "phone": "", "nik": "", "seats": "1"}
    for number in (one.id for one in parts.store.runs("town", "aid")):
        kept = stored_dataset(parts, "town", "aid", number)
        assert kept
        with kept.opened() as (connection, _):
            rows = connection.execute("SELECT code, phone, nik FROM dataset ORDER BY _row").fetchall()
        assert rows[:2] == [("A", None, None), ("B", BUDI, 6472015501900002)]
        assert rows[2][0] == "D"
    change = parts.store.changes(held[0])[0]
    assert (change.column, change.old, change.new, change.author) == ("phone", None, None, "siti")
    assert parts.store.audit_entries(action=ACTION)
    node.close()
    run("store", "compact", "--data", str(town.data), "--store", town.store)
    assert left((ANI, NIK), town.data, town.store, server) == set()


def test_kept_files_that_have_them_go_and_others_stay(town: Town) -> None:
    (town.places / "prov/town/feeds/aid.yaml").unlink()  # entities alone say where to look
    town.hand_in(f"{HEAD}B;{BUDI};6472015501900002;4\n", ("stall",))
    node = town.opened()
    assert len(list((town.data / "files").rglob("*/*"))) == 3
    found = erase(Parts.of(node), node.rights, ANI)
    node.close()
    assert len(found.files) == 2
    (left,) = (town.data / "files").rglob("*/*")
    assert ANI not in left.read_text()


def test_an_entity_that_may_not_be_without_it_goes(tmp_path: Path, store_url: str) -> None:
    town = Town(tmp_path, store_url, ", required: true")
    node = town.opened()
    erase(Parts.of(node), node.rights, ANI)
    assert stands(node) == set()
    assert node.broker.get("urn:ngsi-ld:Stall:town:A") is None
    assert node.store.tenant().evolution("urn:ngsi-ld:Stall:town:A") is None
    assert node.broker.get("urn:ngsi-ld:Stall:town:D") is not None
    node.close()


def test_notifications_that_wait_or_were_given_up_on_go(town: Town) -> None:
    node = town.opened()
    store, parts = node.store.tenant(), Parts.of(node)
    data = {"id": "urn:x:1", "type": "T", "scope": "/prov/town", "phone": {"type": "Property", "value": ANI}}
    other = data | {"phone": {"type": "Property", "value": BUDI}}

    def owe(transaction: Transaction) -> None:
        for body in ({"data": [data]}, {"data": [other]}, {"data": [data | {"scope": "/prov/bay"}]}):
            transaction.owe("urn:s:1", "urn:x:1", orjson.dumps(body))

    store.write(owe)
    first, second, third = (one.number for one in store.owed("urn:s:1"))
    store.write(lambda transaction: transaction.bury(first, "refused"))
    told = {("notification", "urn:s:1", str(number)) for number in (first, third)}
    assert {one for one in stands(node) if one[0] == "notification"} == told
    node.close()
    said = town.command("person", "find", ANI)
    assert f"notification {first} of urn:s:1: forget with --tables" in said.output
    node = town.opened()
    store, parts = node.store.tenant(), Parts.of(node)
    in_town = erase(parts, node.rights, ANI, lambda place: place is not None and place.id == "town")
    assert in_town.notifications == (first,)
    assert store.dead_letters() == []
    assert [one.number for one in store.owed("urn:s:1")] == [second, third]
    assert erase(parts, node.rights, ANI).notifications == (third,)
    assert [one.number for one in store.owed("urn:s:1")] == [second], "another's is sent"
    node.close()


def test_the_same_file_does_not_bring_them_back(town: Town) -> None:
    node = town.opened()
    erase(Parts.of(node), node.rights, ANI)
    node.close()
    town.hand_in(AFTER)
    node = town.opened()
    assert stands(node) == set()
    node.close()
    assert left((ANI,), town.data / "files") == set()


def test_who_was_erased_is_left_empty_in_the_next_file_until_they_are_admitted(
    town: Town, request: pytest.FixtureRequest
) -> None:
    server: PostgresServer | None = request.getfixturevalue("postgres") if town.store else None
    town.command("person", "forget", ANI, "--tables")
    town.command("person", "forget", NIK, "--tables")
    run("store", "compact", "--data", str(town.data), "--store", town.store)
    town.hand_in(AFTER + f"E;+62 812 7777 3131;{NIK};5\nF;{BUDI};6472015501900002;6\n")
    node = town.opened()
    assert stands(node) == stands(node, NIK) == set()
    parts = Parts.of(node)
    came = parts.broker.get("urn:ngsi-ld:Stall:town:E")
    assert came is not None, "the row is the agency's: what else it says is taken"
    assert (set(came) & {"phone", "nik"}, came["seats"]["value"]) == (set(), 5)
    other = parts.broker.get("urn:ngsi-ld:Stall:town:F")
    assert (other["phone"]["value"], other["nik"]["value"]) == (BUDI, 6472015501900002)
    lineage = parts.store.lineage("urn:ngsi-ld:Stall:town:E")
    assert lineage
    assert lineage.raw == {"code": "E", "phone": None, "nik": None, "seats": "5"}
    assert {(one["rule"], one["field"], one["value"]) for one in lineage.warnings} == {
        ("erased", "phone", None), ("erased", "nik", None),
    }  # fmt: skip
    for feed in FEEDS:
        last = parts.store.runs("town", feed)[0]
        assert last.summary["warning: erased phone"] == 2, "A and E; C is held for its seats"
        held = next(one for one in parts.store.held("town", feed) if one.raw["code"] == "C")
        assert [one["rule"] for one in held.reasons] == ["maximum", "erased"]
    assert left((ANI, NIK), town.data, town.store, server) == set(), "in no table, history or kept file"
    node.close()
    assert "town/stall  was erased from" in town.command("person", "find", ANI).output
    told = town.command("person", "admit", ANI)
    assert told.output.splitlines() == [
        f"town/{feed}  takes new rows as they come" for feed in ("aid", "stall")
    ]
    assert town.command("person", "admit", ANI).return_value == 1
    town.hand_in(AFTER + f"E;{ANI};{NIK};7\n")
    node = town.opened()
    assert ("entity", "urn:ngsi-ld:Stall:town:E", "phone") in stands(node)
    assert stands(node, NIK) == set(), "another number: another mark"
    node.close()


def test_a_field_that_may_not_be_empty_holds_the_row_and_says_why(tmp_path: Path, store_url: str) -> None:
    town = Town(tmp_path, store_url, ", required: true")
    town.command("person", "forget", ANI, "--tables")
    town.hand_in(AFTER + f"E;{ANI};;5\n")
    node = town.opened()
    held = {one.raw["code"]: one for one in node.store.tenant().held("town", "stall")}
    assert [(one["rule"], one["severity"]) for one in held["E"].reasons] == [
        ("required", "error"), ("erased", "warning"),
    ]  # fmt: skip
    assert held["E"].raw["phone"] is None
    node.close()


def test_a_backup_from_before_does_not_bring_them_back(town: Town, tmp_path: Path) -> None:
    vault = str(tmp_path / "backups")

    place = ("--data", str(town.data), "--store", town.store)
    before = run("backup", *place, "--to", vault).partition(":")[0]
    said = town.command("person", "forget", ANI, "--tables")
    assert "erased in 2 held rows, 2 entities, 2 versions of datasets, and 2 kept files" in said.output
    assert said.return_value == 0
    run("backup", *place, "--to", vault)
    new = tmp_path / "new"
    told = run("restore", "--data", str(new), "--from", vault, "--at", before)
    assert "and 1 times in tables" in told
    node = town.opened(new, "")
    assert stands(node) == set()
    assert node.store.tenant().problems() == []
    node.close()
    for room in ("files", "datasets"):
        assert left((ANI,), new / room) == set()
    town.data, town.store = new, ""
    town.hand_in(AFTER + f"E;{ANI};;5\n")
    node = town.opened()
    assert stands(node) == set(), "the restored node knows them by the later backup"
    node.close()
