"""A licence's whole way: documents, a payment that is recorded, an officer's approval and the head's, the letter."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mahakam.access.accounts import add_account
from support.papers import pdf, photo
from support.portal import TOWN, Browser, Portal, two_cities, words_of
from support.stores import on_both_stores

PASSWORD = "correct horse battery"
LICENCE = """name: {en: Market stall, id: Lapak pasar}
agency: Dinas Perdagangan
personal: true
workflow: licence
documents:
  identity: {name: {en: Identity card, id: KTP}}
fee: {currency: IDR, amount: 60000}
product:
  title: {en: Licence, id: Izin}
  text: {en: "You may use it.", id: "Boleh dipakai."}
  approvals: [Examined, {name: Signed, by: head}]
"""
CARD = """name: {en: Family card, id: Kartu keluarga}
personal: true
workflow: appointment
office: {address: Town hall, hours: ["Mo-Su 00:00-23:59"]}
appointments: {minutes: 60, capacity: 1, days: 3, notice: 1}
"""
NUMBER = "TOWN-2026-000001"
OFFICE = f"/queue/{NUMBER}?lang=en"


@pytest.fixture
def portal(tmp_path: Path, story_store: str) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    (places / "prov/town/services/stall.yaml").write_text(LICENCE)
    (places / "prov/town/services/card.yaml").write_text(CARD)
    with (places / "prov/town/city.yaml").open("a") as city:
        city.write("clock: {days: [mon, tue, wed, thu, fri, sat, sun]}\n")
    with Portal(tmp_path / "data", places, store=story_store) as made:
        for name, roles in (("siti", ["officer"]), ("budi", ["officer"]), ("kepala", ["officer", "head"])):
            add_account(made.node.store.tenant(), name, PASSWORD, roles, ["town"])
        yield made


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    assert browser.fill("/signin", {"name": name, "password": PASSWORD}).status_code == 303
    return browser


def _ask(portal: Portal, service: str) -> tuple[Browser, str]:
    fields = {
        "service": service, "description": "For my stall", "longitude": str(TOWN[0]), "latitude": str(TOWN[1]),
    }  # fmt: skip
    browser = portal.browser()
    own = browser.fill("/report?city=town&lang=en", fields, {}, "/report").headers["location"]
    return browser, own + "&lang=en"


def _do(browser: Browser, fields: dict[str, str], part: str = "") -> tuple[int, str]:
    made = browser.fill(OFFICE, fields, action=f"/queue/{NUMBER}{part}?lang=en")
    return made.status_code, words_of(made.text)


@on_both_stores
def test_a_licence_is_paid_approved_by_the_head_and_issued(portal: Portal) -> None:
    resident, own = _ask(portal, "stall")
    siti, budi, head = (_as(portal, name) for name in ("siti", "budi", "kepala"))
    files = {"document-identity": ("ktp.pdf", pdf(), "application/pdf")}
    assert resident.fill(own, {}, files, f"/requests/{NUMBER}/documents").status_code == 303
    assert _do(siti, {"do": "accept", "reason": ""}, "/documents/identity")[0] == 303
    assert _do(siti, {"state": "examined", "text": ""})[0] == 303
    status, said = _do(siti, {}, "/approve")
    assert (status, "Nothing is to be approved in this state" in said) == (422, True)
    assert _do(siti, {"state": "payment", "text": "Rp 60.000 at the bank"})[0] == 303
    status, said = _do(siti, {"state": "approval", "text": ""})
    assert (status, "First record the payment." in said) == (422, True)

    bad = {"amount": "-5", "reference": " ", "date": "2999-01-01"}
    status, said = _do(siti, bad, "/payments")
    assert status == 422
    for sentence in (
        "Write an amount above 0",
        "Write the reference of the payment",
        "That day has not come yet",
    ):
        assert sentence in said
    assert (
        _do(siti, {"amount": "60000", "reference": "NTPN 0A1B", "date": "2026-01-05"}, "/payments")[0] == 303
    )
    status, said = _do(siti, {"amount": "60000", "reference": "NTPN 0A1B", "date": "2026-01-05"}, "/payments")
    assert (status, "A payment with this reference is recorded already." in said) == (422, True)
    assert "NTPN 0A1B" in words_of(resident.get(own).text)
    public = words_of(portal.browser().get(f"/requests/{NUMBER}?lang=en").text)
    assert "Payment recorded" in public
    assert "NTPN" not in public
    assert "60,000" not in public

    assert _do(siti, {"state": "approval", "text": ""})[0] == 303
    assert _do(siti, {}, "/approve")[0] == 303
    status, said = _do(budi, {}, "/approve")
    assert (status, "The next approval is given by the agency's head." in said) == (422, True)
    assert _do(head, {}, "/approve")[0] == 303
    page = resident.get(own).text
    assert "Issued" in words_of(page)
    letter = re.search(r'href="([^"]*letter\.pdf[^"]*)"', page)
    assert letter
    assert resident.get(letter[1]).content.startswith(b"%PDF-")


def test_only_the_head_refuses_a_licence(portal: Portal) -> None:
    _ask(portal, "stall")
    assert _do(_as(portal, "siti"), {"state": "refused", "text": "The stall is taken"})[0] == 422
    assert _do(_as(portal, "kepala"), {"state": "refused", "text": "The stall is taken"})[0] == 303


def test_a_document_that_is_sent_anew_voids_the_approvals_before_it(portal: Portal) -> None:
    resident, own = _ask(portal, "stall")
    siti, head = _as(portal, "siti"), _as(portal, "kepala")
    files = {"document-identity": ("ktp.pdf", pdf(), "application/pdf")}
    assert resident.fill(own, {}, files, f"/requests/{NUMBER}/documents").status_code == 303
    assert _do(siti, {"do": "accept", "reason": ""}, "/documents/identity")[0] == 303
    for state in ("examined", "approval"):
        assert _do(siti, {"state": state, "text": ""})[0] == 303
    assert _do(siti, {}, "/approve")[0] == 303
    assert _do(siti, {"do": "return", "reason": "It has expired"}, "/documents/identity")[0] == 303
    assert "First these documents are to be accepted" in _do(head, {}, "/approve")[1]
    again = {"document-identity": ("ktp.jpg", photo(), "image/jpeg")}
    assert resident.fill(own, {}, again, f"/requests/{NUMBER}/documents").status_code == 303
    assert _do(siti, {"do": "accept", "reason": ""}, "/documents/identity")[0] == 303
    assert _do(head, {}, "/approve")[0] == 303  # the first approval anew, not the last
    assert "Approved" in words_of(head.get(OFFICE).text)
    assert resident.get(f"/requests/{NUMBER}/letter.pdf?{own.partition('?')[2]}").status_code == 404


def _slots(page: str) -> list[str]:
    return re.findall(r'<option value="(2[^"]+Z)"', page)


@on_both_stores
def test_an_appointment_is_booked_moved_seen_by_the_office_and_cancelled(portal: Portal) -> None:
    resident, own = _ask(portal, "card")
    slots = _slots(resident.get(own).text)
    book = f"/requests/{NUMBER}/appointment"
    assert resident.fill(own, {"slot": slots[30]}, action=book).status_code == 303
    page = resident.get(own).text
    assert "Town hall" in words_of(page)
    assert slots[30] not in _slots(page)
    key = own.partition("key=")[2].partition("&")[0]
    file = resident.get(f"{book}.ics?key={key}")
    assert file.headers["content-type"] == "text/calendar; charset=utf-8"
    assert b"BEGIN:VEVENT" in file.content
    assert portal.browser().get(f"{book}.ics?key=wrong").status_code == 404

    siti = _as(portal, "siti")
    assert "Appointment" in words_of(siti.get(OFFICE).text)
    assert _do(siti, {"slot": slots[31]}, "/appointment")[0] == 303
    day = dt.datetime.fromisoformat(slots[31]).astimezone(ZoneInfo("Asia/Makassar")).date()
    (row,) = siti.get(f"/queue/appointments.json?city=town&day={day}").json()
    assert (row["number"], row["start"]) == (NUMBER, slots[31])
    assert NUMBER not in siti.get(f"/queue/appointments?day={day - dt.timedelta(days=7)}").text
    assert NUMBER in siti.get(f"/queue/appointments?day={day}").text
    assert resident.fill(own, {"slot": "2020-01-01T00:00:00Z"}, action=book).status_code == 422
    assert portal.browser().get("/queue/appointments").status_code == 303
    assert (
        resident.fill(own, {"do": "cancel", "text": ""}, action=f"/requests/{NUMBER}/mine").status_code == 303
    )
    assert "Cancelled" in words_of(resident.get(own).text)


def test_two_residents_want_the_last_place(portal: Portal) -> None:
    (first, mine), (second, yours) = _ask(portal, "card"), _ask(portal, "card")
    slot = _slots(first.get(mine).text)[0]
    assert first.fill(mine, {"slot": slot}, action=f"/requests/{NUMBER}/appointment").status_code == 303
    late = second.fill(yours, {"slot": slot}, action=f"/requests/{NUMBER[:-1]}2/appointment")
    assert late.status_code == 422
    assert "that time is taken" in words_of(late.text)
