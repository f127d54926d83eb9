"""A letter's whole way through the pages: applied for, returned, approved by two, issued, verified, revoked."""

from __future__ import annotations

import base64
import io
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader

from mahakam.access.accounts import add_account
from support.portal import TOWN, Browser, Portal, hidden, two_cities, words_of
from support.stores import on_both_stores

PASSWORD = "correct horse battery"
LETTER = """name: {en: Shop letter, id: Surat usaha}
agency: Kelurahan
personal: true
form:
  properties:
    owner: {title: Owner, type: string}
  required: [owner]
product:
  title: {en: Shop letter, id: Surat usaha}
  text: {en: "We state that {owner} has a shop in {city}.", id: "{owner} punya usaha di {city}."}
  approvals: [Looked at, Signed by the head]
  valid: 365
"""
NUMBER = "TOWN-2026-000001"
OFFICE = f"/queue/{NUMBER}?lang=en"


@pytest.fixture
def portal(tmp_path: Path, story_store: str) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    (places / "prov/town/services/shop.yaml").write_text(LETTER)
    with Portal(tmp_path / "data", places, store=story_store) as made:
        for name, town in (("siti", "town"), ("budi", "town"), ("eka", "town"), ("wati", "bay")):
            add_account(made.node.store.tenant(), name, PASSWORD, ["officer"], [town])
        yield made


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    assert browser.fill("/signin", {"name": name, "password": PASSWORD}).status_code == 303
    return browser


def _apply(portal: Portal) -> str:
    """Apply for a letter; the resident's own page."""
    fields = {
        "service": "shop", "description": "I need it for the bank", "q-shop-owner": "Ani & <Tono>",
        "longitude": str(TOWN[0]), "latitude": str(TOWN[1]),
    }  # fmt: skip
    return portal.browser().fill("/report?city=town&lang=en", fields, {}, "/report").headers["location"]


def _approve(browser: Browser) -> int:
    return browser.fill(OFFICE, {}, action=f"/queue/{NUMBER}/approve").status_code


def _issue(portal: Portal) -> tuple[str, bytes]:
    """Apply and have it approved by two; the resident's page and the PDF."""
    own = _apply(portal)
    assert [_approve(_as(portal, name)) for name in ("siti", "budi")] == [303, 303]
    pdf = portal.browser().get(_file_of(own))
    assert pdf.headers["content-type"] == "application/pdf"
    return own, pdf.content


def _file_of(own: str) -> str:
    return f"/requests/{NUMBER}/letter.pdf?{urlsplit(own).query}"


def _code_on(pdf: bytes) -> str:
    """Where the printed QR code leads, as a phone reads it."""
    page = pypdfium2.PdfDocument(pdf)[0]
    (code,) = zxingcpp.read_barcodes(page.render(scale=2).to_pil())
    return str(code.text)


def _text_on(pdf: bytes) -> str:
    return str(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range())


def _verify(portal: Portal, path: str, made: bytes) -> str:
    files = {"file": ("letter.pdf", made, "application/pdf")}
    page = "/verify?lang=en" if path == "/verify" else path
    return words_of(portal.browser().fill(page, {}, files, path).text)


def _here(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}&lang=en"


