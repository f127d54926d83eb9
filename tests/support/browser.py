"""A page in a real browser, and what the browser says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

AXE = Path(__file__).parents[2] / "src/mahakam/web/assets/node_modules/axe-core/axe.min.js"
"""The accessibility rules, a development package of the browser's files."""

expect.set_options(timeout=30_000)
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
