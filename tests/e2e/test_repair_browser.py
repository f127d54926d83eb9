"""The workbench in a real browser: a steward filters, edits by keyboard and replays; an agency repairs by a signed link
without an account, in the grid and by workbook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import xlsxwriter
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.feeds.sources.formats.xlsx import cells_of
from support.browser import AXE, launched
from support.node import RunningNode
from support.portal import two_cities, with_stops

PASSWORD = "correct horse battery"
GRID = "/quarantine/town/stops/grid"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    places = with_stops(two_cities(tmp_path / "places"))
    made = Node(Settings(data=tmp_path / "data", config=(places,)))
    run_feed(Parts.of(made), "town", "stops")
    add_account(made.store.tenant(), "wati", PASSWORD, ["steward"], ["town"])
    made.close()
    with RunningNode(tmp_path / "data", config=(places,)) as running:
        yield running


@pytest.mark.parametrize("width", [360, 1280])
def test_the_story_of_held_rows(chromium: Browser, node: RunningNode, tmp_path: Path, width: int) -> None:
    steward = _page(chromium, width)
    steward.goto(f"{node.url}{GRID}?lang=en")
    steward.get_by_label("Name").fill("wati")
    steward.get_by_label("Password").fill(PASSWORD)
    steward.get_by_role("button", name="Sign in").click()
    steward.wait_for_url("**/grid**")
    _is_sound(steward)

    # narrowed, then by the keyboard alone
    steward.get_by_label("Finding").select_option("type|seats")
    expect(steward.get_by_role("row").filter(has_text="Atlantis")).to_have_count(1)
    steward.get_by_label("Finding").select_option("")
    expect(steward.locator("tr[data-row]")).to_have_count(4)
    grid = steward.get_by_role("grid")
    grid.locator("td[tabindex='0']").focus()
    expect(_here(steward)).to_have_attribute("data-label", "kecamatan")  # the first that is wrong
    steward.keyboard.press("Space")  # the proposal
    expect(_here(steward).locator("input")).to_have_value("Kebon Jeruk")
    steward.keyboard.press("Escape")
    expect(_here(steward).locator("input")).to_have_value("Kebun Jeruk")
    steward.keyboard.press("Enter")
    steward.keyboard.type("Tebetx")
    steward.keyboard.press("Escape")
    expect(_here(steward).locator("input")).to_have_value("Kebun Jeruk")
    steward.keyboard.type("Tebet")  # typing edits
    steward.keyboard.press("Enter")  # and Enter goes down
    expect(_here(steward).locator("input")).to_have_value("KEBUN JERUK")
    steward.keyboard.press("Space")
    expect(steward.locator("[data-changed]")).to_have_text("2 cells changed")
    steward.keyboard.press("ArrowUp")
    expect(_here(steward).locator("input")).to_have_value("Tebet")
    steward.keyboard.press("Control+End")
    assert steward.evaluate(
        "document.activeElement.closest('tr') === document.querySelector('tbody').lastElementChild"
    )
    steward.keyboard.press("Control+Enter")
    expect(steward.get_by_role("status").first).to_contain_text("2 rows went in, 2 are held")
    assert _stops(node) == {"A1", "A2", "A3"}

    # one row beside its neighbours, on a map
    steward.get_by_role("rowheader").filter(has_text="6").get_by_role("link").click()
    near = steward.get_by_role("region", name="Beside its neighbours in the file")
    expect(near.get_by_role("row")).to_have_count(5)
    expect(steward.locator(".near-map.live canvas")).to_be_visible(timeout=90_000)
    _is_sound(steward)
    steward.goto(f"{node.url}{GRID}")

    # the agency, by a link
    steward.get_by_role("button", name="Make a link").click()
    link = steward.get_by_label("The link for Dishub").input_value()
    agency = _page(chromium, width)
    agency.goto(link + "?lang=en")
    expect(agency.get_by_role("heading", level=1)).to_have_text("Rows to correct: Bus stops")
    _is_sound(agency)
    agency.get_by_role("button", name="Take the proposal").first.click()
    agency.get_by_role("button", name="Save and check again").click()
    expect(agency.get_by_role("status").first).to_contain_text("1 row went in, 1 are still held")
    assert _stops(node) == {"A1", "A2", "A3", "A4"}

    # down, corrected, up
    with agency.expect_download() as started:
        agency.get_by_role("link", name="Download the rows (.xlsx)").click()
    path = tmp_path / "rows.xlsx"
    started.value.save_as(path)
    _correct(path, {"kecamatan": "Tebet", "kursi": 12.0})
    agency.get_by_label("The corrected file").set_input_files(path)
    agency.get_by_role("button", name="Send it back").click()
    expect(agency.get_by_text("Every row of the sheet went in.")).to_be_visible()
    expect(agency.get_by_text("Nothing is left to correct")).to_be_visible()
    _is_sound(agency)
    assert _stops(node) == {"A1", "A2", "A3", "A4", "A5"}

    steward.reload()
    steward.get_by_role("button", name="Take it back").click()
    assert httpx.get(link).status_code == 410
    for page in (steward, agency):
        page.context.close()


def _page(chromium: Browser, width: int) -> Page:
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale="en-GB")
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    return page


def _here(page: Page) -> Any:
    return page.locator("td:focus")


def _is_sound(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        "async () => (await axe.run(document)).violations.map(v => [v.id, v.nodes.map(n => n.html)])"
    )
    assert found == []


def _stops(node: RunningNode) -> set[str]:
    answer = httpx.get(f"{node.url}/ngsi-ld/v1/entities?type=BusStop&limit=100")
    return {entity["id"].rpartition(":")[2] for entity in answer.json()}


def _correct(path: Path, changes: dict[str, Any]) -> None:
    """As a spreadsheet program does: every row gets these cells, and all is saved anew."""
    grid: list[list[Any]] = [list(row) for row in cells_of(path, path.name)]
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    sheet = book.add_worksheet()
    for n, row in enumerate(grid):
        for m, value in enumerate(row):
            new = changes.get(str(grid[0][m]), value) if n else value
            if new is not None:
                sheet.write(n, m, new)
    book.close()
