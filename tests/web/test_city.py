"""The page of a city: its facts, its numbers with their worth, and a place to act where there is no data."""

from __future__ import annotations

import csv
import io

from starlette.testclient import TestClient

from support.html import Page


def test_facts_and_numbers_in_the_readers_format(demo: TestClient) -> None:
    english = demo.get("/cities/samarinda").text
    assert "881,225" in english
    assert "716.8 km²" in english
    indonesian = demo.get("/cities/samarinda", headers={"accept-language": "id"}).text
    assert "881.225" in indonesian
    assert "716,8 km²" in indonesian
    assert "881,225" not in indonesian


def test_a_number_has_source_confidence_and_trace(demo: TestClient) -> None:
    page = demo.get("/cities/samarinda").text
    card = page[page.index(">Flood days<") :]
    card = card[: card.index("</article>")]
    assert "11 <small>days a year, 2025" in card
    assert "4 in 2023 was the best of 5 years." in card
    assert "Confidence" in card
    assert "/trace/value/samarinda/flood-days/2025" in card
    assert 'role="img"' in card
    assert "2023: 4" in card, "the chart in words"


def test_a_theme_without_data_is_a_place_to_act_and_never_a_zero(demo: TestClient) -> None:
    page = demo.get("/cities/samarinda").text
    card = page[page.index("<h3>Housing</h3>") :]
    card = card[: card.index("</article>")]
    assert "No data yet" in card
    assert "/upload?place=samarinda" in card
    assert "0" not in Page(card).text


def test_what_the_data_is_worth(demo: TestClient) -> None:
    table = Page(demo.get("/cities/jakarta").text).tables[0]
    rows = {row[0].strip(): row for row in table[1:]}
    fires = rows["Fires 2013"]
    assert "District is not in the code list: 182" in fires[3]
    assert fires[4].strip() == "205"
    assert "78%" in fires[2]


def test_the_citys_numbers_as_csv_and_json(demo: TestClient) -> None:
    rows = list(csv.DictReader(io.StringIO(demo.get("/cities/samarinda.csv").text)))
    floods = {row["period"]: row for row in rows if row["indicator"] == "flood-days"}
    assert floods["2025"]["value"] == "11"
    assert floods["2020"]["value"] == ""
    assert floods["2020"]["state"] == "notEnoughData"
    assert len(demo.get("/cities/samarinda.json").json()) == len(rows)


def test_the_picture_is_drawn_from_the_boundary_and_the_river(demo: TestClient) -> None:
    page = demo.get("/cities/samarinda").text
    assert page.count('<path class="area"') == 59
    assert "<title>Rawa Makmur</title>" in page
    assert '<path class="line tone-0"' in page


def test_a_place_without_an_outline_is_drawn_from_its_layers(demo: TestClient) -> None:
    assert "<title>" in demo.get("/cities/jakarta").text


def test_layers_as_geojson(demo: TestClient) -> None:
    villages = demo.get("/cities/samarinda/layers/0.geojson").json()
    assert len(villages["features"]) == 59
    assert {"id", "name"} == set(villages["features"][0]["properties"])
    quakes = demo.get("/cities/kaltim/layers/1.geojson").json()
    assert all(feature["geometry"]["type"] == "Point" for feature in quakes["features"])
    boundary = demo.get("/cities/samarinda/boundary.geojson").json()
    assert len(boundary["features"]) == 59


def test_the_network_leads_to_its_own_page(demo: TestClient) -> None:
    answer = demo.get("/cities/ascn", follow_redirects=False)
    assert answer.headers["location"] == "/network"
