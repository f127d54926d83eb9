"""The insight page: what it shows can be read as tables, downloaded, and compared."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.services.desk import Desk
from mahakam.services.request import Draft
from support.html import Page
from support.portal import BAY, TOWN, Portal, two_cities, words_of


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        desk = Desk(made.node.broker, made.node.places, tmp_path / "data")
        chance = random.Random(3)
        for n in range(24):
            point = (TOWN[0] + chance.uniform(-0.04, 0.04), TOWN[1] + chance.uniform(-0.04, 0.04))
            desk.send(Draft("town", "pothole", f"Hole number {n} near the harbour", point))
        for _n in range(16):
            point = (TOWN[0] + 0.02, TOWN[1] + 0.02)
            desk.send(Draft("town", "street-light", "Dark <corner> at the market", point))
        desk.send(Draft("bay", "pothole", "Hole in the bay", BAY))
        desk.step("TOWN-2026-000001", 1, "answered", "Filled", "Dinas PU", "siti")
        yield made


def test_it_shows_what_where_when_and_in_which_words(portal: Portal) -> None:
    answer = portal.browser().get("/insight?city=town&lang=en")
    assert answer.status_code == 200
    words = words_of(answer.text)
    for said in (
        "Reports 40",
        "Open 39",
        "Street light out",
        "harbour",
        "corner",
        "Beside the other cities",
        "Bay",
    ):
        assert said in words, said
    assert "1 hexagon has more reports" in words or "hexagons have more reports" in words
    page = Page(answer.text)
    assert page.inline == []
    assert "<corner>" not in answer.text
    assert 'class="hex shade-4 hot"' in answer.text
    week = next(table for table in page.tables if table[0][0] == "Day" and len(table[0]) == 9)
    assert sum(int(cell) for row in week[1:] for cell in row[1:]) == 40


@pytest.mark.parametrize(
    ("name", "total"),
    [("", 40), ("agencies", 40), ("months", 40), ("hours", 40), ("spots", 40)],
)
def test_every_chart_is_a_table_too(portal: Portal, name: str, total: int) -> None:
    path = "/insight" + (f"/{name}" if name else "")
    rows = portal.browser().get(f"{path}.json?city=town").json()
    assert sum(row["reports"] for row in rows) == total
    lines = list(csv.DictReader(io.StringIO(portal.browser().get(f"{path}.csv?city=town").text)))
    assert [int(line["reports"]) for line in lines] == [row["reports"] for row in rows]


def test_words_and_cities(portal: Portal) -> None:
    browser = portal.browser()
    words = {row["word"]: row["reports"] for row in browser.get("/insight/words.json?city=town").json()}
    assert words["hole"] == 24
    assert words["market"] == 16
    cities = {row["city"]: row for row in browser.get("/insight/cities.json?city=town").json()}
    assert (cities["town"]["reports"], cities["bay"]["reports"]) == (40, 1)
    assert cities["town"]["per_thousand"] is None, "the town's file does not say how many live there"


def test_one_kind_and_a_short_time(portal: Portal) -> None:
    browser = portal.browser()
    rows = browser.get("/insight.json?city=town&service=street-light&days=30").json()
    assert [(row["service"], row["reports"]) for row in rows] == [("street-light", 16)]
    assert "Nothing was reported in this time" in words_of(
        browser.get("/insight?city=town&service=zzz&lang=en").text
    )
    assert browser.get("/insight?city=nowhere").status_code == 404
    assert browser.get("/insight?city=town&days=1e9").status_code == 200
