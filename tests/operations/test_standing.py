"""A person is found in what agencies handed in: held rows, personal attributes, every kept version of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mahakam.app import Node
from mahakam.cli import cli
from mahakam.config import Place, Settings
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.operations.standing import standings
from support.people_table import FEEDS, with_people
from support.portal import two_cities

ANI, BUDI = "0812-7777-3131", "0811 2222 3333"
NIK = "6472015501900001"
ROWS = f"code;phone;nik;seats\nA;+62 812 7777 3131;{NIK};1\nB;{BUDI};6472015501900002;2\nC;{ANI};;90\n"
WITHOUT = f"code;phone;nik;seats\nB;{BUDI};6472015501900002;2\n"


@pytest.fixture
def node(tmp_path: Path, store_url: str) -> Iterator[Node]:
    places = two_cities(tmp_path / "places")
    town = places / "prov/town"
    with_people(town)
    for name in FEEDS:
        (town / f"data/{name}.csv").write_text(ROWS)
    made = Node(Settings(data=tmp_path / "data", config=(places,), store=store_url))
    for name in FEEDS:
        run = run_feed(Parts.of(made), "town", name)
        assert (run.state, run.held) == ("held", 1), run.message
    yield made
    made.close()


def found(node: Node, who: str) -> set[tuple[str, str, str]]:
    parts = Parts.of(node)
    return {(one.kind, one.of, one.detail) for one in standings(parts, node.rights, who)}


def test_what_there_was_no_time_for_is_named(node: Node) -> None:
    told = list(standings(Parts.of(node), node.rights, ANI, seconds=-1))
    names = {one.of for one in told if one.kind == "unlooked"}
    assert names >= {"town/stall", "town/aid", "entities"}
    assert not any(one.kind in ("held", "dataset") for one in told)


def held_rows(node: Node) -> dict[str, str]:
    return {one.feed: str(one.id) for one in node.store.tenant().held("town", state=None)}


@pytest.mark.parametrize("who", [ANI, "+62 (812) 7777.3131", "081277773131"])
def test_everywhere_that_they_stand(node: Node, who: str) -> None:
    held = held_rows(node)
    run = node.store.tenant().runs("town", "aid")[0].id
    assert found(node, who) == {
        ("held", "town/stall", held["stall"]),
        ("held", "town/aid", held["aid"]),
        ("entity", "urn:ngsi-ld:Stall:town:A", "phone"),
        ("dataset", "town/aid", f"run {run}: 1"),
    }
    assert found(node, "0812 7777 3132") == set()


def test_a_nik_is_found_where_it_is_a_number_too(node: Node) -> None:
    run = node.store.tenant().runs("town", "aid")[0].id
    assert found(node, NIK) == {
        ("entity", "urn:ngsi-ld:Stall:town:A", "nik"),
        ("dataset", "town/aid", f"run {run}: 1"),
    }


def test_an_older_version_that_is_kept_is_looked_at(node: Node, tmp_path: Path) -> None:
    first = node.store.tenant().runs("town", "aid")[0].id
    (tmp_path / "places/prov/town/data/aid.csv").write_text(WITHOUT)
    assert run_feed(Parts.of(node), "town", "aid").state == "clean"
    assert ("dataset", "town/aid", f"run {first}: 1") in found(node, NIK)


def test_one_looks_in_ones_places_alone(node: Node) -> None:
    def within(place: Place | None) -> bool:
        return place is not None and place.id == "bay"

    assert list(standings(Parts.of(node), node.rights, ANI, within)) == []


def test_the_command_says_so(node: Node, tmp_path: Path, store_url: str) -> None:
    node.close()
    where = ["--data", str(tmp_path / "data"), "--config", str(tmp_path / "places")]
    environment = {"MAHAKAM_STORE": store_url}
    done = CliRunner(env=environment).invoke(cli, ["person", "find", ANI, *where], standalone_mode=False)
    assert done.exception is None
    assert done.return_value == 0
    assert "urn:ngsi-ld:Stall:town:A phone" in done.output
    assert "dataset town/aid, run" in done.output
    forgotten = CliRunner(env=environment).invoke(
        cli, ["person", "forget", ANI, *where], standalone_mode=False
    )
    assert forgotten.return_value == 1
    assert "quarantine row town/stall" in forgotten.output
