"""Membership is dated data: a past day has the members of then; a city admitted later is one from its day on."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from mahakam.faults import Refused
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.network.terms import Term, held, record, recorded
from mahakam.network.views import network
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore
from support.demo_part import node_over, part_of_demo
from support.people import person, post

PATH = "/network/members"


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path / "data")
    yield opened.tenant()
    opened.close()


def term(**more: str) -> Term:
    facts = {
        "kind": "member", "seat": "samarinda", "name": "Samarinda", "country": "ID", "since": "2027-07-20",
        "source": "Annual meeting",
    }  # fmt: skip
    return Term(**facts | more)  # type: ignore[arg-type]


def test_a_term_holds_from_its_beginning_to_before_its_end() -> None:
    day = dt.date(2026, 7, 20)
    assert held("2026-07-20", "", day)
    assert not held("2026-07-21", "", day)
    assert not held("2020", "2026-07-20", day)
    assert held("2026", "2026-07-21", day), "a year counts from its first day"
    assert not held("2027", "", dt.date(2026, 12, 31))


def test_what_the_secretariat_records_is_checked_and_kept(store: EntityStore) -> None:
    record(store, term(), (), ("ID",))
    record(store, term(until="2030-01-01"), (), ("ID",))
    assert [one.until for one in recorded(store)] == ["2030-01-01"], "the same term, with another end"
    bad = term(
        kind="city_officer", seat="atlantis", country="XX", since="soon", until="2026-02-31", source=""
    )
    with pytest.raises(Refused) as refused:
        record(store, bad, ("samarinda",), ("ID",))
    assert {(one.field, one.code) for one in refused.value.faults} == {
        ("seat", "choose"), ("country", "choose"), ("source", "words"), ("since", "when"), ("until", "when"),
    }  # fmt: skip
    with pytest.raises(Refused):
        record(store, term(until="2027-07-20"), (), ("ID",))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    data: Path = tmp_path_factory.mktemp("terms") / "data"
    shutil.copytree(part_of_demo(), data)
    found = node_over(data)
    assert run_feed(Parts.of(found), "ascn", "terms", author="a test").state == "clean"
    yield found
    found.close()


@pytest.mark.parametrize(
    ("day", "members"),
    [
        ("2017-12-31", 0),
        ("2018-12-31", 26),
        ("2023-12-31", 29),
        ("2024-12-31", 31),
        ("2025-12-31", 37),
        ("2026-06-30", 38),
    ],
)
def test_the_members_of_a_day(node: Node, day: str, members: int) -> None:
    found = network(node.broker, day=dt.date.fromisoformat(day))
    assert found is not None
    assert len(found.cities) == members
    assert len(found.projects) == 134, "projects stay tied to their cities"


def test_a_city_that_is_admitted_is_a_member_from_its_day_on(node: Node) -> None:
    secretariat = person(node, "terms-sec", "secretariat")
    stranger = TestClient(Application(node), base_url="http://localhost", headers={"accept-language": "en"})
    given = {"kind": "member", "seat": "bontang", "name": "Bontang", "country": "ID", "since": "2020-07-20"}
    officer = person(node, "terms-officer", "city_officer", "bontang")
    assert post(officer, PATH, PATH, given | {"source": "Me"})[0] == 403
    status, page = post(secretariat, PATH, PATH, given)
    assert status == 422, "without a source"
    assert 'value="Bontang"' in page
    assert post(secretariat, PATH, PATH, given | {"source": "Eighth meeting <i>note</i>"})[0] == 303
    assert "<i>note" not in stranger.get(PATH + "?all=1").text
    before, after = (
        {one["city"] for one in stranger.get(f"/network/cities.json?as_of={day}").json()}
        for day in ("2020-07-19", "2020-07-20")
    )
    assert after - before == {"Bontang"}
    text = stranger.get("/network?as_of=2020-07-19").text
    assert "Members as of 19 July 2020." in text
    assert "Bontang" in {one["name"] for one in stranger.get(PATH + ".json?kind=member").json()}
    candidates = {one["name"] for one in stranger.get(PATH + ".json?kind=candidate").json()}
    assert "Samarinda" in candidates
    assert "Bontang" not in candidates, "it is a member now"
