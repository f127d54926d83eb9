"""In a real browser: a steward accepts what is alike, corrects one value, and the rows are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mahakam.access.accounts import add_account
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from support.node import RunningNode
from support.portal import two_cities, with_stops

PASSWORD = "correct horse battery"
PAGE = "/quarantine/town/stops?lang=en"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    places = with_stops(two_cities(tmp_path / "places"))
    made = Node(Settings(data=tmp_path / "data", config=(places,)))
    run_feed(Parts.of(made), "town", "stops")
    add_account(made.store.tenant(), "wati", PASSWORD, ["steward"], ["town"])
    made.close()
    with RunningNode(tmp_path / "data", config=(places,)) as running:
        yield running


@pytest.fixture(params=[360, 1280])
def page(chromium: Browser, node: RunningNode, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": request.param, "height": 800}, locale="en-GB")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(node.url + PAGE)
    opened.get_by_label("Name").fill("wati")
    opened.get_by_label("Password").fill(PASSWORD)
    opened.get_by_role("button", name="Sign in").click()
    opened.wait_for_url("**/quarantine/**")
    yield opened
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"
    assert complaints == []
    context.close()


def _stops(node: RunningNode) -> set[str]:
    answer = httpx.get(f"{node.url}/ngsi-ld/v1/entities?type=BusStop&limit=100")
    return {entity["id"].rpartition(":")[2] for entity in answer.json()}


def test_a_steward_accepts_corrects_and_sees_the_rows(page: Page, node: RunningNode) -> None:
    assert _stops(node) == {"A1"}
    page.get_by_text("See and accept 3").click()
    expect(page.get_by_label("should read").first).to_have_value("Kebon Jeruk")
    page.get_by_role("button", name="Accept and replay").click()
    expect(page.get_by_role("status")).to_contain_text("3 rows went in, 1 are held")
    assert _stops(node) == {"A1", "A2", "A3", "A4"}

    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.get_by_label("kecamatan", exact=True)).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Tebet")
    page.get_by_label("kursi", exact=True).fill("12")
    page.get_by_label("Reason").fill("asked the agency")
    page.get_by_role("button", name="Save and replay").click()
    expect(page.get_by_role("status")).to_contain_text("The row passed every rule")
    expect(page.get_by_text("asked the agency").first).to_be_visible()
    assert _stops(node) == {"A1", "A2", "A3", "A4", "A5"}

    page.get_by_role("link", name="See where it is now").click()
    page.wait_for_url("**/trace/entity/**")
    expect(page.get_by_role("main")).to_contain_text("Atlantis")
