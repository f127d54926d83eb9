"""In a real browser: an officer sends a messy file, looks, adjusts, tries, goes back, publishes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mahakam.access.accounts import add_account
from mahakam.app import Node
from mahakam.config import Settings
from support.node import RunningNode
from support.portal import two_cities

PASSWORD = "correct horse battery"
MESSY = Path(__file__).parents[2] / "examples/ascn/jakarta/data/jakarta_fire_posts_2013.csv"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    places = two_cities(tmp_path / "places")
    made = Node(Settings(data=tmp_path / "data", config=(places,)))
    add_account(made.store.tenant(), "siti", PASSWORD, ["officer"], ["town"])
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
    opened.goto(node.url + "/connect/town?lang=en")
    opened.get_by_label("Name").fill("siti")
    opened.get_by_label("Password").fill(PASSWORD)
    opened.get_by_role("button", name="Sign in").click()
    opened.wait_for_url("**/connect/town*")
    yield opened
    unexpected = [text for text in complaints if "422" not in text]
    assert unexpected == []
    context.close()


def _look(page: Page, name: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        f"{name}: wider than the screen"
    )
    if folder := os.environ.get("MAHAKAM_SHOTS"):
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def test_from_file_to_dataset(page: Page, node: RunningNode) -> None:
    _look(page, "connect")
    page.get_by_label("The file").set_input_files({"name": "x.csv", "mimeType": "text/csv", "buffer": b""})
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("alert")).to_contain_text("is empty")
    page.get_by_label("The file").set_input_files(str(MESSY))
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="What we see")).to_be_visible()
    _look(page, "connect-draft")

    page.get_by_label("Title").fill("Pos pemadam")
    page.get_by_label("Short name").fill("Pos Pemadam")
    page.get_by_role("textbox", name="A row is a").fill("FireStation")
    page.get_by_role("button", name="Try it").last.click()
    expect(page.get_by_role("alert")).to_contain_text("short name may have small letters")
    expect(page.get_by_label("Title")).to_have_value("Pos pemadam")
    page.get_by_label("Short name").fill("fire-posts")
    page.get_by_role("button", name="Try it").last.click()
    expect(page.get_by_role("heading", name="What would become of Pos pemadam")).to_be_visible()
    _look(page, "connect-try")

    page.get_by_role("link", name="Back to the columns").click()
    expect(page.get_by_label("Short name")).to_have_value("fire-posts")
    switched = page.get_by_label("must be there").first
    before = switched.is_checked()
    switched.click()
    page.get_by_role("button", name="Try it").last.click()
    page.get_by_role("link", name="Back to the columns").click()
    assert page.get_by_label("must be there").first.is_checked() != before, "what was chosen is kept"
    page.get_by_role("button", name="Try it").last.click()
    page.get_by_role("button", name="Publish with").click()
    expect(page.get_by_role("heading", name="The file is in")).to_be_visible()
    page.get_by_role("link", name="See the dataset").click()
    expect(page.get_by_role("heading", name="Pos pemadam", level=1)).to_be_visible()
    types = httpx.get(f"{node.url}/ngsi-ld/v1/types").json()["typeList"]
    assert any("FireStation" in name or "Dataset" in name for name in types)


SUBTOTALS = "Kecamatan,Kelurahan,Penduduk\n" + "".join(
    f"{group},{'Jumlah' if n == 3 else f'{group} {n + 1}'},{(100, 250, 75, 425)[n]}\n"
    for group in ("Palaran", "Sambutan", "Loa Janan Ilir")
    for n in range(4)
)


@pytest.mark.parametrize("language", ["en", "id"])
def test_rows_of_totals_are_named_and_left_out(page: Page, node: RunningNode, language: str) -> None:
    page.goto(f"{node.url}/connect/town?lang={language}")
    file = {"name": "penduduk.csv", "mimeType": "text/csv", "buffer": SUBTOTALS.encode()}
    page.locator("input[type=file]").set_input_files(file)
    page.locator("main form button.btn").first.click()
    box = page.locator("input[name=totals]")
    expect(box).to_be_checked()
    expect(page.locator("p.check-line")).to_contain_text("4 Jumlah, 8 Jumlah, 12 Jumlah")
    _look(page, f"connect-totals-{language}")
    box.uncheck()
    page.locator("button[value=save]").click()
    page.reload()
    expect(page.locator("input[name=totals]")).not_to_be_checked()
