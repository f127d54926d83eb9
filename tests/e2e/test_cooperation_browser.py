"""In a real browser: two cities' officers go from a match to a letter of intent, a finished task and a result."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pdfplumber
import pytest
from playwright.sync_api import Browser, expect

from mahakam.access.accounts import add_account
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.indicators.compute import compute_all
from support.browser import launched, overlapping, phone, press, serious, signed_in, stands
from support.demo_part import CONFIG, node_over, part_of_demo
from support.node import RunningNode
from support.people import in_office

PASSWORD = "correct horse battery"
VALUE = "/trace/value/bontang/people-per-health-centre/all"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """Three cities know how many people share a health centre; Samarinda and Bontang have their officers."""
    shutil.copytree(part_of_demo(), tmp_path / "data")
    inside = node_over(tmp_path / "data")
    for city in ("bontang", "balikpapan"):
        assert run_feed(Parts.of(inside), city, "health-centres", author="a test").state == "clean"
    compute_all(inside.broker)
    store = inside.store.tenant()
    for account, seat in (("siti", "samarinda"), ("wati", "bontang")):
        add_account(store, account, PASSWORD, ["resident"], ["ascn"])
        in_office(store, account, "city_officer", seat, seats=("samarinda", "bontang"))
    inside.close()
    with RunningNode(tmp_path / "data", config=CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def test_from_a_match_to_a_letter_of_intent_and_a_finished_task(chromium: Browser, node: RunningNode) -> None:
    samarinda = signed_in(chromium, node.url, "/network/matches?city=samarinda", "siti", PASSWORD)
    samarinda.get_by_role("link", name="Ask for contact Bontang").click()
    samarinda.wait_for_url("**/network/cooperation/new**")
    expect(samarinda.get_by_label("Whom you ask")).to_have_value("city:bontang")
    assert serious(samarinda) == []
    samarinda.get_by_label("What you ask and why · English").fill("How do so few people share a centre?")
    samarinda.get_by_label("What you ask and why · Bahasa Indonesia").fill("Mengapa begitu lengang?")
    press(samarinda, "Send the request")
    stands(samarinda, "asked")
    address = samarinda.url.partition("#")[0]
    path = address.removeprefix(node.url)

    # Bontang finds it at the top of its list and answers.
    bontang = signed_in(chromium, node.url, "/network/cooperation", "wati", PASSWORD)
    expect(bontang.get_by_role("heading", name="It is your turn")).to_be_visible()
    assert serious(bontang) == []
    bontang.goto(address)
    expect(bontang.get_by_text("Mengapa begitu lengang?")).to_be_visible()
    press(bontang, "Ready to talk")
    bontang.get_by_label("Your message · Bahasa Indonesia").fill("Silakan datang.")
    press(bontang, "Send the message")
    expect(bontang.get_by_text("Silakan datang.")).to_be_visible()

    # The letter: a gap is named and nothing typed is lost; both sign the same version.
    samarinda.goto(address)
    expect(samarinda.get_by_text("Silakan datang.")).to_be_visible()
    samarinda.get_by_role("link", name="Write the letter of intent").click()
    samarinda.get_by_label("What for · English").fill("Fewer people for each health centre")
    samarinda.get_by_label("What for · Bahasa Indonesia").fill("Lebih sedikit orang per puskesmas")
    samarinda.get_by_label("What Samarinda does · English").fill("Send two planners for a week.")
    samarinda.get_by_label("From").fill("2026-01-01")
    samarinda.get_by_label("Until").fill("2099-12-31")
    press(samarinda, "Propose this letter")
    expect(samarinda.locator("#asked_does-en-error")).to_be_visible()
    expect(samarinda.get_by_label("What for · English")).to_have_value("Fewer people for each health centre")
    samarinda.get_by_label("What Bontang does · English").fill("Show how the centres were planned.")
    assert serious(samarinda) == []
    press(samarinda, "Propose this letter")
    press(samarinda, "Sign it")
    assert httpx.get(address, follow_redirects=False).status_code == 303, "nobody else reads it yet"
    bontang.goto(address)
    press(bontang, "Sign it")
    stands(bontang, "agreed, at work")

    # Everybody reads the letter in both languages, with links to what it is about.
    for language, words in (
        ("en", "Fewer people for each health centre"),
        ("id", "Lebih sedikit orang per puskesmas"),
    ):
        pdf = httpx.get(f"{address}.pdf?lang={language}").content
        with pdfplumber.open(io.BytesIO(pdf)) as document:
            text = " ".join(page.extract_text() for page in document.pages)
            links = {link["uri"] for page in document.pages for link in page.hyperlinks}
        assert words in text
        assert {"Siti", "Wati"} <= set(text.replace(",", " ").split()), "who signed"
        assert f"{node.url}/indicators/bontang/people-per-health-centre" in links
        assert f"{node.url}/network/matches?city=samarinda" in links
        assert address in links

    # The work plan: what is late shows to everybody until it is done.
    bontang.get_by_label("What is to be done · English").fill("Receive the planners")
    bontang.get_by_label("Who", exact=True).select_option(label="Bontang")
    bontang.get_by_label("Until when").fill("2026-01-31")
    press(bontang, "Add the task")
    expect(bontang.locator("#plan")).to_contain_text("1 task is late")
    with phone(chromium, bypass_csp=True) as context:
        reader = context.new_page()
        reader.goto(node.url + "/network/cooperation?lang=en")
        expect(reader.locator("#tasks")).to_contain_text("late")
        assert serious(reader) == []
        assert overlapping(reader) == []
        reader.goto(address)
        expect(reader.locator("#plan")).to_contain_text("Receive the planners")
        expect(reader.get_by_text("Silakan datang.")).to_have_count(0)
        assert serious(reader) == []
        assert overlapping(reader) == []
    bontang.get_by_text("Report of a task").click()
    bontang.get_by_label("State").select_option("done")
    bontang.get_by_label("What was done · English").fill("They came for a week.")
    press(bontang, "Report it")
    expect(bontang.locator("#task-0")).to_contain_text("They came for a week.")
    expect(bontang.locator("#plan .note")).to_have_count(0)

    # The result needs evidence; the other side confirms it.
    samarinda.goto(address)
    samarinda.get_by_text("Write what came of it", exact=True).click()
    samarinda.get_by_label("What came of it · English").fill("A plan for three more centres.")
    press(samarinda, "Send it to be confirmed")
    expect(samarinda.locator("#result-evidence-error")).to_contain_text("Give the evidence")
    samarinda.locator("#result-evidence").fill(node.url + VALUE)
    press(samarinda, "Send it to be confirmed")
    stands(samarinda, "result to be confirmed")
    bontang.goto(address)
    press(bontang, "Confirm the result")
    stands(bontang, "done")
    assert serious(bontang) == []
    expect(bontang.locator("#result a").first).to_have_attribute("href", VALUE)
    row = next(
        one
        for one in httpx.get(node.url + "/network/cooperation.json").json()
        if path.endswith(one["number"])
    )
    assert (row["state"], row["tasks"], row["done"], row["about_kind"]) == ("done", 1, 1, "match")
