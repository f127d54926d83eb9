"""The catalogue of services through the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.portal import Portal, two_cities, words_of


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    (places / "prov" / "services").mkdir()
    (places / "prov" / "services" / "bridge.yaml").write_text(
        "name: {en: Bridge, id: Jembatan}\nagency: Dinas PU Provinsi\n"
    )
    with Portal(tmp_path / "data", places) as made:
        yield made


def test_a_citys_services_are_its_own_and_its_provinces(portal: Portal) -> None:
    browser = portal.browser()
    rows = browser.get("/services.json?place=town").json()
    assert {(row["place"], row["code"]) for row in rows} == {
        ("town", "bridge"),
        ("town", "pothole"),
        ("town", "street-light"),
    }
    assert len(browser.get("/services.csv").text.splitlines()) == 1 + 1 + 2 + 2
    page = words_of(browser.get("/services/town?lang=en").text)
    assert "Pothole" in page
    assert "Bridge" in page
    assert browser.get("/services/nowhere").status_code == 404


def test_search_forgives_and_says_when_nothing_is_found(portal: Portal) -> None:
    browser = portal.browser()
    assert [row["code"] for row in browser.get("/services.json?place=town&q=LAMPO").json()] == [
        "street-light"
    ]
    page = browser.get("/services?lang=en&q=<script>zzz")
    assert "Nothing found for “<script>zzz”" in words_of(page.text)
    assert "<script>zzz" not in page.text


def test_a_service_leads_to_its_report(portal: Portal) -> None:
    browser = portal.browser()
    page = browser.get("/services/town/pothole?lang=en")
    assert "Dinas PU" in words_of(page.text)
    assert "/report?city=town&amp;service=pothole" in page.text
    above = browser.get("/services/prov/bridge?lang=en").text
    assert "/report?city=town&amp;service=bridge" in above
    assert "/report?city=bay&amp;service=bridge" in above
    assert browser.get("/services/town/zzz").status_code == 404
