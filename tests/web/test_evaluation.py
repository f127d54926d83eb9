"""Pages of assessments: an officer answers for an agency with evidence that the node looks up, another city that was
asked reviews it, nobody else reads it, and nothing typed is lost."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from mahakam.config import Settings
from support.demo_part import CONFIG, part_of_demo
from support.people import person, post

PATH = "/evaluation/samarinda"
NEW = PATH + "/new?framework=readiness&agency=BPBD+Samarinda"
ANSWERS = {
    "framework": "readiness",
    "agency": "BPBD Samarinda",
    "seen": "0",
    "level-0": "3",
    "evidence-0": "/catalogue/samarinda/rain\nhttp://localhost/indicators/samarinda/flood-days",
    "level-1": "2",
    "evidence-1": "Decree 12/2026 https://example.org/decree.pdf",
    "note-1": "Two people <b>trained</b>",
}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    shutil.copytree(part_of_demo(), tmp_path / "data")
    found = Node(Settings(tmp_path / "data", CONFIG, url="https://node.example"))
    yield found
    found.close()


def assessed(client: TestClient, **more: str) -> str:
    status, where = post(client, NEW, PATH + "/new", ANSWERS | more)
    assert status == 303, where
    return where


def test_an_officer_answers_and_the_evidence_is_looked_up(node: Node) -> None:
    siti = person(node, "siti", "city_officer", "samarinda")
    form = siti.get(NEW).text
    assert "a dataset of ours that this node has read" in form, "what the evidence of a level shows"
    assert "/catalogue/samarinda/rain" in form
    where = assessed(siti)
    page = siti.get(where).text
    assert "Two people &lt;b&gt;trained&lt;/b&gt;" in page
    assert "Decree 12/2026" in page
    rows = {one["key"]: one for one in siti.get(where + ".json").json()}
    assert (rows["data"]["claimed"], rows["data"]["carried"]) == (3, 3)
    assert (rows["people"]["claimed"], rows["people"]["carried"]) == (2, 2)
    # The trend of the agency goes on from the files of the folder.
    listed = [one for one in siti.get(PATH + ".json").json() if one["agency"] == "BPBD Samarinda"]
    assert [one["day"] for one in listed][:2] == ["2025-10-01", "2026-10-01"]
    assert len(listed) == 3
    assert "2025" in page
    package = zipfile.ZipFile(io.BytesIO(siti.get(where + ".zip").content))
    assert json.loads(package.read("manifest.json"))["notAnswered"] == ["technology", "governance"]


def test_evidence_that_is_not_there_is_refused_and_what_was_typed_stays(node: Node) -> None:
    siti = person(node, "siti", "city_officer", "samarinda")
    wrong = {
        "evidence-0": "/catalogue/samarinda/nothing\n/catalogue/jakarta/air-quality\nfile:city.yaml\nsomething",
        "level-2": "4",
        "note-3": "Level forgotten",
    }
    status, page = post(siti, NEW, PATH + "/new", ANSWERS | wrong)
    assert status == 422
    assert "/catalogue/samarinda/nothing is no evidence" in page
    assert "something" in page
    assert "Level 4 needs 3 pieces of evidence, of which the node finds 0" in page
    assert "Choose one from the list" in page, "a note without a level"
    assert "Decree 12/2026 https://example.org/decree.pdf" in page
    assert len(siti.get(PATH + ".json").json()) == 3, "those of the files"
    for line in ("file:../../../etc/passwd", "https://[", "/catalogue/samarinda", "x" * 5000, "urn:x"):
        status, page = post(siti, NEW, PATH + "/new", ANSWERS | {"evidence-0": line})
        assert status == 422, line
    status, page = post(siti, NEW, PATH + "/new", ANSWERS | {"level-0": "99999999999999999999"})
    assert status == 422
    assert siti.get(PATH + "/new?framework=..%2F..%2Fx").status_code == 404


def test_a_city_that_was_asked_reads_and_reviews_that_one_alone(node: Node) -> None:
    siti = person(node, "siti", "city_officer", "samarinda")
    budi = person(node, "budi", "city_officer", "bontang")
    partner = person(node, "firm", "partner", "A firm")
    where = assessed(siti)
    assert budi.get(where).status_code == 403
    assert post(siti, where, where + "/ask", {"peer": "samarinda"})[0] == 422, "not itself"
    assert post(siti, where, where + "/ask", {"peer": "bontang"})[0] == 303
    assert post(siti, where, where + "/ask", {"peer": "bontang"})[0] == 422
    assert (budi.get(where).status_code, budi.get(PATH).status_code) == (200, 403)
    assert budi.get(where + "/review").status_code == 200
    assert (partner.get(where).status_code, siti.get(where + "/review").status_code) == (403, 403)
    assert where in budi.get("/network/capacity").text
    disputed = {"seen": "1", "verdict-0": "3", "verdict-1": "1"}
    status, page = post(budi, where + "/review", where + "/review", disputed)
    assert status == 422
    assert "Say why" in page
    disputed["reason-1"] = "The decree names nobody."
    assert post(budi, where + "/review", where + "/review", disputed)[0] == 303
    shown = siti.get(where).text
    assert "The decree names nobody." in shown
    assert "claimed: 2, found: 1" in shown
    row = next(one for one in siti.get(where + ".json").json() if one["key"] == "people")
    assert (row["claimed"], row["peer"], row["peer_reason"]) == (2, 1, "The decree names nobody.")
    assert where not in budi.get("/network/capacity").text, "done"


def test_who_may_not_is_told_so(node: Node) -> None:
    stranger = TestClient(Application(node), base_url="http://localhost", follow_redirects=False)
    assert stranger.get(NEW).status_code == 303
    assert stranger.get("/network/capacity").status_code == 303
    assert stranger.get("/network/capacity.csv").status_code == 401
    other = person(node, "other", "city_officer", "bontang")
    assert other.get(NEW).status_code == 403
    assert post(other, "/network/capacity", PATH + "/new", ANSWERS)[0] == 403
    secretariat = person(node, "sec", "secretariat")
    assert secretariat.get(PATH).status_code == 200, "an office reads, not the account alone"
    assert post(secretariat, PATH, PATH + "/new", ANSWERS)[0] == 403
    agencies = {one["agency"] for one in secretariat.get("/network/capacity.json").json()}
    assert "BPBD Samarinda" in agencies


def test_two_who_answer_at_once_lose_nothing(node: Node) -> None:
    siti = person(node, "siti", "city_officer", "samarinda")
    assessed(siti)
    status, page = post(siti, NEW, PATH + "/new", ANSWERS | {"note-1": "From another desk"})
    assert status == 409
    assert "From another desk" in page
    assert 'name="seen" value="1"' in page
    assessed(siti, **{"note-1": "From another desk", "seen": "1"})
