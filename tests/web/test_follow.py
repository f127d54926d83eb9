"""News of a request: by mail in the reader's language, as a feed, and in comments. Addresses stay private."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mahakam.access.accounts import add_account
from mahakam.services import followers
from mahakam.services.desk import Desk
from mahakam.services.outbox import Postman, Server
from mahakam.web import following
from mahakam.web.letters import Letters
from support.mail import Mailbox, text_of
from support.portal import TOWN, Browser, Portal, hidden, two_cities, words_of

BASE = "https://kota.example.id"
NUMBER = "TOWN-2026-000001"
ATOM = "{http://www.w3.org/2005/Atom}"
GOOD = {"service": "pothole", "description": "Deep hole", "longitude": str(TOWN[0]), "latitude": str(TOWN[1])}


class City(Portal):
    """A portal with a mail server; ``post`` writes what is news and sends what is owed."""

    def __init__(self, data: Path, config: Path, box: Mailbox) -> None:
        super().__init__(data, config, smtp=box.url, mail_from="Town <no@example.id>", url=BASE)
        self.box = box
        self.desk = Desk(self.node.broker, self.node.places, data)
        self.store = self.node.store.tenant()

    def post(self) -> list[Any]:
        before = len(self.box.letters)
        Letters(self.store, self.desk, self.node.places, BASE).write_news()
        postman = Postman(self.store, Server.parse(self.box.url), "Town <no@example.id>")
        asyncio.run(postman.deliver())
        return self.box.letters[before:]

    def step(self, state: str, text: str = "") -> None:
        found = self.desk.request(NUMBER)
        assert found
        self.desk.step(NUMBER, len(found.steps), state, text, "Dinas PU", "siti")


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with Mailbox() as box, City(tmp_path / "data", two_cities(tmp_path / "places"), box) as made:
        yield made


def _report(browser: Browser, language: str = "id", **more: str) -> str:
    sent = browser.fill(f"/report?city=town&lang={language}", GOOD | more, {"photo": ("", b"")}, "/report")
    assert sent.status_code == 303, words_of(sent.text)
    return str(sent.headers["location"])


def _link(text: str) -> str:
    found = re.search(rf"{BASE}(/requests/\S+/follow/\S+)", text)
    assert found
    return found[1]


def test_the_resident_gets_the_number_and_news_in_their_language(city: City) -> None:
    own = _report(city.browser(), "id", contact="warga@example.id")
    (letter,) = city.post()
    assert letter["To"] == "warga@example.id"
    assert letter["Subject"] == f"Laporan {NUMBER} sudah diterima"
    key = re.search(r"key=([^&\s]+)", own)
    assert key
    assert f"{BASE}/requests/{NUMBER}?key={key[1]}" in text_of(letter)
    assert city.post() == [], "each step is told once"
    city.step("inProgress")
    city.step("waiting", "Which lane?")
    (letter,) = city.post()
    assert "Which lane?" in text_of(letter)
    assert "Jalan berlubang" in text_of(letter)
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/rate?" not in text_of(letter)
    city.step("answered", "Filled.")
    (letter,) = city.post()
    (rate,) = re.findall(rf"{BASE}(/requests/{NUMBER}/rate\?key=\S+)", text_of(letter))
    assert city.browser().get(rate).status_code == 200, "the survey, one press away"
    city.step("answered", "And painted.")
    (letter,) = city.post()
    assert "/rate?" not in text_of(letter), "asked once"


def test_a_report_without_an_address_stays_anonymous(city: City) -> None:
    _report(city.browser())
    city.step("inProgress")
    assert city.post() == []
    assert city.store.records(followers.KIND) == {}
    assert city.desk.private(NUMBER).contact == ""


def test_another_follows_only_after_they_confirmed(city: City) -> None:
    _report(city.browser())
    other = city.browser("10.0.0.7")
    page = f"/requests/{NUMBER}?lang=en"
    asked = other.fill(page, {"email": "tetangga@example.id"}, action=f"/requests/{NUMBER}/follow")
    assert asked.headers["location"] == f"/requests/{NUMBER}?asked=1#follow"
    (letter,) = city.post()
    assert letter["To"] == "tetangga@example.id"
    city.step("inProgress", "We are on the way")
    assert city.post() == [], "not confirmed, no news"
    link = _link(text_of(letter))
    shown = other.get(link)
    assert "Yes, send me mail" in words_of(shown.text)
    city.step("inProgress", "Half done")
    assert city.post() == [], "opening the address alone confirms nothing"
    assert "whenever there is news" in words_of(other.fill(link, {"do": "follow"}).text)
    city.step("answered", "Filled")
    (letter,) = city.post()
    assert "Filled" in text_of(letter)
    assert "Half done" not in text_of(letter)
    assert "key=" not in text_of(letter), "the resident's own address is the resident's"
    stop = re.search("<(.+)>", letter["List-Unsubscribe"])
    assert stop
    one_click = city.browser("10.9.9.9").post(
        stop[1].removeprefix(BASE), {"List-Unsubscribe": "One-Click"}, Origin=""
    )
    assert one_click.status_code == 200
    assert city.store.records(followers.KIND) == {}, "the address is forgotten"
    assert other.get(link).status_code == 404


def test_who_says_that_it_is_the_same_gets_the_news_of_that_one(city: City) -> None:
    browser = city.browser()
    _report(browser)
    city.post()
    typed = {"contact": "budi@example.id", "description": "The same hole"}
    seen = browser.fill("/report?city=town&lang=en", GOOD | typed, {"photo": ("", b"")}, "/report")
    assert seen.status_code == 200
    assert f'name="follow" value="{NUMBER}"' in seen.text
    fields = hidden(seen.text) | GOOD | typed
    answer = browser.post("/report", fields | {"follow": NUMBER}, {"photo": ("", b"")})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/requests/{NUMBER}?same=1&asked=1#follow"
    assert "nothing was sent twice" in words_of(browser.get(f"/requests/{NUMBER}?same=1&asked=1").text)
    (letter,) = city.post()
    assert letter["To"] == "budi@example.id"
    assert f"/requests/{NUMBER}/follow/" in text_of(letter)
    assert len(browser.get("/requests.json").json()) == 1
    for contact in ("", "no address"):
        again = browser.post("/report", fields | {"follow": NUMBER, "contact": contact}, {"photo": ("", b"")})
        assert again.headers["location"] == f"/requests/{NUMBER}?same=1#follow"
    assert city.post() == []
    city.step("answered", "Filled.")
    for other in (NUMBER, "TOWN-2026-999999", "<script>"):
        sent = browser.post("/report", fields | {"follow": other, "anyway": "1"}, {"photo": ("", b"")})
        assert "?sent=1" in sent.headers["location"], "what is not open there cannot be followed instead"


def test_nobody_can_ask_who_follows(city: City) -> None:
    _report(city.browser(), contact="warga@example.id")
    city.post()
    answers = [
        city.browser().fill(f"/requests/{NUMBER}", {"email": email}, action=f"/requests/{NUMBER}/follow")
        for email in ("warga@example.id", "other@example.id", "other@example.id")
    ]
    assert len({(answer.status_code, answer.headers["location"], answer.text) for answer in answers}) == 1
    for path in (f"/requests/{NUMBER}", f"/requests/{NUMBER}.atom", "/requests.json", "/requests.atom",
                 f"/ngsi-ld/v1/entities/urn:ngsi-ld:ServiceRequest:{NUMBER}", "/ngsi-ld/v1/entities?local=true&type=ServiceRequest"):  # fmt: skip  # noqa: E501
        text = city.browser().get(path).text
        assert "example.id" not in text.replace(BASE, ""), path


def test_an_address_with_a_line_break_is_refused(city: City) -> None:
    _report(city.browser())
    evil = "a@example.id\r\nBcc: all@example.id"
    asked = city.browser().fill(
        f"/requests/{NUMBER}?lang=en", {"email": evil}, action=f"/requests/{NUMBER}/follow"
    )
    assert asked.status_code == 422
    assert "This is not an e-mail address" in words_of(asked.text)
    sent = city.browser().fill("/report?city=town&lang=en", GOOD | {"contact": evil, "anyway": "1"},
                               {"photo": ("", b"")}, "/report")  # fmt: skip
    assert sent.status_code == 422
    assert city.post() == []


def test_many_mails_from_one_address_wait(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "ASKS", 2)
    _report(city.browser())
    browser = city.browser("10.3.3.3")
    codes = [
        browser.fill(
            f"/requests/{NUMBER}", {"email": f"a{n}@example.id"}, action=f"/requests/{NUMBER}/follow"
        )
        for n in range(3)
    ]
    assert [answer.status_code for answer in codes] == [303, 303, 429]
    assert 'value="a2@example.id"' in codes[-1].text, "what was typed is still there"


def test_a_feed_of_the_request_and_of_the_area(city: City) -> None:
    _report(city.browser(), description="Deep <b>hole</b> & mud")
    city.step("answered", "Filled <today>")
    answer = city.browser().get(f"/requests/{NUMBER}.atom?lang=id")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.content)
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == "id"
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}content") for entry in entries] == ["Filled <today>", ""]
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == 2

    def titles(query: str) -> int:
        found = ElementTree.fromstring(city.browser().get(f"/requests.atom?{query}").content)
        return len(found.findall(f"{ATOM}entry"))

    assert titles("city=town") == 1
    assert titles("city=bay") == 0
    assert titles("service=street-light") == 0
    assert titles(f"lat={TOWN[1]}&lon={TOWN[0]}&metres=500") == 1
    assert titles(f"lat={TOWN[1] + 0.03}&lon={TOWN[0]}&metres=500") == 0
    assert titles("status=open") == 0


def test_where_it_was_passed_on_is_told_in_the_readers_words(tmp_path: Path) -> None:
    places = two_cities(tmp_path / "places")
    (places / "prov" / "town" / "routing.yaml").write_text(
        "agencies: {works: {name: {en: Public works, id: Dinas PU}}}\n"
        "rules: [{service: [pothole], to: [works], reason: {en: A hole in the road, id: Lubang di jalan}}]\n"
    )
    with Mailbox() as box, City(tmp_path / "data", places, box) as city:
        _report(city.browser(), "id", contact="warga@example.id")
        (letter,) = city.post()
        assert "Lubang di jalan" in text_of(letter)
        assert "Dinas PU" in text_of(letter)
        assert "A hole in the road" in city.browser().get(f"/requests/{NUMBER}.atom?lang=en").text


def test_comments_are_public_and_an_agency_may_hide_one(city: City) -> None:
    own = _report(city.browser())
    add_account(city.store, "siti", "correct horse battery", ["officer"], ["town"])
    action = f"/requests/{NUMBER}/comments"
    passer = city.browser("10.0.0.8")
    assert (
        passer.fill(f"/requests/{NUMBER}", {"comment": "I saw <b>it</b> too"}, action=action).status_code
        == 303
    )
    assert city.browser().fill(own, {"comment": "It rained in"}, action=action).status_code == 303
    shown = city.browser().get(f"/requests/{NUMBER}?lang=en")
    words = words_of(shown.text)
    assert "Somebody ·" in words
    assert "I saw <b>it</b> too" in words
    assert "Who reported it ·" in words
    assert "<b>it</b>" not in shown.text
    assert "Take it off" not in words
    short = passer.fill(f"/requests/{NUMBER}?lang=en", {"comment": "x"}, action=action)
    assert short.status_code == 422
    assert "too short" in words_of(short.text)
    name = (
        city.browser()
        .get("/ngsi-ld/v1/entities?type=ServiceRequestComment")
        .json()[0]["id"]
        .rpartition(":")[2]
    )
    token = hidden(shown.text)["form"]
    assert passer.post(f"{action}/{name}/hide", {"form": token}).status_code == 303, (
        "a stranger is led to sign in"
    )
    officer = city.browser()
    officer.fill("/signin", {"name": "siti", "password": "correct horse battery"})
    assert officer.fill(f"/requests/{NUMBER}", {}, action=f"{action}/{name}/hide").status_code == 303
    after = words_of(city.browser().get(f"/requests/{NUMBER}?lang=en").text)
    assert "I saw" not in after
    assert "It rained in" in after