@on_both_stores
def test_returned_completed_approved_by_two_and_verified_by_its_code(portal: Portal) -> None:
    own = _apply(portal)
    siti, budi = _as(portal, "siti"), _as(portal, "budi")
    assert b"%PDF-" in siti.get(f"/queue/{NUMBER}/letter-draft.pdf").content
    assert _approve(siti) == 303
    returned = {"state": "waiting", "text": "Please name the street"}
    assert siti.fill(OFFICE, returned, action=f"/queue/{NUMBER}").status_code == 303
    assert _approve(budi) == 422
    resident = portal.browser()
    answer = {"do": "answer", "text": "It is Gang Kenanga"}
    assert resident.fill(own + "&lang=en", answer, action=f"/requests/{NUMBER}/mine").status_code == 303
    assert resident.get(_file_of(own)).status_code == 404
    assert _approve(budi) == 303, "the approval before the question is void, so this is the first"
    assert resident.get(_file_of(own)).status_code == 404
    assert _approve(siti) == 303
    pdf = resident.get(_file_of(own)).content
    text = _text_on(pdf)
    assert "We state that Ani & <Tono> has a shop in Town." in text
    assert "DRAFT" not in text

    stranger = portal.browser("10.0.0.4")
    verified = stranger.get(_here(_code_on(pdf)))
    said = words_of(verified.text)
    assert "Genuine and valid" in said
    assert f"{NUMBER}-1" in said
    public = verified.text + stranger.get(f"/requests/{NUMBER}?lang=en").text
    public += stranger.get(f"/ngsi-ld/v1/entities/urn:ngsi-ld:ServiceRequest:{NUMBER}").text
    for secret in ("Ani", "siti", "budi", "bank"):
        assert secret not in public, secret
    assert "Signed by the head" in public


def test_the_same_officer_does_not_approve_twice_nor_one_of_another_city(portal: Portal) -> None:
    _apply(portal)
    siti, wati = _as(portal, "siti"), _as(portal, "wati")
    assert _approve(siti) == 303
    page = siti.get(OFFICE).text
    assert "You have approved it already" in words_of(page)
    again = siti.post(f"/queue/{NUMBER}/approve", hidden(page))
    assert (again.status_code, "You have approved it already" in again.text) == (422, True)
    assert wati.post(f"/queue/{NUMBER}/approve", hidden(page)).status_code == 403
    assert portal.browser().post(f"/queue/{NUMBER}/approve", hidden(page)).status_code == 303
    unsigned = hidden(_as(portal, "budi").get(OFFICE).text) | {"form": "x"}
    assert _as(portal, "budi").post(f"/queue/{NUMBER}/approve", unsigned).status_code == 403


def test_two_at_once_are_one_approval(portal: Portal) -> None:
    own = _apply(portal)
    officers = [_as(portal, name) for name in ("siti", "budi", "eka")]
    forms = [hidden(one.get(OFFICE).text) for one in officers]
    with ThreadPoolExecutor(3) as pool:
        sent = pool.map(
            lambda one, form: one.post(f"/queue/{NUMBER}/approve", form).status_code, officers, forms
        )
    assert sorted(sent) == [303, 409, 409]
    assert portal.browser().get(_file_of(own)).status_code == 404


def test_an_altered_file_is_refused_and_the_genuine_one_known(portal: Portal) -> None:
    _own, pdf = _issue(portal)
    here = _here(_code_on(pdf))
    for path in ("/verify", here):
        assert "Genuine and valid" in _verify(portal, path, pdf)
        for altered in (pdf + b"\n", pdf.replace(b"/Type", b"/TYPE", 1), pdf[:-1]):
            assert altered != pdf
            assert "Not genuine, or altered" in _verify(portal, path, altered)
        assert "This file is no PDF" in _verify(portal, path, b"GIF89a")


def test_a_code_cannot_be_guessed_and_numbers_cannot_be_counted(portal: Portal) -> None:
    _own, pdf = _issue(portal)
    address = urlsplit(_code_on(pdf))
    code = address.query.removeprefix("s=")
    wrong = ("A" if code[0] != "A" else "B") + code[1:]
    browser = portal.browser()
    answers = {
        re.sub(r'value="[^"]+"', "", words_of(browser.get(f"/verify/{number}?lang=en&s={given}").text))
        for number, given in (
            (f"{NUMBER}-1", wrong),
            (f"{NUMBER}-1", ""),
            (f"{NUMBER}-1", "%00é<"),
            (f"{NUMBER}-2", code),
            ("TOWN-2026-000009-1", code),
            ("x", code),
        )
    }
    assert len(answers) == 1
    assert "Not genuine, or altered" in answers.pop()
    assert browser.get(f"/verify/{NUMBER}-1.json?s={wrong}").status_code == 404


