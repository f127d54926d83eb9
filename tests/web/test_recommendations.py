"""The network's pages for people in office: who may, what is refused, and that nothing typed is lost."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from support.demo_part import node_over, part_of_demo
from support.people import person, post

PATH = "/network/recommendations"
DRAFT = {
    "title-en": "Measure the air",
    "why-en": "We breathe it.",
    "claim-0-en": "Jakarta counts its days.",
    "claim-0-evidence": "A report https://example.org/report.pdf",
    "action-0-en": "Publish an index.",
    "action-0-who": "Cities",
    "action-0-due": "2027-06-30",
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    data: Path = tmp_path_factory.mktemp("network") / "data"
    shutil.copytree(part_of_demo(), data)
    found = node_over(data)
    yield found
    found.close()


def test_rights_are_of_the_office(node: Node) -> None:
    indonesia = person(node, "ines", "representative", "ID")
    status, where = post(indonesia, PATH + "/new", PATH + "/new", DRAFT)
    assert status == 303, where
    nobody, partner = person(node, "nora"), person(node, "paul", "partner", "A firm")
    stranger = TestClient(Application(node), base_url="http://localhost", follow_redirects=False)
    assert stranger.get(where).status_code == 303, "to the sign-in"
    assert stranger.get(where + ".pdf").status_code == 303
    assert [one.get(where).status_code for one in (nobody, partner)] == [403, 403], "a draft is its drafters'"
    assert DRAFT["title-en"] not in stranger.get(PATH + ".csv").text
    assert post(indonesia, where, where + "/step", {"do": "open"})[0] == 303
    assert [one.get(where).status_code for one in (nobody, partner)] == [403, 200]
    assert partner.get(PATH + "/new").status_code == 403
    assert post(partner, where, where + "/comment", {"comment": "From outside"})[0] == 303
    assert post(partner, where, where + "/step", {"do": "put"})[0] == 403
    assert post(indonesia, where, where + "/step", {"do": "put"})[0] == 403, "the Secretariat's to do"
    secretariat = person(node, "sara", "secretariat")
    seen = re.search(r'name="seen" value="(\d+)"', secretariat.get(where).text)
    assert seen
    assert post(secretariat, where, where + "/step", {"do": "put", "seen": seen.group(1)})[0] == 303
    vote = {"country": "TH", "version": "1", "round": "1", "position": "consent"}
    assert post(indonesia, where, where + "/position", vote)[0] == 403, "not for another country"
    assert post(secretariat, where, where + "/position", vote)[0] == 403, "the Secretariat has no vote"
    assert post(indonesia, where, where + "/position", vote | {"country": "ID"})[0] == 303
    assert post(indonesia, where, where + "/position", vote | {"country": "ID", "version": "9"})[0] == 409


def test_what_was_typed_stays(node: Node) -> None:
    malaysia = person(node, "maya", "representative", "MY")
    wrong = DRAFT | {"title-en": "", "claim-0-evidence": "/trace/entity/urn:nothing", "action-0-due": "soon"}
    status, page = post(malaysia, PATH + "/new", PATH + "/new", wrong)
    assert status == 422
    assert "urn:nothing is no indicator value" in page
    assert "Jakarta counts its days." in page
    old = malaysia.post(PATH + "/new", data=DRAFT | {"form": "0.stale"})
    assert old.status_code == 403
    assert "Jakarta counts its days." in old.text
    status, page = post(malaysia, PATH + "/new", PATH + "/new", DRAFT | {"more": "claim"})
    assert status == 200
    assert 'id="claim-1-en"' in page
    status, where = post(malaysia, PATH + "/new", PATH + "/new", DRAFT)
    lost = DRAFT | {"why-en": "<b>Mine</b>", "seen": "0"}
    status, page = post(malaysia, where + "/edit", where + "/edit", lost)
    assert status == 409
    assert "Somebody else changed this" in page
    assert "&lt;b&gt;Mine&lt;/b&gt;" in page


def test_a_meeting_is_planned_by_the_secretariat(node: Node) -> None:
    thailand = person(node, "thana", "representative", "TH")
    secretariat = person(node, "sofia", "secretariat")
    new = "/network/meetings/new"
    assert thailand.get(new).status_code == 403
    text = {"title": "Ninth meeting", "begins": "2026-07-20", "ends": "2026-07-19", "documents": "No address"}
    status, page = post(secretariat, new, new, text)
    assert status == 422
    assert "No address is no address" in page
    status, page = post(secretariat, new, new, text | {"documents": ""})
    assert "The end comes after the beginning" in page
    status, where = post(secretariat, new, new, text | {"documents": "", "ends": "2026-07-20"})
    assert (status, where) == (303, "/network/meetings/2026-07-20")
    names = {"country": "TH", "delegation": "Thana\nMali"}
    assert post(thailand, where, where + "/delegation", names)[0] == 303
    assert post(thailand, where, where + "/delegation", names | {"country": "MY"})[0] == 403
    public = TestClient(Application(node), base_url="http://localhost").get(where).text
    assert "Ninth meeting" in public
    assert "Mali" not in public
    assert "Mali" in secretariat.get(where).text
