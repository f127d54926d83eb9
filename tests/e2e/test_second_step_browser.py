"""The second step of the sign-in, on a phone: set up because the role needs it, asked for, lost, and set back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from mahakam.access.accounts import add_account
from mahakam.store.opening import open_store
from support.browser import launched, phone, serious
from support.node import MAHAKAM, RunningNode

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    store = open_store("", tmp_path / "data")
    add_account(store.tenant(), "siti", PASSWORD, ["admin"])
    add_account(store.tenant(), "budi", PASSWORD, ["officer"], ["town"])
    store.close()
    with RunningNode(tmp_path / "data", environment={"MAHAKAM_SECOND_STEP": "admin"}) as running:
        yield running


def sign_in(page: Page, node: RunningNode, name: str) -> None:
    page.goto(f"{node.url}/signin")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page, node: RunningNode) -> None:
    page.goto(f"{node.url}/signin")
    page.locator("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def looked_at(page: Page) -> None:
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def enter(page: Page, code: str, button: str) -> None:
    page.locator("#code").fill(code)
    page.get_by_role("button", name=button).click()


def test_set_up_used_lost_and_set_back(chromium: Browser, node: RunningNode) -> None:
    page = phone(chromium).new_page()
    sign_in(page, node, "siti")

    expect(page.get_by_role("heading", name="Set up the second step")).to_be_visible()
    looked_at(page)
    page.goto(f"{node.url}/audit")
    expect(page.get_by_label("Password")).to_be_visible()  # the password alone opens nothing
    sign_in(page, node, "siti")
    expect(page.get_by_role("img", name="QR code for the app")).to_be_visible()
    link = page.get_by_role("link", name="open the app").get_attribute("href")
    assert link
    telephone = pyotp.parse_uri(link)
    assert isinstance(telephone, pyotp.TOTP)
    assert telephone.secret == page.locator("code.secret").inner_text().replace(" ", "")
    enter(page, "12345", "Confirm")
    expect(page.get_by_role("alert")).to_contain_text("not the code")
    looked_at(page)
    enter(page, telephone.now(), "Confirm")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    looked_at(page)
    codes = page.locator(".recovery code").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator("main").get_by_role("button", name="Sign out")).to_be_visible()
    page.goto(f"{node.url}/audit")
    expect(page.get_by_role("heading", name="Audit trail")).to_be_visible()

    sign_out(page, node)
    sign_in(page, node, "siti")
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    looked_at(page)
    used = telephone.at(time.time() + 30)  # the next one: that of now has been used
    enter(page, used, "Sign in")
    expect(page.locator("main").get_by_role("button", name="Sign out")).to_be_visible()

    sign_out(page, node)
    sign_in(page, node, "siti")
    enter(page, used, "Sign in")
    expect(page.get_by_role("alert")).to_contain_text("used already")
    looked_at(page)
    enter(page, codes[0], "Sign in")
    expect(page.locator("main").get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_text("9 recovery codes are left")).to_be_visible()
    expect(page.get_by_role("button", name="Give it up")).to_have_count(0)
    looked_at(page)

    place = ["--data", str(node.data)]
    subprocess.run(
        [MAHAKAM, "user", "second-step", "siti", "--reset", *place], check=True, capture_output=True
    )
    page.goto(f"{node.url}/audit")
    expect(page.get_by_label("Password")).to_be_visible()  # the sessions have ended
    sign_in(page, node, "siti")
    expect(page.get_by_role("heading", name="Set up the second step")).to_be_visible()
    page.context.close()


def test_of_one_s_own_will_and_given_up(chromium: Browser, node: RunningNode) -> None:
    page = phone(chromium).new_page()
    sign_in(page, node, "budi")
    page.get_by_role("link", name="Your account").click()
    looked_at(page)
    page.get_by_label("Your password, once more").first.fill("not that one")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    page.get_by_label("Your password, once more").first.fill(PASSWORD)
    page.get_by_role("button", name="Set up").click()
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    enter(page, pyotp.TOTP(secret).now(), "Confirm")
    old = page.locator(".recovery code").all_inner_texts()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes are left")).to_be_visible()
    page.get_by_label("Your password, once more").first.fill(PASSWORD)
    page.get_by_role("button", name="New recovery codes").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert not {*old} & {*page.locator(".recovery code").all_inner_texts()}
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_label("Your password, once more").first.fill(PASSWORD)
    page.get_by_role("button", name="Give it up").click()
    expect(page.locator("main").get_by_role("button", name="Sign out")).to_have_count(0)
    page.goto(f"{node.url}/account")
    expect(page.get_by_role("button", name="Set up")).to_be_visible()
    sign_out(page, node)
    sign_in(page, node, "budi")
    expect(page.locator("main").get_by_role("button", name="Sign out")).to_be_visible()
    page.context.close()
