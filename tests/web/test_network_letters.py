"""Letters on paper: where a candidacy stands, and that a city's update of the year is missing; who gets them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pdfplumber
import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from mahakam.cli.demo import take_action_plans
from mahakam.config import Settings
from support.demo_part import CONFIG, part_of_demo
from support.people import person, post

CANDIDACY = "/network/candidacies/samarinda"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    shutil.copytree(part_of_demo(), tmp_path / "data")
    found = Node(Settings(tmp_path / "data", CONFIG, url="https://node.example"))
    take_action_plans(found)
    yield found
    found.close()


def read(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), answer.text
    with pdfplumber.open(io.BytesIO(answer.content)) as paper:
        return " ".join(" ".join(page.extract_text().split()) for page in paper.pages)


def test_a_candidacys_letter_says_where_it_stands(node: Node) -> None:
    city, secretariat = person(node, "siti", "city_officer", "samarinda"), person(node, "sec", "secretariat")
    letter = CANDIDACY + "/letter.pdf"
    assert city.get(letter).status_code == 404, "nothing was submitted"
    post(city, CANDIDACY, CANDIDACY + "/submit", {"why-en": "We measure our rain."})
    assert "The dossier of Samarinda has come" in read(city, letter)
    said = {"do": "return", "version": "1", "findings": "Say with whom #strong[you] compare."}
    assert post(secretariat, CANDIDACY, CANDIDACY + "/step", said)[0] == 303
    english, indonesian = (read(secretariat, f"{letter}?lang={code}") for code in ("en", "id"))
    assert "The dossier of Samarinda is given back" in english
    assert "Say with whom #strong[you] compare." in english, "nobody's text is typesetting"
    assert "Siti" in english
    assert f"https://node.example{CANDIDACY}" in english
    assert "Berkas Samarinda dikembalikan" in indonesian
    assert letter in secretariat.get(CANDIDACY).text
    stranger = TestClient(Application(node), base_url="http://localhost", follow_redirects=False)
    assert stranger.get(letter).status_code == 303
    assert letter not in stranger.get(CANDIDACY).text


def test_a_reminder_names_what_is_not_reported(node: Node) -> None:
    secretariat = person(node, "sec", "secretariat")
    reminders = "/network/plans/{}/reminder.pdf".format
    text = read(secretariat, reminders("samarinda"))
    assert "Reminder: the update of Samarinda for" in text
    assert "Nothing is reported yet of these projects" in text
    page = secretariat.get("/network/plans").text
    missing = [part.partition("/reminder.pdf")[0] for part in page.split('href="/network/plans/')[1:]
               if "/reminder.pdf" in part.partition('"')[0]]  # fmt: skip
    assert missing
    assert "has no action plan yet" in read(secretariat, reminders(missing[0]))
    other = person(node, "budi", "city_officer", "bontang")
    assert other.get(reminders("samarinda")).status_code == 403
    assert "Samarinda" in read(person(node, "siti", "city_officer", "samarinda"), reminders("samarinda"))
    assert secretariat.get(reminders("nowhere")).status_code == 404
