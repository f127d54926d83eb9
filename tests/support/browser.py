"""A page in a real browser, and what the browser says of it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "src/mahakam/web/assets/node_modules/axe-core/axe.min.js"
"""The accessibility rules, a development package of the browser's files."""


class Watched:
    """A page whose complaints (console errors, exceptions, failed requests) are collected."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda r: self.complaints.append(f"{r.url}: {r.failure}"))
        page.on(
            "response", lambda r: self.complaints.append(f"{r.url}: {r.status}") if r.status >= 400 else None
        )

    def open(self, path: str) -> Page:
        self.page.goto(self.base + path, wait_until="load")
        return self.page
