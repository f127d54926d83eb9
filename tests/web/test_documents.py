"""An application with documents through the pages: sent, returned with a reason, sent again, accepted, granted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access.accounts import add_account
from mahakam.services.dossier import documents_of
from support.papers import pdf, photo
from support.portal import TOWN, Browser, Portal, two_cities, words_of
from support.stores import on_both_stores

PASSWORD = "correct horse battery"
PERMIT = """name: {en: Permit of a stall, id: Izin lapak}
agency: Kelurahan
personal: true
workflow: application
documents:
  identity: {name: {en: Identity card, id: KTP}, megabytes: 1}
  front: {name: {en: Photo of the front, id: Foto depan}, kinds: [photo], required: false}
"""
NUMBER = "TOWN-2026-000001"
OFFICE = f"/queue/{NUMBER}?lang=en"


@pytest.fixture
def portal(tmp_path: Path, story_store: str) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    (places / "prov/town/services/permit.yaml").write_text(PERMIT)
    with Portal(tmp_path / "data", places, store=story_store) as made:
        for name, town in (("siti", "town"), ("wati", "bay")):
            add_account(made.node.store.tenant(), name, PASSWORD, ["officer"], [town])
        yield made


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    assert browser.fill("/signin", {"name": name, "password": PASSWORD}).status_code == 303
    return browser


def _apply(portal: Portal) -> tuple[Browser, str]:
    """The resident's browser and the address of their own page."""
    fields = {
        "service": "permit", "description": "A stall at the market",
        "longitude": str(TOWN[0]), "latitude": str(TOWN[1]),
    }  # fmt: skip
    browser = portal.browser()
    own = browser.fill("/report?city=town&lang=en", fields, {}, "/report").headers["location"]
    return browser, own + "&lang=en"


def _send(browser: Browser, own: str, **files: bytes) -> tuple[int, str]:
    named = {f"document-{code}": (f"{code}.pdf", raw, "application/pdf") for code, raw in files.items()}
    made = browser.fill(own, {}, named, f"/requests/{NUMBER}/documents")
    return made.status_code, words_of(made.text)


def _judge(browser: Browser, code: str, do: str, reason: str = "") -> tuple[int, str]:
    made = browser.fill(OFFICE, {"do": do, "reason": reason}, action=f"/queue/{NUMBER}/documents/{code}")
    return made.status_code, words_of(made.text)


def _to(browser: Browser, state: str, text: str = "") -> tuple[int, str]:
    made = browser.fill(OFFICE, {"state": state, "text": text}, action=f"/queue/{NUMBER}?lang=en")
    return made.status_code, words_of(made.text)


@on_both_stores
def test_the_whole_way(portal: Portal) -> None:
    resident, own = _apply(portal)
    siti = _as(portal, "siti")
    page = resident.get(own).text
    assert 'name="document-identity"' in page
    assert "not sent yet" in words_of(page)
    assert _to(siti, "examined")[0] == 303
    status, said = _to(siti, "granted", "Yes, you may")
    assert status == 422
    assert "First these documents are to be accepted: Identity card." in said
    assert (
        "Yes, you may" in siti.fill(OFFICE, {"state": "granted", "text": "Yes, you may"}, action=OFFICE).text
    )
    assert _to(siti, "incomplete")[0] == 303

    # The resident cannot say that it is complete before it is.
    early = resident.fill(own, {"do": "complete", "text": ""}, action=f"/requests/{NUMBER}/mine")
    assert early.status_code == 422
    assert "First send: Identity card." in words_of(early.text)
    assert _send(resident, own, identity=pdf(), front=photo())[0] == 303
    assert (
        resident.fill(own, {"do": "complete", "text": ""}, action=f"/requests/{NUMBER}/mine").status_code
        == 303
    )

    status, said = _judge(siti, "identity", "return")
    assert status == 422
    assert "Say why in a few words: the resident reads it." in said
    assert _judge(siti, "identity", "return", "The name cannot be read")[0] == 303
    assert "The name cannot be read" in words_of(resident.get(own).text)
    assert _send(resident, own, identity=photo())[0] == 303
    assert _judge(siti, "identity", "accept")[0] == 303
    assert _to(siti, "examined")[0] == 303
    assert _to(siti, "granted", "Yes, you may")[0] == 303

    course = words_of(portal.browser().get(f"/requests/{NUMBER}?lang=en").text)
    for step in (
        "Sent: Identity card, Photo of the front",
        "Returned: Identity card",
        "Accepted: Identity card",
        "Granted",
    ):
        assert step in course
    assert "The name cannot be read" not in course
    assert "Documents are missing" in course


def test_nobody_else_sees_a_document(portal: Portal) -> None:
    resident, own = _apply(portal)
    assert _send(resident, own, identity=pdf())[0] == 303
    path = f"/requests/{NUMBER}/documents/identity"
    key = re.search(r"key=([^&]+)", own)
    assert key
    made = resident.get(f"{path}?key={key[1]}")
    assert (made.status_code, made.content) == (200, pdf())
    assert made.headers["content-disposition"].startswith("attachment")
    assert made.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in made.headers["content-security-policy"]
    assert _as(portal, "siti").get(path).content == pdf()
    for stranger in (portal.browser(), _as(portal, "wati")):
        assert stranger.get(path).status_code == 404
        assert stranger.get(f"{path}?key=wrong").status_code == 404
    assert resident.get(f"/requests/{NUMBER}/documents/..%2Fstore?key={key[1]}").status_code == 404
    body = portal.node.broker.body(f"urn:ngsi-ld:ServiceRequest:{NUMBER}") or b""
    sent = documents_of(portal.node.store.tenant(), NUMBER)["identity"]
    assert sent.file.encode() not in body


def test_a_bad_file_is_refused_and_the_good_one_beside_it_not_half_taken(portal: Portal) -> None:
    resident, own = _apply(portal)
    status, said = _send(resident, own, identity=b"<script>alert(1)</script>", front=photo())
    assert status == 422
    assert "By its content this is no file of a kind that is taken here" in said
    status, said = _send(resident, own, identity=pdf() + b" " * 2**20)
    assert (status, "at most 1 MB" in said) == (422, True)
    assert _send(resident, own, front=pdf())[0] == 422
    assert _send(resident, own)[0] == 422
    assert documents_of(portal.node.store.tenant(), NUMBER) == {}
    kept = (portal.node.settings.data / "documents").rglob("*")
    assert not [path for path in kept if path.is_file()]


def test_what_is_sent_again_takes_the_others_place_on_the_disk(portal: Portal) -> None:
    resident, own = _apply(portal)
    for raw in (pdf(), photo(), pdf(2)):
        assert _send(resident, own, identity=raw)[0] == 303
    files = [path for path in (portal.node.settings.data / "documents").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [pdf(2)]


def test_an_accepted_document_is_not_replaced(portal: Portal) -> None:
    resident, own = _apply(portal)
    assert _send(resident, own, identity=pdf())[0] == 303
    assert _judge(_as(portal, "siti"), "identity", "accept")[0] == 303
    assert 'name="document-identity"' not in resident.get(own).text
    status, said = _send(resident, own, identity=photo())
    assert status == 422
    assert "This document was accepted already." in said
