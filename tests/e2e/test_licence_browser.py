"""In a real browser: a licence, from a phone without scripts to the head's signature; an appointment, booked, moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from icalendar import Calendar
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from mahakam.services.owner import key_of
from mahakam.services.request import Draft
from support.browser import launched, phone, serious
from support.node import RunningNode
from support.papers import pdf, photo
from support.routed import NORTH, opened, routed_town

PASSWORD = "correct horse battery"
STALL = """name: {en: Market stall, id: Lapak pasar}
agency: Trade
personal: true
workflow: licence
documents:
  identity: {name: {en: Identity card, id: KTP}}
  front: {name: {en: Photo of the stall, id: Foto lapak}, kinds: [photo]}
fee: {currency: IDR, amount: 60000}
product:
  title: {en: Licence, id: Izin}
  text: {en: "The stall may be used."}
  approvals: [Examined, {name: Signed, by: head}]
"""
CARD = """name: {en: Family card, id: Kartu keluarga}
personal: true
workflow: appointment
office: {address: Town hall, hours: ["Mo-Su 00:00-23:59"]}
appointments: {minutes: 60, capacity: 1, days: 3, notice: 1}
"""


@dataclass(frozen=True)
class Town:
    url: str
    stall: str
    card: str
    keys: dict[str, str]

    def own(self, number: str) -> str:
        return f"{self.url}/requests/{number}?key={self.keys[number]}&lang=en"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    places = routed_town(tmp_path / "places")
    (places / "prov/town/services/stall.yaml").write_text(STALL)
    (places / "prov/town/services/card.yaml").write_text(CARD)
    with (places / "prov/town/city.yaml").open("a") as city:
        city.write("clock: {days: [mon, tue, wed, thu, fri, sat, sun]}\n")
    inside, desk, _hands = opened(tmp_path / "data", places)
    store = inside.store.tenant()
    for name, roles in (("siti", ["officer"]), ("kepala", ["officer", "head"])):
        add_account(store, name, PASSWORD, roles, ["town"])
    stall, card = (desk.send(Draft("town", service, "For me", NORTH)).number for service in ("stall", "card"))
    keys = {number: key_of(store, number) for number in (stall, card)}
    inside.close()
    with RunningNode(tmp_path / "data", config=(places,)) as node:
        yield Town(node.url, stall, card, keys)


def _office(chromium: Browser, town: Town, name: str, path: str) -> Page:
    page = chromium.new_context(
        viewport={"width": 1280, "height": 800}, locale="en-GB", bypass_csp=True
    ).new_page()
    page.goto(f"{town.url}{path}?lang=en")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}*")
    return page


def _answer(page: Page, state: str, words: str = "") -> None:
    page.locator("label.choice", has_text=state).click()
    page.get_by_label("Words for the resident").fill(words)
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_text("Saved. The resident can read it now.")).to_be_visible()


def _looked_at(chromium: Browser, address: str) -> None:
    """The resident's page on a phone with scripts: accessible, and no wider than the phone."""
    context = phone(chromium, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    context.close()


def test_a_licence_from_the_phone_to_the_signature(chromium: Browser, town: Town, tmp_path: Path) -> None:
    script, card, front = (tmp_path / name for name in ("ktp.pdf", "card.pdf", "front.jpg"))
    script.write_bytes(b"<script>alert(1)</script>")
    card.write_bytes(pdf())
    front.write_bytes(photo())
    mobile = phone(chromium, java_script_enabled=False)
    own = mobile.new_page()
    own.goto(town.own(town.stall))
    own.get_by_label("Identity card").set_input_files(str(script))
    own.get_by_role("button", name="Send the chosen files").click()
    expect(own.get_by_text("By its content this is no file of a kind that is taken here")).to_be_visible()
    own.get_by_label("Identity card").set_input_files(str(card))
    own.get_by_label("Photo of the stall").set_input_files(str(front))
    own.get_by_role("button", name="Send the chosen files").click()
    expect(own.get_by_text("sent, not looked at yet").first).to_be_visible()
    _looked_at(chromium, town.own(town.stall))

    siti = _office(chromium, town, "siti", f"/queue/{town.stall}")
    assert serious(siti) == []
    for _document in range(2):
        siti.get_by_role("button", name="Accept").first.click()
        siti.wait_for_load_state()
    expect(siti.locator("#documents").get_by_text("accepted", exact=True)).to_have_count(2)
    _answer(siti, "Being examined")
    _answer(siti, "Waits for the payment", "Pay Rp 60,000 at the bank.")
    siti.get_by_label("Reference of the bank or treasury").fill("NTPN 0A1B")
    siti.get_by_role("button", name="Record it").click()
    expect(siti.locator("#payments").get_by_text("NTPN 0A1B")).to_be_visible()
    _answer(siti, "Waits for approval")
    siti.get_by_role("button", name="Approve: Examined").click()
    expect(siti.get_by_text("You have approved it already")).to_be_visible()

    head = _office(chromium, town, "kepala", f"/queue/{town.stall}")
    head.get_by_role("button", name="Approve: Signed").click()
    expect(head.get_by_text("Issued and signed: ")).to_be_visible()
    own.goto(town.own(town.stall))
    expect(own.locator("h1 + .chip")).to_have_text("Issued")
    expect(own.get_by_role("link", name="Open your letter (PDF)")).to_be_visible()
    _looked_at(chromium, town.own(town.stall))


def test_without_scripts_the_form_says_what_comes_after_and_leads_there(
    chromium: Browser, town: Town, tmp_path: Path
) -> None:
    card = tmp_path / "ktp.pdf"
    card.write_bytes(pdf())
    context = phone(chromium, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{town.url}/report?city=town&lang=en")
    expect(page.locator("label.choice", has_text="Family card")).to_contain_text("then: appointment")
    stall = page.locator("label.choice", has_text="Market stall")
    expect(stall).to_contain_text("then: documents, fee")
    stall.click()
    page.get_by_label("Latitude").fill(str(NORTH[1]))
    page.get_by_label("Longitude").fill(str(NORTH[0]))
    page.get_by_role("button", name="Send report").click()
    after = page.get_by_role("region", name="What comes after you have sent this")
    expect(after).to_contain_text("Photo of the stall")
    expect(after).to_contain_text("Fee: IDR 60,000")
    expect(stall.locator("input")).to_be_checked()
    page.get_by_label("What is wrong?").fill("A stall for vegetables")
    page.get_by_role("button", name="Send report").click()
    page.wait_for_url("**/requests/TOWN-*")
    page.get_by_label("Identity card").set_input_files(str(card))
    page.get_by_role("button", name="Send the chosen files").click()
    expect(page.locator("#documents").get_by_text("sent, not looked at yet")).to_be_visible()
    context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_what_comes_after_shows_with_the_choice(chromium: Browser, town: Town, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale="en-GB", bypass_csp=True)
    page = context.new_page()
    page.goto(f"{town.url}/report?city=town&lang=en")
    after = page.get_by_role("region", name="What comes after you have sent this")
    expect(after).to_have_count(0)
    page.locator("label.choice", has_text="Market stall").click()
    expect(after).to_contain_text("Identity card")
    page.locator("label.choice", has_text="Family card").click()
    expect(after).to_contain_text("Town hall")
    expect(after).to_have_count(1)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    context.close()


def test_an_appointment_from_the_phone(chromium: Browser, town: Town) -> None:
    mobile = phone(chromium, java_script_enabled=False)
    own = mobile.new_page()
    own.goto(town.own(town.card))
    times = own.locator("#slot option:not([value=''])")
    first = times.nth(5).get_attribute("value")
    own.get_by_label("Choose a time").select_option(first)
    own.get_by_role("button", name="Book this time").click()
    expect(own.locator("h1 + .chip")).to_have_text("Booked")
    with own.expect_download() as saved:
        own.get_by_role("link", name="Put it into my calendar").click()
    (event,) = Calendar.from_ical(Path(saved.value.path()).read_bytes()).walk("VEVENT")
    assert event.decoded("dtstart").strftime("%Y-%m-%dT%H:%M:%SZ") == first
    second = times.nth(6).get_attribute("value")
    own.get_by_label("Another time").select_option(second)
    own.get_by_role("button", name="Move it to this time").click()
    expect(own.locator("#appointment b")).to_be_visible()
    assert first in [times.nth(at).get_attribute("value") for at in range(times.count())]
    _looked_at(chromium, town.own(town.card))

    siti = _office(chromium, town, "siti", "/queue/appointments")
    siti.goto(f"{town.url}/queue/{town.card}?lang=en")
    assert serious(siti) == []
    own.get_by_role("button", name="Cancel the appointment").click()
    expect(own.locator("h1 + .chip")).to_have_text("Cancelled")
