"""In a real browser: a resident reports a problem with a photo, an officer answers, the public sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from mahakam.store.opening import open_store
from support.browser import launched, phone
from support.node import RunningNode
from support.portal import TOWN, two_cities

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    store = open_store("", tmp_path / "data")
    add_account(store.tenant(), "siti", PASSWORD, ["officer"], ["town"])
    store.close()
    with RunningNode(tmp_path / "data", config=(two_cities(tmp_path / "places"),)) as running:
        yield running


@pytest.fixture
def hole(tmp_path: Path) -> Path:
    picture = Image.new("RGB", (1200, 900), "#7a7d76")
    ImageDraw.Draw(picture).ellipse((350, 300, 900, 650), fill="#2b2a28")
    picture.save(tmp_path / "hole.jpg")
    return tmp_path / "hole.jpg"


def _watched(page: Page) -> list[str]:
    """What the browser complains about while the page is used."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def _fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "the page is wider than the phone"
    )


def test_a_problem_from_the_phone_to_the_answer(chromium: Browser, node: RunningNode, hole: Path) -> None:
    handset = phone(chromium)
    page = handset.new_page()
    complaints = _watched(page)
    page.goto(f"{node.url}/report?city=town&lang=en")
    page.wait_for_selector(".pin-map.ready")
    _fits(page)
    page.locator(".pin-map canvas").tap(position={"x": 150, "y": 150})
    expect(page.locator("[data-pin-words]")).to_contain_text("town village")
    page.get_by_text("Pothole").tap()
    page.get_by_label("What is wrong?").fill("Deep hole in front of the market")
    page.get_by_label("Photo").set_input_files(hole)
    expect(page.locator("[data-photo-preview]")).to_be_visible()
    page.get_by_label("E-mail").fill("warga@example.id")
    page.get_by_role("button", name="Send report").tap()
    page.wait_for_url("**/requests/TOWN-*")
    expect(page.locator(".sent")).to_contain_text("TOWN-")
    expect(page.get_by_text("Deep hole in front of the market")).to_be_visible()
    assert page.locator(".photo img").evaluate("image => image.complete && image.naturalWidth") == 1200
    _fits(page)
    address = page.url.partition("?")[0]
    assert complaints == []
    handset.close()

    desk = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = desk.new_page()
    page.goto(f"{node.url}/queue?lang=en")
    page.get_by_label("Name").fill("siti")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#table").get_by_role("link", name="TOWN-").click()
    expect(page.get_by_text("warga@example.id")).to_be_visible()
    page.get_by_text("Answered", exact=True).click()
    page.get_by_label("Words for the resident").fill("Filled this morning")
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    desk.close()

    handset = phone(chromium)
    page = handset.new_page()
    page.goto(address + "?lang=en")
    expect(page.get_by_text("Filled this morning")).to_be_visible()
    expect(page.locator(".title-line .chip")).to_have_text("Answered")
    assert "warga@example.id" not in page.content()
    handset.close()


def test_without_scripts_the_form_works_by_coordinates(chromium: Browser, node: RunningNode) -> None:
    context = phone(chromium, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{node.url}/report?city=town&lang=en")
    _fits(page)
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_role("alert")).to_contain_text("Show where it is")
    page.get_by_label("Latitude").fill(str(TOWN[1]))
    page.get_by_label("Longitude").fill(str(TOWN[0]))
    page.get_by_label("Street light out").check()
    page.get_by_label("What is wrong?").fill("The lamp is out")
    page.get_by_role("button", name="Send report").click()
    page.wait_for_url("**/requests/TOWN-*")
    context.close()


def test_the_phones_own_place_puts_the_pin(chromium: Browser, node: RunningNode) -> None:
    context = phone(
        chromium, geolocation={"longitude": TOWN[0], "latitude": TOWN[1]}, permissions=["geolocation"]
    )
    page = context.new_page()
    page.goto(f"{node.url}/report?city=town&lang=en")
    page.wait_for_selector(".pin-map.ready")
    page.get_by_role("button", name="Use my place").tap()
    expect(page.locator("[data-pin-words]")).to_contain_text("town village")
    assert float(page.input_value("#latitude")) == pytest.approx(TOWN[1])
    context.set_geolocation({"longitude": 10.0, "latitude": 10.0})
    page.get_by_role("button", name="Use my place").tap()
    expect(page.locator("[data-place-error]")).to_contain_text("outside the city")
    assert float(page.input_value("#latitude")) == pytest.approx(TOWN[1]), "the pin stays"
    context.close()


def test_the_keyboard_puts_the_pin_into_the_middle(chromium: Browser, node: RunningNode) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = context.new_page()
    page.goto(f"{node.url}/report?city=town&lang=en")
    page.wait_for_selector(".pin-map.ready")
    page.locator(".pin-map canvas").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-pin-words]")).to_contain_text("town village")
    assert float(page.input_value("#longitude")) == pytest.approx(TOWN[0], abs=0.01)
    context.close()
