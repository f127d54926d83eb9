"""In a real browser: an agency's readiness is answered with its evidence, another city disputes one level, both stand
side by side, and the trend goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from support.browser import overlapping, phone, press, serious, signed_in
from support.node import RunningNode
from support.people import PASSWORD, node_with_offices

PATH = "/evaluation/samarinda"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    offices = (("siti", "city_officer", "samarinda"), ("budi", "city_officer", "bontang"))
    with node_with_offices(tmp_path / "data", offices) as running:
        yield running


def test_an_agency_answers_and_another_city_disputes(chromium: Browser, node: RunningNode) -> None:
    city = signed_in(chromium, node.url, PATH, "siti", PASSWORD)
    city.get_by_role("combobox", name="Framework").select_option(label="Readiness of an agency")
    city.get_by_role("combobox", name="Agency").fill("BPBD Samarinda")
    press(city, "Answer the questions")
    people = city.get_by_role("group", name="2. People")
    people.get_by_label("Level").select_option("3")
    people.get_by_label("Evidence").fill("The decree https://example.org/decree.pdf")
    press(city, "Keep the assessment")
    expect(people).to_contain_text("Level 3 needs 2 pieces of evidence, of which the node finds 1")
    expect(people.get_by_label("Evidence")).to_have_value("The decree https://example.org/decree.pdf")
    assert serious(city) == []
    people.get_by_label("Level").select_option("2")
    press(city, "Keep the assessment")
    expect(city.get_by_role("heading", name="Trend")).to_be_visible()
    expect(city.get_by_role("link", name="The decree")).to_be_visible()
    city.get_by_label("Ask another city to look").select_option("bontang")
    press(city, "Ask for a review")
    expect(city.get_by_text("Asked to look: Bontang")).to_be_visible()

    peer = signed_in(chromium, node.url, "/network/capacity", "budi", PASSWORD)
    peer.get_by_role("link", name="Samarinda: BPBD Samarinda").click()
    peer.get_by_role("link", name="Review it").click()
    found = peer.get_by_role("group", name="2. People")
    found.get_by_label("What you found").select_option(label="disputed: 1 Not begun")
    press(peer, "Keep the review")
    expect(found).to_contain_text("Say why; the others will read it.")
    found.get_by_label("Why (needed when you dispute it)").fill("It names nobody.")
    peer.get_by_role("group", name="1. Data").get_by_label("What you found").select_option(
        label="accepted: 3 At work"
    )
    press(peer, "Keep the review")
    city.reload()
    reviewed = city.locator("#peers")
    expect(reviewed).to_contain_text("claimed: 2, found: 1")
    expect(reviewed).to_contain_text("It names nobody.")
    expect(reviewed).to_contain_text("accepted")

    address = city.url.partition("#")[0]
    with phone(chromium, bypass_csp=True, storage_state=city.context.storage_state()) as context:
        reader = context.new_page()
        for path in (address, node.url + PATH, node.url + "/network/capacity"):
            reader.goto(path)
            assert serious(reader) == []
            assert overlapping(reader) == []
