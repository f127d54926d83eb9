"""A real browser and a real server over a part of the demo's data."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.browser import Watched
from support.demo_part import CONFIG, part_of_demo
from support.node import RunningNode

ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


def _chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        done = subprocess.run(
            [str(ROOT / "tools/system-packages"), "chromium"], capture_output=True, text=True, check=False
        )
        found = shutil.which("chromium")
        if found is None:
            pytest.fail(
                f"the browser tests need Debian's chromium: {done.stdout}{done.stderr}", pytrace=False
            )
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser a module: Playwright allows no two at once in a process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def city_node() -> Iterator[RunningNode]:
    """``mahakam serve`` over the part of the demo; tests only read."""
    with RunningNode(part_of_demo(), config=CONFIG) as node:
        yield node


@pytest.fixture(params=[360, 1280], ids=["phone", "desk"])
def screen(chromium: Browser, city_node: RunningNode, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A page on a phone and on a desk."""
    width = int(request.param)
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        locale="en-GB",
        has_touch=width < 700,
        reduced_motion="reduce",
    )
    watched = Watched(context.new_page(), city_node.url)
    yield watched
    context.close()
