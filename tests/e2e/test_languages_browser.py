"""The languages in a real browser: glyphs come from the language's own font, lines break, nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from mahakam.web.languages import languages
from support.browser import phone, serious
from support.node import RunningNode

FONTS = {
    "th": "Noto Sans Thai",
    "km": "Noto Sans Khmer",
    "lo": "Noto Sans Lao",
    "my": "Noto Sans Myanmar",
    "zh": "Noto Sans SC",
    "ta": "Noto Sans Tamil",
}
PLAIN = [code for code in languages() if code not in FONTS]
FIRST = ("/", "/report?city=samarinda", "/services", "/requests", "/cities/samarinda", "/nowhere")


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    context = phone(chromium)
    yield context.new_page()
    context.close()


def fonts_of(page: Page, selector: str) -> dict[str, bool]:
    """Family → whether it came with the page, of the glyphs of an element, as the browser says that it drew them."""
    page.evaluate("document.fonts.ready")
    client = page.context.new_cdp_session(page)
    client.send("DOM.enable")
    client.send("CSS.enable")
    root = client.send("DOM.getDocument")["root"]["nodeId"]
    node = client.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    found = client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    client.detach()
    return {font["familyName"]: font["isCustomFont"] for font in found}


def loaded(page: Page) -> list[str]:
    """The fonts that were fetched."""
    names = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    return [name.rsplit("/", 1)[1] for name in names if name.endswith(".woff2")]


@pytest.mark.parametrize(("code", "family"), FONTS.items())
def test_glyphs_come_from_the_font_of_the_language(
    page: Page, city_node: RunningNode, code: str, family: str
) -> None:
    page.goto(f"{city_node.url}/?lang={code}", wait_until="networkidle")
    found = fonts_of(page, "h1")
    assert found, "the heading is drawn"
    assert all(name.startswith((family, "Plus Jakarta Sans")) and ours for name, ours in found.items()), found
    assert any(name.startswith(family) for name in found)


@pytest.mark.parametrize("code", PLAIN)
def test_a_language_of_latin_letters_loads_no_font_of_another_script(
    page: Page, city_node: RunningNode, code: str
) -> None:
    page.goto(f"{city_node.url}/?lang={code}", wait_until="networkidle")
    assert all(ours and name.startswith("Plus Jakarta Sans") for name, ours in fonts_of(page, "h1").items())
    page.locator("details.lang summary").click()
    page.wait_for_load_state("networkidle")
    assert not [name for name in loaded(page) if "noto" in name]


@pytest.mark.parametrize("code", languages())
def test_nothing_scrolls_sideways_on_a_phone(page: Page, city_node: RunningNode, code: str) -> None:
    for path in FIRST:
        page.goto(f"{city_node.url}{path}{'&' if '?' in path else '?'}lang={code}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


@pytest.mark.parametrize("code", ["th", "km", "lo", "my"])
def test_lines_break_between_words_where_there_are_no_spaces(
    page: Page, city_node: RunningNode, code: str
) -> None:
    page.goto(f"{city_node.url}/?lang={code}", wait_until="networkidle")
    longest = "(text) => Math.max(...text.split(/\\s+/).map((part) => part.length))"
    text = page.locator(".lede").first.inner_text()
    assert page.evaluate(longest, text) > 12, "a run without a space that has to break"
    box = page.locator(".lede").first.evaluate(
        "(e) => [e.scrollWidth, e.clientWidth, e.getClientRects()[0].height]"
    )
    assert box[0] <= box[1]
    assert box[2] > 40


def test_the_menu_of_languages_with_keys_and_without_scripts(
    chromium: Browser, page: Page, city_node: RunningNode
) -> None:
    page.goto(f"{city_node.url}/services?q=lamp&lang=en")
    summary = page.locator("details.lang summary")
    summary.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("navigation", name="Language")
    expect(menu).to_be_visible()
    assert menu.get_by_role("link").count() == len(languages())
    assert serious(page) == []
    for link in menu.get_by_role("link").all():
        box = link.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        assert box["height"] >= 44
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(summary).to_be_focused()

    plain = phone(chromium, java_script_enabled=False)
    other = plain.new_page()
    other.goto(f"{city_node.url}/services?q=lamp&lang=en")
    other.locator("details.lang summary").click()
    other.get_by_role("link", name="ไทย").click()
    expect(other).to_have_url(f"{city_node.url}/services?q=lamp&lang=th")
    assert other.locator("html").get_attribute("lang") == "th"
    assert other.locator("main bdi[lang=en]").count() > 0
    plain.close()


@pytest.mark.parametrize("code", ["id", "fil", "my"])
def test_the_menu_stays_on_the_screen_beside_the_name_of_who_is_signed_in(
    page: Page, city_node: RunningNode, code: str
) -> None:
    page.goto(f"{city_node.url}/?lang={code}", wait_until="networkidle")
    page.evaluate(
        """() => document.querySelector("details.lang").insertAdjacentHTML(
            "beforebegin", '<a class="account" href="/signin">Kepala Dinas Pekerjaan Umum</a>')"""
    )
    summary = page.locator("details.lang summary")
    logo, own = page.locator(".logo").bounding_box(), summary.bounding_box()
    assert logo is not None
    assert own is not None
    assert abs(logo["y"] + logo["height"] / 2 - own["y"] - own["height"] / 2) < 8, "one line"
    summary.click()
    for link in page.locator("details.lang a").all():
        box = link.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
