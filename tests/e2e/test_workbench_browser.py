"""In a real browser: an officer works by keyboard, two officers meet on one request, a head sees what is late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from mahakam.services.request import Draft
from support.browser import launched, serious
from support.node import RunningNode
from support.routed import NORTH, opened, routed_town

PASSWORD = "correct horse battery"
LONG_AGO = dt.datetime(2026, 1, 5, 2, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    places = routed_town(tmp_path / "places")
    inside, desk, _hands = opened(tmp_path / "data", places)
    for name in ("siti", "budi", "head"):
        add_account(inside.store.tenant(), name, PASSWORD, ["officer"], ["town"])
    for at in range(11):
        desk.send(
            Draft("town", "pothole", f"Hole {at}", (NORTH[0] + at / 1000, NORTH[1]), contact="w@example.id")
        )
    desk.send(Draft("town", "pothole", "An old hole", NORTH), LONG_AGO)
    inside.close()
    with RunningNode(tmp_path / "data", config=(places,)) as running:
        yield running


def _signed_in(browser: Browser, node: RunningNode, name: str, path: str = "/queue") -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB").new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(node.url + path + ("&" if "?" in path else "?") + "lang=en")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}*")
    return page


def _open(node: RunningNode, query: str = "?jurisdiction_id=town&status=open") -> int:
    return len(httpx.get(f"{node.url}/open311/requests.json{query}").json())


def test_an_officer_closes_ten_by_keyboard(chromium: Browser, node: RunningNode) -> None:
    page = _signed_in(chromium, node, "siti")
    assert _open(node) == 11, "of the last 90 days"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url("**/queue/TOWN-*")
    for _report in range(10):
        was = page.url
        expect(page.locator("[data-answer]")).to_be_visible()
        choices = page.locator('[name="state"]').evaluate_all("all => all.map(one => one.value)")
        page.keyboard.press(str(choices.index("answered") + 1))
        page.keyboard.press("t")
        page.keyboard.type("It was repaired today")
        page.keyboard.press("Control+Enter")
        page.wait_for_function("was => location.href !== was", arg=was)
    assert _open(node) == 2
    page.context.close()


def test_many_are_done_at_once_by_keyboard(chromium: Browser, node: RunningNode) -> None:
    page = _signed_in(chromium, node, "siti")
    for _row in range(3):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("[data-picked]")).to_have_text("3")
    page.keyboard.press("b")
    page.keyboard.type("Answered")
    page.keyboard.press("Tab")
    page.keyboard.type("All three were repaired")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("3 of 3 done")
    assert _open(node) == 9
    page.context.close()


def test_two_officers_on_one_request_lose_nothing(chromium: Browser, node: RunningNode) -> None:
    siti = _signed_in(chromium, node, "siti", "/queue/TOWN-2026-000003")
    budi = _signed_in(chromium, node, "budi", "/queue/TOWN-2026-000003")
    siti.get_by_label("Words for the resident").fill("A crew comes tomorrow")
    siti.get_by_text("In progress", exact=True).click()
    siti.get_by_role("button", name="Save and publish").click()
    expect(siti.get_by_role("status")).to_contain_text("Saved")
    budi.get_by_label("Words for the resident").fill("My careful answer")
    budi.get_by_role("button", name="Save and publish").click()
    expect(budi.get_by_role("alert")).to_contain_text("Somebody changed this request")
    expect(budi.get_by_text("A crew comes tomorrow")).to_be_visible()
    assert budi.get_by_label("Words for the resident").input_value() == "My careful answer"
    budi.get_by_role("button", name="Save and publish").click()
    expect(budi.get_by_role("status")).to_contain_text("Saved")
    public = httpx.get(f"{node.url}/requests/TOWN-2026-000003?lang=en").text
    assert "A crew comes tomorrow" in public
    assert "My careful answer" in public
    siti.context.close()
    budi.context.close()


def test_the_head_sees_what_is_late(chromium: Browser, node: RunningNode) -> None:
    """The node itself tells the secretary, who is above the agency, of the one that has waited since January."""
    page = _signed_in(chromium, node, "head", "/queue?team=secretary&status=late")
    rows = page.locator("#table tbody tr")
    for _try in range(60):
        if rows.get_by_role("link", name="TOWN-").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Late since")
    rows.get_by_role("link", name="TOWN-").click()
    expect(page.locator(".course")).to_contain_text("Late: City secretary was told")
    page.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_have_no_serious_fault_for_anybody(
    chromium: Browser, node: RunningNode, width: int
) -> None:
    page = _signed_in(chromium, node, "siti")
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "/queue",
        "/queue?status=late",
        "/queue/TOWN-2026-000001",
        "/queue/crew",
        "/requests/TOWN-2026-000001",
    ):
        page.goto(f"{node.url}{path}")
        assert serious(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{path} is wider than {width}"
        )
    page.context.close()
