"""Pages of questions between cities: languages side by side, who writes, what a solution's page shows of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from mahakam.config import Settings
from support.demo_part import CONFIG, part_of_demo
from support.people import person, post

PATH = "/network/questions"
SOLUTION = "/network/solutions/samarinda/heavy-rain"
ASK = {
    "language": "id",
    "title": "Berapa <b>biayanya</b>?",
    "text": "Kami ingin alat yang sama.",
    "links": f"http://localhost{SOLUTION}\n/indicators/samarinda/flood-days",
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


def asked(client: TestClient, **more: str) -> str:
    status, where = post(client, PATH + "/new", PATH + "/new", ASK | more)
    assert status == 303, where
    return where


def test_asked_in_one_language_read_in_two(node: Node) -> None:
    siti = person(node, "siti", "city_officer", "samarinda")
    firm = person(node, "firm", "partner", "A firm")
    where = asked(siti)
    english = {
        "number": "0",
        "seen": "0",
        "to": "en",
        "to-title": "What does it cost?",
        "to-text": "We want one.",
    }
    assert post(firm, where, where + "/translate", english)[0] == 303
    page = stranger(node).get(where).text
    assert 'lang="id"' in page
    assert "Berapa &lt;b&gt;biayanya&lt;/b&gt;?" in page
    assert "What does it cost?" in page
    assert "put into it by Firm" in page
    status, page = post(firm, where, where + "/translate", english | {"to-text": "We would like one."})
    assert status == 409
    assert "We would like one." in page
    [row] = stranger(node).get(PATH + ".json?q=alat").json()
    assert (row["title"], row["languages"], row["by"]) == ("What does it cost?", ["id", "en"], "Samarinda")
    assert stranger(node).get(PATH + ".json?lacking=en").json() == []
    assert len(stranger(node).get(PATH + ".json?lacking=th").json()) == 1
    assert row["links"] == [SOLUTION, "/indicators/samarinda/flood-days"]


def test_a_solution_and_an_indicator_show_what_was_asked_about_them(node: Node) -> None:
    siti = person(node, "siti", "city_officer", "samarinda")
    where = asked(siti)
    for path in (SOLUTION, "/indicators/samarinda/flood-days"):
        assert where in stranger(node).get(path).text
        assert "/network/questions/new?about=" in siti.get(path).text
        assert "/network/questions/new?about=" not in stranger(node).get(path).text
    assert where not in stranger(node).get("/indicators/samarinda/heavy-rain-days").text
    assert SOLUTION in siti.get(PATH + "/new?about=solution:samarinda/heavy-rain").text


def test_the_asker_accepts_an_answer(node: Node) -> None:
    siti, budi = (
        person(node, name, "city_officer", seat)
        for name, seat in (("siti", "samarinda"), ("budi", "bontang"))
    )
    where = asked(siti)
    answer = {"answer-language": "en", "answer-text": "Ten million rupiah."}
    assert post(stranger(node), where, where + "/answer", answer)[0] in (303, 403)
    assert "Ten million" not in siti.get(where).text
    assert post(budi, where, where + "/answer", answer)[0] == 303
    accept = {"do": "accept", "number": "1"}
    assert post(budi, where, where + "/step", accept)[0] == 403
    assert post(siti, where, where + "/step", accept)[0] == 303
    assert "accepted by the asker" in stranger(node).get(where).text
    assert [one["state"] for one in stranger(node).get(PATH + ".json?state=accepted").json()] == ["accepted"]
    assert post(siti, where, where + "/step", {"do": "accept", "number": "99999999999"})[0] == 409


def test_what_is_wrong_is_said_and_what_was_typed_stays(node: Node) -> None:
    siti = person(node, "siti", "city_officer", "samarinda")
    wrong = ASK | {
        "language": "xx",
        "title": "",
        "links": "https://elsewhere.example/x\nhttps://[\n/indicators/x/y",
    }
    status, page = post(siti, PATH + "/new", PATH + "/new", wrong)
    assert status == 422
    for said in (
        "https://elsewhere.example/x is no solution",
        "Kami ingin alat yang sama.",
        "3 fields need another",
    ):
        assert said in page
    assert stranger(node).get(PATH + "/new").status_code == 303
    where = asked(siti)
    secretariat = person(node, "sec", "secretariat")
    assert post(secretariat, where, where + "/step", {"do": "withdraw", "reason": ""})[0] == 422
    assert post(secretariat, where, where + "/step", {"do": "withdraw", "reason": "Twice"})[0] == 303
    assert stranger(node).get(where).status_code == 404
    assert stranger(node).get(PATH + ".json").json() == []
    assert siti.get(where).status_code == 200
