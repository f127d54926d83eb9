"""Pages of cooperation: who reads and does what, lists and files, nothing typed is lost, letters without secrets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from mahakam.config import Settings
from mahakam.services.outbox import KIND as MAIL
from support.demo_part import CONFIG, part_of_demo
from support.html import Page
from support.people import person, post

PATH = "/network/cooperation"
ASK = {"with": "city:bontang", "title": "Learn from the health centres", "why-en": "How did you do it?"}
LETTER = {
    "purpose-en": "Fewer people per centre",
    "purpose-id": "Lebih sedikit orang per puskesmas",
    "asker_does-en": "Send two people",
    "asked_does-en": "Show the plan",
    "begins": "2026-01-01",
    "ends": "2099-12-31",
    "seen": "0",
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    data: Path = tmp_path_factory.mktemp("cooperation") / "data"
    shutil.copytree(part_of_demo(), data)
    found = Node(
        Settings(
            data, CONFIG, url="https://node.example", smtp="smtp://127.0.0.1:9", mail_from="A <a@example.id>"
        )
    )
    yield found
    found.close()


def stranger(node: Node) -> TestClient:
    return TestClient(
        Application(node),
        base_url="http://localhost",
        headers={"accept-language": "en"},
        follow_redirects=False,
    )


def sides(node: Node, name: str) -> tuple[TestClient, TestClient]:
    """The officers of Samarinda and Bontang; their accounts' names are addresses, so letters go there."""
    return (
        person(node, f"{name}-sam@example.id", "city_officer", "samarinda"),
        person(node, f"{name}-bon@example.id", "city_officer", "bontang"),
    )


def asked(client: TestClient, **more: str) -> str:
    status, where = post(client, PATH + "/new", PATH + "/new", ASK | more)
    assert status == 303, where
    return where


def agreed(ours: TestClient, theirs: TestClient) -> str:
    where = asked(ours)
    assert post(theirs, where, where + "/step", {"do": "accept"})[0] == 303
    assert post(ours, where, where + "/agreement", LETTER)[0] == 303
    for one in (ours, theirs):
        assert post(one, where, where + "/step", {"do": "sign", "version": "1"})[0] == 303
    return where


def letters(node: Node, to: str) -> list[dict[str, str]]:
    return [one for _key, one in sorted(node.store.tenant().records(MAIL).items()) if one["to"] == to]


def test_a_city_acts_for_itself_and_the_talk_is_the_sides_alone(node: Node) -> None:
    ours, theirs = sides(node, "alone")
    third = person(node, "third", "city_officer", "balikpapan")
    namesake = person(node, "namesake", "partner", "bontang")
    secretariat = person(node, "secretary", "secretariat")
    representative = person(node, "represents", "representative", "ID")
    where = asked(ours)
    assert [one.get(where).status_code for one in (ours, theirs, secretariat)] == [200, 200, 200]
    assert [one.get(where).status_code for one in (third, namesake, representative)] == [404, 404, 404]
    assert stranger(node).get(where).status_code == 303, "to the sign-in"
    assert ASK["title"] not in stranger(node).get(PATH + ".csv").text
    assert [post(one, where, where + "/step", {"do": "accept"})[0] for one in (ours, namesake, secretariat)] == [
        403, 404, 403
    ]  # fmt: skip
    assert post(theirs, where, where + "/step", {"do": "accept"})[0] == 303
    assert (
        post(theirs, where, where + "/message", {"message-id": "Rahasia kita", "message-en": "Our secret"})[0]
        == 303
    )
    assert "Rahasia kita" in ours.get(where).text
    assert "Our secret" in ours.get(where).text
    assert "Our secret" not in secretariat.get(where).text
    assert "How did you do it?" in secretariat.get(where).text
    assert post(secretariat, where, where + "/message", {"message-en": "Hear, hear"})[0] == 403
    assert secretariat.get(PATH + "/new").status_code == 403
    status, page = post(
        ours, PATH + "/new", PATH + "/new", ASK | {"for": "city:balikpapan", "with": "city:samarinda"}
    )
    assert status == 422, "nobody asks for another city, nor itself"
    assert "Choose another side than your own" in page


def test_what_was_agreed_is_public_and_the_talk_is_not(node: Node) -> None:
    ours, theirs = sides(node, "public")
    where = agreed(ours, theirs)
    assert post(theirs, where, where + "/message", {"message-en": "Between us"})[0] == 303
    shown = stranger(node).get(where).text
    assert "Send two people" in shown
    assert "Public-Bon@Example.Id" in shown, "who signed"
    assert not {"Between us", "How did you do it?"} & set(Page(shown).text.split("\n"))
    assert "Between us" not in shown
    assert "How did you do it?" not in shown
    key = where.rpartition("/")[2]
    row = next(one for one in stranger(node).get(PATH + ".json").json() if one["number"] == key)
    assert (row["asker"], row["asked"], row["state"], row["ends"]) == (
        "Samarinda",
        "Bontang",
        "agreed",
        "2099-12-31",
    )
    english, indonesian = (stranger(node).get(f"{where}.pdf?lang={code}") for code in ("en", "id"))
    assert english.content.startswith(b"%PDF")
    assert f"{key}-id.pdf" in indonesian.headers["content-disposition"]


