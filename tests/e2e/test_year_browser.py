"""In a real browser: a dataset from its proposal over a return with findings, the walidata and the Pembina Data to
the public page, by keyboard, each person with an account of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from support.browser import launched, press, serious, signed_in
from support.node import RunningNode
from support.portal import two_cities, with_stops

PASSWORD = "correct horse battery"
YEAR = dt.datetime.now(dt.UTC).year
LIST = f"/year/town/{YEAR}"
ONE = f"{LIST}/data/D-{YEAR}-001"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def town(tmp_path: Path) -> Iterator[RunningNode]:
    config = with_stops(two_cities(tmp_path / "places"))
    inside = Node(Settings(tmp_path / "data", (config,)))
    for name, role in (("siti", "officer"), ("wati", "steward"), ("bima", "supervisor")):
        add_account(inside.store.tenant(), name, PASSWORD, [role], ["town"])
    run_feed(Parts.of(inside), "town", "stops")
    inside.close()
    with RunningNode(tmp_path / "data", config=(config,)) as running:
        yield running


def _as(browser: Browser, node: RunningNode, name: str) -> Page:
    return signed_in(browser, node.url, LIST, name, PASSWORD)


def test_a_dataset_through_its_year(chromium: Browser, town: RunningNode) -> None:
    siti, wati, bima = (_as(chromium, town, name) for name in ("siti", "wati", "bima"))
    siti.get_by_role("link", name="Propose a dataset").click()
    siti.get_by_label("Name of the dataset · English").fill("Bus stops")
    siti.get_by_label("Data producer").fill("Dishub")
    siti.get_by_label("Feed that brings it").select_option("stops")
    siti.get_by_label("Rhythm of the releases").select_option("quarterly")
    siti.get_by_label("Why it is priority data").fill("Public transport")
    siti.get_by_label("Concept *").first.fill("Bus stop")
    press(siti, "Propose it")
    expect(siti.get_by_text("Give a day, as 2026-12-31.")).to_be_visible()
    expect(siti.get_by_label("Concept *").first).to_have_value("Bus stop")
    siti.get_by_label(f"First release in {YEAR}").fill(f"{YEAR}-01-15")
    press(siti, "Propose it")
    siti.wait_for_url(f"**{ONE}")

    wati.goto(town.url + LIST)
    wati.get_by_role("link", name="Bus stops: put it on the list, or not").click()
    press(wati, "Put it on the list")
    expect(wati.get_by_role("link", name=f"{YEAR}-Q4")).to_be_visible()
    assert serious(wati) == []

    siti.goto(f"{town.url}{ONE}?release={YEAR}-Q1")
    siti.get_by_label("Words to the walidata").fill("All stops")
    press(siti, "Submit")

    wati.goto(f"{town.url}{ONE}?release={YEAR}-Q1")
    expect(wati.get_by_text("4 rows held back").first).to_be_visible()
    wati.get_by_label("Findings").fill("Four rows are held")
    press(wati, "Return with findings")
    siti.goto(f"{town.url}{ONE}?release={YEAR}-Q1")
    expect(siti.get_by_text("Four rows are held").first).to_be_visible()
    siti.get_by_label("Words to the walidata").fill("Written to the districts")
    press(siti, "Submit")
    wati.goto(f"{town.url}{ONE}?release={YEAR}-Q1")
    wati.get_by_label("Words").fill("In order but for those")
    press(wati, "Approve")

    bima.goto(town.url + LIST)
    bima.get_by_role("link", name=f"Bus stops, {YEAR}-Q1: examine as Pembina Data").click()
    assert serious(bima) == []
    press(bima, "Confirm")
    wati.goto(f"{town.url}{ONE}?release={YEAR}-Q1")
    press(wati, "Publish")
    expect(wati.get_by_text("Confirmed by the Pembina Data")).to_be_visible()

    public = chromium.new_context(
        viewport={"width": 360, "height": 740}, locale="id-ID", bypass_csp=True
    ).new_page()
    public.goto(f"{town.url}/catalogue/town/stops")
    expect(public.get_by_role("link", name=f"rilis {YEAR}-Q1")).to_be_visible()
    expect(public.get_by_text("Bus stop", exact=True).first).to_be_visible()
    assert serious(public) == []
    assert public.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
