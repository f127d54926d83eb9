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


def test_a_service_is_found_with_the_name_of_a_place(portal: Portal) -> None:
    """As people type it: what, and where; a city, a district or a village of it."""
    portal.node.broker.create(
        {
            "id": "urn:ngsi-ld:AdministrativeArea:1",
            "type": "AdministrativeArea",
            "scope": ["/prov/bay"],
            "name": {"type": "Property", "value": "Bontang Kuala"},
            "level": {"type": "Property", "value": "village"},
            "location": {
                "type": "GeoProperty",
                "value": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
            },
        }
    )
    browser = portal.browser()

    def found(query: str) -> set[tuple[str, str]]:
        rows = browser.get(f"/services.json?{query}").json()
        return {(row["place"], row["code"]) for row in rows}

    assert found("q=lamp town") == {("town", "street-light")}
    assert found("q=LAMPO bontang kuala") == {("bay", "street-light")}
    assert found("place=town&q=lamp town") == {("town", "street-light")}
    assert found("place=town&q=lamp bay") == set()
    assert found("q=town") == found("place=town")
    page = browser.get("/services?lang=en&q=lamp+bay").text
    assert '<option value="bay" selected>' in page
    assert "Street light" in words_of(page)
    assert "Street light" in words_of(browser.get("/services/town?lang=en&q=lamp+town").text)


def test_a_service_leads_to_its_report(portal: Portal) -> None:
    browser = portal.browser()
    page = browser.get("/services/town/pothole?lang=en")
    assert "Dinas PU" in words_of(page.text)
    assert "/report?city=town&amp;service=pothole" in page.text
    above = browser.get("/services/prov/bridge?lang=en").text
    assert "/report?city=town&amp;service=bridge" in above
    assert "/report?city=bay&amp;service=bridge" in above
    assert browser.get("/services/town/zzz").status_code == 404


STANDARD = """name: {en: House aid, id: Bantuan rumah}
description: {en: Aid <for> a house, id: Bantuan}
agency: Dinas Perkim
events: [hardship]
example: true
office:
  {address: Jl. Dahlia 1, point: [117.05, -0.45], hours: ["Mo-Th 08:00-15:00", "Fr 08:00-11:00"], phone: "+62 541 1"}
standard:
  requirements: [{en: Identity card, id: KTP}, {en: Photos, id: Foto}]
  time: {en: 60 working days, id: 60 hari kerja}
targets: {finish: 60}
retention: {contact: 30}
form: {properties: {roof: {type: boolean, title: {en: "Roof?", id: "Atap?"}}}, required: [roof]}
"""


@pytest.fixture
def standard(tmp_path: Path) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    (places / "prov/town/services/house-aid.yaml").write_text(STANDARD)
    (places / "prov/province.yaml").write_text(
        "name: Prov\nstandard: {cost: {en: Free, id: Gratis}, time: {en: Some days, id: Beberapa hari}}\n"
    )
    with Portal(tmp_path / "data", places) as made:
        yield made


def test_a_service_states_its_standard(standard: Portal) -> None:
    page = standard.browser().get("/services/town/house-aid?lang=en").text
    words = words_of(page)
    for said in (
        "What you need Identity card Photos",
        "How long it takes 60 working days",
        "What it costs Free",
        "Jl. Dahlia 1",
        "Monday–Thursday 08:00–15:00",
        "Example configuration",
        "Not enough money",
    ):
        assert said in words, said
    assert "Some days" not in words, "the service's own component comes before the province's"
    assert 'itemtype="https://schema.org/GovernmentService"' in page
    assert "<for>" not in page
    assert "Senin–Kamis" in words_of(standard.browser().get("/services/town/house-aid?lang=id").text)


def test_a_service_is_schema_org(standard: Portal) -> None:
    answer = standard.browser().get("/services/town/house-aid.jsonld?lang=en")
    assert answer.headers["content-type"] == "application/ld+json"
    found = answer.json()
    assert found["@type"] == "GovernmentService"
    assert found["provider"] == {"@type": "GovernmentOrganization", "name": "Dinas Perkim"}
    online, office = found["availableChannel"]
    assert online["serviceUrl"].endswith("/report?city=town&service=house-aid")
    assert online["processingTime"] == "P60D"
    assert office["serviceLocation"]["openingHours"] == ["Mo-Th 08:00-15:00", "Fr 08:00-11:00"]
    assert office["serviceLocation"]["geo"]["latitude"] == -0.45
    assert found["offers"]["description"] == "Free"


def test_the_whole_catalogue_is_data(standard: Portal) -> None:
    browser = standard.browser()
    rows = {row["code"]: row for row in browser.get("/services.json?place=town&lang=en").json()}
    row = rows["house-aid"]
    assert row["requirements"] == "Identity card; Photos"
    assert (row["cost"], row["hours"], row["finish_days"], row["example"]) == (
        "Free",
        "Mo-Th 08:00-15:00, Fr 08:00-11:00",
        60,
        True,
    )
    assert rows["pothole"]["cost"] == "Free"
    assert browser.get("/services.csv").text.splitlines()[0].count(",") == len(row) - 1
    assert (row["verify_days"], row["longitude"], row["latitude"]) == (3, 117.05, -0.45), (
        "the city's own promise"
    )
    assert row["page"].endswith("/services/town/house-aid")
    assert row["form"]["properties"]["roof"]["title"] == {"en": "Roof?", "id": "Atap?"}
    assert row["form"]["required"] == ["roof"]
    assert row["contact_kept_days"] == 30


def test_a_service_is_found_by_the_event_of_life(standard: Portal) -> None:
    browser = standard.browser()
    assert [row["code"] for row in browser.get("/services.json?event=hardship").json()] == ["house-aid"]
    assert browser.get("/services.json?event=zzz").json() == []
    assert [row["code"] for row in browser.get("/services.json?place=town&q=hardship").json()] == []
    found = browser.get("/services.json?place=town&q=kesulitan ekonomi").json()
    assert [row["code"] for row in found] == ["house-aid"]
    assert '<option value="hardship" selected>' in browser.get("/services?event=hardship").text
