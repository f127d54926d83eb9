"""The reader's language: chosen, remembered, complete; numbers and dates as the reader writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from mahakam.web import language, messages
from mahakam.web.language import negotiate, reading
from mahakam.web.languages import languages


def test_every_message_has_its_indonesian() -> None:
    assert messages.faults() == []


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "chosen"),
    [
        (None, None, None, "id"),
        (None, None, "en-US,en;q=0.9", "en"),
        (None, None, "fr,en;q=0.3,id;q=0.8", "id"),
        (None, None, "fr", "id"),
        (None, "en", "id", "en"),
        ("id", "en", "en", "id"),
        ("xx", "yy", "en;q=0", "id"),
        (None, None, "en;q=abc", "en"),
        (None, None, "tl,en;q=0.5", "fil"),
        (None, None, "zh-Hant-SG,en;q=0.5", "zh"),
        (None, None, "TH-th;q=0.9, en;q=0.1", "th"),
        ("tet", "en", "en", "tet"),
    ],
)
def test_which_language(asked: str | None, remembered: str | None, accepted: str | None, chosen: str) -> None:
    assert negotiate(asked, remembered, accepted) == chosen


@given(st.text(max_size=200))
def test_any_header_gives_a_language(header: str) -> None:
    assert negotiate(None, None, header) in languages()


def test_the_choice_is_remembered(demo_node: Node) -> None:
    browser = TestClient(
        Application(demo_node), base_url="http://localhost", headers={"accept-language": "en"}
    )
    assert '<html lang="en">' in browser.get("/").text
    assert '<html lang="id">' in browser.get("/?lang=id").text
    assert '<html lang="id">' in browser.get("/quality").text
    assert '<html lang="en">' in browser.get("/quality?lang=en").text
    assert '<html lang="en">' in browser.get("/").text


def test_the_switch_keeps_the_page_and_its_filter(demo: TestClient) -> None:
    page = demo.get("/network?country=Thailand").text
    assert 'href="/network?country=Thailand&amp;lang=id"' in page


def test_numbers_and_dates() -> None:
    with reading("id", "Asia/Makassar"):
        assert language.number(1234.5) == "1.234,5"
        assert language.number(0.1234, 2) == "0,12"
        assert language.date("2026-11-24") == "24 November 2026"
        assert language.date("2026-08-17") == "17 Agustus 2026"
        assert language.time("2026-11-24T20:30:00Z") == "25 Nov 2026, 04:30"
        assert language.period("2025-05") == "Mei 2025"
        assert language.percent(0.845, 1) == "84,5%"
        assert language.measured(716.783, "km2", 1) == "716,8 km²"
        assert language.unit("d/a") == "hari setahun"
    with reading("en", "UTC"):
        assert language.number(1234.5) == "1,234.5"
        assert language.date("2026-11-24T23:30:00Z") == "24 November 2026"
        assert language.period("2025") == "2025"
        assert language.number(None) == "–"
        assert language.number(float("nan")) == "–"
        assert language.date("not a date") == "not a date"


def test_counts() -> None:
    with reading("en"):
        assert language.n_("%(n)s row", "%(n)s rows", 1) == "1 row"
        assert language.n_("%(n)s row", "%(n)s rows", 0) == "0 rows"
        assert language.n_("%(n)s row", "%(n)s rows", 1200) == "1,200 rows"
    with reading("id"):
        assert language.n_("%(n)s row", "%(n)s rows", 1200) == "1.200 baris"


def test_text_of_the_data_in_the_readers_language() -> None:
    text = {"en": "Rain", "id": "Hujan"}
    with reading("id"):
        assert language.words(text) == "Hujan"
        assert language.words("Rain") == "Rain"
        assert language.words({"th": "ฝน"}) == "ฝน"
        assert language.words(None) == ""
