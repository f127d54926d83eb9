"""In a real browser: the eleven countries bring a recommendation from draft to adopted PDF, with an objection on
the way; it goes to the leaders and is followed until it is done."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pdfplumber
import pytest
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from support.browser import AXE, launched
from support.demo_part import CONFIG, node_over, part_of_demo
from support.node import RunningNode
from support.people import in_office

PASSWORD = "correct horse battery"
COUNTRIES = ("BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG", "TH", "TL", "VN")
VALUE = "/trace/value/jakarta/unhealthy-days/2023"
NEW_TITLE = "Measure the air of every member city"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """The network's node: an administrator, a Secretariat and ten Representatives; Viet Nam's seat is vacant."""
    shutil.copytree(part_of_demo(), tmp_path / "data")
    inside = node_over(tmp_path / "data")
    store = inside.store.tenant()
    offices = [("secretariat", "", "Secretariat")]
    offices += [("representative", code, f"Representative of {code}") for code in COUNTRIES[:-1]]
    for role, seat, name in offices:
        account = f"nr-{seat.lower()}" if seat else "sec"
        add_account(store, account, PASSWORD, ["resident"], ["ascn"])
        in_office(store, account, role, seat, name=name, seats=COUNTRIES)
    inside.close()
    with RunningNode(tmp_path / "data", config=CONFIG) as running:
        yield running


def page_of(browser: Browser, node: RunningNode, account: str = "", path: str = "/network") -> Page:
    """A browser of one person, signed in (unless account is "")."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB").new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    if not account:
        page.goto(f"{node.url}{path}?lang=en")
        return page
    page.goto(f"{node.url}/signin?next={path}&lang=en")
    page.get_by_label("Name").fill(account)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/signin" not in url)
    return page


