"""In a real browser: two officers approve a letter, the resident opens it, anybody verifies it by code and by file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pypdfium2
import pytest
import zxingcpp
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from mahakam.services.owner import key_of
from mahakam.services.request import Draft
from support.browser import launched, serious
from support.node import RunningNode
from support.routed import NORTH, opened, routed_town

PASSWORD = "correct horse battery"
SERVICE = """name: {en: Shop letter, id: Surat usaha}
agency: Kelurahan
personal: true
form: {properties: {owner: {title: Owner, type: string}}, required: [owner]}
product:
  title: {en: Shop letter, id: Surat usaha}
  text: {en: "We state that {owner} has a shop in {city}."}
  approvals: [Looked at, Signed by the head]
  valid: 365
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def _page(browser: Browser, width: int) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 780}, locale="en-GB").new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    return page


def test_approved_by_two_opened_and_verified(chromium: Browser, tmp_path: Path) -> None:
    places = routed_town(tmp_path / "places")
    (places / "prov/town/services/shop.yaml").write_text(SERVICE)
    inside, desk, _hands = opened(tmp_path / "data", places)
    for name in ("siti", "budi"):
        add_account(inside.store.tenant(), name, PASSWORD, ["officer"], ["town"])
    number = desk.send(Draft("town", "shop", "For the bank", NORTH, answers={"owner": "Ani"})).number
    key = key_of(inside.store.tenant(), number)
    inside.close()
    with RunningNode(tmp_path / "data", config=(places,)) as node:
        for name in ("siti", "budi"):
            page = _page(chromium, 1280)
            page.goto(f"{node.url}/queue/{number}?lang=en")
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(f"**/queue/{number}*")
            assert not serious(page)
            page.get_by_role("button", name="Approve:").click()
        expect(page.locator("#letter")).to_contain_text(f"Issued and signed: {number}-1")
        assert not serious(page)

        phone = _page(chromium, 360)
        phone.goto(f"{node.url}/requests/{number}?key={key}&lang=en")
        link = phone.get_by_role("link", name="Open your letter (PDF)").get_attribute("href")
        letter = tmp_path / "letter.pdf"
        letter.write_bytes(httpx.get(f"{node.url}{link}").content)
        (code,) = zxingcpp.read_barcodes(pypdfium2.PdfDocument(letter)[0].render(scale=2).to_pil())
        assert code.text.startswith(f"{node.url}/verify/{number}-1?s=")

        anybody = _page(chromium, 360)
        anybody.goto(f"{code.text}&lang=en")
        expect(anybody.get_by_role("status")).to_contain_text("Genuine and valid")
        assert not serious(anybody)
        assert anybody.evaluate("document.documentElement.scrollWidth") <= 360
        altered = tmp_path / "altered.pdf"
        altered.write_bytes(letter.read_bytes().replace(b"/Type", b"/TYPE", 1))
        for file, said in ((altered, "Not genuine, or altered"), (letter, "Genuine and valid")):
            anybody.get_by_label("The letter's PDF").set_input_files(file)
            anybody.get_by_role("button", name="Verify the file").click()
            expect(anybody.get_by_role("status")).to_contain_text(said)
            assert not serious(anybody)
