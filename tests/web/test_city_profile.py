"""The profile of a city: two pages in two languages, whatever there is, with the figures of the city's page."""

from __future__ import annotations

import io
import re

import pdfplumber
import pytest
from markupsafe import Markup
from starlette.testclient import TestClient

from mahakam.app import Node
from mahakam.indicators.series import all_series
from mahakam.web import indicator_views
from mahakam.web.city_profile import profile
from mahakam.web.datasets import datasets
from mahakam.web.language import reading
from mahakam.web.pages.city import facts


def pages(pdf: bytes) -> list[str]:
    with pdfplumber.open(io.BytesIO(pdf)) as file:
        return [re.sub(r"\s+", " ", page.extract_text()) for page in file.pages]


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize("place", ["samarinda", "bontang", "kaltim", "jakarta"])
def test_two_pages_with_the_figures_of_the_page(
    demo: TestClient, demo_node: Node, place: str, language: str
) -> None:
    answer = demo.get(f"/cities/{place}.pdf", params={"lang": language})
    assert answer.headers["content-type"] == "application/pdf"
    assert f"{place}-{language}.pdf" in answer.headers["content-disposition"]
    found = pages(answer.content)
    assert len(found) == 2
    where = demo_node.places[place]
    with reading(language, where.timezone):
        cards = indicator_views.cards(all_series(demo_node.broker, where), where)
        stated = facts(where)
    assert cards, "a place that knows nothing shows nothing here"
    for card in cards:
        assert card.value in found[1], card.name
    for card in cards[:6]:
        assert card.value in found[0].split(), card.name
    for fact in stated:
        assert str(fact["name"]) in found[0]
    assert ("Apa yang diketahui" if language == "id" else "What the city knows") in found[0]
    assert f'href="/cities/{place}.pdf"' in demo.get(f"/cities/{place}").text


def test_much_is_made_smaller_and_stays_two_pages(demo_node: Node) -> None:
    where = demo_node.places["samarinda"]
    with reading("en", where.timezone):
        cards = indicator_views.cards(all_series(demo_node.broker, where), where)
        sets = datasets(demo_node.store.tenant(), where)
        stated = [{**fact, "source": "a long source, " * 12} for fact in facts(where)] * 3
        made = profile(
            where, "City", stated, Markup(""), cards * 10, sets * 6, (), "https://example.org", "2026-11-26"
        )
    found = pages(made)
    assert len(found) == 2
    left = len(cards) * 10 - 24
    assert f"{left} more indicators" in found[1]


def test_a_place_that_there_is_not(demo: TestClient) -> None:
    assert demo.get("/cities/atlantis.pdf").status_code == 404
    network = demo.get("/cities/ascn.pdf", follow_redirects=False)
    assert network.headers["location"] == "/network/report.pdf"
