"""A hub invites on its page, a city joins on its own, on a phone; it sees what it shares, and ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from mahakam.app import open_node
from mahakam.config import Settings
from nodes.conftest import ONE, STOP, VALUE, Site, until
from support.browser import launched, phone, serious
from support.people import PASSWORD


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@contextmanager
def _site(folder: Path, account: str, role: str) -> Iterator[Site]:
    """A node with one person who may decide."""
    config = folder / "config"
    config.mkdir(parents=True)
    (config / "rights.yaml").write_text("types: {BusStop: {secret: personal}}\n")
    node = open_node(Settings(data=folder))
    try:
        add_account(node.store.tenant(), account, PASSWORD, [role], ["*"])
        if account == "siti":
            for id, waiting in ((ONE, 7), ("urn:ngsi-ld:BusStop:two", 3)):
                node.broker.create(
                    {
                        "id": id,
                        "type": STOP,
                        "waiting": {"type": "Property", "value": waiting},
                        "secret": {"type": "Property", "value": "Pak Budi"},
                    }
                )
            node.broker.create(
                {
                    "id": "urn:ngsi-ld:KeyPerformanceIndicator:one",
                    "type": VALUE,
                    "calculated": {"type": "Property", "value": 61.5},
                }
            )
    finally:
        node.close()
    site = Site(folder, open=False, config=(config,)).start()
    try:
        yield site
    finally:
        site.stop()


def _sign_in(page: Page, site: Site, account: str, path: str) -> None:
    page.goto(f"{site.url}{path}?lang=en")
    page.get_by_label("Name").fill(account)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}*")


def _fits(page: Page) -> None:
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "wider than a phone"


def test_a_city_joins_by_its_page_and_ends_it(chromium: Browser, tmp_path: Path) -> None:
    with (
        _site(tmp_path / "hub", "ani", "admin") as hub,
        _site(tmp_path / "city", "siti", "admin") as city,
    ):
        secretariat, officer = phone(chromium, bypass_csp=True), phone(chromium, bypass_csp=True)
        page, mine = secretariat.new_page(), officer.new_page()
        _sign_in(page, hub, "ani", "/network/nodes")
        expect(page.get_by_text("No node has joined yet")).to_be_visible()
        page.get_by_label("Name of the node here").fill("Samarinda!")
        page.get_by_role("button", name="Make the invitation").click()
        expect(page.get_by_role("alert")).to_contain_text("name a node")
        page.get_by_label("Name of the node here").fill("samarinda")
        page.get_by_role("button", name="Make the invitation").click()
        invitation = page.locator("[data-invitation]").inner_text()
        _fits(page)
        page.reload()
        expect(page.locator("body")).not_to_contain_text(invitation[-20:])

        _sign_in(mine, city, "siti", "/sharing")
        expect(mine.get_by_role("heading", name="Nothing is shared")).to_be_visible()
        mine.get_by_label("The invitation").fill("https://nowhere.example/hello")
        mine.get_by_role("button", name="See who invites").click()
        expect(mine.get_by_role("alert")).to_contain_text("no invitation")
        mine.get_by_label("The invitation").fill(invitation)
        mine.get_by_role("button", name="See who invites").click()
        expect(mine.get_by_text("invites this node")).to_contain_text(hub.url)
        _fits(mine)
        stop = mine.locator(".share-type").filter(has_text=STOP)
        stop.get_by_label(STOP).check()
        stop.locator("summary").click()
        expect(stop.get_by_label("waiting")).to_be_checked()
        expect(stop.get_by_label("secret", exact=False).first).not_to_be_checked()
        stop.get_by_label("secret", exact=False).first.check()
        mine.get_by_role("button", name="Join and share this").click()
        expect(mine.get_by_role("alert")).to_contain_text("personal by its contract")
        stop.get_by_label("secret", exact=False).first.uncheck()
        mine.get_by_role("button", name="Join and share this").click()
        expect(mine.get_by_text("joined", exact=True)).to_be_visible()
        _fits(mine)
        assert hub.query(STOP)[ONE] == {"id": ONE, "type": STOP, "waiting": 7}
        until(lambda: hub.here(VALUE), "copies")

        page.goto(f"{hub.url}/network/nodes")
        row = page.get_by_role("row").filter(has_text=city.url)
        expect(row).to_contain_text("joined")
        row.get_by_text("2 types").click()
        expect(row).to_contain_text("KeyPerformanceIndicator (copies): calculated")
        _fits(page)

        mine.reload()
        mine.get_by_text("What the hub asked for lately").click()
        expect(mine.get_by_text(f"query {STOP}")).to_be_visible()
        mine.get_by_text("New keys, or the end").click()
        mine.get_by_role("button", name="Share nothing with this hub").click()
        expect(mine.get_by_text("Ended here on")).to_be_visible()
        assert hub.query(STOP) == {}
        until(lambda: not hub.here(VALUE), "copies go")
        page.reload()
        expect(page.get_by_role("row").filter(has_text=city.url)).to_contain_text("ended")
