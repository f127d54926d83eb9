"""The pages of services in a real browser: for everybody, at 200 %, without scripts; and a resident who rates."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.services import comments
from mahakam.services.desk import Desk, revision_of
from mahakam.services.owner import key_of
from mahakam.services.request import Draft
from support.browser import AXE, launched, phone, serious
from support.demo_part import EXAMPLES
from support.node import RunningNode

NUMBER = "SAM-2026-000001"
CENTRE = (117.15, -0.49)


class Town(RunningNode):
    """Samarinda with forty reports; the first is answered. ``key`` is its resident's."""

    key: str


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    data = tmp_path_factory.mktemp("town") / "data"
    node = Node(Settings(data, (EXAMPLES / "kaltim",)))
    desk = Desk(node.broker, node.places, data)
    chance = random.Random(1)
    for n in range(40):
        point = (CENTRE[0] + chance.gauss(0, 0.01), CENTRE[1] + chance.gauss(0, 0.01))
        answers: dict[str, Any] = {"size": "car"} if n % 2 == 0 else {}
        service = "pothole" if answers else "waste"
        desk.send(Draft("samarinda", service, f"Report number {n} at the market", point, answers=answers))
    first = desk.request(NUMBER)
    assert first
    desk.step(NUMBER, revision_of(first), "answered", "Filled this morning", "", "siti")
    comments.add(node.broker, NUMBER, "/kaltim/samarinda", "public", "It is good now")
    key = key_of(node.store.tenant(), NUMBER)
    node.close()
    # Nobody listens there: the address is only asked for when a letter is sent.
    # One answer is shown, which a city would not do (services.suppression).
    mail = {
        "MAHAKAM_FEWEST": "1",
        "MAHAKAM_SMTP": "smtp://127.0.0.1:9",
        "MAHAKAM_MAIL_FROM": "Samarinda <no@example.id>",
    }
    with Town(data, config=(EXAMPLES / "kaltim",), environment=mail) as running:
        running.key = key
        yield running


PAGES = [
    "/services",
    "/services?q=lampu&place=samarinda",
    "/services?q=zzzz",
    "/services/samarinda/house-aid",
    "/services/samarinda/pothole",
    "/report",
    "/report?city=samarinda",
    "/report?city=samarinda&service=flood",
    "/report/kept",
    "/requests",
    "/requests?city=samarinda",
    f"/requests/{NUMBER}",
    f"/requests/{NUMBER}?key=KEY",
    f"/requests/{NUMBER}/rate?key=KEY",
    "/satisfaction",
    "/insight?city=samarinda",
    "/insight?city=bontang",
]


def _open(page: Page, town: Town, path: str) -> None:
    page.goto(town.url + path.replace("KEY", town.key), wait_until="load")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_on_a_phone(chromium: Browser, town: Town, path: str) -> None:
    context = phone(chromium, bypass_csp=True)
    page = context.new_page()
    _open(page, town, path)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the phone"
    page.add_script_tag(path=str(AXE))
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run(document, {runOnly: "
        "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})).violations"
    )
    said = [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]
    context.close()
    assert said == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_at_200_per_cent(chromium: Browser, town: Town, path: str) -> None:
    """A window of 1280 at 200 % has 640 pixels of its own (WCAG 1.4.4, 1.4.10): nothing scrolls sideways."""
    context = chromium.new_context(
        viewport={"width": 640, "height": 400}, device_scale_factor=2, locale="en-GB"
    )
    page = context.new_page()
    _open(page, town, path)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_without_scripts(chromium: Browser, town: Town, path: str) -> None:
    context = phone(chromium, java_script_enabled=False)
    page = context.new_page()
    _open(page, town, path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for words in ("undefined", "%("):
        assert words not in page.locator("main").inner_text()
    context.close()


def test_a_resident_finds_reports_and_follows_without_scripts(chromium: Browser, town: Town) -> None:
    context = phone(chromium, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{town.url}/services?place=samarinda&lang=en")
    page.get_by_label("What is it about?").fill("sampahh")
    page.get_by_role("button", name="Search").tap()
    page.get_by_role("link", name="Waste not collected").tap()
    page.get_by_role("link", name="Start").tap()
    assert page.get_by_role("radio", name="Waste not collected").is_checked()
    page.get_by_label("Latitude").fill("-0.53")
    page.get_by_label("Longitude").fill("117.16")
    page.get_by_label("What is wrong?").fill("Not fetched since Monday")
    page.get_by_role("button", name="Send report").tap()
    page.wait_for_url("**/requests/SAM-*")
    page.get_by_text("Add a comment").tap()
    page.get_by_label("Your comment").fill("Still there")
    page.get_by_role("button", name="Send the comment").tap()
    expect(page.get_by_text("Still there")).to_be_visible()
    page.get_by_role("button", name="Withdraw the report").tap()
    expect(page.locator(".title-line .chip")).to_have_text("Closed")
    context.close()


def test_a_resident_rates_what_was_done(chromium: Browser, town: Town) -> None:
    context = phone(chromium)
    page = context.new_page()
    page.goto(f"{town.url}/requests/{NUMBER}?key={town.key}&lang=en")
    page.get_by_role("link", name="Rate what was done").tap()
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_role("alert")).to_be_visible()
    for group in page.locator("fieldset.rating").all():
        group.locator("label").nth(3).tap()
    page.get_by_role("button", name="Send").tap()
    page.wait_for_url("**rated=1**")
    expect(page.get_by_text("Your answers are counted")).to_be_visible()
    (row,) = httpx.get(f"{town.url}/satisfaction.json?city=samarinda").json()
    assert (row["service"], row["answers"]) == ("pothole", 1)
    context.close()


def test_the_same_is_followed_instead_of_sent_again(chromium: Browser, town: Town) -> None:
    context = phone(chromium)
    page = context.new_page()
    rows = httpx.get(f"{town.url}/requests.json?city=samarinda&service=waste").json()
    # an open one: another test of this town sends a report of its own and ends it
    number = next(row for row in rows if row["description"].startswith("Report number"))
    page.goto(
        f"{town.url}/report?city=samarinda&service=waste&lat={number['latitude']}&lon={number['longitude']}"
    )
    page.get_by_label("What is wrong?").fill(str(number["description"]))
    page.get_by_label("E-mail").fill("tetangga@example.id")
    hint = page.locator("[data-near]")
    expect(hint).to_contain_text("Already reported near by?")
    page.get_by_role("button", name="Send report").tap()
    expect(page.get_by_role("button", name="It is this one").first).to_be_visible()
    assert serious(page) == []
    page.get_by_role("button", name="It is this one").first.tap()
    page.wait_for_url("**/requests/SAM-*")
    expect(page.get_by_role("heading", name="Follow it")).to_be_visible()
    expect(page.get_by_text("nothing was sent twice")).to_be_visible()
    expect(page.get_by_text("Look into your mail")).to_be_visible()
    page.goto(f"{town.url}/report?city=samarinda")
    expect(page.get_by_label("What is wrong?")).to_have_value("")
    context.close()
