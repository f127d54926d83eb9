"""Signing in through a real OpenID provider in a real browser: there, back, and out of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from mahakam.store.opening import open_store
from support.browser import launched, phone, serious
from support.node import RunningNode
from support.openid import SECRET, OpenIdProvider, signin_yaml
from support.portal import two_cities

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def looked_at(page: Page) -> None:
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def at_the_provider(page: Page, provider: OpenIdProvider, login: str) -> None:
    """Sign in and agree on the provider's own pages."""
    page.wait_for_url(f"{provider.issuer}/interaction/**")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.locator("input[name=prompt][value=consent]").wait_for(state="attached")
    page.locator("button[type=submit]").click()


def test_there_and_back_and_out_of_both(chromium: Browser, tmp_path: Path) -> None:
    places = two_cities(tmp_path / "places")
    store = open_store("", tmp_path / "data")
    add_account(store.tenant(), "siti", PASSWORD, ["officer"], ["town"])
    store.close()
    node = RunningNode(tmp_path / "data", config=(places,), environment={"MAHAKAM_SIGNIN_SECRET": SECRET})
    provider = OpenIdProvider(node.url)
    (places / "signin.yaml").write_text(signin_yaml(provider.issuer))
    with provider, node:
        page = phone(chromium).new_page()
        page.goto(f"{node.url}/queue")
        looked_at(page)
        page.get_by_role("link", name="Sign in with Provincial account").click()
        at_the_provider(page, provider, "sub-ani")
        page.wait_for_url(f"{node.url}/queue")

        page.goto(f"{node.url}/signin")
        expect(page.get_by_text("ani · Agency officer · Town")).to_be_visible()
        page.get_by_role("link", name="Your account").click()
        expect(page.get_by_text("have no password here")).to_be_visible()
        looked_at(page)

        page.goto(f"{node.url}/signin")
        page.locator("main").get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{provider.issuer}/session/end**")
        page.locator("button[name=logout]").click()
        page.wait_for_url(f"{node.url}/signin**")
        expect(page.get_by_role("link", name="Sign in with Provincial account")).to_be_visible()

        page.get_by_role("link", name="Sign in with Provincial account").click()
        at_the_provider(page, provider, "sub-tamu")
        expect(page.get_by_role("alert")).to_contain_text("no role on this node")
        looked_at(page)
        page.context.clear_cookies()

        provider.stop()
        page.goto(f"{node.url}/signin")
        page.get_by_label("Name").fill("siti")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("main").get_by_role("button", name="Sign out")).to_be_visible()
        page.locator("main").get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{node.url}/signin")
        page.context.close()