def test_late_tasks_show_in_lists_files_and_page(node: Node) -> None:
    ours, theirs = sides(node, "late")
    where = agreed(ours, theirs)
    task = {"task-en": "Visit <b>the</b> centres", "who": "asker", "due": "2020-01-31"}
    assert post(ours, where, where + "/task", task)[0] == 303
    page = Page(stranger(node).get(where).text)
    assert "1 task is late" in page.text
    assert "Visit <b>the</b> centres" in page.text, "as it was typed"
    key = where.rpartition("/")[2]
    rows = stranger(node).get(PATH + "/tasks.json?late=1").json()
    assert [(one["who"], one["until"], one["late"]) for one in rows if one["number"] == key] == [
        ("Samarinda", "2020-01-31", True)
    ]
    assert key in stranger(node).get(PATH + "/tasks.csv?party=city:bontang").text
    assert key not in stranger(node).get(PATH + "/tasks.csv?party=city:balikpapan").text
    moved = {"number": "0", "state": "under_way", "report-en": "The road was out", "moved": "2098-01-31"}
    assert post(theirs, where, where + "/report", moved)[0] == 303
    assert "first agreed: 31 January 2020" in Page(stranger(node).get(where).text).text
    assert not [one for one in stranger(node).get(PATH + ".json?late=1").json() if one["number"] == key]


def test_what_was_typed_stays(node: Node) -> None:
    ours, theirs = sides(node, "typed")
    status, page = post(ours, PATH + "/new", PATH + "/new", ASK | {"with": "city:atlantis", "title": ""})
    assert status == 422
    assert "Choose one from the list." in page
    assert "How did you do it?" in page
    status, page = post(ours, PATH + "/new", PATH + "/new", ASK | {"about": "solution:no/such"})
    assert status == 422
    assert "no longer there" in page
    where = agreed(ours, theirs)
    status, page = post(
        ours, where, where + "/result", {"result-en": "It went well", "result-evidence": "see above"}
    )
    assert status == 422
    assert "is no address" in page
    assert "It went well" in page
    old = ours.post(where + "/message", data={"form": "0.stale", "message-en": "Long thought"})
    assert old.status_code == 403
    assert "Long thought" in old.text
    other = asked(ours)
    assert post(theirs, other, other + "/step", {"do": "accept"})[0] == 303
    assert post(ours, other, other + "/agreement", LETTER)[0] == 303
    status, page = post(theirs, other, other + "/agreement", LETTER | {"purpose-en": "My own words"})
    assert status == 409, "somebody was quicker"
    assert "My own words" in page


def test_a_request_is_about_a_solution_and_links_to_it(node: Node) -> None:
    ours, theirs = sides(node, "about")
    link = next(
        one for one in Page(ours.get("/network/solutions/kuala-lumpur/putrajaya-line").text).links
        if one.startswith(PATH + "/new?")
    )  # fmt: skip
    form = ours.get(link).text
    assert 'value="solution:kuala-lumpur/putrajaya-line"' in form
    assert 'value="city:kuala-lumpur" selected' in form
    where = asked(theirs, about="solution:kuala-lumpur/putrajaya-line", **{"with": "city:kuala-lumpur"})
    shown = theirs.get(where)
    assert "/network/solutions/kuala-lumpur/putrajaya-line" in Page(shown.text).links
    assert "Nobody speaks for" in shown.text, "an empty seat is said"


def test_a_partner_and_a_city_agree(node: Node) -> None:
    ours, _theirs = sides(node, "firm")
    firm = person(node, "firm", "partner", "A & B <Pumps>")
    where = asked(firm, **{"with": "city:samarinda"})
    assert post(firm, where, where + "/step", {"do": "withdraw", "reason": ""})[0] == 422
    assert post(ours, where, where + "/step", {"do": "decline", "reason": "No need"})[0] == 303
    assert "A &amp; B &lt;Pumps&gt;" in ours.get(where).text
    assert post(firm, where, where + "/message", {"message-en": "But why"})[0] == 409, "it is over"


def test_letters_go_to_the_other_side_without_what_was_said(node: Node) -> None:
    ours, theirs = sides(node, "mail")
    office = Page(theirs.get("/network/people").text)
    address = next(one.partition("#")[0] for one in office.links if one.endswith("/mail#own"))
    assert post(theirs, "/network/people", address, {"mail": "nonsense", "language": "id"})[0] == 422
    assert post(ours, "/network/people", address, {"mail": "spy@example.id", "language": "en"})[0] == 403
    assert (
        post(theirs, "/network/people", address, {"mail": "wati@bontang.example.id", "language": "id"})[0]
        == 303
    )
    where = asked(ours, title="Pumps\r\nBcc: all@example.id")
    assert post(ours, where, where + "/message", {"message-en": "Confidential figures"})[0] == 303
    assert post(theirs, where, where + "/step", {"do": "accept"})[0] == 303
    found = [one for one in letters(node, "wati@bontang.example.id") if "Pumps" in one["subject"]]
    assert len(found) == 2, [one["subject"] for one in found]
    assert "\n" not in found[0]["subject"]
    assert found[0]["language"] == "id"
    assert f"https://node.example{where}" in found[0]["text"]
    assert not any("Confidential" in one["text"] for one in found)
    assert len([one for one in letters(node, "mail-sam@example.id") if "Pumps" in one["subject"]]) == 1
