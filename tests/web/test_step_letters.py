"""Letters about steps of questions, notices and reviews: to the office that waits for them, without what was said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mahakam.app import Node
from mahakam.config import Settings
from support.demo_part import CONFIG, part_of_demo
from support.people import person, post
from web.test_notices import OFFER
from web.test_questions import ASK

NOTICES, QUESTIONS = "/network/notices", "/network/questions"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    shutil.copytree(part_of_demo(), tmp_path / "data")
    mail = {"url": "https://node.example", "smtp": "smtp://127.0.0.1:9", "mail_from": "A <a@example.id>"}
    found = Node(Settings(tmp_path / "data", CONFIG, **mail))
    yield found
    found.close()


def letters(node: Node) -> list[tuple[str, str, str]]:
    """(to, subject, text) of all that is owed, the oldest first."""
    kept: dict[str, dict[str, Any]] = node.store.tenant().records("mail")
    found = [one.get("letter", one) for one in kept.values()]
    return [(one["to"], one["subject"], one["text"]) for one in found]


def test_a_question_is_told_when_it_is_answered_and_who_answered_when_it_helped(node: Node) -> None:
    asker = person(node, "siti@samarinda.example", "city_officer", "samarinda")
    other = person(node, "wati@bontang.example", "city_officer", "bontang")
    status, where = post(asker, QUESTIONS + "/new", QUESTIONS + "/new", ASK)
    assert status == 303
    assert letters(node) == []
    said = {"answer-language": "en", "answer-text": "Secret words of the answer"}
    assert post(other, where, where + "/answer", said)[0] == 303
    [(to, subject, text)] = letters(node)
    assert (to, subject) == (
        "siti@samarinda.example",
        "Bontang answered your question: Berapa <b>biayanya</b>?",
    )
    assert f"https://node.example{where}" in text
    assert "Secret words" not in text
    assert post(asker, where, where + "/step", {"do": "accept", "number": "1"})[0] == 303
    assert {("wati@bontang.example", "Samarinda says that your answer helped: Berapa <b>biayanya</b>?")} == {
        one[:2] for one in letters(node) if one[0] != to
    }


def test_a_notice_is_told_to_the_secretariat_and_its_fate_to_whoever_posted_it(node: Node) -> None:
    firm = person(node, "firm@firm.example", "partner", "A firm")
    secretariat = person(node, "sec@network.example", "secretariat")
    status, where = post(firm, NOTICES + "/new", NOTICES + "/new", OFFER | {"title": "Gauges"})
    assert status == 303
    assert [one[:2] for one in letters(node)] == [
        ("sec@network.example", "A firm wants a notice on the board: Gauges")
    ]
    assert post(secretariat, where, where + "/step", {"do": "put_up", "version": "1"})[0] == 303
    assert ("firm@firm.example", "Your notice is on the board: Gauges") in [one[:2] for one in letters(node)]


def test_a_city_is_told_that_it_is_asked_to_look_and_the_other_what_it_found(node: Node) -> None:
    ours = person(node, "siti@samarinda.example", "city_officer", "samarinda")
    theirs = person(node, "wati@bontang.example", "city_officer", "bontang")
    new = "/evaluation/samarinda/new"
    answer = {"framework": "readiness", "agency": "", "seen": "0", "level-0": "1"}
    status, where = post(ours, new + "?framework=readiness&agency=", new, answer)
    assert status == 303, where
    assert post(ours, where, where + "/ask", {"peer": "bontang"})[0] == 303
    [(to, subject, text)] = letters(node)
    assert (to, subject) == (
        "wati@bontang.example", "Samarinda asks you to look at the assessment of Samarinda"
    )  # fmt: skip
    assert f"https://node.example{where}/review" in text
    found = {"seen": "1", "verdict-0": "2", "reason-0": "We saw more"}
    assert post(theirs, where + "/review", where + "/review", found)[0] == 303
    assert ("siti@samarinda.example", "Bontang looked at the assessment of Samarinda") in [
        one[:2] for one in letters(node)
    ]


def test_without_a_mail_server_nothing_is_owed(tmp_path: Path) -> None:
    shutil.copytree(part_of_demo(), tmp_path / "data")
    node = Node(Settings(tmp_path / "data", CONFIG))
    person(node, "sec@network.example", "secretariat")
    firm = person(node, "firm@firm.example", "partner", "A firm")
    assert post(firm, NOTICES + "/new", NOTICES + "/new", OFFER)[0] == 303
    assert letters(node) == []
    node.close()
