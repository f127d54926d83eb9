"""In a real browser: a question in Thai, put beside it in English by somebody else, answered, and accepted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from support.browser import overlapping, phone, press, serious, signed_in, stands
from support.node import RunningNode
from support.people import PASSWORD, node_with_offices

SOLUTION = "/network/solutions/samarinda/heavy-rain"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    offices = (("budi", "city_officer", "bontang"), ("siti", "city_officer", "samarinda"))
    with node_with_offices(tmp_path / "data", offices) as running:
        yield running


def test_a_question_crosses_languages(chromium: Browser, node: RunningNode) -> None:
    asker = signed_in(chromium, node.url, SOLUTION, "budi", PASSWORD)
    asker.get_by_role("link", name="Ask the other cities").click()
    asker.get_by_role("combobox", name="Language").select_option("th")
    asker.get_by_role("textbox", name="Question").fill("ราคาเท่าไร")
    press(asker, "Ask")
    expect(asker.locator("#text-error")).to_be_visible()
    expect(asker.get_by_role("textbox", name="Question")).to_have_value("ราคาเท่าไร")
    asker.get_by_label("In detail").fill("เครื่องวัดน้ำฝน")
    assert serious(asker) == []
    press(asker, "Ask")
    stands(asker, "waits for an answer")
    where = asker.url

    other = signed_in(chromium, node.url, SOLUTION, "siti", PASSWORD)
    other.get_by_role("link", name="ราคาเท่าไร").click()
    other.get_by_text("Put it into another language").click()
    asked = other.locator("#said-0")
    expect(asked.get_by_label("Language")).to_have_value("en")
    asked.get_by_role("textbox", name="Question").fill("What does it cost?")
    asked.get_by_label("Text").fill("A rain gauge.")
    press(other, "Put it beside")
    expect(asked.locator("[lang=th] h3")).to_have_text("ราคาเท่าไร")
    expect(asked.locator("[lang=en] h3")).to_have_text("What does it cost?")
    other.get_by_role("textbox", name="Text").last.fill("Ten million rupiah.")
    press(other, "Answer")
    stands(other, "answered")

    asker.reload()
    press(asker, "This answer helped")
    stands(asker, "an answer was accepted")
    with phone(chromium, bypass_csp=True) as context:
        reader = context.new_page()
        for path in (where, node.url + "/network/questions"):
            reader.goto(path)
            expect(reader.locator("main")).to_contain_text("What does it cost?")
            assert serious(reader) == []
            assert overlapping(reader) == []
