"""A page in a real browser, and what the browser says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

AXE = Path(__file__).parents[2] / "src/mahakam/web/assets/node_modules/axe-core/axe.min.js"
"""The accessibility rules, a development package of the browser's files."""

expect.set_options(timeout=90_000)
"""What a page does by itself is waited for as long as a machine with much else to do may take."""

_GL = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


class Watched:
    """A page whose complaints (console errors, exceptions, failed requests) are collected."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self._failed)
        page.on(
            "response", lambda r: self.complaints.append(f"{r.url}: {r.status}") if r.status >= 400 else None
        )

    def _failed(self, request: Request) -> None:
        if (
            request.failure != "net::ERR_ABORTED"
        ):  # the browser's own doing: a page was left before its icon came
            self.complaints.append(f"{request.url}: {request.failure}")

    def open(self, path: str) -> Page:
        self.page.goto(self.base + path, wait_until="load")
        return self.page


@contextmanager
def launched() -> Iterator[Browser]:
    """Chromium with software rendering, so that maps are drawn."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_GL)
        yield browser
        browser.close()


def phone(browser: Browser, **more: object) -> BrowserContext:
    """A phone of 360 pixels, read in English."""
    settings = {
        "viewport": {"width": 360, "height": 740},
        "has_touch": True,
        "is_mobile": True,
        "locale": "en-GB",
    }
    return browser.new_context(**settings | more)  # type: ignore[arg-type]


def serious(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page as it is shown now: the rule and the first element."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        "async () => (await axe.run(document)).violations"
        ".filter(one => ['serious', 'critical'].includes(one.impact)).map(one => one.id + ' ' + one.nodes[0].html)"
    )
    return list(found)


_OVERLAPS = """
() => {
  const shown = (node) => {
    const owner = node.parentElement;
    if (!owner || !owner.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) return false;
    if (owner.closest(".visually-hidden, .maplibregl-map, option, script, style, noscript, svg")) return false;
    for (let at = owner; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      // Clipped away as a whole: words for a screen reader alone.
      if (["fixed", "sticky"].includes(style.position) || style.clipPath === "inset(50%)") return false;
    }
    return true;
  };
  const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, said = node.data.trim();
    if (!said || !shown(node)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) if (box.width > 2 && box.height > 2) texts.push({said, node, box});
  }
  // Lines of text stand closer than their boxes: what a letter covers is the middle of its line.
  const inner = ({top, bottom, left, right}) => {
    const rim = (bottom - top) * 0.25;
    return {top: top + rim, bottom: bottom - rim, left: left + 1, right: right - 1};
  };
  const found = [];
  texts.sort((a, b) => a.box.top - b.box.top);
  texts.forEach((one, at) => {
    const a = inner(one.box);
    for (const other of texts.slice(at + 1)) {
      if (other.box.top > one.box.bottom) break;
      const b = inner(other.box);
      if (one.node !== other.node && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
        found.push(`${one.said.slice(0, 60)} | ${other.said.slice(0, 60)}`);
    }
  });
  for (const {said, node, box} of texts) {
    for (let at = node.parentElement; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at), edge = at.getBoundingClientRect();
      const cell = at.querySelector("td");
      // A table whose cells stand beside each other may scroll (1.4.10).
      const scrolls = ["auto", "scroll"].includes(style.overflowX);
      if (scrolls && (!cell || getComputedStyle(cell).display === "table-cell")) break;
      const cut = style.overflowX !== "visible" && (box.right > edge.right + 2 || box.left < edge.left - 2);
      if (cut && style.textOverflow !== "ellipsis") found.push(`cut off: ${said.slice(0, 60)}`);
    }
  }
  return [...new Set(found)];
}
"""


def overlapping(page: Page) -> list[str]:
    """Texts that lie one on another, or are cut off at the side, as the page is shown now."""
    return list(page.evaluate(_OVERLAPS))


def signed_in(browser: Browser, base: str, path: str, name: str, password: str) -> Page:
    """A page at ``path`` of the server at ``base``, read in English by somebody who signed in with the keyboard."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", bypass_csp=True)
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(f"{base}/signin?next={path}&lang=en")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}")
    return page


def press(page: Page, name: str) -> None:
    """Press a button by keyboard, and wait for the page that it leads to."""
    page.get_by_role("button", name=name, exact=True).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def stands(page: Page, state: str) -> None:
    """The state beside the page's heading."""
    expect(page.locator("h1 + .chip")).to_have_text(state)
