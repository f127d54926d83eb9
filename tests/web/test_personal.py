"""A person's own matter: what of it is public, and that nothing else of it leaves the agency."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mahakam.access.accounts import add_account
from support.portal import TOWN, Portal, two_cities, words_of

AID = """name: {en: House aid, id: Bantuan rumah}
agency: Dinas Perkim
personal: true
form:
  properties:
    people: {title: How many people, type: integer, minimum: 1}
  required: [people]
"""
WORDS = "We are seven and the roof of our house fell in"
NUMBER = "TOWN-2026-000001"
POINT = (TOWN[0] + 0.001234, TOWN[1] + 0.001234)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    (places / "prov/town/services/house-aid.yaml").write_text(AID)
    with Portal(tmp_path / "data", places) as made:
        yield made


def _photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "JPEG")
    return out.getvalue()


def _ask(portal: Portal, **more: str) -> Any:
    fields = {
        "service": "house-aid", "description": WORDS, "longitude": str(POINT[0]), "latitude": str(POINT[1]),
        "address": "Gang Kenanga 7", "q-house-aid-people": "7",
    }  # fmt: skip
    return portal.browser().fill(
        "/report?city=town&lang=en", fields | more, {"photo": ("p.jpg", _photo(), "image/jpeg")}, "/report"
    )


def test_the_public_sees_the_kind_and_the_course_only(portal: Portal) -> None:
    own = _ask(portal).headers["location"]
    stranger = portal.browser("10.0.0.4")
    since = "timerel=after&timeAt=2020-01-01T00:00:00Z"
    for path in (
        f"/requests/{NUMBER}?lang=en",
        "/requests.json",
        "/requests.csv",
        "/requests.atom",
        f"/requests/{NUMBER}.atom",
        f"/ngsi-ld/v1/entities/urn:ngsi-ld:ServiceRequest:{NUMBER}",
        f"/ngsi-ld/v1/temporal/entities?type=ServiceRequest&{since}",
        "/open311/requests.json?jurisdiction_id=town&extensions=true",
        "/insight/words.json?city=town",
        "/insight/spots.json?city=town",
    ):
        answer = stranger.get(path)
        assert answer.status_code == 200, path
        text = answer.text
        for secret in ("roof", "Kenanga", str(POINT[0]), str(POINT[1]), "/photos/", '"people"'):
            assert secret not in text, (path, secret)
    words = words_of(stranger.get(f"/requests/{NUMBER}?lang=en").text)
    assert "House aid" in words
    assert "Received" in words
    mine = words_of(portal.browser().get(own + "&lang=en").text)
    assert WORDS in mine
    assert "How many people 7" in mine
    assert "Gang Kenanga 7" in mine


def test_the_agency_sees_it_and_its_photo(portal: Portal) -> None:
    own = _ask(portal).headers["location"]
    add_account(portal.node.store.tenant(), "siti", "correct horse battery", ["officer"], ["town"])
    add_account(portal.node.store.tenant(), "budi", "correct horse battery", ["officer"], ["bay"])
    officer, other = portal.browser(), portal.browser()
    officer.fill("/signin", {"name": "siti", "password": "correct horse battery"})
    other.fill("/signin", {"name": "budi", "password": "correct horse battery"})
    page = officer.get(f"/requests/{NUMBER}?lang=en").text
    for path in (f"/requests/{NUMBER}?lang=en", f"/queue/{NUMBER}?lang=en"):
        assert WORDS in words_of(officer.get(path).text)
    store = portal.node.store.tenant()
    for entry in store.audit_entries(action="read"):
        assert (entry.principal, entry.object) == ("siti", f"urn:ngsi-ld:ServiceRequest:{NUMBER}")
        assert "address" in entry.detail
        assert WORDS not in entry.detail
    assert len(store.audit_entries(action="read")) == 3, "each time that she opened it"
    assert store.audit_entries(action="sign-in")[0].object == "account/budi"
    photo = re.search("/photos/[0-9a-f]{64}[.]jpg", page)
    assert photo
    answer = officer.get(photo[0])
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "private, no-store"
    for stranger in (other, portal.browser("10.0.0.4")):
        assert stranger.get(photo[0]).status_code == 404
        assert WORDS not in words_of(stranger.get(f"/requests/{NUMBER}").text)
    assert "/photos/" not in portal.browser().get(own).text


def test_nobody_is_told_that_a_neighbour_asked_too(portal: Portal) -> None:
    _ask(portal)
    again = _ask(portal, description=WORDS)
    assert again.status_code == 303, "no hint"
    near = f"/report/near.json?city=town&lon={POINT[0]}&lat={POINT[1]}"
    browser = portal.browser()
    assert browser.get(f"{near}&service=house-aid").json() == []
    assert browser.get(f"{near}&service=pothole&words=House aid").json() == []


def test_a_fault_is_said_as_for_any_report(portal: Portal) -> None:
    answer = _ask(portal, **{"q-house-aid-people": "many"})
    assert answer.status_code == 422
    assert "stays between you and the agency" in words_of(answer.text)
    assert WORDS in words_of(answer.text)