def test_the_signature_holds_without_the_node(portal: Portal, tmp_path: Path) -> None:
    _own, pdf = _issue(portal)
    address = urlsplit(_code_on(pdf))
    browser = portal.browser()
    found = browser.get(f"{address.path}.json?{address.query}").json()
    assert found["status"] == "valid"
    assert browser.get("/verify/key.pem").text == found["publicKey"]
    (tmp_path / "key.pem").write_text(found["publicKey"])
    (tmp_path / "signature").write_bytes(base64.b64decode(found["signature"]))
    for content, expected in ((pdf, 0), (pdf + b" ", 1)):
        (tmp_path / "letter.pdf").write_bytes(content)
        ran = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "letter.pdf",
             "-sigfile", "signature"], cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        assert ran.returncode == expected, ran


def test_a_revoked_letter_says_so_and_a_new_one_has_the_next_number(portal: Portal) -> None:
    own, pdf = _issue(portal)
    siti = _as(portal, "siti")
    revoke = f"/queue/{NUMBER}/revoke"
    empty = siti.fill(OFFICE, {"revoke": ""}, action=revoke)
    assert (empty.status_code, "Say why in a few words" in empty.text) == (422, True)
    assert siti.fill(OFFICE, {"revoke": "The shop has moved"}, action=revoke).status_code == 303
    assert "Revoked: this letter no longer holds" in words_of(portal.browser().get(_here(_code_on(pdf))).text)
    assert "Revoked" in _verify(portal, "/verify", pdf)
    assert portal.browser().get(_file_of(own)).status_code == 404
    reopened = {"do": "reopen", "text": "I have a new address"}
    resident = portal.browser()
    assert resident.fill(own + "&lang=en", reopened, action=f"/requests/{NUMBER}/mine").status_code == 303
    assert [_approve(_as(portal, name)) for name in ("eka", "siti")] == [303, 303]
    second = resident.get(_file_of(own)).content
    assert f"/verify/{NUMBER}-2?" in _code_on(second)
    assert "Revoked" in words_of(resident.get(_here(_code_on(pdf))).text)


def test_the_letter_is_for_its_resident_and_agency_alone(portal: Portal) -> None:
    _issue(portal)
    path = f"/requests/{NUMBER}/letter.pdf"
    for query in ("", "?key=", "?key=AAAAAAAAAAAAAAAAAAAA"):
        assert portal.browser().get(path + query).status_code in (303, 403)
    assert _as(portal, "wati").get(path).status_code == 403
    assert _as(portal, "budi").get(path).content.startswith(b"%PDF-")
    assert portal.browser().get(f"/queue/{NUMBER}/letter-draft.pdf").status_code == 303


def test_a_letter_is_in_the_first_language_of_its_text_in_its_font(tmp_path: Path) -> None:
    places = two_cities(tmp_path / "places")
    thai = LETTER.replace("  text: {en: ", '  text: {th: "ขอรับรองว่า {owner} มีร้านค้าใน {city}", en: ')
    (places / "prov/town/services/shop.yaml").write_text(thai)
    with Portal(tmp_path / "data", places) as made:
        for name in ("siti", "budi"):
            add_account(made.node.store.tenant(), name, PASSWORD, ["officer"], ["town"])
        _own, pdf = _issue(made)
    paper = PdfReader(io.BytesIO(pdf))
    fonts = {str(font.get_object()["/BaseFont"]) for font in paper.pages[0]["/Resources"]["/Font"].values()}
    assert any("NotoSansThai" in font for font in fonts), fonts
    assert paper.trailer["/Root"]["/Lang"] == "th"
    assert "Issued on" in _text_on(pdf), "what has no words in Thai is in English"
