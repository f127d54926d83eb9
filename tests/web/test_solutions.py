"""Pages of solutions: list, filter, order, files, and each figure down to its rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from support.demo_part import node_over, part_of_demo
from support.html import Page

PATH = "/network/solutions"


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    found = node_over(part_of_demo())
    yield found
    found.close()


@pytest.fixture
def reader(node: Node) -> TestClient:
    return TestClient(Application(node), base_url="http://localhost", headers={"accept-language": "en"})


def rows(client: TestClient, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(f"{PATH}.csv{query}").text)))


def test_the_list_is_filtered_and_put_in_order(reader: TestClient) -> None:
    found = rows(reader)
    assert [row["id"] for row in found] == [
        "health-centres",
        "putrajaya-line",
        "pm25",
        "heavy-rain",
        "flood-days",
    ]
    assert {row["evidence"] for row in found} == {"none"}
    assert {row["why"] for row in found} == {"timeless", "empty", "broken", "unmeasured"}
    assert [row["id"] for row in rows(reader, "?city=jakarta")] == ["pm25"]
    assert [row["id"] for row in rows(reader, "?theme=services")] == ["health-centres"]
    assert [row["id"] for row in rows(reader, "?q=Dukcapil+REGISTER")] == ["health-centres"]
    assert [row["id"] for row in rows(reader, "?evidence=better")] == []
    assert next(row["id"] for row in rows(reader, "?sort=started")) in ("flood-days", "heavy-rain")
    assert reader.get(PATH + ".json?city=jakarta").json()[0]["feeds"] == "air-quality"
    page = Page(reader.get(PATH).text)
    for row in found:
        assert f"{PATH}/{row['place']}/{row['id']}" in page.links
    assert PATH in Page(reader.get("/network").text).links


def test_a_page_says_plainly_why_an_effect_cannot_be_measured(reader: TestClient) -> None:
    text = Page(reader.get(f"{PATH}/jakarta/pm25").text).text
    assert "counted in another way since it began" in text
    assert "PM2.5 is measured from 2021 on" in text, "the reason of the break"
    text = Page(reader.get(f"{PATH}/samarinda/health-centres").text).text
    assert "no before and no after" in text
    text = Page(reader.get(f"{PATH}/samarinda/flood-days").text).text
    assert "It makes flood days visible" in text
    assert "What went wrong" in text
    assert "Not known. Not stated by the source." in text


def test_every_figure_opens_to_its_trace(reader: TestClient) -> None:
    shown = reader.get(f"{PATH}/jakarta/pm25").text
    table = list(csv.DictReader(io.StringIO(reader.get(f"{PATH}/jakarta/pm25/evidence.csv").text)))
    assert len(table) == 15
    for row in table:
        address = f"/trace/value/jakarta/unhealthy-days/{row['period']}"
        assert re.search(rf'<a href="{address}">\s*{float(row["jakarta"]):,.0f}\s*</a>', shown), row
    assert reader.get("/trace/value/jakarta/unhealthy-days/2023").status_code == 200


@pytest.mark.parametrize("name", ["samarinda/none", "nowhere/pm25", "samarinda/..%2fpm25"])
def test_a_solution_that_there_is_not_is_not_found(reader: TestClient, name: str) -> None:
    assert reader.get(f"{PATH}/{name}").status_code == 404


def test_both_languages_say_the_same(reader: TestClient) -> None:
    text = Page(reader.get(f"{PATH}/jakarta/pm25?lang=id").text).text
    assert "Debu halus" in text
    assert "tidak dapat dibandingkan" in text


def test_whom_to_ask_is_said_with_the_reasons_and_the_weights(reader: TestClient) -> None:
    page = Page(reader.get("/network/matches").text)
    assert "Samarinda" in page.text
    shown = reader.get("/network/matches?city=samarinda").text
    text = Page(shown).text
    assert "It got worse since" in text, "flood days of 2025 beside those of 2024"
    assert "No other city of this node that measures it" in text
    assert "What like cities measure and this one does not" in text
    assert f"{PATH}/jakarta/pm25" in Page(shown).links
    assert "population: 881,225 and 10,684,946, 8% alike (weight 3)" in text
    assert "country: ID and ID, 100% alike (weight 1)" in text
    assert "Not stated by both: on the coast, on a river" in text
    changed = Page(reader.get("/network/matches?city=samarinda&w-population=0&w-country=50").text).text
    assert "881,225 and" not in changed
    assert "100% alike (weight 50)" in changed
    for nonsense in ("-1", "x", "1e9", "nan", "inf"):
        answer = reader.get(f"/network/matches?city=samarinda&w-population={nonsense}")
        assert answer.status_code == 200
        assert "8% alike (weight 3)" in Page(answer.text).text
    for city in ("nowhere", "kaltim"):
        assert reader.get(f"/network/matches?city={city}").status_code == 404
    assert reader.get("/network/matches.csv?city=samarinda").status_code == 200
    assert reader.get("/network/matches.json").json() == []
    assert "/network/matches" in Page(reader.get(PATH).text).links
