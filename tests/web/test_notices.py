"""Pages of the notice board: who posts, who puts up, who reads what is not up; an answer becomes cooperation."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from mahakam.config import Settings
from support.demo_part import CONFIG, part_of_demo
from support.people import person, post

PATH = "/network/notices"
UNTIL = (dt.date.today() + dt.timedelta(days=40)).isoformat()
OFFER = {
    "kind": "offer",
    "title": "Rain <i>gauges</i>",
    "what-en": "Twelve gauges, on loan",
    "what-id": "Dua belas alat, dipinjamkan",
    "whom": "coastal cities",
    "area": "Quality Environment",
    "until": UNTIL,
    "conditions-en": "Data stays public",
}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    shutil.copytree(part_of_demo(), tmp_path / "data")
    found = Node(Settings(tmp_path / "data", CONFIG))
    yield found
    found.close()


def stranger(node: Node) -> TestClient:
    return TestClient(
        Application(node), base_url="http://localhost", headers={"accept-language": "en"}, follow_redirects=False
    )  # fmt: skip


def posted(client: TestClient, **more: str) -> str:
    status, where = post(client, PATH + "/new", PATH + "/new", OFFER | more)
    assert status == 303, where
    return where


def test_nothing_is_up_before_the_secretariat_read_it(node: Node) -> None:
    firm, secretariat = person(node, "firm", "partner", "A firm"), person(node, "sec", "secretariat")
    city = person(node, "siti", "city_officer", "samarinda")
    where = posted(firm)
    assert [one.get(where).status_code for one in (firm, secretariat, city)] == [200, 200, 404]
    assert stranger(node).get(where).status_code == 303
    assert stranger(node).get(PATH + ".json").json() == []
    assert where in secretariat.get(PATH).text
    assert post(firm, where, where + "/step", {"do": "put_up", "version": "1"})[0] == 403
    status, page = post(secretariat, where, where + "/step", {"do": "return", "version": "1"})
    assert status == 422
    assert "Say why" in page
    assert post(secretariat, where, where + "/step", {"do": "put_up", "version": "1"})[0] == 303
    shown = stranger(node).get(where).text
    assert "Rain &lt;i&gt;gauges&lt;/i&gt;" in shown
    assert "Dua belas alat" in shown
    assert "Data stays public" in shown
    [row] = stranger(node).get(PATH + ".json?area=Quality+Environment&q=gauges").json()
    assert (row["who"], row["kind"], row["state"], row["until"]) == ("A firm", "offer", "open", UNTIL)
    assert stranger(node).get(PATH + ".json?kind=ask").json() == []


def test_a_change_is_not_shown_before_it_was_read(node: Node) -> None:
    firm, secretariat = person(node, "firm", "partner", "A firm"), person(node, "sec", "secretariat")
    where = posted(firm)
    post(secretariat, where, where + "/step", {"do": "put_up", "version": "1"})
    assert "Twelve gauges" in firm.get(where + "/edit").text
    changed = OFFER | {"what-en": "Thirteen gauges", "seen": "1"}
    assert post(firm, where + "/edit", where + "/edit", changed)[0] == 303
    assert "Thirteen gauges" in firm.get(where).text
    public = stranger(node)
    assert "Thirteen" not in public.get(where).text
    assert "Thirteen" not in public.get(PATH + ".json").text
    assert "Twelve gauges" in public.get(where).text
    status, page = post(firm, where + "/edit", where + "/edit", changed | {"what-en": "Fourteen"})
    assert status == 409
    assert "Fourteen" in page
    post(secretariat, where, where + "/step", {"do": "return", "version": "2", "reason": "Which thirteen?"})
    assert "Which thirteen?" in firm.get(where).text
    assert "Which thirteen?" not in public.get(where).text
    assert public.get(PATH + ".json").json()[0]["state"] == "open"


def test_an_answer_is_a_request_for_cooperation(node: Node) -> None:
    firm, secretariat = person(node, "firm", "partner", "A firm"), person(node, "sec", "secretariat")
    city = person(node, "siti", "city_officer", "samarinda")
    where = posted(firm)
    key = where.rpartition("/")[2]
    link = f"/network/cooperation/new?with=partner%3AA+firm&about=notice%3A{key}"
    assert f'value="notice:{key}"' not in city.get(link).text, "not up yet"
    post(secretariat, where, where + "/step", {"do": "put_up", "version": "1"})
    assert link.replace("&", "&amp;") in city.get(where).text
    assert "Answer it" not in firm.get(where).text
    fields = {
        "with": "partner:A firm",
        "about": f"notice:{key}",
        "title": "Gauges for us",
        "why-en": "It rains.",
    }
    status, asked = post(city, link, "/network/cooperation/new", fields)
    assert status == 303
    assert where in firm.get(asked).text, "what it is about"
    assert asked in firm.get(where).text, "what came of it"
    assert asked not in stranger(node).get(where).text
    # Once it is taken down nobody answers it any more.
    assert post(firm, where, where + "/step", {"do": "close", "reason": "All lent"})[0] == 303
    status, page = post(city, link, "/network/cooperation/new", fields)
    assert status == 422
    assert "no longer there" in page
    assert stranger(node).get(PATH + ".json").json() == []
    assert stranger(node).get(PATH + ".json?past=1").json()[0]["state"] == "closed"


def test_who_may_not_is_told_so_and_what_was_typed_stays(node: Node) -> None:
    representative = person(node, "nr", "representative", "ID")
    assert representative.get(PATH + "/new").status_code == 403
    assert stranger(node).get(PATH + "/new").status_code == 303
    firm = person(node, "firm", "partner", "A firm")
    status, page = post(firm, PATH + "/new", PATH + "/new", OFFER | {"until": "2020-01-01", "area": "Sport"})
    assert status == 422
    assert "Dua belas alat" in page
    assert "at most 731 days ahead" in page
    namesake = person(node, "other", "city_officer", "A firm")
    where = posted(firm)
    assert post(namesake, PATH, where + "/step", {"do": "close", "reason": "x"})[0] in (403, 404)
    assert firm.get(PATH + "/N-1900-001").status_code == 404
    assert post(firm, where, where + "/step", {"do": "dance"})[0] in (400, 403)
