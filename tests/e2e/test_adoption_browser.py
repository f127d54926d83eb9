"""In a real browser: a city adopts another's solution, sees its own first value, and follows it to its rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from mahakam.access.accounts import add_account
from mahakam.app import open_node
from mahakam.config import Settings
from support.browser import launched, overlapping, phone, press, serious, signed_in
from support.demo_part import EXAMPLES, part_of_demo
from support.node import RunningNode

PASSWORD = "correct horse battery"
CENTRES = "/network/solutions/samarinda/health-centres"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """A node of the demo's places, where Bontang has no health centres yet, with Bontang's steward."""
    for name in ("kaltim", "ascn"):
        shutil.copytree(EXAMPLES / name, tmp_path / name)
    for name in (
        "feeds/health-centres.yaml",
        "indicators/people-per-health-centre.yaml",
        "data/idn_puskesmas.csv.gz",
    ):
        (tmp_path / "kaltim/bontang" / name).unlink()
    shutil.copytree(part_of_demo(), tmp_path / "data")
    config = (tmp_path / "kaltim", tmp_path / "ascn")
    inside = open_node(Settings(tmp_path / "data", config))
    add_account(inside.store.tenant(), "wati", PASSWORD, ["steward"], ["bontang"])
    inside.close()
    with RunningNode(tmp_path / "data", config=config) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def test_a_city_adopts_a_solution_and_sees_its_own_first_value(
    chromium: Browser, node: RunningNode, tmp_path: Path
) -> None:
    page = signed_in(chromium, node.url, "/network/solutions", "wati", PASSWORD)
    page.get_by_role("link", name="People per health centre from the national register").click()
    expect(page.locator("#adopted")).to_contain_text("No city yet")
    page.get_by_role("link", name="Adopt for Bontang").click()

    # What would be written is shown first; nothing is there yet.
    expect(page.get_by_role("region", name="Differences of feeds/health-centres.yaml")).to_contain_text(
        "+where: \"kode_kab = '6474'\""
    )
    assert serious(page) == []
    assert not (tmp_path / "kaltim/bontang/feeds/health-centres.yaml").exists()

    press(page, "Adopt for Bontang")
    page.wait_for_url("**/adopted/bontang")
    # 191,811 people share six centres.
    expect(page.get_by_text("31,968").or_(page.get_by_text("31,969")).first).to_be_visible()
    expect(page.get_by_text("from Samarinda, version 1")).to_be_visible()
    assert serious(page) == []
    page.get_by_role("link", name="Where from?").click()
    page.wait_for_url("**/trace/value/bontang/people-per-health-centre/all")
    expect(page.locator("main")).to_contain_text("PUSKESMAS")

    # The other city's page says so to everybody, on a phone too.
    with phone(chromium, bypass_csp=True) as context:
        other = context.new_page()
        other.goto(node.url + CENTRES)
        expect(other.locator("#adopted")).to_contain_text("Bontang")
        other.get_by_role("link", name="Bontang", exact=True).first.click()
        other.wait_for_url("**/adopted/bontang")
        assert other.evaluate("document.documentElement.scrollWidth") <= 360
        assert overlapping(other) == []
        assert serious(other) == []
        other.goto(node.url + "/cities/bontang")
        expect(other.locator("main")).to_contain_text("adopted from Samarinda")
    (again,) = (tmp_path / "kaltim/bontang/feeds").glob("health*")
    assert again.read_bytes() == (EXAMPLES / "kaltim/bontang/feeds/health-centres.yaml").read_bytes()
