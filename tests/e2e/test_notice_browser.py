"""In a real browser: a partner offers something, the Secretariat puts it up, a city answers, and they cooperate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from support.browser import overlapping, phone, press, serious, signed_in, stands
from support.node import RunningNode
from support.people import PASSWORD, node_with_offices

PATH = "/network/notices"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    offices = (
        ("firm", "partner", "A firm"),
        ("sec", "secretariat", ""),
        ("siti", "city_officer", "samarinda"),
    )
    with node_with_offices(tmp_path / "data", offices) as running:
        yield running


def test_an_offer_becomes_cooperation(chromium: Browser, node: RunningNode) -> None:
    firm = signed_in(chromium, node.url, PATH, "firm", PASSWORD)
    firm.get_by_role("link", name="Offer or ask").first.click()
    firm.get_by_label("Title").fill("Rain gauges on loan")
    press(firm, "Send it to the Secretariat")
    expect(firm.locator("#until-error")).to_be_visible()
    expect(firm.get_by_label("Title")).to_have_value("Rain gauges on loan")
    firm.get_by_label("In detail · English").fill("Twelve gauges for a season.")
    firm.get_by_label("For whom").fill("Cities with floods")
    firm.get_by_label("Until when").fill((dt.date.today() + dt.timedelta(days=50)).isoformat())
    assert serious(firm) == []
    press(firm, "Send it to the Secretariat")
    stands(firm, "with the Secretariat")
    where = firm.url

    city = signed_in(chromium, node.url, PATH, "siti", PASSWORD)
    expect(city.get_by_role("link", name="Rain gauges on loan")).to_have_count(0)
    secretariat = signed_in(chromium, node.url, PATH, "sec", PASSWORD)
    secretariat.locator("#waiting + ul").get_by_role("link", name="Rain gauges on loan").click()
    press(secretariat, "Put it up")
    stands(secretariat, "on the board")

    city.reload()
    city.get_by_role("link", name="Rain gauges on loan").click()
    city.get_by_role("link", name="Answer it").click()
    city.get_by_label("What you ask and why · English").fill("We flood each year.")
    press(city, "Send the request")
    stands(city, "asked")
    expect(city.locator("#about + ul").get_by_role("link", name="Rain gauges on loan")).to_be_visible()
    firm.goto(where)
    expect(firm.locator("#came + ul").get_by_role("link")).to_have_count(1)
    firm.locator("#came + ul").get_by_role("link").click()
    press(firm, "Ready to talk")
    stands(firm, "in talk")

    with phone(chromium, bypass_csp=True) as context:
        reader = context.new_page()
        for path in (where, node.url + PATH):
            reader.goto(path)
            expect(reader.locator("main")).to_contain_text("Rain gauges on loan")
            assert serious(reader) == []
            assert overlapping(reader) == []
