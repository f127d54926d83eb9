"""In a real browser: a city submits its dossier, the Secretariat finds a gap, one country objects, all consent at last,
and the city is a member from its day on."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pdfplumber
import pytest
from playwright.sync_api import Browser, expect

from mahakam.access.accounts import add_account
from support.browser import launched, overlapping, phone, press, serious, signed_in, stands
from support.demo_part import CONFIG, node_over, part_of_demo
from support.node import RunningNode
from support.people import in_office

PASSWORD = "correct horse battery"
COUNTRIES = ("BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG", "TH", "TL", "VN")
PATH = "/network/candidacies/samarinda"
FROM = "2026-01-15"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """The officer of Samarinda, the Secretariat, one account that speaks for ten countries, and Thailand."""
    shutil.copytree(part_of_demo(), tmp_path / "data")
    inside = node_over(tmp_path / "data")
    store = inside.store.tenant()
    for account in ("siti", "sec", "nr", "nr-th"):
        add_account(store, account, PASSWORD, ["resident"], ["ascn"])
    offices = [
        ("siti", "city_officer", "samarinda"),
        ("sec", "secretariat", ""),
        ("nr-th", "representative", "TH"),
    ]
    offices += [("nr", "representative", code) for code in COUNTRIES if code != "TH"]
    for account, role, seat in offices:
        in_office(store, account, role, seat, name=account)
    inside.close()
    with RunningNode(tmp_path / "data", config=CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def members(node: RunningNode, day: str) -> set[str]:
    return {one["city"] for one in httpx.get(f"{node.url}/network/cities.json?as_of={day}").json()}


def test_from_dossier_to_membership(chromium: Browser, node: RunningNode) -> None:
    city = signed_in(chromium, node.url, PATH, "siti", PASSWORD)
    stands(city, "not submitted yet")
    expect(city.get_by_role("heading", name="Readiness")).to_be_visible()
    press(city, "Submit the dossier")
    expect(city.locator("#why-en-error")).to_be_visible()
    city.get_by_label("Why the city wants to join · English").fill("We measure our rain and want to compare.")
    assert serious(city) == []
    press(city, "Submit the dossier")
    stands(city, "with the Secretariat")
    for language, words in (("en", "We measure our rain"), ("id", "Kesiapan")):
        with pdfplumber.open(
            io.BytesIO(httpx.get(f"{node.url}{PATH}.pdf?lang={language}").content)
        ) as document:
            assert words in " ".join(page.extract_text() for page in document.pages)

    # Given back with a finding, submitted again, put before the countries.
    secretariat = signed_in(chromium, node.url, PATH, "sec", PASSWORD)
    secretariat.get_by_role("textbox", name="Findings").fill("Say with whom you want to compare.")
    press(secretariat, "Give it back")
    stands(secretariat, "given back")
    city.goto(node.url + PATH)
    expect(city.get_by_text("Say with whom you want to compare.")).to_be_visible()
    city.get_by_label("Why the city wants to join · English").fill(
        "We want to compare our rain with Jakarta."
    )
    press(city, "Submit the dossier")
    secretariat.goto(node.url + PATH)
    secretariat.get_by_role("textbox", name="Findings").fill("Complete.")
    press(secretariat, "Ready for the countries")
    secretariat.get_by_label("Member from").fill(FROM)
    press(secretariat, "Put before the countries")
    stands(secretariat, "before the countries")
    assert serious(secretariat) == []

    # Thailand objects: ten consents are not enough; then it takes the objection back.
    thailand = signed_in(chromium, node.url, PATH, "nr-th", PASSWORD)
    press(thailand, "Object")
    expect(thailand.locator("#reason-error")).to_be_visible()
    thailand.get_by_label("Reason of an objection").fill("The flood data is too old.")
    press(thailand, "Object")
    others = signed_in(chromium, node.url, PATH, "nr", PASSWORD)
    for code in COUNTRIES:
        if code != "TH":
            form = others.locator(f"#decision form:has(input[name=country][value={code}])")
            with others.expect_navigation():
                form.get_by_role("button", name="Consent", exact=True).click()
    stands(others, "before the countries")
    assert "Samarinda" not in members(node, FROM)
    public = httpx.get(f"{node.url}{PATH}?lang=en").text
    assert "We want to compare our rain with Jakarta." in public
    assert "The flood data is too old." not in public
    press(thailand, "Consent")
    stands(thailand, "admitted")
    thailand.get_by_text("Said before").click()
    expect(thailand.locator("#decision")).to_contain_text("The flood data is too old.")

    # A member from its day on, and not before.
    assert "Samarinda" in members(node, FROM)
    assert "Samarinda" not in members(node, "2026-01-14")
    with phone(chromium, bypass_csp=True) as context:
        reader = context.new_page()
        for path in (PATH, "/network/candidacies", "/network/members?kind=member"):
            reader.goto(node.url + path)
            expect(reader.locator("main")).to_contain_text("Samarinda")
            assert serious(reader) == []
            assert overlapping(reader) == []