def serious(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    return list(
        page.evaluate(
            "async () => (await axe.run(document)).violations"
            ".filter(one => ['serious', 'critical'].includes(one.impact))"
            ".map(one => one.id + ' ' + one.nodes[0].html)"
        )
    )


def speak(page: Page, url: str, objection: str = "") -> None:
    """Consent, or object with a reason."""
    page.goto(url)
    if objection:
        page.get_by_label("Reason of an objection").fill(objection)
        page.get_by_role("button", name="Object", exact=True).click()
    else:
        page.get_by_role("button", name="Consent", exact=True).click()
    page.wait_for_url("**#decision")


def links_of(pdf: bytes) -> set[str]:
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        return {link["uri"] for page in document.pages for link in page.hyperlinks}


def words_of(pdf: bytes) -> str:
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        return " ".join(page.extract_text() for page in document.pages)


def test_from_draft_to_done_by_consensus(chromium: Browser, node: RunningNode) -> None:
    # The last seat is filled by invitation.
    secretariat = page_of(chromium, node, "sec", "/network/people")
    expect(secretariat.get_by_text("1 country has no National Representative")).to_be_visible()
    secretariat.get_by_label("Office", exact=True).select_option("representative")
    secretariat.get_by_label("Country", exact=True).select_option("VN")
    secretariat.get_by_label("Name", exact=True).fill("Representative of VN")
    secretariat.get_by_role("button", name="Appoint").click()
    link = str(secretariat.locator("[data-invitation]").text_content())
    assert serious(secretariat) == []
    vietnam = page_of(chromium, node, "", "/network/join/" + link.rpartition("/")[2])
    vietnam.get_by_label("Name to sign in with").fill("nr-vn")
    vietnam.get_by_label("Password").fill(PASSWORD)
    vietnam.get_by_role("button", name="Take up the office").click()
    vietnam.wait_for_url("**/network/recommendations")

    # Indonesia drafts; a claim without evidence cannot be opened.
    indonesia = page_of(chromium, node, "nr-id", "/network/recommendations/new")
    indonesia.get_by_label("Title · English").fill("Measure the air of every city")
    indonesia.get_by_label("Title · Bahasa Indonesia").fill("Ukur udara setiap kota")
    indonesia.get_by_label("Why · English").fill("People breathe it every day.")
    indonesia.locator("#claim-0-en").fill("Jakarta counts its unhealthy days.")
    indonesia.locator("#claim-0-id").fill("Jakarta menghitung hari tidak sehatnya.")
    indonesia.locator("#action-0-en").fill("Publish one air index a day.")
    indonesia.locator("#action-0-who").fill("Every member city")
    indonesia.locator("#action-0-due").fill("2027-06-30")
    indonesia.get_by_role("button", name="Save the draft").click()
    indonesia.wait_for_url("**/network/recommendations/R-*")
    path = indonesia.url.removeprefix(node.url)
    indonesia.get_by_role("button", name="Open for comment").click()
    expect(indonesia.get_by_role("alert")).to_contain_text("Give the evidence")
    indonesia.get_by_role("link", name="Amend").click()
    indonesia.locator("#claim-0-evidence").fill(f"{node.url}{VALUE}\n/trace/value/jakarta/no-such/2023")
    indonesia.get_by_role("button", name="Save this version").click()
    expect(indonesia.locator("#claim-0-evidence-error")).to_contain_text("no indicator value")
    assert indonesia.locator("#claim-0-en").input_value() == "Jakarta counts its unhealthy days.", "kept"
    assert serious(indonesia) == []
    report = "M&E report 2025 https://asean.org/report-2025.pdf"
    indonesia.locator("#claim-0-evidence").fill(f"{node.url}{VALUE}\n{report}")
    indonesia.get_by_role("button", name="Save this version").click()
    assert httpx.get(node.url + path, follow_redirects=False).status_code == 303, "no stranger reads a draft"
    malaysia = page_of(chromium, node, "nr-my")
    assert (malaysia.goto(node.url + path) or pytest.fail("no answer")).status == 403, "nor another country"
    indonesia.get_by_role("button", name="Open for comment").click()

    # Malaysia comments, Indonesia amends; the difference is shown.
    malaysia.goto(node.url + path)
    malaysia.get_by_label("Your comment").fill("Say whose air.")
    malaysia.get_by_role("button", name="Comment", exact=True).click()
    expect(malaysia.get_by_text("Say whose air.")).to_be_visible()
    indonesia.goto(node.url + path + "/edit")
    indonesia.get_by_label("Title · English").fill(NEW_TITLE)
    indonesia.get_by_label("Why it is amended").fill("Malaysia asked")
    indonesia.get_by_role("button", name="Save this version").click()
    expect(indonesia.locator("#changes ins")).to_contain_text("member")
    assert serious(indonesia) == []

    # Thailand objects: ten consents are not enough.
    secretariat.goto(node.url + path)
    secretariat.get_by_role("button", name="Put before the countries").click()
    countries = {"ID": indonesia, "MY": malaysia, "VN": vietnam}
    countries |= {
        code: page_of(chromium, node, f"nr-{code.lower()}", path)
        for code in COUNTRIES
        if code not in countries
    }
    for code, page in countries.items():
        speak(page, node.url + path, "The day is too early." if code == "TH" else "")
    secretariat.reload()
    expect(secretariat.locator("h1 + .chip")).to_have_text("before the countries")
    expect(secretariat.locator("#decision")).to_contain_text("The day is too early.")

    # The text is mended, which voids what was said; now all consent.
    indonesia.goto(node.url + path + "/edit")
    indonesia.locator("#action-0-due").fill("2028-06-30")
    indonesia.get_by_label("Why it is amended").fill("Thailand's objection")
    indonesia.get_by_role("button", name="Save this version").click()
    secretariat.goto(node.url + path)
    secretariat.get_by_role("button", name="Put before the countries").click()
    for page in countries.values():
        speak(page, node.url + path)
    last = countries["VN"]
    last.reload()
    expect(last.locator("h1 + .chip")).to_have_text("adopted")
    last.get_by_text("Said before").click()
    expect(last.locator("#decision")).to_contain_text("The day is too early.")
    assert serious(last) == []

    # Everybody reads it now, and the PDF's claims open down to their evidence.
    public = httpx.get(node.url + path + "?lang=en").text
    assert NEW_TITLE in public
    assert "The day is too early." not in public
    english, indonesian = (httpx.get(f"{node.url}{path}.pdf?lang={code}").content for code in ("en", "id"))
    for pdf in (english, indonesian):
        assert {node.url + VALUE, "https://asean.org/report-2025.pdf"} <= links_of(pdf)
    assert NEW_TITLE in words_of(english)
    assert "Jakarta menghitung hari tidak sehatnya." in words_of(indonesian)
    assert "Ukur udara setiap kota" in words_of(indonesian)
    assert all(f"Representative of {code}" in words_of(english) for code in COUNTRIES)
    assert httpx.get(node.url + VALUE).status_code == 200

    # Sent, followed, done; the next meeting sees it.
    secretariat.goto(node.url + path)
    secretariat.get_by_label("Sent to").fill("The Coordinating Council, by letter")
    secretariat.get_by_role("button", name="Note that it was sent").click()
    expect(secretariat.locator("h1 + .chip")).to_have_text("sent to leaders")
    secretariat.goto(node.url + "/network/meetings/new")
    secretariat.get_by_label("Title").fill("The tenth annual meeting")
    secretariat.get_by_label("From").fill("2030-07-20")
    secretariat.get_by_label("Until").fill("2030-07-21")
    secretariat.get_by_label("Agenda").fill("09:30 Opening\nFollow-up")
    secretariat.get_by_role("button", name="Save").click()
    expect(secretariat.get_by_text("What became of earlier recommendations")).to_be_visible()
    expect(secretariat.locator("#earlier-table")).to_contain_text(NEW_TITLE)
    assert serious(secretariat) == []
    indonesia.goto(node.url + path)
    indonesia.get_by_text("Report progress").click()
    indonesia.get_by_label("State").select_option("done")
    indonesia.get_by_label("What was done").fill("Every city publishes its index.")
    indonesia.get_by_role("button", name="Report it").click()
    expect(indonesia.locator("#evidence-error")).to_contain_text("Give the evidence")
    indonesia.get_by_label("Evidence").fill(VALUE)
    indonesia.get_by_role("button", name="Report it").click()
    expect(indonesia.locator("h1 + .chip")).to_have_text("done")
