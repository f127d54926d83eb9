"""The main pages in a real browser: nothing refused, nothing too wide, maps come alive, a keyboard does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import AXE, Watched
from support.node import RunningNode

PAGES = [
    "/",
    "/cities/samarinda",
    "/cities/kaltim",
    "/cities/jakarta",
    "/cities/samarinda/map",
    "/cities/samarinda/data/AdministrativeArea",
    "/indicators/jakarta/unhealthy-days",
    "/indicators/samarinda",
    "/trace/value/samarinda/flood-days/2024",
    "/trace/entity/urn:ngsi-ld:AdministrativeArea:64.72.01.1001",
    "/quality",
    "/quality/jakarta/fires-2013",
    "/catalogue",
    "/catalogue/samarinda/rain",
    "/sql?q=SELECT+*+FROM+samarinda.rain",
    "/network",
    "/about",
    "/developers",
    "/nowhere",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_and_the_browser_does_not_complain(screen: Watched, path: str) -> None:
    page = screen.open(path)
    page.wait_for_load_state("networkidle")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{path} is {wide} pixels wider than the screen"
    assert [said for said in screen.complaints if "/nowhere" not in said and "404" not in said] == []
    font = page.evaluate("document.fonts.check('16px \"Plus Jakarta Sans Variable\"')")
    assert font, "our own font"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible(chromium: Browser, city_node: RunningNode, path: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 800}, bypass_csp=True, locale="en-GB")
    page = context.new_page()
    page.goto(city_node.url + path, wait_until="networkidle")
    page.add_script_tag(path=str(AXE))
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run(document, {runOnly: "
        "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})).violations"
    )
    said = [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]
    context.close()
    assert said == []


def test_the_map_comes_alive_and_answers(screen: Watched) -> None:
    page = screen.open("/cities/samarinda/map")
    page.wait_for_selector("[data-map].live", timeout=90_000)
    page.get_by_role("button", name="Rawa Makmur").click()
    popup = page.locator(".map-popup")
    expect(popup).to_contain_text("Rawa Makmur")
    popup.get_by_role("link", name="Where from?").click()
    page.wait_for_url(re.compile(r"/trace/entity/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Rawa Makmur")
    assert screen.complaints == []


def test_layers_are_switched(screen: Watched) -> None:
    page = screen.open("/cities/samarinda/map")
    page.wait_for_selector("[data-map].live", timeout=90_000)
    page.get_by_role("checkbox", name="Villages").uncheck()
    shown = "document.querySelector('[data-map]').map.getLayoutProperty('layer-0', 'visibility')"
    assert page.evaluate(shown) == "none"
    page.get_by_role("checkbox", name="Villages").check()
    assert page.evaluate(shown) == "visible"


def test_the_drawing_on_a_city_becomes_a_map(chromium: Browser, city_node: RunningNode) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, locale="en-GB")
    page.goto(city_node.url + "/cities/samarinda")
    expect(page.locator(".map-picture")).to_be_attached()
    page.wait_for_selector("[data-map].live", timeout=90_000)
    assert page.locator(".maplibregl-canvas").count() == 1
    page.close()


def test_from_a_number_to_the_row_with_the_keyboard(screen: Watched) -> None:
    page = screen.open("/cities/samarinda")
    page.keyboard.press("Tab")
    skip = page.locator("a.skip")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    _follow(page, page.get_by_role("link", name="Where from? Flood days"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Where does this come from?")
    _follow(page, page.locator("#rows tbody a").first)
    expect(page.locator("main")).to_contain_text("rain-flood.csv")


def _follow(page: Page, link: Any) -> None:
    before = page.url
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != before)


def test_the_network_is_filtered_by_choosing(screen: Watched) -> None:
    page = screen.open("/network")
    page.get_by_label("Country").select_option("Thailand")
    page.wait_for_url(re.compile("country=Thailand"))
    rows = page.locator("#projects tbody tr")
    expect(rows.first).to_contain_text("Thailand")
    assert "Malaysia" not in page.locator("#projects").inner_text()
    expect(page.locator("#network-head .focus")).to_contain_text("Civic & Social")
    page.go_back()
    expect(page.locator("#projects tbody tr").first).to_contain_text("Brunei")
    assert screen.complaints == []


def test_a_table_is_sorted_and_paged_in_its_place(screen: Watched) -> None:
    page = screen.open("/cities/samarinda/data/AdministrativeArea")
    heading = page.get_by_role("heading", level=1)
    heading.evaluate("element => { element.dataset.kept = 'yes'; }")
    page.get_by_role("link", name="Name", exact=True).click()
    page.wait_for_url(re.compile("sort=name"))
    expect(page.locator("#table tbody tr").first).to_contain_text("Air Hitam")
    page.get_by_role("link", name="Next").click()
    page.wait_for_url(re.compile("page=2"))
    expect(page.locator("#table tbody tr")).to_have_count(9)
    expect(heading).to_have_attribute("data-kept", "yes")
    page.go_back()
    expect(page.locator("#table tbody tr")).to_have_count(50)
    assert screen.complaints == []


def test_the_language_is_switched_and_remembered(screen: Watched) -> None:
    page = screen.open("/cities/samarinda")
    page.locator("details.lang summary").click()
    page.get_by_role("link", name="Bahasa Indonesia").click()
    expect(page.locator("html")).to_have_attribute("lang", "id")
    screen.open("/quality")
    expect(page.locator("html")).to_have_attribute("lang", "id")


def test_without_scripts_the_pages_still_tell_everything(chromium: Browser, city_node: RunningNode) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(city_node.url + "/cities/samarinda")
    expect(page.locator(".map-picture path.area")).to_have_count(59)
    page.get_by_role("link", name="Open the map").click()
    page.get_by_role("link", name="Rawa Makmur").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rawa Makmur")
    page.goto(city_node.url + "/network")
    page.get_by_label("Country").select_option("Thailand")
    page.get_by_role("button", name="Show").click()
    assert "country=Thailand" in page.url
    context.close()


@pytest.mark.parametrize("path", ["/", "/cities/samarinda", "/network", "/quality"])
def test_targets_are_large_enough_for_a_thumb(chromium: Browser, city_node: RunningNode, path: str) -> None:
    """Buttons, fields and the main navigation: at least 44 pixels high."""
    page = chromium.new_page(viewport={"width": 360, "height": 800}, has_touch=True)
    page.goto(city_node.url + path)
    small = page.evaluate(
        """() => [...document.querySelectorAll('.btn, .nav a, .lang a, button, select, [type=search]')]
            .filter(e => e.offsetParent)
            .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])
            .filter(([, height]) => height < 43.5)"""
    )
    assert json.loads(json.dumps(small)) == []
    page.close()
