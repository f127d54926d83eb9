"""The answer as a letter: what it says, in whose language, for whom, and where its code leads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp

from mahakam.access.accounts import add_account
from mahakam.services.desk import Desk, revision_of
from mahakam.services.owner import key_of
from mahakam.services.request import Draft
from support.portal import TOWN, Browser, Portal, two_cities, words_of

PASSWORD = "correct horse battery"
BASE = "https://kota.example.id"
AID = "name: {en: Aid, id: Bantuan}\nagency: Dinsos\npersonal: true\n"
PERSON = {"first_name": "Kurniawati", "last_name": "S."}


class Office(Portal):
    def __init__(self, root: Path, store: str) -> None:
        places = two_cities(root / "places")
        (places / "prov/town/services/aid.yaml").write_text(AID)
        super().__init__(root / "data", places, store=store, url=BASE)
        for name, town in (("siti", "town"), ("wati", "bay")):
            add_account(self.node.store.tenant(), name, PASSWORD, ["officer"], [town])
        self.desk = Desk(self.node.broker, self.node.places, root / "data")

    def send(self, words: str = "A hole", service: str = "pothole") -> str:
        return self.desk.send(Draft("town", service, words, TOWN, person=PERSON)).number

    def step(self, number: str, state: str, text: str) -> None:
        found = self.desk.request(number)
        assert found
        self.desk.step(number, revision_of(found), state, text, "Dinas PU", "siti")

    def officer(self, name: str) -> Browser:
        browser = self.browser()
        assert browser.fill("/signin", {"name": name, "password": PASSWORD}).status_code == 303
        return browser

    def own(self, number: str) -> str:
        return f"/requests/{number}/answer.pdf?key={key_of(self.node.store.tenant(), number)}"


@pytest.fixture
def office(tmp_path: Path, story_store: str) -> Iterator[Office]:
    with Office(tmp_path, story_store) as made:
        yield made


def _said(pdf: bytes) -> str:
    pages = pypdfium2.PdfDocument(pdf)
    text = " ".join(str(page.get_textpage().get_text_range()) for page in pages)
    return " ".join(text.replace("\ufffe", "").split())


def test_it_says_what_was_asked_answered_promised_and_done_and_leads_to_the_page(office: Office) -> None:
    number = office.send("A hole in the\nlong road, #strong[deep] $x$ \\ <b>& *wide*")
    office.step(number, "inProgress", "We look at it tomorrow")
    office.step(number, "answered", "Filled with asphalt.\n\nTell us if it opens again.")
    answer = office.browser().get(f"{office.own(number)}&lang=en")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    said = _said(answer.content)
    for words in (
        "Answer to your request", number, "Pothole", "Kurniawati S.",
        "A hole in the long road, #strong[deep] $x$ \\ <b>& *wide*",
        "Answered Filled with asphalt. Tell us if it opens again.", "Promised by", "In progress · Dinas PU",
        "you can open it again, once",
    ):  # fmt: skip
        assert words in said, words
    assert "We look at it tomorrow" not in said, "the answer, not all that was said before it"
    page = pypdfium2.PdfDocument(answer.content)[0]
    (code,) = zxingcpp.read_barcodes(page.render(scale=2).to_pil())
    assert code.text == f"{BASE}/requests/{number}"


def test_it_is_in_the_readers_language_and_both_pages_lead_to_it(office: Office) -> None:
    number = office.send()
    key = key_of(office.node.store.tenant(), number)
    own = f"/requests/{number}?lang=en&key={key}"
    assert "answer.pdf" not in office.browser().get(own).text
    office.step(number, "rejected", "Bukan jalan kota")
    assert "The answer as a letter (PDF)" in words_of(office.browser().get(own).text)
    assert "answer.pdf" not in office.browser().get(f"/requests/{number}?lang=en").text, "others have no key"
    officer = office.officer("siti")
    desk = officer.get(f"/queue/{number}?lang=en").text
    for language, title in (("id", "Jawaban atas permohonan Anda"), ("en", "Answer to your request")):
        address = f"/queue/{number}/answer.pdf?lang={language}"
        assert address in desk
        said = _said(officer.get(address).content)
        assert title in said
        assert "Bukan jalan kota" in said


def test_what_is_open_has_no_answer_and_strangers_get_none(office: Office) -> None:
    number = office.send("I have nothing to eat", "aid")
    assert office.browser().get(office.own(number)).status_code == 404
    assert office.officer("siti").get(f"/queue/{number}/answer.pdf").status_code == 404
    office.step(number, "answered", "Come on Monday")
    said = _said(office.browser().get(office.own(number)).content)
    assert "I have nothing to eat" in said
    assert office.browser().get(f"/requests/{number}/answer.pdf?key=guess").status_code == 404
    assert office.browser().get(f"/requests/{number}/answer.pdf").status_code == 404
    assert office.browser().get(f"/queue/{number}/answer.pdf").status_code in (303, 401, 403)
    assert office.officer("wati").get(f"/queue/{number}/answer.pdf").status_code == 403


def test_a_long_one_goes_on_over_pages(office: Office) -> None:
    number = office.send(" ".join(f"word{n}" for n in range(500)))
    office.step(number, "answered", " ".join(f"reply{n}" for n in range(400)))
    made = office.browser().get(office.own(number)).content
    assert len(pypdfium2.PdfDocument(made)) > 1
    said = _said(made)
    assert "word499" in said
    assert "reply399" in said
